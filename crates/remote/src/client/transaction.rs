//! What is not committed yet, and how a repository is recognised that has none of it, or all.

use std::time::{Duration, Instant};

use nanoprobe_format::Id;
use nanoprobe_format::rpc::Call;

use super::conversation::Trouble;
use super::journal::Journal;
use super::roster::digest;

/// A line that held so long was a good one.
const GOOD_WHILE: Duration = Duration::from_secs(60);

/// Everything since the last commit, as it was sent. Whoever holds it knows that nothing is sent in between.
pub(super) struct Transaction {
    pub(super) journal: Journal,
    /// Digest of the manifest that is committed; `None`: not known.
    pub(super) committed: Option<u64>,
    /// The same of one that is not committed yet.
    pub(super) pending: Option<u64>,
    /// Objects that are committed, where that is known.
    pub(super) objects: Option<u64>,
    /// Why no other line will be tried.
    pub(super) over: Option<Trouble>,
    attempts: u32,
    /// When the line was connected.
    since: Instant,
}

impl Transaction {
    pub(super) fn new(journal: Journal) -> Self {
        let (committed, pending, objects, over) = Default::default();
        Self { journal, committed, pending, objects, over, attempts: 0, since: Instant::now() }
    }

    /// A put or a delete is about to be sent.
    pub(super) fn note(&mut self, change: &Call<'_>) {
        match change {
            Call::Put(Id::MANIFEST, object) => self.pending = Some(digest(Some(object))),
            Call::Delete(Id::MANIFEST) => self.pending = Some(digest(None)),
            _ => {}
        }
        self.journal.append(change);
    }

    /// The manifest of the next commit is not that of the last one.
    pub(super) fn changes_manifest(&self) -> bool {
        self.pending.is_some() && self.pending != self.committed
    }

    /// The server has committed.
    pub(super) fn committed(&mut self) {
        self.committed = self.pending.take().or(self.committed);
        self.objects = None;
        self.journal.empty();
        self.attempts = 0;
    }

    /// What was not committed is undone.
    pub(super) fn rolled_back(&mut self) {
        self.pending = None;
        self.journal.empty();
    }

    /// The repository is being changed by the server itself.
    pub(super) fn forget_state(&mut self) {
        (self.committed, self.objects) = (None, None);
    }

    /// The line broke. Attempts are counted anew when it has been of use for a while.
    pub(super) fn line_broke(&mut self) {
        if self.since.elapsed() >= GOOD_WHILE {
            self.attempts = 0;
        }
    }

    /// Number of the next attempt to connect.
    pub(super) fn next_attempt(&mut self) -> u32 {
        self.attempts += 1;
        self.attempts
    }

    /// There is a new line.
    pub(super) fn connected(&mut self) {
        self.since = Instant::now();
    }
}
