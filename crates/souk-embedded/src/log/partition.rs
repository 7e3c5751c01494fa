//! One partition as the writer thread sees it: the open segment, and where to look for duplicates.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use souk_core::EventId;
use souk_ports::{Appended, DEDUP_WINDOW_MS, LogError, Partition, Position};

use super::block::{Block, BlockBuilder, FrameHead, Frames};
use super::filter::{FilterGroup, FilterKey, GROUP_SEGMENTS};
use super::index::{EventSlot, SegmentKeys, SegmentSpan};
use super::segment::{PartitionView, Segment, Shared};

/// A segment closes when a time of receipt is further than this from its first one: twenty days,
/// which is what an index entry's 32 bits of milliseconds can hold.
const SPAN_MS_MAX: i64 = 20 * 86_400_000;
/// A filter is let go this long after its last record left the window, for clocks that step back.
const FILTER_SLACK_MS: i64 = 86_400_000;

/// The segment that takes records.
#[derive(Debug)]
pub(crate) struct OpenSegment {
    pub(crate) first: u64,
    pub(crate) records: u32,
    /// The time of receipt of the first record.
    pub(crate) base_ms: i64,
    pub(crate) received_max: i64,
    pub(crate) keys: SegmentKeys,
}

impl OpenSegment {
    pub(crate) fn new(first: u64) -> OpenSegment {
        let keys = SegmentKeys::default();
        OpenSegment { first, records: 0, base_ms: 0, received_max: 0, keys }
    }

    /// Takes the record with the next offset, and returns what its id stood for before.
    pub(crate) fn push(
        &mut self,
        id: EventId,
        subject: Option<u64>,
        received_ms: i64,
    ) -> Option<EventSlot> {
        if self.records == 0 {
            self.base_ms = received_ms;
            self.received_max = received_ms;
        }
        let received = i32::try_from(received_ms - self.base_ms)
            .expect("a record from too far away opens a segment of its own");
        let slot = EventSlot { rel: self.records, received };
        if let Some(subject) = subject {
            self.keys.subjects.push((subject, self.records));
        }
        self.records += 1;
        self.received_max = self.received_max.max(received_ms);
        self.keys.events.insert(id, slot)
    }

    fn takes(&self, received_ms: i64, records_max: u32) -> bool {
        self.records == 0
            || (self.records < records_max && (received_ms - self.base_ms).abs() <= SPAN_MS_MAX)
    }

    fn span(&self, partition: Partition) -> SegmentSpan {
        let last = self.first + u64::from(self.records) - 1;
        SegmentSpan { partition, first: self.first, last, base_ms: self.base_ms }
    }
}

/// What the segment table says of a segment that closes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClosedSegment {
    pub(crate) span: SegmentSpan,
    pub(crate) received_max: i64,
}

/// A place for a segment in a filter, and whether it has been filled.
#[derive(Clone, Debug)]
pub(crate) struct FilterSlot {
    pub(crate) group: Arc<FilterGroup>,
    pub(crate) column: u32,
    pub(crate) is_filled: Arc<AtomicBool>,
}

/// Up to 32 segments that share a filter, in the order of their columns.
#[derive(Debug)]
struct Group {
    filter: Arc<FilterGroup>,
    segments: Vec<Arc<Segment>>,
    received_max: i64,
}

/// What to return to when a commit fails.
#[derive(Clone, Copy, Debug)]
struct Mark {
    next: u64,
    records: u32,
    base_ms: i64,
    received_max: i64,
    subjects: usize,
}

/// The writer's state of one partition.
#[derive(Debug)]
pub(crate) struct PartitionWriter {
    partition: Partition,
    segment_records: u32,
    next: u64,
    open: OpenSegment,
    /// Segments that close with the commit under way.
    closing: Vec<OpenSegment>,
    builder: Option<BlockBuilder>,
    blocks: Vec<Block>,
    mark: Option<Mark>,
    undo: Vec<(EventId, Option<EventSlot>)>,
    /// Closed segments that their filter does not know yet, oldest first.
    unfilled: Vec<(Arc<Segment>, Arc<AtomicBool>)>,
    groups: Vec<Group>,
    /// Closed segments that are out of the window and have no filter, oldest first.
    cold: Vec<Arc<Segment>>,
    cold_received_max: i64,
}

impl PartitionWriter {
    pub(crate) fn new(partition: Partition, segment_records: u32) -> PartitionWriter {
        PartitionWriter::resume(partition, segment_records, OpenSegment::new(1))
    }

