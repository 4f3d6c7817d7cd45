//! A file's chunks: what is missing, what stands in for it, and what came back.
//!
//! A file that lost chunks keeps its list as it was in `chunks_healthy`, and has zeros of the same length in their places. When all
//! the missing ones are there again, that list is its list once more.

use nanoprobe_format::{
    ChunkRef,
    item::{Chunks, Item},
    segment::DATA_BYTES_MOST,
};
use nanoprobe_repository::Repository;

use super::{findings::Findings, orphans::References};
use crate::Error;

/// What is to be done about one place of a file's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The chunk is there.
    Sound,
    /// It came back: it takes the place of what stood in for it.
    Healed,
    /// It is still missing, and something stands in for it.
    StillMissing,
    /// It is missing, and zeros have to stand in for it.
    NewlyMissing,
    /// What stood in for it is missing too.
    ReplacementMissing,
}

impl Verdict {
    /// About a chunk of the list as it is, where `healthy` was before any repair.
    pub(super) fn of(repository: &dyn Repository, current: &ChunkRef, healthy: &ChunkRef) -> Result<Self, Error> {
        let is_there = |chunk: &ChunkRef| Ok::<_, Error>(repository.stored_bytes(&chunk.id)?.is_some());
        Ok(match (is_there(healthy)?, current == healthy) {
            (true, true) => Self::Sound,
            (true, false) => Self::Healed,
            (false, true) => Self::NewlyMissing,
            (false, false) if is_there(current)? => Self::StillMissing,
            (false, false) => Self::ReplacementMissing,
        })
    }
}

/// The list as it is, each chunk with what was in its place before any repair; and whether that is known.
pub(super) fn pairs<'i>(item: &Item<'i>) -> (impl Iterator<Item = (ChunkRef, ChunkRef)> + use<'i>, bool) {
    let current = item.chunks;
    let healthy = healthy(item);
    let pairs = current.into_iter().flat_map(move |current| current.iter().zip(healthy.unwrap_or(current).iter()));
    (pairs, healthy.is_some())
}

/// Chunks that no object is large enough for cannot be replaced.
pub(super) fn is_replaceable(chunk: &ChunkRef) -> bool {
    // What is added to zeros on their way into an object is less than they lose.
    (chunk.size as usize) < DATA_BYTES_MOST
}

/// Tells what there is to tell of an item's chunks; gives whether a repair has something to change.
pub(super) fn examine(
    repository: &dyn Repository,
    findings: &Findings<'_>,
    archive: &str,
    item: &Item<'_>,
    references: &mut Option<References<'_>>,
) -> Result<bool, Error> {
    if item.chunks.is_none() {
        return Ok(false);
    }
    let place = format!("{archive}: {}", String::from_utf8_lossy(item.path));
    let mut changes = false;
    if item.chunks_healthy.is_some() && healthy(item).is_none() {
        let remedy = findings.remedy("would be removed with --repair!", "removed!");
        findings.remark(&format!("{place}: Invalid chunks_healthy metadata {remedy}"));
        changes = true;
    }
    let (pairs, was_repaired) = pairs(item);
    let (mut offset, mut is_whole) = (0u64, true);
    for (current, healthy) in pairs {
        let verdict = Verdict::of(repository, &current, &healthy)?;
        tell(findings, &place, offset, verdict, &current, &healthy);
        is_whole &= matches!(verdict, Verdict::Sound | Verdict::Healed);
        changes |= match verdict {
            Verdict::Sound | Verdict::StillMissing => false,
            Verdict::Healed => true,
            Verdict::NewlyMissing | Verdict::ReplacementMissing => is_replaceable(&healthy),
        };
        if let Some(references) = references {
            match verdict {
                Verdict::Sound => references.used(&healthy.id)?,
                Verdict::StillMissing => references.used(&current.id)?,
                Verdict::NewlyMissing | Verdict::ReplacementMissing => {}
                Verdict::Healed => {
                    references.used(&healthy.id)?;
                    references.superseded(&current.id)?;
                }
            }
        }
        offset += u64::from(healthy.size);
    }
    if was_repaired && is_whole {
        let remedy = findings
            .remedy("Would completely heal damaged file with --repair!", "Completely healed previously damaged file!");
        findings.information(&format!("{place}: {remedy}"));
        changes = true;
    }
    if let Some(size) = item.size
        && size != offset
    {
        findings.remark(&format!("{place}: size inconsistency detected: size {size}, chunks size {offset}"));
    }
    Ok(changes)
}

fn healthy<'i>(item: &Item<'i>) -> Option<Chunks<'i>> {
    let current = item.chunks?;
    item.chunks_healthy.filter(|healthy| healthy.len() == current.len())
}

fn tell(findings: &Findings<'_>, place: &str, offset: u64, verdict: Verdict, current: &ChunkRef, healthy: &ChunkRef) {
    let range = |chunk: &ChunkRef| format!("(Byte {offset}-{}, Chunk {})", offset + u64::from(chunk.size), chunk.id);
    if matches!(verdict, Verdict::NewlyMissing | Verdict::ReplacementMissing) && !is_replaceable(healthy) {
        let range = range(healthy);
        findings.defect(&format!("{place}: Missing file chunk is too large to be replaced {range}."));
        return;
    }
    match verdict {
        Verdict::Sound => {}
        Verdict::Healed => {
            let remedy = findings
                .remedy("Missing file chunk would be healed with --repair!", "Healed previously missing file chunk!");
            findings.information(&format!("{place}: {remedy} {}", range(healthy)));
        }
        Verdict::NewlyMissing => {
            let remedy = findings
                .remedy("Would replace it with all-zero chunk with --repair.", "Replacing with all-zero chunk.");
            findings.defect(&format!("{place}: New missing file chunk detected {}. {remedy}", range(healthy)));
        }
        Verdict::StillMissing | Verdict::ReplacementMissing => findings.information(&format!(
            "{place}: Previously missing file chunk is still missing {}. It has an all-zero replacement chunk already.",
            range(healthy)
        )),
    }
    if verdict == Verdict::ReplacementMissing {
        let remedy =
            findings.remedy("Would generate new replacement chunk with --repair.", "Generating new replacement chunk.");
        // As a warning, yet it fails the check.
        findings.fail();
        let range = range(current);
        findings.remark(&format!("{place}: Missing all-zero replacement chunk detected {range}. {remedy}"));
    }
}
