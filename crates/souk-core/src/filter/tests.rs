#![allow(clippy::unwrap_used)]
use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;
use crate::{
    AttributeValue, Availability, Currency, Money, Product, ProductId, SiteId, Variant, VariantId,
};

fn bread() -> Product {
    let id = ProductId::new("905334").unwrap();
    let mut product = Product::new(id, SiteId::main(), "Rye Bread");
    product.brand = Some("Private".into());
    product.price = Some(Money::from_minor(1_999, Currency::USD));
    product.cost = Some(Money::from_minor(500, Currency::USD));
    product.categories = vec!["Grocery > Bakery > Bread".into(), "Gifts".into()];
    product.tags = vec!["vegan".into(), "new".into()];
    product.gtin = Some("00012345600012".into());
    product.published_at = Some(Timestamp::parse("2026-01-31T18:30:00Z").unwrap());
    let attributes = [
        ("size", AttributeValue::Text("42".into())),
        ("weight", AttributeValue::Number(0.5)),
        ("organic", AttributeValue::Text("True".into())),
        ("diets", AttributeValue::Texts(vec!["halal".into(), "kosher".into()])),
        ("odd 'name'", AttributeValue::Text("x".into())),
        ("in", AttributeValue::Text("y".into())),
    ];
    product.attributes = attributes.map(|(name, value)| (name.to_owned(), value)).into();
    product.variants = ["S", "M"]
        .map(|size| Variant {
            id: VariantId::new(size).unwrap(),
            title: None,
            attributes: BTreeMap::from([("cut".to_owned(), AttributeValue::Text(size.into()))]),
            price: Some(Money::from_minor(1, Currency::USD)),
            availability: Availability::InStock,
        })
        .into();
    product
}

#[test]
fn matches_products() {
    let holds = [
        "brand = 'private'",
        "price = 19.99",
        "price <= 20 AND brand = 'Private'",
        "not price > 20",
        "price >= '19.99'",
        "id = 905334 and id = '905334'",
        "brand IN ['x', 'PRIVATE']",
        "brand NOT IN ['x']",
        "brand != 'x' AND missing != 'x'",
        "brand EXISTS AND NOT missing EXISTS AND missing NOT EXISTS",
        "tags = 'vegan' AND tags = 'NEW' AND tags != 'old'",
        "categories = 'Grocery > Bakery > Bread'",
        "categories = 'grocery>bakery'",
        "category = 'Bakery' AND category = 'Bread' AND category = 'Gifts'",
        "in_stock = true AND in_stock = 'true' AND availability = 'in_stock'",
        "published_at > '2026-01-31' AND published_at < '2026-02-01'",
        "published_at = '2026-01-31T19:30:00+01:00' AND published_at = 1769884200",
        "size = 42 AND size = '42' AND attributes.size > 41.5",
        "weight < 1 AND weight = '0.5' AND weight = ' 0.5 ' AND weight != 'half'",
        "organic = true AND organic != false",
        "diets = 'halal' AND diets IN ['kosher']",
        "cut = 's' AND cut = 'M'",
        "attributes.'odd ''name''' = 'x' AND attributes.'odd \\'name\\'' = 'x'",
        "attributes.in = 'y'",
        "gtin = '00012345600012'",
        "title >= 'rye' AND title < 'S'",
        "title CONTAINS 'E B' AND title STARTS WITH 'rye' AND title starts with ''",
        "title NOT CONTAINS 'wheat' AND tags CONTAINS 'EG' AND missing NOT CONTAINS ''",
        "category CONTAINS 'ery > Br' AND category STARTS WITH 'groc'",
        "a = 1 OR brand = 'private' AND price < 20",
    ];
    let fails = [
        "missing = 'x'",
        "title CONTAINS 'rye bread and more' OR title STARTS WITH 'bread'",
        "weight CONTAINS '5' OR in_stock CONTAINS 'true' OR missing CONTAINS ''",
        "missing < 1 OR missing >= 1 OR missing = true",
        "NOT missing != 'x'",
        "price < 19.99",
        "price < 1",
        "categories = 'Bakery > Bread'",
        "categories = 'Bak'",
        "categories = 'Grocery > Bread'",
        "tags != 'vegan'",
        "size < 'zzz' AND size = 43",
        "weight = 'half' OR weight < 'half' OR weight > 'half'",
        "weight < '1e999' OR weight < 'inf' OR weight < 'NaN'",
        "in_stock < true",
        "in_stock = 1",
        "published_at = 'yesterday' OR published_at < 'yesterday'",
        "(a = 1 OR brand = 'private') AND price > 20",
        // What the shop pays must not be found out by trying.
        "cost EXISTS OR cost > 0 OR attributes.cost > 0",
        // Field names are exact.
        "Brand = 'private'",
    ];
    for (texts, expected) in [(&holds[..], true), (&fails[..], false)] {
        for text in texts {
            let filter = Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(filter.matches(&bread()), expected, "{text}");
        }
    }
}

