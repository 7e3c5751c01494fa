//! A person's own consents: read and changed, as easily one way as the other.

use serde_json::json;
use souk_core::{
    ConsentChange, ConsentOrigin, LegalBasis, Purpose, Purposes, SiteId, SubjectId, Timestamp,
};
use souk_privacy::consent::{Decision, Mechanism};

use crate::audit::Counted;
use crate::config::WebhookKind;
use crate::ingest::IdKind;
use crate::outbox::{Message, ShopperId};
use crate::projections::Whom;
use crate::{App, AppError, AuditAct, AuditOperation, Caller, Operation};

/// What marks an id that a browser made, in the place of a user id.
const ANONYMOUS: &str = "anonymous:";
/// Bytes of a notice's version.
const VERSION_BYTES_MAX: usize = 200;

/// One purpose of a person's consents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsentPurpose {
    /// Which purpose.
    pub purpose: Purpose,
    /// What silence means for it here.
    pub mechanism: Mechanism,
    /// Whether it is allowed, and what that rests on.
    pub decision: Decision,
}

/// Something that was said of a person's consents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentStatement {
    /// When.
    pub at: Timestamp,
    /// What was allowed.
    pub granted: Purposes,
    /// What was refused.
    pub denied: Purposes,
    /// Who said so.
    pub origin: ConsentOrigin,
    /// Under which version of the notice.
    pub notice: Option<String>,
    /// On what ground, where nobody was asked.
    pub basis: Option<LegalBasis>,
}

/// A person's consents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentState {
    /// Whose law applies; `None` where the settings name none.
    pub jurisdiction: Option<String>,
    /// The notice in force.
    pub notice: Option<String>,
    /// Every purpose.
    pub purposes: Vec<ConsentPurpose>,
    /// What was said, oldest first: the newest statements of each id.
    pub history: Vec<ConsentStatement>,
}

/// A change of a person's consents. A purpose in neither set stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsentUpdate {
    /// What is allowed now.
    pub granted: Purposes,
    /// What is refused now.
    pub denied: Purposes,
    /// Which notice the person saw; `None` is the one in force.
    pub notice: Option<String>,
}

/// Whose consents a caller asks for.
struct Asked {
    kind: IdKind,
    /// A key in a page speaks for the id alone, not for what it was joined with.
    is_alone: bool,
}

impl App {
    /// Whether the caller may read and change the consents of an id.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] when not, [`AppError::Invalid`] for what is no id.
    pub fn check_consents_of(&self, id: &str, caller: &Caller) -> Result<(), AppError> {
        self.noted(caller, asked(id, caller)).map(drop)
    }

    /// What a person allows and why, on a site; the id is a user id or `anonymous:` and a browser's.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] when the role may not, or a browser asks for somebody else.
    pub async fn consents(
        &self,
        (id, site): (&str, &SiteId),
        caller: &Caller,
    ) -> Result<ConsentState, AppError> {
        let (asked, name) = self.noted(caller, asked(id, caller))?;
        self.check_ready()?;
        let hash = self.door.hasher.id(asked.kind, name);
        let subject = self.parts.keys.find(&[hash]).await?.into_iter().next().flatten();
        if let Some(subject) = subject {
            self.note_consents_read(subject, caller).await?;
        }
        let whom = match (subject, asked.is_alone) {
            (Some(subject), false) => Whom::known(subject),
            (subject, _) => Whom { alone: subject, ..Whom::default() },
        };
        Ok(self.consent_state(whom, site))
    }

    /// Changes what a person allows; in force for every request that comes after the answer. It binds
    /// every id that is known for the same person, so that one act is enough.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] as [`App::consents`]; [`AppError::Invalid`] for a change of nothing or of
    /// essential uses; as the log.
    pub async fn change_consents(
        &self,
        (id, site): (&str, &SiteId),
        update: ConsentUpdate,
        caller: &Caller,
    ) -> Result<ConsentState, AppError> {
        let (asked, name) = self.noted(caller, asked(id, caller))?;
        self.check_ready()?;
        let update = self.checked(update)?;
        let hash = self.door.hasher.id(asked.kind, name);
        let subject = self.parts.keys.resolve(&[hash]).await?[0];
        if update.denied.contains(Purpose::Analytics) {
            self.forget_newcomer(hash);
        }
        let subjects = match asked.is_alone {
            true => vec![subject],
            false => self.views.read().bound_by(subject),
        };
        let origin = match caller.role.is_browser() {
            true => ConsentOrigin::Shopper,
            false => ConsentOrigin::Shop,
        };
        let notice = update.notice.map(Box::from);
        let (granted, denied) = (update.granted, update.denied);
        let change = ConsentChange { granted, denied, origin, notice };
        // Before it counts: a crash in between tells of a change that the caller will send again.
        // What a browser says of an id that only it knows means nobody to another system.
        if !asked.is_alone {
            self.tell_of_consents((asked.kind, name), &change).await?;
        }
        let records = subjects.into_iter().map(|of| self.consent_record(of, site, change.clone()));
        let appended = self.append_sealed(records.collect::<Result<_, _>>()?).await?;
        self.note_consents(&appended);
        self.wait_for_appended(&appended).await?;
        let act = AuditAct::new(AuditOperation::ConsentChange).on(self.audit_subject(subject));
        self.audit(caller, act).await?;
        let whom = match asked.is_alone {
            true => Whom { alone: Some(subject), ..Whom::default() },
            false => Whom::known(subject),
        };
        Ok(self.consent_state(whom, site))
    }

