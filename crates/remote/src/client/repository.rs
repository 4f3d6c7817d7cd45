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
        &self.link.reach.options.location
    }

    fn get(&self, id: &Id, object: &mut Vec<u8>) -> Result<(), Error> {
        self.fetch(id, object)?;
        let mut roster = self.roster();
        if *id == Id::MANIFEST {
            roster.see_manifest(Some(object));
            self.link.see_manifest(Some(object));
        }
        roster.learn(id, object.len() as u32)
    }

    fn preload(&self, ids: &[Id]) {
        self.link.announce(ids);
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
        self.link.change(id, &Call::Put(*id, object)).map_err(self.error(Some(id)))?;
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
            self.link.delete(id).map_err(self.error(Some(id)))?;
        } else if roster.find(id)?.is_none() {
            return Err(Error::ObjectNotFound { id: *id, path: self.link.reach.options.processed.clone() });
        } else {
            drop(roster);
            self.link.change(id, &Call::Delete(*id)).map_err(self.error(Some(id)))?;
        }
        let mut roster = self.roster();
        roster.delete(id)?;
        self.keep_roster_small(roster)
    }

    fn commit(&self) -> Result<(), Error> {
        self.commit_with(&Call::Commit { compact: false, threshold: 0.1, cleanup_commits: false })
    }

    fn wants_commit(&self) -> bool {
        self.link.wants_commit()
    }

    fn rollback(&self) -> Result<(), Error> {
        let result = self.link.rollback();
        self.roster().rolled_back();
        result.map_err(self.error(None))
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
        self.link.free_nonce().map_err(self.error(None))
    }

    fn reserve_nonces(&self, expected: Option<u64>, next_free: u64) -> Result<(), Error> {
        self.link.reserve_nonces(expected, next_free)
    }

    fn key_blob(&self) -> Result<Vec<u8>, Error> {
        value(&self.call(&Call::LoadKey)?, |reader| reader.raw().map(<[u8]>::to_vec))
    }

    fn set_key_blob(&self, blob: &[u8]) -> Result<(), Error> {
        self.call(&Call::SaveKey(blob)).map(drop)
    }

    fn destroy(&self) -> Result<(), Error> {
        self.link.destroy().map_err(self.error(None))?;
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
            self.link.forget_state();
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
    /// A commit that is not confirmed may have happened or not: the roster does not believe itself then.
    fn commit_with(&self, commit: &Call<'_>) -> Result<(), Error> {
        self.link.commit(commit).map_err(self.error(None))?;
        let mut roster = self.roster();
        roster.committed();
        self.link.know_objects(roster.objects());
        Ok(())
    }
}
