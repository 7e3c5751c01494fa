//! The merchant's rules as a use case: stored in the tables, compiled in memory, changed with an entry in
//! the audit log. What rules say and what a list becomes under them is [`souk_core::rules`].
//!
//! The rules in memory are those of the tables: the one process that owns the data folder reads them at
//! its start and changes both together. Requests read a [`RuleBook`] that is swapped as a whole.

use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use souk_core::rules::{Rule, RuleId, Selection};
use souk_core::{Site, SiteId, Timestamp};
use souk_ports::{Condition, TableError, TableStore, WRITES_MAX, Write, WriteChange};
use souk_search::Note;

use crate::recommend::Strategy;
use crate::search::SEARCH_STRATEGY;
use crate::{App, AppError, AuditAct, AuditObject, AuditOperation, Caller, FieldError, Operation};

mod book;
mod doctor;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use book::{KnownRow, RuleBook};
pub(crate) use doctor::Brake;

/// Rules in one installation; chosen: the number for which a request's cost is measured.
pub const RULES_MAX: usize = 10_000;

/// A rule as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredRule {
    /// What it says.
    pub rule: Rule,
    /// Changes with every write, and never comes back.
    pub version: u64,
    /// When it was written last.
    pub updated_at: Timestamp,
}

/// What must hold for a rule to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RulePrecondition {
    /// There is none of this id.
    New,
    /// There is one, in this version.
    Version(u64),
    /// There is one.
    Present,
    /// Nothing.
    Any,
}

/// The rules of the running application.
#[derive(Debug)]
pub(crate) struct Merchandising {
    book: ArcSwap<RuleBook>,
    /// Held while rules change, so that tables and memory change in one order.
    changing: tokio::sync::Mutex<()>,
    /// How often rules emptied a list.
    pub(crate) brake: Mutex<Brake>,
    /// Stored rules that this program cannot read, by their ids.
    unreadable: Vec<String>,
}

impl Merchandising {
    pub(crate) async fn open(
        tables: &dyn TableStore,
        (sites, now): (Vec<Site>, Timestamp),
    ) -> Result<Merchandising, AppError> {
        let (rules, unreadable) = store::load(tables, now).await?;
        for id in &unreadable {
            tracing::error!(id, "a stored rule cannot be read and has no effect");
        }
        Ok(Merchandising {
            book: ArcSwap::from_pointee(RuleBook::of(rules, sites)),
            changing: tokio::sync::Mutex::default(),
            brake: Mutex::default(),
            unreadable,
        })
    }

    /// The rules of this moment; they stay as they are while they are held.
    pub(crate) fn book(&self) -> Arc<RuleBook> {
        self.book.load_full()
    }
}

impl App {
    /// Lists the rules that concern the caller's sites, in the order of their ids.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the role.
    pub fn list_rules(&self, caller: &Caller) -> Result<Vec<StoredRule>, AppError> {
        caller.check(Operation::ReadRules)?;
        let book = self.merchandising.book();
        let concerns = |stored: &&StoredRule| {
            let sites = &stored.rule.when.sites;
            sites.is_empty() || sites.iter().any(|site| caller.check_site(site).is_ok())
        };
        Ok(book.stored().filter(concerns).cloned().collect())
    }

    /// One rule.
    ///
    /// # Errors
    ///
    /// [`AppError::NotFound`] when there is none such, [`AppError::Denied`] without the role.
    pub fn rule(&self, id: &RuleId, caller: &Caller) -> Result<StoredRule, AppError> {
        caller.check(Operation::ReadRules)?;
        let book = self.merchandising.book();
        let stored = book.find(id).ok_or_else(|| not_found(id))?;
        let sites = &stored.rule.when.sites;
        if !sites.is_empty() && !sites.iter().any(|site| caller.check_site(site).is_ok()) {
            return self.noted(caller, caller.check_site(&sites[0])).map(|()| stored.clone());
        }
        Ok(stored.clone())
    }