/// Sets of one thing: in it or not.
struct One<'a>(&'a Product);

impl Sets for One<'_> {
    type Set = bool;

    fn some_value(&mut self, field: &Field, test: &dyn Fn(FieldValue<'_>) -> bool) -> bool {
        self.0.any_value(field, &mut |value| test(value))
    }

    fn none_of(&mut self, set: bool) -> bool {
        !set
    }

    fn all_of(&mut self, sets: Vec<bool>) -> bool {
        sets.into_iter().all(|set| set)
    }

    fn any_of(&mut self, sets: Vec<bool>) -> bool {
        sets.into_iter().any(|set| set)
    }
}

#[test]
fn sets_agree_with_single_things() {
    let texts = [
        "brand = 'private' AND price <= 20",
        "price > 20 OR NOT tags = 'vegan'",
        "brand != 'x' AND missing NOT EXISTS AND size IN [41, 42]",
        "categories = 'Bakery' AND NOT (price >= 5 AND weight < 1)",
        "brand = 'x' OR size = 41 OR brand = 'PRIVATE' OR size = 7",
        "tags IN ['vegan', 'x'] OR price IN [1, 2] OR tags = 'new'",
        "NOT (brand = 'x' OR brand IN ['y', 'z'])",
    ];
    for text in texts {
        let filter = Filter::parse(text).unwrap();
        assert_eq!(filter.sets(&mut One(&bread())), filter.matches(&bread()), "{text}");
    }
    let filter = Filter::parse("a = 1 AND (b = 2 OR b = 3) AND NOT c = 4").unwrap();
    let printed: Vec<String> = filter.conditions().iter().map(Filter::to_string).collect();
    let expected =
        ["attributes.a = 1", "attributes.b = 2 OR attributes.b = 3", "NOT attributes.c = 4"];
    assert_eq!(printed, expected);
    assert_eq!(filter.fields().iter().map(|f| f.name()).collect::<Vec<_>>(), ["a", "b", "c"]);
}

/// Counts what is asked, and of how many texts.
struct Asked(Vec<usize>);

impl Sets for Asked {
    type Set = ();

