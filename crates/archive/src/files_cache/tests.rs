//! The files cache against a map, through damage, and its order against sorted trees.

use std::{collections::BTreeMap, fs, path::PathBuf};

use nanoprobe_format::{ChunkRef, Id};
use proptest::prelude::*;

use super::*;

fn place(directory: &tempfile::TempDir) -> PathBuf {
    directory.path().join("files")
}

fn chunks(seed: u64, count: usize) -> Vec<ChunkRef> {
    (0..count as u64)
        .map(|number| {
            let mut id = [0; 32];
            id[..8].copy_from_slice(&(seed * 1000 + number).to_le_bytes());
            ChunkRef { id: Id(id), size: (seed as u32).wrapping_mul(77) + number as u32, csize: 0 }
        })
        .collect()
}

fn entry<'a>(path: &'a [u8], seed: u64, chunks: &'a [ChunkRef], xattrs: &'a [u8]) -> FilesCacheEntry<'a> {
    let extended = (!seed.is_multiple_of(3)).then_some(Extended {
        bsdflags: seed % 2,
        xattrs,
        acl_access: b"",
        acl_default: b"x",
    });
    let (mtime, ctime) = (-(seed as i64), seed as i64);
    FilesCacheEntry {
        path,
        age: 0,
        size: seed << 20,
        inode: seed,
        mtime,
        ctime,
        extended,
        cut_by: if chunks.len() > 1 { seed as u32 } else { 0 },
        chunks: CachedChunks::Refs(chunks),
    }
}

fn write(place: &std::path::Path, files: &BTreeMap<Vec<u8>, u64>, newest: i64) {
    let mut paths: Vec<_> = files.iter().collect();
    paths.sort_by(|left, right| walk_order(left.0, right.0));
    let mut writer = FilesCacheWriter::create(place, b"/root", Clock::Ctime).unwrap();
    for (path, &seed) in paths {
        writer.write(&entry(path, seed, &chunks(seed, seed as usize % 5), b"attributes")).unwrap();
    }
    writer.finish(place, newest).unwrap();
}

proptest! {
    #[test]
    fn merging_equals_looking_up_in_a_map(
        old in prop::collection::btree_map("[ab./]{0,6}", 1u64..2000, 0..60),
        visited in prop::collection::btree_set("[ab./]{0,6}", 0..60),
        newest in 0i64..2500,
    ) {
        let directory = tempfile::tempdir().unwrap();
        let old: BTreeMap<Vec<u8>, u64> = old.into_iter().map(|(path, seed)| (path.into_bytes(), seed)).collect();
        write(&place(&directory), &old, newest);
        let mut visited: Vec<Vec<u8>> = visited.into_iter().map(String::into_bytes).collect();
        visited.sort_by(|left, right| walk_order(left, right));
        let mut reader = FilesCacheReader::open(&place(&directory), b"/root", FILES_CACHE_LIFETIME).unwrap();
        let mut kept = BTreeMap::new();
        let mut keep = |reader: &mut FilesCacheReader, path: Option<&[u8]>| {
            while let Some(entry) = reader.passed_over(path) {
                assert_eq!(entry.age, 1);
                kept.insert(entry.path.to_vec(), entry.inode);
            }
        };
        for path in &visited {
            keep(&mut reader, Some(path));
            let found = reader.lookup(path);
            match old.get(path) {
                None => prop_assert_eq!(found, Lookup::Unknown),
                Some(&seed) => {
                    let chunks = chunks(seed, seed as usize % 5);
                    let entry = entry(path, seed, &chunks, b"attributes");
                    prop_assert_eq!(found, Lookup::Known { entry, settled: (seed as i64) < newest });
                }
            }
        }
        keep(&mut reader, None);
        prop_assert!(!reader.is_damaged());
        let expected: BTreeMap<_, _> = old
            .into_iter()
            .filter(|(path, seed)| !visited.contains(path) && (*seed as i64) < newest)
            .collect();
        prop_assert_eq!(kept, expected);
    }

    #[test]
    fn walk_order_is_the_order_of_sorted_directories(paths in prop::collection::vec("[ab.-]{1,3}(/[ab.-]{1,3}){0,3}", 2)) {
        let components = |path: &str| path.split('/').map(|name| name.as_bytes().to_vec()).collect::<Vec<_>>();
        prop_assert_eq!(
            walk_order(paths[0].as_bytes(), paths[1].as_bytes()),
            components(&paths[0]).cmp(&components(&paths[1]))
        );
    }
}

