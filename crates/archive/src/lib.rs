//! Manifest, archives, item streams, and the caches beside them. Never touches user files.

mod files_cache;

pub use files_cache::{
    CachedChunks, Clock, Extended, FilesCacheEntry, FilesCacheReader, FilesCacheWriter, Lookup, walk_order,
};
use nanoprobe_format::{Id, item::Item};
use nanoprobe_key::{Key, Opener, Sealer};
use nanoprobe_repository::Repository;

/// The list of archives, verified. What it does not understand (`config`, `item_keys`) it keeps as it was.
pub struct Manifest {}

/// One archive in the manifest.
#[derive(Clone, Debug)]
pub struct ManifestEntry {
    pub name: String,
    pub id: Id,
    pub time: String,
}

impl Manifest {
    /// An empty manifest for a new repository.
    pub fn create() -> Self {
        todo!()
    }
    /// Fetches, opens, verifies the TAM; `object` is what `Repository::get(Id::MANIFEST)` gave.
    pub fn open(object: &[u8], key: &Key, opener: &mut Opener) -> Result<Self, Error> {
        todo!()
    }
    /// Timestamp as stored, for the rollback check of the security directory.
    pub fn timestamp(&self) -> &str {
        todo!()
    }
    /// Feature flags that this program does not know and that forbid `operation`.
    pub fn require(&self, operation: FeatureOperation) -> Result<(), Error> {
        todo!()
    }
    /// In manifest order (sorted by name as stored).
    pub fn archives(&self) -> &[ManifestEntry] {
        todo!()
    }
    /// One by name.
    pub fn archive(&self, name: &str) -> Option<&ManifestEntry> {
        todo!()
    }
    /// Adds or replaces.
    pub fn insert(&mut self, entry: ManifestEntry) {
        todo!()
    }
    /// Removes by name.
    pub fn remove(&mut self, name: &str) -> Option<ManifestEntry> {
        todo!()
    }
    /// Signs with a timestamp that strictly rises, seals, puts (no commit).
    pub fn store(&mut self, repository: &dyn Repository, key: &Key, sealer: &Sealer) -> Result<(), Error> {
        todo!()
    }
}

/// Borg's operations that feature flags speak of.
#[derive(Clone, Copy, Debug)]
pub enum FeatureOperation {
    Read,
    Check,
    Write,
    Delete,
}

/// An archive's own metadata object.
#[derive(Clone, Debug)]
pub struct ArchiveMetadata {
    pub name: String,
    pub comment: String,
    pub command_line: Vec<String>,
    pub hostname: String,
    pub username: String,
    /// `%Y-%m-%dT%H:%M:%S.%f`, local time zone naive UTC as Borg stores it.
    pub time: String,
    pub time_end: String,
    pub chunker_params: Option<nanoprobe_chunker::Parameters>,
    pub items: Vec<Id>,
    pub size_bytes: Option<u64>,
    pub csize_bytes: Option<u64>,
    pub files: Option<u64>,
}

impl ArchiveMetadata {
    /// Fetches, opens, verifies the archive's TAM (as Borg does).
    pub fn open(repository: &dyn Repository, key: &Key, opener: &mut Opener, id: &Id) -> Result<Self, Error> {
        todo!()
    }
    /// Signs, compresses, seals, puts; gives the id and stored size.
    pub fn store(&self, repository: &dyn Repository, key: &Key, sealer: &Sealer) -> Result<(Id, u32), Error> {
        todo!()
    }
}

/// Reads an archive's items one after another, in bounded memory.
pub struct ItemReader<'a> {
    repository: &'a dyn Repository,
}

impl<'a> ItemReader<'a> {
    /// `ids` are the archive's `items`.
    pub fn new(repository: &'a dyn Repository, opener: Opener, ids: &'a [Id]) -> Self {
        todo!()
    }
    /// The next item, borrowed until the next call.
    pub fn next(&mut self) -> Result<Option<Item<'_>>, Error> {
        todo!()
    }
}

/// Chunks and stores an item metadata stream.
pub struct ItemWriter {}

impl ItemWriter {
    pub fn new(key: &Key, sealer: Sealer, compression: &nanoprobe_compress::Specification) -> Self {
        todo!()
    }
    /// Appends one item; full chunks are stored at once (deduplicated).
    pub fn write(&mut self, item: &Item<'_>, repository: &dyn Repository) -> Result<(), Error> {
        todo!()
    }
    /// Stores the tail and gives the stream's ids; the writer can go on (checkpoints).
    pub fn flush(&mut self, repository: &dyn Repository) -> Result<&[Id], Error> {
        todo!()
    }
}

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {}
