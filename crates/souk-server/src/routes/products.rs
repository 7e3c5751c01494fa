use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use rustc_hash::FxHashSet;
use serde_json::Value;
use souk_app::{Caller, Operation, PutRejection, Role};
use souk_core::wire::json::{Audience, patch_from_json, product_from_json, product_to_json};
use souk_core::{Filter, Product, ProductId, SiteId, hexadecimal};

use crate::body::{expect_json, media_type};
use crate::dto::products::{
    ListQuery, PAGE_MAX, PUT_MAX, ProductAnswer, ProductChange, ProductList, PutProductsAnswer,
    PutProductsBody, RejectedProduct, SiteQuery,
};
use crate::edge::{Call, Edge};
use crate::problem::{Answer, Problem};
use crate::routes::{PathPart, QueryOf, json, no_content, path_part, query_of};

/// Bytes of a change of one product; chosen.
const CHANGE_BYTES_MAX: usize = 1 << 20;
/// Above this, reading leaves the threads that answer requests; chosen: about a millisecond.
const INLINE_BYTES_MAX: usize = 64 << 10;
/// Products in a page whose request names no limit.
const PAGE_DEFAULT: u32 = 100;
const NDJSON: &str = "application/x-ndjson";

/// Stores or replaces products. Each is taken or refused by itself; when all are refused, the answer
/// is 422.
#[utoipa::path(
    put,
    path = "/v1/products",
    tag = "Catalogue",
    summary = "Store or replace products",
    request_body(content = PutProductsBody, description =
        "JSON, or `application/x-ndjson` with one product a line."),
    responses((status = 200, description = "What became of them.", body = PutProductsAnswer))
)]
pub(crate) async fn put(State(edge): State<Arc<Edge>>, request: Request) -> Answer {
    let limit = edge.config.limits.body_bytes_max;
    let (caller, call) = edge.admit(request, Operation::WriteCatalogue, limit).await?;
    let Read { products, mut rejected } = read_products(&edge, call).await?;
    let (products, places): (Vec<_>, Vec<_>) = products.into_iter().unzip();
    let mut accepted = 0;
    if !products.is_empty() {
        let answer = edge.app.put_products(products, &caller).await?;
        accepted = answer.accepted;
        for rejection in answer.rejected {
            rejected.checked(PutRejection { index: places[rejection.index], ..rejection });
        }
    }
    rejected.rejections.sort_by_key(|rejection| rejection.index);
    if accepted == 0 && !rejected.rejections.is_empty() {
        let problem = Problem::invalid(rejected.errors).with_code("invalid_product");
        let is_conflict = rejected.contradictions > 0;
        let problem = problem.with_rejected(rejected.rejections);
        return Err(if is_conflict { problem.with_status(StatusCode::CONFLICT) } else { problem });
    }
    let rejected = rejected.rejections.into_iter();
    let rejected =
        rejected.map(|r| RejectedProduct { index: r.index, id: r.id, detail: r.detail }).collect();
    Ok(json(&PutProductsAnswer { accepted, rejected }))
}

/// Products that could be read, each with its place, and those that could not.
#[derive(Default)]
struct Read {
    products: Vec<(Product, usize)>,
    rejected: Refused,
}

#[derive(Default)]
struct Refused {
    rejections: Vec<PutRejection>,
    errors: Vec<souk_app::FieldError>,
    /// How many of them name a variant twice.
    contradictions: usize,
}

/// Whether two variants of a product have the same id: they contradict each other, which no schema can
/// forbid, so the answer is 409 and not 422.
fn names_a_variant_twice(product: &Value) -> bool {
    let variants = product.get("variants").and_then(Value::as_array);
    let ids = variants.into_iter().flatten().filter_map(|variant| variant.get("id")?.as_str());
    let mut seen = FxHashSet::default();
    ids.into_iter().any(|id| !seen.insert(id))
}

/// Faults in one answer; chosen: more than anyone reads.
const ERRORS_MAX: usize = 100;

/// How a list of products is written.
#[derive(Clone, Copy, PartialEq)]
enum Format {
    /// One object with a list.
    Object,
    /// NDJSON: one product a line.
    Lines,
}

async fn read_products(edge: &Arc<Edge>, call: Call) -> Answer<Read> {
    let format = if media_type(&call.headers).is_some_and(|kind| kind == NDJSON) {
        Format::Lines
    } else {
        expect_json(&call.headers)?;
        Format::Object
    };
    if call.body.len() <= INLINE_BYTES_MAX {
        return read_now(edge, &call.body, format);
    }
    let edge = Arc::clone(edge);
    let task = tokio::task::spawn_blocking(move || read_now(&edge, &call.body, format));
    task.await.expect("reading JSON does not panic")
}

