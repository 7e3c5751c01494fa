use super::*;

/// The weights of the made-up model: what splitmix64 makes of their places (testdata/PROVENANCE.md).
fn made_up(n: usize, seed: u64, (scale, shift): (f32, f32)) -> impl Iterator<Item = f32> {
    (0..n as u64).map(move |place| {
        let z = place + (seed << 32) + 1;
        let z = z.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        let z = z ^ z >> 31;
        ((z >> 40) as f32 / 16_777_216.0 - 0.5) * scale + shift
    })
}

/// A model of the real one's form with made-up weights.
fn model() -> SentenceEncoder {
    let (mut head, mut arrays, mut seed) = (serde_json::Map::new(), Vec::new(), 0);
    let mut add = |name: String, shape: &[usize], form: (f32, f32)| {
        seed += 1;
        let start = arrays.len();
        for number in made_up(shape.iter().product(), seed, form) {
            arrays.extend_from_slice(&number.to_le_bytes());
        }
        let offsets = [start, arrays.len()];
        head.insert(
            name,
            serde_json::json!({"dtype": "F32", "shape": shape, "data_offsets": offsets}),
        );
    };
    for (name, rows, scale) in [("word", 6, 0.2), ("position", PLACES, 0.1), ("token_type", 2, 0.1)]
    {
        add(format!("embeddings.{name}_embeddings.weight"), &[rows, WIDTH], (scale, 0.0));
    }
    add("embeddings.LayerNorm.weight".to_owned(), &[WIDTH], (0.5, 1.0));
    add("embeddings.LayerNorm.bias".to_owned(), &[WIDTH], (0.2, 0.0));
    for layer in 0..LAYERS {
        let at = |rest: &str| format!("encoder.layer.{layer}.{rest}");
        for (name, inputs, outputs) in [
            ("attention.self.query", WIDTH, WIDTH),
            ("attention.self.key", WIDTH, WIDTH),
            ("attention.self.value", WIDTH, WIDTH),
            ("attention.output.dense", WIDTH, WIDTH),
            ("intermediate.dense", WIDTH, INNER),
            ("output.dense", INNER, WIDTH),
        ] {
            add(at(&format!("{name}.weight")), &[outputs, inputs], (0.3, 0.0));
            add(at(&format!("{name}.bias")), &[outputs], (0.2, 0.0));
        }
        for name in ["attention.output", "output"] {
            add(at(&format!("{name}.LayerNorm.weight")), &[WIDTH], (0.5, 1.0));
            add(at(&format!("{name}.LayerNorm.bias")), &[WIDTH], (0.2, 0.0));
        }
    }
    let head = serde_json::to_vec(&head).unwrap();
    let mut bytes = (head.len() as u64).to_le_bytes().to_vec();
    bytes.extend(head);
    bytes.append(&mut arrays);
    let vocabulary =
        [("[CLS]", 0), ("[SEP]", 1), ("[UNK]", 2), ("red", 3), ("shoe", 4), ("##s", 5)];
    let pieces = Pieces::from_pieces(vocabulary.into_iter()).unwrap();
    SentenceEncoder::of(pieces, &Weights::of("made up".to_owned(), bytes).unwrap()).unwrap()
}

/// The cosine of an angle; `found` has the length 1.
fn cosine(expected: &[f32], found: &[f32]) -> f64 {
    let dot = |left: &[f32], right: &[f32]| {
        left.iter().zip(right).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>()
    };
    assert!((dot(found, found) - 1.0).abs() < 1e-5);
    dot(expected, found) / dot(expected, expected).sqrt()
}

fn vector(cell: &str) -> Vec<f32> {
    cell.split(' ').map(|x| x.parse().unwrap()).collect()
}

/// As numpy works the same model out in double precision, but for the rounding of weights: testdata/PROVENANCE.md.
#[test]
fn reads_texts_as_the_reference_does() {
    let model = model();
    let lines = include_str!("../../testdata/made_up.tsv").lines();
    let lines: Vec<(&str, &str)> = lines.map(|line| line.split_once('\t').unwrap()).collect();
    assert_eq!(lines.len(), 3);
    let texts: Vec<&str> = lines.iter().map(|(text, _)| *text).collect();
    let together = model.embed(&texts);
    for ((text, expected), found) in lines.iter().zip(together.chunks_exact(WIDTH)) {
        let cosine = cosine(&vector(expected), found);
        assert!(cosine > 0.999_5, "{text}: {cosine}");
        assert_eq!(model.embed(&[text]), found, "{text} alone");
    }
    assert_eq!(model.embed(&[" "]), [0.0; WIDTH]);
}

/// With the real weights, where `SOUK_TEST_MODELS` names the folder that `make models` filled.
#[test]
fn real_weights_give_the_vectors_of_the_reference() {
    let Some(models) = std::env::var_os("SOUK_TEST_MODELS") else { return };
    let models = std::path::PathBuf::from(models);
    let encoder = SentenceEncoder::read(&models.join("minilm")).unwrap();
    let words = crate::WordVectors::read(&models.join("static")).unwrap();
    for line in include_str!("../../testdata/vectors.tsv").lines() {
        let mut cells = line.split('\t');
        let text: String = serde_json::from_str(cells.next().unwrap()).unwrap();
        let mut expected = || vector(cells.next().unwrap());
        let cosine = cosine(&expected(), &encoder.embed(&[&text]));
        assert!(cosine > 0.999, "{text}: {cosine}");
        for (found, expected) in words.embed(&[&text]).iter().zip(expected()) {
            assert!((found - expected).abs() < 1e-4, "{text}: {found} {expected}");
        }
    }
}
