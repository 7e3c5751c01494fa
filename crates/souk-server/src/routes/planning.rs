//! Demand, stock, suppliers, and what to order.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use souk_app::{
    Caller, KeptForecast, Operation, StopSwitch, forecast_to_json, overrides_to_json, plan_to_json,
    waste_to_json,
};
use souk_core::{LocationId, SiteId, hexadecimal};

use crate::body::expect_json;
use crate::dto::foresight::{
    KeptAnswer, KeptQuery, OverrideBody, OverridesAnswer, OverridesQuery, SignalsAnswer,
    SignalsBody, SignalsSaved, WasteAnswer, signals_answer,
};
use crate::dto::planning::{
    ForecastAnswerBody, ForecastBody, PlaceQuery, ReplenishmentAnswer, StockAnswer, StockQueryBody,
    SwitchBody, stock_answer,
};
use crate::dto::purchasing::{
    LinesChangeBody, OrderChangeBody, OrderList, OrdersQuery, PurchaseOrderAnswer,
    PurchaseOrderBody, SupplierList, SuppliersBody, SuppliersStored, order_answer,
    order_with_warnings, supplier_answer,
};
use crate::edge::Edge;
use crate::etag::{IfMatch, with_etag, with_etag_of_body};
use crate::idempotency::idempotent_stored;
use crate::problem::{Answer, Problem};
use crate::routes::{PathPart, QueryOf, body_of, json, no_content, path_part, query_of, unbroken};

/// Bytes of a request; chosen: a thousand suppliers' offers come in several.
const REQUEST_BYTES_MAX: usize = 16 << 20;

/// Forecasts a product's demand day by day, with intervals, what moves it, what to do and how much to hold.
///
/// Without `location_id` all places together. Days on which the shelf was empty count as censored, not as 0.
#[utoipa::path(
    post,
    path = "/v1/forecasts",
    tag = "Planning",
    summary = "Forecast demand",
    request_body(content = ForecastBody),
    responses(
        (status = 200, description = "The forecast.", body = ForecastAnswerBody),
        (status = 404, description = "No fact names this product or place.")
    )
)]
pub(crate) async fn forecast(State(edge): State<Arc<Edge>>, request: Request) -> Answer {
    let (caller, call) = edge.admit(request, Operation::ReadPlanning, REQUEST_BYTES_MAX).await?;
    let body: ForecastBody = call.json()?;
    let request = body.parse(&edge.app.config().main_site())?;
    edge.check_site(&request.site, "/site")?;
    let answer = edge.app.forecast(request, &caller).await?;
    Ok(json(&forecast_to_json(&answer)))
}

/// Lists the forecasts that plans go by, of every product and place that the key may see, day by day.
///
/// They are made in the background: what is not forecast yet is not among them, and `fitted_at` says of when each is. Their
/// means are those that `POST /v1/forecasts` answers at a place. `souk export --kind forecasts` writes all of them.
#[utoipa::path(
    get,
    path = "/v1/forecasts",
    tag = "Planning",
    summary = "List forecasts",
    params(KeptQuery),
    responses((status = 200, description = "By site, product and place.", body = KeptAnswer))
)]
pub(crate) async fn forecasts(
    State(edge): State<Arc<Edge>>,
    query: QueryOf<KeptQuery>,
    request: Request,
) -> Answer {
    let (caller, _) = edge.admit(request, Operation::ReadPlanning, REQUEST_BYTES_MAX).await?;
    let asked = query_of(query)?.parse()?;
    let app = Arc::clone(&edge.app);
    // Some tens of milliseconds of arithmetic, which must not hold up others.
    let page = tokio::task::spawn_blocking(move || app.kept_forecast_page(&asked, &caller)).await;
    let page = page.expect("a page of forecasts does not panic")?;
    let forecasts: Vec<_> = page.forecasts.iter().map(KeptForecast::to_json).collect();
    let cursor = page.after.map(|after| hexadecimal(after.as_bytes()));
    Ok(json(&serde_json::json!({ "forecasts": forecasts, "cursor": cursor })))
}

