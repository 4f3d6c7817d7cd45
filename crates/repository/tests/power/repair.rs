//! Repair of damaged segments: what is whole survives, whatever interrupts it.

use std::path::{Path, PathBuf};

use nanoprobe_repository::{CheckMode, CheckOptions, CheckReport, Error, Repository};

use crate::world::{Objects, assert_sound, change, contents, create, open};
use nanoprobe_simulator::{Disk, MODELS, Random, Trouble};

/// A disk with a repository that has seen a few transactions, and its segments, by number.
pub(crate) fn filled(path: &Path, seed: u64) -> (Disk, Objects) {
    let disk = Disk::new();
    create(&disk, path).unwrap().close().unwrap();
    let mut objects = Objects::default();
    for transaction in 0..6 {
        let repository = open(&disk, path).unwrap();
        objects = change(&repository, &objects, seed + transaction).map_err(|(_, error)| error).unwrap();
        repository.close().unwrap();
    }
    disk.settle();
    (disk, objects)
}

fn segments(disk: &Disk) -> Vec<(String, Vec<u8>)> {
    let number = |name: &str| name.rsplit('/').next().and_then(|number| number.parse::<u32>().ok());
    let mut segments: Vec<_> = disk.files().into_iter().filter(|(name, _)| name.contains("/data/")).collect();
    segments.sort_by_key(|(name, _)| number(name));
    segments
}

fn repair(disk: &Disk, path: &Path) -> Result<Vec<String>, Error> {
    let repository = open(disk, path)?;
    let mut defects = Vec::new();
    let options = CheckOptions { mode: CheckMode::Repair, ..CheckOptions::default() };
    let sound = repository.check(&options, &mut |report| {
        if let CheckReport::Defect(text) = report {
            defects.push(text.to_owned());
        }
    })?;
    assert!(sound);
    repository.close()?;
    Ok(defects)
}

/// Everything after a repair; what is left is what was there, or older.
fn repaired(disk: &Disk, path: &Path, context: &str) -> Objects {
    let repository = open(disk, path).unwrap_or_else(|error| panic!("{context}: {error}"));
    let found = contents(&repository).unwrap_or_else(|error| panic!("{context}: {error}"));
    assert_sound(&repository, context);
    repository.close().unwrap();
    found
}

/// One of the ways in which segments are damaged.
fn damage(disk: &Disk, way: usize, random: &mut Random) -> String {
    let segments = segments(disk);
    let (name, bytes) = &segments[random.below(segments.len() as u64) as usize];
    let mut bytes = bytes.clone();
    let place = random.below(bytes.len() as u64) as usize;
    match way % 6 {
        0 => bytes[place] ^= 1 << random.below(8),
        1 => bytes.truncate(place),
        2 => bytes[place..].iter_mut().take(512).for_each(|byte| *byte = 0),
        3 => {
            return {
                disk.damage(name, None);
                format!("{name} is gone")
            };
        }
        4 => bytes.clear(),
        _ => drop(bytes.splice(place..place, [7; 33])),
    }
    disk.damage(name, Some(bytes));
    format!("{name}, way {way}, place {place}")
}

#[test]
fn a_sound_repository_is_not_touched() {
    for seed in 0..4 {
        let path = PathBuf::from("/sound");
        let (disk, _) = filled(&path, 100 * seed);
        let before = disk.files();
        assert_eq!(repair(&disk, &path).unwrap(), Vec::<String>::new());
        assert!(disk.files() == before);
    }
}

#[test]
fn what_is_whole_survives_and_a_second_repair_finds_nothing() {
    let path = PathBuf::from("/damaged");
    let mut random = Random(1);
    for round in 0..120 {
        let (disk, objects) = filled(&path, 1000 + round % 5);
        let many = 1 + round as usize % 3;
        let context: Vec<String> =
            (0..many).map(|number| damage(&disk, round as usize + number, &mut random)).collect();
        let context = format!("round {round}: {context:?}");
        repair(&disk, &path).unwrap_or_else(|error| panic!("{context}: {error}"));
        let found = repaired(&disk, &path, &context);
        let same = objects.0.iter().filter(|(number, object)| found.0.get(number) == Some(object)).count();
        // A damage of 512 bytes, or a segment of 3000, hits only so many objects.
        assert!(same + 20 * many >= objects.0.len(), "{context}: {same} of {} objects", objects.0.len());
        let before = disk.files();
        assert_eq!(repair(&disk, &path).unwrap(), Vec::<String>::new(), "{context}");
        assert!(disk.files() == before, "{context}");
    }
}

#[test]
fn the_newest_transaction_survives_the_loss_of_its_commit() {
    let path = PathBuf::from("/commit");
    for way in [0, 1, 3, 4] {
        let (disk, objects) = filled(&path, 2000);
        let (name, mut bytes) = segments(&disk).pop().unwrap();
        match way {
            0 => bytes[10] ^= 1,
            1 => bytes.truncate(12),
            _ => bytes.clear(),
        }
        disk.damage(&name, Some(bytes).filter(|_| way != 3));
        assert!(!repair(&disk, &path).unwrap().is_empty());
        assert_eq!(repaired(&disk, &path, "without its COMMIT"), objects, "way {way}");
    }
}

#[test]
fn no_power_cut_during_repair_loses_more_than_the_damage_did() {
    let path = PathBuf::from("/repair");
    let (mut states, mut random) = (0, Random(3));
    for round in 0..12 {
        let (disk, _) = filled(&path, 3000 + round);
        let context = [damage(&disk, round as usize, &mut random), damage(&disk, round as usize + 3, &mut random)];
        let whole = disk.copy();
        repair(&whole, &path).unwrap();
        let calls = whole.calls();
        let expected = repaired(&whole, &path, "whole");
        for call in (1 + random.below(9)..=calls).step_by((calls / 9).max(1) as usize) {
            let cut = disk.copy();
            cut.schedule(call, Trouble::PowerCut);
            let _ = repair(&cut, &path);
            for model in MODELS {
                let found = cut.after_power_cut(model, &mut random);
                let context = format!("round {round}, {context:?}, call {call}, {model:?}");
                repair(&found, &path).unwrap_or_else(|error| panic!("{context}: {error}"));
                assert!(repaired(&found, &path, &context) == expected, "{context}");
                states += 1;
            }
        }
    }
    println!("{states} states after a power cut during repair");
}
