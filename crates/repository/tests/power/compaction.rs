//! Compaction, alone and between transactions.

use std::path::{Path, PathBuf};

use nanoprobe_repository::fs::FileSystem;
use nanoprobe_repository::{CommitSegments, CompactOptions, Error, Repository};

use crate::world::{Objects, assert_sound, change, compact, contents, create, id, open, recover};
use nanoprobe_simulator::{Disk, MODELS, Random, Trouble};

const THRESHOLDS: [i64; 4] = [10, 0, 60, 10];

fn options(threshold_percent: i64) -> CompactOptions {
    CompactOptions { threshold_percent, ..CompactOptions::default() }
}

/// The disks before each compaction, what they hold, the threshold, and the number of calls.
fn stages(path: &Path, seed: u64) -> Vec<(Disk, Objects, i64, u64)> {
    let mut disk = Disk::new();
    create(&disk, path).unwrap().close().unwrap();
    let mut objects = Objects::default();
    let mut stages = Vec::new();
    for (round, threshold) in THRESHOLDS.into_iter().enumerate() {
        for transaction in 0..4 {
            let repository = open(&disk, path).unwrap();
            let seed = seed + 10 * round as u64 + transaction;
            objects = change(&repository, &objects, seed).map_err(|(_, error)| error).unwrap();
            repository.close().unwrap();
        }
        let before = disk.copy();
        disk = disk.copy();
        let repository = open(&disk, path).unwrap();
        compact(&repository, &options(threshold)).unwrap();
        assert_eq!(contents(&repository).unwrap(), objects);
        assert_sound(&repository, "after compaction");
        repository.close().unwrap();
        stages.push((before, objects.clone(), threshold, disk.calls()));
    }
    stages
}

/// Removes everything but the log.
fn forget_index(disk: &Disk, path: &Path) {
    for name in disk.list(path).unwrap().into_iter().map(|entry| entry.name) {
        if ["index.", "hints.", "integrity."].iter().any(|start| name.starts_with(start)) {
            disk.remove(&path.join(name)).unwrap();
        }
    }
}

/// After trouble the log alone tells the same, and compaction and transactions go on.
fn recover_all(disk: &Disk, path: &Path, objects: &Objects, context: &str) {
    let log = disk.copy();
    forget_index(&log, path);
    let repository = open(&log, path).unwrap_or_else(|error| panic!("{context}: {error}"));
    assert!(contents(&repository).unwrap() == *objects, "{context}: the log tells something else");
    repository.close().unwrap();

    let repository = open(disk, path).unwrap_or_else(|error| panic!("{context}: {error}"));
    assert!(contents(&repository).unwrap() == *objects, "{context}: other objects");
    compact(&repository, &options(0)).unwrap_or_else(|error| panic!("{context}: {error}"));
    repository.close().unwrap();
    recover(disk, path, objects, objects, context);
}

#[test]
fn no_power_cut_during_compaction_loses_anything() {
    assert!(cut_everywhere(5000) >= 1_200);
}

#[test]
fn no_power_cut_during_compaction_loses_anything_in_another_run() {
    assert!(cut_everywhere(6000) >= 1_200);
}

fn cut_everywhere(seed: u64) -> u64 {
    let path = PathBuf::from(format!("/compaction{seed}"));
    let mut states = 0;
    for (number, (disk, objects, threshold, calls)) in stages(&path, seed).into_iter().enumerate() {
        // Every call makes many more states than a test has time for.
        let step = if std::env::var_os("NANOPROBE_EVERY_CALL").is_some() { 1 } else { (calls / 40).max(1) };
        for call in (1 + Random(seed + number as u64).below(step)..=calls).step_by(step as usize) {
            let cut = disk.copy();
            cut.schedule(call, Trouble::PowerCut);
            let _ = open(&cut, &path).map(|repository| compact(&repository, &options(threshold)));
            for model in MODELS {
                let mut random = Random(seed ^ call << 8);
                let found = cut.after_power_cut(model, &mut random);
                let context = format!("seed {seed}, compaction {number}, call {call}, {model:?}");
                if call.is_multiple_of(5) {
                    // The power goes again, while compaction is tried again.
                    let again = found.copy();
                    again.schedule(1 + random.below(calls), Trouble::PowerCut);
                    let _ = open(&again, &path).map(|repository| compact(&repository, &options(0)));
                    recover_all(&again.after_power_cut(model, &mut random), &path, &objects, &context);
                }
                recover_all(&found, &path, &objects, &context);
                states += 1;
            }
        }
    }
    println!("seed {seed}: {states} states after a power cut during compaction");
    states
}

