//! German. The shopper is addressed as *Sie*.

use std::borrow::Cow;

use super::{Phrase, Summary};
use crate::recommend::ReasonKind;

pub(super) fn say(phrase: Phrase<'_>) -> Cow<'static, str> {
    match phrase {
        Phrase::BoughtWith(name) => format!("Zusammen mit {name} gekauft").into(),
        Phrase::BoughtTogether => "Zusammen gekauft".into(),
        Phrase::GoesWithPage => "Passt zu diesem Produkt".into(),
        Phrase::GoesWithCart => "Passt zu dem, was in Ihrem Warenkorb liegt".into(),
        Phrase::GoesWithSeen => "Passt zu dem, was Sie angesehen haben".into(),
        Phrase::BoughtByBuyersOf(name) => {
            format!("Gekauft von Kunden, die auch {name} kaufen").into()
        }
        Phrase::BoughtByShoppersLikeYou => "Gekauft von Kunden mit ähnlichem Geschmack".into(),
        Phrase::SeenWith(name) => format!("Zusammen mit {name} angesehen").into(),
        Phrase::SeenTogether => "Zusammen angesehen".into(),
        Phrase::SeenByShoppersLikeYou => "Angesehen von Kunden mit ähnlichem Geschmack".into(),
        Phrase::BoughtBefore => "Haben Sie schon einmal gekauft".into(),
        Phrase::BoughtTimes(times) => format!("Haben Sie {times}-mal gekauft").into(),
        Phrase::LookedAtLately => "Haben Sie kürzlich angesehen".into(),
        Phrase::SimilarTo(title) => format!("Ähnlich wie {title}").into(),
        Phrase::SimilarToKnown => "Ähnlich wie Produkte, die Sie kennen".into(),
        Phrase::InDemand => "Gerade sehr gefragt".into(),
        Phrase::Popular => "Beliebt in diesem Shop".into(),
        Phrase::New => "Neu in diesem Shop".into(),
        Phrase::FromRange => "Aus dem Sortiment dieses Shops".into(),
        Phrase::Picked => "Vom Shop ausgewählt".into(),
        Phrase::OrderedByChoices => {
            "in der Reihenfolge, die aus der Wahl der Kunden gelernt ist".into()
        }
    }
}

pub(super) fn kind_name(kind: ReasonKind) -> &'static str {
    match kind {
        ReasonKind::BoughtTogether => "zusammen gekauft",
        ReasonKind::BoughtBefore => "schon gekauft",
        ReasonKind::SimilarShoppers => "von ähnlichen Kunden gekauft",
        ReasonKind::SimilarProduct => "bekannten Produkten ähnlich",
        ReasonKind::ViewedTogether => "zusammen angesehen",
        ReasonKind::RecentlyViewed => "kürzlich angesehen",
        ReasonKind::Trending => "gerade gefragt",
        ReasonKind::Popular => "beliebt",
        ReasonKind::New => "neu",
        ReasonKind::Range => "aus dem Sortiment",
        ReasonKind::Picked => "vom Shop ausgewählt",
    }
}

pub(super) fn sum_up(summary: &Summary<'_>, reasons: Option<&str>) -> String {
    let baskets = match summary.n_baskets {
        1 => "1 Einkauf".to_owned(),
        count => format!("{count} Einkäufe"),
    };
    let seen = match summary.n_seen {
        1 => "1 Produkt".to_owned(),
        count => format!("{count} Produkte"),
    };
    let past = match summary.is_allowed {
        true => "Personalisierung ist erlaubt",
        false => "von früher wird nichts verwendet",
    };
    format!(
        "Strategie {}: bekannt sind {baskets} und {seen} dieses Besuchs; Gründe: {}; {past} ({})",
        summary.strategy.as_str(),
        reasons.unwrap_or("keine"),
        summary.because,
    )
}
