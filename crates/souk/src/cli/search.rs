//! The arguments of what is about search.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// A catalogue, queries that people rated its products for, and a model.
#[derive(Args, Clone, Debug)]
pub(crate) struct RatedArgs {
    /// A folder with products.jsonl, queries.csv and judgments.csv, instead of naming the three
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath, conflicts_with_all = ["products", "queries", "judgments"])]
    pub(crate) folder: Option<PathBuf>,
    /// The catalogue, JSON lines
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, required_unless_present = "folder")]
    pub(crate) products: Option<PathBuf>,
    /// Columns `query_id,query`
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, required_unless_present = "folder")]
    pub(crate) queries: Option<PathBuf>,
    /// Columns `query_id,product_id,grade`; grade 0 is of a product that does not fit
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, required_unless_present = "folder")]
    pub(crate) judgments: Option<PathBuf>,
    /// Places that count
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=200))]
    pub(crate) k: u16,
    /// Which model says what texts mean; `auto` takes the best that is installed [default: `search.embedder` of the settings]
    #[arg(long, value_parser = ["auto", "minilm", "static", "none"])]
    pub(crate) embedder: Option<String>,
    /// The folder that `make models` filled [default: `search.models` of the settings]
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) models: Option<PathBuf>,
    /// A file that keeps the vectors of products from one run to the next
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) vectors: Option<PathBuf>,
    /// The language of the catalogue, an IETF tag
    #[arg(long, default_value = "en")]
    pub(crate) language: String,
    /// The seed of misspellings and of the bootstrap
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct SearchEvaluateArgs {
    #[command(flatten)]
    pub(crate) rated: RatedArgs,
    /// How to search: by words, by meaning, or by both (`auto`, where a model is installed)
    #[arg(long, default_value = "auto", value_parser = ["auto", "lexical", "semantic"])]
    pub(crate) mode: String,
    /// Also misspell the queries this often, by one error each, and see what of the answers stays
    #[arg(long, value_name = "COUNT", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub(crate) misspell: u32,
    /// Where to write the answers, 200 deep
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct SearchTuneArgs {
    #[command(flatten)]
    pub(crate) rated: RatedArgs,
    /// Where to write the settings; a file that is there is replaced [default: they are printed]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct SearchArgs {
    /// What to look for; without words, everything that --filter lets through
    #[arg(value_name = "WORDS")]
    pub(crate) words: Vec<String>,
    /// How many, 1 to 100
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) limit: u32,
    /// What products must satisfy, for example "price <= 20 AND brand = 'Private'"
    #[arg(long, value_name = "FILTER")]
    pub(crate) filter: Option<String>,
    /// Fields to count, separated by commas
    #[arg(long, value_name = "FIELDS", value_delimiter = ',')]
    pub(crate) facets: Vec<String>,
    /// price:asc, price:desc, or any field with numbers, several separated by commas [default: the best first]
    #[arg(long, value_name = "FIELD:ORDER")]
    pub(crate) sort: Option<String>,
    /// A place, to see how far off hits can be had, and, with kilometres, to leave out what is farther; --sort distance:asc
    /// puts the nearest first
    #[arg(long, value_name = "LAT,LON[,KM]", allow_hyphen_values = true)]
    pub(crate) around: Option<String>,
    /// The shopper, by the shop's own id
    #[arg(long, value_name = "ID")]
    pub(crate) user: Option<String>,
    /// The language of the words, an IETF tag [default: that of the site]
    #[arg(long, value_name = "TAG")]
    pub(crate) locale: Option<String>,
    /// Whose products, where the company has several sites
    #[arg(long, value_name = "SITE")]
    pub(crate) site: Option<String>,
    /// By what hits are found: words, meaning, or both where a model is in use (`auto`)
    #[arg(long, default_value = "auto", value_parser = ["auto", "lexical", "semantic"])]
    pub(crate) mode: String,
    /// Take every word as it stands: read no conditions out of them
    #[arg(long)]
    pub(crate) literal: bool,
    /// Say what each score is made of
    #[arg(long)]
    pub(crate) explain: bool,
}
