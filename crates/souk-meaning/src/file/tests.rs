use super::*;

fn file(head: &str, arrays: &[u8]) -> Vec<u8> {
    let mut bytes = (head.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(head.as_bytes());
    bytes.extend_from_slice(arrays);
    bytes
}

#[test]
fn reads_numbers_of_both_precisions() {
    let head = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F16","shape":[2,2],"data_offsets":[8,16]}}"#;
    let mut arrays = Vec::new();
    [1.5_f32, -2.0].iter().for_each(|x| arrays.extend_from_slice(&x.to_le_bytes()));
    // 1, -2, 1/3 and the least above 0, as IEEE 754 writes them in 16 bits.
    [0x3c00_u16, 0xc000, 0x3555, 0x0001].iter().for_each(|x| arrays.extend(x.to_le_bytes()));
    let weights = Weights::of("w".to_owned(), file(head, &arrays)).unwrap();
    assert_eq!(weights.array("a", &[2]).unwrap(), [1.5, -2.0]);
    assert_eq!(weights.array("b", &[2, 2]).unwrap(), [1.0, -2.0, 0.333_251_95, 5.960_464_5e-8]);
}

#[test]
fn says_what_is_wrong_with_a_file() {
    let head = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"c":{"dtype":"I8","shape":[1],"data_offsets":[0,1]}}"#;
    let refusal = |bytes: Vec<u8>, key: &str, shape: &[usize]| {
        let weights = Weights::of("w".to_owned(), bytes)?;
        weights.array(key, shape).map(drop)
    };
    let whole = file(head, &[0; 8]);
    let cut = file(head, &[0; 7]);
    let infinite = file(head, &[0, 0, 0, 0, 0, 0, 0x80, 0x7f]);
    for (bytes, key, shape, expected) in [
        (b"short".to_vec(), "a", &[2][..], "it is cut short"),
        (file("no", &[]), "a", &[2], "its head is not JSON"),
        (whole.clone(), "a", &[3], "`a` has dimensions [2], not [3]"),
        (whole.clone(), "b", &[2], "`b` has dimensions [], not [2]"),
        (whole, "c", &[1], "`c` is neither F32 nor F16"),
        (cut, "a", &[2], "it is cut short"),
        (infinite, "a", &[2], "`a` is damaged"),
    ] {
        let message = refusal(bytes, key, shape).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}
