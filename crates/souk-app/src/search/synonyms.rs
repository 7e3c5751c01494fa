//! Words that mean the same, as the merchant says: stored in the tables, one row for each site.

use serde::{Deserialize, Serialize};
use souk_core::{SiteId, Timestamp};
use souk_ports::{Condition, Row, TableStore, Write, WriteChange};
use souk_search::Synonym;

use crate::{App, AppError, AuditAct, AuditObject, AuditOperation, Caller, FieldError, Operation};

const PARTITION: &str = "search-synonyms";

/// Sets of synonyms of one site; chosen: what one row of the tables takes with room to spare.
pub const SYNONYMS_MAX: usize = 5_000;
/// Bytes of a word or phrase.
const PHRASE_BYTES_MAX: usize = 200;
/// Bytes of all of them as they are stored.
const BYTES_MAX: usize = 350_000;

/// A set of synonyms as it is stored, and in requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum SynonymSet {
    /// Each finds what the others find.
    TwoWay {
        /// Words or phrases.
        words: Vec<String>,
    },
    /// What is typed also finds what others find, not the other way round.
    OneWay {
        /// What is typed.
        from: String,
        /// What it also finds.
        to: Vec<String>,
    },
}

impl SynonymSet {
    /// Words or phrases of one set.
    pub const PHRASES_MAX: usize = 50;

    fn to_engine(&self) -> Synonym {
        match self {
            SynonymSet::TwoWay { words } => Synonym::TwoWay(words.clone()),
            SynonymSet::OneWay { from, to } => {
                Synonym::OneWay { from: from.clone(), to: to.clone() }
            }
        }
    }

    /// What is wrong with it, by the field.
    pub(crate) fn fault(&self) -> Option<(&'static str, String)> {
        let (field, least, phrases) = match self {
            SynonymSet::TwoWay { words } => ("words", 2, words),
            SynonymSet::OneWay { to, .. } => ("to", 1, to),
        };
        let most = SynonymSet::PHRASES_MAX;
        if !(least..=most).contains(&phrases.len()) {
            let n = phrases.len();
            return Some((field, format!("has {n} entries; give {least} to {most}")));
        }
        let wrong = |phrase: &&String| {
            phrase.len() > PHRASE_BYTES_MAX || !phrase.chars().any(char::is_alphanumeric)
        };
        if let SynonymSet::OneWay { from, .. } = self
            && wrong(&from)
        {
            return Some(("from", phrase_fault(from)));
        }
        phrases.iter().find(wrong).map(|phrase| (field, phrase_fault(phrase)))
    }
}

fn phrase_fault(phrase: &str) -> String {
    let shown: String = phrase.chars().take(80).collect();
    format!("has `{shown}`; give a word or phrase of up to {PHRASE_BYTES_MAX} bytes")
}

/// The synonyms of every site.
pub(super) async fn load(
    tables: &dyn TableStore,
    now: Timestamp,
) -> Result<Vec<(SiteId, Vec<SynonymSet>)>, AppError> {
    let read = |row: &Row| {
        let sets = serde_json::from_slice(&row.value).ok()?;
        Some((SiteId::new(row.sort_key.as_str()).ok()?, sets))
    };
    let (found, unreadable) = crate::stored::load((tables, PARTITION), now, read).await?;
    for site in unreadable {
        tracing::error!(site, "stored synonyms cannot be read and have no effect");
    }
    Ok(found)
}

/// As the engine takes them.
pub(super) fn to_engine(sets: &[SynonymSet]) -> Vec<Synonym> {
    sets.iter().map(SynonymSet::to_engine).collect()
}

impl App {
    /// The synonyms of a site.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the role.
    pub fn synonyms(&self, site: &SiteId, caller: &Caller) -> Result<Vec<SynonymSet>, AppError> {
        caller.check(Operation::ReadRules)?;
        self.noted(caller, caller.check_site(site))?;
        Ok(self.searching.synonyms(site))
    }

    /// Puts these synonyms in the place of those of a site; they hold for every search after the answer.
    ///
    /// # Errors
    ///
    /// [`AppError::Invalid`] names every set that is wrong, and then none is stored; [`AppError::Denied`] without
    /// the role; as the tables and the audit log.
    pub async fn put_synonyms(
        &self,
        (site, sets): (&SiteId, Vec<SynonymSet>),
        caller: &Caller,
    ) -> Result<(), AppError> {
        caller.check(Operation::WriteRules)?;
        self.noted(caller, caller.check_site(site))?;
        if sets.len() > SYNONYMS_MAX {
            let detail = format!("{} sets; the limit is {SYNONYMS_MAX}", sets.len());
            return Err(AppError::invalid("too_many_items", "/synonyms", detail));
        }
        let faults = sets.iter().enumerate().filter_map(|(idx, set)| {
            let (field, detail) = set.fault()?;
            Some(FieldError { pointer: format!("/synonyms/{idx}/{field}"), detail })
        });
        let faults: Vec<FieldError> = faults.collect();
        if !faults.is_empty() {
            let detail = format!("{} of the synonym sets are wrong; none was stored", faults.len());
            return Err(AppError::Invalid { code: "invalid_input", detail, errors: faults });
        }
        let value = serde_json::to_vec(&sets).expect("lists of texts always serialise");
        if value.len() > BYTES_MAX {
            let detail = format!("{} bytes in all; the limit is {BYTES_MAX}", value.len());
            return Err(AppError::invalid("too_many_items", "/synonyms", detail));
        }
        let write = Write {
            partition_key: PARTITION.to_owned(),
            sort_key: site.as_str().to_owned(),
            condition: Condition::Any,
            change: WriteChange::Put { value, expires_at: None },
        };
        {
            let _changing = self.searching.changing_synonyms.lock().await;
            self.parts.tables.write(&[write], self.clock.now()).await?;
            self.searching.set_synonyms(site, sets.clone());
        }
        let act = AuditAct::new(AuditOperation::SynonymsChange)
            .on(AuditObject::of("site", site.as_str()))
            .with("sets", sets.len());
        self.audit(caller, act).await?;
        Ok(())
    }
}