/// What stands where, with lots and their last days.
#[utoipa::path(
    get,
    path = "/v1/stock",
    tag = "Planning",
    summary = "See stock",
    params(StockQueryBody),
    responses((status = 200, description = "In the order of products.", body = StockAnswer))
)]
pub(crate) async fn stock(
    State(edge): State<Arc<Edge>>,
    query: QueryOf<StockQueryBody>,
    request: Request,
) -> Answer {
    let (caller, _) = edge.admit(request, Operation::ReadPlanning, REQUEST_BYTES_MAX).await?;
    let query = query_of(query)?.parse(&edge.app.config().main_site())?;
    edge.check_site(&query.site, "site")?;
    Ok(json(&stock_answer(&edge.app.stock(&query, &caller)?)))
}

/// Lists suppliers with their offers, and what receipts taught of them.
#[utoipa::path(
    get,
    path = "/v1/suppliers",
    tag = "Planning",
    summary = "List suppliers",
    responses((status = 200, description = "In the order of their ids.", body = SupplierList))
)]
pub(crate) async fn suppliers(State(edge): State<Arc<Edge>>, request: Request) -> Answer {
    let (caller, _) = edge.admit(request, Operation::ReadPlanning, REQUEST_BYTES_MAX).await?;
    let suppliers = edge.app.suppliers(&caller)?;
    let suppliers: Vec<_> = suppliers.iter().map(supplier_answer).collect();
    Ok(json(&serde_json::json!({ "suppliers": suppliers })))
}

/// Stores suppliers, replacing those of the same ids; what was learned of them stays. At most 1,000 a call.
#[utoipa::path(
    put,
    path = "/v1/suppliers",
    tag = "Planning",
    summary = "Store suppliers",
    request_body(content = SuppliersBody),
    responses((status = 200, description = "All of them are stored.", body = SuppliersStored))
)]
pub(crate) async fn put_suppliers(State(edge): State<Arc<Edge>>, request: Request) -> Answer {
    let (caller, call) = edge.admit(request, Operation::WritePlanning, REQUEST_BYTES_MAX).await?;
    let body: SuppliersBody = call.json()?;
    let suppliers = body.into_suppliers();
    let app = Arc::clone(&edge.app);
    let stored = unbroken(async move { app.put_suppliers(suppliers, &caller).await }).await?;
    Ok(json(&SuppliersStored { stored }))
}

/// What to order now at a place: for each line position, protection interval, demand quantile, rounding, the
/// suppliers compared, quantity and cost; what is odd; alarms of feeds; and what a rule would approve.
///
/// Nothing is made or sent by asking.
#[utoipa::path(
    get,
    path = "/v1/replenishment",
    tag = "Planning",
    summary = "See what to order",
    params(PlaceQuery),
    responses(
        (status = 200, description = "The dearest line first.", body = ReplenishmentAnswer),
        (status = 404, description = "No fact names this place."),
        (status = 422, description = "No place was named.")
    )
)]
pub(crate) async fn replenishment(
    State(edge): State<Arc<Edge>>,
    query: QueryOf<PlaceQuery>,
    request: Request,
) -> Answer {
    let (caller, (site, location)) = asked_place(&edge, query, request).await?;
    let plan = edge.app.replenishment((&site, &location), &caller).await?;
    Ok(json(&plan_to_json(&plan)))
}

/// Admits a planner who asks about a place.
async fn asked_place(
    edge: &Edge,
    query: QueryOf<PlaceQuery>,
    request: Request,
) -> Answer<(Caller, (SiteId, LocationId))> {
    let (caller, _) = edge.admit(request, Operation::ReadPlanning, REQUEST_BYTES_MAX).await?;
    let (site, location) = query_of(query)?.parse(&edge.app.config().main_site())?;
    edge.check_site(&site, "site")?;
    Ok((caller, (site, location)))
}

/// Sets or releases the stop switch: while it is set, nothing is approved by rule, also after a restart.
#[utoipa::path(
    post,
    path = "/v1/replenishment/switch",
    tag = "Planning",
    summary = "Stop approvals by rule",
    request_body(content = SwitchBody),
    responses((status = 200, description = "As it is now.", body = SwitchBody))
)]
pub(crate) async fn switch(State(edge): State<Arc<Edge>>, request: Request) -> Answer {
    let (caller, call) = edge.admit(request, Operation::WritePlanning, REQUEST_BYTES_MAX).await?;
    let body: SwitchBody = call.json()?;
    let switch = if body.stopped { StopSwitch::Stopped } else { StopSwitch::Running };
    let app = Arc::clone(&edge.app);
    unbroken(async move { app.stop_replenishment(switch, &caller).await }).await?;
    Ok(json(&body))
}

