use std::sync::Arc;

use souk_core::{Filter, Product, ProductId};

use crate::request::{Meaning, MeaningUse, Relaxation, SearchRequest, SortBy};
use crate::test_shop::{ids, titles};
use crate::vectors::{Query, VectorSpace, Vectors};
use crate::{SearchAnswer, SearchIndex};

/// Titles, each with the angle of its vector in degrees.
fn shop(all: &[(&str, f32)]) -> SearchIndex {
    let names: Vec<&str> = all.iter().map(|(title, _)| *title).collect();
    let mut index = titles(&names);
    let mut vectors = Vectors::new(VectorSpace { dimensions: 2, version: 1 });
    for (number, (_, angle)) in all.iter().enumerate() {
        vectors.put(&ProductId::new(number.to_string()).unwrap(), 0, &at(*angle));
    }
    index.set_vectors(Some(Arc::new(vectors)));
    index
}

fn at(angle: f32) -> [f32; 2] {
    [angle.to_radians().cos(), angle.to_radians().sin()]
}

fn request(query: &str, used: MeaningUse) -> SearchRequest {
    let vector = Arc::from(at(0.0));
    let related_from = -1.0;
    let meaning = Some(Meaning::new(vector, related_from, used));
    SearchRequest { meaning, ..SearchRequest::new(query) }
}

fn beside(index: &SearchIndex, query: &str) -> SearchAnswer {
    index.search(&request(query, MeaningUse::Beside)).unwrap()
}

const SOFAS: [(&str, f32); 5] = [
    ("Leather couch", 10.0),
    ("Garden hose", 80.0),
    ("Sofa cover", 20.0),
    ("Corner settee", 5.0),
    ("Drill", 90.0),
];

#[test]
fn meaning_brings_what_words_do_not_find_and_says_so() {
    let index = shop(&SOFAS);
    let answer = beside(&index, "sofa");
    assert_eq!(ids(&answer)[..3], ["2", "3", "0"]);
    assert_eq!((answer.total, answer.relaxed.clone()), (5, vec![Relaxation::Meaning]));
    // Nothing has the word at all.
    let answer = beside(&index, "divan");
    assert_eq!(ids(&answer), ["3", "0", "2", "1", "4"]);
}

#[test]
fn without_vectors_or_words_nothing_changes() {
    let mut index = shop(&SOFAS);
    let plain = index.search(&SearchRequest::new("sofa")).unwrap();
    let sorted = SearchRequest {
        sort: vec![SortBy::parse("weight").unwrap()],
        ..request("sofa", MeaningUse::Beside)
    };
    // A field that no product has is refused before meaning is asked.
    assert!(index.search(&sorted).is_err());
    assert_eq!(beside(&index, "").total, 5);
    assert_eq!(beside(&index, "").relaxed, []);
    index.set_vectors(None);
    assert_eq!(beside(&index, "sofa"), plain);
    index.set_vectors(Some(Arc::new(Vectors::new(VectorSpace { dimensions: 3, version: 1 }))));
    assert_eq!(beside(&index, "sofa"), plain);
}

/// A page of hits that have all words is only reordered, and a little.
#[test]
fn where_words_found_a_page_meaning_adds_nothing() {
    let mut all: Vec<(String, f32)> =
        (0..12).map(|number| (format!("Sofa {number}0 cm"), 40.0)).collect();
    all[11].1 = 0.0;
    all.push(("Corner settee".to_owned(), 0.0));
    let all: Vec<(&str, f32)> = all.iter().map(|(title, angle)| (title.as_str(), *angle)).collect();
    let index = shop(&all);
    let answer = beside(&index, "sofa");
    assert_eq!((answer.total, answer.relaxed.as_slice()), (12, &[][..]));
    assert_eq!(ids(&answer)[0], "11");
}

#[test]
fn scores_are_the_product_of_their_parts_and_fall() {
    let index = shop(&SOFAS);
    for used in [MeaningUse::Beside, MeaningUse::Alone] {
        let answer = index.search(&request("sofa cover", used)).unwrap();
        assert_eq!(answer.hits.len(), 5);
        assert!(answer.hits.is_sorted_by(|left, right| left.score >= right.score));
        for hit in &answer.hits {
            let parts = hit.parts;
            let product = parts.text
                * parts.title
                * parts.category
                * parts.availability
                * parts.popularity
                * parts.preference
                * parts.meaning;
            assert!((product - hit.score).abs() < 1e-6, "{hit:?}");
            assert_eq!(hit.n_missing, 0);
        }
    }
}

#[test]
fn alone_it_goes_by_nearness() {
    let index = shop(&SOFAS);
    let answer = index.search(&request("sofa cover", MeaningUse::Alone)).unwrap();
    assert_eq!(ids(&answer), ["3", "0", "2", "1", "4"]);
    assert_eq!(answer.relaxed, []);
}

#[test]
fn filters_and_what_is_hidden_hold_for_what_meaning_brings() {
    let index = shop(&SOFAS);
    let mut asked = request("divan", MeaningUse::Beside);
    asked.filter = Some(Filter::parse("title != 'Corner settee'").unwrap());
    asked.exclude = vec![ProductId::new("0").unwrap()];
    assert_eq!(ids(&index.search(&asked).unwrap()), ["2", "1", "4"]);
}

