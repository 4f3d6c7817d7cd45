//! The repository index: an open-addressing hash table in a file.
//!
//! ```text
//! file     "BORG_IDX" | entries i32 | buckets i32 | id bytes i8 = 32 | value bytes i8 = 8 | bucket*
//! bucket   id 32 | segment u32 | offset u32                                   all little-endian
//! ```
//!
//! An id's home bucket is `LE32(id) % buckets`; collisions go to the next bucket, around the end. Two segment
//! numbers mark buckets without an entry. Bucket counts are Borg's, so that Borg opens the file without a rebuild.

use crate::Id;

/// What the file starts with.
pub const MAGIC: [u8; 8] = *b"BORG_IDX";
/// Bytes before the first bucket.
pub const HEADER_BYTES: usize = 8 + 4 + 4 + 1 + 1;
/// Bytes of one bucket.
pub const BUCKET_BYTES: usize = 32 + 8;
/// Largest segment number; those above mark buckets.
pub const SEGMENT_MOST: u32 = u32::MAX - 1024;

/// Segment number of a bucket that never held an entry: probing stops here.
const EMPTY: u32 = u32::MAX;
/// Segment number of a bucket whose entry was removed: probing goes on.
const REMOVED: u32 = u32::MAX - 1;

/// Bucket counts, rising by 2 at first and by 1.1 at last.
const SIZES: [u32; 58] = [
    1031, 2053, 4099, 8209, 16411, 32771, 65537, 131101, 262147, 445649, 757607, 1287917, 2189459, 3065243, 4291319,
    6007867, 8410991, 11775359, 16485527, 23079703, 27695653, 33234787, 39881729, 47858071, 57429683, 68915617,
    82698751, 99238507, 119086189, 144378011, 157223263, 173476439, 190253911, 209915011, 230493629, 253169431,
    278728861, 306647623, 337318939, 370742809, 408229973, 449387209, 493428073, 543105119, 596976533, 657794869,
    722676499, 795815791, 874066969, 962279771, 1057701643, 1164002657, 1280003147, 1407800297, 1548442699, 1703765389,
    1873768367, 2062383853,
];

/// Where an object's PUT stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// Segment number.
    pub segment: u32,
    /// Offset of the entry in its segment.
    pub offset: u32,
}

/// The table's dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Live entries.
    pub entries: u32,
    /// Buckets; never 0.
    pub buckets: u32,
}

/// Why a header is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not an index file.
    #[error("Unknown MAGIC in header")]
    Magic,
    /// An index of other things.
    #[error("unexpected key or value size")]
    EntrySize,
    /// Counts that contradict each other or the file's length.
    #[error("impossible bucket or entry count")]
    Counts,
}

impl Header {
    /// Reads the header of a file of `file_bytes`.
    pub fn from_bytes(bytes: &[u8; HEADER_BYTES], file_bytes: u64) -> Result<Self, Error> {
        let [magic @ .., e0, e1, e2, e3, b0, b1, b2, b3, id_bytes, value_bytes] = bytes;
        if *magic != MAGIC {
            return Err(Error::Magic);
        }
        if (*id_bytes, *value_bytes) != (32, 8) {
            return Err(Error::EntrySize);
        }
        let entries = i32::from_le_bytes([*e0, *e1, *e2, *e3]);
        let buckets = i32::from_le_bytes([*b0, *b1, *b2, *b3]);
        match (u32::try_from(entries), u32::try_from(buckets)) {
            (Ok(entries), Ok(buckets)) if buckets > 0 && entries <= buckets => {
                let header = Self { entries, buckets };
                if header.file_bytes() == file_bytes { Ok(header) } else { Err(Error::Counts) }
            }
            _ => Err(Error::Counts),
        }
    }

    /// The header as it stands in the file.
    pub fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&self.entries.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.buckets.to_le_bytes());
        bytes[16..].copy_from_slice(&[32, 8]);
        bytes
    }

    /// Length of the whole file.
    pub fn file_bytes(self) -> u64 {
        HEADER_BYTES as u64 + u64::from(self.buckets) * BUCKET_BYTES as u64
    }
}

/// What a bucket holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    /// Never held an entry.
    Empty,
    /// Held an entry that was removed.
    Removed,
    /// An entry.
    Live(Id, Location),
}