/// Lists purchase orders: the open ones, which are drafts, approved and sent ones, or those in one `state`.
///
/// Of received and cancelled ones a page can be short and still have a cursor.
#[utoipa::path(
    get,
    path = "/v1/purchase_orders",
    tag = "Planning",
    summary = "List purchase orders",
    params(OrdersQuery),
    responses((status = 200, description = "In the order of their ids.", body = OrderList))
)]
pub(crate) async fn orders(
    State(edge): State<Arc<Edge>>,
    query: QueryOf<OrdersQuery>,
    request: Request,
) -> Answer {
    let (caller, _) = edge.admit(request, Operation::ReadPlanning, REQUEST_BYTES_MAX).await?;
    let asked = query_of(query)?.parse()?;
    let page = edge.app.purchase_orders(&asked, &caller).await?;
    let orders: Vec<_> = page.orders.iter().map(order_answer).collect();
    let cursor = page.after.map(|id| hexadecimal(id.as_bytes()));
    Ok(json(&serde_json::json!({ "purchase_orders": orders, "cursor": cursor })))
}

/// Makes a purchase order, as a draft: nothing is ordered by it. Without `unit_price` the supplier's offer
/// counts.
///
/// `Idempotency-Key` works as for a new key; one of the same `id` and content is answered as it is.
#[utoipa::path(
    post,
    path = "/v1/purchase_orders",
    tag = "Planning",
    summary = "Make a purchase order",
    request_body(content = PurchaseOrderBody),
    responses(
        (status = 201, description = "The draft; `ETag` has its version.", body = PurchaseOrderAnswer),
        (status = 409, description = "There is another one of this id.")
    )
)]
pub(crate) async fn create_order(State(edge): State<Arc<Edge>>, request: Request) -> Answer {
    let (caller, call) = edge.admit(request, Operation::WritePlanning, REQUEST_BYTES_MAX).await?;
    expect_json(&call.headers)?;
    let answered =
        idempotent_stored(&edge, (&caller, &call), "POST /v1/purchase_orders", async || {
            let body: PurchaseOrderBody = crate::json::parse_object(&call.body)?;
            let new = body.into_new();
            let (app, caller) = (Arc::clone(&edge.app), caller.clone());
            let make = async move { app.create_purchase_order(new, &caller).await };
            let order = unbroken(make).await?;
            Ok((StatusCode::CREATED, body_of(&order_with_warnings(&edge.app, &order).await)))
        })
        .await?;
    Ok(with_etag_of_body(answered).await)
}

/// Reads a purchase order, in whatever state it is, and of a draft what the supplier's terms and what goes off before it sells say against it.
#[utoipa::path(
    get,
    path = "/v1/purchase_orders/{id}",
    tag = "Planning",
    summary = "Read a purchase order",
    params(("id" = String, Path, description = "The order's id.", min_length = 1)),
    responses((status = 200, description = "The order; `ETag` has its version.", body = PurchaseOrderAnswer))
)]
pub(crate) async fn order(State(edge): State<Arc<Edge>>, id: PathPart, request: Request) -> Answer {
    let (caller, _) = edge.admit(request, Operation::ReadPlanning, REQUEST_BYTES_MAX).await?;
    let order = edge.app.purchase_order(&path_part(id)?, &caller).await?;
    Ok(with_etag(json(&order_with_warnings(&edge.app, &order).await), order.version))
}

