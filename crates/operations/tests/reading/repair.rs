//! check --repair mends what is damaged, and only that; slices of time find what the whole finds.

use std::time::Duration;

use nanoprobe_archive::{ArchiveMetadata, ItemReader, Manifest, ManifestEntry};
use nanoprobe_format::{ChunkRef, Id, item::Item};
use nanoprobe_key::Mode;
use nanoprobe_operations::{
    Budget, Error, Interrupt,
    check::{Options, Outcome, Scope},
    select::ArchiveSelection,
};
use nanoprobe_repository::CheckMode;

use super::fixture::{Fixture, Heard, file};

fn repair() -> Options {
    Options { scope: Scope::Archives, mode: CheckMode::Repair, ..Options::default() }
}

fn defects(heard: Heard) -> Vec<String> {
    heard.defects.into_inner().expect("sound")
}

/// The repository as it is in the end: sound for who looks again.
fn assert_sound(fixture: &Fixture) {
    let options = Options { scope: Scope::Archives, verify_data: true, ..Options::default() };
    let (outcome, heard) = fixture.check(&options);
    assert_eq!(outcome, Outcome::Sound, "{:?}", defects(heard));
}

fn repaired(fixture: &Fixture, options: &Options) -> Vec<String> {
    fixture.session.repository.commit().expect("committed");
    let (outcome, heard) = fixture.check(options);
    assert_eq!(outcome, Outcome::Sound);
    defects(heard)
}

fn manifest(fixture: &Fixture) -> Manifest {
    let (mut object, key) = (Vec::new(), &fixture.session.key);
    fixture.session.repository.get(&Id::MANIFEST, &mut object).expect("a manifest");
    Manifest::open(&object, key, &mut key.opener()).expect("readable")
}

/// What is left of an archive: paths, lists of chunks, and lists as they were.
fn items(fixture: &Fixture, entry: &ManifestEntry) -> Vec<(String, Vec<ChunkRef>, Option<Vec<ChunkRef>>)> {
    let (repository, key) = (&*fixture.session.repository, &fixture.session.key);
    let metadata = ArchiveMetadata::open(repository, key, &mut key.opener(), &entry.id).expect("readable");
    let mut reader = ItemReader::new(repository, key.opener(), &metadata.items);
    let mut items = Vec::new();
    while let Some(item) = reader.next().expect("readable") {
        let path = String::from_utf8_lossy(item.path).into_owned();
        let list = |chunks: nanoprobe_format::item::Chunks<'_>| chunks.iter().collect::<Vec<_>>();
        items.push((path, item.chunks.map(list).unwrap_or_default(), item.chunks_healthy.map(list)));
    }
    items
}

fn ids(fixture: &Fixture) -> Vec<Id> {
    let mut ids = Vec::new();
    fixture.session.repository.list(None, usize::MAX, &mut ids).expect("listed");
    ids.sort_unstable_by_key(|id| id.0);
    ids
}

fn delete(fixture: &Fixture, id: &Id) {
    fixture.session.repository.delete(id).expect("deleted");
}

#[test]
fn what_is_lost_is_zeros_until_it_comes_back() {
    let mut fixture = Fixture::new(Mode::RepokeyBlake2);
    let chunks: Vec<ChunkRef> = (0..4_u8).map(|number| fixture.chunk(&vec![number + 1; 1000])).collect();
    let files = [file(b"a", &chunks[..3]), file(b"b", &chunks[2..]), file(b"c", &chunks[3..])];
    let old = [fixture.archive("one", &files), fixture.archive("two", &files[..2])];
    let other = fixture.archive("three", &files[2..]);
    let before = old.clone().map(|entry| items(&fixture, &entry));

    delete(&fixture, &chunks[1].id);
    delete(&fixture, &chunks[2].id);
    let found = repaired(&fixture, &repair());
    assert_eq!(found.len(), 7, "{found:#?}");
    assert!(found[0].ends_with("Replacing with all-zero chunk."), "{found:#?}");
    assert_sound(&fixture);
    let (zeros, now) = (fixture.session.key.id(&[0; 1000]), manifest(&fixture));
    assert_eq!(now.archive("three"), Some(&other), "it has lost nothing");
    for (name, before) in ["one", "two"].into_iter().zip(&before) {
        let after = items(&fixture, now.archive(name).expect("there"));
        let lists: Vec<Vec<Id>> =
            after.iter().map(|(_, list, _)| list.iter().map(|chunk| chunk.id).collect()).collect();
        assert_eq!(lists[0], [chunks[0].id, zeros, zeros]);
        assert_eq!(lists[1], [zeros, chunks[3].id]);
        for (after, before) in after.iter().zip(before) {
            let is_hit = after.0 != "c";
            assert_eq!(after.2.as_ref(), is_hit.then_some(&before.1));
            assert!(is_hit || after == before);
        }
    }
    assert!(old.iter().all(|entry| !ids(&fixture).contains(&entry.id)), "what was superseded is gone");

    // One comes back, then the other.
    fixture.chunk(&[2; 1000]);
    assert_eq!(repaired(&fixture, &repair()), [""; 0]);
    assert_sound(&fixture);
    let now = manifest(&fixture);
    let after = items(&fixture, now.archive("one").expect("there"));
    assert_eq!((after[0].1[1], after[0].1[2].id, after[0].2.is_some()), (chunks[1], zeros, true));
    fixture.chunk(&[3; 1000]);
    assert_eq!(repaired(&fixture, &repair()), [""; 0]);
    assert_sound(&fixture);
    let now = manifest(&fixture);
    for (name, before) in ["one", "two"].into_iter().zip(&before) {
        assert_eq!(items(&fixture, now.archive(name).expect("there")), *before);
    }
    assert!(!ids(&fixture).contains(&zeros), "nobody needs zeros any more");
}

