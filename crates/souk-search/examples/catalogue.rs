//! Answers queries over a catalogue file, for reading: `catalogue products.jsonl < queries.txt` by words alone,
//! `catalogue products.jsonl MODELS static|minilm < queries.txt` with meaning, from the folder that `make models` fills. With
//! `WANTED` in the environment, a file of lines `product,sold`, hits know what sells.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;

use souk_core::wire::json::product_from_json;
use souk_core::{Currency, Product, ProductId, SiteId};
use souk_meaning::{Choice, open};
use souk_search::{
    Meaning, MeaningUse, SearchIndex, SearchRequest, Settings, VectorSpace, Vectors,
    text_for_vector,
};

/// Products that a model reads at once.
const BATCH: usize = 256;

/// What sells, as a running shop tells the index: by its logarithm, beside what sells most.
fn tell_what_sells(index: &mut SearchIndex, path: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    let sold = text.lines().map(|line| {
        let (id, sold) = line.split_once(',').expect("lines are `product,sold`");
        (ProductId::new(id).unwrap(), sold.parse::<f64>().unwrap())
    });
    let sold: Vec<_> = sold.collect();
    let most = sold.iter().map(|(_, sold)| *sold).fold(0.0, f64::max);
    let share = |sold: f64| (sold.ln_1p() / most.ln_1p()) as f32;
    index.set_popularity(sold.iter().map(|(id, sold)| (id, share(*sold))));
}

fn main() {
    let mut args = std::env::args().skip(1);
    let path = args.next().expect("give a file of products, one JSON object a line");
    let models = args.next();
    let choice = match args.next().as_deref() {
        Some("minilm") => Choice::MiniLm,
        Some("static") => Choice::Static,
        None if models.is_none() => Choice::Off,
        _ => panic!("after the folder of models say `static` or `minilm`"),
    };
    let text = std::fs::read_to_string(path).unwrap();
    let products: Vec<_> = text
        .lines()
        .map(|line| {
            let value = serde_json::from_str(line).unwrap();
            product_from_json(&value, &SiteId::main(), Currency::USD).unwrap()
        })
        .collect();
    let titles: std::collections::HashMap<_, _> =
        products.iter().map(|product| (product.id.as_str(), product.title.as_str())).collect();
    let mut index = SearchIndex::build(Settings::default(), &products, 2);
    if let Ok(wanted) = std::env::var("WANTED") {
        tell_what_sells(&mut index, &wanted);
    }
    let model = open(choice, Path::new(&models.unwrap_or_default())).unwrap();
    if let Some(model) = &model {
        let own = model.model();
        let mut vectors =
            Vectors::new(VectorSpace { dimensions: own.dimensions, version: own.version });
        for batch in products.chunks(BATCH) {
            let texts: Vec<String> = batch.iter().map(text_for_vector).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let read = model.embed(&texts);
            let put = |(product, vector): (&Product, &[f32])| vectors.put(&product.id, 0, vector);
            batch.iter().zip(read.chunks(own.dimensions)).for_each(put);
        }
        index.set_vectors(Some(Arc::new(vectors)));
    }
    for query in std::io::stdin().lock().lines() {
        let query = query.unwrap();
        let meaning = model.as_ref().map(|model| {
            let vector: Arc<[f32]> = model.embed(&[&query]).into();
            Meaning::new(vector, model.model().related_from, MeaningUse::Beside)
        });
        let request = SearchRequest { meaning, ..SearchRequest::new(query.as_str()) };
        let answer = index.search(&request).unwrap();
        println!("\n## {query}  ({} found)", answer.total);
        for (name, said) in [
            ("corrected", format!("{:?}", answer.corrected)),
            ("understood", format!("{:?}", answer.understood)),
            ("relaxed", format!("{:?}", answer.relaxed)),
        ] {
            if said != "None" && said != "[]" {
                println!("   {name}: {said}");
            }
        }
        for hit in answer.hits {
            let parts = hit.parts;
            let title = titles[hit.id.as_str()];
            println!("   {:6.2} ({:.2}, {:.2}) {title}", hit.score, parts.title, parts.popularity);
        }
    }
}