#[test]
fn any_damage_is_noticed_and_nothing_wrong_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let place = place(&directory);
    let files: BTreeMap<Vec<u8>, u64> = (1..40).map(|seed| (format!("file-{seed:03}").into_bytes(), seed)).collect();
    write(&place, &files, 1000);
    let sound = fs::read(&place).unwrap();
    for position in 0..sound.len() {
        let mut bytes = sound.clone();
        bytes[position] ^= 1 << (position % 8);
        fs::write(&place, &bytes).unwrap();
        let mut reader = FilesCacheReader::open(&place, b"/root", FILES_CACHE_LIFETIME).unwrap();
        let told = reader.passed_over(None).is_some();
        assert!(reader.is_damaged() && !told, "byte {position}");
    }
    for length in (0..sound.len()).step_by(7) {
        fs::write(&place, &sound[..length]).unwrap();
        let mut reader = FilesCacheReader::open(&place, b"/root", FILES_CACHE_LIFETIME).unwrap();
        while let Some(entry) = reader.passed_over(None) {
            assert_eq!(files.get(entry.path), Some(&entry.inode));
        }
    }
}

#[test]
fn an_unfinished_cache_leaves_the_old_one() {
    let directory = tempfile::tempdir().unwrap();
    let place = place(&directory);
    write(&place, &[(b"a".to_vec(), 5)].into(), 1000);
    let mut writer = FilesCacheWriter::create(&place, b"/root", Clock::Ctime).unwrap();
    writer.write(&entry(b"b", 7, &[], b"")).unwrap();
    drop(writer);
    let mut reader = FilesCacheReader::open(&place, b"/root", FILES_CACHE_LIFETIME).unwrap();
    assert!(matches!(reader.lookup(b"a"), Lookup::Known { .. }));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    assert_eq!(FilesCacheReader::open(&place, b"/other", FILES_CACHE_LIFETIME).unwrap().lookup(b"a"), Lookup::Unknown);
}

/// As a kill leaves it: the writer is never dropped.
fn killed(place: &std::path::Path, paths: &[&str], after: &[&str]) {
    let mut writer = FilesCacheWriter::create(place, b"/root", Clock::Ctime).unwrap();
    paths.iter().for_each(|path| writer.write(&entry(path.as_bytes(), 7, &[], b"")).unwrap());
    writer.checkpoint(1000).unwrap();
    after.iter().for_each(|path| writer.write(&entry(path.as_bytes(), 9, &[], b"")).unwrap());
    std::mem::forget(writer);
}

fn inodes(place: &std::path::Path) -> Vec<(String, u64)> {
    let mut reader = FilesCacheReader::open(place, b"/root", FILES_CACHE_LIFETIME).unwrap();
    let mut found = Vec::new();
    while let Some(entry) = reader.passed_over(None) {
        found.push((String::from_utf8(entry.path.to_vec()).unwrap(), entry.inode));
    }
    assert!(!reader.is_damaged());
    found
}

#[test]
fn what_a_killed_run_saved_comes_before_the_old_cache() {
    let directory = tempfile::tempdir().unwrap();
    let place = place(&directory);
    let expect = |known: &[(&str, u64)]| {
        let found = inodes(&place);
        assert!(found.iter().map(|(path, inode)| (path.as_str(), *inode)).eq(known.iter().copied()), "{found:?}");
    };
    write(&place, &["a", "b", "c", "d"].map(|path| (path.into(), 5)).into(), 1000);
    killed(&place, &["a", "b-new"], &["c"]);
    expect(&[("a", 7), ("b-new", 7), ("c", 5), ("d", 5)]);
    // Killed again, before and after it got as far.
    killed(&place, &["a"], &[]);
    expect(&[("a", 7), ("b-new", 7), ("c", 5), ("d", 5)]);
    killed(&place, &["a", "b", "c-new", "c-newer"], &[]);
    expect(&[("a", 7), ("b", 7), ("c-new", 7), ("c-newer", 7), ("d", 5)]);
    // A torn end is no damage.
    let partial = place.with_extension("partial");
    let bytes = fs::read(&partial).unwrap();
    fs::write(&partial, [&bytes[..], &[1, 0, 0, 0, 7]].concat()).unwrap();
    expect(&[("a", 7), ("b", 7), ("c-new", 7), ("c-newer", 7), ("d", 5)]);
    // A run that comes to its end leaves nothing of that.
    write(&place, &[(b"z".to_vec(), 5)].into(), 1000);
    expect(&[("z", 5)]);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn entries_live_as_long_as_they_are_told_to() {
    let directory = tempfile::tempdir().unwrap();
    let place = place(&directory);
    write(&place, &[(b"a".to_vec(), 5)].into(), 1000);
    let kept = |lifetime| FilesCacheReader::open(&place, b"/root", lifetime).unwrap().passed_over(None).is_some();
    assert_eq!([0, 1, 2, 255].map(kept), [false, false, true, true]);
}
