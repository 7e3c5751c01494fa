//! People who sign in with the company's own identity provider (OpenID Connect).
//!
//! A person sends the provider's signed token (RFC 7519) where a program sends its key. What is believed
//! is in the settings and nowhere else: issuer, audience, algorithms, and where the keys are. What a
//! token says about keys (`jku`, `jwk`, `x5u`, `x5c`) is not read at all. This is not a login page: the
//! flow by which a browser gets a token belongs to the console.

mod keys;
mod strict;
mod token;

use std::fmt::Debug;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use parking_lot::RwLock;

use self::keys::KeySet;
use self::token::{Person, Rules, Unchecked};
use super::{Caller, access_now};
use crate::config::OidcSettings;
use crate::{App, AppError, Role};

/// Bytes of a key set at most; chosen: a hundred keys with their certificates.
pub const KEY_SET_BYTES_MAX: usize = 256 << 10;
/// How long keys are not read again, whatever tokens ask for: a stranger who makes up key ids must not
/// make this program call the provider at will. Chosen.
const PAUSE: Duration = Duration::from_secs(30);
/// How long keys are believed that cannot be read again; chosen: an outage of the provider should not
/// lock the shop out on the same day, and a key that was withdrawn must not live on for good.
const KEEP: Duration = Duration::from_secs(86_400);

/// Requests that wait for the provider's keys at most; others go by the keys that there are. Chosen: more
/// people than sign in within a few seconds.
const WAITING_MAX: usize = 64;

/// How the names of people who sign in begin; no key has a colon.
const PERSON: &str = "person:";

impl Caller {
    /// Whether this is a person who signed in, and not a key.
    pub fn is_person(&self) -> bool {
        self.key_id.starts_with(PERSON)
    }
}

/// From where the provider's public keys come, when it is not a file.
#[async_trait]
pub trait KeySetSource: Debug + Send + Sync {
    /// The key set as JSON (RFC 7517), of at most [`KEY_SET_BYTES_MAX`] bytes. Reads it anew each time,
    /// within a time that a request can wait.
    ///
    /// # Errors
    ///
    /// What went wrong, for the log.
    async fn fetch(&self) -> Result<Vec<u8>, String>;
}

/// A key set in a file.
#[derive(Debug)]
struct KeySetFile(String);

#[async_trait]
impl KeySetSource for KeySetFile {
    async fn fetch(&self) -> Result<Vec<u8>, String> {
        let path = self.0.clone();
        let read = move || std::fs::read(path);
        let bytes = tokio::task::spawn_blocking(read).await.map_err(|e| e.to_string())?;
        bytes.map_err(|error| format!("{}: {error}", self.0))
    }
}

/// Why a token is not believed; a slug for the log, never for whoever sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Refused(&'static str);

/// Keys that were read.
#[derive(Clone, Debug)]
struct Held {
    keys: Arc<KeySet>,
    read_at: Instant,
}

/// What the settings say about people, and the provider's keys.
#[derive(Debug)]
pub(super) struct SignIn {
    rules: Rules,
    refresh: Duration,
    pause: Duration,
    keep: Duration,
    source: OnceLock<Arc<dyn KeySetSource>>,
    held: RwLock<Option<Held>>,
    /// Who may wait for keys that are being read.
    waiting: tokio::sync::Semaphore,
    /// When the keys were asked for last; locked while they are.
    asked_at: tokio::sync::Mutex<Option<Instant>>,
}

impl SignIn {
    /// `None` while nobody signs in.
    pub(super) fn of(settings: &OidcSettings) -> Option<SignIn> {
        let source = OnceLock::new();
        if let Some(path) = settings.jwks.as_deref().and_then(|url| url.strip_prefix("file:")) {
            let file = KeySetFile(path.strip_prefix("//").unwrap_or(path).to_owned());
            source.set(Arc::new(file) as _).expect("it is new");
        }
        Some(SignIn {
            rules: Rules::of(settings)?,
            refresh: Duration::from_secs(settings.refresh_s),
            pause: PAUSE,
            keep: KEEP,
            source,
            held: RwLock::default(),
            waiting: tokio::sync::Semaphore::new(WAITING_MAX),
            asked_at: tokio::sync::Mutex::default(),
        })
    }

