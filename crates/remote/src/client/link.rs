//! What outlives a line: calls that go to the conversation at hand, and to the next one when the line drops (`resume`).
//!
//! Who only reads asks again. Changes are journalled in the order in which they are sent, under one lock, which whoever
//! commits, rolls back or resumes holds too, so that nothing is sent between what belongs together.
//!
//! Locks are taken in this order: roster, transaction, what is in a conversation.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nanoprobe_format::Id;
use nanoprobe_format::rpc::Call;
use nanoprobe_repository::{Error as RepositoryError, Locking};

use super::answer::Answer;
use super::conversation::{Conversation, Trouble};
use super::exception::NOT_FOUND;
use super::journal::Journal;
use super::open::{Reach, Reached};
use super::resume::{Doing, Resumed};
use super::roster::digest;
use super::transaction::Transaction;

/// A repository at the other end of one line after another.
pub(super) struct Link {
    pub(super) reach: Reach,
    pub(super) id: [u8; 32],
    current: Mutex<Arc<Conversation>>,
    /// Lines so far.
    lines: AtomicU32,
    transaction: Mutex<Transaction>,
    /// The furthest that the server was seen to have reserved nonces; 0: it was not.
    reserved: Mutex<u64>,
    wants_commit: AtomicBool,
}

impl Link {
    /// `cache` is our cache directory for the repository.
    pub(super) fn new(reach: Reach, reached: Reached, cache: PathBuf) -> Self {
        let mut transaction = Transaction::new(Journal::new(cache, reach.options.limits.journal_bytes));
        if reach.options.creation.is_some() {
            transaction.committed = Some(digest(None));
        }
        Self {
            reach,
            id: reached.id,
            current: Mutex::new(Arc::new(reached.conversation)),
            lines: AtomicU32::new(0),
            transaction: Mutex::new(transaction),
            reserved: Mutex::new(0),
            wants_commit: AtomicBool::new(false),
        }
    }

    /// Asks what changes nothing, or what may be done twice.
    pub(super) fn call(&self, call: &Call<'_>) -> Result<Answer, Trouble> {
        self.on_some_line(|conversation| conversation.call(call))
    }

    /// Calls `look` with an object's response.
    pub(super) fn fetch<T>(&self, id: &Id, mut look: impl FnMut(&Answer) -> T) -> Result<T, Trouble> {
        self.on_some_line(|conversation| match conversation.announced(id, &mut look) {
            Some(seen) => Ok(seen),
            None => conversation.call(&Call::Get(*id)).map(|answer| look(&answer)),
        })
    }

    /// Asks on one line after another until there is an answer.
    fn on_some_line<T>(&self, mut ask: impl FnMut(&Conversation) -> Result<T, Trouble>) -> Result<T, Trouble> {
        loop {
            let conversation = self.current();
            match ask(&conversation) {
                Err(Trouble::Line(error)) => {
                    self.resume(&mut self.transaction(), &conversation, error, Doing::Else)?;
                }
                done => return done,
            }
        }
    }

    /// These will be asked for.
    pub(super) fn announce(&self, ids: &[Id]) {
        self.current().announce(ids);
    }

    /// Sends a put or a delete without waiting for its answer. Fails when an earlier one has failed.
    pub(super) fn change(&self, id: &Id, change: &Call<'_>) -> Result<(), Trouble> {
        let mut transaction = self.transaction();
        self.know_manifest(&mut transaction)?;
        self.note(&mut transaction, change);
        let conversation = self.current();
        match conversation.change(id, change) {
            // It is among those that are sent again.
            Err(Trouble::Line(error)) => self.resume(&mut transaction, &conversation, error, Doing::Else).map(drop),
            sent => sent,
        }
    }

    /// Asks for a delete and waits for the answer.
    pub(super) fn delete(&self, id: &Id) -> Result<(), Trouble> {
        let mut transaction = self.transaction();
        self.know_manifest(&mut transaction)?;
        let delete = Call::Delete(*id);
        loop {
            let conversation = self.current();
            match conversation.confirm().and_then(|()| conversation.call(&delete)) {
                Ok(_) => break,
                Err(Trouble::Line(error)) => {
                    self.resume(&mut transaction, &conversation, error, Doing::Else)?;
                }
                Err(trouble) => return Err(trouble),
            }
        }
        self.note(&mut transaction, &delete);
        Ok(())
    }

