//! No counter is shared, whatever is lost, rolled back or interrupted.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use proptest::prelude::*;

use super::*;

/// A reservation in memory whose power can fail before a write.
#[derive(Clone, Default)]
struct Memory {
    value: Arc<Mutex<Option<u64>>>,
    fails: Arc<AtomicBool>,
}

impl Memory {
    fn of(value: Option<u64>) -> Self {
        let memory = Self::default();
        memory.set(value);
        memory
    }
    fn set(&self, value: Option<u64>) {
        *self.value.lock().unwrap() = value;
    }
    fn value(&self) -> Option<u64> {
        *self.value.lock().unwrap()
    }
    fn boxed(&self) -> Box<dyn Reservation> {
        Box::new(self.clone())
    }
}

impl Reservation for Memory {
    fn free(&self) -> Result<Option<u64>, Error> {
        Ok(self.value())
    }
    fn reserve(&self, expected: Option<u64>, next_free: u64) -> Result<(), Error> {
        if self.fails.load(Ordering::Relaxed) || self.value() != expected {
            return Err(Error::NonceReservationChanged);
        }
        self.set(Some(next_free));
        Ok(())
    }
}

fn nonces(repository: &Memory, local: &Memory, manifest_end: Option<u64>) -> Nonces {
    Nonces::with_skip(repository.boxed(), local.boxed(), manifest_end, 0)
}

#[test]
fn the_first_of_a_new_repository_is_borgs() {
    let (repository, local) = (Memory::default(), Memory::default());
    let mut nonces = nonces(&repository, &local, None);
    assert_eq!(nonces.take(28).unwrap(), 0);
    // Exactly what Borg leaves behind after `init`.
    assert_eq!(repository.value(), Some(0x1000_001c));
    assert_eq!(local.value(), Some(0x1000_001c));
    assert_eq!(nonces.take(3).unwrap(), 28);
    assert_eq!(nonces.take(1).unwrap(), 31);
    assert_eq!(repository.value(), Some(0x1000_001c));
}

#[test]
fn the_largest_of_all_is_free() {
    for (repository, local, manifest) in [
        (Some(7_000), Some(50), Some(60)),
        (Some(50), Some(7_000), Some(60)),
        (Some(50), Some(60), Some(7_000)),
        (None, None, Some(7_000)),
        (None, Some(7_000), None),
        (Some(7_000), None, None),
    ] {
        let (repository, local) = (Memory::of(repository), Memory::of(local));
        assert_eq!(nonces(&repository, &local, manifest).take(2).unwrap(), 7_000);
        assert_eq!((repository.value(), local.value()), (Some(7_002 + RESERVED_BLOCKS), Some(7_002 + RESERVED_BLOCKS)));
    }
}

#[test]
fn a_second_reservation_starts_behind_the_first() {
    let (repository, local) = (Memory::default(), Memory::default());
    let mut nonces = nonces(&repository, &local, None);
    nonces.take(1).unwrap();
    // A server that forgets, and a local file that is lost while we run.
    repository.set(None);
    local.set(None);
    assert_eq!(nonces.take(RESERVED_BLOCKS + 1).unwrap(), RESERVED_BLOCKS + 1);
    assert_eq!(local.value(), Some(3 * RESERVED_BLOCKS + 2));
}

#[test]
fn nothing_is_handed_out_before_both_writes() {
    for failing in 0..2 {
        let places = [Memory::default(), Memory::default()];
        places[failing].fails.store(true, Ordering::Relaxed);
        let mut nonces = nonces(&places[0], &places[1], None);
        assert!(nonces.take(1).is_err());
        // The repository comes first: a failed local write leaves the repository's standing, never the other way round.
        assert_eq!(places[0].value().is_some(), failing == 1);
        assert_eq!(places[1].value(), None);
        places[failing].fails.store(false, Ordering::Relaxed);
        let start = nonces.take(1).unwrap();
        assert_eq!(start, if failing == 1 { RESERVED_BLOCKS + 1 } else { 0 });
    }
}

/// A place whose answers are lost on their way, so many of them.
struct Lossy {
    place: Memory,
    lost: AtomicUsize,
    /// Whether what was asked for is done nevertheless.
    done: bool,
}

impl Reservation for Lossy {
    fn free(&self) -> Result<Option<u64>, Error> {
        self.place.free()
    }
    fn reserve(&self, expected: Option<u64>, next_free: u64) -> Result<(), Error> {
        if self.lost.load(Ordering::Relaxed) == 0 {
            return self.place.reserve(expected, next_free);
        }
        self.lost.fetch_sub(1, Ordering::Relaxed);
        if self.done {
            self.place.reserve(expected, next_free)?;
        }
        Err(RepositoryError::ReservationLost.into())
    }
}

