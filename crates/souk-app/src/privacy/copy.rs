//! A copy of all that is held of a person, and why.
//!
//! It goes straight into the answer and is stored nowhere: a file that waits to be fetched would be one
//! more place to leak from and to erase.

use serde_json::{Value, json};
use souk_core::{Fact, Purpose, SignalMark, SubjectId};
use souk_ports::{Cursor, READ_RECORDS_MAX};
use souk_privacy::pii::redact::{TokenKey, reveal};
use souk_recommend::impressions::signals::Signal;

use super::request::{PrivacyRequest, RequestKind, RequestState};
use super::{Identity, Reach, Who, page, store};
use crate::export::segment;
use crate::projections::Decoded;
use crate::sealing::open_all;
use crate::{App, AppError, Caller, Operation};

/// Records in one copy; chosen: decades of a busy shopper, and some hundred megabytes at most.
const RECORDS_MAX: usize = 200_000;

/// What every token holds: most texts hold none.
const TOKEN_BEGIN: &str = ":tok_";

/// How a copy is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyForm {
    /// One JSON object a line: for programs.
    JsonLines,
    /// A page for people.
    Html,
}

/// What became of asking for a copy.
#[derive(Clone, Debug, PartialEq)]
pub struct SubjectCopy {
    /// The request.
    pub request: PrivacyRequest,
    /// The copy; `None` while the request waits for somebody to vouch for the person.
    pub text: Option<String>,
}

impl App {
    /// Gives a copy of all that is held of a person.
    ///
    /// # Errors
    ///
    /// As [`App::request_erasure`]; [`AppError::Conflict`] for more records than one answer takes.
    pub async fn request_copy(
        &self,
        caller: &Caller,
        who: &Who,
        (identity, form): (Identity, CopyForm),
    ) -> Result<SubjectCopy, AppError> {
        caller.check(Operation::HandleSubjectRequests)?;
        self.check_ready()?;
        let subjects = self.subjects_of(who, Reach::Proven).await?;
        let from = (caller.key_id.as_str(), self.clock.now());
        let mut request = PrivacyRequest::new(RequestKind::Export, subjects, from)?;
        match identity {
            Identity::Unverified => request.state = RequestState::IdentityUnverified,
            Identity::Verified => {
                request.verified_by = Some(caller.key_id.clone());
                request.state = RequestState::InProgress;
            }
        }
        store::put_new(self, &mut request, (&[who.shopper_id()], Vec::new())).await?;
        self.note_request(caller, &request).await?;
        if identity == Identity::Unverified {
            return Ok(SubjectCopy { request, text: None });
        }
        self.answer_copy(caller, request, form).await
    }

    /// The copy of a request that waited for somebody to vouch for the person; once only.
    ///
    /// # Errors
    ///
    /// [`AppError::Conflict`] for a request that is no copy in work.
    pub async fn copy_of_request(
        &self,
        caller: &Caller,
        (request_id, form): (&str, CopyForm),
    ) -> Result<SubjectCopy, AppError> {
        caller.check(Operation::HandleSubjectRequests)?;
        let request = store::get(self, request_id).await?;
        let is_ready =
            request.kind == RequestKind::Export && request.state == RequestState::InProgress;
        if !is_ready {
            let detail = format!("privacy request {request_id} is no export that is ready");
            return Err(AppError::Conflict(detail));
        }
        self.answer_copy(caller, request, form).await
    }

    async fn answer_copy(
        &self,
        caller: &Caller,
        mut request: PrivacyRequest,
        form: CopyForm,
    ) -> Result<SubjectCopy, AppError> {
        let lines = self.copy_lines(&request).await?;
        request.state = RequestState::Complete;
        request.complete_at = Some(self.clock.now());
        request.subjects.clear();
        store::put(self, &mut request).await?;
        self.note_request(caller, &request).await?;
        let text = match form {
            CopyForm::JsonLines => lines.iter().map(|line| format!("{line}\n")).collect(),
            CopyForm::Html => page::of(&lines),
        };
        Ok(SubjectCopy { request, text: Some(text) })
    }

    /// The copy, an object a line: what it is, every record, what is derived from them.
    async fn copy_lines(&self, request: &PrivacyRequest) -> Result<Vec<Value>, AppError> {
        let mut lines = vec![about(request)];
        for subject in &request.subjects {
            self.add_records(*subject, &mut lines).await?;
        }
        lines.push(self.derived(&request.subjects));
        Ok(lines)
    }

    async fn add_records(
        &self,
        subject: SubjectId,
        lines: &mut Vec<Value>,
    ) -> Result<(), AppError> {
        let mut cursor = Cursor::START;
        loop {
            let records = self.parts.log.read_subject(subject, &cursor, READ_RECORDS_MAX).await?;
            if records.is_empty() {
                return Ok(());
            }
            records.iter().for_each(|recorded| cursor.advance(recorded.position));
            let tokens = self.parts.keys.keys(&[subject]).await?.into_iter().flatten().next();
            let tokens = tokens.map(|key| TokenKey::of_subject(&key));
            for decoded in open_all(&*self.parts.keys, records).await? {
                let Some(mut line) = record_line(&decoded) else { continue };
                if let Some(tokens) = &tokens {
                    reveal_in(&mut line, tokens);
                }
                lines.push(line);
            }
            if lines.len() > RECORDS_MAX {
                let detail = format!("over {RECORDS_MAX} records are held of this person");
                return Err(AppError::Conflict(detail));
            }
        }
    }

