//! Power cuts and failing calls at every point of create, put, delete, commit and recovery: nothing that was committed
//! is ever lost, and nothing panics. The number of states is printed (`--nocapture`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nanoprobe_format::Id;
use nanoprobe_repository::{CheckOptions, CheckReport, CreateOptions, Error, LocalRepository, OpenOptions, Repository};

mod simulator;

use simulator::{Disk, MODELS, Random, Trouble};

/// What a repository holds: ids by number.
#[derive(Clone, Debug, Default, PartialEq)]
struct Objects(BTreeMap<u64, Vec<u8>>);

/// Transactions of a run.
const TRANSACTIONS: u64 = 8;

fn open(disk: &Disk, path: &Path) -> Result<LocalRepository, Error> {
    let options = OpenOptions {
        host_id: Some("box@1".to_owned()),
        index_delta_entries: 16,
        file_system: Arc::new(disk.clone()),
        ..OpenOptions::default()
    };
    LocalRepository::open(path, options)
}

fn create(disk: &Disk, path: &Path) -> Result<LocalRepository, Error> {
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

fn id(number: u64) -> Id {
    let mut id = Id([0; 32]);
    if number > 0 {
        id.0.chunks_mut(8)
            .zip(1..)
            .for_each(|(part, salt)| part.copy_from_slice(&Random(number * salt).next().to_le_bytes()));
    }
    id
}

/// One seeded transaction on `objects`; what they are once it is committed.
fn change(repository: &LocalRepository, objects: &Objects, seed: u64) -> Result<Objects, (Objects, Error)> {
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

fn contents(repository: &LocalRepository) -> Result<Objects, Error> {
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

fn assert_sound(repository: &LocalRepository, context: &str) {
    let mut defects = Vec::new();
    let sound = repository.check(&CheckOptions::default(), &mut |report| {
        if let CheckReport::Defect(text) = report {
            defects.push(text.to_owned());
        }
    });
    assert!(sound.unwrap_or(false), "{context}: {defects:?}");
}

/// Recovers, and proves that the repository holds one of the two states and can go on.
fn recover(disk: &Disk, path: &Path, before: &Objects, after: &Objects, context: &str) {
    let repository = open(disk, path).unwrap_or_else(|error| panic!("{context}: {error}"));
    let found = contents(&repository).unwrap_or_else(|error| panic!("{context}: {error}"));
    assert!(found == *before || found == *after, "{context}: neither the old state nor the new");
    let next = change(&repository, &found, 99).unwrap_or_else(|(_, error)| panic!("{context}: {error}"));
    repository.close().unwrap_or_else(|error| panic!("{context}: {error}"));
    let repository = open(disk, path).unwrap_or_else(|error| panic!("{context}: {error}"));
    assert_eq!(contents(&repository).unwrap(), next, "{context}: after the next transaction");
    assert_sound(&repository, context);
}

/// The disks before each transaction and what they hold, and the number of calls each transaction makes.
fn stages(path: &Path, seed: u64) -> Vec<(Disk, Objects, u64)> {
    let mut disk = Disk::new();
    create(&disk, path).unwrap().close().unwrap();
    let mut objects = Objects::default();
    let mut stages = Vec::new();
    for transaction in 0..TRANSACTIONS {
        let before = (disk.copy(), objects.clone());
        disk = disk.copy();
        let repository = open(&disk, path).unwrap();
        objects = change(&repository, &objects, seed + transaction).map_err(|(_, error)| error).unwrap();
        repository.close().unwrap();
        stages.push((before.0, before.1, disk.calls()));
    }
    stages
}

#[test]
fn no_power_cut_loses_what_was_committed() {
    assert!(cut_everywhere(1000) >= 5_000);
}

#[test]
fn no_power_cut_loses_what_was_committed_in_another_run() {
    assert!(cut_everywhere(2000) >= 5_000);
}

/// Cuts the power at every call of a run; the number of states that were recovered from.
fn cut_everywhere(seed: u64) -> u64 {
    let mut states = 0;
    let path = PathBuf::from(format!("/power{seed}"));
    for (number, (disk, before, calls)) in stages(&path, seed).into_iter().enumerate() {
        // Every call of the first and the last transaction, every third of the others.
        let step = if number == 0 || number as u64 == TRANSACTIONS - 1 { 1 } else { 3 };
        for call in (1..=calls).step_by(step) {
            let cut = disk.copy();
            cut.schedule(call, Trouble::PowerCut);
            let after = match open(&cut, &path).map(|repository| change(&repository, &before, seed + number as u64)) {
                Err(_) => before.clone(),
                Ok(Ok(after)) => after,
                Ok(Err((after, _))) => after,
            };
            for model in MODELS {
                let mut random = Random(seed ^ call << 8);
                let found = cut.after_power_cut(model, &mut random);
                let context = format!("seed {seed}, transaction {number}, call {call}, {model:?}");
                if call.is_multiple_of(5) {
                    // The power goes again while recovering.
                    let again = found.copy();
                    again.schedule(1 + random.below(120), Trouble::PowerCut);
                    let _ = open(&again, &path).map(|repository| contents(&repository));
                    recover(&again.after_power_cut(model, &mut random), &path, &before, &after, &context);
                }
                recover(&found, &path, &before, &after, &context);
                states += 1;
            }
        }
    }
    println!("seed {seed}: {states} states after a power cut");
    states
}

#[test]
fn a_commit_that_returned_is_durable() {
    let path = PathBuf::from("/returned");
    for (number, (disk, before, _)) in stages(&path, 3000).into_iter().enumerate() {
        let repository = open(&disk, &path).unwrap();
        let after = change(&repository, &before, 3000 + number as u64).map_err(|(_, error)| error).unwrap();
        for model in MODELS {
            let found = disk.after_power_cut(model, &mut Random(number as u64));
            recover(&found, &path, &after, &after, &format!("transaction {number}, {model:?}"));
        }
    }
}

#[test]
fn a_power_cut_while_the_key_changes_leaves_the_old_or_the_new_one() {
    let (path, old, new) = (Path::new("/key"), b"old key".repeat(60), b"new key".repeat(60));
    let disk = Disk::new();
    let repository = create(&disk, path).unwrap();
    repository.set_key_blob(&old).unwrap();
    repository.close().unwrap();
    let (disk, whole) = (disk.copy(), disk.copy());
    open(&whole, path).unwrap().set_key_blob(&new).unwrap();
    for call in 1..=whole.calls() {
        for trouble in [Trouble::PowerCut, Trouble::Failure(5), Trouble::Failure(28)] {
            let cut = disk.copy();
            cut.schedule(call, trouble);
            let changed = open(&cut, path).and_then(|repository| repository.set_key_blob(&new));
            for model in MODELS {
                let found = match trouble {
                    Trouble::PowerCut => cut.after_power_cut(model, &mut Random(call)),
                    Trouble::Failure(_) => cut.copy(),
                };
                let context = format!("call {call}, {trouble:?}, {model:?}");
                let repository = open(&found, path).unwrap_or_else(|error| panic!("{context}: {error}"));
                let key = repository.key_blob().unwrap();
                assert!(key == new || key == old && changed.is_err(), "{context}");
                repository.set_key_blob(&new).unwrap_or_else(|error| panic!("{context}: {error}"));
                drop(repository);
                assert_eq!(open(&found, path).and_then(|repository| repository.key_blob()).unwrap(), new);
            }
        }
    }
}

#[test]
fn no_failing_call_panics_or_loses() {
    let path = PathBuf::from("/failing");
    let mut states = 0;
    for (number, (disk, before, calls)) in
        stages(&path, 4000).into_iter().enumerate().filter(|(number, _)| number % 3 == 0)
    {
        for call in 1..=calls {
            for code in [5, 28] {
                let failing = disk.copy();
                failing.schedule(call, Trouble::Failure(code));
                let mut after = before.clone();
                if let Ok(repository) = open(&failing, &path) {
                    after = match change(&repository, &before, 4000 + number as u64) {
                        Ok(after) => after,
                        Err((after, _)) => {
                            let _ = repository.rollback();
                            after
                        }
                    };
                }
                let context = format!("transaction {number}, call {call}, errno {code}");
                assert!(failing.happened(), "{context}: never reached");
                recover(&failing.copy(), &path, &before, &after, &context);
                states += 1;
            }
        }
    }
    println!("{states} failing calls");
}

#[test]
fn a_power_cut_while_creating_panics_nowhere() {
    let whole = Disk::new();
    create(&whole, Path::new("/new")).unwrap().close().unwrap();
    for call in 1..whole.calls() {
        let disk = Disk::new();
        disk.schedule(call, Trouble::PowerCut);
        assert!(create(&disk, Path::new("/new")).and_then(LocalRepository::close).is_err());
        for model in MODELS {
            let found = disk.after_power_cut(model, &mut Random(call));
            if let Ok(repository) = open(&found, Path::new("/new")) {
                // What can be opened either works or lacks its data directory, which creation had not made durable.
                if let Err((_, error)) = change(&repository, &Objects::default(), 1) {
                    assert!(error.is_not_found(), "call {call}, {model:?}: {error}");
                }
            }
        }
    }
}