/// Done or not: nothing of what was asked for is used, and what is handed out is reserved in both places.
#[test]
fn an_answer_that_is_lost_is_no_reservation() {
    for done in [false, true] {
        let (place, local) = (Memory::of(Some(500)), Memory::default());
        let lossy = Lossy { place: place.clone(), lost: AtomicUsize::new(2), done };
        let mut nonces = Nonces::with_skip(Box::new(lossy), local.boxed(), None, 0);
        assert_eq!(nonces.take(3).unwrap(), 500 + 2 * (3 + RESERVED_BLOCKS));
        let end = 500 + 3 * (3 + RESERVED_BLOCKS);
        assert_eq!((place.value(), local.value()), (Some(end), Some(end)));
        assert_eq!(nonces.take(1).unwrap(), 503 + 2 * (3 + RESERVED_BLOCKS));
    }
    let lossy = Lossy { place: Memory::default(), lost: AtomicUsize::new(usize::MAX), done: false };
    let mut nonces = Nonces::with_skip(Box::new(lossy), Memory::default().boxed(), None, 0);
    assert!(matches!(nonces.take(1), Err(Error::Repository(RepositoryError::ReservationLost))));
}

/// A place where somebody else reserves right after the first look.
struct Racing {
    place: Memory,
    raced: AtomicBool,
}

impl Reservation for Racing {
    fn free(&self) -> Result<Option<u64>, Error> {
        let value = self.place.value();
        if !self.raced.swap(true, Ordering::Relaxed) {
            self.place.set(Some(value.unwrap_or(0) + 1000));
        }
        Ok(value)
    }
    fn reserve(&self, expected: Option<u64>, next_free: u64) -> Result<(), Error> {
        self.place.reserve(expected, next_free)
    }
}

#[test]
fn somebody_else_in_between_is_noticed() {
    let (racing, other) = (Memory::of(Some(1)), Memory::of(Some(1)));
    let place = || Box::new(Racing { place: racing.clone(), raced: AtomicBool::new(false) });
    let mut in_repository = Nonces::with_skip(place(), other.boxed(), None, 0);
    assert!(matches!(in_repository.take(1), Err(Error::NonceReservationChanged)));
    assert_eq!(in_repository.take(1).unwrap(), 1001);
    let mut locally = Nonces::with_skip(other.boxed(), place(), None, 0);
    assert!(matches!(locally.take(1), Err(Error::NonceReservationChanged)));
}

#[test]
fn an_absurd_jump_stops_and_changes_nothing() {
    let (repository, local) = (Memory::of(Some((1 << 60) + 101)), Memory::of(Some(100)));
    assert!(matches!(nonces(&repository, &local, Some(40)).take(1), Err(Error::NonceJump { known: 100, .. })));
    assert_eq!(local.value(), Some(100));
    // The manifest, verified, explains it.
    assert_eq!(nonces(&repository, &local, Some(101)).take(1).unwrap(), (1 << 60) + 101);
}

#[test]
fn the_end_of_the_space_is_an_error() {
    for free in [u64::MAX, u64::MAX - RESERVED_BLOCKS, u64::MAX - RESERVED_BLOCKS - 1] {
        let (repository, local) = (Memory::of(Some(free)), Memory::of(Some(free)));
        assert!(matches!(nonces(&repository, &local, None).take(1), Err(Error::NoncesExhausted)));
        assert_eq!((repository.value(), local.value()), (Some(free), Some(free)));
    }
    let last = Memory::of(Some(u64::MAX - RESERVED_BLOCKS - 2));
    assert!(nonces(&last.clone(), &last.clone(), None).take(u64::MAX).is_err());
    let (repository, local) = (Memory::of(last.value()), Memory::of(last.value()));
    assert!(nonces(&repository, &local, None).take(1).is_ok());
}

#[test]
fn sessions_skip_by_chance() {
    let starts: Vec<u64> = (0..4)
        .map(|_| Nonces::new(Memory::default().boxed(), Memory::default().boxed(), None).unwrap().take(1).unwrap())
        .collect();
    assert!(starts.iter().all(|&start| start < MOST_SKIPPED_BLOCKS));
    assert!(starts.windows(2).all(|pair| pair[0] != pair[1]), "{starts:?}");
    // Within a session the streams are contiguous.
    let mut nonces = Nonces::new(Memory::default().boxed(), Memory::default().boxed(), None).unwrap();
    let first = nonces.take(1).unwrap();
    assert_eq!(nonces.take(RESERVED_BLOCKS + 1).unwrap(), first + 1 + RESERVED_BLOCKS);
}