    /// Goes on with the open segment that was found in the file.
    pub(crate) fn resume(
        partition: Partition,
        segment_records: u32,
        open: OpenSegment,
    ) -> PartitionWriter {
        PartitionWriter {
            partition,
            segment_records,
            next: open.first + u64::from(open.records),
            open,
            closing: Vec::new(),
            builder: None,
            blocks: Vec::new(),
            mark: None,
            undo: Vec::new(),
            unfilled: Vec::new(),
            groups: Vec::new(),
            cold: Vec::new(),
            cold_received_max: i64::MIN,
        }
    }

    pub(crate) fn received_max(&self) -> i64 {
        self.open.received_max
    }

    /// Remembers where the group began; further calls within the group change nothing.
    pub(crate) fn begin(&mut self) {
        self.unfilled.retain(|(_, is_filled)| !is_filled.load(Ordering::Acquire));
        self.mark.get_or_insert(Mark {
            next: self.next,
            records: self.open.records,
            base_ms: self.open.base_ms,
            received_max: self.open.received_max,
            subjects: self.open.keys.subjects.len(),
        });
    }

    /// Gives each frame its offset, or the one of its first copy.
    pub(crate) fn stage(
        &mut self,
        shared: &Shared,
        frames: &Frames,
    ) -> Result<Vec<Appended>, LogError> {
        let mut answers = Vec::with_capacity(frames.heads.len());
        let mut start = 0;
        for head in &frames.heads {
            let frame = &frames.bytes[start..head.end as usize];
            start = head.end as usize;
            let found = self.find(shared, head.event_id, head.received_ms)?;
            let offset = match found {
                Some(offset) => offset,
                None => self.stage_one(*head, frame),
            };
            let position = Position { partition: self.partition, offset };
            answers.push(Appended { position, is_duplicate: found.is_some() });
        }
        Ok(answers)
    }

    fn stage_one(&mut self, head: FrameHead, frame: &[u8]) -> u64 {
        if !self.open.takes(head.received_ms, self.segment_records) {
            self.finish_block();
            let next = OpenSegment::new(self.next);
            self.closing.push(std::mem::replace(&mut self.open, next));
        }
        let before = self.open.push(head.event_id, head.subject, head.received_ms);
        if self.closing.is_empty() {
            self.undo.push((head.event_id, before));
        }
        let offset = self.next;
        self.next += 1;
        if self.builder.as_ref().is_some_and(|builder| builder.is_full_for(frame)) {
            self.finish_block();
        }
        let partition = self.partition;
        self.builder.get_or_insert_with(|| BlockBuilder::new(partition, offset)).push(frame);
        offset
    }

    fn finish_block(&mut self) {
        self.blocks.extend(self.builder.take().and_then(BlockBuilder::finish));
    }

    /// The offset of a copy that came within the window before `received_ms`.
    ///
    /// The newest copy decides: an older one was out of its window when it came, so it is out of ours.
    fn find(
        &self,
        shared: &Shared,
        id: EventId,
        received_ms: i64,
    ) -> Result<Option<u64>, LogError> {
        let since = received_ms - DEDUP_WINDOW_MS;
        let judge = |first: u64, base_ms: i64, slot: EventSlot| {
            let received = base_ms + i64::from(slot.received);
            (received >= since).then(|| first + u64::from(slot.rel))
        };
        for open in std::iter::once(&self.open).chain(self.closing.iter().rev()) {
            if let Some(slot) = open.keys.events.get(&id) {
                return Ok(judge(open.first, open.base_ms, *slot));
            }
        }
        let key = FilterKey::new(id);
        for segment in self.candidates(key, since) {
            if segment.received_max < since {
                continue;
            }
            if let Some(slot) = shared.find_event(segment, id)? {
                return Ok(judge(segment.span.first, segment.span.base_ms, slot));
            }
        }
        Ok(None)
    }

    /// Closed segments that may hold the key, newest first.
    fn candidates(&self, key: FilterKey, since: i64) -> impl Iterator<Item = &Arc<Segment>> {
        let unfilled = self.unfilled.iter().rev().map(|(segment, _)| segment);
        let groups = self.groups.iter().rev().filter(move |group| group.received_max >= since);
        let filtered = groups.flat_map(move |group| {
            let columns = group.filter.candidates(key);
            let is_candidate = move |column: usize| columns & (1 << column) != 0;
            let all = group.segments.iter().enumerate().rev();
            all.filter(move |(column, _)| is_candidate(*column)).map(|(_, segment)| segment)
        });
        let cold = self.cold.iter().rev().filter(move |_| self.cold_received_max >= since);
        unfilled.chain(filtered).chain(cold)
    }

