#![allow(clippy::unwrap_used)]

use expect_test::{Expect, expect};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use souk_core::{
    Action, Channel, Currency, Fact, LinkBasis, Money, OrderChange, Quantity, Site, SiteId, Source,
    SubjectId,
};

use super::envelope::{Context, read_body};
use super::event::Scene;
use super::refusal::Refusal;
use super::scalar::Scalar;
use super::*;
use crate::test_shop::{Shop, caller, noon};

mod admission;
mod bad_input;
mod events;
mod newcomers;
mod redaction;
mod robust;
mod roles;

fn sites() -> Vec<Site> {
    let site = |id: &str, currency: &str| Site {
        id: SiteId::new(id).unwrap(),
        currency: Currency::parse(currency).unwrap(),
        time_zone: jiff::tz::TimeZone::UTC,
        languages: Vec::new(),
    };
    vec![site("main", "USD"), site("eu", "EUR"), site("jp", "JPY")]
}

/// Reads one event without storage; the borrowed texts are dropped with the event.
fn with_event<T>(
    role: Role,
    call: IngestCall,
    event: &str,
    then: impl FnOnce(Result<IncomingEvent<'_>, Refusal>) -> T,
) -> T {
    let raw: &RawValue = serde_json::from_str(event).unwrap();
    let rules = crate::consent::ConsentRules::of(&crate::Config::default()).unwrap();
    static CRAWLERS: std::sync::LazyLock<super::Crawlers> =
        std::sync::LazyLock::new(|| super::Crawlers::new(&[]));
    let scene = Scene {
        call,
        caller: &caller(role),
        sites: &sites(),
        received: noon(),
        sent_at: &Scalar::Absent,
        context: &Context::default(),
        rules: &rules,
        is_gpc: false,
        basis: None,
        agents: &super::Agents::new(&CRAWLERS),
    };
    then(scene.read(raw).map(|(event, _)| event))
}

fn server(call: IngestCall, event: &Value) -> Result<IncomingFact<'static>, String> {
    with_event(Role::IngestServer, call, &event.to_string(), |event| match event {
        Ok(event) => Ok(owned(event.fact)),
        Err(refusal) => Err(refusal.detail),
    })
}

/// The fact without its borrowed texts.
fn owned(fact: IncomingFact<'_>) -> IncomingFact<'static> {
    match fact {
        IncomingFact::Alias { previous_id } => {
            IncomingFact::Alias { previous_id: previous_id.into_owned().into() }
        }
        IncomingFact::Interaction(it) => IncomingFact::Interaction(it),
        IncomingFact::Searched { query } => IncomingFact::Searched { query },
        IncomingFact::PageSeen { name, path } => IncomingFact::PageSeen { name, path },
        IncomingFact::Custom { name, properties } => IncomingFact::Custom { name, properties },
        IncomingFact::Identified { traits } => IncomingFact::Identified { traits },
        IncomingFact::Grouped { group_id, traits } => IncomingFact::Grouped { group_id, traits },
        IncomingFact::Order(order) => IncomingFact::Order(order),
        IncomingFact::Consent(change) => IncomingFact::Consent(change),
        IncomingFact::Stock(change) => IncomingFact::Stock(change),
        IncomingFact::Price(change) => IncomingFact::Price(change),
        IncomingFact::Promotion(promotion) => IncomingFact::Promotion(promotion),
    }
}

fn track(name: &str, properties: Value) -> Result<IncomingFact<'static>, String> {
    server(IngestCall::Track, &json!({"event": name, "userId": "u", "properties": properties}))
}