/// What can happen to a repository with two clients.
#[derive(Clone, Debug)]
enum Step {
    /// A session of a client seals objects of these sizes, then commits a manifest or not.
    Session { client: usize, objects: Vec<u64>, commits: bool },
    /// Power fails between the repository's write and the local one.
    Crash { client: usize },
    /// A client loses its local file.
    LoseLocal { client: usize },
    /// A client's local file comes back from an older state.
    OldLocal { client: usize, back: usize },
    /// The repository's nonce file comes back from an older state, or is lost; its manifest stays (an old file put back).
    OldRepository { back: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let sizes =
        prop::collection::vec(prop_oneof![1..2_000_000u64, Just(RESERVED_BLOCKS), Just(RESERVED_BLOCKS + 9)], 1..6);
    prop_oneof![
        6 => (0..2usize, sizes, any::<bool>()).prop_map(|(client, objects, commits)| Step::Session { client, objects, commits }),
        2 => (0..2usize).prop_map(|client| Step::Crash { client }),
        1 => (0..2usize).prop_map(|client| Step::LoseLocal { client }),
        1 => (0..2usize, 0..4usize).prop_map(|(client, back)| Step::OldLocal { client, back }),
        1 => (0..4usize).prop_map(|back| Step::OldRepository { back }),
    ]
}

proptest! {
    /// At least one of the three memories is honest after any one loss, and that one suffices. A loss of the
    /// repository's file is followed only by clients whose local file or manifest is newest, as Borg promises too.
    #[test]
    fn no_counter_is_ever_shared(steps in prop::collection::vec(step(), 1..40)) {
        let repository = Memory::default();
        let locals = [Memory::default(), Memory::default()];
        let mut histories = [vec![None], vec![None], vec![None]];
        let mut manifest = None;
        let mut used: Vec<Range<u64>> = Vec::new();
        for step in steps {
            match step {
                Step::Session { client, objects, commits } => {
                    let mut session = nonces(&repository, &locals[client], manifest);
                    for blocks in objects {
                        let start = session.take(blocks).unwrap();
                        used.push(start..start + blocks);
                    }
                    if commits {
                        let start = session.take(50).unwrap();
                        used.push(start..start + 50);
                        manifest = Some(start + 50);
                    }
                }
                Step::Crash { client } => {
                    locals[client].fails.store(true, Ordering::Relaxed);
                    prop_assert!(nonces(&repository, &locals[client], manifest).take(1).is_err());
                    locals[client].fails.store(false, Ordering::Relaxed);
                }
                // The repository's own file is right in these two: a client alone cannot tell.
                Step::LoseLocal { client } => locals[client].set(None),
                Step::OldLocal { client, back } => {
                    let history = &histories[client];
                    locals[client].set(history[history.len().saturating_sub(back + 1)]);
                }
                Step::OldRepository { back } => {
                    let history = &histories[2];
                    let newest = used.iter().map(|range| range.end).max();
                    // Only while a local file knows better does an old repository come back here.
                    if locals.iter().all(|local| local.value() >= newest) {
                        repository.set(history[history.len().saturating_sub(back + 1)]);
                    }
                }
            }
            // After a rollback of the repository's file the first writer makes it right again: so do it at once.
            if repository.value() < locals[0].value() && repository.value() < locals[1].value() {
                let start = nonces(&repository, &locals[0], manifest).take(1).unwrap();
                used.push(start..start + 1);
            }
            histories[0].push(locals[0].value());
            histories[1].push(locals[1].value());
            histories[2].push(repository.value());
        }
        used.sort_by_key(|range| range.start);
        for pair in used.windows(2) {
            prop_assert!(pair[0].end <= pair[1].start, "{:?}", pair);
        }
    }
}

fn object(iv: u64, bytes: usize, mac: u8) -> Vec<u8> {
    let mut object = vec![3];
    object.extend([mac; 32]);
    object.extend(iv.to_be_bytes());
    object.resize(41 + bytes, 0);
    object
}

#[test]
fn overlaps_are_found() {
    let mut overlaps = Overlaps::new();
    overlaps.add(&object(100, 33, 1));
    overlaps.add(&object(103, 16, 2));
    overlaps.add(&object(90, 160, 3));
    overlaps.add(&object(100, 33, 1));
    assert_eq!((overlaps.objects(), overlaps.find()), (4, None));
    overlaps.add(&object(102, 1, 4));
    assert_eq!(overlaps.find(), Some((100..103, 102..103)));
    let mut nested = Overlaps::new();
    nested.add(&object(0, 1600, 1));
    nested.add(&object(50, 16, 2));
    nested.add(&object(0, 1600, 7));
    assert!(nested.find().is_some());
}
