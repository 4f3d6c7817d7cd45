//! What is asked, done on the repository.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use embedded_io::Write;
use nanoprobe_format::Id;
use nanoprobe_format::msgpack::Writer;
use nanoprobe_format::rpc::{Call, CallError, LIST_IDS, Open, Request, Response, Version, emit_result};
use nanoprobe_repository::fs::{Anchored, Missing};
use nanoprobe_repository::{
    CheckMode, CheckOptions, CommitSegments, CompactOptions, CreateOptions, Error as RepositoryError, LocalRepository,
    Locking, OpenOptions, Repository,
};

use super::connection::{Output, Peer};
use super::{Attendant, Event, Policy, exception, place};
use crate::Error;

/// Between two looks whether the client still waits for the lock.
const LOCK_WAIT: Duration = Duration::from_secs(2);
/// Further than this no client reserves nonces at once; a jump to the end would leave none.
const NONCES_MOST: u64 = 1 << 56;
/// A key blob has about 700 bytes.
const KEY_BYTES_MOST: usize = 64 << 10;

/// One client's conversation.
pub(super) struct Session<'a> {
    policy: &'a Policy,
    options: &'a OpenOptions,
    peer: Peer<'a>,
    attendant: &'a dyn Attendant,
    repository: Option<LocalRepository>,
    has_been_asked: bool,
    lock: Locking,
    /// What was read last: an object, or the key blob.
    object: Vec<u8>,
    ids: Vec<Id>,
}

/// What a call gives.
enum Answer {
    Nothing,
    Flag(bool),
    Number(Option<u64>),
    Id([u8; 32]),
    /// [`Session::object`].
    Object,
    /// [`Session::ids`].
    Ids,
    /// More ids than fit there: so many.
    ManyIds(u64),
    Version(Option<Version>),
}

impl<'a> Session<'a> {
    pub(super) fn new(
        policy: &'a Policy,
        options: &'a OpenOptions,
        peer: Peer<'a>,
        attendant: &'a dyn Attendant,
    ) -> Self {
        let (repository, object, ids) = (None, Vec::new(), Vec::new());
        Self { policy, options, peer, attendant, repository, has_been_asked: false, lock: Locking::None, object, ids }
    }

    /// A repository was asked for; the client knows what came of it.
    pub(super) fn has_been_asked(&self) -> bool {
        self.has_been_asked
    }

    /// Gives memory back.
    pub(super) fn idle(&mut self) {
        self.object = Vec::new();
        self.ids = Vec::new();
    }

    /// Frees the lock. What was not committed is as if it never was.
    pub(super) fn close(self) -> Result<(), Error> {
        Ok(self.repository.map_or(Ok(()), LocalRepository::close)?)
    }

    /// Does what is asked and answers; an error is one of the stream.
    pub(super) fn answer(&mut self, request: &Request<'_>, output: &mut Output<'_>) -> io::Result<()> {
        let (number, form) = (request.number, request.form);
        let done = match request.call() {
            Ok(call) => self.perform(&call),
            Err(CallError::UnknownMethod) => {
                Err(Error::InvalidRpcMethod(String::from_utf8_lossy(request.method).into_owned()))
            }
            Err(error) => Err(Error::Refused(error.to_string())),
        };
        let writer = &mut Writer::new(output);
        match done {
            Ok(answer) => emit_result(number, form, writer, |writer| self.emit(&answer, writer)),
            Err(error) => exception::emit(&error, number, form, &self.attendant.system(), writer),
        }
    }

    fn perform(&mut self, call: &Call<'_>) -> Result<Answer, Error> {
        match call {
            Call::Negotiate { version } => {
                let version = version.as_ref().map(|_| Version::from(&Version::OURS[..]));
                return Ok(Answer::Version(version));
            }
            Call::Open(open) => return Ok(Answer::Id(self.open(open)?)),
            Call::Destroy => {
                self.repository()?.destroy()?;
                self.repository = None;
                return Ok(Answer::Nothing);
            }
            Call::Get(id) => {
                let repository = self.repository.as_ref().ok_or(Error::NotOpen)?;
                repository.get(id, &mut self.object)?;
                return Ok(Answer::Object);
            }
            Call::LoadKey => {
                self.object = self.repository()?.key_blob()?;
                return Ok(Answer::Object);
            }
            Call::Scan { limit: Some(0), .. } => {
                return Err(Error::Refused("please use limit > 0 or limit = None".to_owned()));
            }
            Call::List { limit, marker } | Call::Scan { limit, marker } => return self.list(*limit, marker.as_ref()),
            _ => {}
        }
        // A client that gave up amid `init` undoes its changes behind the repository's end.
        if matches!(call, Call::Rollback) && self.repository.is_none() && self.has_been_asked {
            return Ok(Answer::Nothing);
        }
        let repository = self.repository()?;
        match call {
            Call::Check { repair, maximum_seconds } => return self.check(*repair, *maximum_seconds),
            Call::Commit { compact, threshold, cleanup_commits } => {
                self.commit(*compact, *threshold, *cleanup_commits)?
            }
            Call::Rollback => repository.rollback()?,
            Call::Length => return Ok(Answer::Number(Some(repository.totals()?.objects))),
            Call::Put(id, data) => repository.put(id, data)?,
            Call::Delete(id) => repository.delete(id)?,
            Call::SaveKey(blob) => save_key(repository, blob)?,
            Call::BreakLock => repository.break_locks()?,
            Call::FreeNonce => return Ok(Answer::Number(repository.free_nonce()?)),
            // Who does not lock stores nothing: what is encrypted, as Borg's check does, goes nowhere.
            Call::ReserveNonces { .. } if self.lock == Locking::None => {}
            Call::ReserveNonces { next_free, expected } => reserve_nonces(repository, *expected, *next_free)?,
            _ => {}
        }
        Ok(Answer::Nothing)
    }