    /// Stores a rule; it holds for every request that comes after the answer.
    ///
    /// # Errors
    ///
    /// [`AppError::Conflict`] when the precondition does not hold, [`AppError::NotFound`] when it asks for
    /// a rule that is not there, [`AppError::Invalid`] for a site or strategy that there is not,
    /// [`AppError::Denied`] without the role. As the tables and the audit log: what could not be written
    /// down is stored all the same and answered as a failure.
    pub async fn put_rule(
        &self,
        rule: Rule,
        precondition: RulePrecondition,
        caller: &Caller,
    ) -> Result<StoredRule, AppError> {
        caller.check(Operation::WriteRules)?;
        self.check_rule(&rule, caller)?;
        let now = self.clock.now();
        let id = rule.id.clone();
        let (stored, is_new) = {
            let _changing = self.merchandising.changing.lock().await;
            let book = self.merchandising.book();
            let known = book.find(&id);
            if let Some(known) = known {
                self.check_rule_sites(&known.rule, caller)?;
            } else if book.len() >= RULES_MAX {
                return Err(AppError::Conflict(format!(
                    "there are {RULES_MAX} rules, which is the limit; delete some"
                )));
            }
            let condition = condition((&id, known), precondition)?;
            let created_at = known.map_or(now, |known| known.rule.created_at);
            let rule = Rule { created_at, ..rule };
            let write = store::write(&rule, (now, condition));
            let versions = self.parts.tables.write(&[write], now).await.map_err(|error| {
                let stale = || changed_meanwhile(&id);
                if matches!(error, TableError::Conflict { .. }) { stale() } else { error.into() }
            })?;
            let stored = StoredRule { rule, version: versions[0], updated_at: now };
            let is_new = known.is_none();
            self.swap_rules(book.with([stored.clone()])).await;
            (stored, is_new)
        };
        let operation = match is_new {
            true => AuditOperation::RuleCreate,
            false => AuditOperation::RuleChange,
        };
        let act =
            AuditAct::new(operation).on(object(&id)).with("action", stored.rule.action.as_str());
        self.audit(caller, act.with("version", stored.version)).await?;
        Ok(stored)
    }

    /// What of a rule is likely a mistake, in words: fields that its filter asks for and that no product of any of its sites
    /// has. Nothing before the sites have their indexes.
    pub fn rule_warnings(&self, rule: &Rule) -> Vec<String> {
        let Selection::Filter(filter) = &rule.selection else { return Vec::new() };
        let all: Vec<SiteId> = self.searching.sites();
        let sites = if rule.when.sites.is_empty() { &all } else { &rule.when.sites };
        let unknown = sites.iter().filter_map(|site| self.searching.unknown_fields(site, filter));
        let unknown: Vec<Vec<Note>> = unknown.collect();
        let Some((first, others)) = unknown.split_first() else { return Vec::new() };
        let is_everywhere = |note: &&Note| others.iter().all(|notes| notes.contains(note));
        first.iter().filter(is_everywhere).map(Note::to_string).collect()
    }

    /// Stores many rules, replacing those of the same ids; they take effect together. Written by the
    /// hundred: after a failure the first hundreds may be stored, and storing all of them again is safe.
    ///
    /// # Errors
    ///
    /// As [`App::put_rule`] without preconditions.
    pub async fn put_rules(&self, rules: Vec<Rule>, caller: &Caller) -> Result<usize, AppError> {
        caller.check(Operation::WriteRules)?;
        for (idx, rule) in rules.iter().enumerate() {
            self.check_rule(rule, caller).map_err(|error| below(error, &format!("/{idx}")))?;
        }
        let now = self.clock.now();
        let n = rules.len();
        {
            let _changing = self.merchandising.changing.lock().await;
            let book = self.merchandising.book();
            let mut latest: std::collections::BTreeMap<RuleId, Rule> =
                std::collections::BTreeMap::new();
            for rule in rules {
                let known = book.find(&rule.id);
                if let Some(known) = known {
                    self.check_rule_sites(&known.rule, caller)?;
                }
                let created_at = known.map_or(rule.created_at, |known| known.rule.created_at);
                latest.insert(rule.id.clone(), Rule { created_at, ..rule });
            }
            let n_new = latest.keys().filter(|id| book.find(id).is_none()).count();
            if book.len() + n_new > RULES_MAX {
                let detail =
                    format!("{} rules and {n_new} new ones; the limit is {RULES_MAX}", book.len());
                return Err(AppError::Conflict(detail));
            }
            let mut stored = Vec::with_capacity(latest.len());
            let rules: Vec<Rule> = latest.into_values().collect();
            for some in rules.chunks(WRITES_MAX) {
                let writes: Vec<Write> =
                    some.iter().map(|rule| store::write(rule, (now, Condition::Any))).collect();
                let versions = match self.parts.tables.write(&writes, now).await {
                    Ok(versions) => versions,
                    Err(error) => {
                        // What is stored already holds.
                        self.swap_rules(book.with(stored)).await;
                        return Err(error.into());
                    }
                };
                let written = some.iter().zip(versions);
                stored.extend(written.map(|(rule, version)| StoredRule {
                    rule: rule.clone(),
                    version,
                    updated_at: now,
                }));
            }
            self.swap_rules(book.with(stored)).await;
        }
        let act = AuditAct::new(AuditOperation::RuleChange).on(AuditObject::data("rules"));
        self.audit(caller, act.with("rows", n)).await?;
        Ok(n)
    }

