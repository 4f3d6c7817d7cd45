//! Create, put, delete, commit and recovery.

use std::path::{Path, PathBuf};

use nanoprobe_repository::{LocalRepository, Repository};

use crate::world::{Objects, change, contents, create, open, recover};
use nanoprobe_simulator::{Disk, MODELS, Random, Trouble};

/// Transactions of a run.
const TRANSACTIONS: u64 = 8;

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
