#![allow(clippy::unwrap_used)]

use expect_test::{Expect, expect};
use serde_json::json;

use super::*;
use crate::recommend::tests::{ask, for_user, grocer, id, product};
use crate::recommend::{RecommendRequest, Strategy};
use crate::test_shop::caller;
use crate::{ReasonKind, Role};

const PHRASES: [Phrase<'static>; 21] = [
    Phrase::BoughtWith("X"),
    Phrase::BoughtTogether,
    Phrase::GoesWithPage,
    Phrase::GoesWithCart,
    Phrase::GoesWithSeen,
    Phrase::BoughtByBuyersOf("X"),
    Phrase::BoughtByShoppersLikeYou,
    Phrase::SeenWith("X"),
    Phrase::SeenTogether,
    Phrase::SeenByShoppersLikeYou,
    Phrase::BoughtBefore,
    Phrase::BoughtTimes(3),
    Phrase::LookedAtLately,
    Phrase::SimilarTo("X"),
    Phrase::SimilarToKnown,
    Phrase::InDemand,
    Phrase::Popular,
    Phrase::New,
    Phrase::FromRange,
    Phrase::Picked,
    Phrase::OrderedByChoices,
];

const KINDS: [ReasonKind; 11] = [
    ReasonKind::BoughtTogether,
    ReasonKind::BoughtBefore,
    ReasonKind::SimilarShoppers,
    ReasonKind::SimilarProduct,
    ReasonKind::ViewedTogether,
    ReasonKind::RecentlyViewed,
    ReasonKind::Trending,
    ReasonKind::Popular,
    ReasonKind::New,
    ReasonKind::Range,
    ReasonKind::Picked,
];

fn all_of(language: Language) -> String {
    let phrases: Vec<String> = PHRASES.into_iter().map(|phrase| language.say(phrase)).collect();
    phrases.join("\n") + "\n"
}

