#![allow(clippy::unwrap_used)]
use expect_test::{Expect, expect};

use super::*;

fn check(text: &str, expected: Expect) {
    let mut tokens = Tokens::default();
    tokens.read(text);
    let shown: Vec<String> = tokens
        .all()
        .iter()
        .map(|token| {
            let mark = if token.is_extra { "+" } else { "" };
            format!("{mark}{}", tokens.text(token))
        })
        .collect();
    expected.assert_eq(&shown.join(" "));
}

#[test]
fn words_are_folded() {
    check("Crème Brûlée, STRASSE Straße œuf", expect!["creme brulee strasse strasse oeuf"]);
    check("men's levi’s l'eau d’olive", expect!["men levi eau olive"]);
    check("東京 tea", expect!["東 京 tea"]);
    // Signs of trade marks say nothing, but part words.
    check("Dynex™ Insignia® Foo℠Bar ©2020", expect!["dynex insignia foo bar 2020"]);
}

#[test]
fn numbers_carry_their_units() {
    check("16 oz", expect!["16oz +16 +oz"]);
    check("16oz 16-ounce", expect!["16oz +16 16oz +16 +ounce"]);
    check("1.5 l", expect!["1500ml +1.5 +l"]);
    check("1,5l und 1500 ml", expect!["1500ml +1,5 und 1500ml +1500 +ml"]);
    check("15.6\" display", expect!["15.6in +15.6 display"]);
    check("1TB or 1000 GB", expect!["1000gb +1 or 1000gb +1000 +gb"]);
    check("5 in 1 and 5 in", expect!["5 in 1 and 5in +5 +in"]);
    check("1,000 sheets", expect!["1000 sheets"]);
}

#[test]
fn shares_and_fractions_are_one_word() {
    check(
        "2% Milk, 100 % juice, 50-percent",
        expect!["2% +2 milk 100% +100 juice 50% +50 +percent"],
    );
    check(
        "1/2 gal ½ gallon 0.5 gal",
        expect!["0.5gal +1/2 +gal 0.5gal +1/2 +gallon 0.5gal +0.5 +gal"],
    );
    check("1 1/2 lb, 8-7/8 oz", expect!["1.5lb 8.875oz"]);
    check("3/4\" pipe", expect!["0.75in +3/4 pipe"]);
    check("case for iPhone 7/8", expect!["case for iphone 7/8 +7 +8"]);
    // Packs of several, shares of days, dates and lists of numbers.
    check("6/12 oz 8/6.5 oz", expect!["6 12oz +12 +oz 8 6.5oz +6.5 +oz"]);
    check("24/7 1/2/2026 4/1/2", expect!["24 7 1 2 2026 4 1 2"]);
}

#[test]
fn signs_of_feet_and_inches_are_units() {
    check("6' cable 6 ft 6-foot", expect!["6ft +6 cable 6ft +6 +ft 6ft +6 +foot"]);
    check("6′ cable 15.6″ 15'' 6’", expect!["6ft +6 cable 15.6in +15.6 15in +15 6ft +6"]);
    check("5'6\" 6'x4'", expect!["5ft +5 6in +6 6ft +6 x4"]);
    check("1'000 10'er '64' 1980's", expect!["1 000 10 er 64 1980"]);
}

#[test]
fn codes_keep_whole_and_have_parts() {
    check("2x4 2 x 4 2×4", expect!["2x4 2x4 2x4"]);
    check("RTX2060 rtx 2060", expect!["rtx2060 +rtx +2060 rtx 2060"]);
    check("WH-1000XM4", expect!["wh 1000xm4 +wh1000xm4"]);
    check("Wi-Fi AT&T", expect!["wi fi +wifi at t +att"]);
    check("802.11ac", expect!["802.11ac"]);
    check("Galaxy S 4 PS-4, S 4.5", expect!["galaxy s +s4 4 ps +ps4 4 s 4.5"]);
    check("a 4 de 4 note 4 s 2x", expect!["a 4 de 4 note 4 s 2x"]);
}

#[test]
fn english_singulars() {
    let pairs = [
        ("batteries", "battery"),
        ("movies", "movie"),
        ("watches", "watch"),
        ("shoes", "shoe"),
        ("lenses", "lens"),
        ("boxes", "box"),
        ("glasses", "glass"),
        ("tomatoes", "tomato"),
        ("houses", "house"),
        ("women", "woman"),
        ("mice", "mouse"),
    ];
    for (plural, singular) in pairs {
        let stem = |word| Language::English.stem(word);
        assert_eq!(stem(plural), stem(singular), "{plural}");
    }
    for kept in ["organic", "wireless", "gas", "plus", "tennis", "lens", "aas"] {
        assert_eq!(Language::English.stem(kept), kept);
    }
}

#[test]
fn other_languages_have_their_own_plurals() {
    let pairs = [
        (Language::Spanish, "zapatillas", "zapatilla"),
        (Language::Spanish, "pantalones", "pantalon"),
        (Language::French, "chaussures", "chaussure"),
        (Language::French, "journaux", "journal"),
        (Language::German, "schuhe", "schuh"),
        (Language::German, "kinder", "kind"),
    ];
    for (language, plural, singular) in pairs {
        assert_eq!(language.stem(plural), language.stem(singular), "{plural}");
    }
    assert_eq!(Language::Other.stem("schuhe"), "schuhe");
    assert_eq!(Language::from_tag("de-AT"), Language::German);
    assert_eq!(Language::from_tag("pl"), Language::Other);
}
