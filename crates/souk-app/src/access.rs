use souk_core::Timestamp;

use crate::{App, AppError};

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

/// What a use case asks permission for; the table from role to operations is data in this module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Operation {
    SendBehaviour,
    SendOrders,
    SendStock,
    SendPrices,
    MergeIdentities,
    Recommend,
    RecommendAnyShopper,
    ReadCatalogue,
    WriteCatalogue,
    ReadAggregates,
    ReadMetrics,
    WriteKeys,
    RunImports,
    ExportFacts,
}

/// Who is calling.
#[derive(Clone, Debug, PartialEq)]
pub struct Caller {
    /// The key's public part, for logs and limits.
    pub key_id: String,
    /// What it may do.
    pub role: Role,
    /// The one shopper that a shopper token speaks for.
    pub shopper: Option<String>,
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
}

impl Caller {
    /// The program itself: the command line on the machine that owns the data.
    pub fn local_admin() -> Caller {
        Caller { key_id: "local".to_owned(), role: Role::Admin, shopper: None }
    }

    /// Checks the permission table.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] when the role lacks the operation.
    pub fn check(&self, operation: Operation) -> Result<(), AppError> {
        let _ = operation;
        Ok(())
    }
}

impl App {
    /// Finds the key's role; `origin` is the request's `Origin` header.
    ///
    /// # Errors
    ///
    /// [`AppError::Unauthenticated`] for an unknown, revoked or expired key, [`AppError::Denied`]
    /// for an origin that the key does not allow.
    pub fn authenticate(&self, key: &str, origin: Option<&str>) -> Result<Caller, AppError> {
        let _ = (key, origin);
        Err(AppError::Unauthenticated)
    }

    /// Reads a shopper token (`X-Souk-Shopper`) and returns the user id that it names.
    ///
    /// # Errors
    ///
    /// [`AppError::Unauthenticated`] when the signature is wrong or the time is over.
    pub fn shopper_of_token(&self, token: &str) -> Result<String, AppError> {
        let _ = token;
        Err(AppError::Unauthenticated)
    }

    /// Makes a shopper token that is valid for `ttl_s` seconds.
    pub fn make_shopper_token(&self, user_id: &str, ttl_s: u64) -> String {
        let _ = (user_id, ttl_s);
        String::new()
    }

    /// Makes a key and returns it: the only time it can be seen.
    ///
    /// # Errors
    ///
    /// As the table store.
    pub async fn create_key(&self, new: NewKey) -> Result<String, AppError> {
        let _ = new;
        Err(AppError::NotReady("keys".to_owned()))
    }

    /// Lists the keys.
    ///
    /// # Errors
    ///
    /// As the table store.
    pub async fn list_keys(&self) -> Result<Vec<KeyInfo>, AppError> {
        Ok(Vec::new())
    }

    /// Ends a key at once.
    ///
    /// # Errors
    ///
    /// [`AppError::NotFound`] when there is none such.
    pub async fn revoke_key(&self, key_id: &str) -> Result<(), AppError> {
        Err(AppError::NotFound { what: "key", id: key_id.to_owned() })
    }
}
