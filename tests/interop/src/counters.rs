//! Finds every counter block that a repository's ciphertexts were ever made with.
//!
//! It reads the segments themselves, superseded entries included, with nothing of the program under test: magic, then
//! `crc32 | size | tag | id | data`, all little endian. Encrypted data are `type | MAC 32 | IV 8, big endian | ciphertext`;
//! one counter a 16-byte block. Two overlapping ranges under one key give an attacker the XOR of two plaintexts.

use std::{fmt, fs, path::Path};

/// Counter blocks of one PUT: from `start` up to, not including, `end`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    /// First block.
    pub start: u64,
    /// One past the last.
    pub end: u64,
    /// Segment number and offset of the PUT.
    pub place: (u64, usize),
    /// What was stored, to tell the same object that was copied from another one.
    pub object: Vec<u8>,
}

impl fmt::Debug for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (segment, offset) = self.place;
        write!(f, "blocks {}..{} at {segment}:{offset}, {} bytes", self.start, self.end, self.object.len())
    }
}

const ENCRYPTED_TYPES: [u8; 4] = [0x00, 0x03, 0x04, 0x05];
const PUT_BEFORE_DATA: usize = 41;
const ENVELOPE: usize = 41;

/// Every range of the repository at `path`, sorted.
pub fn ranges(path: &Path) -> Vec<Range> {
    let mut found = Vec::new();
    for directory in fs::read_dir(path.join("data")).expect("data directories") {
        for segment in fs::read_dir(directory.expect("an entry").path()).expect("segments") {
            let segment = segment.expect("an entry").path();
            let name = segment.file_name().and_then(|name| name.to_str()).expect("a name");
            let Ok(number) = name.parse() else { continue };
            scan_segment(number, &fs::read(&segment).expect("a segment"), &mut found);
        }
    }
    found.sort();
    found
}

/// Neighbours that share a block and are not the same stored bytes.
pub fn overlaps(sorted: &[Range]) -> Vec<(Range, Range)> {
    let mut found = Vec::new();
    let mut furthest: Option<&Range> = None;
    for range in sorted {
        if let Some(before) = furthest.filter(|before| range.start < before.end && range.object != before.object) {
            found.push((before.clone(), range.clone()));
        }
        if furthest.is_none_or(|before| range.end > before.end) {
            furthest = Some(range);
        }
    }
    found
}

/// Every range that a repository was ever seen with: compaction removes segments, but not what an attacker kept of them.
#[derive(Debug, Default)]
pub struct History {
    seen: Vec<Range>,
}

impl History {
    /// Adds what the repository at `path` holds now, and finds where something new overlaps with it or with what was before.
    pub fn add(&mut self, path: &Path) -> Vec<(Range, Range)> {
        self.add_ranges(ranges(path))
    }

    /// How many different ciphertexts were seen.
    pub fn count(&self) -> usize {
        self.seen.len()
    }

    fn add_ranges(&mut self, ranges: Vec<Range>) -> Vec<(Range, Range)> {
        // A copy is the same ciphertext, wherever it stands.
        let order = |left: &Range, right: &Range| {
            (left.start, left.end, &left.object).cmp(&(right.start, right.end, &right.object))
        };
        let is_new = |range: &Range| self.seen.binary_search_by(|seen| order(seen, range)).is_err();
        let mut new: Vec<_> = ranges.into_iter().filter(is_new).collect();
        new.sort_by(order);
        new.dedup_by(|left, right| left.object == right.object);
        self.seen.extend(new.iter().cloned());
        self.seen.sort_by(order);
        let is_new = |range: &Range| new.binary_search_by(|found| order(found, range)).is_ok();
        overlaps(&self.seen).into_iter().filter(|(left, right)| is_new(left) || is_new(right)).collect()
    }
}

fn scan_segment(number: u64, bytes: &[u8], found: &mut Vec<Range>) {
    assert!(bytes.starts_with(b"BORG_SEG"), "segment {number} has no magic");
    let mut offset = 8;
    while offset < bytes.len() {
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        let (size, tag) = (word(offset + 4) as usize, bytes[offset + 8]);
        assert!(size >= 9 && offset + size <= bytes.len(), "segment {number} is torn at {offset}");
        if tag == 0 {
            let object = &bytes[offset + PUT_BEFORE_DATA..offset + size];
            found.extend(range_of(number, offset, object));
        }
        offset += size;
    }
}

fn range_of(number: u64, offset: usize, object: &[u8]) -> Option<Range> {
    if object.len() < ENVELOPE || !ENCRYPTED_TYPES.contains(&object[0]) {
        return None;
    }
    let start = u64::from_be_bytes(object[33..41].try_into().expect("eight bytes"));
    let blocks = (object.len() - ENVELOPE).div_ceil(16) as u64;
    Some(Range { start, end: start + blocks, place: (number, offset), object: object.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: u64, end: u64, object: u8) -> Range {
        Range { start, end, place: (0, 0), object: vec![object] }
    }

    #[test]
    fn overlaps_are_found_behind_short_ranges() {
        assert!(overlaps(&[range(0, 5, 1), range(5, 6, 2), range(9, 12, 3)]).is_empty());
        assert_eq!(overlaps(&[range(0, 9, 1), range(1, 2, 2), range(3, 4, 3)]).len(), 2);
        assert!(overlaps(&[range(0, 9, 1), range(0, 9, 1)]).is_empty());
    }

    #[test]
    fn what_is_gone_still_counts() {
        let copy = Range { place: (7, 8), ..range(0, 5, 1) };
        let mut history = History::default();
        assert_eq!(history.add_ranges(vec![range(0, 5, 1), range(5, 9, 2)]), []);
        assert_eq!(history.add_ranges(vec![copy, range(9, 12, 3)]), []);
        assert_eq!(history.count(), 3);
        assert_eq!(history.add_ranges(vec![range(8, 10, 4)]).len(), 2);
        assert_eq!(history.add_ranges(vec![range(8, 10, 4), range(12, 14, 5)]), []);
    }

    #[test]
    fn puts_are_read_with_their_counters() {
        let mut object = vec![0x03];
        object.extend([7; 32]);
        object.extend(1000_u64.to_be_bytes());
        object.extend([9; 17]);
        let mut segment = b"BORG_SEG".to_vec();
        segment.extend([0; 4]);
        segment.extend((41 + object.len() as u32).to_le_bytes());
        segment.push(0);
        segment.extend([1; 32]);
        segment.extend(&object);
        segment.extend([0, 0, 0, 0, 9, 0, 0, 0, 2]);
        let mut found = Vec::new();
        scan_segment(4, &segment, &mut found);
        assert_eq!(found, [Range { start: 1000, end: 1002, place: (4, 8), object }]);
    }
}
