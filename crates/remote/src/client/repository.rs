//! The trait, call by call.

use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

use nanoprobe_format::rpc::Call;
use nanoprobe_format::{ChunkRef, Id};
use nanoprobe_repository::{
    CheckMode, CheckOptions, CheckReport, CommitSegments, CompactOptions, CompactReport, Error, Repository, Totals,
};

use super::{BLIND_DELETIONS, RemoteRepository, read_ids, value};

impl Repository for RemoteRepository {
    fn id(&self) -> [u8; 32] {
        self.id
    }

    fn location(&self) -> &str {
        &self.location
    }

    fn get(&self, id: &Id, object: &mut Vec<u8>) -> Result<(), Error> {
        self.fetch(id, object)?;
        let mut roster = self.roster();
        if *id == Id::MANIFEST {
            roster.see_manifest(Some(object));
        }
        roster.learn(id, object.len() as u32)
    }

    fn preload(&self, ids: &[Id]) {
        self.conversation.announce(ids);
    }

    fn stored_bytes(&self, id: &Id) -> Result<Option<u32>, Error> {
        self.true_roster()?.find(id)
    }

    fn learn(&self, chunk: &ChunkRef) -> Result<(), Error> {
        let mut roster = self.roster();
        roster.learn(&chunk.id, chunk.csize)?;
        self.keep_roster_small(roster)
    }

    fn unknown_sizes(&self) -> Result<u64, Error> {
        Ok(self.true_roster()?.unknown())
    }

    fn put(&self, id: &Id, object: &[u8]) -> Result<(), Error> {
        drop(self.count_before_changes()?);
        let sent = self.conversation.change(id, &Call::Put(*id, object));
        sent.map_err(|trouble| self.error(trouble, Some(id)))?;
        let mut roster = self.roster();
        roster.put(id, object)?;
        self.keep_roster_small(roster)
    }

    fn delete(&self, id: &Id) -> Result<(), Error> {
        let mut roster = self.count_before_changes()?;
        if !roster.is_true() && self.blind_deletions.fetch_add(1, Ordering::Relaxed) >= BLIND_DELETIONS {
            drop(roster);
            roster = self.true_roster()?;
        }
        if !roster.is_true() {
            drop(roster);
            self.conversation.confirm().map_err(|trouble| self.error(trouble, None))?;
            let answer = self.conversation.call(&Call::Delete(*id));
            answer.map_err(|trouble| self.error(trouble, Some(id)))?;
        } else if roster.find(id)?.is_none() {
            return Err(Error::ObjectNotFound { id: *id, path: self.processed.clone() });
        } else {
            drop(roster);
            let sent = self.conversation.change(id, &Call::Delete(*id));
            sent.map_err(|trouble| self.error(trouble, Some(id)))?;
        }
        let mut roster = self.roster();
        roster.delete(id)?;
        self.keep_roster_small(roster)
    }

    fn commit(&self) -> Result<(), Error> {
        self.commit_with(&Call::Commit { compact: false, threshold: 0.1, cleanup_commits: false })
    }

    fn rollback(&self) -> Result<(), Error> {
        // Answers to what was sent come before the answer to this.
        let result = self.call(&Call::Rollback);
        self.conversation.forgive();
        self.roster().rolled_back();
        result.map(drop)
    }

    fn list(&self, after: Option<&Id>, limit: usize, ids: &mut Vec<Id>) -> Result<(), Error> {
        if limit == 0 {
            return Ok(());
        }
        let limit = limit as u64;
        let answer = self.call(&Call::Scan { limit: Some(limit), marker: after.copied() })?;
        read_ids(&answer, limit, ids)
    }

    fn free_nonce(&self) -> Result<Option<u64>, Error> {
        let answer = self.call(&Call::FreeNonce)?;
        value(&answer, |reader| if reader.nil()? { Ok(None) } else { reader.number().map(Some) })
    }

    fn reserve_nonces(&self, expected: Option<u64>, next_free: u64) -> Result<(), Error> {
        self.call(&Call::ReserveNonces { next_free, expected }).map(drop)
    }

    fn key_blob(&self) -> Result<Vec<u8>, Error> {
        value(&self.call(&Call::LoadKey)?, |reader| reader.raw().map(<[u8]>::to_vec))
    }

    fn set_key_blob(&self, blob: &[u8]) -> Result<(), Error> {
        self.call(&Call::SaveKey(blob)).map(drop)
    }

    fn destroy(&self) -> Result<(), Error> {
        self.call(&Call::Destroy)?;
        self.roster().invalidate();
        Ok(())
    }

    /// What the server has to say while it works comes over standard error.
    fn compact(
        &self,
        options: &CompactOptions,
        _report: &mut dyn FnMut(CompactReport<'_>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        // Servers compact only with a transaction that changes something.
        let mut manifest = Vec::new();
        self.get(&Id::MANIFEST, &mut manifest)?;
        self.put(&Id::MANIFEST, &manifest)?;
        self.commit_with(&Call::Commit {
            compact: true,
            threshold: options.threshold_percent as f64 / 100.0,
            cleanup_commits: options.commit_segments == CommitSegments::CleanUp,
        })
    }

    /// What the server finds comes over standard error.
    fn check(&self, options: &CheckOptions, _report: &mut dyn FnMut(CheckReport<'_>)) -> Result<bool, Error> {
        if options.maximum_seconds > 0 {
            self.require("check max_duration", [1, 2, 0, -4], "1.2.0a4")?;
        }
        let repair = options.mode == CheckMode::Repair;
        let maximum_seconds = i64::try_from(options.maximum_seconds).unwrap_or(i64::MAX);
        if repair {
            self.roster().invalidate();
        }
        let answer = self.call(&Call::Check { repair, maximum_seconds })?;
        value(&answer, |reader| reader.boolean())
    }

    fn totals(&self) -> Result<Totals, Error> {
        if let Some((objects, stored_bytes)) = self.roster().sums() {
            return Ok(Totals { objects, stored_bytes });
        }
        Ok(Totals { objects: self.objects()?, stored_bytes: None })
    }
}

impl RemoteRepository {
    /// The answers to all changes are here before the server is asked to commit. A commit whose answer is lost may have
    /// happened or not: the roster does not believe itself then.
    fn commit_with(&self, commit: &Call<'_>) -> Result<(), Error> {
        self.conversation.confirm().map_err(|trouble| self.error(trouble, None))?;
        self.call(commit)?;
        self.roster().committed();
        Ok(())
    }
}