fn read_now(edge: &Edge, body: &[u8], format: Format) -> Answer<Read> {
    let values: Vec<Result<Value, String>> = if format == Format::Lines {
        let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        lines.map(|line| serde_json::from_slice(line).map_err(|e| e.to_string())).collect()
    } else {
        let body: PutProductsBody = crate::json::parse_object(body)?;
        body.products.into_iter().map(Ok).collect()
    };
    if values.len() > PUT_MAX {
        let detail = format!("{} products; the limit is {PUT_MAX}", values.len());
        return Err(Problem::field("/products", detail).with_code("too_many_items"));
    }
    let (site, currency) = edge.home();
    let mut read = Read::default();
    for (index, value) in values.into_iter().enumerate() {
        match value {
            Ok(value) => match product_from_json(&value, &site, currency) {
                Ok(product) => read.products.push((product, index)),
                Err(faults) => read.rejected.product(index, &value, faults),
            },
            Err(error) => read.rejected.line(index, &error),
        }
    }
    Ok(read)
}

impl Refused {
    fn product(
        &mut self,
        index: usize,
        value: &Value,
        faults: Vec<souk_core::wire::json::FieldError>,
    ) {
        let id = value.get("id").and_then(Value::as_str).map(|id| id.chars().take(255).collect());
        self.contradictions += usize::from(names_a_variant_twice(value));
        let texts: Vec<String> = faults.iter().map(ToString::to_string).collect();
        self.rejections.push(PutRejection { index, id, detail: texts.join("; ") });
        let room = ERRORS_MAX.saturating_sub(self.errors.len());
        let prefix = format!("/products/{index}");
        self.errors.extend(faults.into_iter().take(room).map(|fault| {
            let fault = fault.under(&prefix);
            souk_app::FieldError { pointer: fault.pointer, detail: fault.detail }
        }));
    }

    /// A product that could be read and was then refused.
    fn checked(&mut self, rejection: PutRejection) {
        let pointer = format!("/products/{}", rejection.index);
        if self.errors.len() < ERRORS_MAX {
            let detail = rejection.detail.clone();
            self.errors.push(souk_app::FieldError { pointer, detail });
        }
        self.rejections.push(rejection);
    }

    fn line(&mut self, index: usize, error: &str) {
        let detail = format!("the line is not JSON: {error}");
        self.rejections.push(PutRejection { index, id: None, detail: detail.clone() });
        if self.errors.len() < ERRORS_MAX {
            let pointer = format!("/products/{index}");
            self.errors.push(souk_app::FieldError { pointer, detail });
        }
    }
}

/// One product.
#[utoipa::path(
    get,
    path = "/v1/products/{id}",
    tag = "Catalogue",
    summary = "Read a product",
    params(("id" = String, Path, description = "The shop's own name for it.", min_length = 1), SiteQuery),
    responses((status = 200, description = "The product.", body = ProductAnswer))
)]
pub(crate) async fn get(
    State(edge): State<Arc<Edge>>,
    id: PathPart,
    query: QueryOf<SiteQuery>,
    request: Request,
) -> Answer {
    let (caller, _) = edge.admit(request, Operation::ReadCatalogue, CHANGE_BYTES_MAX).await?;
    let (site, id) = place(&edge, id, query)?;
    edge.app.noted(&caller, caller.check_site(&site))?;
    let product = edge.app.product(&site, &id).ok_or_else(|| no_product(&id))?;
    Ok(json(&product_to_json(&product, audience(&caller))))
}

/// Changes some fields of a product and answers the result.
#[utoipa::path(
    patch,
    path = "/v1/products/{id}",
    tag = "Catalogue",
    summary = "Change a product",
    params(("id" = String, Path, description = "The shop's own name for it.", min_length = 1), SiteQuery),
    request_body(content = ProductChange),
    responses((status = 200, description = "The product as it is now.", body = ProductAnswer))
)]
pub(crate) async fn patch(
    State(edge): State<Arc<Edge>>,
    id: PathPart,
    query: QueryOf<SiteQuery>,
    request: Request,
) -> Answer {
    let (caller, call) = edge.admit(request, Operation::WriteCatalogue, CHANGE_BYTES_MAX).await?;
    expect_json(&call.headers)?;
    let (site, id) = place(&edge, id, query)?;
    let value: Value = crate::json::parse(&call.body)?;
    let patch = patch_from_json(&value, edge.currency_of(&site)).map_err(|faults| {
        let errors = faults.into_iter();
        let errors =
            errors.map(|f| souk_app::FieldError { pointer: f.pointer, detail: f.detail }).collect();
        let problem = Problem::invalid(errors).with_code("invalid_product");
        let is_conflict = names_a_variant_twice(&value);
        if is_conflict { problem.with_status(StatusCode::CONFLICT) } else { problem }
    })?;
    let product = edge.app.patch_product(&site, &id, (patch, &caller)).await?;
    Ok(json(&product_to_json(&product, audience(&caller))))
}