    /// What the views keep: the newest touches and the baskets that recommendations rest on.
    fn derived(&self, subjects: &[SubjectId]) -> Value {
        let views = self.views.read();
        let history = views.held_of(subjects);
        let id = |item| views.catalogue.product_id(item).as_str().to_owned();
        let touches = history.touches.iter().map(|touch| {
            json!({
                "at": touch.at.to_string(),
                "product_id": id(touch.item),
                "action": touch.action.as_str(),
            })
        });
        let baskets = history.baskets.iter().map(|basket| {
            let items: Vec<String> = basket.items.iter().map(|(item, _)| id(*item)).collect();
            json!({"at": basket.at.to_string(), "product_ids": items})
        });
        json!({
            "kind": "derived",
            "why": "recommendations: the newest acts and all orders, from which products are chosen",
            "touches": touches.collect::<Vec<_>>(),
            "baskets": baskets.collect::<Vec<_>>(),
        })
    }
}

fn about(request: &PrivacyRequest) -> Value {
    json!({
        "kind": "about",
        "request_id": request.request_id,
        "made_at": request.received_at.to_string(),
        "ids_under_which_the_person_was_met": request.n_subjects,
        "why_it_is_held": {
            "events": "what was looked at, searched and put into the cart: to choose products to show",
            "orders": "what was bought: to choose products to show, and to answer for the order",
            "traits": "what the shop or the person stated about the person",
            "consents": "what the person allowed and refused: to act by it, and to prove that",
            "shown": "which products were shown: to measure whether showing them helps",
        },
        "where_it_is_held": "on the shop's own machines, sealed with a key of this person's own",
        "who_receives_it": "nobody outside of the shop through this program",
        "how_long": "until the person asks for erasure, or the shop's own retention ends",
        "not_in_this_copy": "sales without persons, which name nobody",
    })
}

/// Puts back what the person's texts hold as tokens; the door lets nothing nest deeper than a stack bears.
fn reveal_in(value: &mut Value, tokens: &TokenKey) {
    match value {
        Value::String(text) if text.contains(TOKEN_BEGIN) => {
            *text = reveal(text, &mut |kind, token| tokens.open(kind, token).ok());
        }
        Value::Array(list) => list.iter_mut().for_each(|one| reveal_in(one, tokens)),
        Value::Object(fields) => fields.values_mut().for_each(|one| reveal_in(one, tokens)),
        _ => {}
    }
}

/// What was known of the products of a list, by name, in levels from 1 to 255; without what is about the shop alone.
fn signals_of(signals: &SignalMark) -> Value {
    let row = |levels: &[u8]| -> Value {
        let told = signals.codes.iter().zip(levels).filter(|(_, level)| **level > 0);
        let told = told.filter_map(|(code, level)| Some((Signal::of_code(*code)?, *level)));
        let told = told.filter(|(signal, _)| *signal != Signal::Margin);
        told.map(|(signal, level)| (signal.name().to_owned(), json!(level))).collect()
    };
    signals.rows.chunks_exact(signals.codes.len().max(1)).map(row).collect()
}

/// A record as a line; nothing for one without a meaning of its own.
fn record_line(decoded: &Decoded) -> Option<Value> {
    let event = decoded.event.as_ref()?;
    let received_at = decoded.received_at.to_string();
    let line = match &event.fact {
        Fact::Impressions(shown) => json!({
            "kind": "shown",
            "received_at": received_at,
            "at": event.at.to_string(),
            "request_id": shown.request_id,
            "placement": shown.placement,
            "strategy": shown.strategy,
            "query": shown.marks.search.as_ref().map(|search| &search.query),
            "product_ids": shown.products.iter().map(|id| id.as_str()).collect::<Vec<_>>(),
            "known_of_products": shown.marks.signals.as_ref().map(signals_of),
            "experiments": shown.marks.arms.iter().map(|mark| {
                json!({"experiment": mark.experiment, "arm": mark.arm})
            }).collect::<Vec<_>>(),
        }),
        Fact::Consent(change) => json!({
            "kind": "consent",
            "received_at": received_at,
            "at": event.at.to_string(),
            "granted": change.granted.iter().map(Purpose::as_str).collect::<Vec<_>>(),
            "denied": change.denied.iter().map(Purpose::as_str).collect::<Vec<_>>(),
            "notice_version": change.notice,
            "origin": change.origin.as_str(),
        }),
        Fact::Linked { .. } | Fact::Unlinked { .. } => json!({
            "kind": "link",
            "received_at": received_at,
            "at": event.at.to_string(),
            "ends": matches!(event.fact, Fact::Unlinked { .. }),
        }),
        _ => json!({
            "kind": "event",
            "received_at": received_at,
            "message": segment::message(event, None)?,
        }),
    };
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_known_of_products_is_told_by_name_but_for_what_is_about_the_shop() {
        let codes = [Signal::Rank as u8, Signal::Margin as u8, Signal::ViewedTimes as u8, 250];
        let rows = [1, 90, 0, 7, 2, 91, 33, 7];
        let told = signals_of(&SignalMark { codes: codes.into(), rows: rows.into() });
        assert_eq!(told, json!([{"rank": 1}, {"rank": 2, "times_viewed": 33}]));
    }
}
