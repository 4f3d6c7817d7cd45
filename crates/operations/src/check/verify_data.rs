//! `--verify-data`: every object is read and opened, by several threads; findings come in storage order. A repair deletes what
//! fails twice, so that what refers to it counts as missing.

use std::{
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use nanoprobe_format::Id;
use nanoprobe_key::{Key, Opener};
use nanoprobe_repository::{CheckMode, Repository};

use super::{
    damage::{describe, is_integrity, is_key_damage, is_not_found},
    findings::Findings,
    slice::{Next, Slice},
};
use crate::{Error, Event, Interrupt, sorted_pass::SortedPass};

/// Ids that are listed, and shared out among the threads, at a time.
const BATCH: usize = 256;
/// What is remembered in memory of defective objects.
const DEFECTIVE_BYTES: usize = 1 << 20;
/// Objects that the repository is told of ahead of time.
const AHEAD: usize = 32;
const OPERATION: &str = "check.verify_data";

/// How far it came.
pub(super) struct Verified {
    /// Objects that a repair deleted.
    pub(super) deleted: u64,
    /// Where to go on, when time was up before the end.
    pub(super) rest: Option<Id>,
}

/// Opens every object, or those of one slice of time; reports each that is not what it should be.
pub(super) fn verify_data(
    repository: &dyn Repository,
    key: &Key,
    findings: &Findings<'_>,
    slice: &Slice,
    scratch: &Path,
    interrupt: &Interrupt,
) -> Result<Verified, Error> {
    findings.information("Starting cryptographic data integrity verification...");
    let total = repository.totals()?.objects;
    let mut openers: Vec<Opener> =
        (0..thread::available_parallelism().map_or(1, usize::from).min(4)).map(|_| key.opener()).collect();
    let (mut done, mut errors) = (0u64, 0u64);
    let mut defective = SortedPass::new(scratch, DEFECTIVE_BYTES, |first, second| first == second);
    let failed = || Error::local("temporary file in", scratch);
    let mut ids = Vec::new();
    let (mut after, mut rest) = (None, None);
    if let Next::Data(id) = slice.start
        && repository.stored_bytes(&id)?.is_some()
    {
        after = Some(id);
    }
    let is_whole = after.is_none();
    loop {
        if slice.is_over() && rest.is_some() {
            break;
        }
        ids.clear();
        repository.list(after.as_ref(), BATCH, &mut ids)?;
        let Some(last) = ids.last() else {
            rest = None;
            break;
        };
        after = Some(*last);
        rest = after;
        for Defect { index, text, is_lasting } in verify_batch(repository, &mut openers, &ids)? {
            findings.defect(&text);
            errors += 1;
            if is_lasting {
                defective.push(ids[index].0).map_err(failed())?;
            }
        }
        done += ids.len() as u64;
        findings.monitor.event(Event::Progress { operation: OPERATION, done, total, information: b"" });
        if interrupt.requested() {
            return Err(Error::Interrupted);
        }
    }
    findings.monitor.event(Event::ProgressFinished { operation: OPERATION });
    if is_whole && rest.is_none() && done != total {
        findings
            .monitor
            .event(Event::Defect("Repo/Chunks index object count vs. segment files object count mismatch."));
        let text = format!("Repo/Chunks index: {total} objects != segment files: {done} objects");
        findings.monitor.event(Event::Defect(&text));
    }
    let mut deleted = 0;
    if errors > 0 {
        findings.remark(findings.remedy(
            "Found defect chunks. With --repair, they would get deleted, so affected files could get repaired then and \
             maybe healed later.",
            "Found defect chunks. They will be deleted now, so affected files can get repaired now and maybe healed later.",
        ));
    }
    if findings.mode == CheckMode::Repair {
        for id in defective.finish().map_err(failed())? {
            deleted +=
                u64::from(delete_if_defective(repository, &mut openers[0], &Id(id.map_err(failed())?), findings)?);
        }
    }
    let text = format!(
        "Finished cryptographic data integrity verification, verified {done} chunks with {errors} integrity errors."
    );
    if errors > 0 {
        findings.defect(&text)
    } else {
        findings.information(&text)
    }
    Ok(Verified { deleted, rest })
}

/// Deletes an object that fails a second time.
fn delete_if_defective(
    repository: &dyn Repository,
    opener: &mut Opener,
    id: &Id,
    findings: &Findings<'_>,
) -> Result<bool, Error> {
    let (mut object, mut data) = (Vec::new(), Vec::new());
    let is_sound = match repository.get(id, &mut object) {
        Err(error) if is_integrity(&error) => false,
        Err(error) => return Err(error.into()),
        Ok(()) => match opener.open_in_place((*id != Id::MANIFEST).then_some(id), &mut object, &mut data) {
            Err(error) if is_key_damage(&error) => false,
            Err(error) => return Err(error.into()),
            Ok(()) => true,
        },
    };
    if is_sound {
        findings.remark(&format!("chunk {id} not deleted, did not consistently fail."));
    } else {
        repository.delete(id)?;
    }
    Ok(!is_sound)
}

/// An object that is not what it should be.
struct Defect {
    /// Which of the batch.
    index: usize,
    text: String,
    /// It is there, and damaged.
    is_lasting: bool,
}

fn verify_batch(repository: &dyn Repository, openers: &mut [Opener], ids: &[Id]) -> Result<Vec<Defect>, Error> {
    let next = &AtomicUsize::new(0);
    let results: Vec<Result<Vec<Defect>, Error>> = thread::scope(|scope| {
        let threads: Vec<_> =
            openers.iter_mut().map(|opener| scope.spawn(move || verify_some(repository, opener, ids, next))).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let mut defects = Vec::new();
    for result in results {
        defects.extend(result?);
    }
    defects.sort_unstable_by_key(|defect| defect.index);
    Ok(defects)
}

fn verify_some(
    repository: &dyn Repository,
    opener: &mut Opener,
    ids: &[Id],
    next: &AtomicUsize,
) -> Result<Vec<Defect>, Error> {
    let (mut object, mut data) = (Vec::new(), Vec::new());
    let mut defects = Vec::new();
    while let index = next.fetch_add(1, Ordering::Relaxed)
        && let Some(id) = ids.get(index)
    {
        if index.is_multiple_of(AHEAD) {
            let start = if index == 0 { 0 } else { index + AHEAD };
            repository.preload(ids.get(start..ids.len().min(index + 2 * AHEAD)).unwrap_or_default());
        }
        if let Err(error) = repository.get(id, &mut object) {
            if !is_integrity(&error) && !is_not_found(&error) {
                return Err(error.into());
            }
            let is_lasting = is_integrity(&error);
            defects.push(Defect { index, text: format!("chunk {id}: {error}"), is_lasting });
            continue;
        }
        let name = (*id != Id::MANIFEST).then_some(id);
        match opener.open_in_place(name, &mut object, &mut data) {
            Ok(()) => {}
            Err(error) if is_key_damage(&error) => {
                let text = format!("chunk {id}, integrity error: {}", describe(&error));
                defects.push(Defect { index, text, is_lasting: true });
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(defects)
}