/// Removes a product from the catalogue; what happened with it stays.
#[utoipa::path(
    delete,
    path = "/v1/products/{id}",
    tag = "Catalogue",
    summary = "Remove a product",
    params(("id" = String, Path, description = "The shop's own name for it.", min_length = 1), SiteQuery),
    responses((status = 204, description = "It is gone."))
)]
pub(crate) async fn delete(
    State(edge): State<Arc<Edge>>,
    id: PathPart,
    query: QueryOf<SiteQuery>,
    request: Request,
) -> Answer {
    let (caller, _) = edge.admit(request, Operation::WriteCatalogue, CHANGE_BYTES_MAX).await?;
    let (site, id) = place(&edge, id, query)?;
    edge.app.delete_product(&site, &id, &caller).await?;
    Ok(no_content())
}

/// A page of the catalogue.
#[utoipa::path(
    get,
    path = "/v1/products",
    tag = "Catalogue",
    summary = "List products",
    params(ListQuery),
    responses((status = 200, description = "In the order of their ids.", body = ProductList))
)]
pub(crate) async fn list(
    State(edge): State<Arc<Edge>>,
    query: QueryOf<ListQuery>,
    request: Request,
) -> Answer {
    let (caller, _) = edge.admit(request, Operation::ReadCatalogue, CHANGE_BYTES_MAX).await?;
    let query = query_of(query)?;
    let site = site_of(&edge, query.site)?;
    edge.app.noted(&caller, caller.check_site(&site))?;
    let limit = query.limit.unwrap_or(PAGE_DEFAULT);
    if !(1..=PAGE_MAX).contains(&limit) {
        let detail = format!("limit is {limit}; it must be between 1 and {PAGE_MAX}");
        return Err(Problem::field("limit", detail));
    }
    let filter =
        query.filter.as_deref().map(Filter::parse).transpose().map_err(|error| {
            Problem::field("filter", error.to_string()).with_code("invalid_filter")
        })?;
    let cursor = query.cursor.as_deref().map(read_cursor).transpose()?;
    let page = edge.app.list_products(&site, (filter.as_ref(), cursor.as_ref()), limit as usize);
    let audience = audience(&caller);
    Ok(json(&ProductList {
        products: page.products.iter().map(|p| product_to_json(p, audience)).collect(),
        cursor: page.cursor.as_ref().map(write_cursor),
    }))
}

/// What the shop pays is for those who plan and price.
fn audience(caller: &Caller) -> Audience {
    match caller.role {
        Role::Merchandiser | Role::Planner | Role::Analyst | Role::Admin => Audience::Shop,
        _ => Audience::Shopper,
    }
}

fn place(edge: &Edge, id: PathPart, query: QueryOf<SiteQuery>) -> Answer<(SiteId, ProductId)> {
    let site = site_of(edge, query_of(query)?.site)?;
    let id = ProductId::new(path_part(id)?);
    Ok((site, id.map_err(|error| Problem::field("id", error.to_string()))?))
}

fn site_of(edge: &Edge, name: Option<String>) -> Answer<SiteId> {
    let Some(name) = name else { return Ok(edge.home().0) };
    let site = SiteId::new(name).map_err(|error| Problem::field("site", error.to_string()))?;
    edge.check_site(&site, "site")?;
    Ok(site)
}

fn no_product(id: &ProductId) -> Box<Problem> {
    Problem::new(StatusCode::NOT_FOUND, "not_found", format!("product `{id}` does not exist"))
}

/// The id after which the next page begins, in hexadecimal: opaque, and safe in any URL.
pub(crate) fn write_cursor(id: &ProductId) -> String {
    hexadecimal(id.as_str().as_bytes())
}

fn no_cursor() -> Box<Problem> {
    let detail = "this is not a cursor; send the `cursor` of the page before as it was";
    Problem::field("cursor", detail).with_code("invalid_cursor")
}

pub(crate) fn read_cursor(text: &str) -> Answer<ProductId> {
    // Half a character marks a place between two ids as well as a whole one does.
    let text = String::from_utf8_lossy(&read_hexadecimal(text)?).into_owned();
    ProductId::new(text).map_err(|_| no_cursor())
}

/// The bytes of a cursor.
pub(crate) fn read_hexadecimal(text: &str) -> Answer<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).filter(|_| !byte.is_ascii_uppercase());
    let pairs = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some((digit(*high)? * 16 + digit(*low)?) as u8),
        _ => None,
    });
    let bytes = pairs.collect::<Option<Vec<u8>>>().filter(|bytes| !bytes.is_empty());
    bytes.ok_or_else(no_cursor)
}