/// Every phrase in every language, for a reader who speaks it.
#[test]
fn every_phrase_is_said_in_every_language() {
    let check = |language, expected: Expect| expected.assert_eq(&all_of(language));
    check(
        Language::English,
        expect![[r#"
        Bought with X
        Bought together
        Goes with this product
        Goes with what is in your cart
        Goes with what you looked at
        Bought by shoppers who also buy X
        Bought by shoppers like you
        Seen together with X
        Seen together
        Seen by shoppers like you
        You bought it before
        You bought it 3 times
        You looked at it recently
        Similar to X
        Similar to products you know
        In demand right now
        Popular in this shop
        New in this shop
        From this shop’s range
        Picked by the shop
        in the order that shoppers’ choices taught
    "#]],
    );
    check(
        Language::Spanish,
        expect![[r#"
        Comprado junto con X
        Comprados juntos
        Va bien con este producto
        Va bien con lo que hay en tu carrito
        Va bien con lo que has visto
        Comprado por clientes que también compran X
        Comprado por clientes con gustos parecidos a los tuyos
        Visto junto con X
        Vistos juntos
        Visto por clientes con gustos parecidos a los tuyos
        Ya lo compraste antes
        Lo compraste 3 veces
        Lo viste hace poco
        Similar a X
        Similar a productos que ya conoces
        Muy solicitado en este momento
        Popular en esta tienda
        Novedad en esta tienda
        Del surtido de esta tienda
        Seleccionado por la tienda
        en el orden aprendido de lo que eligen los clientes
    "#]],
    );
    check(
        Language::French,
        expect![[r#"
        Acheté avec X
        Achetés ensemble
        Va avec ce produit
        Va avec ce qui est dans votre panier
        Va avec ce que vous avez consulté
        Acheté par des clients qui achètent aussi X
        Acheté par des clients aux goûts proches des vôtres
        Consulté avec X
        Consultés ensemble
        Consulté par des clients aux goûts proches des vôtres
        Vous l’avez déjà acheté
        Vous l’avez acheté 3 fois
        Vous l’avez consulté récemment
        Similaire à X
        Similaire à des produits que vous connaissez
        Très demandé en ce moment
        Populaire dans cette boutique
        Nouveau dans cette boutique
        De l’assortiment de cette boutique
        Sélectionné par la boutique
        dans l’ordre appris des choix des clients
    "#]],
    );
    check(
        Language::German,
        expect![[r#"
        Zusammen mit X gekauft
        Zusammen gekauft
        Passt zu diesem Produkt
        Passt zu dem, was in Ihrem Warenkorb liegt
        Passt zu dem, was Sie angesehen haben
        Gekauft von Kunden, die auch X kaufen
        Gekauft von Kunden mit ähnlichem Geschmack
        Zusammen mit X angesehen
        Zusammen angesehen
        Angesehen von Kunden mit ähnlichem Geschmack
        Haben Sie schon einmal gekauft
        Haben Sie 3-mal gekauft
        Haben Sie kürzlich angesehen
        Ähnlich wie X
        Ähnlich wie Produkte, die Sie kennen
        Gerade sehr gefragt
        Beliebt in diesem Shop
        Neu in diesem Shop
        Aus dem Sortiment dieses Shops
        Vom Shop ausgewählt
        in der Reihenfolge, die aus der Wahl der Kunden gelernt ist
    "#]],
    );
}

#[test]
fn no_two_phrases_and_no_two_languages_say_the_same() {
    let mut said: Vec<String> = Language::ALL
        .into_iter()
        .flat_map(|language| PHRASES.into_iter().map(move |phrase| language.say(phrase)))
        .collect();
    let names = said.iter().filter(|text| text.contains('X')).count();
    assert_eq!(names, 4 * Language::ALL.len(), "what names a product does so in each language");
    let counts = said.iter().filter(|text| text.contains('3')).count();
    assert_eq!(counts, Language::ALL.len(), "what counts does so in each language");
    let n_said = said.len();
    said.sort_unstable();
    said.dedup();
    assert_eq!(said.len(), n_said);
}

#[test]
fn a_summary_names_every_kind_and_counts_as_each_language_does() {
    let reasons: Vec<_> = KINDS.into_iter().zip(1..).collect();
    let summary = |n_baskets, n_seen, is_allowed, reasons: &[_]| {
        let strategy = Strategy::ForYou;
        let summary = Summary {
            strategy,
            n_baskets,
            n_seen,
            is_ordered: n_seen == 7,
            reasons,
            is_allowed,
            because: "unasked",
        };
        let said = Language::ALL.into_iter().map(|language| language.sum_up(&summary));
        said.collect::<Vec<_>>().join("\n") + "\n"
    };
    expect![[r#"
        strategy for_you: 2 baskets and 3 products of this visit are known; reasons: 1 bought together, 2 bought before, 3 bought by similar shoppers, 4 similar to known products, 5 seen together, 6 recently viewed, 7 in demand now, 8 popular, 9 new, 10 from the range, 11 picked by the shop; personalization is allowed (unasked)
        estrategia for_you: se conocen 2 compras y 3 productos de esta visita; motivos: 1 comprados juntos, 2 comprados antes, 3 comprados por clientes parecidos, 4 similares a productos conocidos, 5 vistos juntos, 6 vistos hace poco, 7 muy solicitados ahora, 8 populares, 9 novedades, 10 del surtido, 11 seleccionados por la tienda; la personalización está permitida (unasked)
        stratégie for_you : 2 paniers et 3 produits de cette visite connus ; raisons : 1 achetés ensemble, 2 déjà achetés, 3 achetés par des clients semblables, 4 similaires à des produits connus, 5 consultés ensemble, 6 consultés récemment, 7 très demandés en ce moment, 8 populaires, 9 nouveautés, 10 de l’assortiment, 11 sélectionnés par la boutique ; la personnalisation est autorisée (unasked)
        Strategie for_you: bekannt sind 2 Einkäufe und 3 Produkte dieses Besuchs; Gründe: 1 zusammen gekauft, 2 schon gekauft, 3 von ähnlichen Kunden gekauft, 4 bekannten Produkten ähnlich, 5 zusammen angesehen, 6 kürzlich angesehen, 7 gerade gefragt, 8 beliebt, 9 neu, 10 aus dem Sortiment, 11 vom Shop ausgewählt; Personalisierung ist erlaubt (unasked)
    "#]].assert_eq(&summary(2, 3, true, &reasons));
    expect![[r#"
        strategy for_you: 1 basket and 1 product of this visit are known; reasons: 1 bought together; nothing that was done before is used (unasked)
        estrategia for_you: se conocen 1 compra y 1 producto de esta visita; motivos: 1 comprados juntos; no se utiliza nada de lo hecho anteriormente (unasked)
        stratégie for_you : 1 panier et 1 produit de cette visite connus ; raisons : 1 achetés ensemble ; rien de ce qui a été fait auparavant n’est utilisé (unasked)
        Strategie for_you: bekannt sind 1 Einkauf und 1 Produkt dieses Besuchs; Gründe: 1 zusammen gekauft; von früher wird nichts verwendet (unasked)
    "#]].assert_eq(&summary(1, 1, false, &reasons[..1]));
    expect![[r#"
        strategy for_you: 0 baskets and 0 products of this visit are known; reasons: none; nothing that was done before is used (unasked)
        estrategia for_you: se conocen 0 compras y 0 productos de esta visita; motivos: ninguno; no se utiliza nada de lo hecho anteriormente (unasked)
        stratégie for_you : 0 panier et 0 produit de cette visite connus ; raisons : aucune ; rien de ce qui a été fait auparavant n’est utilisé (unasked)
        Strategie for_you: bekannt sind 0 Einkäufe und 0 Produkte dieses Besuchs; Gründe: keine; von früher wird nichts verwendet (unasked)
    "#]].assert_eq(&summary(0, 0, false, &[]));
    let ordered = summary(0, 7, true, &[]);
    let ends = Language::ALL.map(|language| language.say(Phrase::OrderedByChoices));
    assert!(ordered.lines().zip(ends).all(|(said, end)| said.ends_with(&format!("; {end}"))));
}

#[test]
fn the_language_is_the_asked_one_then_the_sites_then_english() {
    let site = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
    let chosen = |asked: Option<&str>, of_site: &[&str]| {
        Tongue::choose(asked, &site(of_site)).language.code()
    };
    assert_eq!(chosen(Some("de"), &["en"]), "de");
    assert_eq!(chosen(Some("de-AT"), &["en"]), "de");
    assert_eq!(chosen(Some("FR_ca"), &["en"]), "fr");
    assert_eq!(chosen(Some("es-419"), &["en"]), "es");
    assert_eq!(chosen(Some("it-IT"), &["fr", "en"]), "fr", "an unknown one is the site's");
    assert_eq!(chosen(Some("deu"), &["en"]), "en", "a longer code is another language");
    assert_eq!(chosen(Some(""), &["es"]), "es");
    assert_eq!(chosen(None, &["pt-BR", "de"]), "de", "the site's first that is spoken");
    assert_eq!(chosen(None, &["it"]), "en");
    assert_eq!(chosen(None, &[]), "en");
}

#[test]
fn a_title_is_taken_in_the_nearest_translation() {
    let bread = product(&json!({"id": "b", "title": "Rye Bread", "translations": {
        "de": {"title": "Roggenbrot"}, "de-AT": {"title": "Roggenlaib"},
        "fr-CA": {"title": "Pain de seigle"}, "es": {"description": "Pan sin título"}}}));
    let title = |asked: &str| Tongue::choose(Some(asked), &[]).title(&bread).to_owned();
    assert_eq!(title("de"), "Roggenbrot");
    assert_eq!(title("de_at"), "Roggenlaib");
    assert_eq!(title("de-CH"), "Roggenbrot", "the language speaks for its regions");
    assert_eq!(title("fr"), "Pain de seigle", "a region where there is no better");
    assert_eq!(title("es"), "Rye Bread", "a translation without a title says none");
    assert_eq!(title("en"), "Rye Bread");
    assert_eq!(Tongue::choose(None, &[]).title(&bread), "Rye Bread");
    assert_eq!(Tongue::choose(None, &["de".to_owned()]).title(&bread), "Roggenbrot");
}

/// The whole way: the request's locale decides the reasons, the titles in them and the explanation.
#[tokio::test]
async fn an_answer_speaks_the_language_that_was_asked_for() {
    let shop = grocer().await;
    let bread = product(&json!({"id": "bread", "title": "Rye Bread",
        "price": {"amount": 299, "currency": "USD"},
        "translations": {"de": {"title": "Roggenbrot"}, "es": {"title": "Pan de centeno"}}}));
    shop.app.put_products(vec![bread], &caller(Role::Admin)).await.unwrap();
    shop.app.wait_for(&shop.app.parts.log.end().await.unwrap()).await.unwrap();
    let texts = |locale: Option<&'static str>| {
        let shop = &shop;
        async move {
            let mut request = RecommendRequest::new(Strategy::BoughtTogether, 1);
            request.context.product_id = Some(id("bread"));
            request.context.locale = locale.map(str::to_owned);
            let together = ask(shop, &request).await;
            let mut request = for_user(Strategy::BuyAgain, "regular");
            request.context.locale = locale.map(str::to_owned);
            request.explain = true;
            let again = ask(shop, &request).await;
            [
                together.recommendations[0].reason.text.clone(),
                again.recommendations[0].reason.text.clone(),
                again.explanation.unwrap(),
            ]
        }
    };
    let german = texts(Some("de-AT")).await;
    assert_eq!(german[..2], ["Zusammen mit Roggenbrot gekauft", "Haben Sie 3-mal gekauft"]);
    assert!(german[2].starts_with("Strategie buy_again: bekannt sind 3 Einkäufe"), "{german:?}");
    assert!(german[2].contains("2 schon gekauft; Personalisierung ist erlaubt"), "{german:?}");
    let spanish = texts(Some("es")).await;
    assert_eq!(spanish[..2], ["Comprado junto con Pan de centeno", "Lo compraste 3 veces"]);
    let english = texts(None).await;
    assert_eq!(english[..2], ["Bought with Rye Bread", "You bought it 3 times"]);
    assert_eq!(
        texts(Some("it")).await,
        english,
        "the site's language where this one is not spoken"
    );
}