#[test]
fn no_failing_call_panics_or_loses() {
    let path = PathBuf::from("/failing");
    let mut states = 0;
    for (number, (disk, objects, threshold, calls)) in stages(&path, 7000).into_iter().enumerate().skip(1).step_by(2) {
        for call in (1..=calls).step_by(3) {
            for code in [5, 28] {
                let failing = disk.copy();
                failing.schedule(call, Trouble::Failure(code));
                let _ = open(&failing, &path).map(|repository| compact(&repository, &options(threshold)));
                let context = format!("compaction {number}, call {call}, errno {code}");
                recover_all(&failing.copy(), &path, &objects, &context);
                states += 1;
            }
        }
    }
    println!("{states} failing calls during compaction");
}

#[test]
fn what_gains_nothing_writes_nothing() {
    let path = PathBuf::from("/again");
    for seed in 8000..8010 {
        let (disk, ..) = stages(&path, seed).pop().unwrap();
        let repository = open(&disk, &path).unwrap();
        compact(&repository, &options(0)).unwrap();
        let once = disk.files();
        compact(&repository, &options(0)).unwrap();
        compact(&repository, &CompactOptions { commit_segments: CommitSegments::CleanUp, ..options(0) }).unwrap();
        assert!(disk.files() == once, "seed {seed}");
    }
}

#[test]
fn of_what_is_deleted_nothing_is_left() {
    let path = PathBuf::from("/deleted");
    let (disk, objects, ..) = stages(&path, 9000).pop().unwrap();
    let repository = open(&disk, &path).unwrap();
    objects.0.keys().filter(|&&number| number > 0).for_each(|&number| repository.delete(&id(number)).unwrap());
    repository.commit().unwrap();
    compact(&repository, &options(0)).unwrap();
    let segments: Vec<usize> =
        disk.files().iter().filter(|(name, _)| name.contains("/data/")).map(|(_, bytes)| bytes.len()).collect();
    // The manifest, the COMMIT, and, as with Borg, a few DELETEs of ids that were deleted twice.
    assert!(segments.contains(&(8 + 41 + 8)) && segments.contains(&17), "{segments:?}");
    assert!(segments.iter().sum::<usize>() < 1000, "{segments:?}");
    assert_eq!(contents(&repository).unwrap().0.len(), 1);
    assert_sound(&repository, "all deleted");
}

#[test]
fn below_the_threshold_nothing_is_touched() {
    let path = PathBuf::from("/threshold");
    let (disk, objects, ..) = stages(&path, 9500).pop().unwrap();
    let repository = open(&disk, &path).unwrap();
    let before = disk.files();
    compact(&repository, &options(100)).unwrap();
    assert!(disk.files() == before);
    assert_eq!(contents(&repository).unwrap(), objects);
}

#[test]
fn a_damaged_segment_stops_it_and_is_left_alone() {
    let path = PathBuf::from("/damaged");
    let (disk, objects, ..) = stages(&path, 9600).pop().unwrap();
    let repository = open(&disk, &path).unwrap();
    let damaged = damage_a_live_object(&disk);
    let before = disk.files()[&damaged].clone();
    let error = compact(&repository, &options(0)).unwrap_err();
    assert!(matches!(error, Error::Integrity(_)), "{error}");
    repository.close().unwrap();
    assert_eq!(disk.files()[&damaged], before);
    let repository = open(&disk, &path).unwrap();
    let mut object = Vec::new();
    let lost = objects
        .0
        .iter()
        .filter(|(number, expected)| repository.get(&id(**number), &mut object).is_err() || object != **expected);
    assert_eq!(lost.count(), 1);
}

/// Flips a bit in the data of the last entry of some sparse segment with data; its path.
fn damage_a_live_object(disk: &Disk) -> String {
    let files = disk.files();
    let fits = |name: &str, bytes: &[u8]| name.contains("/data/") && bytes.len() > 2500;
    let (name, bytes) = files.iter().rev().find(|(name, bytes)| fits(name, bytes)).unwrap();
    use nanoprobe_repository::fs::Access;
    let file = disk.open(Path::new(name), Access::Write).unwrap();
    let place = bytes.len() - 1;
    file.write_at(&[std::io::IoSlice::new(&[bytes[place] ^ 4])], place as u64).unwrap();
    name.clone()
}
