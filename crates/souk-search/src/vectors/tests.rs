use super::*;

const SPACE: VectorSpace = VectorSpace { dimensions: 40, version: 7 };

/// A vector of length 1 that looks like nothing in particular.
fn vector(seed: usize) -> Vec<f32> {
    let all = (0..SPACE.dimensions).map(|idx| ((idx * 7_919 + seed * 104_729) % 2_003) as f32);
    let all: Vec<f32> = all.map(|x| x / 1_001.5 - 1.0).collect();
    let length = all.iter().map(|x| x * x).sum::<f32>().sqrt();
    all.iter().map(|x| x / length).collect()
}

fn seed(seed: usize) -> Query {
    Query::new(&vector(seed))
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
    for (row, found) in vectors.likenesses(&Query::new(&query)).into_iter().enumerate() {
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
    let likenesses = vectors.likenesses(&seed(3));
    assert_eq!(likenesses[2], likenesses[3]);
}

#[test]
fn what_went_is_forgotten_and_the_rest_keeps_its_own() {
    let mut vectors = vectors(6);
    assert_eq!(vectors.retain(&mut |id| id != "p1" && id != "p4"), 2);
    assert_eq!((vectors.len(), vectors.text_of("p1"), vectors.text_of("p5")), (4, None, Some(5)));
    let row = vectors.row("p5").unwrap();
    assert!(vectors.likenesses(&seed(5))[row] > 0.995);
    vectors.put(&id(1), 11, &vector(1));
    assert_eq!(vectors.text_of("p1"), Some(11));
}

#[test]
fn bytes_bring_back_the_same_and_nothing_else_is_taken_for_them() {
    let vectors = vectors(20);
    let bytes = vectors.to_bytes();
    let again = Vectors::from_bytes(&bytes, SPACE).unwrap();
    assert_eq!(again.to_bytes(), bytes);
    assert_eq!(again.likenesses(&seed(7)), vectors.likenesses(&seed(7)));
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

/// Vectors around sixty centres, as those of products lie around kinds of products.
fn clustered(numbers: std::ops::Range<usize>) -> Vec<Vec<f32>> {
    let noise = |seed: usize| {
        (0..SPACE.dimensions as u64).map(move |at| {
            let hash = xxh3_64(&((seed as u64) << 8 | at).to_le_bytes());
            (hash >> 40) as f32 / 16_777_216.0 - 0.5
        })
    };
    let near = |number: usize| {
        let (centre, own) = (noise(number % 60), noise(number + 1_000));
        let mixed: Vec<f32> = centre.zip(own).map(|(x, own)| x + 0.6 * own).collect();
        let length = mixed.iter().map(|x| x * x).sum::<f32>().sqrt();
        mixed.into_iter().map(|x| x / length).collect()
    };
    numbers.map(near).collect()
}

fn crowd(n: usize) -> Vectors {
    let mut vectors = Vectors::new(SPACE);
    for (number, vector) in clustered(0..n).iter().enumerate() {
        vectors.put(&id(number), number as u64, vector);
    }
    vectors
}

fn drawn(mut vectors: Vectors) -> Vectors {
    let draft = vectors.draft();
    vectors.adopt(draft.draw());
    assert_eq!(vectors.n_unlinked(), Some(0));
    vectors
}

/// The share of the ten nearest to each of some queries that are found by the graph.
fn recall(vectors: &Vectors) -> f64 {
    let mut plain = vectors.clone();
    plain.graph = None;
    let queries = clustered(100_000..100_100);
    let found = queries.iter().map(|query| {
        let expected = plain.nearest(query, 10);
        let found = vectors.nearest(query, 10);
        assert_eq!(found.len(), expected.len());
        found.iter().filter(|found| expected.contains(found)).count()
    });
    found.sum::<usize>() as f64 / (10 * queries.len()) as f64
}

#[test]
fn a_graph_finds_the_nearest() {
    let vectors = drawn(crowd(4_000));
    let recall = recall(&vectors);
    assert!(recall >= 0.98, "{recall}");
    // The same vectors in the same order make the same graph.
    assert_eq!(vectors.to_bytes(), drawn(crowd(4_000)).to_bytes());
}

#[test]
fn what_came_since_is_found_before_it_is_linked_and_after() {
    let mut vectors = drawn(crowd(3_000));
    for (number, vector) in (3_000..).zip(clustered(3_000..3_400)) {
        vectors.put(&id(number), number as u64, &vector);
    }
    assert_eq!(vectors.n_unlinked(), Some(400));
    let before = recall(&vectors);
    vectors.link(150);
    vectors.link(150);
    assert_eq!(vectors.n_unlinked(), Some(100));
    // The rest is drawn into a copy, while more come.
    let draft = vectors.draft();
    vectors.put(&id(3_400), 3_400, &clustered(3_400..3_401)[0]);
    vectors.link(10);
    vectors.adopt(draft.draw());
    assert_eq!(vectors.n_unlinked(), Some(1));
    vectors.link(10);
    let after = recall(&vectors);
    assert!(before >= 0.98 && after >= 0.98, "{before} {after}");
    assert_eq!(vectors.to_bytes(), drawn(crowd(3_401)).to_bytes());
}

#[test]
fn what_changed_or_went_is_not_found_where_it_was() {
    let mut vectors = drawn(crowd(3_000));
    let [there, elsewhere] = [7, 8].map(|number| clustered(number..number + 1).remove(0));
    assert_eq!(vectors.nearest(&there, 1)[0].0, "p7");
    vectors.put(&id(7), 99, &elsewhere);
    assert_eq!((vectors.len(), vectors.n_rows(), vectors.text_of("p7")), (3_000, 3_001, Some(99)));
    assert!(vectors.nearest(&there, 10).iter().all(|(id, _)| *id != "p7"));
    assert_eq!(vectors.nearest(&elsewhere, 2).len(), 2);
    assert!(vectors.nearest(&elsewhere, 2).iter().any(|(id, _)| *id == "p7"));
    vectors.link(1);
    assert!(vectors.nearest(&elsewhere, 2).iter().any(|(id, _)| *id == "p7"));
    assert!(recall(&vectors) >= 0.98);
    // A draft of rows that are numbered otherwise by now is of no use.
    let draft = vectors.draft();
    assert_eq!(vectors.retain(&mut |id| id != "p9"), 2);
    vectors.adopt(draft.draw());
    assert_eq!((vectors.n_unlinked(), vectors.n_rows()), (None, 2_999));
    assert_eq!(recall(&vectors), 1.0);
}

/// More of one vector than a row has links: they are found all the same, by a graph that was read back too.
#[test]
fn many_of_one_vector_do_not_hide_one_another() {
    let mut vectors = Vectors::new(SPACE);
    for number in 0..2_000 {
        vectors.put(&id(number), 0, &vector(number % 4));
    }
    let vectors = drawn(vectors);
    let again = Vectors::from_bytes(&vectors.to_bytes(), SPACE).unwrap();
    for vectors in [vectors, again] {
        for seed in 0..4 {
            let found = vectors.nearest(&vector(seed), 300);
            assert_eq!(found.len(), 300, "{seed}");
            assert!(found.iter().all(|(_, likeness)| *likeness > 0.99), "{seed}");
        }
    }
}

#[test]
fn a_graph_is_kept_with_its_vectors() {
    let mut vectors = drawn(crowd(1_000));
    vectors.put(&id(5), 1, &vector(3));
    vectors.put(&id(2_000), 1, &vector(2));
    let bytes = vectors.to_bytes();
    let again = Vectors::from_bytes(&bytes, SPACE).unwrap();
    assert_eq!((again.len(), again.n_rows(), again.n_unlinked()), (1_001, 1_002, Some(2)));
    assert_eq!(again.nearest(&vector(3), 20), vectors.nearest(&vector(3), 20));
    assert_eq!(again.to_bytes(), bytes);
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
