//! A small repository with one thing wrong: every bit flipped, every length cut, pages zeroed, older files put back.
//!
//! Whatever it is: nothing panics, no object comes back with other bytes, and what is lost is named by `check`. A sample of the
//! bits is taken that takes seconds; with `NANOPROBE_EVERY_BIT` set, all are.

use std::path::{Path, PathBuf};

use nanoprobe_repository::{CheckOptions, CheckReport, Repository};

use crate::world::{Objects, change, create, id, open};
use nanoprobe_simulator::{Disk, Random};

/// Files that are not the repository's contents: nothing in them can make an object wrong.
const OTHER_FILES: [&str; 2] = ["/README", "/nonce"];

#[derive(Debug, Default)]
struct Counts {
    cases: u64,
    refused: u64,
    named: u64,
    /// Reading was refused until the check had made the index anew.
    mended: u64,
    harmless: u64,
}

fn filled(path: &Path) -> (Disk, Disk, Objects) {
    let disk = Disk::new();
    create(&disk, path).unwrap().close().unwrap();
    let mut objects = Objects::default();
    let mut older = disk.copy();
    for transaction in 0..3 {
        disk.settle();
        older = disk.copy();
        let repository = open(&disk, path).unwrap();
        objects = change(&repository, &objects, 50 + transaction).map_err(|(_, error)| error).unwrap();
        repository.close().unwrap();
    }
    disk.settle();
    let bytes: usize = disk.files().values().map(Vec::len).sum();
    assert!(bytes <= 64 << 10, "{bytes} bytes");
    (disk, older, objects)
}

/// Reads everything, then checks; what is wrong must not stay unnoticed.
fn examine(disk: &Disk, path: &Path, objects: &Objects, counts: &mut Counts, context: &str) {
    counts.cases += 1;
    let Ok(repository) = open(disk, path) else {
        counts.refused += 1;
        return;
    };
    let mut object = Vec::new();
    let mut lost = || {
        let mut lost = 0;
        for (&number, expected) in &objects.0 {
            match repository.get(&id(number), &mut object) {
                Ok(()) => assert!(object == *expected, "{context}: object {number} comes back with other bytes"),
                Err(_) => lost += 1,
            }
        }
        lost
    };
    let before = lost();
    let mut defects = 0;
    let sound = repository.check(&CheckOptions::default(), &mut |report| {
        defects += u64::from(matches!(report, CheckReport::Defect(_)));
    });
    match sound {
        Ok(true) => {
            // A damaged index was refused, and made anew for the check.
            assert!(lost() == 0, "{context}: objects are lost and check names nothing");
            if before == 0 { counts.harmless += 1 } else { counts.mended += 1 }
        }
        Ok(false) => {
            assert!(defects > 0, "{context}");
            counts.named += 1;
        }
        Err(_) => counts.refused += 1,
    }
}

fn changed(disk: &Disk, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> Disk {
    let disk = disk.copy();
    let mut bytes = disk.files().remove(name).unwrap();
    change(&mut bytes);
    disk.damage(name, Some(bytes));
    disk
}

#[test]
fn no_flipped_bit_goes_unnoticed() {
    let path = PathBuf::from("/flips");
    let (disk, _, objects) = filled(&path);
    let files = disk.files();
    let bits: u64 = files.values().map(|bytes| bytes.len() as u64 * 8).sum();
    let step = if std::env::var_os("NANOPROBE_EVERY_BIT").is_some() { 1 } else { bits / 3600 };
    let (mut counts, mut random) = (Counts::default(), Random(11));
    let mut next = random.below(step);
    for (name, bytes) in &files {
        // A bit in a small file is as likely to be tried as one in the large index.
        let step = if bytes.len() > 8192 { step * 4 } else { step.div_ceil(4) };
        while next < bytes.len() as u64 * 8 {
            let (place, bit) = ((next / 8) as usize, next % 8);
            let flipped = changed(&disk, name, |bytes| bytes[place] ^= 1 << bit);
            examine(&flipped, &path, &objects, &mut counts, &format!("{name}, byte {place}, bit {bit}"));
            next += if step == 1 { 1 } else { 1 + random.below(2 * step - 1) };
        }
        next -= bytes.len() as u64 * 8;
    }
    println!("{bits} bits: {counts:?}");
}

#[test]
fn no_lost_piece_goes_unnoticed() {
    let path = PathBuf::from("/pieces");
    let (disk, older, objects) = filled(&path);
    let (files, old) = (disk.files(), older.files());
    let every = std::env::var_os("NANOPROBE_EVERY_BIT").is_some();
    let (mut cuts, mut zeroes, mut ages) = (Counts::default(), Counts::default(), Counts::default());
    for (name, bytes) in &files {
        let step = if every { 1 } else { (bytes.len() / 25).max(1) };
        for length in (0..bytes.len()).step_by(step) {
            let cut = changed(&disk, name, |bytes| bytes.truncate(length));
            examine(&cut, &path, &objects, &mut cuts, &format!("{name} cut to {length}"));
        }
        for page in (0..bytes.len()).step_by(4096) {
            let zeroed = changed(&disk, name, |bytes| bytes[page..].iter_mut().take(4096).for_each(|byte| *byte = 0));
            examine(&zeroed, &path, &objects, &mut zeroes, &format!("{name} zeroed at {page}"));
        }
        let gone = disk.copy();
        gone.damage(name, None);
        // That a whole segment is missing shows in the index only.
        examine(&gone, &path, &objects, &mut ages, &format!("{name} gone"));
        // The transaction before had other numbers, so only files that keep their name have an older version.
        if let Some(before) = old.get(name).filter(|_| !OTHER_FILES.iter().any(|other| name.ends_with(other))) {
            let put_back = changed(&disk, name, |bytes| bytes.clone_from(before));
            examine(&put_back, &path, &objects, &mut ages, &format!("{name} of before"));
        }
    }
    println!("cut: {cuts:?}\nzeroed: {zeroes:?}\ngone or older: {ages:?}");
}