    /// Tells other systems what a person allows and refuses.
    async fn tell_of_consents(
        &self,
        (kind, id): (IdKind, &str),
        change: &ConsentChange,
    ) -> Result<(), AppError> {
        let names = |purposes: Purposes| purposes.iter().map(Purpose::as_str).collect::<Vec<_>>();
        let facts = json!({
            "granted": names(change.granted.without(change.denied)),
            "denied": names(change.denied),
            "origin": change.origin.as_str(),
            "notice_version": change.notice,
        });
        let message =
            Message { kind: WebhookKind::Consent, what: "consent.changed", facts, ids: None };
        self.send_message(message, &[ShopperId { kind, id: id.to_owned() }]).await
    }

    /// People who look at somebody's consents are written down one by one, machines are counted.
    async fn note_consents_read(
        &self,
        subject: SubjectId,
        caller: &Caller,
    ) -> Result<(), AppError> {
        if caller.is_person() || caller.may(Operation::HandleSubjectRequests) {
            let act = AuditAct::new(AuditOperation::ConsentRead).on(self.audit_subject(subject));
            self.audit(caller, act).await?;
        } else {
            self.tally(caller, Counted::of_subject(AuditOperation::ConsentRead, subject));
        }
        Ok(())
    }

    fn checked(&self, update: ConsentUpdate) -> Result<ConsentUpdate, AppError> {
        let invalid = |pointer: &str, detail: String| AppError::invalid("invalid", pointer, detail);
        let named = update.granted.union(update.denied);
        if named.is_empty() {
            let detail = "name at least one purpose and true or false for it".to_owned();
            return Err(invalid("/purposes", detail));
        }
        if named.contains(Purpose::Essential) {
            let detail = "essential uses need no consent; leave `essential` out".to_owned();
            return Err(invalid("/purposes/essential", detail));
        }
        let notice = update.notice.or_else(|| self.rules.notices().current().map(str::to_owned));
        if notice.as_ref().is_some_and(|version| !(1..=VERSION_BYTES_MAX).contains(&version.len()))
        {
            let detail = format!("the version must have 1 to {VERSION_BYTES_MAX} bytes");
            return Err(invalid("/notice_version", detail));
        }
        Ok(ConsentUpdate { notice, ..update })
    }

    fn consent_state(&self, whom: Whom, site: &SiteId) -> ConsentState {
        let place = self.rules.place(site);
        let (decisions, said) = self.views.read().consent_state(whom, site);
        let purposes = decisions.into_iter().map(|(purpose, decision)| ConsentPurpose {
            purpose,
            mechanism: place.regime.of(purpose),
            decision,
        });
        let history = said.into_iter().map(|statement| ConsentStatement {
            at: statement.at,
            granted: statement.change.granted.without(statement.change.denied),
            denied: statement.change.denied,
            origin: statement.change.origin,
            notice: statement.change.notice.map(String::from),
            basis: match statement.change.origin {
                ConsentOrigin::Stated(basis) => Some(basis),
                _ => None,
            },
        });
        ConsentState {
            jurisdiction: place.jurisdiction.clone(),
            notice: self.rules.notices().current().map(str::to_owned),
            purposes: purposes.collect(),
            history: history.collect(),
        }
    }
}

/// What kind of id a path names: a user id, or `anonymous:` and a browser's.
///
/// # Errors
///
/// [`AppError::Invalid`] for an empty or too long id.
pub(crate) fn kind_and_name(id: &str) -> Result<(IdKind, &str), AppError> {
    let (kind, name) = match id.strip_prefix(ANONYMOUS) {
        Some(name) => (IdKind::Anonymous, name),
        None => (IdKind::User, id),
    };
    if name.is_empty() || name.len() > souk_core::ID_BYTES_MAX {
        let detail = format!("an id has 1 to {} bytes", souk_core::ID_BYTES_MAX);
        return Err(AppError::invalid("invalid_id", "", detail));
    }
    Ok((kind, name))
}

/// Who may ask for whom: systems of the shop for anybody; a page for the one shopper of its token, or
/// for a browser's own id, which only that browser knows.
fn asked<'a>(id: &'a str, caller: &Caller) -> Result<(Asked, &'a str), AppError> {
    caller.check(Operation::Consents)?;
    let (kind, name) = kind_and_name(id)?;
    if caller.may(Operation::ConsentsOfAnyShopper) {
        return Ok((Asked { kind, is_alone: false }, name));
    }
    match kind {
        IdKind::Anonymous => Ok((Asked { kind: IdKind::by_browser(name), is_alone: true }, name)),
        _ if caller.shopper.as_deref() == Some(name) => Ok((Asked { kind, is_alone: false }, name)),
        _ => Err(AppError::Denied {
            role: caller.role.as_str(),
            what: Operation::ConsentsOfAnyShopper.as_str(),
        }),
    }
}

#[cfg(test)]
mod tests;