/// Changes quantities and lines of a draft, before it is approved; its supplier and place stay. Lines that are not named
/// stay as they are, a quantity of 0 takes one away.
///
/// Send `If-Match` with the order's `ETag` (or `*`): 428 without it, 412 when it changed since it was read. What is so
/// already changes nothing, so the same call again is answered the same. `warnings` is what the supplier's terms, the
/// caps of rules and what goes off before it sells say against it. No rule approves a draft that a person changed.
#[utoipa::path(
    patch,
    path = "/v1/purchase_orders/{id}",
    tag = "Planning",
    summary = "Change a draft",
    params(
        ("id" = String, Path, description = "The order's id.", min_length = 1),
        ("If-Match" = Option<String>, Header, description = "The version that was read, as `ETag` says it.")
    ),
    request_body(content = LinesChangeBody),
    responses(
        (status = 200, description = "As it is now; `ETag` has its version.", body = PurchaseOrderAnswer),
        (status = 409, description = "It is no draft any more.")
    )
)]
pub(crate) async fn change_order(
    State(edge): State<Arc<Edge>>,
    id: PathPart,
    request: Request,
) -> Answer {
    let (caller, call) = edge.admit(request, Operation::WritePlanning, REQUEST_BYTES_MAX).await?;
    let id = path_part(id)?;
    let body: LinesChangeBody = call.json()?;
    if IfMatch::of(&call.headers) == IfMatch::Absent {
        let detail =
            "send `If-Match` with the ETag of the order that was read, or `*` for whichever it is";
        let status = StatusCode::PRECONDITION_REQUIRED;
        return Err(Problem::new(status, "precondition_required", detail));
    }
    let change = body.into_change(asked_version(&call.headers));
    let app = Arc::clone(&edge.app);
    let changed = async move { app.change_purchase_lines(&id, change, &caller).await };
    let order = unbroken(changed).await?;
    Ok(with_etag(json(&order_with_warnings(&edge.app, &order).await), order.version))
}

/// The version that `If-Match` asks for; `None` without it or with `*`.
fn asked_version(headers: &HeaderMap) -> Option<u64> {
    match IfMatch::of(headers) {
        IfMatch::Version(version) => Some(version),
        IfMatch::Absent | IfMatch::Any => None,
    }
}

/// Moves a purchase order on: `draft → approved → sent → received`, or `cancelled` before it is received. The
/// state that it has already changes nothing. A receipt teaches the supplier's lead time and reliability. With `If-Match`
/// only what was read is moved on: 412 when it changed since.
#[utoipa::path(
    post,
    path = "/v1/purchase_orders/{id}/state",
    tag = "Planning",
    summary = "Move a purchase order on",
    params(
        ("id" = String, Path, description = "The order's id.", min_length = 1),
        ("If-Match" = Option<String>, Header, description = "The version that was read, as `ETag` says it.")
    ),
    request_body(content = OrderChangeBody),
    responses(
        (status = 200, description = "The order as it is now; `ETag` has its version.", body = PurchaseOrderAnswer),
        (status = 409, description = "It cannot get there from where it is.")
    )
)]
pub(crate) async fn move_order(
    State(edge): State<Arc<Edge>>,
    id: PathPart,
    request: Request,
) -> Answer {
    let (caller, call) = edge.admit(request, Operation::WritePlanning, REQUEST_BYTES_MAX).await?;
    let id = path_part(id)?;
    let body: OrderChangeBody = call.json()?;
    let change = body.into_change(asked_version(&call.headers));
    let app = Arc::clone(&edge.app);
    let moved = async move { app.change_purchase_order(&id, change, &caller).await };
    let order = unbroken(moved).await?;
    Ok(with_etag(json(&order_answer(&order)), order.version))
}

/// What will go off at a place before it is sold, lot by lot, with what that costs and what could be done: mark down,
/// move to another place, write off.
///
/// Nothing is done by asking. A markdown claims no more than past promotions or prices of the product there taught.
#[utoipa::path(
    get,
    path = "/v1/waste",
    tag = "Planning",
    summary = "See what will go off",
    params(PlaceQuery),
    responses(
        (status = 200, description = "The dearest loss first.", body = WasteAnswer),
        (status = 404, description = "No fact names this place.")
    )
)]
pub(crate) async fn waste(
    State(edge): State<Arc<Edge>>,
    query: QueryOf<PlaceQuery>,
    request: Request,
) -> Answer {
    let (caller, (site, location)) = asked_place(&edge, query, request).await?;
    Ok(json(&waste_to_json(&edge.app.waste((&site, &location), &caller).await?)))
}

