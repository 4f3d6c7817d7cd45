//! What a repository holds altogether, kept from one run to the next.
//!
//! Borg reads these figures off its chunks cache. Here a small file holds them, with a digest of the set of archives that
//! they speak of: whoever adds an archive adds its figures, and for any other set of archives the file says nothing. It is
//! a hint like the files cache: one that is damaged, or of another version, is as good as none.
//!
//! ```text
//! "NPTOTAL1" | digest 32 | size, csize, unique size, unique csize, unique chunks, chunks u64 | XXH64 of all before
//! digest: id hash of the archives' ids, ascending, one after another
//! ```
//! Integers are little endian. RAM: 32 bytes an archive while the digest is made.

use std::{fs::File, io::Read, path::Path};

use nanoprobe_key::{Error, Key, durable};
use xxhash_rust::xxh64::xxh64;

use crate::ManifestEntry;

const MAGIC: &[u8; 8] = b"NPTOTAL1";
const DIGEST: usize = MAGIC.len();
const FIGURES: usize = DIGEST + 32;
const SUM: usize = FIGURES + 6 * 8;
const FILE_BYTES: usize = SUM + 8;

/// Figures of the whole repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RepositoryTotals {
    /// Plain sizes of all files of all archives.
    pub size_bytes: u64,
    /// Stored sizes of the same.
    pub csize_bytes: u64,
    /// Plain size of all different chunks, metadata included.
    pub unique_size_bytes: u64,
    /// Stored size of all different chunks, metadata included: the deduplicated size.
    pub unique_csize_bytes: u64,
    /// Number of different chunks.
    pub unique_chunks: u64,
    /// Number of references to them.
    pub chunks: u64,
}

impl RepositoryTotals {
    /// What the file in `directory` says, where that is about exactly these archives.
    pub fn load(directory: &Path, key: &Key, archives: &[ManifestEntry]) -> Option<Self> {
        let mut bytes = Vec::with_capacity(FILE_BYTES + 1);
        let file = File::open(directory.join("totals")).ok()?;
        file.take(FILE_BYTES as u64 + 1).read_to_end(&mut bytes).ok()?;
        Self::unpack(&bytes, &digest(key, archives))
    }

    /// Keeps the figures of these archives, durably, in place of any other.
    pub fn save(&self, directory: &Path, key: &Key, archives: &[ManifestEntry]) -> Result<(), Error> {
        durable::replace(&directory.join("totals"), &self.packed(&digest(key, archives)))
    }

    fn packed(&self, digest: &[u8; 32]) -> Vec<u8> {
        let Self { size_bytes, csize_bytes, unique_size_bytes, unique_csize_bytes, unique_chunks, chunks } = *self;
        let mut bytes = [MAGIC.as_slice(), digest].concat();
        for figure in [size_bytes, csize_bytes, unique_size_bytes, unique_csize_bytes, unique_chunks, chunks] {
            bytes.extend_from_slice(&figure.to_le_bytes());
        }
        let sum = xxh64(&bytes, 0);
        bytes.extend_from_slice(&sum.to_le_bytes());
        bytes
    }

    fn unpack(bytes: &[u8], digest: &[u8; 32]) -> Option<Self> {
        let bytes: &[u8; FILE_BYTES] = bytes.try_into().ok()?;
        let number =
            |start: usize| bytes[start..start + 8].iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte));
        let valid = bytes.starts_with(MAGIC) && bytes[DIGEST..FIGURES] == *digest;
        let [size_bytes, csize_bytes, unique_size_bytes, unique_csize_bytes, unique_chunks, chunks] =
            [0, 1, 2, 3, 4, 5].map(|place| number(FIGURES + place * 8));
        (valid && number(SUM) == xxh64(&bytes[..SUM], 0)).then_some(Self {
            size_bytes,
            csize_bytes,
            unique_size_bytes,
            unique_csize_bytes,
            unique_chunks,
            chunks,
        })
    }
}

fn digest(key: &Key, archives: &[ManifestEntry]) -> [u8; 32] {
    let mut ids: Vec<[u8; 32]> = archives.iter().map(|archive| archive.id.0).collect();
    ids.sort_unstable();
    key.id(ids.as_flattened()).0
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOTALS: RepositoryTotals = RepositoryTotals {
        size_bytes: 1 << 40,
        csize_bytes: 2,
        unique_size_bytes: u64::MAX,
        unique_csize_bytes: 4,
        unique_chunks: 5,
        chunks: 6,
    };

    #[test]
    fn figures_come_back_for_their_set_alone() {
        let packed = TOTALS.packed(&[7; 32]);
        assert_eq!(packed.len(), FILE_BYTES);
        assert_eq!(RepositoryTotals::unpack(&packed, &[7; 32]), Some(TOTALS));
        assert_eq!(RepositoryTotals::unpack(&packed, &[8; 32]), None);
    }

    #[test]
    fn damage_anywhere_is_noticed() {
        let packed = TOTALS.packed(&[7; 32]);
        for position in 0..packed.len() {
            let mut damaged = packed.clone();
            damaged[position] ^= 1;
            assert_eq!(RepositoryTotals::unpack(&damaged, &[7; 32]), None, "byte {position}");
            assert_eq!(RepositoryTotals::unpack(&packed[..position], &[7; 32]), None, "length {position}");
        }
        assert_eq!(RepositoryTotals::unpack(&[&packed[..], &[0]].concat(), &[7; 32]), None);
    }
}