#[test]
fn lost_zeros_are_what_they_were() {
    let mut fixture = Fixture::new(Mode::None);
    let chunks = [fixture.chunk(&[0; 5000]), fixture.chunk(b"not zeros")];
    let entry = fixture.archive("one", &[file(b"sparse", &chunks)]);
    let before = items(&fixture, &entry);
    delete(&fixture, &chunks[0].id);
    assert_eq!(repaired(&fixture, &repair()).len(), 2);
    assert_sound(&fixture);
    let after = items(&fixture, manifest(&fixture).archive("one").expect("there"));
    assert_eq!((after[0].1[0].id, after[0].2.as_ref()), (before[0].1[0].id, None));
}

#[test]
fn a_sound_repository_is_not_written_to() {
    let mut fixture = Fixture::new(Mode::Keyfile);
    let chunk = fixture.chunk(b"content");
    fixture.archive("one", &[file(b"file", &[chunk])]);
    let (before, stored) = (ids(&fixture), manifest(&fixture).id());
    assert_eq!(repaired(&fixture, &Options { verify_data: true, ..repair() }), [""; 0]);
    assert_eq!((ids(&fixture), manifest(&fixture).id()), (before, stored));
}

#[test]
fn orphans_go_only_when_all_archives_were_read() {
    let mut fixture = Fixture::new(Mode::Authenticated);
    let chunk = fixture.chunk(b"content");
    fixture.archive("one", &[file(b"file", &[chunk])]);
    let orphan = fixture.chunk(b"nobody's");
    let some = ArchiveSelection { last: Some(1), ..ArchiveSelection::default() };
    for options in [
        Options { archive: Some("one".to_owned()), ..repair() },
        Options { selection: some, ..repair() },
        Options { mode: CheckMode::Examine, ..repair() },
    ] {
        fixture.session.repository.commit().expect("committed");
        fixture.check(&options);
        assert!(ids(&fixture).contains(&orphan.id));
    }
    let found = repaired(&fixture, &repair());
    assert_eq!(found[0], "1 orphaned objects found!");
    assert!(!ids(&fixture).contains(&orphan.id));
    assert_sound(&fixture);
}

#[test]
fn an_interrupt_leaves_everything_as_it_was() {
    let mut fixture = Fixture::new(Mode::Repokey);
    let chunk = fixture.chunk(b"content");
    let damaged = fixture.chunk(b"damaged");
    let entry = fixture.archive("one", &[file(b"file", &[chunk]), file(b"other", &[damaged])]);
    delete(&fixture, &chunk.id);
    fixture.session.repository.put(&damaged.id, b"nothing that opens").expect("stored");
    fixture.session.repository.commit().expect("committed");
    let before = ids(&fixture);
    let interrupt = Interrupt::new();
    interrupt.request();
    for verify_data in [true, false] {
        let outcome = fixture.check_until(&Options { verify_data, ..repair() }, &interrupt).0;
        assert!(matches!(outcome, Err(Error::Interrupted)), "{outcome:?}");
        assert_eq!((ids(&fixture), manifest(&fixture).archive("one")), (before.clone(), Some(&entry)));
    }
}

/// A list that claims sizes which no object can have costs nothing and is left alone.
#[test]
fn what_cannot_be_replaced_stays() {
    let mut fixture = Fixture::new(Mode::None);
    let absurd = ChunkRef { id: Id([9; 32]), size: u32::MAX, csize: 1 };
    let chunk = fixture.chunk(b"content");
    let entry = fixture.archive("one", &[file(b"absurd", &[absurd, chunk])]);
    let found = repaired(&fixture, &repair());
    assert!(found[0].contains("too large to be replaced"), "{found:?}");
    assert_eq!(manifest(&fixture).archive("one"), Some(&entry));
}

