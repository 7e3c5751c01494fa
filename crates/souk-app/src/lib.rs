//! What Souk does: one file for each use case, and the projections behind them.
//!
//! A door (HTTP, command line) parses a request into the types here and calls one function. Nothing
//! here knows axum, clap or SQLite; storage comes in as [`Parts`], time as a [`Clock`].

mod access;
mod app;
mod audit;
mod clock;
pub mod config;
mod consent;
mod demand;
pub mod demo;
mod doctor;
mod door;
mod error;
mod export;
mod feeds;
mod forecasts;
mod holdout;
mod idempotency;
mod import;
mod ingest;
mod limits;
mod models;
mod names;
mod outbox;
mod people;
mod privacy;
mod products;
mod projections;
mod purchasing;
mod recommend;
mod replenishment;
mod reports;
mod retention;
mod rules;
mod sealing;
mod search;
mod segments;
pub mod sheet;
mod signals;
mod simulation;
mod status;
mod stock;
mod stored;
#[cfg(test)]
mod test_shop;
mod threads;

pub use access::{
    Caller, KEY_SET_BYTES_MAX, KeyInfo, KeySetSource, NewKey, OVERLAP_S_DEFAULT, OVERLAP_S_MAX,
    Operation, Places, Role, RotatedKey,
};
pub use app::{App, Lag, Parts, Readiness, ViewsCheck};
pub use audit::{
    AuditAct, AuditCheck, AuditEntry, AuditFilter, AuditHead, AuditItem, AuditObject,
    AuditOperation, AuditPage, AuditProblem, AuditProof, AuditPurpose, Outcome, SignedTreeHead,
    TreeHash, audit_restore, verify_audit,
};
pub use clock::Clock;
pub use config::{Config, EmbedderSetting, Notice, SearchSettings};
pub use consent::{ConsentPurpose, ConsentState, ConsentStatement, ConsentUpdate};
pub use demand::{DemandSeries, Opening};
pub use doctor::{Finding, Weight};
pub use error::{AppError, FieldError};
pub use export::{ExportKind, Exported};
pub use feeds::{
    FeedCall, FeedFetcher, FeedMode, FeedOutcome, FeedQuality, FeedRun, FeedState, Fetched,
    Shortcoming, StoredRun, Validators, keep_feeds,
};
pub use forecasts::{
    Advice, BacktestFigures, DayAhead, ForecastAnswer, ForecastOverride, ForecastRequest,
    HORIZON_MAX, KEPT_PAGE_MAX, KeptAsked, KeptDay, KeptForecast, KeptPage, KeyFactor, NewOverride,
    OptimalStock, OverrideReport, OverrideWorth, Risk, WorthSum, forecast_to_json,
    overrides_to_json,
};
pub use holdout::HoldoutArm;
pub use idempotency::{IdempotencyTicket, Idempotent, Kept};
pub use import::{
    Draft, DraftFact, EventsRead, Fed, FileRead, ImportKind, ImportOptions, ImportReport, MoveMode,
    MoveReport, OrdersRead, PartReady, PeopleRead, ProductsRead, Progress, ReadinessReport, Silent,
    Sufficiency, System, Usable,
};
pub use ingest::{
    Admitted, BATCH_EVENTS_MAX, BODY_BYTES_MAX, EVENT_BYTES_MAX, IdKind, IncomingConsent,
    IncomingEvent, IncomingFact, IncomingIds, IncomingLine, IncomingOrder, IngestAnswer,
    IngestCall, IngestCounts, IngestRejection, IngestRequest, RejectReason, Sender, Shown,
    Unrecorded, write_key_of,
};
pub use limits::RateState;
pub use models::{BoughtAgain, JudgedOrders, Model, ModelOrder, ModelState, ModelsState, Search};
pub use names::Names;
pub use outbox::{DeliveryState, HookCall, HookSender, WebhookDelivery, WebhookPage, WebhookState};
pub use people::{
    AUDIENCE_MAX, Affinity, BrandLoyalty, Figure, Finding as ProfileFinding, Habit, NextOrder,
    Ordered, PriceBand, Profile, Prospect, Prospects, Replenishment, Rfm, Wish, profile_to_json,
};
pub use privacy::{
    CopyForm, Identity as IdentityCheck, PrivacyRequest, RECEIPT_SEED, Receipt, RequestKind,
    RequestState, ShopifyAnswer, ShopifyCall, SubjectCopy, Who, check_receipt, receipt_public_key,
};
pub use products::{PAGE_PRODUCTS_MAX, PUT_PRODUCTS_MAX, ProductPage, PutAnswer, PutRejection};
pub use projections::projector::FoldParams;
pub use projections::{
    Audit, Catalogue, Counters, DailySales, DaySale, Histories, History, Identity, PastBasket,
    Popularity, SalesTotal, Shoppers, TOUCHES_MAX, Touch, VISIT_GAP_MS, ViewSizes, Views,
};
pub use purchasing::{
    LineChange, LinesChange, MoneyText, NewPurchaseLine, NewPurchaseOrder, ORDERS_PAGE_MAX, Offer,
    OrderChangeRequest, OrdersAsked, OrdersPage, PUT_SUPPLIERS_MAX, PriceBreak, PurchaseLine,
    PurchaseOrder, PurchaseState, ReceivedLine, StopSwitch, StoredSupplier, Supplier,
    SupplierRecord,
};
pub use recommend::{
    Moved, PAGE_PLACEMENTS_MAX, Reason, ReasonKind, RecommendAnswer, RecommendContext,
    RecommendRequest, Recommendation, RuleDraft, RuleMove, RuleNote, RulePreview, Strategy,
    Warning, WhyCause, WhyNot,
};
pub use replenishment::{
    Automatic, Candidate, ClassFilter, Decision, FeedAlarm, ForecastWorth, LotAdvice, LotRisk,
    PlanException, PlanLine, Position, Proposal, ReplenishmentPlan, STOCK_REPORT_DAYS,
    STOCK_REPORT_PAGE_MAX, SoFar, StockClass, StockFigures, StockReport, StockReportQuery,
    StockSums, WasteFigures, WasteReport, plan_to_json, stock_report_to_json, waste_to_json,
};
pub use reports::{
    AnswerFigures, AnswerMoney, Comparison, HoldoutReport, Metric, QueryFigures,
    RecommendationReport, ReportDays, SearchReport, SearchReportKind, SearchReportQuery, Verdict,
};
pub use retention::{
    KindCount, OtherTerm, PersonalKind, RetentionMode, RetentionOutcome, RetentionRun,
    RetentionState,
};
pub use rules::{RULES_MAX, RulePrecondition, StoredRule};
pub use search::{
    AroundQuery, Banner, ComparedSearch, FoundProduct, Merge, MergedFound, MergedHit, MergedPlace,
    Nearest, SEARCH_STRATEGY, SYNONYMS_MAX, SearchComparison, SearchFound, SearchMode, SearchNote,
    SearchQuery, SearchSide, SuggestQuery, Suggested, SuggestedProduct, SuggestedQuery, SynonymSet,
    merge_places, merged_to_json, search_to_json, suggested_to_json,
};
pub use segments::{
    MEMBERS_MAX, Member, MemberPage, MembersAsked, SEGMENTS_MAX, Segment, SegmentPrecondition,
    SegmentSize, SizedSegment,
};
pub use signals::{
    NewSignal, PUT_SIGNALS_MAX, SIGNALS_MAX, SignalColumn, SignalKnown, SignalsStored,
};
pub use simulation::{
    Assortment, PolicyRow, Replay, SIMULATED_MAX, Saved, SimulationReport, SimulationRequest,
    simulate_file,
};
pub use stock::{STOCK_PAGE_MAX, StockLevel, StockPage, StockQuery};
