#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::RwLock;
use serde_json::{Value, json};
use souk_core::wire::json::product_from_json;
use souk_core::{Currency, ErrorKind};
use souk_ports::EmbedderModel;
use souk_search::SortBy;

use super::super::SearchFound;
use super::*;
use crate::test_shop::{Shop, caller};
use crate::{Clock, Config, Role};

const PATIENCE: Duration = Duration::from_secs(60);
const KINDS: [&[&str]; 3] = [&["sofa", "couch", "settee"], &["tea", "chai"], &["lamp", "light"]];

/// Knows three kinds of things by several words each; texts with none of them say nothing.
#[derive(Debug)]
struct Kinds {
    model: EmbedderModel,
    n_read: AtomicUsize,
    /// Held by whoever keeps it from reading on.
    gate: RwLock<()>,
}

impl Kinds {
    fn new(version: u64) -> Arc<Kinds> {
        let model = EmbedderModel {
            name: "kinds".to_owned(),
            dimensions: KINDS.len(),
            version,
            language: "en".to_owned(),
            related_from: 0.1,
        };
        Arc::new(Kinds { model, n_read: AtomicUsize::new(0), gate: RwLock::new(()) })
    }

    fn n_read(&self) -> usize {
        self.n_read.load(Ordering::SeqCst)
    }
}

impl Embedder for Kinds {
    fn model(&self) -> &EmbedderModel {
        &self.model
    }

    fn embed(&self, texts: &[&str]) -> Vec<f32> {
        let _open = self.gate.read();
        self.n_read.fetch_add(texts.len(), Ordering::SeqCst);
        let mut all = Vec::new();
        for text in texts {
            let text = text.to_lowercase();
            let counts = KINDS
                .map(|words| words.iter().map(|w| text.matches(w).count()).sum::<usize>() as f32);
            let length = counts.iter().map(|x| x * x).sum::<f32>().sqrt().max(1.0);
            all.extend(counts.map(|x| x / length));
        }
        all
    }
}

fn titled(titles: &[(&str, &str)]) -> Vec<Value> {
    titles.iter().map(|(id, title)| json!({"id": id, "title": title, "price": {"amount": 100, "currency": "USD"}})).collect()
}

async fn put(shop: &Shop, titles: &[(&str, &str)]) {
    let products = titled(titles);
    let products = products
        .iter()
        .map(|value| product_from_json(value, &SiteId::main(), Currency::USD).unwrap());
    shop.app.put_products(products.collect(), &caller(Role::Admin)).await.unwrap();
    shop.app.wait_for(&shop.app.parts.log.end().await.unwrap()).await.unwrap();
    shop.app.wait_searchable(PATIENCE).await.unwrap();
}

const FIRST: [(&str, &str); 5] = [
    ("a", "Corner settee"),
    ("b", "Leather couch"),
    ("c", "Sofa cover for a lamp"),
    ("d", "Green tea"),
    ("e", "Desk lamp"),
];

async fn furnished() -> Shop {
    let shop = Shop::open_in("us").await;
    put(&shop, &FIRST).await;
    shop
}

