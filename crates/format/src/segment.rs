//! Log entries: what a segment file of a repository is made of.
//!
//! ```text
//! segment   "BORG_SEG" entry*
//! entry     crc32 u32 | bytes u32 | tag u8 | id 32 (PUT, DELETE) | data (PUT)      all little-endian
//! ```
//!
//! `bytes` counts the whole entry; the CRC covers everything after itself. Cost: nothing is allocated.

use crate::Id;

/// What every segment file starts with.
pub const MAGIC: [u8; 8] = *b"BORG_SEG";
/// What segments of the predecessor format start with; such a repository needs `borg upgrade`.
pub const ATTIC_MAGIC: [u8; 8] = *b"ATTICSEG";
/// Bytes of CRC, size and tag: all of a COMMIT.
pub const HEADER_BYTES: usize = 4 + 4 + 1;
/// Bytes of a header with an id: all of a DELETE, and what a PUT adds to its data.
pub const ID_HEADER_BYTES: usize = HEADER_BYTES + 32;
/// Largest entry, header included.
pub const ENTRY_BYTES_MOST: u32 = 20 * 1024 * 1024;
/// Largest object.
pub const DATA_BYTES_MOST: usize = ENTRY_BYTES_MOST as usize - ID_HEADER_BYTES;

/// A whole COMMIT entry; its CRC is constant.
pub const COMMIT_ENTRY: [u8; HEADER_BYTES] = [0x40, 0xf4, 0x3c, 0x25, 9, 0, 0, 0, 2];

/// The kinds of log entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// Stores an object.
    Put = 0,
    /// Removes an object.
    Delete = 1,
    /// Ends a transaction.
    Commit = 2,
}

impl Tag {
    /// Reads a tag byte.
    pub fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Put),
            1 => Some(Self::Delete),
            2 => Some(Self::Commit),
            _ => None,
        }
    }
}

/// The fixed part of any entry. Nothing in it is believed yet: see [`Header::refusal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// CRC-32 of everything after this field.
    pub crc: u32,
    /// Size of the whole entry.
    pub bytes: u32,
    /// Raw tag.
    pub tag: u8,
}

/// Why a size in a header cannot be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Larger than any entry.
    TooBig,
    /// Smaller than the header that must be there.
    TooSmall,
}

impl Header {
    /// Reads the nine bytes every entry starts with.
    pub fn from_bytes(bytes: &[u8; HEADER_BYTES]) -> Self {
        let [c0, c1, c2, c3, s0, s1, s2, s3, tag] = *bytes;
        Self { crc: u32::from_le_bytes([c0, c1, c2, c3]), bytes: u32::from_le_bytes([s0, s1, s2, s3]), tag }
    }

    /// Why the size is impossible for an entry whose header has `header_bytes`, if it is.
    pub fn refusal(&self, header_bytes: usize) -> Option<Refusal> {
        if self.bytes > ENTRY_BYTES_MOST {
            Some(Refusal::TooBig)
        } else if (self.bytes as usize) < header_bytes {
            Some(Refusal::TooSmall)
        } else {
            None
        }
    }
}

/// The 41 bytes in front of a PUT's data, or a whole DELETE, with the CRC left zero for the caller to fill.
pub fn id_header(tag: Tag, id: &Id, data_bytes: u32) -> [u8; ID_HEADER_BYTES] {
    let mut header = [0; ID_HEADER_BYTES];
    header[4..8].copy_from_slice(&(data_bytes.saturating_add(ID_HEADER_BYTES as u32)).to_le_bytes());
    header[8] = tag as u8;
    header[9..].copy_from_slice(&id.0);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_round_trip() {
        let raw = id_header(Tag::Put, &Id([7; 32]), 100);
        let header = Header::from_bytes(raw.first_chunk().unwrap());
        assert_eq!((header.bytes, header.tag), (141, 0));
        assert_eq!(raw[9..], [7; 32]);
        assert_eq!(header.refusal(ID_HEADER_BYTES), None);
    }

    #[test]
    fn impossible_sizes_are_refused() {
        let header = |bytes| Header { crc: 0, bytes, tag: 0 };
        assert_eq!(header(ENTRY_BYTES_MOST).refusal(ID_HEADER_BYTES), None);
        assert_eq!(header(ENTRY_BYTES_MOST + 1).refusal(ID_HEADER_BYTES), Some(Refusal::TooBig));
        assert_eq!(header(40).refusal(ID_HEADER_BYTES), Some(Refusal::TooSmall));
        assert_eq!(header(9).refusal(HEADER_BYTES), None);
    }
}
