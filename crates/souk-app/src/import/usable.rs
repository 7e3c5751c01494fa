use rustc_hash::FxHashMap;
use souk_core::{LegalBasis, Purpose, Purposes};
use souk_ports::{IdHash, RESOLVE_MAX};

use super::{Draft, ImportOptions};
use crate::projections::{Use, Whom};
use crate::{App, AppError, IdKind};

/// How much of an import may be used for what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usable {
    /// Why the shop says that it may use it.
    pub basis: Option<LegalBasis>,
    /// People whom the rows name.
    pub persons: u64,
    /// Rows that name somebody.
    pub events: u64,
    /// For each purpose, of how many people and rows.
    pub by_purpose: Vec<(Purpose, u64, u64)>,
}

/// Counts the rows of each person while they go in.
#[derive(Debug, Default)]
pub(crate) struct Persons(FxHashMap<IdHash, u64>);

impl Persons {
    /// Counts a draft under the id that stands for its person.
    pub(crate) fn count(&mut self, app: &App, draft: &Draft) {
        let ids = [
            (IdKind::User, &draft.user_id),
            (IdKind::Anonymous, &draft.anonymous_id),
            (IdKind::LoyaltyCard, &draft.loyalty_card),
        ];
        let named = ids.into_iter().find_map(|(kind, id)| Some((kind, id.as_deref()?)));
        if let Some((kind, id)) = named {
            *self.0.entry(app.door.hasher.id(kind, id)).or_default() += 1;
        }
    }
}

impl App {
    /// Asks for each person of an import what their data may be used for, once all of it is folded.
    pub(crate) async fn usable(
        &self,
        persons: Persons,
        options: &ImportOptions,
    ) -> Result<Option<Usable>, AppError> {
        if persons.0.is_empty() {
            return Ok(None);
        }
        self.wait_for(&self.parts.log.end().await?).await?;
        let mut usable = Usable { basis: options.basis, ..Usable::default() };
        usable.by_purpose = Purposes::OPTIONAL.iter().map(|purpose| (purpose, 0, 0)).collect();
        let (ids, counts): (Vec<IdHash>, Vec<u64>) = persons.0.into_iter().unzip();
        for (ids, counts) in ids.chunks(RESOLVE_MAX).zip(counts.chunks(RESOLVE_MAX)) {
            let subjects = self.parts.keys.find(ids).await?;
            let views = self.views.read();
            for (subject, count) in subjects.into_iter().zip(counts) {
                usable.persons += 1;
                usable.events += count;
                let Some(subject) = subject else { continue };
                for (purpose, n_persons, n_events) in &mut usable.by_purpose {
                    let (site, withheld) = (&options.site, Purposes::NONE);
                    let purpose = Use { purpose: *purpose, site, withheld };
                    if views.for_purpose(Whom::known(subject), purpose).decision().is_allowed {
                        *n_persons += 1;
                        *n_events += count;
                    }
                }
            }
        }
        Ok(Some(usable))
    }
}