/// Waits until everything has a vector of its text.
async fn meant(app: &App) {
    let began = Instant::now();
    loop {
        let shelf = app.searching.find(&SiteId::main()).unwrap();
        if shelf.index.read().vectors().is_some()
            && !app.searching.meanings.changed.lock().contains_key(&SiteId::main())
            && app.without_vector((&SiteId::main(), &shelf)).await.is_empty()
        {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "no vectors");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn ask(app: &App, query: &SearchQuery) -> Result<SearchFound, AppError> {
    app.search(query, &caller(Role::StorefrontServer)).await
}

fn in_mode(query: &str, mode: SearchMode) -> SearchQuery {
    SearchQuery { mode, explain: true, ..SearchQuery::new(query, 10) }
}

async fn found(app: &App, query: &str, mode: SearchMode) -> Vec<String> {
    let answer = ask(app, &in_mode(query, mode)).await.unwrap();
    answer.hits.iter().map(|hit| hit.product_id.to_string()).collect()
}

/// Opens the shop's storage once more, as after a restart.
async fn again(shop: &Shop, model: &Arc<Kinds>) -> Arc<App> {
    let config = Config::parse("privacy: {default_jurisdiction: us}", []).unwrap();
    let clock: Clock = shop.app.clock();
    let app = App::open(shop.app.parts.clone(), config, clock).await.unwrap();
    app.equip_meaning(Arc::clone(model) as Arc<dyn Embedder>);
    app.wait_ready().await.unwrap();
    app.wait_searchable(PATIENCE).await.unwrap();
    meant(&app).await;
    app
}

#[tokio::test]
async fn without_a_model_searches_go_by_words_and_meaning_alone_is_refused() {
    let shop = furnished().await;
    assert_eq!(found(&shop.app, "sofa", SearchMode::Auto).await, ["c"]);
    let refused = ask(&shop.app, &in_mode("sofa", SearchMode::Semantic)).await.unwrap_err();
    assert!(
        matches!(&refused, AppError::Invalid { code: "invalid_search", errors, .. } if errors[0].pointer == "/mode")
    );
    assert!(refused.to_string().contains("make models"), "{refused}");
}

#[tokio::test]
async fn meaning_brings_what_the_words_do_not_find() {
    let shop = furnished().await;
    shop.app.equip_meaning(Kinds::new(1));
    meant(&shop.app).await;
    let sofas = found(&shop.app, "sofa", SearchMode::Auto).await;
    assert_eq!(
        (sofas[0].as_str(), sofas[1..3].contains(&"a".into()), sofas[1..3].contains(&"b".into())),
        ("c", true, true)
    );
    assert_eq!(found(&shop.app, "sofa", SearchMode::Lexical).await, ["c"]);
    // Alone, a cover for a lamp is not as much of a sofa as a couch is.
    let mut alone = found(&shop.app, "sofa", SearchMode::Semantic).await;
    alone[..2].sort();
    assert_eq!(alone[..3], ["a", "b", "c"]);
    let answer = ask(&shop.app, &in_mode("sofa", SearchMode::Auto)).await.unwrap();
    assert!(answer.hits.iter().all(|hit| hit.parts.unwrap().meaning > 0.0));
    let unchanged = ask(&shop.app, &in_mode("sofa", SearchMode::Lexical)).await.unwrap();
    assert!(unchanged.hits.iter().all(|hit| hit.parts.unwrap().meaning == 1.0));
}

#[tokio::test]
async fn letters_as_they_are_typed_and_orders_by_a_number_go_by_words() {
    let shop = furnished().await;
    let model = Kinds::new(1);
    shop.app.equip_meaning(Arc::clone(&model) as Arc<dyn Embedder>);
    meant(&shop.app).await;
    let before = model.n_read();
    let sort = vec![SortBy::parse("price").unwrap()];
    let plain = in_mode("sofa", SearchMode::Auto);
    for query in [
        SearchQuery { typing: Typing::Going, ..plain.clone() },
        SearchQuery { sort, ..plain.clone() },
    ] {
        assert_eq!(ask(&shop.app, &query).await.unwrap().total, 1);
    }
    assert_eq!(model.n_read(), before);
    // A query that is asked again is not read again.
    for _ in 0..3 {
        assert!(ask(&shop.app, &plain).await.unwrap().total > 1);
    }
    assert_eq!(model.n_read(), before + 1);
}

#[tokio::test]
async fn words_serve_while_vectors_are_being_made() {
    let shop = furnished().await;
    let model = Kinds::new(1);
    {
        let (locked, close) = std::sync::mpsc::channel();
        let (open, opened) = std::sync::mpsc::channel::<()>();
        let own = Arc::clone(&model);
        let guard = std::thread::spawn(move || {
            let _closed = own.gate.write();
            locked.send(()).unwrap();
            opened.recv().unwrap();
        });
        close.recv().unwrap();
        shop.app.equip_meaning(Arc::clone(&model) as Arc<dyn Embedder>);
        assert_eq!(found(&shop.app, "sofa", SearchMode::Auto).await, ["c"]);
        let early = ask(&shop.app, &in_mode("sofa", SearchMode::Semantic)).await.unwrap_err();
        assert_eq!(early.kind(), ErrorKind::NotReady);
        open.send(()).unwrap();
        guard.join().unwrap();
    }
    meant(&shop.app).await;
    assert!(found(&shop.app, "sofa", SearchMode::Auto).await.len() > 1);
}

#[tokio::test]
async fn only_what_changed_is_read_again() {
    let shop = furnished().await;
    let model = Kinds::new(1);
    shop.app.equip_meaning(Arc::clone(&model) as Arc<dyn Embedder>);
    meant(&shop.app).await;
    assert_eq!(model.n_read(), FIRST.len());
    // A price says nothing; a title does.
    let products = titled(&[("a", "Corner settee")]);
    let mut cheaper = products[0].clone();
    cheaper["price"]["amount"] = json!(50);
    let cheaper = product_from_json(&cheaper, &SiteId::main(), Currency::USD).unwrap();
    shop.app.put_products(vec![cheaper], &caller(Role::Admin)).await.unwrap();
    put(&shop, &[("b", "Leather tea box")]).await;
    meant(&shop.app).await;
    assert_eq!(model.n_read(), FIRST.len() + 1);
    let mut teas = found(&shop.app, "chai", SearchMode::Semantic).await;
    teas[..2].sort();
    assert_eq!(teas[..2], ["b", "d"]);
    // An index that is built anew has the vectors of the one before.
    let read = model.n_read();
    let all: Vec<(String, String)> =
        (0..40).map(|n| (format!("new{n}"), format!("Light {n}"))).collect();
    let all: Vec<(&str, &str)> =
        all.iter().map(|(id, title)| (id.as_str(), title.as_str())).collect();
    put(&shop, &all).await;
    meant(&shop.app).await;
    assert_eq!(model.n_read(), read + 40);
}

#[tokio::test]
async fn a_restart_reads_nothing_again_unless_the_file_is_damaged_or_the_model_another() {
    let shop = furnished().await;
    shop.app.equip_meaning(Kinds::new(1));
    meant(&shop.app).await;
    shop.app.save_search_at_end().await;
    put(&shop, &[("f", "Chai")]).await;
    let path = path(&SiteId::main());
    let file = shop.app.parts.blobs.get(&path).await.unwrap().bytes().await.unwrap();
    let mut damaged = file.to_vec();
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    for (stored, version, n_read) in [
        (file.to_vec(), 1, 1),
        (damaged, 1, FIRST.len() + 1),
        (file.to_vec(), 2, FIRST.len() + 1),
        (Vec::new(), 1, FIRST.len() + 1),
    ] {
        shop.app.parts.blobs.put(&path, PutPayload::from(stored)).await.unwrap();
        let model = Kinds::new(version);
        let app = again(&shop, &model).await;
        assert_eq!(model.n_read(), n_read);
        assert_eq!(found(&app, "couch", SearchMode::Semantic).await.len(), 3);
    }
}

#[tokio::test]
async fn a_model_is_opened_while_words_serve() {
    let shop = furnished().await;
    let (open, opened) = std::sync::mpsc::channel::<()>();
    shop.app.open_meaning(move || {
        opened.recv().unwrap();
        Some(Kinds::new(1))
    });
    assert_eq!(found(&shop.app, "sofa", SearchMode::Auto).await, ["c"]);
    assert!(shop.app.check_ready().is_ok());
    let early = ask(&shop.app, &in_mode("sofa", SearchMode::Semantic)).await.unwrap_err();
    assert_eq!(early.kind(), ErrorKind::NotReady);
    assert!(early.to_string().contains("being opened"), "{early}");
    // Who wants to measure waits for all of it.
    assert!(shop.app.wait_searchable(Duration::ZERO).await.is_err());
    open.send(()).unwrap();
    shop.app.wait_searchable(PATIENCE).await.unwrap();
    meant(&shop.app).await;
    assert!(found(&shop.app, "sofa", SearchMode::Auto).await.len() > 1);
}

#[tokio::test]
async fn nobody_waits_for_vectors_that_cannot_come() {
    let shop = furnished().await;
    shop.app.open_meaning(|| None);
    shop.app.wait_searchable(PATIENCE).await.unwrap();
    assert_eq!(found(&shop.app, "sofa", SearchMode::Auto).await, ["c"]);
    let meanings = &shop.app.searching.meanings;
    let shelf = shop.app.searching.find(&SiteId::main()).unwrap();
    *meanings.stage.lock() = Stage::Making;
    assert!(!meanings.is_whole(&shelf));
    *meanings.stage.lock() = Stage::Stopped;
    assert!(meanings.is_whole(&shelf));
}

/// Makes vectors of nothing but panics on products, as a model never does.
#[derive(Debug)]
struct Broken(EmbedderModel);

impl Embedder for Broken {
    fn model(&self) -> &EmbedderModel {
        &self.0
    }

    fn embed(&self, _: &[&str]) -> Vec<f32> {
        panic!("a fault")
    }
}

#[tokio::test]
async fn a_model_that_fails_leaves_the_words() {
    let shop = furnished().await;
    shop.app.equip_meaning(Arc::new(Broken(Kinds::new(1).model.clone())));
    let began = Instant::now();
    while *shop.app.searching.meanings.stage.lock() != Stage::Stopped {
        assert!(began.elapsed() < PATIENCE, "it goes on");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    shop.app.wait_searchable(PATIENCE).await.unwrap();
    assert_eq!(found(&shop.app, "sofa", SearchMode::Auto).await, ["c"]);
}

#[tokio::test]
async fn an_index_that_is_replaced_keeps_its_vectors_as_long_as_it_serves() {
    let shop = furnished().await;
    shop.app.equip_meaning(Kinds::new(1));
    meant(&shop.app).await;
    let before = shop.app.searching.find(&SiteId::main()).unwrap();
    let index = SearchIndex::new(before.index.read().settings().clone());
    shop.app.searching.put(&SiteId::main(), index);
    let after = shop.app.searching.find(&SiteId::main()).unwrap();
    assert!(!Arc::ptr_eq(&before, &after));
    for shelf in [before, after] {
        assert_eq!(shelf.index.read().vectors().unwrap().len(), FIRST.len());
    }
}

#[tokio::test]
async fn many_vectors_get_a_graph_which_is_kept_up_and_written_down() {
    let shop = furnished().await;
    shop.app.searching.meanings.graph.0.store(5, Ordering::SeqCst);
    shop.app.equip_meaning(Kinds::new(1));
    drawn(&shop.app, FIRST.len()).await;
    let sofas = found(&shop.app, "couch", SearchMode::Semantic).await;
    assert_eq!(sofas.len(), 3);
    // What changes, comes and goes is found as it is now.
    put(&shop, &[("b", "Leather tea box"), ("f", "Blue settee")]).await;
    meant(&shop.app).await;
    drawn(&shop.app, FIRST.len() + 2).await;
    let mut sofas = found(&shop.app, "couch", SearchMode::Semantic).await;
    sofas[..2].sort();
    assert_eq!(sofas, ["a", "f", "c"]);
    shop.app.save_search_at_end().await;
    let path = path(&SiteId::main());
    let file = shop.app.parts.blobs.get(&path).await.unwrap().bytes().await.unwrap();
    let space = shop.app.searching.meanings.engine.get().unwrap().space();
    assert_eq!(Vectors::from_bytes(&file, space).unwrap().n_unlinked(), Some(0));
}

/// Waits until a graph knows so many vectors.
async fn drawn(app: &App, n_rows: usize) {
    let began = Instant::now();
    loop {
        let shelf = app.searching.find(&SiteId::main()).unwrap();
        let vectors = shelf.index.read().vectors().cloned();
        if vectors.is_some_and(|own| own.n_rows() == n_rows && own.n_unlinked() == Some(0)) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "no graph");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[test]
fn the_last_queries_are_remembered() {
    let mut asked = Asked::default();
    let vector = |n: usize| Arc::<[f32]>::from(vec![n as f32]);
    for n in 0..3 * REMEMBERED {
        asked.put(n.to_string().into(), vector(n));
        // Asked again and again, so it stays.
        assert_eq!(asked.get("0"), Some(vector(0)), "{n}");
    }
    assert_eq!(asked.get("1"), None);
    assert_eq!(asked.get(&(3 * REMEMBERED - 1).to_string()), Some(vector(3 * REMEMBERED - 1)));
    assert!(asked.young.len() + asked.old.len() <= 2 * REMEMBERED + 1);
}
