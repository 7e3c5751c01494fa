//! Who may call: roles, keys and shopper tokens.

mod keys;
mod oidc;
mod operation;
mod places;
mod rotate;
mod table;
mod token;

use std::sync::Arc;

use hashbrown::HashMap;
use souk_core::Timestamp;
use souk_ports::{Condition, KeyStore, TableError, TableRange, TableStore, Write, WriteChange};

use crate::config::AccessSettings;
use crate::{App, AppError, AuditAct, AuditObject, AuditOperation, Clock};

pub use oidc::{KEY_SET_BYTES_MAX, KeySetSource};
pub use operation::Operation;
pub use places::Places;
pub use rotate::{OVERLAP_S_DEFAULT, OVERLAP_S_MAX, RotatedKey};

use keys::{KeyHash, KeyIndex, key_hash};
use oidc::SignIn;
use token::TokenSigner;

/// Where keys are stored: a row for each, by its public part.
const KEYS_PARTITION: &str = "api-keys";
/// Keys in one installation; chosen: each is held in memory.
const KEYS_MAX: usize = 10_000;
const LABEL_BYTES_MAX: usize = 200;
const ORIGINS_MAX: usize = 100;
/// Sites, and locations, that a key is bound to at most; chosen.
const PLACES_MAX: usize = 100;

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are those of the contract")]
pub enum Role {
    IngestBrowser,
    IngestServer,
    StorefrontBrowser,
    StorefrontServer,
    Analyst,
    Merchandiser,
    Planner,
    Privacy,
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 9] = [
        Role::IngestBrowser,
        Role::IngestServer,
        Role::StorefrontBrowser,
        Role::StorefrontServer,
        Role::Analyst,
        Role::Merchandiser,
        Role::Planner,
        Role::Privacy,
        Role::Admin,
    ];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::IngestBrowser => "ingest_browser",
            Role::IngestServer => "ingest_server",
            Role::StorefrontBrowser => "storefront_browser",
            Role::StorefrontServer => "storefront_server",
            Role::Analyst => "analyst",
            Role::Merchandiser => "merchandiser",
            Role::Planner => "planner",
            Role::Privacy => "privacy",
            Role::Admin => "admin",
        }
    }

    /// Reads the name in the contract.
    pub fn parse(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// Whether keys of this role may sit in a page, where everybody can read them.
    pub fn is_browser(self) -> bool {
        matches!(self, Role::IngestBrowser | Role::StorefrontBrowser)
    }

    /// The two letters in a key that tell a person its role.
    fn abbreviation(self) -> &'static str {
        match self {
            Role::IngestBrowser => "ib",
            Role::IngestServer => "is",
            Role::StorefrontBrowser => "sb",
            Role::StorefrontServer => "ss",
            Role::Analyst => "an",
            Role::Merchandiser => "me",
            Role::Planner => "pl",
            Role::Privacy => "pr",
            Role::Admin => "ad",
        }
    }
}

/// Who is calling.
#[derive(Clone, Debug, PartialEq)]
pub struct Caller {
    /// The key's public part, for logs and limits.
    pub key_id: String,
    /// What it may do.
    pub role: Role,
    /// What it may do besides: a person can have several roles, a key has one.
    pub more_roles: Vec<Role>,
    /// The one shopper that a shopper token speaks for.
    pub shopper: Option<String>,
    /// Where its key may be used.
    pub places: Arc<Places>,
    /// The request in which it calls, for the audit log.
    pub request_id: Option<Arc<str>>,
    /// The route of that request, as `/v1/subjects/:id/export`: refusals are counted by it.
    pub route: Option<Arc<str>>,
}

/// What to make a key of.
#[derive(Clone, Debug, PartialEq)]
pub struct NewKey {
    /// What it may do.
    pub role: Role,
    /// A note for people.
    pub label: String,
    /// Web origins that may use it, for browser roles; empty means any.
    pub origins: Vec<String>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// Where it may be used.
    pub places: Places,
}

/// A key as it is listed: never the secret.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyInfo {
    /// The public part.
    pub key_id: String,
    /// What it may do.
    pub role: Role,
    /// A note for people.
    pub label: String,
    /// Web origins that may use it.
    pub origins: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// The key that replaced it, until it ends.
    pub replaced_by: Option<String>,
    /// Where it may be used.
    pub places: Arc<Places>,
}

