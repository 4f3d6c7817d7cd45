//! The files cache: what an earlier run knew about each file, so that unchanged files need not be read again.
//!
//! One file per recursion root, in walk order, so that it is merged with the walk as a stream and written anew beside;
//! memory is one block each way, whatever the number of files. It is a hint and nothing else: a chunk it names is
//! looked up in the repository before it is used, and a file that is damaged is ignored. Borg's own cache is never
//! touched.
//!
//! ```text
//! header   "NPFILES2" | clock u8 | newest i64 | root length u32 | root | XXH64 of all before
//! block    payload length u32 | XXH64 of payload u64 | payload: entries
//! entry    shared varint | suffix varint, bytes         path, the start shared with the entry before in the block
//!          age u8 | size, inode varint | mtime, ctime i64
//!          extended u8: 0 not known, 1 known, then flags varint | xattrs | acl_access | acl_default (varint, bytes)
//!          count varint | cut by u32, only where count > 1 | count × (id 32 | size varint)
//! ```
//! Integers are little endian.
//!
//! While it is written it is `NAME.new`, whose header says of no entry that it can be believed. A checkpoint changes that;
//! when the run is then killed, the next one takes the file as `NAME.partial`, and goes on with the old cache where it ends.

mod read;
mod varint;
mod write;

#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use nanoprobe_format::{ChunkRef, Id};

pub use read::{FilesCacheReader, Lookup};
pub use write::FilesCacheWriter;

const MAGIC: &[u8; 8] = b"NPFILES2";

/// Blocks are closed at this size; only a file of very many chunks has a larger one.
const BLOCK_BYTES: usize = 64 << 10;

/// No block is larger (a file of half a million chunks); larger entries are not remembered.
const LARGEST_BLOCK_BYTES: usize = 16 << 20;

/// Entries that were not visited stay for so many runs, as Borg's do unless told otherwise.
pub const FILES_CACHE_LIFETIME: u8 = 20;

/// Which of a file's times tells that it changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The change time.
    Ctime = 0,
    /// The modification time.
    Mtime = 1,
}

/// One file as an earlier run saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilesCacheEntry<'a> {
    /// Path below the root, without a leading slash; empty for the root itself.
    pub path: &'a [u8],
    /// Runs that did not visit it.
    pub age: u8,
    /// Size in bytes.
    pub size: u64,
    /// Inode number.
    pub inode: u64,
    /// Modification time in ns.
    pub mtime: i64,
    /// Change time in ns.
    pub ctime: i64,
    /// Flags, extended attributes and ACLs, where they were read.
    pub extended: Option<Extended<'a>>,
    /// Which chunker and parameters cut the file; 0 where it is not known, or where there are not two chunks.
    pub cut_by: u32,
    /// The file's chunks.
    pub chunks: CachedChunks<'a>,
}

impl FilesCacheEntry<'_> {
    /// The time that counts.
    pub fn time(&self, clock: Clock) -> i64 {
        match clock {
            Clock::Ctime => self.ctime,
            Clock::Mtime => self.mtime,
        }
    }
}

/// What only an opened file tells; it cannot change without the change time changing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extended<'a> {
    /// File flags in BSD numbering.
    pub bsdflags: u64,
    /// Extended attributes as a msgpack map; empty: none.
    pub xattrs: &'a [u8],
    /// Access ACL as text; empty: none.
    pub acl_access: &'a [u8],
    /// Default ACL as text; empty: none.
    pub acl_default: &'a [u8],
}

/// Names and plain sizes of a file's chunks.
#[derive(Clone, Copy, Debug)]
pub enum CachedChunks<'a> {
    /// As they stand in the cache.
    Packed {
        /// Number of chunks.
        count: usize,
        /// Their bytes, checked.
        bytes: &'a [u8],
    },
    /// As the run that writes knows them.
    Refs(&'a [ChunkRef]),
}

impl<'a> CachedChunks<'a> {
    /// Number of chunks.
    pub fn len(&self) -> usize {
        match self {
            Self::Packed { count, .. } => *count,
            Self::Refs(refs) => refs.len(),
        }
    }

    /// True for an empty file.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Id and plain size of each chunk.
    pub fn iter(&self) -> impl Iterator<Item = (Id, u32)> + use<'a> {
        let (mut packed, refs) = match *self {
            Self::Packed { bytes, .. } => (bytes, &[][..]),
            Self::Refs(refs) => (&[][..], refs),
        };
        let packed = std::iter::from_fn(move || {
            let (id, rest) = packed.split_first_chunk::<32>()?;
            let (size, rest) = varint::read(rest)?;
            packed = rest;
            Some((Id(*id), size as u32))
        });
        packed.chain(refs.iter().map(|chunk| (chunk.id, chunk.size)))
    }
}

impl PartialEq for CachedChunks<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for CachedChunks<'_> {}

/// The order of the walk: by the bytes of each name, a directory right before its content.
pub fn walk_order(left: &[u8], right: &[u8]) -> Ordering {
    let same = left.iter().zip(right).take_while(|(left, right)| left == right).count();
    match (left.get(same), right.get(same)) {
        (Some(&left), Some(&right)) => depth_first(left).cmp(&depth_first(right)),
        (left, right) => left.is_some().cmp(&right.is_some()),
    }
}

/// A slash ends a name and so sorts before every byte that a longer name may go on with.
fn depth_first(byte: u8) -> u8 {
    if byte == b'/' { 0 } else { byte }
}
