//! seen?: asks the repository whether a chunk is stored.
//!
//! The answer spares compression and encryption. The last word is the committer's: the same chunk may be under way twice.

use nanoprobe_repository::{Error, Repository};

use super::unit::Chunk;

/// True when the chunk is stored; then its stored size is known.
pub(super) fn seen(chunk: &mut Chunk, repository: &dyn Repository) -> Result<bool, Error> {
    let stored = repository.stored_bytes(&chunk.id)?;
    chunk.csize = stored.unwrap_or(0);
    Ok(stored.is_some())
}
