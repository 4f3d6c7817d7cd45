//! Pass 3: the archives to be deleted are read once more, and what was not struck out is deleted.

use nanoprobe_archive::ArchiveMetadata;
use nanoprobe_format::{ChunkRef, Id};
use nanoprobe_repository::Repository;

use super::{
    DeleteOptions, Force, Plan,
    candidates::{Candidates, Fate},
    collect::{is_candidate, parsed},
    known::KnownChunks,
    tolerated,
};
use crate::{
    Error, Event, Monitor, Session,
    check::damage::is_not_found,
    mark::{Chunk, Extent, Mark, Objects, Source, Visitor},
    sorted_pass::SortedPass,
};

/// Metadata objects wait until nothing of them is read any more: id 32 | size u32 | stored size u32.
const RECORD_BYTES: usize = 40;

/// Objects that went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Removed {
    /// Their number, plain and stored size, as the repository's figures count them.
    pub(super) chunks: u64,
    pub(super) size_bytes: u64,
    pub(super) csize_bytes: u64,
    /// Stored size, as Borg counts it for the archives.
    pub(super) deduplicated_bytes: u64,
}

/// Deletes objects, through all rounds.
pub(super) struct Remover {
    options: DeleteOptions,
    metadata: SortedPass<RECORD_BYTES>,
    removed: Removed,
    /// Something that should be deleted is not there, or could not be read.
    damaged: bool,
}

impl Remover {
    pub(super) fn new(session: &Session, options: &DeleteOptions) -> Result<Self, Error> {
        let metadata =
            SortedPass::new(&session.scratch()?, session.budget.kept_bytes(), |first, second| first == second);
        Ok(Self { options: *options, metadata, removed: Removed::default(), damaged: false })
    }

    /// Deletes the candidates of this round that are left. Not to be interrupted: it is short, and half of it is no good.
    pub(super) fn remove(
        &mut self,
        session: &Session,
        plan: &Plan,
        kept: &KnownChunks,
        candidates: &mut Candidates,
        monitor: &dyn Monitor,
    ) -> Result<(), Error> {
        let Session { repository, key, budget, .. } = session;
        let mut mark = Mark::new(Objects::new(session), budget.memo_bytes(), budget.item_bytes(), None);
        let (mut opener, mut objects, mut data) = (key.opener(), Objects::new(session), Vec::new());
        let mut pass = Pass { remover: self, session, kept, candidates };
        let total = (plan.gone + plan.deleted.len() + plan.waiting.len()) as u64;
        for (entry, done) in plan.deleted.iter().zip(plan.gone as u64 + 1..) {
            let metadata = ArchiveMetadata::open(&**repository, key, &mut opener, &entry.id)?;
            let csize = objects.fetch(&entry.id, &mut data)?;
            pass.take_metadata(&Chunk { id: entry.id, size: data.len() as u32, csize })?;
            let walked = mark.walk(&metadata.items, &mut pass);
            // Metadata that could not be reached goes all the same.
            for id in &metadata.items {
                let csize = repository.stored_bytes(id)?.unwrap_or(0);
                pass.take_metadata(&Chunk { id: *id, size: 0, csize })?;
            }
            pass.remover.damaged |= tolerated(walked, pass.remover.options.force)?;
            let information = entry.name.as_bytes();
            monitor.event(Event::Progress { operation: "archive.delete", done, total, information });
        }
        if plan.waiting.is_empty() {
            monitor.event(Event::ProgressFinished { operation: "archive.delete" });
        }
        Ok(())
    }

    /// Deletes the archives' own metadata, takes them out of the manifest, and commits.
    pub(super) fn finish(self, session: &mut Session, plan: &Plan) -> Result<(Removed, bool), Error> {
        let Self { options, metadata, mut removed, mut damaged, .. } = self;
        let scratch = session.scratch()?;
        let failed = || Error::local("temporary file in", &scratch);
        for record in metadata.finish().map_err(failed())? {
            let chunk = unpack(&record.map_err(failed())?);
            if delete(&*session.repository, &chunk.id, options.force, &mut damaged)? {
                removed.count(chunk.size, chunk.csize);
                removed.deduplicated_bytes += u64::from(chunk.csize);
            }
        }
        commit(session, plan)?;
        Ok((removed, damaged))
    }
}

