use expect_test::{Expect, expect};

use super::*;
use crate::text::Tokens;

/// A title with its heads in brackets and its asides after a `~`.
fn check(title: &str, expected: Expect) {
    let (mut tokens, mut reader) = (Tokens::default(), TitleReader::default());
    tokens.read(title);
    let own: Vec<_> = tokens.all().iter().filter(|token| !token.is_extra).collect();
    for (idx, token) in own.iter().enumerate() {
        let about = (token.kind, token.gap);
        reader.push((tokens.text(token), idx as u32), about, Language::English);
    }
    let colours: Vec<u32> =
        (0..own.len() as u32).filter(|idx| tokens.text(own[*idx as usize]) == "black").collect();
    let mut words = Vec::new();
    reader.finish(&colours, &mut words);
    let shown = words.into_iter().map(TitleWord).map(|word| {
        let text = tokens.text(own[word.number() as usize]);
        let text = if word.is_aside() { format!("~{text}") } else { text.to_owned() };
        if word.closes() { format!("[{text}]") } else { text }
    });
    expected.assert_eq(&shown.collect::<Vec<_>>().join(" "));
}

#[test]
fn heads_close_phrases_and_asides_follow_small_words() {
    check(
        "Lenovo - AC Power Adapter for select Lenovo laptops - Black",
        expect!["[lenovo] ac power [adapter] for ~select ~lenovo [~laptops] [black]"],
    );
    check("Gaming Laptop 15.6\" 16GB RAM", expect![[r#"gaming [laptop] 15.6in 16gb [ram]"#]]);
    check("Laptop Bag Black", expect!["laptop [bag] [black]"]);
    check("Pita/Tortillas, 15 oz", expect!["[pita] [tortillas] 15oz"]);
    check("Shampoo & Conditioner", expect!["[shampoo] [conditioner]"]);
    check("Wi-Fi Router", expect!["wi fi [router]"]);
    check("For Men Deodorant", expect!["for men [deodorant]"]);
    check("Case for iPhone (Clear)", expect!["[case] for [~iphone] [clear]"]);
}
