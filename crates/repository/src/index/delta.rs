//! The changes since the table was written: a bounded hash table in two flat arrays, nothing on the heap by entry.

use nanoprobe_format::Id;
use nanoprobe_format::index::Location;

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It stands here now.
    At(Location),
    /// It is gone.
    Removed,
}

/// One change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    pub(crate) id: Id,
    segment: u32,
    offset: u32,
    /// The table holds the id as well.
    pub(crate) in_table: bool,
}

/// Segment number of a removal; no segment has it.
const REMOVED: u32 = u32::MAX;
/// A free place.
const FREE: u32 = u32::MAX;

/// All changes.
#[derive(Debug)]
pub(crate) struct Delta {
    records: Vec<Record>,
    /// Places of records, open addressing, a power of two and at most half full.
    places: Vec<u32>,
    capacity: usize,
}

impl Record {
    pub(crate) fn change(&self) -> Change {
        match self.segment {
            REMOVED => Change::Removed,
            segment => Change::At(Location { segment, offset: self.offset }),
        }
    }
}

impl Delta {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { records: Vec::new(), places: vec![FREE; 16], capacity: capacity.clamp(16, 1 << 24) }
    }

    /// Takes up to `capacity` records from now on, unless it takes more already.
    pub(crate) fn let_gather(&mut self, capacity: usize) {
        self.capacity = self.capacity.max(capacity).min(1 << 24);
    }

    pub(crate) fn find(&self, id: &Id) -> Option<Change> {
        self.record(id).map(Record::change)
    }

    pub(crate) fn record(&self, id: &Id) -> Option<&Record> {
        self.records.get(self.places[self.place(id)] as usize)
    }

    /// Adds or replaces a change; `in_table` counts only when there was none.
    pub(crate) fn set(&mut self, id: &Id, change: Change, in_table: bool) {
        let (segment, offset) = match change {
            Change::At(location) => (location.segment, location.offset),
            Change::Removed => (REMOVED, 0),
        };
        let place = self.place(id);
        if let Some(record) = self.records.get_mut(self.places[place] as usize) {
            (record.segment, record.offset) = (segment, offset);
            return;
        }
        if self.records.len() == self.records.capacity() {
            // Doubling, but never past what the plan allows.
            let more = self.records.len().max(64).min(self.capacity.saturating_sub(self.records.len()).max(16));
            self.records.reserve_exact(more);
        }
        self.places[place] = self.records.len() as u32;
        self.records.push(Record { id: *id, segment, offset, in_table });
        if self.records.len() * 2 > self.places.len() {
            self.places = vec![FREE; self.places.len() * 2];
            for (number, record) in self.records.iter().enumerate() {
                let place = free_place(&self.places, &record.id);
                self.places[place] = number as u32;
            }
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.records.len() >= self.capacity
    }

    pub(crate) fn clear(&mut self) {
        self.records.clear();
        self.places.fill(FREE);
    }

    pub(crate) fn records(&self) -> &[Record] {
        &self.records
    }

    /// Where the id's record is noted, or would be.
    fn place(&self, id: &Id) -> usize {
        let mask = self.places.len() - 1;
        let mut place = start(id) & mask;
        while let Some(record) = self.records.get(self.places[place] as usize) {
            if record.id == *id {
                break;
            }
            place = (place + 1) & mask;
        }
        place
    }
}

fn free_place(places: &[u32], id: &Id) -> usize {
    let mask = places.len() - 1;
    let mut place = start(id) & mask;
    while places[place] != FREE {
        place = (place + 1) & mask;
    }
    place
}

/// Ids are hashes, yet those of tests and of the manifest are not.
fn start(id: &Id) -> usize {
    let (words, _) = id.0.as_chunks::<8>();
    let mixed = words.iter().fold(0, |mixed: u64, word| {
        (mixed ^ u64::from_le_bytes(*word)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
    });
    (mixed >> 7) as usize
}
