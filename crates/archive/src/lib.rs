//! Manifest, archives, item streams, and the caches beside them. Never touches user files.

mod archive_metadata;
mod authenticate;
mod error;
mod files_cache;
mod item_read;
mod item_write;
mod manifest;
mod object;
pub mod text;
pub mod timestamp;
mod totals;

pub use archive_metadata::{ArchiveMetadata, Stored};
pub use error::Error;
pub use files_cache::{
    CachedChunks, Clock, Extended, FILES_CACHE_LIFETIME, FilesCacheEntry, FilesCacheReader, FilesCacheWriter, Lookup,
    walk_order,
};
pub use item_read::ItemReader;
pub use item_write::{ItemWriter, StreamStatistics};
pub use manifest::{FeatureOperation, Manifest, ManifestEntry};
pub use object::ObjectWriter;
pub use totals::RepositoryTotals;