    fn some_value(&mut self, _: &Field, _: &dyn Fn(FieldValue<'_>) -> bool) {
        self.0.push(0);
    }

    fn some_text(&mut self, _: &Field, texts: &[&str], _: &dyn Fn(FieldValue<'_>) -> bool) {
        self.0.push(texts.len());
    }

    fn none_of(&mut self, (): ()) {}

    fn all_of(&mut self, _: Vec<()>) {}

    fn any_of(&mut self, _: Vec<()>) {}
}

#[test]
fn alternatives_of_one_field_are_asked_together() {
    for (text, expected) in [
        ("a = 'x' OR b = 'y' OR a = 'z' OR a IN ['v', 'w']", vec![4, 1]),
        ("a = 'x' OR a = 2", vec![0]),
        ("a = 'x' AND a = 'y'", vec![1, 1]),
        ("a != 'x' OR a != 'y'", vec![1, 1]),
    ] {
        let mut asked = Asked(Vec::new());
        Filter::parse(text).unwrap().sets(&mut asked);
        assert_eq!(asked.0, expected, "{text}");
    }
}

#[test]
fn a_product_without_a_price_has_its_variants_prices() {
    let mut product = bread();
    product.price = None;
    assert!(Filter::parse("price = 0.01").unwrap().matches(&product));
    product.variants.clear();
    assert!(Filter::parse("price NOT EXISTS").unwrap().matches(&product));
}

#[test]
fn what_is_ordered_ahead_is_not_in_stock() {
    let mut product = bread();
    product.availability = Availability::Preorder;
    let filter = Filter::parse("in_stock = false AND availability = 'preorder'").unwrap();
    assert!(filter.matches(&product));
}

fn check_error(text: &str, expected: Expect) {
    expected.assert_eq(&Filter::parse(text).unwrap_err().to_string());
}

/// Each text with a mark under the character that the error names.
fn check_marks(texts: &[&str], expected: Expect) {
    let mut shown = String::new();
    for text in texts {
        let FilterError::Syntax { character, expected, found, .. } =
            Filter::parse(text).unwrap_err()
        else {
            panic!("{text}");
        };
        let mark = " ".repeat(character - 1);
        shown += &format!("{text}\n{mark}^ expected {expected}, found {found}\n");
    }
    expected.assert_eq(&shown);
}

#[test]
fn errors_point_at_the_character_of_a_term() {
    check_marks(
        &[
            "",
            "price",
            "price CONTAINS '19'",
            "list_price NOT STARTS WITH '1'",
            "price == 3",
            "price <= cheap",
            "price < 20kg",
            "price < 1.2.3",
            "price < 1e999",
            "price < NaN",
            "brand = 'Käse",
            "brand = \"x\"",
            "and = 1",
            "attributes. = 1",
        ],
        expect![[r#"

            ^ expected a field such as `price` or `attributes.size`, `NOT` or `(`, found the end
            price
                 ^ expected `=`, `!=`, `<`, `<=`, `>`, `>=`, `IN` or `EXISTS`, for this field has numbers alone, found the end
            price CONTAINS '19'
                  ^ expected `=`, `!=`, `<`, `<=`, `>`, `>=`, `IN` or `EXISTS`, for this field has numbers alone, found `CONTAINS`
            list_price NOT STARTS WITH '1'
                           ^ expected `IN` or `EXISTS`, for this field has numbers alone, found `STARTS`
            price == 3
                   ^ expected a number, a 'text' in single quotes, `true` or `false`, found `=`
            price <= cheap
                     ^ expected a number, a 'text' in single quotes, `true` or `false`, found `cheap`
            price < 20kg
                      ^ expected `AND`, `OR` or the end, found `kg`
            price < 1.2.3
                    ^ expected a number such as -1.5, found `1.2.3`
            price < 1e999
                    ^ expected a number such as -1.5, found `1e999`
            price < NaN
                    ^ expected a number, a 'text' in single quotes, `true` or `false`, found `NaN`
            brand = 'Käse
                    ^ expected a closing quote, found `'Käse`
            brand = "x"
                    ^ expected a number, a 'text' in single quotes, `true` or `false`, found `"`
            and = 1
            ^ expected a field such as `price` or `attributes.size`, `NOT` or `(`, found `and`
            attributes. = 1
            ^ expected a name after `attributes.`, found `attributes.`
        "#]],
    );
}

#[test]
fn errors_point_at_the_character_of_what_joins_terms() {
    check_marks(
        &[
            "price < 20 brand = 'x'",
            "(price < 20",
            "price < 20)",
            "brand = 'Käse' ; 1",
            "brand IN ('x')",
            "brand IN []",
            "brand IN ['x' 'y']",
            "brand NOT = 'x'",
            "a = 1 AND",
        ],
        expect![[r#"
            price < 20 brand = 'x'
                       ^ expected `AND`, `OR` or the end, found `brand`
            (price < 20
                       ^ expected `AND`, `OR` or `)`, found the end
            price < 20)
                      ^ expected `AND`, `OR` or the end, found `)`
            brand = 'Käse' ; 1
                           ^ expected `AND`, `OR` or the end, found `;`
            brand IN ('x')
                     ^ expected `[` and a list of values, found `(`
            brand IN []
                      ^ expected a number, a 'text' in single quotes, `true` or `false`, found `]`
            brand IN ['x' 'y']
                          ^ expected `,` or `]`, found `'y'`
            brand NOT = 'x'
                      ^ expected `IN`, `EXISTS`, `CONTAINS` or `STARTS WITH`, found `=`
            a = 1 AND
                     ^ expected a field such as `price` or `attributes.size`, `NOT` or `(`, found the end
        "#]],
    );
}

#[test]
fn a_syntax_error_counts_bytes_and_characters() {
    let error = Filter::parse("brand = 'Käse' ;").unwrap_err();
    assert!(matches!(error, FilterError::Syntax { byte: 16, character: 16, .. }), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn limits_are_named() {
    check_error(&"x".repeat(5_000), expect!["filter has 5000 bytes; the limit is 4096"]);
    let nested = |levels| format!("{}a = 1{}", "(".repeat(levels), ")".repeat(levels));
    assert!(Filter::parse(&nested(32)).is_ok());
    // Depth is how deep one lies in another, not how many there are.
    assert!(Filter::parse(&vec!["NOT (a = 1)"; 40].join(" OR ")).is_ok());
    check_error(&nested(33), expect!["filter, character 33: more than 32 levels of `NOT` and `(`"]);
    check_error(
        &"NOT ".repeat(1_000),
        expect!["filter, character 129: more than 32 levels of `NOT` and `(`"],
    );
    let terms = |count| vec!["a = 1"; count].join(" AND ");
    assert!(Filter::parse(&terms(200)).is_ok());
    check_error(&terms(201), expect!["filter, character 2001: more than 200 comparisons"]);
    let values = |count| format!("a IN [{}]", vec!["1"; count].join(","));
    assert!(Filter::parse(&values(100)).is_ok());
    check_error(&values(101), expect!["filter, character 207: more than 100 values in one list"]);
}

#[test]
fn prints_what_it_means() {
    let print = |text| Filter::parse(text).unwrap().to_string();
    assert_eq!(
        print("a=1 or b=2 and not (c in ['x','y'] or d exists)"),
        "attributes.a = 1 OR attributes.b = 2 AND NOT (attributes.c IN ['x', 'y'] OR attributes.d EXISTS)"
    );
    assert_eq!(print("attributes.'it''s' = '\\\\'"), "attributes.'it''s' = '\\\\'");
    assert_eq!(print("((price<2.50))"), "price < 2.5");
    assert_eq!(print("category = 'x'"), "categories = 'x'");
}

/// A record with any fields, and beside it the plainest evaluation that could be meant.
#[derive(Debug, Clone)]
struct Row(BTreeMap<String, Vec<Cell>>);

#[derive(Debug, Clone)]
enum Cell {
    Text(String),
    Number(f64),
    Bool(bool),
}

impl Fields for Row {
    fn any_value(&self, field: &Field, test: &mut dyn FnMut(FieldValue<'_>) -> bool) -> bool {
        self.0.get(field.name()).is_some_and(|cells| {
            cells.iter().any(|cell| match cell {
                Cell::Text(text) => test(FieldValue::Text(text)),
                Cell::Number(number) => test(FieldValue::Number(*number)),
                Cell::Bool(truth) => test(FieldValue::Bool(*truth)),
            })
        })
    }
}

fn model_compare(cell: &Cell, op: Op, literal: &Literal) -> bool {
    let by_order = |order: Option<Ordering>| match op {
        Op::Eq | Op::Ne => order == Some(Ordering::Equal),
        Op::Lt => order == Some(Ordering::Less),
        Op::Le => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Op::Gt => order == Some(Ordering::Greater),
        Op::Ge => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        Op::Contains | Op::Starts => false,
    };
    let literal_text = match literal {
        Literal::Text { text, .. } => Some(text.to_lowercase()),
        Literal::Bool(truth) => Some(truth.to_string()),
        Literal::Number(_) => None,
    };
    match (cell, literal) {
        (Cell::Text(text), Literal::Text { .. }) if op == Op::Contains => {
            text.to_lowercase().contains(&literal_text.unwrap())
        }
        (Cell::Text(text), Literal::Text { .. }) if op == Op::Starts => {
            text.to_lowercase().starts_with(&literal_text.unwrap())
        }
        (Cell::Text(text), Literal::Text { .. }) => {
            by_order(Some(text.to_lowercase().cmp(&literal_text.unwrap())))
        }
        (Cell::Text(text), Literal::Number(wanted)) => {
            by_order(text.parse::<f64>().ok().and_then(|number| number.partial_cmp(wanted)))
        }
        (Cell::Text(text), Literal::Bool(_)) => {
            op == Op::Eq && text.to_lowercase() == literal_text.unwrap()
        }
        (Cell::Number(number), Literal::Text { text, .. }) => {
            by_order(text.parse::<f64>().ok().and_then(|wanted| number.partial_cmp(&wanted)))
        }
        (Cell::Number(number), Literal::Number(wanted)) => by_order(number.partial_cmp(wanted)),
        (Cell::Number(_), Literal::Bool(_)) => false,
        (Cell::Bool(truth), _) => op == Op::Eq && literal_text == Some(truth.to_string()),
    }
}

fn model(expr: &Expr, row: &Row) -> bool {
    let cells = |field: &Field| row.0.get(field.name()).cloned().unwrap_or_default();
    match expr {
        Expr::Compare(field, Op::Ne, literal) => {
            cells(field).iter().all(|cell| !model_compare(cell, Op::Eq, literal))
        }
        Expr::Compare(field, op, literal) => {
            cells(field).iter().any(|cell| model_compare(cell, *op, literal))
        }
        Expr::In(field, literals) => literals
            .iter()
            .any(|literal| cells(field).iter().any(|cell| model_compare(cell, Op::Eq, literal))),
        Expr::Exists(field) => !cells(field).is_empty(),
        Expr::Not(inner) => !model(inner, row),
        Expr::And(parts) => parts.iter().all(|part| model(part, row)),
        Expr::Or(parts) => parts.iter().any(|part| model(part, row)),
    }
}

const WORDS: [&str; 8] = ["a", "A", "b", "true", "1", "0.5", "it's", "back\\slash"];

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        prop::sample::select(&WORDS[..]).prop_map(Literal::text),
        prop::sample::select(vec![0.0, 1.0, -2.5, 0.5, 1e300, 1e-9]).prop_map(Literal::Number),
        any::<bool>().prop_map(Literal::Bool),
    ]
}

fn cell() -> impl Strategy<Value = Cell> {
    prop_oneof![
        prop::sample::select(&WORDS[..]).prop_map(|word| Cell::Text(word.into())),
        prop::sample::select(vec![0.0, 1.0, -2.5, 0.5]).prop_map(Cell::Number),
        any::<bool>().prop_map(Cell::Bool),
    ]
}

fn field() -> impl Strategy<Value = Field> {
    prop::sample::select(vec!["gtin", "brand", "size", "odd name", "it's", "and", "", "ä.b-c"])
        .prop_map(Field::from_name)
}

fn expr() -> impl Strategy<Value = Expr> {
    let op = prop::sample::select(vec![Op::Eq, Op::Ne, Op::Lt, Op::Le, Op::Gt, Op::Ge]);
    let part = prop::sample::select(vec![Op::Contains, Op::Starts]);
    let text =
        prop::sample::select(&["", "a", "TS", "'", "slash", "0"][..]).prop_map(Literal::text);
    let term = prop_oneof![
        (field(), part, text).prop_map(|(field, op, value)| Expr::Compare(field, op, value)),
        (field(), op, literal()).prop_map(|(field, op, value)| Expr::Compare(field, op, value)),
        (field(), prop::collection::vec(literal(), 1..4)).prop_map(|(f, v)| Expr::In(f, v)),
        field().prop_map(Expr::Exists),
    ];
    term.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| Expr::Not(Box::new(inner))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expr::And),
            prop::collection::vec(inner, 2..4).prop_map(Expr::Or),
        ]
    })
}

proptest! {
    #[test]
    fn printing_then_parsing_gives_the_same_filter(root in expr()) {
        let filter = Filter { root };
        let text = filter.to_string();
        prop_assert_eq!(Filter::parse(&text).unwrap(), filter, "{}", text);
    }

    #[test]
    fn evaluation_agrees_with_the_model(
        root in expr(),
        cells in prop::collection::btree_map(
            field().prop_map(|field| field.name().to_owned()),
            prop::collection::vec(cell(), 1..3), 0..6),
    ) {
        let (row, filter) = (Row(cells), Filter { root });
        prop_assert_eq!(filter.matches(&row), model(&filter.root, &row));
    }

    #[test]
    fn any_text_is_a_filter_or_an_error(text in "\\PC{0,60}") {
        check_any(&text);
    }

    #[test]
    fn any_row_of_tokens_is_a_filter_or_an_error(
        tokens in prop::collection::vec(prop::sample::select(vec![
            "price", "attributes.", "'", "'x'", "\\", "ä", "1", "-", "1e", ".", "=", "!", "!=", "<",
            "(", ")", "[", "]", ",", "AND", "or", "NOT", "IN", "EXISTS", "true", " ", "\u{3000}",
        ]), 0..24),
    ) {
        check_any(&tokens.concat());
        check_any(&tokens.join(" "));
    }
}

fn check_any(text: &str) {
    match Filter::parse(text) {
        Ok(filter) => assert_eq!(Filter::parse(&filter.to_string()).unwrap(), filter),
        Err(FilterError::Syntax { byte, character, .. }) => {
            assert_eq!(text[..byte].chars().count() + 1, character);
        }
        Err(_) => {}
    }
}

#[test]
fn a_filter_on_other_fields_names_the_unknown_one() {
    let fields = [("orders", FieldKind::Number), ("affinity.brand", FieldKind::Other)];
    let good = Filter::parse_on("orders >= 3 AND NOT affinity.brand = 'X'", &fields).unwrap();
    assert_eq!(good, Filter::parse("orders >= 3 AND NOT affinity.brand = 'X'").unwrap());
    let error = Filter::parse_on("orders >= 3 AND (spent > 5)", &fields).unwrap_err();
    assert_eq!(
        error.to_string(),
        "filter, character 18: there is no field `spent`; there are orders, affinity.brand"
    );
    // A product's own field is none of them either.
    assert!(matches!(
        Filter::parse_on("price > 5", &fields),
        Err(FilterError::UnknownField { character: 1, .. })
    ));
}

#[test]
fn what_is_always_a_number_is_compared_with_numbers_alone() {
    let orders = [("orders", FieldKind::Number), ("channel", FieldKind::Other)];
    for (text, fields, character, found) in [
        ("price > 'x'", None, 9, "`'x'`"),
        ("brand = 'a' AND list_price != true", None, 31, "`true`"),
        ("perishable_days IN [3, 'long']", None, 24, "`'long'`"),
        ("channel = 'web' AND orders > 'x'", Some(&orders[..]), 30, "`'x'`"),
    ] {
        let read = fields.map_or_else(|| Filter::parse(text), |on| Filter::parse_on(text, on));
        let expected = format!(
            "filter, character {character}: expected a number, for this field has no other values, found {found}"
        );
        assert_eq!(read.unwrap_err().to_string(), expected);
    }
    for text in ["price > '5'", "price IN ['1.50', 2]", "size > 'x'", "published_at > 'x'"] {
        assert!(Filter::parse(text).is_ok(), "{text}");
    }
    assert!(Filter::parse_on("orders >= '2'", &orders).is_ok());
}
