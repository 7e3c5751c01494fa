use super::*;

/// As the Python package `tokenizers` takes 300 texts apart, with the part of the vocabulary that they
/// could need: testdata/PROVENANCE.md.
#[test]
fn takes_texts_apart_as_the_reference_does() {
    let pairs =
        Pairs::from_bytes("pairs.json", include_bytes!("../../testdata/pairs.json")).unwrap();
    let mut n_texts = 0;
    for line in include_str!("../../testdata/pairs_of_texts.tsv").lines() {
        let (text, numbers) = line.split_once('\t').unwrap();
        let text: String = serde_json::from_str(text).unwrap();
        let numbers = numbers.split_whitespace().map(|number| number.parse().unwrap());
        let numbers: Vec<u32> = numbers.collect();
        assert_eq!(pairs.of(&text, 1_000), numbers, "{text:?}");
        assert_eq!(pairs.of(&text, 3), numbers[..numbers.len().min(3)], "{text:?}");
        n_texts += 1;
    }
    assert_eq!(n_texts, 300);
}

#[test]
fn what_is_no_such_file_is_refused_with_a_remedy() {
    let refusal = |bytes: &[u8]| Pairs::from_bytes("pairs.json", bytes).unwrap_err().to_string();
    assert_eq!(
        refusal(b"?"),
        "pairs.json is no file of this model: it is not JSON; install the models again with `make models`"
    );
    assert!(refusal(br#"{"model":{"vocab":{"a":0}}}"#).contains("it has no bytes"));
}
