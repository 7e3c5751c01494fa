use crate::test_shop::titles;
use crate::{Language, Typing};

fn marked(query: &str, typing: Typing, text: &str) -> String {
    let index = titles(&["Running shoes for men", "Crème brûlée cups", "Shoe care kit"]);
    let highlighter = index.highlighter(query, (Language::English, typing));
    let mut marked = text.to_owned();
    for range in highlighter.find(text).into_iter().rev() {
        marked.insert(range.end, ']');
        marked.insert(range.start, '[');
    }
    marked
}

#[test]
fn inflections_and_accents_are_the_word_and_parts_of_words_are_not() {
    let marked = |query, text| marked(query, Typing::Finished, text);
    assert_eq!(marked("shoes", "Shoe care kit for shoes"), "[Shoe] care kit for [shoes]");
    assert_eq!(marked("creme", "Crème brûlée, crèmeux"), "[Crème] brûlée, crèmeux");
    assert_eq!(marked("cares kits", "Care kit"), "[Care] [kit]");
    assert_eq!(marked("care shoe", "shoe-care"), "[shoe]-[care]");
    assert_eq!(marked("unknown", "unknown words"), "unknown words");
    assert_eq!(marked("", "Shoe"), "Shoe");
}

#[test]
fn a_word_that_is_being_typed_is_found_by_its_beginning() {
    assert_eq!(marked("running sh", Typing::Going, "Running shoes"), "[Running] [shoes]");
    assert_eq!(marked("running sh", Typing::Finished, "Running shoes"), "[Running] shoes");
}
