use souk_core::{ConsentChange, ConsentOrigin, Purpose, Purposes, Timestamp};

use super::kind::names;
use super::orders::{Fault, check_person, fault};
use super::{Draft, DraftFact, Mapper, each_row};
use crate::AppError;
use crate::sheet::{Block, Cell, Columns, RowFault};

/// Rows of consents: who allowed or refused which use, when, and under which notice.
pub(crate) struct ConsentMapper {
    user: Option<usize>,
    anonymous: Option<usize>,
    purpose: usize,
    granted: usize,
    time: Option<usize>,
    notice: Option<usize>,
    /// The time of rows that name none.
    now: Timestamp,
}

impl ConsentMapper {
    pub(crate) fn new(columns: &Columns, now: Timestamp) -> Result<ConsentMapper, AppError> {
        let (user, anonymous) = (columns.find(names::USER), columns.find(names::ANONYMOUS));
        if user.is_none() && anonymous.is_none() {
            columns.need(names::USER)?;
        }
        let time: Vec<&str> = ["at"].into_iter().chain(names::TIME.iter().copied()).collect();
        Ok(ConsentMapper {
            user,
            anonymous,
            purpose: columns.need(names::PURPOSE)?,
            granted: columns.need(names::GRANTED)?,
            time: columns.find(&time),
            notice: columns.find(names::NOTICE),
            now,
        })
    }

    fn draft(&self, block: &Block, row: usize) -> Result<Draft, Fault> {
        let cell = |column: Option<usize>| column.map_or(Cell::Empty, |idx| block.cell(row, idx));
        let (user, anonymous) = (cell(self.user).text(), cell(self.anonymous).text());
        check_person("user_id", user.as_deref())?;
        check_person("anonymous_id", anonymous.as_deref())?;
        if user.is_none() && anonymous.is_none() {
            return Err(fault(
                "user_id",
                "is empty, and so is anonymous_id; a consent has a person",
            ));
        }
        let at = cell(self.time).time().map_err(|error| fault("at", error))?.unwrap_or(self.now);
        let purpose = block.cell(row, self.purpose).text().unwrap_or_default();
        let purpose = Purpose::parse(purpose.trim())
            .filter(|purpose| *purpose != Purpose::Essential)
            .ok_or_else(|| {
                let remedy = "must be personalization, analytics, marketing or model_training";
                fault("purpose", format!("is \"{purpose}\"; {remedy}"))
            })?;
        let set = Purposes::NONE.with(purpose);
        let (granted, denied) = match read_yes(block.cell(row, self.granted).text().as_deref()) {
            Some(true) => (set, Purposes::NONE),
            Some(false) => (Purposes::NONE, set),
            None => return Err(fault("granted", "is neither yes nor no; write true or false")),
        };
        let notice = cell(self.notice).text().map(|version| version.as_ref().into());
        let origin = ConsentOrigin::File;
        let change = ConsentChange { granted, denied, origin, notice };
        let mut draft = Draft::new(at, DraftFact::Consent(change));
        draft.user_id = user.map(|id| id.as_ref().into());
        draft.anonymous_id = anonymous.map(|id| id.as_ref().into());
        Ok(draft)
    }
}

/// Yes and no as consent tools export them.
fn read_yes(text: Option<&str>) -> Option<bool> {
    match text?.trim().to_lowercase().as_str() {
        "true" | "1" | "yes" | "y" | "granted" | "opt_in" | "opted_in" => Some(true),
        "false" | "0" | "no" | "n" | "denied" | "withdrawn" | "opt_out" | "opted_out" => {
            Some(false)
        }
        _ => None,
    }
}

impl Mapper for ConsentMapper {
    fn take(&mut self, block: &Block, faults: &mut Vec<RowFault>) -> Vec<(u64, Draft)> {
        each_row(block, faults, |row| self.draft(block, row).map(Some))
    }
}
