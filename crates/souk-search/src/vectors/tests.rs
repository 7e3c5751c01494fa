use super::*;

const SPACE: VectorSpace = VectorSpace { dimensions: 40, version: 7 };

/// A vector of length 1 that looks like nothing in particular.
fn vector(seed: usize) -> Vec<f32> {
    let all = (0..SPACE.dimensions).map(|idx| ((idx * 7_919 + seed * 104_729) % 2_003) as f32);
    let all: Vec<f32> = all.map(|x| x / 1_001.5 - 1.0).collect();
    let length = all.iter().map(|x| x * x).sum::<f32>().sqrt();
    all.iter().map(|x| x / length).collect()
}

fn id(number: usize) -> ProductId {
    ProductId::new(format!("p{number}")).unwrap()
}

fn vectors(n: usize) -> Vectors {
    let mut vectors = Vectors::new(SPACE);
    (0..n).for_each(|number| vectors.put(&id(number), number as u64, &vector(number)));
    vectors
}

#[test]
fn likenesses_are_cosines_within_what_a_byte_can_say() {
    let vectors = vectors(50);
    let query = vector(3);
    for (row, found) in vectors.likenesses(&query).into_iter().enumerate() {
        let expected: f32 = vector(row).iter().zip(&query).map(|(x, y)| x * y).sum();
        assert!((found - expected).abs() < 0.005, "{row}: {found} {expected}");
        assert!(row != 3 || found > 0.995);
    }
}

#[test]
fn a_vector_takes_the_place_of_the_one_before() {
    let mut vectors = vectors(4);
    vectors.put(&id(2), 99, &vector(3));
    assert_eq!((vectors.len(), vectors.text_of("p2"), vectors.text_of("p9")), (4, Some(99), None));
    let likenesses = vectors.likenesses(&vector(3));
    assert_eq!(likenesses[2], likenesses[3]);
}

#[test]
fn what_went_is_forgotten_and_the_rest_keeps_its_own() {
    let mut vectors = vectors(6);
    assert_eq!(vectors.retain(&mut |id| id != "p1" && id != "p4"), 2);
    assert_eq!((vectors.len(), vectors.text_of("p1"), vectors.text_of("p5")), (4, None, Some(5)));
    let row = vectors.row("p5").unwrap();
    assert!(vectors.likenesses(&vector(5))[row] > 0.995);
    vectors.put(&id(1), 11, &vector(1));
    assert_eq!(vectors.text_of("p1"), Some(11));
}

#[test]
fn bytes_bring_back_the_same_and_nothing_else_is_taken_for_them() {
    let vectors = vectors(20);
    let bytes = vectors.to_bytes();
    let again = Vectors::from_bytes(&bytes, SPACE).unwrap();
    assert_eq!(again.to_bytes(), bytes);
    assert_eq!(again.likenesses(&vector(7)), vectors.likenesses(&vector(7)));
    let refusal = |bytes: &[u8], space| Vectors::from_bytes(bytes, space).err();
    assert_eq!(refusal(b"else", SPACE), Some(SnapshotError::NotOne));
    let other = VectorSpace { version: 8, ..SPACE };
    assert_eq!(refusal(&bytes, other), Some(SnapshotError::Settings));
    for at in [30, bytes.len() - 1] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        assert_eq!(refusal(&damaged, SPACE), Some(SnapshotError::Damaged));
    }
    assert_eq!(refusal(&bytes[..bytes.len() - 1], SPACE), Some(SnapshotError::Damaged));
    let mut newer = bytes;
    newer[8] += 1;
    assert_eq!(refusal(&newer, SPACE), Some(SnapshotError::Version { found: VERSION + 1 }));
}

#[test]
fn a_vector_is_made_of_what_says_what_a_product_is() {
    let product = crate::test_shop::product(
        "p",
        serde_json::json!({
            "title": "Trail shoe",
            "brand": "Fleet",
            "categories": ["Sport > Shoes", "New"],
            "description": "é".repeat(300),
        }),
    );
    let text = text_for_vector(&product);
    assert_eq!(text, format!("Fleet Trail shoe. Shoes. {}", "é".repeat(200)));
    let named = crate::test_shop::product(
        "p",
        serde_json::json!({"title": "FLEET trail shoe", "brand": "Fleet"}),
    );
    assert_eq!(text_for_vector(&named), "FLEET trail shoe");
}