impl NewKey {
    /// A key of this role without label, end or bounds.
    pub fn of(role: Role) -> NewKey {
        let (label, origins, expires_at) = (String::new(), Vec::new(), None);
        NewKey { role, label, origins, expires_at, places: Places::default() }
    }
}

impl Caller {
    /// The program itself: the command line on the machine that owns the data.
    pub fn local_admin() -> Caller {
        Caller::new("local", Role::Admin)
    }

    /// A caller without a shopper token, outside of any request.
    pub fn new(key_id: impl Into<String>, role: Role) -> Caller {
        Caller {
            key_id: key_id.into(),
            role,
            more_roles: Vec::new(),
            shopper: None,
            places: Arc::default(),
            request_id: None,
            route: None,
        }
    }

    /// Whether one of its roles has the operation.
    pub fn may(&self, operation: Operation) -> bool {
        let mut roles = std::iter::once(&self.role).chain(&self.more_roles);
        roles.any(|role| table::allows(*role, operation))
    }

    /// Checks the permission table.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] when the role lacks the operation.
    pub fn check(&self, operation: Operation) -> Result<(), AppError> {
        if self.may(operation) {
            Ok(())
        } else {
            Err(AppError::Denied { role: self.role.as_str(), what: operation.as_str() })
        }
    }
}

/// The keys and the signer of shopper tokens.
#[derive(Debug)]
pub(crate) struct Access {
    keys: KeyIndex,
    /// Held from reading or writing the stored keys until the index says the same: a reading that
    /// was overtaken by a revocation must not bring the key back.
    changing: tokio::sync::Mutex<()>,
    signer: TokenSigner,
    /// `None` while people do not sign in.
    sign_in: Option<SignIn>,
}

impl Access {
    pub(crate) async fn open(
        tables: &dyn TableStore,
        keys: &dyn KeyStore,
        settings: &AccessSettings,
    ) -> Result<Access, AppError> {
        let signer = TokenSigner::new(*keys.secret("shopper-token").await?.bytes());
        let access = Access {
            keys: KeyIndex::default(),
            changing: tokio::sync::Mutex::default(),
            signer,
            sign_in: SignIn::of(&settings.oidc),
        };
        access.refresh(tables).await?;
        Ok(access)
    }

    /// Reads the keys again: another process (the command line) may have made or revoked some.
    pub(crate) async fn refresh(&self, tables: &dyn TableStore) -> Result<(), AppError> {
        let _changing = self.changing.lock().await;
        let mut keys: HashMap<KeyHash, KeyInfo> = HashMap::new();
        let mut after: Option<String> = None;
        while keys.len() < KEYS_MAX {
            let range = TableRange {
                partition_key: KEYS_PARTITION,
                prefix: "",
                after: after.as_deref(),
                limit: 1_000,
            };
            let rows = tables.range(range, access_now()).await?;
            let Some(last) = rows.last() else { break };
            after = Some(last.sort_key.clone());
            for row in &rows {
                let (hash, info) = keys::decode(&row.sort_key, &row.value)?;
                keys.insert(hash, info);
            }
        }
        self.keys.replace(keys);
        Ok(())
    }
}

/// Access goes by the machine's own time: a clock that stands still for sample data must not keep
/// a key or token alive.
fn access_now() -> Timestamp {
    Clock::system().now()
}

impl App {
    /// Finds the key's role; `origin` is the request's `Origin` header.
    ///
    /// # Errors
    ///
    /// [`AppError::Unauthenticated`] for an unknown, revoked or expired key, [`AppError::Denied`]
    /// for an origin that the key does not allow.
    pub fn authenticate(&self, key: &str, origin: Option<&str>) -> Result<Caller, AppError> {
        if !keys::is_well_formed(key) {
            return Err(AppError::Unauthenticated);
        }
        let everywhere = &self.config.server.allowed_origins;
        let found = self.door.access.keys.find(&key_hash(key), |info| {
            if info.expires_at.is_some_and(|end| end <= access_now()) {
                return Err(AppError::Unauthenticated);
            }
            if let Some(origin) = origin.filter(|_| info.role.is_browser())
                && !is_origin_of(info, origin, everywhere)
            {
                let what = "be used from this web origin; add it to the key or to \
                            `server.allowed_origins`";
                return Err(AppError::Denied { role: info.role.as_str(), what });
            }
            let places = Arc::clone(&info.places);
            Ok(Caller { places, ..Caller::new(&*info.key_id, info.role) })
        });
        found.unwrap_or(Err(AppError::Unauthenticated))
    }

