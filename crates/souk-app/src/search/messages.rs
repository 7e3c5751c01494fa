//! What rules say beside the hits: where else to go, and banners.

use souk_core::rules::{Message, RuleAction};
use souk_search::Typing;

use super::SearchQuery;
use crate::recommend::Hand;

/// Banners of one answer; chosen: above more of them nobody sees a hit.
const BANNERS_MAX: usize = 5;

/// What the shop says above the hits of a search. Its texts are as the rule has them: a page shows them as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Banner {
    /// The heading.
    pub title: Option<Box<str>>,
    /// What it says below.
    pub text: Option<Box<str>>,
    /// Where it leads: a path of the shop, or an address.
    pub url: Option<Box<str>>,
    /// A picture, likewise.
    pub image_url: Option<Box<str>>,
}

/// What rules say to one search.
#[derive(Clone, Debug, Default)]
pub(super) struct Messages {
    pub(super) redirect: Option<Box<str>>,
    pub(super) banners: Vec<Banner>,
}

impl Messages {
    /// What the rules that hold say. While somebody types nobody is sent away, and further pages repeat nothing.
    pub(super) fn of(hand: &Hand<'_>, query: &SearchQuery) -> Messages {
        let mut all = Messages::default();
        if query.typing == Typing::Going || query.cursor.is_some() {
            return all;
        }
        for rule in hand.messages() {
            let Some(Message { url, title, text, image_url }) = rule.message.clone() else {
                continue;
            };
            match rule.action {
                RuleAction::Redirect => all.redirect = all.redirect.or(url),
                _ if all.banners.len() < BANNERS_MAX => {
                    all.banners.push(Banner { title, text, url, image_url });
                }
                _ => {}
            }
        }
        all
    }
}