/// Lists what is known of signals: weather, a competitor's price, the economy.
#[utoipa::path(
    get,
    path = "/v1/signals",
    tag = "Planning",
    summary = "List signals",
    params(OverridesQuery),
    responses((status = 200, description = "By site, place and name.", body = SignalsAnswer))
)]
pub(crate) async fn signals(
    State(edge): State<Arc<Edge>>,
    query: QueryOf<OverridesQuery>,
    request: Request,
) -> Answer {
    let (caller, _) = edge.admit(request, Operation::ReadPlanning, REQUEST_BYTES_MAX).await?;
    let location = query_of(query)?.parse()?;
    Ok(json(&signals_answer(&edge.app.signals(location.as_ref(), &caller)?)))
}

/// Stores values of signals by day, in the place of what was said of these days before. At most 10,000 a call.
///
/// Forecasts listen to a signal as far as earlier days bear it out, and need its values over their horizon.
#[utoipa::path(
    post,
    path = "/v1/signals",
    tag = "Planning",
    summary = "Store signals",
    request_body(content = SignalsBody),
    responses((status = 200, description = "All of them are stored.", body = SignalsSaved))
)]
pub(crate) async fn put_signals(State(edge): State<Arc<Edge>>, request: Request) -> Answer {
    let (caller, call) = edge.admit(request, Operation::WritePlanning, REQUEST_BYTES_MAX).await?;
    let body: SignalsBody = call.json()?;
    let (app, new) = (Arc::clone(&edge.app), body.into_new());
    let stored = unbroken(async move { app.put_signals(new, &caller).await }).await?;
    Ok(json(&SignalsSaved { changed: stored.changed, known: stored.known }))
}

/// Lists planners' own forecasts, with what each was worth on its days that are over: the model's error less theirs.
#[utoipa::path(
    get,
    path = "/v1/forecasts/overrides",
    tag = "Planning",
    summary = "List forecast overrides",
    params(OverridesQuery),
    responses((status = 200, description = "In the order of their ids.", body = OverridesAnswer))
)]
pub(crate) async fn overrides(
    State(edge): State<Arc<Edge>>,
    query: QueryOf<OverridesQuery>,
    request: Request,
) -> Answer {
    let (caller, _) = edge.admit(request, Operation::ReadPlanning, REQUEST_BYTES_MAX).await?;
    let location = query_of(query)?.parse()?;
    Ok(json(&overrides_to_json(&edge.app.overrides(location.as_ref(), &caller).await?)))
}

/// Stores a planner's own forecast for some days of a product at a place: forecasts and proposals listen to it in the
/// place of the model's until it ends. Give either `units_per_day` or `factor`.
#[utoipa::path(
    put,
    path = "/v1/forecasts/overrides/{id}",
    tag = "Planning",
    summary = "Override a forecast",
    params(("id" = String, Path, description = "The override's id.", min_length = 1)),
    request_body(content = OverrideBody),
    responses(
        (status = 204, description = "It is stored."),
        (status = 409, description = "Another one says something of these days.")
    )
)]
pub(crate) async fn put_override(
    State(edge): State<Arc<Edge>>,
    id: PathPart,
    request: Request,
) -> Answer {
    let (caller, call) = edge.admit(request, Operation::WritePlanning, REQUEST_BYTES_MAX).await?;
    let id = path_part(id)?;
    let body: OverrideBody = call.json()?;
    let (app, new) = (Arc::clone(&edge.app), body.into_new());
    unbroken(async move { app.put_override(&id, new, &caller).await }).await?;
    Ok(no_content())
}

/// Ends an override: plans no longer listen to it, and its days so far are still judged.
#[utoipa::path(
    delete,
    path = "/v1/forecasts/overrides/{id}",
    tag = "Planning",
    summary = "End a forecast override",
    params(("id" = String, Path, description = "The override's id.", min_length = 1)),
    responses((status = 204, description = "It has ended."))
)]
pub(crate) async fn end_override(
    State(edge): State<Arc<Edge>>,
    id: PathPart,
    request: Request,
) -> Answer {
    let (caller, _) = edge.admit(request, Operation::WritePlanning, REQUEST_BYTES_MAX).await?;
    let id = path_part(id)?;
    let app = Arc::clone(&edge.app);
    unbroken(async move { app.end_override(&id, &caller).await }).await?;
    Ok(no_content())
}
