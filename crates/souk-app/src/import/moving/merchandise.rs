//! The part of a move that goes into the tables: synonyms and rules. What is there already is counted as known, so
//! reading a file again adds nothing, and nothing that is there is taken away.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use souk_core::rules::{Rule, RuleId};

use super::{Export, MoveMode, Moving, algolia};
use crate::import::rejected::RejectedRows;
use crate::import::{ImportOptions, ImportReport, Plan, Progress, elapsed_ms};
use crate::sheet::RowFault;
use crate::threads::aside;
use crate::{App, AppError, Caller, SynonymSet};

/// Objects of one file of synonyms or rules, which are held in memory; chosen: above what such a file may hold there.
const OBJECTS_MAX: usize = 200_000;

/// What a file of synonyms or rules says.
#[derive(Default)]
struct Words {
    sets: Vec<SynonymSet>,
    rules: BTreeMap<RuleId, (u64, Rule)>,
    faults: Vec<RowFault>,
    note: Option<String>,
    /// Times of rules that are over.
    n_over: u64,
}

impl App {
    /// Brings in a file of synonyms or rules; `None` for a dry run, which only reports.
    pub(super) async fn move_words(
        &self,
        (plan, moving): (&Plan, &Arc<Moving>),
        (options, mode): (&ImportOptions, MoveMode),
        progress: &dyn Progress,
    ) -> Result<Option<ImportReport>, AppError> {
        let started = std::time::Instant::now();
        let (path, kind) = (plan.path.clone(), plan.kind);
        progress.begin(&format!("Reading {kind} from {}", path.display()), None);
        let read = self.read_words(plan, options).await;
        progress.end();
        let Words { sets, rules, mut faults, note, n_over } = read?;
        let caller = Caller::local_admin();
        let mut accepted = Vec::new();
        for (line, rule) in rules.into_values() {
            match self.check_rule(&rule, &caller) {
                Ok(()) => accepted.push(rule),
                Err(error) => {
                    let (column, reason) = (String::new(), format!("{error} (rule `{}`)", rule.id));
                    faults.push(RowFault { line, column, reason });
                }
            }
        }
        faults.sort_by_key(|fault| fault.line);
        let n_facts = (sets.len() + accepted.len()) as u64;
        moving.words((n_facts, n_over), &faults);
        let mut listed = RejectedRows::beside(&path, kind);
        listed.add(faults)?;
        let (rejected, rejected_file) = listed.close()?;
        moving.close(rejected_file.clone(), Some(rejected));
        if mode == MoveMode::DryRun {
            return Ok(None);
        }
        let n_new = match sets.is_empty() {
            true => self.put_moved_rules(accepted, &caller).await?,
            false => self.add_synonyms(sets, options, &caller).await?,
        };
        Ok(Some(ImportReport {
            path,
            kind,
            accepted: n_new,
            duplicates: n_facts - n_new,
            rejected,
            rejected_file,
            resumed_from: 0,
            was_known: false,
            usable: None,
            notes: note.into_iter().collect(),
            elapsed_ms: elapsed_ms(started),
        }))
    }

    async fn read_words(&self, plan: &Plan, options: &ImportOptions) -> Result<Words, AppError> {
        let (path, gzip, export): (PathBuf, _, _) = (plan.path.clone(), plan.gzip, plan.export);
        let (options, now) = (options.clone(), self.clock().now());
        let read = move || -> Result<Words, AppError> {
            let mut words = Words::default();
            let mut n_objects = 0;
            let note = algolia::each_object((&path, gzip), |line, object| {
                n_objects += 1;
                if n_objects > OBJECTS_MAX {
                    let detail = format!("the file has over {OBJECTS_MAX} objects; cut it");
                    return Err(AppError::invalid("file_too_large", "path", detail));
                }
                match object {
                    Err(fault) => words.faults.push(fault),
                    Ok(object) if export == Some(Export::AlgoliaRules) => {
                        let read = algolia::rules_of(&object, (&options, now), line);
                        words.faults.extend(read.left_out);
                        words.n_over += read.n_over;
                        let rules = read.rules.into_iter();
                        words.rules.extend(rules.map(|rule| (rule.id.clone(), (line, rule))));
                    }
                    Ok(object) => match algolia::sets_of(&object, line) {
                        Ok(sets) => words.sets.extend(sets),
                        Err(fault) => words.faults.push(fault),
                    },
                }
                Ok(())
            });
            words.note = note?;
            Ok(words)
        };
        aside("reading a file", read).await?
    }

    /// Adds sets to those of the site; answers how many are new.
    async fn add_synonyms(
        &self,
        sets: Vec<SynonymSet>,
        options: &ImportOptions,
        caller: &Caller,
    ) -> Result<u64, AppError> {
        let mut all = self.synonyms(&options.site, caller)?;
        let mut known: HashSet<SynonymSet> = all.iter().cloned().collect();
        let n_before = all.len();
        all.extend(sets.into_iter().filter(|set| known.insert(set.clone())));
        let n_new = (all.len() - n_before) as u64;
        if n_new > 0 {
            self.put_synonyms((&options.site, all), caller).await?;
        }
        Ok(n_new)
    }

    /// Stores rules by their ids; answers how many are new or differ from what is stored.
    async fn put_moved_rules(&self, rules: Vec<Rule>, caller: &Caller) -> Result<u64, AppError> {
        let book = self.merchandising.book();
        let is_known = |rule: &Rule| {
            let known = book.find(&rule.id).map(|known| &known.rule);
            known.is_some_and(|known| {
                *known == Rule { created_at: known.created_at, ..rule.clone() }
            })
        };
        let new: Vec<Rule> = rules.into_iter().filter(|rule| !is_known(rule)).collect();
        let n_new = new.len() as u64;
        if n_new > 0 {
            self.put_rules(new, caller).await?;
        }
        Ok(n_new)
    }
}
