use souk_core::Timestamp;
use souk_core::wire::{Reader, WireError, Writer};
use souk_ports::RecordKind;

/// How much was folded, for metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    records: u64,
    /// Few kinds, so a list in the order of kinds is quick enough.
    by_kind: Vec<(RecordKind, u64)>,
    received_at: Timestamp,
}

impl Counters {
    /// Records folded since the log began.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Records folded of each kind, in the order of kinds.
    pub fn by_kind(&self) -> &[(RecordKind, u64)] {
        &self.by_kind
    }

    /// Records folded of one kind.
    pub fn of_kind(&self, kind: RecordKind) -> u64 {
        let found = self.by_kind.iter().find(|(counted, _)| *counted == kind);
        found.map_or(0, |(_, count)| *count)
    }

    /// When the last folded record came in.
    pub fn received_at(&self) -> Timestamp {
        self.received_at
    }

    pub(crate) fn count(&mut self, kind: RecordKind, received_at: Timestamp) {
        self.records += 1;
        self.received_at = received_at;
        match self.by_kind.binary_search_by_key(&kind, |(kind, _)| *kind) {
            Ok(idx) => self.by_kind[idx].1 += 1,
            Err(idx) => self.by_kind.insert(idx, (kind, 1)),
        }
    }

    pub(crate) fn write(&self, w: &mut Writer) {
        w.varint(self.records);
        w.timestamp(self.received_at);
        w.count(self.by_kind.len());
        for (kind, count) in &self.by_kind {
            w.varint(u64::from(kind.0));
            w.varint(*count);
        }
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Counters, WireError> {
        let records = r.varint()?;
        let received_at = r.timestamp()?;
        let by_kind = r.list(|r| {
            let kind = u16::try_from(r.varint()?).map_err(|_| r.fault("a kind of record"))?;
            Ok((RecordKind(kind), r.varint()?))
        })?;
        Ok(Counters { records, by_kind, received_at })
    }
}
