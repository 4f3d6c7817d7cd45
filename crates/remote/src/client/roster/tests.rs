use std::collections::BTreeMap;

use super::*;

const REPOSITORY: [u8; 32] = [9; 32];
const MANIFEST: &[u8] = b"manifest";

fn id(number: u64) -> Id {
    let mut id = [0; 32];
    for (place, part) in id.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        *part = xxh64(&number.to_le_bytes(), place as u64).to_be_bytes();
    }
    Id(id)
}

fn roster(directory: &Path, objects: u64) -> Roster {
    let mut roster = Roster::new(directory.to_owned(), REPOSITORY, Upkeep::Kept);
    roster.see_manifest(Some(MANIFEST));
    roster.set_objects(objects);
    roster
}

fn listed(directory: &Path, ids: &[Id]) -> Roster {
    let mut roster = roster(directory, ids.len() as u64);
    assert!(!roster.believe().unwrap());
    let mut listing = roster.begin_listing().unwrap();
    listing.add(ids).unwrap();
    roster.end_listing(listing).unwrap();
    roster
}

/// Everything against a map, with more changes than fit.
#[test]
fn it_says_what_was_done() {
    let directory = tempfile::tempdir().unwrap();
    let listed_ids: Vec<Id> = (0..150_000).map(id).collect();
    let mut roster = listed(directory.path(), &listed_ids);
    let mut model: BTreeMap<[u8; 32], u32> = listed_ids.iter().map(|id| (id.0, 0)).collect();
    for number in 0..100_000_u64 {
        let size = (number % 1000) as usize + 1;
        match number % 3 {
            0 => {
                roster.delete(&id(number)).unwrap();
                model.remove(&id(number).0);
            }
            _ => {
                let id = id(number * 2);
                roster.put(&id, &vec![0; size]).unwrap();
                model.insert(id.0, size as u32);
            }
        }
        if roster.is_full() {
            roster.merge().unwrap();
        }
    }
    let agree = |roster: &Roster| {
        for number in 0..210_000 {
            assert_eq!(roster.find(&id(number)).unwrap(), model.get(&id(number).0).copied(), "{number}");
        }
        let unknown = model.values().filter(|&&size| size == 0).count() as u64;
        assert_eq!((roster.sums.entries, roster.sums.unknown), (model.len() as u64, unknown));
        assert_eq!(roster.sums.bytes, model.values().map(|&size| u64::from(size)).sum::<u64>());
    };
    agree(&roster);
    roster.put(&Id::MANIFEST, b"the next one").unwrap();
    model.insert([0; 32], 12);
    roster.committed();
    let mut again = self::roster(directory.path(), model.len() as u64);
    assert!(!again.believe().unwrap(), "the manifest is another one");
    again.see_manifest(Some(b"the next one"));
    assert!(again.believe().unwrap());
    let unknown = again.unknown();
    again.learn(&id(149_999), 77).unwrap();
    assert_eq!((again.find(&id(149_999)).unwrap(), again.unknown()), (Some(77), unknown - 1));
}

#[test]
fn what_is_rolled_back_was_never_there() {
    let directory = tempfile::tempdir().unwrap();
    let mut roster = listed(directory.path(), &[id(1), id(2)]);
    roster.put(&id(3), b"three").unwrap();
    roster.rolled_back();
    assert_eq!((roster.find(&id(3)).unwrap(), roster.find(&id(1)).unwrap()), (None, Some(0)));
    roster.put(&id(3), b"three").unwrap();
    roster.merge().unwrap();
    roster.rolled_back();
    assert!(!roster.is_true() && roster.believe().unwrap());
    assert_eq!(roster.find(&id(3)).unwrap(), None);
}

#[test]
fn another_number_of_objects_is_not_believed() {
    let directory = tempfile::tempdir().unwrap();
    let mut first = listed(directory.path(), &[id(1), id(2)]);
    first.learn(&id(1), 100).unwrap();
    first.committed();
    let mut second = roster(directory.path(), 1);
    assert!(!second.believe().unwrap());
    let mut listing = second.begin_listing().unwrap();
    listing.add(&[id(1)]).unwrap();
    second.end_listing(listing).unwrap();
    assert_eq!(second.find(&id(1)).unwrap(), Some(100), "the size is known still");
    assert_eq!(second.find(&id(2)).unwrap(), None);
}

#[test]
fn a_damaged_file_is_none() {
    let directory = tempfile::tempdir().unwrap();
    drop(listed(directory.path(), &[id(1), id(2), id(3)]));
    let path = directory.path().join("roster");
    let bytes = fs::read(&path).unwrap();
    assert!(roster(directory.path(), 3).believe().unwrap());
    for place in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[place] ^= 1;
        fs::write(&path, &damaged).unwrap();
        assert!(!roster(directory.path(), 3).believe().unwrap(), "byte {place}");
        fs::write(&path, &bytes[..place]).unwrap();
        assert!(!roster(directory.path(), 3).believe().unwrap(), "length {place}");
    }
}

#[test]
fn a_handle_that_is_not_alone_writes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut roster = Roster::new(directory.path().to_owned(), REPOSITORY, Upkeep::LeftAlone);
    roster.see_manifest(None);
    roster.set_objects(1);
    let mut listing = roster.begin_listing().unwrap();
    listing.add(&[id(1), id(1)]).unwrap();
    roster.end_listing(listing).unwrap();
    assert_eq!(roster.find(&id(1)).unwrap(), Some(0));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}
