//! The mark pass against reading everything.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hasher},
};

use nanoprobe_format::{
    ChunkRef,
    item::{Chunks, Item},
    msgpack::Writer,
};
use proptest::prelude::*;

use super::*;

/// Chunks by name, and how often each was fetched.
#[derive(Default)]
struct Store {
    chunks: BTreeMap<Id, Vec<u8>>,
    fetched: BTreeMap<Id, usize>,
}

impl Source for &mut Store {
    fn preload(&self, _: &[Id]) {}

    fn fetch(&mut self, id: &Id, data: &mut Vec<u8>) -> Result<u32, Error> {
        *self.fetched.entry(*id).or_default() += 1;
        data.clone_from(&self.chunks[id]);
        Ok(data.len() as u32)
    }

    fn digest(&self, bytes: &[u8]) -> Id {
        digest(bytes)
    }
}

fn digest(bytes: &[u8]) -> Id {
    let mut id = [0; 32];
    for (seed, part) in (0..).zip(id.chunks_exact_mut(8)) {
        part.copy_from_slice(&hash(bytes, seed).to_be_bytes());
    }
    Id(id)
}

fn hash(bytes: &[u8], seed: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write_u64(seed);
    hasher.write(bytes);
    hasher.finish()
}

/// What was told; every reference has a number, and an archive is the sum of its.
#[derive(Default)]
struct Told {
    references: BTreeSet<u32>,
    metadata: BTreeMap<Id, usize>,
    sum: u64,
    items: usize,
}

impl Visitor for Told {
    type Tally = u64;

    fn chunk(&mut self, chunk: &Chunk, _: &mut u64) -> Result<(), Error> {
        *self.metadata.entry(chunk.id).or_default() += 1;
        Ok(())
    }

    fn item(&mut self, value: &[u8], _: Extent<'_>, tally: &mut u64) -> Result<(), Error> {
        for chunk in Item::parse(value)?.chunks.iter().flat_map(|chunks| chunks.iter()) {
            self.references.insert(chunk.size);
            *tally += u64::from(chunk.size);
            self.sum += u64::from(chunk.size);
        }
        self.items += 1;
        Ok(())
    }

    fn again(&mut self, tally: &u64) {
        self.sum += tally;
    }
}

/// An item that refers to chunks of these numbers.
fn packed(name: u32, references: &[u32]) -> Vec<u8> {
    let references: Vec<ChunkRef> = references
        .iter()
        .map(|&number| ChunkRef { id: digest(&number.to_be_bytes()), size: number, csize: 1 })
        .collect();
    let path = format!("path/{name}");
    let chunks = Some(Chunks::Refs(&references));
    let mut bytes = Vec::new();
    let item = Item { path: path.as_bytes(), mode: 0o100644, mtime: Some(1), chunks, ..Item::default() };
    let Ok(()) = item.emit(&mut Writer::new(&mut bytes));
    bytes
}

/// Cuts a stream by content, into pieces of some 200 bytes.
fn store(store: &mut Store, stream: &[u8]) -> Vec<Id> {
    let (mut ids, mut start) = (Vec::new(), 0);
    for end in 1..=stream.len() {
        let window = &stream[end.saturating_sub(16).max(start)..end];
        if end == stream.len() || (window.len() == 16 && hash(window, 7).is_multiple_of(200)) {
            let id = digest(&stream[start..end]);
            store.chunks.insert(id, stream[start..end].to_vec());
            ids.push(id);
            start = end;
        }
    }
    ids
}

/// Walks all archives; every archive's sum is right, and so is all that was told.
fn assert_walk(archives: &[Vec<(u32, Vec<u32>)>], memo_bytes: usize) -> (usize, usize) {
    let mut chunks = Store::default();
    let streams: Vec<Vec<Id>> = archives
        .iter()
        .map(|items| {
            let stream: Vec<u8> = items.iter().flat_map(|(name, references)| packed(*name, references)).collect();
            store(&mut chunks, &stream)
        })
        .collect();
    let mut told = Told::default();
    let mut mark = Mark::new(&mut chunks, memo_bytes, 1 << 20, None);
    for (ids, items) in streams.iter().zip(archives) {
        told.sum = 0;
        mark.walk(ids, &mut told).expect("well formed");
        let expected: u64 = items.iter().flat_map(|(_, references)| references).map(|&number| u64::from(number)).sum();
        assert_eq!(told.sum, expected);
    }
    drop(mark);
    let expected: BTreeSet<u32> = archives.iter().flatten().flat_map(|(_, references)| references).copied().collect();
    assert_eq!(told.references, expected);
    let distinct: BTreeSet<&Id> = streams.iter().flatten().collect();
    assert!(distinct.iter().all(|id| told.metadata.contains_key(id)));
    (distinct.len(), chunks.fetched.values().sum())
}