#[test]
fn archives_that_cannot_be_read_are_taken_out() {
    let mut fixture = Fixture::new(Mode::KeyfileBlake2);
    let chunks = [fixture.chunk(b"one"), fixture.chunk(b"two")];
    let lost = fixture.archive("lost", &[file(b"one", &chunks[..1])]);
    let kept = fixture.archive("kept", &[file(b"two", &chunks[1..])]);
    fixture.session.repository.put(&lost.id, b"nothing that opens").expect("stored");
    let found = repaired(&fixture, &repair());
    assert!(found[0].starts_with("Archive metadata block") && found[1] == "2 orphaned objects found!", "{found:?}");
    assert_eq!(manifest(&fixture).archives(), std::slice::from_ref(&kept));
    assert_sound(&fixture);
    // Without the manifest, too, and what is damaged is passed over.
    delete(&fixture, &Id::MANIFEST);
    repaired(&fixture, &repair());
    assert_eq!(manifest(&fixture).archives(), [kept]);
    assert_sound(&fixture);
}

#[test]
fn slices_find_what_the_whole_finds() {
    let mut fixture = Fixture::new(Mode::Repokey);
    let chunks: Vec<ChunkRef> = (0..600_u32).map(|number| fixture.chunk(&number.to_be_bytes())).collect();
    // Paths that nothing compresses to one chunk of metadata.
    let paths: Vec<Vec<u8>> = (0..1500_u32)
        .map(|number| {
            (0..30).flat_map(|part| fixture.session.key.id(&[number, part].map(u32::to_be_bytes).concat()).0).collect()
        })
        .map(|bytes: Vec<u8>| bytes.iter().map(|byte| b'a' + byte % 26).collect())
        .collect();
    let files: Vec<Item<'_>> =
        paths.iter().enumerate().map(|(number, path)| file(path, &chunks[number % 600..][..1])).collect();
    let entries =
        [fixture.archive("one", &files), fixture.archive("two", &files[..900]), fixture.archive("three", &files[5..])];
    delete(&fixture, &chunks[5].id);
    delete(&fixture, &chunks[599].id);
    fixture.session.repository.put(&chunks[300].id, b"nothing that opens").expect("stored");
    fixture.session.repository.commit().expect("committed");

    let examine = Options { scope: Scope::Archives, verify_data: true, ..Options::default() };
    let not_compared = ["Archive consistency check complete", "Finished cryptographic"];
    let compared = |found: Vec<String>| {
        found.into_iter().filter(|line| !not_compared.iter().any(|start| line.starts_with(start))).collect::<Vec<_>>()
    };
    let whole = compared(defects(fixture.check(&examine).1));
    let rounds = |options: &Options| {
        let options = Options { maximum_duration: Duration::from_nanos(1), ..options.clone() };
        let (mut found, mut slices) = (Vec::new(), 0);
        loop {
            let heard = fixture.check(&options).1;
            let is_over = !heard.others.lock().expect("sound").iter().any(|text| text.starts_with("Time is up"));
            found.extend(compared(defects(heard)));
            slices += 1;
            if is_over {
                return (found, slices);
            }
        }
    };
    for _ in 0..2 {
        let (found, slices) = rounds(&examine);
        assert_eq!(found, whole);
        assert!(slices > entries.len() + 2, "{slices} slices");
    }
    // A repair in slices comes to what a repair of the whole comes to, but for orphans.
    let (found, slices) = rounds(&Options { verify_data: true, ..repair() });
    assert!(slices > entries.len() + 2 && found.len() > whole.len(), "{slices} slices, {found:#?}");
    let found = repaired(&fixture, &repair());
    assert!(found[0].ends_with("orphaned objects found!"), "{found:?}");
    assert_sound(&fixture);
}

/// What this machine has no room for is not damaged: nothing is repaired without having been read.
#[test]
fn an_item_that_needs_more_memory_ends_it() {
    let mut fixture = Fixture::new(Mode::RepokeyBlake2);
    let chunks: Vec<ChunkRef> = (0..200_u8).map(|number| fixture.chunk(&[number; 100])).collect();
    let small = || file(b"small", &chunks[..1]);
    let entry = fixture.archive("one", &[small(), file(b"large", &chunks), small()]);
    let before = (ids(&fixture), items(&fixture, &entry));
    fixture.session.budget = Budget::new(9 << 10);
    let refused = |result: Result<Outcome, Error>| {
        let error = result.expect_err("no room").to_string();
        assert!(error.starts_with("An item's metadata is larger than 3072 bytes"), "{error}");
    };
    refused(fixture.check_until(&repair(), &Interrupt::new()).0);
    assert_eq!((ids(&fixture), items(&fixture, &entry)), before);
    // Behind a gap too, where the beginning of another one is lost.
    fixture.session.budget = Budget::new(Budget::DEFAULT_BYTES);
    let many = chunks.repeat(150);
    let entry = fixture.archive("two", &[file(b"one", &many), file(b"other", &many), small()]);
    let key = &fixture.session.key;
    let metadata = ArchiveMetadata::open(&*fixture.session.repository, key, &mut key.opener(), &entry.id);
    delete(&fixture, &metadata.expect("readable").items[0]);
    fixture.session.repository.commit().expect("committed");
    let before = ids(&fixture);
    fixture.session.budget = Budget::new(9 << 10);
    let alone = Options { archive: Some("two".to_owned()), ..repair() };
    refused(fixture.check_until(&alone, &Interrupt::new()).0);
    assert_eq!(ids(&fixture), before);
}