    /// The caller of a request that carries no key.
    ///
    /// # Errors
    ///
    /// [`AppError::Unauthenticated`] unless `access.require_keys` or `access.public_reads` say
    /// otherwise.
    pub fn caller_without_key(&self) -> Result<Caller, AppError> {
        let access = &self.config.access;
        let role = match (access.require_keys, access.public_reads) {
            (false, _) => Role::Admin,
            (true, true) => Role::StorefrontBrowser,
            (true, false) => return Err(AppError::Unauthenticated),
        };
        Ok(Caller::new("none", role))
    }

    /// Whether any browser key may be used from this web origin, for a preflight request, which
    /// carries no key.
    pub fn is_origin_known(&self, origin: &str) -> bool {
        let everywhere = &self.config.server.allowed_origins;
        everywhere.iter().any(|known| known == origin)
            || self
                .door
                .access
                .keys
                .list()
                .iter()
                .any(|info| info.role.is_browser() && is_origin_of(info, origin, everywhere))
    }

    /// Reads a shopper token (`X-Souk-Shopper`) and returns the user id that it names.
    ///
    /// # Errors
    ///
    /// [`AppError::Unauthenticated`] when the signature is wrong or the time is over.
    pub fn shopper_of_token(&self, token: &str) -> Result<String, AppError> {
        let longest_s = i64::try_from(self.config.access.shopper_token_s_max).unwrap_or(i64::MAX);
        let now_s = access_now().as_ms() / 1_000;
        self.door.access.signer.verify(token, now_s, longest_s).ok_or(AppError::Unauthenticated)
    }

    /// Makes a shopper token that is valid for `ttl_s` seconds.
    pub fn make_shopper_token(&self, user_id: &str, ttl_s: u64) -> String {
        let ttl_s = i64::try_from(ttl_s).unwrap_or(i64::MAX);
        let expires_s = (access_now().as_ms() / 1_000).saturating_add(ttl_s);
        self.door.access.signer.sign(user_id, expires_s)
    }

    /// The text with which the shop's backend signs shopper tokens (HS256); it is the key as it
    /// stands, not base 64.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] unless the caller may make keys.
    pub async fn shopper_secret(&self, caller: &Caller) -> Result<String, AppError> {
        caller.check(Operation::WriteKeys)?;
        self.audit(caller, AuditAct::new(AuditOperation::KeySecretRead)).await?;
        Ok(self.door.access.signer.secret().to_owned())
    }

    /// Whether there is any key; without one the server listens on this machine only.
    pub fn has_keys(&self) -> bool {
        !self.door.access.keys.is_empty()
    }

    /// Makes an admin key when there is no key at all, and returns it to be shown once.
    ///
    /// # Errors
    ///
    /// As the table store.
    pub async fn ensure_first_key(&self) -> Result<Option<String>, AppError> {
        self.refresh_keys().await?;
        if self.has_keys() {
            return Ok(None);
        }
        let new = NewKey { label: "made at the first start".into(), ..NewKey::of(Role::Admin) };
        self.create_key(new, &Caller::local_admin()).await.map(Some)
    }

    /// Makes a key and returns it: the only time it can be seen.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the role; as the table store. A key that could not be written
    /// into the audit log was never shown, so nobody can use it.
    pub async fn create_key(&self, new: NewKey, caller: &Caller) -> Result<String, AppError> {
        caller.check(Operation::WriteKeys)?;
        check_new_key(&new)?;
        self.check_places(&new)?;
        if self.door.access.keys.list().len() >= KEYS_MAX {
            return Err(AppError::Conflict(format!(
                "there are {KEYS_MAX} keys, which is the limit; revoke some"
            )));
        }
        let (text, hash) = random_key(new.role)?;
        let info = KeyInfo {
            key_id: keys::key_id(&hash),
            role: new.role,
            label: new.label,
            origins: new.origins,
            created_at: access_now(),
            expires_at: new.expires_at,
            replaced_by: None,
            places: Arc::new(new.places),
        };
        let write = Write {
            partition_key: KEYS_PARTITION.to_owned(),
            sort_key: info.key_id.clone(),
            condition: Condition::Absent,
            change: WriteChange::Put { value: keys::encode(&hash, &info), expires_at: None },
        };
        let act = AuditAct::new(AuditOperation::KeyCreate)
            .on(AuditObject::key(&info.key_id))
            .with("role", info.role.as_str());
        {
            let _changing = self.door.access.changing.lock().await;
            self.parts.tables.write(&[write], access_now()).await?;
            self.door.access.keys.insert(hash, info);
        }
        self.audit(caller, act).await?;
        Ok(text)
    }