impl Bucket {
    /// Reads a bucket.
    pub fn from_bytes(bytes: &[u8; BUCKET_BYTES]) -> Self {
        let [id @ .., s0, s1, s2, s3, o0, o1, o2, o3] = *bytes;
        match u32::from_le_bytes([s0, s1, s2, s3]) {
            EMPTY => Self::Empty,
            REMOVED => Self::Removed,
            segment => Self::Live(Id(id), Location { segment, offset: u32::from_le_bytes([o0, o1, o2, o3]) }),
        }
    }

    /// The bucket as it stands in the file.
    pub fn to_bytes(self) -> [u8; BUCKET_BYTES] {
        let (id, segment, offset) = match self {
            Self::Empty => ([0; 32], EMPTY, 0),
            Self::Removed => ([0; 32], REMOVED, 0),
            Self::Live(id, location) => (id.0, location.segment, location.offset),
        };
        let mut bytes = [0; BUCKET_BYTES];
        bytes[..32].copy_from_slice(&id);
        bytes[32..36].copy_from_slice(&segment.to_le_bytes());
        bytes[36..].copy_from_slice(&offset.to_le_bytes());
        bytes
    }
}

/// The bucket where probing for `id` starts; `buckets` must not be 0.
pub fn home(id: &Id, buckets: u32) -> u32 {
    let [b0, b1, b2, b3, ..] = id.0;
    u32::from_le_bytes([b0, b1, b2, b3]).checked_rem(buckets).unwrap_or(0)
}

/// The bucket count for `entries` in a table that has `buckets` now: grown above 75 % load, shrunk below 25 %.
pub fn fitting_buckets(entries: u32, buckets: u32) -> u32 {
    let mut place = SIZES.partition_point(|&size| size < buckets).min(SIZES.len() - 1);
    let mut size = buckets;
    while u64::from(entries) > upper_entries(size) + 1 && place + 1 < SIZES.len() {
        place += 1;
        size = SIZES[place];
    }
    while size > SIZES[0] && u64::from(entries) < u64::from(size) / 4 {
        place = place.saturating_sub(1);
        size = SIZES[place];
    }
    size
}

/// The bucket count of an index without entries.
pub const BUCKETS_LEAST: u32 = SIZES[0];

/// Fewest empty buckets a table may have before its removed ones must be swept out.
pub fn empty_least(buckets: u32) -> u32 {
    1 + (f64::from(buckets) * (1.0 - 0.93)) as u32
}

fn upper_entries(buckets: u32) -> u64 {
    if buckets >= SIZES[SIZES.len() - 1] { u64::from(buckets) } else { u64::from(buckets) * 3 / 4 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_round_trips_and_refuses() {
        let header = Header { entries: 3, buckets: 1031 };
        let bytes = header.to_bytes();
        assert_eq!(Header::from_bytes(&bytes, header.file_bytes()), Ok(header));
        assert_eq!(Header::from_bytes(&bytes, header.file_bytes() - 1), Err(Error::Counts));
        let mut other = bytes;
        other[0] ^= 1;
        assert_eq!(Header::from_bytes(&other, header.file_bytes()), Err(Error::Magic));
        let more = Header { entries: 1032, buckets: 1031 };
        assert_eq!(Header::from_bytes(&more.to_bytes(), more.file_bytes()), Err(Error::Counts));
    }

    #[test]
    fn buckets_round_trip() {
        for bucket in [Bucket::Empty, Bucket::Removed, Bucket::Live(Id([9; 32]), Location { segment: 7, offset: 8 })] {
            assert_eq!(Bucket::from_bytes(&bucket.to_bytes()), bucket);
        }
    }

    #[test]
    fn sizes_follow_borg() {
        assert_eq!(fitting_buckets(0, 1031), 1031);
        assert_eq!(fitting_buckets(774, 1031), 1031);
        assert_eq!(fitting_buckets(775, 1031), 2053);
        assert_eq!(fitting_buckets(512, 2053), 1031);
        assert_eq!(fitting_buckets(513, 2053), 2053);
        assert_eq!(fitting_buckets(2_000_000, 1031), 3065243);
        assert_eq!(fitting_buckets(5, 7), 7);
        assert_eq!(fitting_buckets(7, 7), 1031);
    }
}