    /// Removes a rule.
    ///
    /// # Errors
    ///
    /// As [`App::put_rule`].
    pub async fn delete_rule(
        &self,
        id: &RuleId,
        precondition: RulePrecondition,
        caller: &Caller,
    ) -> Result<(), AppError> {
        caller.check(Operation::WriteRules)?;
        {
            let _changing = self.merchandising.changing.lock().await;
            let book = self.merchandising.book();
            let known = book.find(id).ok_or_else(|| not_found(id))?;
            self.check_rule_sites(&known.rule, caller)?;
            let write = Write {
                change: WriteChange::Delete,
                ..store::write(
                    &known.rule,
                    (known.updated_at, condition((id, Some(known)), precondition)?),
                )
            };
            let now = self.clock.now();
            self.parts.tables.write(&[write], now).await.map_err(|error| {
                let stale = || changed_meanwhile(id);
                if matches!(error, TableError::Conflict { .. }) { stale() } else { error.into() }
            })?;
            self.swap_rules(book.without(id)).await;
        }
        let act = AuditAct::new(AuditOperation::RuleDelete).on(object(id));
        self.audit(caller, act).await.map(drop)
    }

    /// Puts a book in the place of the present one. What the rules say of the products that were asked for
    /// is found first, so that no request waits for it.
    async fn swap_rules(&self, book: RuleBook) {
        let before = self.merchandising.book();
        let warmed = tokio::task::spawn_blocking(move || {
            book.warm_like(&before);
            book
        });
        let book = warmed.await.expect("looking at products does not panic");
        self.merchandising.book.store(Arc::new(book));
    }

    /// Checks what only this shop knows: its sites, and how lists are made.
    pub(crate) fn check_rule(&self, rule: &Rule, caller: &Caller) -> Result<(), AppError> {
        let refuse =
            |pointer: String, detail| Err(AppError::invalid("invalid_rule", &pointer, detail));
        for (idx, site) in rule.when.sites.iter().enumerate() {
            if self.config.site(site).is_none() {
                let detail = format!(
                    "`{site}` is not a site of this shop; add it to `sites` in souk.yaml first"
                );
                return refuse(format!("/when/sites/{idx}"), detail);
            }
        }
        for (idx, name) in rule.when.strategies.iter().enumerate() {
            let is_known = name == SEARCH_STRATEGY
                || Strategy::parse(name).is_some_and(|strategy| strategy != Strategy::Auto);
            if !is_known {
                let known = Strategy::ALL[1..].iter().map(|one| one.as_str());
                let known: Vec<&str> = known.chain([SEARCH_STRATEGY]).collect();
                let detail = format!("`{name}` is no strategy; give one of {}", known.join(", "));
                return refuse(format!("/when/strategies/{idx}"), detail);
            }
        }
        let segments = self.segments.book();
        for (idx, key) in rule.when.segments.iter().enumerate() {
            if segments.find(key).is_none() {
                let detail = format!("there is no segment `{key}`; GET /v1/segments lists them");
                return refuse(format!("/when/segments/{idx}"), detail);
            }
        }
        self.check_rule_sites(rule, caller)
    }

    /// A key that is bound to sites makes rules for these sites alone.
    fn check_rule_sites(&self, rule: &Rule, caller: &Caller) -> Result<(), AppError> {
        let checked = match &rule.when.sites[..] {
            [] if !caller.places.sites.is_empty() => Err(AppError::Denied {
                role: caller.role.as_str(),
                what: "make a rule for all sites with this key, which is bound to some; name them in \
                       `when.sites`",
            }),
            sites => sites.iter().try_for_each(|site| caller.check_site(site)),
        };
        self.noted(caller, checked)
    }
}

fn condition(
    (id, known): (&RuleId, Option<&StoredRule>),
    precondition: RulePrecondition,
) -> Result<Condition, AppError> {
    match (precondition, known) {
        (RulePrecondition::Any, _) => Ok(Condition::Any),
        (RulePrecondition::New, None) => Ok(Condition::Absent),
        (RulePrecondition::New, Some(_)) => Err(AppError::Conflict(format!(
            "there is a rule `{id}` already; change it by its version"
        ))),
        (RulePrecondition::Version(_) | RulePrecondition::Present, None) => Err(not_found(id)),
        (RulePrecondition::Present, Some(known)) => Ok(Condition::Version(known.version)),
        (RulePrecondition::Version(version), Some(known)) if version == known.version => {
            Ok(Condition::Version(version))
        }
        (RulePrecondition::Version(_), Some(_)) => Err(changed_meanwhile(id)),
    }
}

fn changed_meanwhile(id: &RuleId) -> AppError {
    AppError::Conflict(format!("rule `{id}` changed meanwhile; read it again, then change it"))
}

fn not_found(id: &RuleId) -> AppError {
    AppError::NotFound { what: "rule", id: id.to_string() }
}

fn object(id: &RuleId) -> AuditObject {
    AuditObject::of("rule", id.as_str())
}

fn below(error: AppError, prefix: &str) -> AppError {
    let AppError::Invalid { code, detail, errors } = error else { return error };
    let lower =
        |error: FieldError| FieldError { pointer: format!("{prefix}{}", error.pointer), ..error };
    let errors = errors.into_iter().map(lower).collect();
    AppError::Invalid { code, detail: format!("{prefix}: {detail}"), errors }
}