    /// Lists the keys, oldest first.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the role; as the table store.
    pub async fn list_keys(&self, caller: &Caller) -> Result<Vec<KeyInfo>, AppError> {
        caller.check(Operation::WriteKeys)?;
        self.audit(caller, AuditAct::new(AuditOperation::KeyList)).await?;
        self.known_keys().await
    }

    /// The keys, oldest first, for the program's own use: nobody is shown them.
    ///
    /// # Errors
    ///
    /// As the table store.
    pub async fn known_keys(&self) -> Result<Vec<KeyInfo>, AppError> {
        self.refresh_keys().await?;
        Ok(self.door.access.keys.list())
    }

    /// Ends a key at once.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the role, [`AppError::NotFound`] when there is none such.
    pub async fn revoke_key(&self, key_id: &str, caller: &Caller) -> Result<(), AppError> {
        caller.check(Operation::WriteKeys)?;
        self.end_key(key_id).await?;
        // The key is at its end in any case: what cannot be written down is answered as a failure.
        let act = AuditAct::new(AuditOperation::KeyRevoke).on(AuditObject::key(key_id));
        self.audit(caller, act).await.map(drop)
    }

    async fn end_key(&self, key_id: &str) -> Result<(), AppError> {
        let not_found = || AppError::NotFound { what: "key", id: key_id.to_owned() };
        let now = access_now();
        let _changing = self.door.access.changing.lock().await;
        let row = self.parts.tables.get(KEYS_PARTITION, key_id, now).await?;
        let version = row.ok_or_else(not_found)?.version;
        let write = Write {
            partition_key: KEYS_PARTITION.to_owned(),
            sort_key: key_id.to_owned(),
            condition: Condition::Version(version),
            change: WriteChange::Delete,
        };
        match self.parts.tables.write(&[write], now).await {
            // Somebody else was faster.
            Ok(_) | Err(TableError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        self.door.access.keys.remove(key_id);
        Ok(())
    }

    /// Reads the keys again, because another process may have changed them.
    ///
    /// # Errors
    ///
    /// As the table store.
    pub(crate) async fn refresh_keys(&self) -> Result<(), AppError> {
        self.door.access.refresh(&*self.parts.tables).await
    }
}

/// A new key of 160 random bits, and the hash that stands for it.
fn random_key(role: Role) -> Result<(String, KeyHash), AppError> {
    let mut random = [0; 20];
    getrandom::fill(&mut random)
        .map_err(|_| AppError::NotReady("the system gives no random numbers".to_owned()))?;
    let text = keys::key_text(role, random);
    let hash = key_hash(&text);
    Ok((text, hash))
}

fn is_origin_of(info: &KeyInfo, origin: &str, everywhere: &[String]) -> bool {
    let names_none = info.origins.is_empty() && everywhere.is_empty();
    names_none || info.origins.iter().chain(everywhere).any(|known| known == origin)
}

fn check_new_key(new: &NewKey) -> Result<(), AppError> {
    let refuse =
        |pointer: &str, detail: String| Err(AppError::invalid("invalid_key", pointer, detail));
    if new.label.len() > LABEL_BYTES_MAX {
        let detail = format!("label has {} bytes; the limit is {LABEL_BYTES_MAX}", new.label.len());
        return refuse("/label", detail);
    }
    if new.origins.len() > ORIGINS_MAX {
        let detail = format!("{} origins; the limit is {ORIGINS_MAX}", new.origins.len());
        return refuse("/origins", detail);
    }
    if !new.origins.is_empty() && !new.role.is_browser() {
        let detail = format!(
            "role `{}` is used by servers, which have no origin; leave it out",
            new.role.as_str()
        );
        return refuse("/origins", detail);
    }
    for (idx, origin) in new.origins.iter().enumerate() {
        let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        if host.is_none_or(|host| host.is_empty() || host.contains(['/', '*', ' '])) {
            let detail = format!(
                "origin `{origin}` is not scheme and host; write for example https://shop.example"
            );
            return refuse(&format!("/origins/{idx}"), detail);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