    fn repository(&self) -> Result<&LocalRepository, Error> {
        self.repository.as_ref().ok_or(Error::NotOpen)
    }

    fn open(&mut self, open: &Open<'_>) -> Result<[u8; 32], Error> {
        if self.repository.is_some() {
            return Err(Error::AlreadyOpen);
        }
        self.has_been_asked = true;
        let path = place::resolve(open.path, self.attendant)?;
        self.attendant.event(Event::Debug(&format!("Resolved repository path to '{}'", path.display())));
        self.policy.require_allowed(&path)?;
        let anchored = Arc::new(anchor(&path, open)?);
        let lock = match (open.lock, open.exclusive) {
            (false, _) => Locking::None,
            (true, false) => Locking::Shared,
            (true, true) => Locking::Exclusive,
        };
        // A new repository is only append-only when its maker says so: the manifest and the key come after it.
        let options = OpenOptions {
            lock,
            append_only: open.append_only || (self.policy.append_only && !open.create),
            storage_quota: self.policy.storage_quota,
            file_system: Arc::clone(&anchored) as _,
            ..self.options.clone()
        };
        let wait = match open.lock_wait {
            Some(seconds) => u64::try_from(seconds).ok().map(Duration::from_secs),
            None => self.policy.lock_wait,
        };
        let repository = if open.create {
            let create = CreateOptions {
                append_only: open.append_only,
                storage_quota: self.policy.storage_quota.unwrap_or(0),
                file_system: anchored,
                ..CreateOptions::default()
            };
            LocalRepository::create(&path, &create, options)?
        } else {
            self.wait_for(&path, &options, wait)?
        };
        self.lock = lock;
        Ok(self.repository.insert(repository).id())
    }

    /// Waits for the lock as long as the client does.
    fn wait_for(&self, path: &Path, options: &OpenOptions, wait: Option<Duration>) -> Result<LocalRepository, Error> {
        let started = Instant::now();
        loop {
            let rest = wait.map(|wait| wait.saturating_sub(started.elapsed()));
            let slice = rest.map_or(LOCK_WAIT, |rest| rest.min(LOCK_WAIT));
            let options = OpenOptions { lock_wait: Some(slice), ..options.clone() };
            match LocalRepository::open(path, options) {
                Err(RepositoryError::LockTimeout(_)) if rest != Some(slice) && !self.peer.is_gone() => {}
                opened => return Ok(opened?),
            }
        }
    }

    /// Answers with what fits into [`Session::ids`], or counts what does not.
    fn list(&mut self, limit: Option<u64>, marker: Option<&Id>) -> Result<Answer, Error> {
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        let repository = self.repository.as_ref().ok_or(Error::NotOpen)?;
        let mut count = 0;
        let mut after = marker.copied();
        loop {
            self.ids.clear();
            let block = LIST_IDS.min(limit - count);
            repository.list(after.as_ref(), block, &mut self.ids)?;
            count += self.ids.len();
            match self.ids.last() {
                Some(last) if self.ids.len() == block && count < limit => after = Some(*last),
                _ if count <= LIST_IDS && count == self.ids.len() => return Ok(Answer::Ids),
                _ => break,
            }
        }
        // From the start again when they are sent.
        self.ids.clear();
        self.ids.extend(marker);
        Ok(Answer::ManyIds(count as u64))
    }

    fn check(&self, repair: bool, maximum_seconds: i64) -> Result<Answer, Error> {
        let repository = self.repository()?;
        let mode = if repair { CheckMode::Repair } else { CheckMode::Examine };
        let maximum_seconds = u64::try_from(maximum_seconds).unwrap_or(0);
        if repair && maximum_seconds > 0 {
            return Err(Error::Refused("a partial check does not repair".to_owned()));
        }
        // Who does not lock does not write.
        let scratch = match self.lock {
            Locking::None => Some(tempfile::tempdir_in(self.attendant.scratch()?)?),
            _ => None,
        };
        let place = scratch.as_ref().map(|scratch| scratch.path().to_owned());
        let options = CheckOptions { mode, maximum_seconds, scratch: place };
        let sound = repository.check(&options, &mut |report| {
            if self.peer.is_gone() {
                // What was repaired until now is kept or replayed like after a loss of power.
                let _ = repository.release();
                self.attendant.leave();
            }
            self.attendant.event(Event::Check(report));
        });
        self.attendant.event(Event::CheckFinished);
        Ok(Answer::Flag(sound?))
    }

