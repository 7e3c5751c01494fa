//! `Idempotency-Key`: a request that is repeated because its answer got lost is answered again, not
//! done again.
//!
//! A key belongs to its caller. What was sent under it is known by a hash alone; the answer is kept
//! for a day. A request that never ended (a crash) frees its key after a minute.

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};
use souk_ports::{Condition, TableError, VALUE_BYTES_MAX, Write, WriteChange};

use crate::{App, AppError, Caller};

const PARTITION: &str = "idempotency";
/// Bytes of a key; chosen: a UUID has 36.
const KEY_BYTES_MAX: usize = 255;
/// How long an answer is kept.
pub(crate) const KEPT_MS: i64 = 86_400_000;
/// How long a request may take before its key is free again; longer than any request may run.
const IN_FLIGHT_MS: i64 = 60_000;

const STATE_IN_FLIGHT: u8 = 0;
const STATE_DONE: u8 = 1;
/// Done, and the answer is kept in memory alone.
const STATE_DONE_SECRET: u8 = 2;
/// Answers kept in memory; above it all are dropped.
const SECRETS_MAX: usize = 1_000;
/// State, hash of the request, status.
const HEAD_BYTES: usize = 1 + 32 + 2;

/// What to do with a request that carries a key.
#[derive(Debug, PartialEq, Eq)]
pub enum Idempotent {
    /// Do it, then call [`App::idempotent_finish`], or [`App::idempotent_abandon`] if it failed in
    /// a way that a repetition may mend.
    Start(IdempotencyTicket),
    /// It was done: answer this, with `Idempotent-Replayed: true`.
    Replay {
        /// The HTTP status.
        status: u16,
        /// The body.
        body: Vec<u8>,
    },
}

/// Where an answer is kept for repetitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// In the tables.
    Stored,
    /// In memory alone, because it holds a secret: after a restart a repetition is a conflict.
    InMemory,
}

/// Answers that are kept in memory, by row.
pub(crate) type SecretAnswers = Mutex<FxHashMap<String, Vec<u8>>>;

/// A request in flight under a key.
#[derive(Debug, PartialEq, Eq)]
pub struct IdempotencyTicket {
    row: String,
    request: [u8; 32],
    version: u64,
}

impl App {
    /// Begins a request under `key`; `request` is its method and path, and its body.
    ///
    /// # Errors
    ///
    /// [`AppError::Invalid`] with code `idempotency_key_reused` when the key came with another
    /// request, [`AppError::Conflict`] while the first one is still running. As the table store.
    pub async fn idempotent(
        &self,
        caller: &Caller,
        key: &str,
        (target, body): (&str, &[u8]),
    ) -> Result<Idempotent, AppError> {
        if key.is_empty() || key.len() > KEY_BYTES_MAX {
            let detail = format!(
                "Idempotency-Key has {} bytes; it must have 1 to {KEY_BYTES_MAX}",
                key.len()
            );
            return Err(AppError::invalid("invalid_idempotency_key", "", detail));
        }
        let row = souk_core::hexadecimal(&digest(&[caller.key_id.as_bytes(), key.as_bytes()]));
        let request = digest(&[target.as_bytes(), body]);
        let now = self.clock.now();
        let known = self.parts.tables.get(PARTITION, &row, now).await?;
        if let Some(known) = known {
            let secret = self.door.secret_answers.lock().get(&row).cloned();
            return answer_known(&known.value, &request, secret);
        }
        let mut value = vec![STATE_IN_FLIGHT];
        value.extend(request);
        let write = Write {
            partition_key: PARTITION.to_owned(),
            sort_key: row.clone(),
            condition: Condition::Absent,
            change: WriteChange::Put { value, expires_at: Some(now.plus_ms(IN_FLIGHT_MS)) },
        };
        match self.parts.tables.write(&[write], now).await {
            Ok(versions) => {
                let version = versions[0];
                Ok(Idempotent::Start(IdempotencyTicket { row, request, version }))
            }
            Err(TableError::Conflict { .. }) => Err(in_flight()),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps the answer for repetitions. An answer too large to be kept frees the key instead.
    ///
    /// # Errors
    ///
    /// As the table store; the request itself is done all the same.
    pub async fn idempotent_finish(
        &self,
        ticket: IdempotencyTicket,
        (status, body): (u16, &[u8]),
        kept: Kept,
    ) -> Result<(), AppError> {
        if HEAD_BYTES + body.len() > VALUE_BYTES_MAX {
            return self.idempotent_abandon(ticket).await;
        }
        let mut value = Vec::with_capacity(HEAD_BYTES + body.len());
        value.push(if kept == Kept::Stored { STATE_DONE } else { STATE_DONE_SECRET });
        value.extend(ticket.request);
        value.extend(status.to_be_bytes());
        if kept == Kept::Stored {
            value.extend(body);
        } else {
            let mut answers = self.door.secret_answers.lock();
            if answers.len() >= SECRETS_MAX {
                answers.clear();
            }
            answers.insert(ticket.row.clone(), body.to_vec());
        }
        let expires_at = Some(self.clock.now().plus_ms(KEPT_MS));
        self.change(ticket, WriteChange::Put { value, expires_at }).await
    }

    /// Frees the key of a request that failed, so that a repetition is tried anew.
    ///
    /// # Errors
    ///
    /// As the table store; the key is then free after a minute.
    pub async fn idempotent_abandon(&self, ticket: IdempotencyTicket) -> Result<(), AppError> {
        self.change(ticket, WriteChange::Delete).await
    }

    async fn change(&self, ticket: IdempotencyTicket, change: WriteChange) -> Result<(), AppError> {
        let write = Write {
            partition_key: PARTITION.to_owned(),
            sort_key: ticket.row,
            condition: Condition::Version(ticket.version),
            change,
        };
        match self.parts.tables.write(&[write], self.clock.now()).await {
            // It took so long that the key was freed, perhaps taken by another request.
            Ok(_) | Err(TableError::Conflict { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn answer_known(
    value: &[u8],
    request: &[u8; 32],
    secret: Option<Vec<u8>>,
) -> Result<Idempotent, AppError> {
    let damaged = || AppError::Bug("a stored idempotency row has no known form".to_owned());
    let (&state, rest) = value.split_first().ok_or_else(damaged)?;
    let (known, rest) = rest.split_at_checked(32).ok_or_else(damaged)?;
    if known != request {
        return Err(AppError::invalid(
            "idempotency_key_reused",
            "",
            "the Idempotency-Key was used with another request; take a new one for each",
        ));
    }
    match (state, rest) {
        (STATE_IN_FLIGHT, []) => Err(in_flight()),
        (STATE_DONE, [high, low, body @ ..]) => Ok(Idempotent::Replay {
            status: u16::from_be_bytes([*high, *low]),
            body: body.to_vec(),
        }),
        (STATE_DONE_SECRET, [high, low]) => match secret {
            Some(body) => {
                Ok(Idempotent::Replay { status: u16::from_be_bytes([*high, *low]), body })
            }
            None => Err(AppError::Conflict(
                "this request was done before; its answer held a secret, which is not stored: \
                 list what was made, remove it, and make it again under a new Idempotency-Key"
                    .to_owned(),
            )),
        },
        _ => Err(damaged()),
    }
}

fn in_flight() -> AppError {
    AppError::Conflict(
        "a request with this Idempotency-Key is still running; wait for it or try again later"
            .to_owned(),
    )
}

/// The hash of several parts; their lengths keep two ways of cutting the same bytes apart.
fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests;