    /// Looks at the answers to all changes, then asks for the commit. When the line drops and nobody knows whether it
    /// happened, the next one tells.
    pub(super) fn commit(&self, commit: &Call<'_>) -> Result<(), Trouble> {
        let mut transaction = self.transaction();
        let mut doing = Doing::Else;
        loop {
            let conversation = self.current();
            let done = conversation.confirm().and_then(|()| {
                doing = Doing::Commit;
                conversation.call(commit)
            });
            match done {
                Ok(_) => break,
                Err(Trouble::Line(error)) => {
                    if self.resume(&mut transaction, &conversation, error, doing)? == Resumed::Committed {
                        break;
                    }
                }
                Err(trouble) => return Err(trouble),
            }
        }
        transaction.committed();
        self.wants_commit.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Undoes what is not committed; a line that drops does that too.
    pub(super) fn rollback(&self) -> Result<(), Trouble> {
        let mut transaction = self.transaction();
        // Answers to what was sent come before the answer to this.
        let conversation = self.current();
        let done = conversation.call(&Call::Rollback);
        conversation.forgive();
        transaction.rolled_back();
        self.wants_commit.store(false, Ordering::Relaxed);
        match done {
            Err(Trouble::Line(_)) if self.resumes() => transaction.over.clone().map_or(Ok(()), Err),
            done => done.map(drop),
        }
    }

    /// Removes the repository. When the line drops and it is not there any more, that is done.
    pub(super) fn destroy(&self) -> Result<(), Trouble> {
        let mut transaction = self.transaction();
        loop {
            let conversation = self.current();
            match conversation.call(&Call::Destroy) {
                Err(Trouble::Line(error)) => {
                    match self.resume(&mut transaction, &conversation, error, Doing::Destroy) {
                        Err(Trouble::Server(exception, _)) if exception.is("DoesNotExist") => return Ok(()),
                        resumed => drop(resumed?),
                    }
                }
                done => return done.map(drop),
            }
        }
    }

    /// The first free nonce as the server knows it.
    pub(super) fn free_nonce(&self) -> Result<Option<u64>, Trouble> {
        let free = read_free_nonce(&self.call(&Call::FreeNonce)?)?;
        self.see_reserved(free.unwrap_or(0));
        Ok(free)
    }

    /// Reserves nonces. When the line drops, it is never taken for done.
    pub(super) fn reserve_nonces(&self, expected: Option<u64>, next_free: u64) -> Result<(), RepositoryError> {
        let conversation = self.current();
        match conversation.call(&Call::ReserveNonces { next_free, expected }) {
            Ok(_) => {
                self.see_reserved(next_free);
            }
            Err(Trouble::Line(error)) => {
                let resumed = self.resume(&mut self.transaction(), &conversation, error, Doing::Else);
                resumed.map_err(|trouble| self.reach.error(trouble, None))?;
                return Err(RepositoryError::ReservationLost);
            }
            Err(trouble) => return Err(self.reach.error(trouble, None)),
        }
        Ok(())
    }

    /// The furthest reservation that was ever seen, this one included.
    pub(super) fn see_reserved(&self, next_free: u64) -> u64 {
        let mut reserved = self.reserved.lock().unwrap_or_else(PoisonError::into_inner);
        *reserved = next_free.max(*reserved);
        *reserved
    }

    /// The manifest as it is committed, if nobody has noted it before: it is not pending.
    pub(super) fn see_manifest(&self, object: Option<&[u8]>) {
        let mut transaction = self.transaction();
        if transaction.pending.is_none() {
            transaction.committed.get_or_insert(digest(object));
        }
    }

    /// Number of objects that are committed, where it is known.
    pub(super) fn know_objects(&self, objects: Option<u64>) {
        self.transaction().objects = objects;
    }

    /// The server is about to change the repository itself.
    pub(super) fn forget_state(&self) {
        self.transaction().forget_state();
    }

    /// The order of what a server lists in many answers may be another one on another line, where changes are not committed.
    pub(super) fn same_order_since(&self, line: u32) -> bool {
        self.line() == line || self.transaction().journal.is_empty()
    }

    /// Number of the line at hand.
    pub(super) fn line(&self) -> u32 {
        self.lines.load(Ordering::Acquire)
    }

    pub(super) fn wants_commit(&self) -> bool {
        self.wants_commit.load(Ordering::Relaxed)
    }

    pub(super) fn current(&self) -> Arc<Conversation> {
        Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on this is the conversation.
    pub(super) fn go_on_with(&self, conversation: Conversation) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(conversation);
        self.lines.fetch_add(1, Ordering::Release);
    }

    /// A line that drops may be replaced.
    pub(super) fn resumes(&self) -> bool {
        self.reach.options.retries.attempts > 0
    }

    fn transaction(&self) -> MutexGuard<'_, Transaction> {
        self.transaction.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, transaction: &mut Transaction, change: &Call<'_>) {
        if self.resumes() {
            transaction.note(change);
            self.wants_commit.store(transaction.journal.is_crowded(), Ordering::Relaxed);
        }
    }

    /// Before the first change: afterwards nobody can tell what was committed.
    fn know_manifest(&self, transaction: &mut Transaction) -> Result<(), Trouble> {
        let is_known = transaction.committed.is_some() || !transaction.journal.is_complete();
        if !self.resumes() || is_known || self.reach.options.lock == Locking::None {
            return Ok(());
        }
        loop {
            let conversation = self.current();
            match manifest(&conversation) {
                Ok(seen) => transaction.committed = Some(seen),
                Err(Trouble::Line(error)) => {
                    self.resume(transaction, &conversation, error, Doing::Else)?;
                    continue;
                }
                // One that cannot be read may be about to be mended; that has to do with one line.
                Err(Trouble::Server(..)) => transaction.journal.give_up(),
            }
            return Ok(());
        }
    }
}

/// Digest of the manifest as the server has it.
pub(super) fn manifest(conversation: &Conversation) -> Result<u64, Trouble> {
    match conversation.call(&Call::Get(Id::MANIFEST)) {
        Ok(answer) => Ok(answer.read(|reader| reader.raw().map(|object| digest(Some(object))))?),
        Err(Trouble::Server(exception, _)) if exception.is(NOT_FOUND) => Ok(digest(None)),
        Err(trouble) => Err(trouble),
    }
}

pub(super) fn read_free_nonce(answer: &Answer) -> Result<Option<u64>, Trouble> {
    Ok(answer.read(|reader| if reader.nil()? { Ok(None) } else { reader.number().map(Some) })?)
}
