//! Spanish. The shopper is addressed as *tú*, in words that hold on both sides of the Atlantic.

use std::borrow::Cow;

use super::{Phrase, Summary};
use crate::recommend::ReasonKind;

pub(super) fn say(phrase: Phrase<'_>) -> Cow<'static, str> {
    match phrase {
        Phrase::BoughtWith(name) => format!("Comprado junto con {name}").into(),
        Phrase::BoughtTogether => "Comprados juntos".into(),
        Phrase::GoesWithPage => "Va bien con este producto".into(),
        Phrase::GoesWithCart => "Va bien con lo que hay en tu carrito".into(),
        Phrase::GoesWithSeen => "Va bien con lo que has visto".into(),
        Phrase::BoughtByBuyersOf(name) => {
            format!("Comprado por clientes que también compran {name}").into()
        }
        Phrase::BoughtByShoppersLikeYou => {
            "Comprado por clientes con gustos parecidos a los tuyos".into()
        }
        Phrase::SeenWith(name) => format!("Visto junto con {name}").into(),
        Phrase::SeenTogether => "Vistos juntos".into(),
        Phrase::SeenByShoppersLikeYou => {
            "Visto por clientes con gustos parecidos a los tuyos".into()
        }
        Phrase::BoughtBefore => "Ya lo compraste antes".into(),
        Phrase::BoughtTimes(times) => format!("Lo compraste {times} veces").into(),
        Phrase::LookedAtLately => "Lo viste hace poco".into(),
        Phrase::SimilarTo(title) => format!("Similar a {title}").into(),
        Phrase::SimilarToKnown => "Similar a productos que ya conoces".into(),
        Phrase::InDemand => "Muy solicitado en este momento".into(),
        Phrase::Popular => "Popular en esta tienda".into(),
        Phrase::New => "Novedad en esta tienda".into(),
        Phrase::FromRange => "Del surtido de esta tienda".into(),
        Phrase::Picked => "Seleccionado por la tienda".into(),
        Phrase::OrderedByChoices => "en el orden aprendido de lo que eligen los clientes".into(),
    }
}

pub(super) fn kind_name(kind: ReasonKind) -> &'static str {
    match kind {
        ReasonKind::BoughtTogether => "comprados juntos",
        ReasonKind::BoughtBefore => "comprados antes",
        ReasonKind::SimilarShoppers => "comprados por clientes parecidos",
        ReasonKind::SimilarProduct => "similares a productos conocidos",
        ReasonKind::ViewedTogether => "vistos juntos",
        ReasonKind::RecentlyViewed => "vistos hace poco",
        ReasonKind::Trending => "muy solicitados ahora",
        ReasonKind::Popular => "populares",
        ReasonKind::New => "novedades",
        ReasonKind::Range => "del surtido",
        ReasonKind::Picked => "seleccionados por la tienda",
    }
}

pub(super) fn sum_up(summary: &Summary<'_>, reasons: Option<&str>) -> String {
    let baskets = match summary.n_baskets {
        1 => "1 compra".to_owned(),
        count => format!("{count} compras"),
    };
    let seen = match summary.n_seen {
        1 => "1 producto".to_owned(),
        count => format!("{count} productos"),
    };
    let past = match summary.is_allowed {
        true => "la personalización está permitida",
        false => "no se utiliza nada de lo hecho anteriormente",
    };
    format!(
        "estrategia {}: se conocen {baskets} y {seen} de esta visita; motivos: {}; {past} ({})",
        summary.strategy.as_str(),
        reasons.unwrap_or("ninguno"),
        summary.because,
    )
}
