//! Raw `tantivy` with its own defaults: its tokenizer, its BM25, its fuzzy terms, facets by its aggregations over
//! fast fields.

use std::path::Path;

use souk_core::{AttributeValue, Product};
use tantivy::aggregation::AggregationCollector;
use tantivy::aggregation::agg_req::Aggregations;
use tantivy::collector::{Count, TopDocs};
use tantivy::query::QueryParser;
use tantivy::schema::{FAST, Field, STORED, STRING, Schema, TEXT, Value};
use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, TantivyDocument, Term};

use crate::{Asked, Engine};

/// Memory that may be filled before a segment is written, of both threads together; chosen: what souk's
/// whole index takes.
const BUDGET: usize = 600_000_000;

/// Which products a query asks for.
#[derive(Clone, Copy)]
pub(crate) enum Words {
    /// Those with any of the words: tantivy's default.
    Any,
    /// Those with all of them, which is what souk answers first.
    All,
}

pub(crate) struct Rival {
    reader: IndexReader,
    writer: IndexWriter,
    fields: Fields,
    exact: QueryParser,
    fuzzy: QueryParser,
    facets: Aggregations,
}

#[derive(Clone, Copy)]
struct Fields {
    id: Field,
    /// Title, description, brand, categories, attributes.
    texts: [Field; 5],
    brand: Field,
    category: Field,
    colour: Field,
    material: Field,
    price: Field,
}

fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let fields = Fields {
        id: schema.add_text_field("id", STRING | STORED),
        texts: ["title", "description", "brand", "categories", "attributes"]
            .map(|name| schema.add_text_field(name, TEXT)),
        brand: schema.add_text_field("brand_value", STRING | FAST),
        category: schema.add_text_field("category_value", STRING | FAST),
        colour: schema.add_text_field("colour_value", STRING | FAST),
        material: schema.add_text_field("material_value", STRING | FAST),
        price: schema.add_f64_field("price", FAST),
    };
    (schema.build(), fields)
}

impl Fields {
    fn document(&self, product: &Product) -> TantivyDocument {
        let mut document = TantivyDocument::new();
        let [title, description, brand, categories, attributes] = self.texts;
        document.add_text(self.id, product.id.as_str());
        document.add_text(title, &product.title);
        if let Some(text) = &product.description {
            document.add_text(description, text);
        }
        if let Some(text) = &product.brand {
            document.add_text(brand, text);
            document.add_text(self.brand, text);
        }
        for path in &product.categories {
            document.add_text(categories, path);
            for (end, _) in path.match_indices('>').chain([(path.len(), "")]) {
                document.add_text(self.category, path[..end].trim());
            }
        }
        for (name, value) in &product.attributes {
            let texts: Vec<String> = match value {
                AttributeValue::Text(text) => vec![text.clone()],
                AttributeValue::Texts(texts) => texts.clone(),
                AttributeValue::Number(number) => vec![number.to_string()],
            };
            for text in texts {
                match name.as_str() {
                    "colour" => document.add_text(self.colour, &text),
                    "material" => document.add_text(self.material, &text),
                    _ => {}
                }
                document.add_text(attributes, &text);
            }
        }
        if let Some(price) = product.price {
            document.add_f64(self.price, price.minor() as f64 / 100.0);
        }
        document
    }
}

pub(crate) fn build(products: &[Product], folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let (schema, fields) = schema();
    let index = Index::create_in_dir(folder, schema)?;
    let mut writer: IndexWriter = index.writer_with_num_threads(2, BUDGET)?;
    for product in products {
        writer.add_document(fields.document(product))?;
    }
    writer.commit()?;
    writer.wait_merging_threads()?;
    Ok(())
}

pub(crate) fn open(folder: &Path) -> Result<Rival, Box<dyn std::error::Error>> {
    Rival::of(Index::open_in_dir(folder)?, Words::All)
}

/// An index of a few products, for the comparison of rankings.
pub(crate) fn small(
    products: &[Product],
    words: Words,
) -> Result<Rival, Box<dyn std::error::Error>> {
    let (schema, fields) = schema();
    let index = Index::create_in_ram(schema);
    let mut rival = Rival::of(index, words)?;
    for product in products {
        rival.writer.add_document(fields.document(product))?;
    }
    rival.writer.commit()?;
    rival.reader.reload()?;
    Ok(rival)
}

impl Rival {
    fn of(index: Index, words: Words) -> Result<Rival, Box<dyn std::error::Error>> {
        let (_, fields) = schema();
        let parser = || {
            let mut parser = QueryParser::for_index(&index, fields.texts.to_vec());
            if matches!(words, Words::All) {
                parser.set_conjunction_by_default();
            }
            parser
        };
        let mut fuzzy = parser();
        for field in fields.texts {
            fuzzy.set_field_fuzzy(field, false, 1, true);
        }
        let facets = serde_json::from_value(serde_json::json!({
            "brand": {"terms": {"field": "brand_value", "size": 20}},
            "categories": {"terms": {"field": "category_value", "size": 20}},
            "colour": {"terms": {"field": "colour_value", "size": 20}},
            "material": {"terms": {"field": "material_value", "size": 20}},
            "price": {"range": {"field": "price", "ranges": [
                {"to": 10.0}, {"from": 10.0, "to": 20.0}, {"from": 20.0, "to": 50.0},
                {"from": 50.0, "to": 100.0}, {"from": 100.0, "to": 200.0}, {"from": 200.0},
            ]}},
        }))?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let writer = index.writer_with_num_threads(1, 50_000_000)?;
        Ok(Rival { reader, writer, fields, exact: parser(), fuzzy, facets })
    }

    /// The ids of the first `k`.
    pub(crate) fn rank(&self, query: &str, k: usize) -> Vec<String> {
        let (query, _) = self.exact.parse_query_lenient(query);
        let searcher = self.reader.searcher();
        let top = TopDocs::with_limit(k).order_by_score();
        let found = searcher.search(&query, &top).unwrap_or_default();
        let id = |address| {
            let document: TantivyDocument = searcher.doc(address).ok()?;
            document.get_first(self.fields.id)?.as_str().map(str::to_owned)
        };
        found.into_iter().filter_map(|(_, address)| id(address)).collect()
    }
}

impl Engine for Rival {
    fn search(&self, query: &str, asked: Asked) -> usize {
        let parser = if asked == Asked::Forgiving { &self.fuzzy } else { &self.exact };
        let (query, _) = parser.parse_query_lenient(query);
        let searcher = self.reader.searcher();
        let top = TopDocs::with_limit(10).order_by_score();
        let counted = if asked == Asked::Hits {
            searcher.search(&query, &(top, Count)).map(|(_, count)| count)
        } else {
            let facets = AggregationCollector::from_aggs(self.facets.clone(), Default::default());
            searcher.search(&query, &(top, Count, facets)).map(|(_, count, _)| count)
        };
        counted.expect("a search of an index that was just opened succeeds")
    }

    fn change(&mut self, product: &Product) {
        self.writer.delete_term(Term::from_field_text(self.fields.id, product.id.as_str()));
        let added = self.writer.add_document(self.fields.document(product));
        added.and_then(|_| self.writer.commit()).expect("the disk takes a commit");
        self.reader.reload().expect("what was committed can be read");
    }
}
