//! `--verify-data`: every object is read and opened, by several threads; findings come in storage order.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use nanoprobe_format::Id;
use nanoprobe_key::{Key, Opener};
use nanoprobe_repository::Repository;

use super::{
    damage::{describe, is_integrity, is_key_damage, is_not_found},
    findings::Findings,
};
use crate::{Error, Event, Interrupt};

/// Ids that are listed, and shared out among the threads, at a time.
const BATCH: usize = 256;
const OPERATION: &str = "check.verify_data";

/// Opens every object; reports each that is not what it should be.
pub(super) fn verify_data(
    repository: &dyn Repository,
    key: &Key,
    findings: &Findings<'_>,
    interrupt: &Interrupt,
) -> Result<(), Error> {
    findings.information("Starting cryptographic data integrity verification...");
    let total = repository.totals()?.objects;
    let mut openers: Vec<Opener> =
        (0..thread::available_parallelism().map_or(1, usize::from).min(4)).map(|_| key.opener()).collect();
    let (mut done, mut errors) = (0u64, 0u64);
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        ids.clear();
        repository.list(after.as_ref(), BATCH, &mut ids)?;
        let Some(last) = ids.last() else { break };
        after = Some(*last);
        for (_, text) in verify_batch(repository, &mut openers, &ids)? {
            findings.defect(&text);
            errors += 1;
        }
        done += ids.len() as u64;
        findings.monitor.event(Event::Progress { operation: OPERATION, done, total, information: b"" });
        if interrupt.requested() {
            return Err(Error::Interrupted);
        }
    }
    findings.monitor.event(Event::ProgressFinished { operation: OPERATION });
    if done != total {
        findings
            .monitor
            .event(Event::Defect("Repo/Chunks index object count vs. segment files object count mismatch."));
        let text = format!("Repo/Chunks index: {total} objects != segment files: {done} objects");
        findings.monitor.event(Event::Defect(&text));
    }
    if errors > 0 {
        findings.remark(
            "Found defect chunks. With --repair, they would get deleted, so affected files could get repaired then and \
             maybe healed later.",
        );
    }
    let text = format!(
        "Finished cryptographic data integrity verification, verified {done} chunks with {errors} integrity errors."
    );
    if errors > 0 {
        findings.defect(&text)
    } else {
        findings.information(&text)
    }
    Ok(())
}

fn verify_batch(
    repository: &dyn Repository,
    openers: &mut [Opener],
    ids: &[Id],
) -> Result<Vec<(usize, String)>, Error> {
    let next = &AtomicUsize::new(0);
    let results: Vec<Result<Vec<(usize, String)>, Error>> = thread::scope(|scope| {
        let threads: Vec<_> =
            openers.iter_mut().map(|opener| scope.spawn(move || verify_some(repository, opener, ids, next))).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let mut defects = Vec::new();
    for result in results {
        defects.extend(result?);
    }
    defects.sort_unstable_by_key(|(index, _)| *index);
    Ok(defects)
}

fn verify_some(
    repository: &dyn Repository,
    opener: &mut Opener,
    ids: &[Id],
    next: &AtomicUsize,
) -> Result<Vec<(usize, String)>, Error> {
    let (mut object, mut data) = (Vec::new(), Vec::new());
    let mut defects = Vec::new();
    while let index = next.fetch_add(1, Ordering::Relaxed)
        && let Some(id) = ids.get(index)
    {
        if let Err(error) = repository.get(id, &mut object) {
            if !is_integrity(&error) && !is_not_found(&error) {
                return Err(error.into());
            }
            defects.push((index, format!("chunk {id}: {error}")));
            continue;
        }
        let name = (*id != Id::MANIFEST).then_some(id);
        match opener.open_in_place(name, &mut object, &mut data) {
            Ok(()) => {}
            Err(error) if is_key_damage(&error) => {
                defects.push((index, format!("chunk {id}, integrity error: {}", describe(&error))));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(defects)
}