    /// Whom a token is about, if it is good at `now_s` (Unix seconds).
    async fn person(&self, token: &str, now_s: i64) -> Result<Person, Refused> {
        let token = Unchecked::read(token, &self.rules)?;
        let mut keys = self.keys().await;
        let knows = |keys: &Option<Arc<KeySet>>| {
            keys.as_ref().is_some_and(|keys| keys.has(token.key_id(), token.algorithm()))
        };
        if !knows(&keys) {
            self.read_again().await;
            keys = self.believed();
        }
        let keys = keys.ok_or(Refused("no_keys"))?;
        token.check(&keys, &self.rules, now_s)
    }

    /// The keys, read again when it is time.
    async fn keys(&self) -> Option<Arc<KeySet>> {
        let is_fresh = |held: &Held| held.read_at.elapsed() < self.refresh;
        if !self.held.read().as_ref().is_some_and(is_fresh) {
            self.read_again().await;
        }
        self.believed()
    }

    fn believed(&self) -> Option<Arc<KeySet>> {
        let held = self.held.read();
        held.as_ref()
            .filter(|held| held.read_at.elapsed() < self.keep)
            .map(|held| Arc::clone(&held.keys))
    }

    /// Reads the keys, unless that was tried a moment ago. Whoever comes meanwhile waits for the outcome.
    async fn read_again(&self) {
        // Beyond, nobody waits: these requests count for no limit yet, so strangers could pile them up.
        let Ok(_place) = self.waiting.try_acquire() else { return };
        let mut asked_at = self.asked_at.lock().await;
        if asked_at.is_some_and(|at| at.elapsed() < self.pause) {
            return;
        }
        let Some(source) = self.source.get() else { return };
        // Before the attempt: a request that is given up while it waits has asked all the same.
        *asked_at = Some(Instant::now());
        let read = source.fetch().await.and_then(|bytes| KeySet::read(&bytes));
        match read {
            Ok(keys) => {
                let (keys, read_at) = (Arc::new(keys), Instant::now());
                *self.held.write() = Some(Held { keys, read_at });
            }
            Err(error) => {
                tracing::warn!(error, "the identity provider's keys could not be read");
            }
        }
    }
}

impl App {
    /// Whether people sign in with an identity provider.
    pub fn has_sign_in(&self) -> bool {
        self.door.access.sign_in.is_some()
    }

    /// Says from where the provider's keys come, where the settings name no file. The first call counts.
    pub fn set_key_set_source(&self, source: Arc<dyn KeySetSource>) {
        if let Some(sign_in) = &self.door.access.sign_in {
            let _ = sign_in.source.set(source);
        }
    }

    /// Finds the person of an identity provider's token, and what they may do.
    ///
    /// In the audit log they are `person:` and a keyed hash of issuer and `sub`; `souk audit person`
    /// finds it for a known `sub`.
    ///
    /// # Errors
    ///
    /// [`AppError::Unauthenticated`] for a token that is not good now, [`AppError::Denied`] for a person
    /// whose groups give no role.
    pub async fn sign_in(&self, token: &str) -> Result<Caller, AppError> {
        let Some(sign_in) = &self.door.access.sign_in else {
            return Err(AppError::Unauthenticated);
        };
        let person = sign_in.person(token, access_now().as_ms() / 1_000).await;
        let person = person.map_err(|Refused(reason)| {
            tracing::info!(reason, "a sign-in token was refused");
            AppError::Unauthenticated
        })?;
        let (role, more_roles) = split(person.roles).ok_or(AppError::Denied {
            role: "none",
            what: "do anything: no group of this person is in `access.oidc.roles`",
        })?;
        let who = self.door.audit.person(&sign_in.rules.issuer, &person.sub);
        Ok(Caller { more_roles, ..Caller::new(who, role) })
    }

    /// The name in the audit log of the person whom the provider knows as `sub`; `None` while nobody
    /// signs in.
    pub fn audit_person(&self, sub: &str) -> Option<String> {
        let sign_in = self.door.access.sign_in.as_ref()?;
        Some(self.door.audit.person(&sign_in.rules.issuer, sub))
    }
}

/// The role under which a person's acts are written down and counted, and the others. First come those
/// that may see most of the shop's own figures.
fn split(mut roles: Vec<Role>) -> Option<(Role, Vec<Role>)> {
    const ORDER: [Role; 7] = [
        Role::Admin,
        Role::Merchandiser,
        Role::Planner,
        Role::Analyst,
        Role::Privacy,
        Role::IngestServer,
        Role::StorefrontServer,
    ];
    let first = ORDER.into_iter().find(|role| roles.contains(role))?;
    roles.retain(|role| *role != first);
    Some((first, roles))
}

#[cfg(test)]
mod tests;
