//! `Repository` over Borg's RPC.
//!
//! What is asked of a server costs a round trip, so little is: objects that were announced are asked for ahead, changes are
//! sent without waiting (their answers are looked at before a commit is asked for), and which objects there are stands in a
//! file of this machine (`roster`).

mod ahead;
mod answer;
mod conversation;
mod exception;
mod messages;
mod open;
mod receive;
mod repository;
mod roster;
mod send;
mod state;
#[cfg(test)]
mod tests;

use std::sync::{Mutex, MutexGuard, PoisonError};

use nanoprobe_format::Id;
use nanoprobe_format::msgpack::{self, Reader};
use nanoprobe_format::rpc::{Call, Version};
use nanoprobe_repository::Error as RepositoryError;

use self::answer::Answer;
use self::conversation::{Conversation, Trouble};
use self::exception::unexpected;
use self::roster::Roster;
use crate::Error;

pub use self::open::{Creation, Limits, OpenOptions};

/// Deletions of objects that may not be there, each with a round trip, before it pays to know which objects there are.
const BLIND_DELETIONS: u32 = 16;
/// Ids in one answer while all are listed: 350 KB.
const LIST_IDS: u64 = 10_000;

/// A repository at the other end of a line. The server releases its lock when the handle is dropped.
pub struct RemoteRepository {
    conversation: Conversation,
    id: [u8; 32],
    location: String,
    processed: String,
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
        self.conversation.call(call).map_err(|trouble| self.error(trouble, None))
    }

    fn error(&self, trouble: Trouble, id: Option<&Id>) -> RepositoryError {
        match trouble {
            Trouble::Line(error) => (&*error).into(),
            Trouble::Server(exception, of) => exception.into_error(&self.processed, of.as_ref().or(id)),
        }
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
        if roster.objects().is_none() {
            roster.set_objects(self.objects()?);
        }
        if !roster.believe()? {
            let mut listing = roster.begin_listing()?;
            let mut after = None;
            while let Some(ids) = self.list_some(after)? {
                after = ids.last().copied();
                listing.add(&ids)?;
            }
            roster.end_listing(listing)?;
        }
        Ok(roster)
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
        if roster.objects().is_none() {
            roster.set_objects(self.objects()?);
        }
        Ok(roster)
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
        let mut copy = |answer: &Answer| {
            value(answer, |reader| {
                object.clear();
                object.extend_from_slice(reader.raw()?);
                Ok(())
            })
        };
        match self.conversation.announced(id, &mut copy) {
            Some(copied) => copied,
            None => {
                let answer = self.conversation.call(&Call::Get(*id));
                copy(&answer.map_err(|trouble| self.error(trouble, Some(id)))?)
            }
        }
    }
}

/// Reads a result that must be of one kind.
fn value<T>(
    answer: &Answer,
    read: impl FnOnce(&mut Reader<'_>) -> Result<T, msgpack::Error>,
) -> Result<T, RepositoryError> {
    read(&mut answer.result()).map_err(|_| unexpected(answer.result().rest()).into())
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
