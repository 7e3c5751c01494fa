use super::*;

/// As the Python package `tokenizers` takes 300 texts apart, with the part of the vocabulary that they
/// could need: testdata/PROVENANCE.md.
#[test]
fn takes_texts_apart_as_the_reference_does() {
    let vocabulary = include_str!("../../testdata/pieces.tsv").lines();
    let vocabulary = vocabulary.map(|line| {
        let (number, piece) = line.split_once('\t').unwrap();
        (piece, number.parse().unwrap())
    });
    let pieces = Pieces::from_pieces(vocabulary).unwrap();
    let mut n_texts = 0;
    for line in include_str!("../../testdata/pieces_of_texts.tsv").lines() {
        let (text, numbers) = line.split_once('\t').unwrap();
        let text: String = serde_json::from_str(text).unwrap();
        let numbers: Vec<u32> = numbers.split(' ').map(|number| number.parse().unwrap()).collect();
        assert_eq!(pieces.of(&text, 1_000), numbers, "{text:?}");
        n_texts += 1;
    }
    assert_eq!(n_texts, 300);
}

#[test]
fn a_long_text_is_cut_and_still_ends_with_its_mark() {
    let vocabulary =
        [("[CLS]", 0), ("[SEP]", 1), ("[UNK]", 2), ("red", 3), ("shoe", 4), ("##s", 5)];
    let pieces = Pieces::from_pieces(vocabulary.into_iter()).unwrap();
    assert_eq!(pieces.of("red shoes", 9), [0, 3, 4, 5, 1]);
    assert_eq!(pieces.of("red shoes", 4), [0, 3, 4, 1]);
    assert_eq!(pieces.of("Shoed", 9), [0, 2, 1]);
}

#[test]
fn a_vocabulary_without_its_marks_is_refused() {
    let missing = Pieces::from_pieces([("red", 0)].into_iter()).unwrap_err();
    assert_eq!(missing, "`[CLS]` is missing");
}
