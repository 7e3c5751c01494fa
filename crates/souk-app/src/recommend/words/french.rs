//! French. The shopper is addressed as *vous*.

use std::borrow::Cow;

use super::{Phrase, Summary};
use crate::recommend::ReasonKind;

pub(super) fn say(phrase: Phrase<'_>) -> Cow<'static, str> {
    match phrase {
        Phrase::BoughtWith(name) => format!("Acheté avec {name}").into(),
        Phrase::BoughtTogether => "Achetés ensemble".into(),
        Phrase::GoesWithPage => "Va avec ce produit".into(),
        Phrase::GoesWithCart => "Va avec ce qui est dans votre panier".into(),
        Phrase::GoesWithSeen => "Va avec ce que vous avez consulté".into(),
        Phrase::BoughtByBuyersOf(name) => {
            format!("Acheté par des clients qui achètent aussi {name}").into()
        }
        Phrase::BoughtByShoppersLikeYou => {
            "Acheté par des clients aux goûts proches des vôtres".into()
        }
        Phrase::SeenWith(name) => format!("Consulté avec {name}").into(),
        Phrase::SeenTogether => "Consultés ensemble".into(),
        Phrase::SeenByShoppersLikeYou => {
            "Consulté par des clients aux goûts proches des vôtres".into()
        }
        Phrase::BoughtBefore => "Vous l’avez déjà acheté".into(),
        Phrase::BoughtTimes(times) => format!("Vous l’avez acheté {times} fois").into(),
        Phrase::LookedAtLately => "Vous l’avez consulté récemment".into(),
        Phrase::SimilarTo(title) => format!("Similaire à {title}").into(),
        Phrase::SimilarToKnown => "Similaire à des produits que vous connaissez".into(),
        Phrase::InDemand => "Très demandé en ce moment".into(),
        Phrase::Popular => "Populaire dans cette boutique".into(),
        Phrase::New => "Nouveau dans cette boutique".into(),
        Phrase::FromRange => "De l’assortiment de cette boutique".into(),
        Phrase::Picked => "Sélectionné par la boutique".into(),
        Phrase::OrderedByChoices => "dans l’ordre appris des choix des clients".into(),
    }
}

pub(super) fn kind_name(kind: ReasonKind) -> &'static str {
    match kind {
        ReasonKind::BoughtTogether => "achetés ensemble",
        ReasonKind::BoughtBefore => "déjà achetés",
        ReasonKind::SimilarShoppers => "achetés par des clients semblables",
        ReasonKind::SimilarProduct => "similaires à des produits connus",
        ReasonKind::ViewedTogether => "consultés ensemble",
        ReasonKind::RecentlyViewed => "consultés récemment",
        ReasonKind::Trending => "très demandés en ce moment",
        ReasonKind::Popular => "populaires",
        ReasonKind::New => "nouveautés",
        ReasonKind::Range => "de l’assortiment",
        ReasonKind::Picked => "sélectionnés par la boutique",
    }
}

pub(super) fn sum_up(summary: &Summary<'_>, reasons: Option<&str>) -> String {
    // In French, nothing is singular too.
    let plural = |count: usize| if count < 2 { "" } else { "s" };
    let (baskets, seen) = (summary.n_baskets, summary.n_seen);
    let past = match summary.is_allowed {
        true => "la personnalisation est autorisée",
        false => "rien de ce qui a été fait auparavant n’est utilisé",
    };
    format!(
        "stratégie {} : {baskets} panier{} et {seen} produit{} de cette visite connus ; \
         raisons : {} ; {past} ({})",
        summary.strategy.as_str(),
        plural(baskets),
        plural(seen),
        reasons.unwrap_or("aucune"),
        summary.because,
    )
}