    fn commit(&self, compact: bool, threshold: f64, cleanup_commits: bool) -> Result<(), Error> {
        let repository = self.repository()?;
        if !compact {
            return Ok(repository.commit()?);
        }
        let options = CompactOptions {
            threshold_percent: (threshold * 100.0).round() as i64,
            commit_segments: if cleanup_commits { CommitSegments::CleanUp } else { CommitSegments::AsKnown },
            ..CompactOptions::default()
        };
        let compacted = repository.compact(&options, &mut |report| {
            self.attendant.event(Event::Compact(report));
            if self.peer.is_gone() { std::ops::ControlFlow::Break(()) } else { std::ops::ControlFlow::Continue(()) }
        });
        self.attendant.event(Event::CompactFinished);
        Ok(compacted?)
    }

    fn emit<W: Write<Error = io::Error>>(&mut self, answer: &Answer, writer: &mut Writer<W>) -> io::Result<()> {
        match answer {
            Answer::Nothing | Answer::Number(None) => writer.nil(),
            Answer::Flag(flag) => writer.boolean(*flag),
            Answer::Number(Some(number)) => writer.unsigned(*number),
            Answer::Id(id) => writer.raw(id),
            Answer::Object => writer.raw(&self.object),
            Answer::Version(version) => Response::emit_server_version(version.as_ref(), writer),
            Answer::Ids => {
                writer.array(self.ids.len())?;
                self.ids.iter().try_for_each(|id| writer.raw(&id.0))
            }
            Answer::ManyIds(count) => self.emit_many(*count, writer),
        }
    }

    /// Reads the ids again, a block at a time. The lock sees to it that they are the same.
    fn emit_many<W: Write<Error = io::Error>>(&mut self, count: u64, writer: &mut Writer<W>) -> io::Result<()> {
        let Some(repository) = &self.repository else { return Err(io::ErrorKind::NotConnected.into()) };
        writer.array(usize::try_from(count).unwrap_or(usize::MAX))?;
        let mut left = count;
        let mut after = self.ids.first().copied();
        while left > 0 {
            self.ids.clear();
            let block = usize::try_from(left).unwrap_or(LIST_IDS).min(LIST_IDS);
            repository.list(after.as_ref(), block, &mut self.ids).map_err(io::Error::other)?;
            self.ids.iter().try_for_each(|id| writer.raw(&id.0))?;
            after = self.ids.last().copied();
            left = left.saturating_sub(self.ids.len() as u64);
            if after.is_none() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }
}

/// Takes hold of the directory, which is made when a repository is to be created.
fn anchor(path: &Path, open: &Open<'_>) -> Result<Anchored, Error> {
    use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    let text = || path.display().to_string();
    let missing = match (open.create, open.make_parent_dirs) {
        (false, _) => Missing::Refuse,
        (true, false) => Missing::CreateLast,
        (true, true) => Missing::CreateAll,
    };
    if open.create
        && let Some(taken) = path.ancestors().find(|above| LocalRepository::is_repository(above))
    {
        return Err(RepositoryError::AlreadyExists(taken.display().to_string()).into());
    }
    Anchored::open(path, missing).map_err(|error| {
        Error::Repository(match (error.kind(), open.create) {
            (NotFound, false) => RepositoryError::DoesNotExist(text()),
            (NotFound, true) => RepositoryError::ParentPathDoesNotExist(text()),
            (NotADirectory, false) => RepositoryError::InvalidRepository(text()),
            (NotADirectory, true) => RepositoryError::PathAlreadyExists(text()),
            (PermissionDenied, true) => RepositoryError::PathPermissionDenied(text()),
            _ => RepositoryError::Io { path: PathBuf::from(path), source: error },
        })
    })
}

/// Under append-only a key that is there stays. No key may hold what would read as another option of `config`.
fn save_key(repository: &LocalRepository, blob: &[u8]) -> Result<(), Error> {
    if blob.len() > KEY_BYTES_MOST || !blob.iter().all(|&byte| byte == b'\n' || (0x20..0x7f).contains(&byte)) {
        return Err(Error::Refused("not a key".to_owned()));
    }
    let present = repository.key_blob()?;
    if repository.settings().append_only && !present.is_empty() && present != blob {
        return Err(RepositoryError::AppendOnly(repository.path().display().to_string()).into());
    }
    Ok(repository.set_key_blob(blob)?)
}

/// Reservations only go forward, and not out of sight: another client's data must never be encrypted with the same nonces.
fn reserve_nonces(repository: &LocalRepository, expected: Option<u64>, next_free: u64) -> Result<(), Error> {
    let free = repository.free_nonce()?.unwrap_or(0);
    if next_free < free || next_free - free > NONCES_MOST {
        return Err(Error::Refused(format!("nonces must not be reserved from {free} to {next_free}")));
    }
    Ok(repository.reserve_nonces(expected, next_free)?)
}
