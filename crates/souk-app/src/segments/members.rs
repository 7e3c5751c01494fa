//! Who is in a segment: for messages to people who allow them, told to the few who may hear it.
//!
//! Souk knows a person as a random number, the same that exports and deliveries name. What ties it to the
//! shop's own systems are traits that the shop sent with `identify`; they are read, from each person's own
//! sealed records, only when they are asked for by name.

use serde_json::{Map, Value};
use souk_core::{Fact, Purpose, Purposes, SiteId, SubjectId};
use souk_ports::{Cursor, READ_RECORDS_MAX};

use super::{not_found, object};
use crate::people::Person;
use crate::projections::{Use, Whom};
use crate::sealing::open_all;
use crate::{App, AppError, AuditAct, AuditOperation, Caller, Operation};

/// Members in one answer at most.
pub const MEMBERS_MAX: usize = 1_000;
/// Members in one answer at most when traits are asked for, which are read person by person.
const WITH_TRAITS_MAX: usize = 100;
/// Traits that can be asked for at once.
const TRAITS_MAX: usize = 10;
/// People that one request looks at: an answer can be short of members and still go on.
const LOOKED_AT_MAX: u32 = 20_000;
/// People that are looked at while the views are held.
const SLICE: u32 = 16;

/// A page of members.
#[derive(Clone, Debug, PartialEq)]
pub struct MembersAsked {
    /// Which segment.
    pub key: String,
    /// On which site.
    pub site: SiteId,
    /// How many, 1 to [`MEMBERS_MAX`].
    pub limit: usize,
    /// Where the page before ended.
    pub after: Option<u32>,
    /// Traits to tell of each, for example `email`.
    pub traits: Vec<String>,
}

/// A person in a segment.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The random number that exports name too.
    pub subject: SubjectId,
    /// The newest value of each trait that was asked for, where there is one.
    pub traits: Map<String, Value>,
}

/// Some members.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberPage {
    /// In no order that means anything.
    pub members: Vec<Member>,
    /// Where the next page goes on; `None` at the end.
    pub next: Option<u32>,
}

impl App {
    /// Who is in a segment, of those who allow marketing and personalization; written into the audit log
    /// before it is answered.
    ///
    /// # Errors
    ///
    /// [`AppError::NotFound`] for no such segment, [`AppError::Invalid`] for a page that is too large,
    /// [`AppError::Denied`] without the role; as the log and the audit log.
    pub async fn segment_members(
        &self,
        asked: &MembersAsked,
        caller: &Caller,
    ) -> Result<MemberPage, AppError> {
        caller.check(Operation::ReadSegmentMembers)?;
        self.noted(caller, caller.check_site(&asked.site))?;
        self.check_ready()?;
        let limit_max = if asked.traits.is_empty() { MEMBERS_MAX } else { WITH_TRAITS_MAX };
        if !(1..=limit_max).contains(&asked.limit) {
            let detail = format!("limit is {}; must be between 1 and {limit_max}", asked.limit);
            return Err(AppError::invalid("invalid_limit", "limit", detail));
        }
        if asked.traits.len() > TRAITS_MAX {
            let detail = format!("{} traits; the limit is {TRAITS_MAX}", asked.traits.len());
            return Err(AppError::invalid("too_many_items", "traits", detail));
        }
        let book = self.segments.book();
        let segment = book.find(&asked.key).ok_or_else(|| not_found(&asked.key))?;
        let (currency, zone) = self.place_of(&asked.site)?;
        let standing = self.people.standing(&asked.site);
        let (mut found, mut number) =
            (Vec::new(), asked.after.map_or(0, |after| after.saturating_add(1)));
        let last = number.saturating_add(LOOKED_AT_MAX);
        let next = loop {
            {
                let views = self.views.read();
                let (site, place) = (&asked.site, (&asked.site, currency, &zone));
                let until = number.saturating_add(SLICE).min(views.people_end());
                while number < until && found.len() < asked.limit {
                    let person = views.person_at(number, marketing(site));
                    if let Some((subject, consented)) = person
                        && views.allows(Whom::known(subject), personal(site))
                    {
                        let lens = self.lens((&views, standing.as_deref()), place);
                        if book.holds(&segment.key, &Person::of(&consented, lens)) {
                            found.push(subject);
                        }
                    }
                    number += 1;
                }
                if number >= views.people_end() {
                    break None;
                }
            }
            if found.len() >= asked.limit || number >= last {
                break Some(number - 1);
            }
            tokio::task::yield_now().await;
        };
        let act = AuditAct::new(AuditOperation::SegmentMembers)
            .on(object(&segment.key))
            .with("rows", found.len());
        self.audit(caller, act).await?;
        let mut members = Vec::with_capacity(found.len());
        for subject in found {
            let traits = self.traits_of(subject, &asked.traits).await?;
            members.push(Member { subject, traits });
        }
        Ok(MemberPage { members, next })
    }

    /// The newest value of each of these traits of a person who allows marketing.
    async fn traits_of(
        &self,
        subject: SubjectId,
        names: &[String],
    ) -> Result<Map<String, Value>, AppError> {
        let mut traits = Map::new();
        if names.is_empty() {
            return Ok(traits);
        }
        let subjects = self.views.read().bound_by(subject);
        for subject in subjects {
            let mut cursor = Cursor::START;
            loop {
                let log = &self.parts.log;
                let records = log.read_subject(subject, &cursor, READ_RECORDS_MAX).await?;
                if records.is_empty() {
                    break;
                }
                records.iter().for_each(|recorded| cursor.advance(recorded.position));
                for decoded in open_all(&*self.parts.keys, records).await? {
                    let Some(Fact::Identified { traits: Some(text) }) =
                        decoded.event.map(|event| event.fact)
                    else {
                        continue;
                    };
                    let said: Map<String, Value> = serde_json::from_str(&text).unwrap_or_default();
                    traits.extend(said.into_iter().filter(|(name, _)| names.contains(name)));
                }
            }
        }
        Ok(traits)
    }
}

fn marketing(site: &SiteId) -> Use<'_> {
    Use { purpose: Purpose::Marketing, site, withheld: Purposes::NONE }
}

/// What somebody is put into a segment by is what they did before.
fn personal(site: &SiteId) -> Use<'_> {
    Use { purpose: Purpose::Personalization, site, withheld: Purposes::NONE }
}