    pub(crate) fn has_staged(&self) -> bool {
        self.mark.is_some_and(|mark| mark.next != self.next)
    }

    /// Ends a group that added nothing.
    pub(crate) fn forget_staged(&mut self) {
        self.mark = None;
        self.undo.clear();
    }

    /// What the commit must write.
    pub(crate) fn take_staged(&mut self) -> (Vec<Block>, Vec<ClosedSegment>) {
        self.finish_block();
        let closed = self.closing.iter().map(|open| ClosedSegment {
            span: open.span(self.partition),
            received_max: open.received_max,
        });
        (std::mem::take(&mut self.blocks), closed.collect())
    }

    /// Shows readers what the commit wrote; returns the segments that closed with it.
    pub(crate) fn commit(
        &mut self,
        views: &mut BTreeMap<Partition, PartitionView>,
        blocks: Vec<Block>,
    ) -> Vec<Arc<Segment>> {
        let view = views
            .entry(self.partition)
            .or_insert_with(|| PartitionView::new(Vec::new(), self.open.first));
        let mut closed = Vec::new();
        for open in std::mem::take(&mut self.closing) {
            let span = open.span(self.partition);
            let segment = Arc::new(Segment::closed_now(span, open.received_max, open.keys));
            view.closed.push(Arc::clone(&segment));
            closed.push(segment);
        }
        if view.open_first != self.open.first {
            view.open_first = self.open.first;
            view.open_subjects.clear();
        }
        let known = view.open_subjects.len();
        view.open_subjects.extend_from_slice(&self.open.keys.subjects[known..]);
        blocks.into_iter().for_each(|block| view.push_tail(block));
        view.next = self.next;
        self.forget_staged();
        closed
    }

    /// Forgets what was staged since [`PartitionWriter::begin`].
    pub(crate) fn roll_back(&mut self) {
        let Some(mark) = self.mark.take() else { return };
        if !self.closing.is_empty() {
            self.open = self.closing.swap_remove(0);
            self.closing.clear();
        }
        for (id, before) in self.undo.drain(..).rev() {
            match before {
                Some(slot) => self.open.keys.events.insert(id, slot),
                None => self.open.keys.events.remove(&id),
            };
        }
        self.open.keys.subjects.truncate(mark.subjects);
        self.open.records = mark.records;
        self.open.base_ms = mark.base_ms;
        self.open.received_max = mark.received_max;
        self.next = mark.next;
        self.builder = None;
        self.blocks.clear();
    }

    /// Finds a place in a filter for a segment that just closed; until it is filled, the segment is
    /// looked through directly.
    pub(crate) fn add_to_filter(&mut self, segment: &Arc<Segment>) -> FilterSlot {
        self.drop_old_filters(segment.received_max);
        let is_filled = Arc::new(AtomicBool::new(false));
        self.unfilled.push((Arc::clone(segment), Arc::clone(&is_filled)));
        let has_room = self.groups.last().is_some_and(|g| g.segments.len() < GROUP_SEGMENTS);
        if !has_room {
            let filter = Arc::new(FilterGroup::new(self.segment_records));
            self.groups.push(Group { filter, segments: Vec::new(), received_max: i64::MIN });
        }
        let group = self.groups.last_mut().expect("there is one with room now");
        let column = u32::try_from(group.segments.len()).expect("fewer than 32");
        group.segments.push(Arc::clone(segment));
        group.received_max = group.received_max.max(segment.received_max);
        FilterSlot { group: Arc::clone(&group.filter), column, is_filled }
    }

    /// Adds a segment that no append can need while the clock goes forward.
    pub(crate) fn add_cold(&mut self, segment: Arc<Segment>) {
        self.cold_received_max = self.cold_received_max.max(segment.received_max);
        self.cold.push(segment);
    }

    fn drop_old_filters(&mut self, now_ms: i64) {
        let since = now_ms - DEDUP_WINDOW_MS - FILTER_SLACK_MS;
        while self.groups.first().is_some_and(|group| group.received_max < since) {
            for segment in self.groups.remove(0).segments {
                self.add_cold(segment);
            }
        }
    }
}
