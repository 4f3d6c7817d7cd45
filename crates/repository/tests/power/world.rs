//! Seeded repositories on a simulated disk, and what has to hold after trouble.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use nanoprobe_format::Id;
use nanoprobe_repository::{
    CheckOptions, CheckReport, CompactOptions, CreateOptions, Error, LocalRepository, OpenOptions, Repository,
};

use nanoprobe_simulator::{Disk, Random};

/// What a repository holds: ids by number.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Objects(pub(crate) BTreeMap<u64, Vec<u8>>);

pub(crate) fn open(disk: &Disk, path: &Path) -> Result<LocalRepository, Error> {
    let options = OpenOptions {
        host_id: Some("box@1".to_owned()),
        index_delta_entries: 16,
        file_system: Arc::new(disk.clone()),
        ..OpenOptions::default()
    };
    LocalRepository::open(path, options)
}

pub(crate) fn create(disk: &Disk, path: &Path) -> Result<LocalRepository, Error> {
    let options = OpenOptions {
        host_id: Some("box@1".to_owned()),
        file_system: Arc::new(disk.clone()),
        ..OpenOptions::default()
    };
    let create = CreateOptions { file_system: Arc::new(disk.clone()), ..CreateOptions::default() };
    let repository = LocalRepository::create(path, &create, options)?;
    // Small segments and directories, so that a transaction crosses both.
    repository.change_config(|config| {
        config.set("max_segment_size", "3000");
        config.set("segments_per_dir", "4");
    })?;
    Ok(repository)
}

pub(crate) fn id(number: u64) -> Id {
    let mut id = Id([0; 32]);
    if number > 0 {
        id.0.chunks_mut(8)
            .zip(1..)
            .for_each(|(part, salt)| part.copy_from_slice(&Random(number * salt).next().to_le_bytes()));
    }
    id
}

/// One seeded transaction on `objects`; what they are once it is committed.
pub(crate) fn change(repository: &LocalRepository, objects: &Objects, seed: u64) -> Result<Objects, (Objects, Error)> {
    let mut random = Random(seed);
    let mut after = objects.clone();
    let mut attempt = || {
        // A repository's first transaction holds its manifest alone.
        let changes = if after.0.is_empty() { 0 } else { 20 + random.below(10) };
        for _ in 0..changes {
            let number = 1 + random.below(30);
            if after.0.contains_key(&number) && random.below(3) == 0 {
                repository.delete(&id(number))?;
                after.0.remove(&number);
            } else {
                let object = vec![random.next() as u8; random.below(600) as usize];
                repository.put(&id(number), &object)?;
                after.0.insert(number, object);
            }
        }
        let manifest = seed.to_le_bytes().to_vec();
        repository.put(&Id::MANIFEST, &manifest)?;
        after.0.insert(0, manifest);
        repository.commit()
    };
    match attempt() {
        Ok(()) => Ok(after),
        Err(error) => Err((after, error)),
    }
}

pub(crate) fn contents(repository: &LocalRepository) -> Result<Objects, Error> {
    let mut ids = Vec::new();
    repository.list(None, usize::MAX, &mut ids)?;
    let mut objects = Objects::default();
    let mut object = Vec::new();
    for number in 0..=30 {
        if let Some(bytes) = repository.stored_bytes(&id(number))? {
            repository.get(&id(number), &mut object)?;
            assert_eq!(bytes as usize, object.len());
            assert!(ids.contains(&id(number)));
            objects.0.insert(number, object.clone());
        }
    }
    assert_eq!(ids.len(), objects.0.len());
    assert_eq!(repository.totals()?.objects as usize, objects.0.len());
    Ok(objects)
}

pub(crate) fn assert_sound(repository: &LocalRepository, context: &str) {
    let mut defects = Vec::new();
    let sound = repository.check(&CheckOptions::default(), &mut |report| {
        if let CheckReport::Defect(text) = report {
            defects.push(text.to_owned());
        }
    });
    assert!(sound.unwrap_or(false), "{context}: {defects:?}");
}

/// Recovers, and proves that the repository holds one of the two states and can go on.
pub(crate) fn recover(disk: &Disk, path: &Path, before: &Objects, after: &Objects, context: &str) {
    let repository = open(disk, path).unwrap_or_else(|error| panic!("{context}: {error}"));
    let found = contents(&repository).unwrap_or_else(|error| panic!("{context}: {error}"));
    assert!(found == *before || found == *after, "{context}: neither the old state nor the new");
    let next = change(&repository, &found, 99).unwrap_or_else(|(_, error)| panic!("{context}: {error}"));
    repository.close().unwrap_or_else(|error| panic!("{context}: {error}"));
    let repository = open(disk, path).unwrap_or_else(|error| panic!("{context}: {error}"));
    assert_eq!(contents(&repository).unwrap(), next, "{context}: after the next transaction");
    assert_sound(&repository, context);
}

/// Compacts without listening.
pub(crate) fn compact(repository: &LocalRepository, options: &CompactOptions) -> Result<(), Error> {
    repository.compact(options, &mut |_| ControlFlow::Continue(()))
}