/// So many products that most must be passed over before a filter is content: six to a brand, and one in three is `Odd`.
fn many() -> SearchIndex {
    let products: Vec<Product> = (0..6_000)
        .map(|number| {
            let brand = if number % 3 == 2 { "Odd".to_owned() } else { format!("B{}", number / 6) };
            let product = serde_json::json!({"title": format!("Thing {number}"), "brand": brand});
            crate::test_shop::product(&number.to_string(), product)
        })
        .collect();
    let mut index = crate::SearchIndex::build(crate::Settings::default(), &products, 1);
    let mut vectors = Vectors::new(VectorSpace { dimensions: 2, version: 1 });
    for number in 0..6_000 {
        let id = ProductId::new(number.to_string()).unwrap();
        vectors.put(&id, 0, &at(number as f32 / 100.0));
    }
    index.set_vectors(Some(Arc::new(vectors)));
    index
}

fn filtered(query: &str, filter: &str) -> SearchRequest {
    let filter = Some(Filter::parse(filter).unwrap());
    SearchRequest { filter, limit: 100, ..request(query, MeaningUse::Alone) }
}

#[test]
fn a_narrow_filter_still_finds_its_nearest() {
    let narrow = filtered("divan", "id IN ['5990', '5000', '5999', '10']");
    assert_eq!(ids(&many().search(&narrow).unwrap()), ["10", "5000", "5990", "5999"]);
}

/// The angles are so close that a byte cannot tell neighbours apart: likeness is compared, not the order.
#[test]
fn by_a_graph_filters_find_what_they_find_among_all() {
    let plain = many();
    let mut drawn = many();
    let vectors = drawn.vectors_mut().unwrap();
    let draft = vectors.draft();
    vectors.adopt(draft.draw());
    assert_eq!(vectors.n_unlinked(), Some(0));
    let far = "id IN ['5990', '5000', '5999', '10']";
    for filter in
        ["brand != 'None'", "brand = 'Odd'", "brand != 'Odd'", "brand IN ['B900', 'B5']", far]
    {
        let asked = filtered("divan", filter);
        let [expected, found] = [&plain, &drawn].map(|index| index.search(&asked).unwrap());
        assert_eq!(found.total, expected.total, "{filter}");
        let scores =
            |answer: &SearchAnswer| answer.hits.iter().map(|hit| hit.score).collect::<Vec<f64>>();
        for (found, expected) in scores(&found).iter().zip(scores(&expected)) {
            assert!((found - expected).abs() < 1e-2, "{filter}: {found} {expected}");
        }
    }
}

/// Three searches of one answer compare once; another state of the vectors is compared anew.
#[test]
fn what_was_compared_is_remembered_as_long_as_it_holds() {
    let mut index = shop(&SOFAS);
    let asked = request("divan", MeaningUse::Beside);
    assert_eq!(ids(&index.search(&asked).unwrap())[0], "3");
    index.vectors_mut().unwrap().put(&ProductId::new("4").unwrap(), 0, &at(0.0));
    index.vectors_mut().unwrap().put(&ProductId::new("3").unwrap(), 0, &at(70.0));
    assert_eq!(ids(&index.search(&asked).unwrap())[0], "4");
    let again = asked.clone();
    let compared = |asked: &SearchRequest| {
        let meaning = asked.meaning.as_ref().unwrap();
        meaning.remembered.of(index.vectors().unwrap(), &Query::new(&meaning.vector))
    };
    let fresh = request("divan", MeaningUse::Beside);
    let first = compared(&fresh);
    assert!(Arc::ptr_eq(&first, &compared(&fresh.clone())));
    assert!(!Arc::ptr_eq(&compared(&again), &first));
}

#[test]
fn what_has_nothing_to_do_with_the_query_is_not_brought() {
    let index = shop(&SOFAS);
    let related = |query: &str, used, degrees: f32| {
        let mut asked = request(query, used);
        asked.meaning.as_mut().unwrap().related_from = degrees.to_radians().cos();
        index.search(&asked).unwrap()
    };
    assert_eq!(ids(&related("sofa", MeaningUse::Beside, 15.0)), ["2", "3", "0"]);
    assert_eq!(ids(&related("divan", MeaningUse::Beside, 15.0)), ["3", "0"]);
    assert_eq!(ids(&related("sofa", MeaningUse::Alone, 15.0)), ["3", "0"]);
    // Nothing is near enough.
    let plain = index.search(&SearchRequest::new("sofa")).unwrap();
    assert_eq!(related("sofa", MeaningUse::Beside, 4.0), plain);
    assert_eq!(related("sofa", MeaningUse::Alone, 4.0).total, 0);
    assert_eq!(related("sofa", MeaningUse::Alone, 4.0).relaxed, []);
}

/// Of hits that lack a word, the best is not as good as one that has all.
#[test]
fn what_has_half_of_the_words_counts_half() {
    let index = shop(&[("Wax paper", 50.0), ("Toilet tissue", 30.0), ("Drill", 90.0)]);
    assert_eq!(ids(&beside(&index, "toilet paper"))[0], "1");
}

/// A model's number has no meaning, and what lies near it is another model.
#[test]
fn a_code_that_is_found_is_what_was_asked_for() {
    let index = shop(&[("Drill XK200", 60.0), ("Drill XK300", 0.0), ("Saw", 1.0)]);
    let answer = beside(&index, "xk200");
    assert_eq!((ids(&answer), answer.relaxed.len()), (vec!["0"], 0));
    assert_eq!(ids(&beside(&index, "xk400 drill"))[0], "1");
}

#[test]
fn pages_make_up_the_whole_list() {
    let index = shop(&SOFAS);
    let all = beside(&index, "sofa");
    let mut asked = SearchRequest { limit: 2, ..request("sofa", MeaningUse::Beside) };
    let mut paged = Vec::new();
    loop {
        let answer = index.search(&asked).unwrap();
        paged.extend(answer.hits);
        asked.cursor = answer.cursor;
        if asked.cursor.is_none() {
            break;
        }
    }
    assert_eq!(paged, all.hits);
}
