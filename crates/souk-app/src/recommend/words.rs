//! What reasons say, in four languages. Every text that a shopper reads of a reason stands here.
//!
//! Each language answers for every [`Phrase`] by an exhaustive `match`, so a phrase that one of them
//! lacks does not compile. *Not* here: which phrase is true; that is decided where it is counted.

use std::borrow::Cow;

use souk_core::Product;

use super::{ReasonKind, Strategy};

mod english;
mod french;
mod german;
mod spanish;

/// A language that reasons are said in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Language {
    English,
    Spanish,
    French,
    German,
}

/// One thing that a reason can say. Names are those of products or of their kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phrase<'a> {
    /// In one basket with what is named.
    BoughtWith(&'a str),
    BoughtTogether,
    /// With the product on the page, whoever bought both.
    GoesWithPage,
    /// With what lies in the cart.
    GoesWithCart,
    /// With what was looked at in this visit.
    GoesWithSeen,
    /// By people who, at another time, buy what is named.
    BoughtByBuyersOf(&'a str),
    BoughtByShoppersLikeYou,
    /// In one visit with what is named.
    SeenWith(&'a str),
    SeenTogether,
    SeenByShoppersLikeYou,
    BoughtBefore,
    /// More than once.
    BoughtTimes(u32),
    LookedAtLately,
    SimilarTo(&'a str),
    SimilarToKnown,
    InDemand,
    Popular,
    New,
    /// One of what the shop has: nothing is known of what sells.
    FromRange,
    Picked,
    /// Of a whole list.
    OrderedByChoices,
}

/// How an answer came about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Summary<'a> {
    pub(crate) strategy: Strategy,
    /// Baskets of the shopper that are known.
    pub(crate) n_baskets: usize,
    /// Products of this visit that are known.
    pub(crate) n_seen: usize,
    /// Whether what shoppers took up of lists put them in order.
    pub(crate) is_ordered: bool,
    /// How often each kind of reason is given, in the order of kinds.
    pub(crate) reasons: &'a [(ReasonKind, usize)],
    /// Whether the shopper's past may be used.
    pub(crate) is_allowed: bool,
    /// Why, by the name that `GET …/consents` gives it.
    pub(crate) because: &'a str,
}

impl Language {
    /// Every language, English first.
    pub(crate) const ALL: [Language; 4] =
        [Language::English, Language::Spanish, Language::French, Language::German];

    /// The ISO 639-1 code.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Spanish => "es",
            Language::French => "fr",
            Language::German => "de",
        }
    }

    /// The language of an IETF tag, whatever its region; `None` for others.
    fn of(tag: &str) -> Option<Language> {
        let primary = primary(tag);
        Language::ALL.into_iter().find(|known| known.code().eq_ignore_ascii_case(primary))
    }

    /// Says it.
    pub(crate) fn say(self, phrase: Phrase<'_>) -> String {
        let said = match self {
            Language::English => english::say(phrase),
            Language::Spanish => spanish::say(phrase),
            Language::French => french::say(phrase),
            Language::German => german::say(phrase),
        };
        said.into_owned()
    }

    /// Tells in one sentence how an answer came about.
    pub(crate) fn sum_up(self, summary: &Summary<'_>) -> String {
        let kind_name = match self {
            Language::English => english::kind_name,
            Language::Spanish => spanish::kind_name,
            Language::French => french::kind_name,
            Language::German => german::kind_name,
        };
        let reasons: Vec<String> = summary
            .reasons
            .iter()
            .map(|(kind, count)| format!("{count} {}", kind_name(*kind)))
            .collect();
        let reasons = (!reasons.is_empty()).then(|| reasons.join(", "));
        let said = match self {
            Language::English => english::sum_up(summary, reasons.as_deref()),
            Language::Spanish => spanish::sum_up(summary, reasons.as_deref()),
            Language::French => french::sum_up(summary, reasons.as_deref()),
            Language::German => german::sum_up(summary, reasons.as_deref()),
        };
        match summary.is_ordered {
            true => format!("{said}; {}", self.say(Phrase::OrderedByChoices)),
            false => said,
        }
    }
}

/// The language of an answer, and the tag by which titles are looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tongue {
    pub(crate) language: Language,
    /// `None` where nothing says in which language titles should be.
    tag: Option<String>,
}

impl Tongue {
    /// The asked language, else the site's first that is spoken here, else English.
    pub(crate) fn choose(asked: Option<&str>, of_site: &[String]) -> Tongue {
        let tags = asked.into_iter().chain(of_site.iter().map(String::as_str));
        let spoken = tags.map(str::trim).find_map(|tag| Some((tag, Language::of(tag)?)));
        match spoken {
            Some((tag, language)) => Tongue { language, tag: Some(tag.to_owned()) },
            None => Tongue { language: Language::English, tag: None },
        }
    }

    /// The product's title: in exactly this tag, else in its language, else as the shop wrote it.
    pub(crate) fn title<'p>(&self, product: &'p Product) -> &'p str {
        let Some(tag) = self.tag.as_deref().filter(|_| !product.translations.is_empty()) else {
            return &product.title;
        };
        let titled = || {
            let all = product.translations.iter();
            all.filter_map(|(of, translation)| Some((of.as_str(), translation.title.as_deref()?)))
        };
        let same = |a: &str, b: &str| plain(a).eq_ignore_ascii_case(&plain(b));
        let exact = titled().find(|(of, _)| same(of, tag));
        // The language without a region speaks for all regions; one region only where there is no better.
        let general = || titled().find(|(of, _)| same(of, primary(tag)));
        let region = || titled().find(|(of, _)| primary(of).eq_ignore_ascii_case(primary(tag)));
        exact.or_else(general).or_else(region).map_or(&product.title, |(_, title)| title)
    }
}

/// The language of a tag, without script, region and variants.
fn primary(tag: &str) -> &str {
    tag.split(['-', '_']).next().unwrap_or(tag)
}

/// A tag with hyphens, whichever sign its sender uses.
fn plain(tag: &str) -> Cow<'_, str> {
    if tag.contains('_') { Cow::Owned(tag.replace('_', "-")) } else { Cow::Borrowed(tag) }
}

#[cfg(test)]
mod tests;