impl Removed {
    pub(super) fn add(&mut self, other: &Self) {
        self.chunks += other.chunks;
        self.size_bytes += other.size_bytes;
        self.csize_bytes += other.csize_bytes;
        self.deduplicated_bytes += other.deduplicated_bytes;
    }

    fn count(&mut self, size: u32, csize: u32) {
        self.chunks += 1;
        self.size_bytes += u64::from(size);
        self.csize_bytes += u64::from(csize);
    }
}

/// Listens to the walk over the archives to be deleted.
struct Pass<'a> {
    remover: &'a mut Remover,
    session: &'a Session,
    kept: &'a KnownChunks,
    candidates: &'a mut Candidates,
}

impl Pass<'_> {
    fn take_metadata(&mut self, chunk: &Chunk) -> Result<(), Error> {
        if self.candidates.take_metadata(&chunk.id) == Fate::Stays {
            return Ok(());
        }
        self.remover.metadata.push(packed(chunk)).map_err(Error::local("temporary file in", &self.session.cache))
    }

    fn remove(&mut self, chunk: &ChunkRef) -> Result<(), Error> {
        let Fate::Goes { whole } = self.candidates.take_content(&chunk.id) else { return Ok(()) };
        let Remover { options, removed, damaged, .. } = &mut *self.remover;
        let repository = &*self.session.repository;
        // Archives of foreign making may not say the stored size.
        let csize = match chunk.csize {
            0 => repository.stored_bytes(&chunk.id)?.unwrap_or(0),
            csize => csize,
        };
        if delete(repository, &chunk.id, options.force, damaged)? {
            removed.count(chunk.size, csize);
            if whole {
                removed.deduplicated_bytes += u64::from(csize);
            }
        }
        Ok(())
    }

    /// Of a list as it was before a repair most chunks are missing, and none is counted anywhere.
    fn remove_healthy(&mut self, id: &Id) -> Result<(), Error> {
        if self.candidates.take_content(id) != Fate::Stays {
            delete(&*self.session.repository, id, Force::Yes, &mut false)?;
        }
        Ok(())
    }
}

impl Visitor for Pass<'_> {
    type Tally = ();

    fn chunk(&mut self, chunk: &Chunk, (): &mut ()) -> Result<(), Error> {
        self.take_metadata(chunk)
    }

    fn item(&mut self, value: &[u8], extent: Extent<'_>, (): &mut ()) -> Result<(), Error> {
        let item = parsed(value, self.remover.options.force, &mut self.remover.damaged)?;
        let Some(item) = item.filter(|_| is_candidate(self.kept, extent)) else { return Ok(()) };
        item.chunks.iter().flat_map(|chunks| chunks.iter()).try_for_each(|chunk| self.remove(&chunk))?;
        let mut healthy = item.chunks_healthy.iter().flat_map(|chunks| chunks.iter());
        healthy.try_for_each(|chunk| self.remove_healthy(&chunk.id))
    }

    fn again(&mut self, (): &()) {}
}

/// Takes the archives out of the manifest, puts those in that take their places, and commits.
fn commit(session: &mut Session, plan: &Plan) -> Result<(), Error> {
    for entry in &plan.deleted {
        session.manifest.remove(&entry.name);
    }
    plan.added.iter().for_each(|entry| session.manifest.insert(entry.clone()));
    session.commit_manifest()
}

/// Deletes an object; false when there is none, where that is not the end of everything.
fn delete(repository: &dyn Repository, id: &Id, force: Force, damaged: &mut bool) -> Result<bool, Error> {
    match repository.delete(id) {
        Ok(()) => Ok(true),
        Err(error) if force == Force::Yes && is_not_found(&error) => {
            *damaged = true;
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

fn packed(chunk: &Chunk) -> [u8; RECORD_BYTES] {
    let mut record = [0; RECORD_BYTES];
    record[..32].copy_from_slice(&chunk.id.0);
    record[32..36].copy_from_slice(&chunk.size.to_be_bytes());
    record[36..].copy_from_slice(&chunk.csize.to_be_bytes());
    record
}

fn unpack(record: &[u8; RECORD_BYTES]) -> Chunk {
    let mut id = [0; 32];
    id.copy_from_slice(&record[..32]);
    let number = |start: usize| record[start..start + 4].iter().fold(0, |number, &byte| number << 8 | u32::from(byte));
    Chunk { id: Id(id), size: number(32), csize: number(36) }
}
