//! `Repository` over Borg's RPC.
//!
//! What is asked of a server costs a round trip, so little is: objects that were announced are asked for ahead, changes are
//! sent without waiting (their answers are looked at before a commit is asked for), and which objects there are stands in a
//! file of this machine (`roster`). When the line drops, the next one goes on where it was (`resume`).

mod ahead;
mod answer;
mod conversation;
mod exception;
mod journal;
mod link;
mod messages;
mod open;
mod receive;
mod repository;
mod resume;
mod roster;
mod send;
mod state;
#[cfg(test)]
mod tests;
mod transaction;

use std::sync::{Mutex, MutexGuard, PoisonError};

use nanoprobe_format::Id;
use nanoprobe_format::msgpack::{self, Reader};
use nanoprobe_format::rpc::{Call, Version};
use nanoprobe_repository::Error as RepositoryError;

use self::answer::Answer;
use self::conversation::Trouble;
use self::link::Link;
use self::roster::Roster;
use crate::Error;

pub use self::open::{Creation, Limits, OpenOptions, Retries};

/// Deletions of objects that may not be there, each with a round trip, before it pays to know which objects there are.
const BLIND_DELETIONS: u32 = 16;
/// Ids in one answer while all are listed: 350 KB.
const LIST_IDS: u64 = 10_000;

/// A repository at the other end of a line. The server releases its lock when the handle is dropped.
pub struct RemoteRepository {
    link: Link,
    id: [u8; 32],
    version: Version,
    roster: Mutex<Roster>,
    blind_deletions: std::sync::atomic::AtomicU32,
}

impl RemoteRepository {
    /// Breaks every lock of the repository, whoever holds it.
    pub fn break_lock(&self) -> Result<(), RepositoryError> {
        self.call(&Call::BreakLock).map(drop)
    }

    fn call(&self, call: &Call<'_>) -> Result<Answer, RepositoryError> {
        self.link.call(call).map_err(self.error(None))
    }

    /// `id` is what was asked for.
    fn error(&self, id: Option<&Id>) -> impl FnOnce(Trouble) -> RepositoryError {
        move |trouble| self.link.reach.error(trouble, id)
    }

    fn require(&self, method: &'static str, since: [i32; 4], version: &'static str) -> Result<(), RepositoryError> {
        if self.version >= Version::from(&since[..]) {
            return Ok(());
        }
        Err(Error::ServerOutdated { method, version }.into())
    }

    fn roster(&self) -> MutexGuard<'_, Roster> {
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The roster, made true for what the server has.
    fn true_roster(&self) -> Result<MutexGuard<'_, Roster>, RepositoryError> {
        let mut roster = self.roster();
        if roster.is_true() {
            return Ok(roster);
        }
        if !roster.has_seen_manifest() {
            let mut object = Vec::new();
            match self.fetch(&Id::MANIFEST, &mut object) {
                Ok(()) => roster.see_manifest(Some(&object)),
                Err(error) if error.is_not_found() => roster.see_manifest(None),
                Err(error) => return Err(error),
            }
        }
        self.count(&mut roster)?;
        if !roster.believe()? {
            self.list_all(&mut roster)?;
        }
        Ok(roster)
    }

    /// Makes the roster anew.
    fn list_all(&self, roster: &mut Roster) -> Result<(), RepositoryError> {
        loop {
            let line = self.link.line();
            let mut listing = roster.begin_listing()?;
            let mut after = None;
            while let Some(ids) = self.list_some(after)? {
                after = ids.last().copied();
                listing.add(&ids)?;
            }
            if self.link.same_order_since(line) {
                return roster.end_listing(listing);
            }
        }
    }

    /// The next ids in the order of the server's index, `None` behind the last one.
    fn list_some(&self, after: Option<Id>) -> Result<Option<Vec<Id>>, RepositoryError> {
        let answer = self.call(&Call::List { limit: Some(LIST_IDS), marker: after })?;
        let mut ids = Vec::new();
        read_ids(&answer, LIST_IDS, &mut ids)?;
        Ok(Some(ids).filter(|ids| !ids.is_empty()))
    }

    /// Number of objects, what is not committed included.
    fn objects(&self) -> Result<u64, RepositoryError> {
        value(&self.call(&Call::Length)?, |reader| reader.number())
    }

    /// Before the first change: afterwards nobody can tell how many objects there were.
    fn count_before_changes(&self) -> Result<MutexGuard<'_, Roster>, RepositoryError> {
        let mut roster = self.roster();
        self.count(&mut roster)?;
        Ok(roster)
    }

    fn count(&self, roster: &mut Roster) -> Result<(), RepositoryError> {
        if roster.objects().is_none() {
            roster.set_objects(self.objects()?);
            self.link.know_objects(roster.objects());
        }
        Ok(())
    }

    /// Merges changes of the roster when there are many.
    fn keep_roster_small(&self, roster: MutexGuard<'_, Roster>) -> Result<(), RepositoryError> {
        if !roster.is_full() {
            return Ok(());
        }
        drop(roster);
        self.true_roster()?.merge()
    }

    /// Replaces `object` by the stored bytes of `id`.
    fn fetch(&self, id: &Id, object: &mut Vec<u8>) -> Result<(), RepositoryError> {
        let copied = self.link.fetch(id, |answer| {
            answer.read(|reader| {
                object.clear();
                object.extend_from_slice(reader.raw()?);
                Ok(())
            })
        });
        Ok(copied.map_err(self.error(Some(id)))??)
    }
}

/// Reads a result that must be of one kind.
fn value<T>(
    answer: &Answer,
    read: impl FnOnce(&mut Reader<'_>) -> Result<T, msgpack::Error>,
) -> Result<T, RepositoryError> {
    Ok(answer.read(read)?)
}

/// Appends listed ids, of which there must not be more than were asked for.
fn read_ids(answer: &Answer, most: u64, ids: &mut Vec<Id>) -> Result<(), RepositoryError> {
    value(answer, |reader| {
        let count = reader.array()?;
        if count as u64 > most {
            return Err(msgpack::Error::TooMany("ids"));
        }
        for _ in 0..count {
            ids.push(Id(reader.raw_array()?));
        }
        Ok(())
    })
}
