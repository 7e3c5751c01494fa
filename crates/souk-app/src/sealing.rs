//! Sealing at the door and opening behind it: the only place that joins records with their keys.
//!
//! A record with a subject carries a sealed body. When the subject's key is gone, the person was erased
//! and the record is noise: whoever reads the log passes over it, whatever its body looks like.

use souk_core::wire::{WireError, decode_event};
use souk_core::{Event, SubjectId};
use souk_ports::{Appended, KeyStore, KeyStoreError, Position, RESOLVE_MAX, Record, Recorded};
use souk_privacy::seal::{self, BodyContext, NONCE_BYTES, Nonce, SecretKey, UnsealError};

use crate::projections::Decoded;
use crate::{App, AppError};

/// Nonces drawn from the system at once: a call of it costs more than a seal.
const NONCES_AT_ONCE: usize = 128;

/// Random nonces, drawn in advance.
pub(crate) struct Nonces {
    drawn: [u8; NONCES_AT_ONCE * NONCE_BYTES],
    n_used: usize,
    /// How many are drawn at once.
    n_at_once: usize,
}

impl Nonces {
    /// For so many records, more or less.
    pub(crate) fn for_records(n_records: usize) -> Nonces {
        let n_at_once = n_records.clamp(1, NONCES_AT_ONCE);
        Nonces { drawn: [0; NONCES_AT_ONCE * NONCE_BYTES], n_used: n_at_once, n_at_once }
    }

    /// A nonce that nobody had before.
    pub(crate) fn draw(&mut self) -> Result<Nonce, AppError> {
        if self.n_used == self.n_at_once {
            fill_random(&mut self.drawn[..self.n_at_once * NONCE_BYTES])?;
            self.n_used = 0;
        }
        let at = self.n_used * NONCE_BYTES;
        self.n_used += 1;
        Ok(self.drawn[at..at + NONCE_BYTES].try_into().expect("a nonce has 12 bytes"))
    }
}

/// Fills `bytes` with random bits of the system.
pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<(), AppError> {
    getrandom::fill(bytes)
        .map_err(|_| AppError::NotReady("the system gives no random numbers".to_owned()))
}

/// Seals the body of a record that has a subject; others stay as they are.
pub(crate) fn seal_record(
    record: &mut Record,
    key: &SecretKey,
    nonces: &mut Nonces,
) -> Result<(), AppError> {
    let Some(subject) = record.subject else { return Ok(()) };
    let context = BodyContext { subject, event_id: record.event_id };
    record.body = seal::seal_body(key, context, nonces.draw()?, &record.body);
    Ok(())
}

impl App {
    /// Seals records and appends them. Those of people who were erased meanwhile are left out.
    pub(crate) async fn append_sealed(
        &self,
        records: Vec<Record>,
    ) -> Result<Vec<Appended>, AppError> {
        let mut keys = keys_of(&*self.parts.keys, records.iter()).await?.into_iter();
        let mut nonces = Nonces::for_records(records.len());
        let mut sealed = Vec::with_capacity(records.len());
        for mut record in records {
            match record.subject.map(|_| keys.next().flatten()) {
                Some(Some(key)) => seal_record(&mut record, &key, &mut nonces)?,
                Some(None) => continue,
                None => {}
            }
            sealed.push(record);
        }
        if sealed.is_empty() { Ok(Vec::new()) } else { self.append(sealed).await }
    }
}

/// Why a record cannot be read although it should be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenFault {
    #[error(transparent)]
    Keys(#[from] KeyStoreError),
    #[error(
        "the record at partition {} offset {} cannot be read ({detail}); restore a backup, or use the \
         version of souk that wrote it",
        .position.partition.0, .position.offset
    )]
    Record { position: Position, detail: String },
}

impl From<OpenFault> for AppError {
    fn from(fault: OpenFault) -> AppError {
        match fault {
            OpenFault::Keys(error) => error.into(),
            fault @ OpenFault::Record { .. } => AppError::NotReady(fault.to_string()),
        }
    }
}

/// What records say, in order; those of erased subjects have no event.
///
/// # Errors
///
/// [`OpenFault::Keys`] when the key store does not answer. The first record that is damaged ends the
/// list: its fault stands beside what was opened before it.
pub(crate) async fn open_records(
    keys: &dyn KeyStore,
    records: Vec<Recorded>,
) -> (Vec<Decoded>, Result<(), OpenFault>) {
    let of_records = records.iter().map(|recorded| &recorded.record);
    let found = match keys_of(keys, of_records).await {
        Ok(found) => found,
        Err(error) => return (Vec::new(), Err(error.into())),
    };
    let mut found = found.into_iter();
    let mut opened = Vec::with_capacity(records.len());
    let mut buffer = Vec::new();
    for recorded in records {
        let key = recorded.record.subject.map(|_| found.next().flatten());
        let event = match key {
            // Its time was over: retention left the place and nothing else.
            _ if recorded.record.body.is_empty() => None,
            Some(None) => None,
            Some(Some(key)) => Some(open_body(&recorded.record, &key, &mut buffer)),
            None => Some(decode_event(&recorded.record.body).map_err(Fault::Wire)),
        };
        match event.transpose() {
            Ok(event) => opened.push(Decoded::new(&recorded, event)),
            Err(fault) => {
                let (position, detail) = (recorded.position, fault.to_string());
                return (opened, Err(OpenFault::Record { position, detail }));
            }
        }
    }
    (opened, Ok(()))
}

/// As [`open_records`], where a damaged record is an error for the whole list.
pub(crate) async fn open_all(
    keys: &dyn KeyStore,
    records: Vec<Recorded>,
) -> Result<Vec<Decoded>, OpenFault> {
    let (opened, outcome) = open_records(keys, records).await;
    outcome.map(|()| opened)
}

/// The keys of the records that have a subject, in order.
async fn keys_of(
    keys: &dyn KeyStore,
    records: impl Iterator<Item = &Record>,
) -> Result<Vec<Option<SecretKey>>, KeyStoreError> {
    let subjects: Vec<SubjectId> = records.filter_map(|record| record.subject).collect();
    let mut found = Vec::with_capacity(subjects.len());
    for subjects in subjects.chunks(RESOLVE_MAX) {
        found.extend(keys.keys(subjects).await?);
    }
    Ok(found)
}

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error(transparent)]
    Unseal(#[from] UnsealError),
}

/// Opens the body of a record whose subject has a key. Bodies of before sealing are plain.
fn open_body(record: &Record, key: &SecretKey, buffer: &mut Vec<u8>) -> Result<Event, Fault> {
    if !seal::is_sealed(&record.body) {
        return Ok(decode_event(&record.body)?);
    }
    let subject = record.subject.expect("only records with a subject come here");
    let context = BodyContext { subject, event_id: record.event_id };
    seal::open_body(key, context, &record.body, buffer)?;
    Ok(decode_event(buffer)?)
}

#[cfg(test)]
mod tests;
