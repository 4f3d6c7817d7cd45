//! The list of archives: from the manifest, or, when that is lost, from every object that is an archive's metadata.

use nanoprobe_archive::{ArchiveMetadata, Error as ArchiveError, FeatureOperation, Manifest, ManifestEntry};
use nanoprobe_format::Id;
use nanoprobe_key::Key;
use nanoprobe_repository::{CheckMode, Repository};

use super::{
    damage::{describe, describe_archive, is_damage, is_integrity},
    findings::Findings,
};
use crate::{Error, Event, Interrupt};

/// Ids that are listed at a time.
const BATCH: usize = 1000;
/// What packed archive metadata holds, so that most objects need no closer look.
const SIGNS: [&[u8]; 2] = [b"cmdline", b"\xa7version\x01"];

/// Where the list of archives comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Stored,
    Rebuilt,
}

/// Opens the manifest; without one, or with a damaged one, the archives are looked for.
pub(super) fn open_or_rebuild(
    repository: &dyn Repository,
    key: &mut Key,
    findings: &Findings<'_>,
    interrupt: &Interrupt,
) -> Result<(Manifest, Origin), Error> {
    if repository.stored_bytes(&Id::MANIFEST)?.is_none() {
        findings.defect("Repository manifest not found!");
        return Ok((rebuild(repository, key, findings, interrupt)?, Origin::Rebuilt));
    }
    let mut object = Vec::new();
    let opened = match repository.get(&Id::MANIFEST, &mut object) {
        Ok(()) => Manifest::open(&object, key, &mut key.opener()),
        Err(error) => Err(error.into()),
    };
    match opened {
        Ok(manifest) => {
            manifest.require(FeatureOperation::Check)?;
            Ok((manifest, Origin::Stored))
        }
        Err(error) if is_damage(&error) => {
            findings.defect(&format!("Repository manifest is corrupted: {}", describe_archive(&error)));
            Ok((rebuild(repository, key, findings, interrupt)?, Origin::Rebuilt))
        }
        Err(error) => Err(error.into()),
    }
}

fn rebuild(
    repository: &dyn Repository,
    key: &mut Key,
    findings: &Findings<'_>,
    interrupt: &Interrupt,
) -> Result<Manifest, Error> {
    const OPERATION: &str = "check.rebuild_manifest";
    findings.information("Rebuilding missing manifest, this might take some time...");
    let total = repository.totals()?.objects;
    let mut manifest = Manifest::create();
    let mut opener = key.opener();
    let (mut ids, mut object, mut data) = (Vec::new(), Vec::new(), Vec::new());
    let (mut after, mut done) = (None, 0);
    loop {
        ids.clear();
        repository.list(after.as_ref(), BATCH, &mut ids)?;
        let Some(last) = ids.last() else { break };
        after = Some(*last);
        for id in ids.iter().filter(|id| **id != Id::MANIFEST) {
            if interrupt.requested() {
                return Err(Error::Interrupted);
            }
            done += 1;
            findings.monitor.event(Event::Progress { operation: OPERATION, done, total, information: b"" });
            match repository.get(id, &mut object) {
                Ok(()) => {}
                Err(error) if is_integrity(&error) => {
                    findings.defect(&format!("Skipping corrupted chunk: {error}"));
                    continue;
                }
                Err(error) => return Err(error.into()),
            }
            // Without the manifest, the objects say which counter blocks are used up.
            key.note_object(&object);
            if let Err(error) = opener.open_in_place(Some(id), &mut object, &mut data) {
                findings.defect(&format!("Skipping corrupted chunk: {}", describe(&error)));
            } else if SIGNS.iter().all(|sign| data.windows(sign.len()).any(|window| window == *sign)) {
                add_archive(repository, key, id, &mut manifest, findings);
            }
        }
    }
    findings.monitor.event(Event::ProgressFinished { operation: OPERATION });
    findings.information("Manifest rebuild complete.");
    if findings.mode == CheckMode::Examine {
        findings.remark("The rebuilt manifest will only be committed when using --repair!");
    }
    Ok(manifest)
}

/// Adds the archive whose metadata `id` is, if it is one.
fn add_archive(repository: &dyn Repository, key: &Key, id: &Id, manifest: &mut Manifest, findings: &Findings<'_>) {
    let opened = ArchiveMetadata::open(repository, key, &mut key.opener(), id)
        .and_then(|metadata| metadata.require_authentic(key).map(|()| metadata));
    match opened {
        Ok(metadata) => {
            findings.information(&format!("Found archive {}", metadata.name));
            let mut name = metadata.name.clone();
            let mut number = 1;
            while manifest.archive(&name).is_some() {
                name = format!("{}.{number}", metadata.name);
                number += 1;
            }
            if number > 1 {
                findings.remark(&format!("Duplicate archive name {}, storing as {name}", metadata.name));
            }
            manifest.insert(ManifestEntry { name, id: *id, time: metadata.time });
        }
        Err(error @ (ArchiveError::ArchiveTamInvalid | ArchiveError::ArchiveUnauthenticated(_))) => {
            let name = match &error {
                ArchiveError::ArchiveUnauthenticated(name) => name.as_str(),
                _ => "<unknown>",
            };
            findings.defect(&format!("Archive TAM authentication issue for archive {name}: {error}"));
            findings.defect("This archive will *not* be added to the rebuilt manifest! It will be deleted.");
        }
        // File data that looks like metadata.
        Err(_) => {}
    }
}