fn files(names: std::ops::Range<u32>) -> Vec<(u32, Vec<u32>)> {
    names.map(|name| (name, (name * 10..name * 10 + name % 7).collect())).collect()
}

#[test]
fn chunks_that_archives_share_are_fetched_once() {
    let whole = files(0..300);
    let archives = vec![whole.clone(); 20];
    let (distinct, fetched) = assert_walk(&archives, 1 << 20);
    assert!(distinct > 50);
    assert_eq!(fetched, distinct);
}

#[test]
fn a_change_costs_what_it_changes() {
    let base = files(0..300);
    let archives: Vec<_> = (0..20)
        .map(|place| {
            let mut items = base.clone();
            items[place * 15].1 = vec![1_000_000 + place as u32];
            items.insert(place * 7, (5000 + place as u32, vec![2_000_000 + place as u32]));
            items
        })
        .collect();
    let (distinct, fetched) = assert_walk(&archives, 1 << 20);
    // Each archive has two places where a piece of an item may have to be fetched again, and two states to leave.
    assert!(fetched <= distinct + 20 * 6, "{fetched} of {distinct}");
}

#[test]
fn items_larger_than_chunks() {
    let large: Vec<u32> = (0..500).collect();
    let mut changed = large.clone();
    changed[250] = 77_777;
    let archives: Vec<_> = [&large, &changed, &large]
        .map(|chunks| [files(0..50), vec![(7777, chunks.clone())], files(60..99)].concat())
        .into();
    let (distinct, fetched) = assert_walk(&archives, 1 << 20);
    // The first half of the item is fetched again for the second archive.
    assert!(fetched <= 2 * distinct && fetched > distinct, "{fetched} of {distinct}");
}

#[test]
fn a_memo_of_one_entry_is_slow_but_right() {
    assert_walk(&[files(0..100), files(0..100), files(20..90)], 0);
}

/// Walked in parts, each by somebody who knows nothing but the position.
#[test]
fn a_walk_goes_on_where_another_stopped() {
    let mut chunks = Store::default();
    let long = (1000, (0..100).collect());
    let archive: Vec<_> = files(0..30).into_iter().chain([long]).chain(files(30..60)).collect();
    let stream: Vec<u8> = archive.iter().flat_map(|(name, references)| packed(*name, references)).collect();
    let ids = store(&mut chunks, &stream);
    for part in 1..=ids.len() {
        let (mut told, mut position, mut walks) = (Told::default(), Some(Position::default()), 0);
        while let Some(from) = position {
            let mut left = part + 1;
            let mut enough = || {
                left -= 1;
                left == 0
            };
            let mut mark = Mark::new(&mut chunks, 1000, 1 << 20, None);
            position = mark.walk_part(&ids, from, &mut enough, &mut told).expect("well formed");
            assert!(position.is_none_or(|position| position.place == from.place + part));
            walks += 1;
        }
        assert_eq!((told.items, walks), (archive.len(), ids.len().div_ceil(part)));
        assert!(told.metadata.values().all(|&count| count == 1));
    }
    let beyond = Position { place: ids.len() + 1, first: 1, carried: 9 };
    let mut told = Told::default();
    let mut mark = Mark::new(&mut chunks, 1000, 1 << 20, None);
    assert_eq!(mark.walk_part(&ids, beyond, &mut || false, &mut told).expect("well formed"), None);
    assert_eq!(told.items, archive.len());
}

#[test]
fn a_stream_that_ends_within_an_item() {
    let mut chunks = Store::default();
    let mut stream = packed(1, &[1, 2, 3]);
    stream.pop();
    let ids = store(&mut chunks, &stream);
    let mut mark = Mark::new(&mut chunks, 1000, 1000, None);
    for _ in 0..2 {
        let outcome = mark.walk(&ids, &mut Told::default());
        assert!(matches!(outcome, Err(Error::Archive(nanoprobe_archive::Error::TruncatedItems))));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_sum_is_that_of_a_full_read(
        changes in prop::collection::vec((0u32..60, 0u32..60, prop::collection::vec(0u32..5000, 0..40)), 1..12),
        memo in prop::sample::select(vec![0usize, 200, 2000, 1 << 20]),
    ) {
        let mut items = files(0..60);
        let mut archives = vec![items.clone()];
        for (place, name, references) in changes {
            if references.len() % 3 == 0 && items.len() > 10 {
                items.remove(place as usize % items.len());
            } else {
                items.insert(place as usize % items.len(), (name, references));
            }
            archives.push(items.clone());
        }
        assert_walk(&archives, memo);
    }
}
