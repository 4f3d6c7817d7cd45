//! Counter blocks are never used twice: not by threads, clients, crashes, nor after an old state came back.
//!
//! free = max(repository's file, local file, verified manifest's IV + its blocks, end so far)
//! new end = free + need + 2^28 blocks
//!
//! The new end is committed to the repository, then to `<security>/<id>/nonce`, both durable, both compare-and-swap, and
//! only then is the first byte encrypted. The repository's file speaks for the other clients, the local one for a
//! repository that was rolled back, the manifest for both being lost. When all three come back from one old state, a random
//! forward skip at the first reservation of a session still makes a meeting of two streams improbable.
//! Where the answer of the repository is lost on its way, nobody knows whether it has the new end: it counts as taken, and
//! what is free is read anew.
//! Both files hold 16 hexadecimal digits: the first counter block that nobody has reserved.

use std::{ops::Range, sync::Arc};

use nanoprobe_format::envelope::{Encrypted, counter_blocks};
use nanoprobe_repository::{Error as RepositoryError, Repository};

use crate::Error;

mod local;
pub(crate) use local::LocalNonces;

/// What a reservation holds beyond the need at hand: 4 GiB, as Borg does.
pub const RESERVED_BLOCKS: u64 = 1 << 28;

/// A session starts up to so many blocks ahead of what is free. 2^44 leaves room for a million sessions.
const MOST_SKIPPED_BLOCKS: u64 = 1 << 44;

/// A repository that claims to be further ahead than this is not believed: following it would let whoever holds the
/// repository use up the nonce space with a few lies. Honest use never comes near, see [`MOST_SKIPPED_BLOCKS`].
const MOST_UNEXPLAINED_BLOCKS: u64 = 1 << 60;

/// Answers that may be lost in a row.
const MOST_LOST: usize = 10;

/// One durable place that remembers the first free counter block.
pub(crate) trait Reservation: Send {
    /// What it says, `None` before the first reservation.
    fn free(&self) -> Result<Option<u64>, Error>;
    /// Replaces `expected` by `next_free`, durable when it returns; an error when it is not `expected` any more.
    fn reserve(&self, expected: Option<u64>, next_free: u64) -> Result<(), Error>;
}

/// Hands out ranges of counter blocks.
pub(crate) struct Nonces {
    repository: Box<dyn Reservation>,
    local: Box<dyn Reservation>,
    manifest_end: Option<u64>,
    skip: u64,
    range: Option<Range<u64>>,
}

impl Nonces {
    /// `manifest_end` is the block after those of the verified manifest.
    pub(crate) fn new(
        repository: Box<dyn Reservation>,
        local: Box<dyn Reservation>,
        manifest_end: Option<u64>,
    ) -> Result<Self, Error> {
        let skip = getrandom::u64()? % MOST_SKIPPED_BLOCKS;
        Ok(Self::with_skip(repository, local, manifest_end, skip))
    }

    pub(crate) fn with_skip(
        repository: Box<dyn Reservation>,
        local: Box<dyn Reservation>,
        manifest_end: Option<u64>,
        skip: u64,
    ) -> Self {
        Self { repository, local, manifest_end, skip, range: None }
    }

    /// The first of `blocks` blocks that are the caller's alone. Reserves more when what is reserved does not suffice.
    pub(crate) fn take(&mut self, blocks: u64) -> Result<u64, Error> {
        let range = match self.range.clone() {
            Some(range) if range.end - range.start >= blocks => range,
            _ => self.reserve_until_answered(blocks)?,
        };
        self.range = Some(range.start + blocks..range.end);
        Ok(range.start)
    }

    fn reserve_until_answered(&mut self, blocks: u64) -> Result<Range<u64>, Error> {
        for _ in 0..MOST_LOST {
            match self.reserve(blocks) {
                Err(Error::Repository(RepositoryError::ReservationLost)) => {}
                reserved => return reserved,
            }
        }
        self.reserve(blocks)
    }

    fn reserve(&mut self, blocks: u64) -> Result<Range<u64>, Error> {
        let repository = self.repository.free()?;
        let local = self.local.free()?;
        let so_far = self.range.as_ref().map(|range| range.end);
        let known = local.max(self.manifest_end).max(so_far).unwrap_or(0);
        if let Some(claimed) = repository
            && claimed > known.saturating_add(MOST_UNEXPLAINED_BLOCKS)
        {
            return Err(Error::NonceJump { claimed, known });
        }
        let free = known.max(repository.unwrap_or(0)).checked_add(self.skip).ok_or(Error::NoncesExhausted)?;
        let end = free
            .checked_add(blocks)
            .and_then(|end| end.checked_add(RESERVED_BLOCKS))
            .filter(|&end| end < u64::MAX)
            .ok_or(Error::NoncesExhausted)?;
        // When the second step fails the first stands: the next attempt starts behind it.
        let reserved = self.repository.reserve(repository, end);
        if let Err(Error::Repository(RepositoryError::ReservationLost)) = reserved {
            self.range = Some(end..end);
        }
        reserved?;
        self.local.reserve(local, end)?;
        self.skip = 0;
        Ok(free..end)
    }
}

/// The repository's nonce file.
pub(crate) struct RepositoryNonces(pub(crate) Arc<dyn Repository>);

impl Reservation for RepositoryNonces {
    fn free(&self) -> Result<Option<u64>, Error> {
        Ok(self.0.free_nonce()?)
    }

    fn reserve(&self, expected: Option<u64>, next_free: u64) -> Result<(), Error> {
        Ok(self.0.reserve_nonces(expected, next_free)?)
    }
}

/// Finds encrypted objects that share counter blocks, among all that were ever written. RAM: 48 bytes an object.
#[derive(Default)]
pub struct Overlaps {
    used: Vec<Used>,
}

/// Counter blocks of one object; the MAC tells copies of one object from two objects.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Used {
    start: u64,
    end: u64,
    mac: [u8; 32],
}

impl Overlaps {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a stored object of an encrypted mode. The same bytes may come twice (compaction copies objects).
    pub fn add(&mut self, object: &[u8]) {
        if let Some(view) = Encrypted::parse(object) {
            let end = view.iv.saturating_add(counter_blocks(view.ciphertext.len()));
            self.used.push(Used { start: view.iv, end, mac: *view.mac });
        }
    }

    /// Objects taken in.
    pub fn objects(&self) -> usize {
        self.used.len()
    }

    /// Two ranges of counter blocks that overlap, if there are any.
    pub fn find(&mut self) -> Option<(Range<u64>, Range<u64>)> {
        self.used.sort_unstable();
        self.used.dedup();
        let mut furthest: Option<&Used> = None;
        for used in self.used.iter().filter(|used| used.start < used.end) {
            if let Some(before) = furthest
                && used.start < before.end
            {
                return Some((before.start..before.end, used.start..used.end));
            }
            furthest = Some(used);
        }
        None
    }
}

#[cfg(test)]
mod tests;
