//! The transactional object store: segments, index, hints, integrity, locks. Knows no archives and no keys.

use std::ops::ControlFlow;
use std::path::PathBuf;

use nanoprobe_format::{ChunkRef, Id};

mod check;
mod compact;
pub mod config;
mod create;
mod destroy;
mod error;
pub mod fs;
mod hints;
mod index;
mod local;
mod lock;
mod log;
mod nonce;
mod repair;
mod replay;
mod room;
mod salvage;
mod save;
mod segment_list;
mod segment_read;
mod segment_write;
mod stream;
mod transaction;

pub use create::CreateOptions;
pub use error::{Error, size_text};
pub use local::{INDEX_DELTA_ENTRIES, LocalRepository, Locking, OpenOptions};
pub use lock::host_id;
pub use log::LoggedEntry;

/// An open repository, local or remote: operations cannot tell which. Shared between threads.
pub trait Repository: Send + Sync {
    /// The 32-byte repository id.
    fn id(&self) -> [u8; 32];
    /// Canonical location as Borg writes it into the security directory.
    fn location(&self) -> &str;
    /// Replaces `object` by the stored bytes of `id`.
    fn get(&self, id: &Id, object: &mut Vec<u8>) -> Result<(), Error>;
    /// These will be asked for next, in this order (read-ahead; may do nothing).
    fn preload(&self, ids: &[Id]);
    /// Size in bytes of the stored object, `None` when there is none; 0 where nobody has told it. Cheap: no object is read.
    fn stored_bytes(&self, id: &Id) -> Result<Option<u32>, Error>;
    /// Objects whose stored size is not known.
    fn unknown_sizes(&self) -> Result<u64, Error> {
        Ok(0)
    }
    /// Somebody met a chunk whose stored size is recorded (unless it is 0).
    fn learn(&self, _chunk: &ChunkRef) -> Result<(), Error> {
        Ok(())
    }
    /// Stores or replaces an object.
    fn put(&self, id: &Id, object: &[u8]) -> Result<(), Error>;
    /// Removes an object.
    fn delete(&self, id: &Id) -> Result<(), Error>;
    /// Makes everything since the last commit durable.
    fn commit(&self) -> Result<(), Error>;
    /// The transaction has become so large that it should be committed as soon as that is possible.
    fn wants_commit(&self) -> bool {
        false
    }
    /// Forgets everything since the last commit.
    fn rollback(&self) -> Result<(), Error>;
    /// Appends up to `limit` ids in storage order, after `after`, to `ids`.
    fn list(&self, after: Option<&Id>, limit: usize, ids: &mut Vec<Id>) -> Result<(), Error>;
    /// First free nonce as the repository knows it, `None` before the first reservation.
    fn free_nonce(&self) -> Result<Option<u64>, Error>;
    /// Compare-and-swap of the nonce reservation, durable when it returns.
    fn reserve_nonces(&self, expected: Option<u64>, next_free: u64) -> Result<(), Error>;
    /// The key stored in `config` (repokey and authenticated modes), empty when there is none.
    fn key_blob(&self) -> Result<Vec<u8>, Error>;
    /// Stores the key in `config`, durably.
    fn set_key_blob(&self, blob: &[u8]) -> Result<(), Error>;
    /// Removes the whole repository; nothing can be asked of it afterwards.
    fn destroy(&self) -> Result<(), Error>;
    /// Frees the room of what is superseded; commits what is pending first. Nobody may read meanwhile. When `report` says
    /// [`ControlFlow::Break`], it ends early with everything in order.
    fn compact(
        &self,
        options: &CompactOptions,
        report: &mut dyn FnMut(CompactReport<'_>) -> ControlFlow<()>,
    ) -> Result<(), Error>;
    /// Low-level check; every finding goes to `report`. `Ok(true)` when sound, or made so.
    fn check(&self, options: &CheckOptions, report: &mut dyn FnMut(CheckReport<'_>)) -> Result<bool, Error>;
    /// Number and total stored size of live objects, as hints and index know them.
    fn totals(&self) -> Result<Totals, Error>;
}

/// What the low-level check does about defects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CheckMode {
    /// It names them.
    #[default]
    Examine,
    /// It keeps of damaged segments what is whole, and makes the index anew. A sound repository is not touched.
    Repair,
}

/// What the low-level check is asked to do.
#[derive(Clone, Debug, Default)]
pub struct CheckOptions {
    /// What happens to what is found.
    pub mode: CheckMode,
    /// Stop after so many seconds and remember the position (Borg's `--max-duration`); 0: no limit.
    pub maximum_seconds: u64,
    /// Where temporary files go when the repository is not locked, so that nothing may be written to it; the repository's own
    /// directory if `None`.
    pub scratch: Option<PathBuf>,
}

/// What the low-level check says while it runs.
#[derive(Debug)]
#[non_exhaustive]
pub enum CheckReport<'a> {
    /// Segment `done` of `total` is being checked.
    Progress {
        /// Segments checked.
        done: u64,
        /// All segments.
        total: u64,
    },
    /// Information, in Borg's words.
    Information(&'a str),
    /// A defect, in Borg's words.
    Defect(&'a str),
}

/// What compaction is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompactOptions {
    /// Segments are compacted of which a larger share than this is superseded, in percent.
    pub threshold_percent: i64,
    /// What happens to segments that hold nothing but a COMMIT.
    pub commit_segments: CommitSegments,
    /// Changes of the index, 60 bytes each, that may wait for each other, where those are more than the repository was
    /// opened with: the fewer passes over the index.
    pub index_delta_entries: usize,
}

impl Default for CompactOptions {
    fn default() -> Self {
        Self { threshold_percent: 10, commit_segments: CommitSegments::AsKnown, index_delta_entries: 0 }
    }
}

/// Segments that hold nothing but a COMMIT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CommitSegments {
    /// They are compacted when the hints know them.
    #[default]
    AsKnown,
    /// All are looked for: there can be many that old versions left behind.
    CleanUp,
}

/// What compaction says while it runs.
#[derive(Debug)]
#[non_exhaustive]
pub enum CompactReport<'a> {
    /// So many of the segments that have something to free are done.
    Progress {
        /// Segments done.
        done: u64,
        /// All that have something to free.
        total: u64,
    },
    /// Information, in Borg's words.
    Information(&'a str),
    /// Something that is not as it should be but does not matter, in Borg's words.
    Remark(&'a str),
}

/// Live objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Number of objects, the manifest included.
    pub objects: u64,
    /// Their stored sizes, headers excluded, in bytes; `None` where they are not all known.
    pub stored_bytes: Option<u64>,
}
