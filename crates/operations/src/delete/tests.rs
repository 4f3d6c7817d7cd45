//! Deleting against naive counting: what is left is exactly what the archives that stay refer to.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hasher},
    path::Path,
    sync::Arc,
};

use nanoprobe_compress::{Compressor, Specification};
use nanoprobe_format::{
    ChunkRef, Id,
    item::{Chunks, Item},
    msgpack::Writer,
};
use nanoprobe_key::{AccessQuestions, Directories, Error as KeyError, Mode, Passphrase, PassphraseSource};
use nanoprobe_repository::{CreateOptions, LocalRepository, OpenOptions};
use proptest::prelude::*;

use super::*;
use crate::{Budget, Places};

struct Answers;

impl PassphraseSource for Answers {
    fn given(&mut self) -> Result<Option<Passphrase>, KeyError> {
        Ok(None)
    }
    fn ask(&mut self, _: &str, _: u32) -> Result<Passphrase, KeyError> {
        Ok(Passphrase::new(Vec::new()))
    }
    fn new_passphrase(&mut self) -> Result<Passphrase, KeyError> {
        Ok(Passphrase::new(Vec::new()))
    }
}

impl AccessQuestions for Answers {
    fn unknown_unencrypted(&mut self) -> bool {
        true
    }
    fn relocated(&mut self, _: &str, _: &str) -> bool {
        true
    }
}

struct Quiet;

impl Monitor for Quiet {
    fn event(&self, _: Event<'_>) {}
}

/// A file: the numbers of its chunks, and of those before a repair.
#[derive(Clone, Debug)]
struct File {
    name: u32,
    chunks: Vec<u32>,
    healthy: Option<Vec<u32>>,
    part: bool,
}

/// An archive, and the objects it needs: its own metadata and file chunks.
struct Made {
    name: String,
    objects: BTreeSet<Id>,
    size_bytes: u64,
}

struct World {
    session: Session,
    archives: Vec<Made>,
}

impl World {
    fn new(directory: &Path, budget: usize) -> Self {
        let path = directory.join("repository");
        let repository = LocalRepository::create(&path, &CreateOptions::default(), OpenOptions::default());
        let repository = Arc::new(repository.expect("created"));
        let directories =
            Directories { keys: directory.join("keys"), security: directory.join("security"), key_file: None };
        let places = Places { directories, caches: directory.join("caches") };
        let budget = Budget::new(budget);
        let session = Session::create(repository, Mode::None, "", &places, budget, &mut Answers).expect("a session");
        Self { session, archives: Vec::new() }
    }

    fn put(&self, data: &[u8]) -> Id {
        let Session { repository, key, sealer, .. } = &self.session;
        let id = key.id(data);
        if repository.stored_bytes(&id).expect("looked up").is_none() {
            let mut object = vec![0; sealer.envelope_bytes()];
            Compressor::new(&Specification::default()).compress(data, &mut object).expect("compressed");
            sealer.seal(&mut object).expect("sealed");
            repository.put(&id, &object).expect("stored");
        }
        id
    }

    fn archive(&mut self, files: &[File]) {
        let name = format!("archive{}", self.archives.len());
        let (mut stream, mut objects, mut size_bytes) = (Vec::new(), BTreeSet::new(), 0);
        for file in files {
            let reference = |number: &u32| ChunkRef { id: self.put(&number.to_le_bytes()), size: 4, csize: 7 };
            let chunks: Vec<ChunkRef> = file.chunks.iter().map(reference).collect();
            // What a repair could not find is not there.
            let healthy: Option<Vec<ChunkRef>> = file.healthy.as_ref().map(|numbers| {
                let named = |number: &u32| ChunkRef {
                    id: if number.is_multiple_of(2) {
                        self.put(&number.to_le_bytes())
                    } else {
                        Id([*number as u8; 32])
                    },
                    size: 4,
                    csize: 7,
                };
                numbers.iter().map(named).collect()
            });
            objects.extend(chunks.iter().chain(healthy.iter().flatten()).map(|chunk| chunk.id));
            if !file.part {
                size_bytes += 4 * chunks.len() as u64;
            }
            let path = format!("dir/{}", file.name);
            let item = Item {
                path: path.as_bytes(),
                mode: 0o100644,
                mtime: Some(i64::from(file.name)),
                chunks: Some(Chunks::Refs(&chunks)),
                chunks_healthy: healthy.as_deref().map(Chunks::Refs),
                part: file.part.then_some(1),
                ..Item::default()
            };
            let Ok(()) = item.emit(&mut Writer::new(&mut stream));
        }
        let mut items = Vec::new();
        let mut start = 0;
        for end in 1..=stream.len() {
            let cut = end >= start + 16 && hash(&stream[end - 16..end]).is_multiple_of(300);
            if cut || end == stream.len() {
                items.push(self.put(&stream[start..end]));
                size_bytes += (end - start) as u64;
                start = end;
            }
        }
        objects.extend(&items);
        let time = "2026-01-01T00:00:00.000000".to_owned();
        let metadata = ArchiveMetadata { name: name.clone(), time: time.clone(), items, ..ArchiveMetadata::default() };
        let Session { repository, key, sealer, .. } = &self.session;
        let stored = metadata.store(&**repository, key, sealer).expect("stored");
        size_bytes += u64::from(stored.plain_bytes);
        objects.insert(stored.id);
        self.session.manifest.insert(ManifestEntry { name: name.clone(), id: stored.id, time });
        self.session.commit_manifest().expect("committed");
        self.archives.push(Made { name, objects, size_bytes });
    }

    fn objects(&self) -> BTreeSet<Id> {
        let mut ids = Vec::new();
        self.session.repository.list(None, usize::MAX, &mut ids).expect("listed");
        ids.into_iter().collect()
    }

    fn delete(&mut self, places: &BTreeSet<usize>, force: Force) -> Result<Deleted, Error> {
        let names: Vec<String> = places.iter().map(|&place| self.archives[place].name.clone()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let options =
            DeleteOptions { force, checkpoint_interval: Duration::from_secs(1800), part_files: PartFiles::Skip };
        delete(&mut self.session, &names, &options, &Quiet, &Interrupt::new())
    }

    /// Deletes, and compares what is left with what naive counting says.
    fn assert_delete(&mut self, places: &BTreeSet<usize>) {
        let before = self.objects();
        let gone: u64 = places.iter().map(|&place| self.archives[place].size_bytes).sum();
        let deleted = self.delete(places, Force::No).expect("deleted");
        let mut place = 0;
        self.archives.retain(|_| {
            place += 1;
            !places.contains(&(place - 1))
        });
        let needed: BTreeSet<Id> = self.archives.iter().flat_map(|archive| archive.objects.iter().copied()).collect();
        let mut expected: BTreeSet<Id> = before.intersection(&needed).copied().collect();
        expected.insert(Id::MANIFEST);
        assert_eq!(self.objects(), expected);
        assert_eq!(self.session.manifest.archives().len(), self.archives.len());
        assert_eq!(deleted.size_bytes, gone);
    }
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

/// Generation after generation of changes to a tree.
fn generations(seed: u64, count: usize) -> Vec<Vec<File>> {
    let mut state = seed;
    let mut random = move |below: u32| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as u32) % below
    };
    let file = |random: &mut dyn FnMut(u32) -> u32| {
        let length = if random(20) == 0 { 60 } else { random(20) };
        File {
            name: random(10_000),
            chunks: (0..length).map(|_| random(3000)).collect(),
            healthy: (random(12) == 0).then(|| (0..5).map(|_| 5000 + random(100)).collect()),
            part: random(15) == 0,
        }
    };
    let mut tree: Vec<File> = (0..60).map(|_| file(&mut random)).collect();
    let mut all = vec![tree.clone()];
    while all.len() < count {
        for _ in 0..random(6) {
            let place = random(tree.len() as u32) as usize;
            match random(3) {
                0 => tree[place] = file(&mut random),
                1 => tree.insert(place, file(&mut random)),
                _ => drop(tree.remove(place)),
            }
        }
        all.push(tree.clone());
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn what_is_left_is_what_is_needed(
        seed in any::<u64>(),
        steps in prop::collection::vec(1u8..63, 1..4),
        // The small one takes several rounds, with a memo of few entries.
        budget in prop::sample::select(vec![10_000usize, 1 << 20]),
    ) {
        let directory = tempfile::tempdir().expect("a directory");
        let mut world = World::new(directory.path(), budget);
        for files in generations(seed, 6) {
            world.archive(&files);
        }
        for step in steps {
            let places: BTreeSet<usize> = (0..world.archives.len()).filter(|place| step >> place & 1 == 1).collect();
            if !places.is_empty() {
                world.assert_delete(&places);
            }
        }
        let rest = (0..world.archives.len()).collect();
        world.assert_delete(&rest);
        assert_eq!(world.objects().len(), 1);
    }
}

/// Removes an object behind everybody's back.
fn lose(world: &World, id: &Id) {
    world.session.repository.delete(id).expect("deleted");
    world.session.repository.commit().expect("committed");
}

fn two_archives(directory: &Path) -> World {
    let mut world = World::new(directory, 1 << 20);
    for files in generations(5, 2) {
        world.archive(&files);
    }
    world.archive(&generations(6, 1)[0]);
    world
}

#[test]
fn an_archive_that_stays_and_is_damaged_ends_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut world = two_archives(directory.path());
    let name = world.archives[1].name.clone();
    let entry = world.session.manifest.archive(&name).expect("listed").clone();
    let Session { repository, key, .. } = &world.session;
    let metadata = ArchiveMetadata::open(&**repository, key, &mut key.opener(), &entry.id).expect("read");
    lose(&world, &metadata.items[metadata.items.len() / 2]);
    let before = world.objects();
    for force in [Force::No, Force::Yes] {
        let outcome = world.delete(&BTreeSet::from([2]), force);
        assert!(matches!(&outcome, Err(Error::KeptArchiveDamaged { .. })), "{outcome:?}");
        // Whoever reads it knows which archive it is and what to do; the lost chunk may be that of an earlier one too.
        let text = outcome.expect_err("refused").to_string();
        assert!(text.starts_with("Archive archive") && text.ends_with("Run \"borg check --repair\" first."), "{text}");
        assert_eq!(world.objects(), before);
    }
    assert_eq!(world.session.manifest.archives().len(), 3);
}

#[test]
fn a_damaged_archive_goes_by_force() {
    for lost in [0, 1] {
        let directory = tempfile::tempdir().expect("a directory");
        let mut world = two_archives(directory.path());
        let entry = world.session.manifest.archive(&world.archives[2].name).expect("listed").clone();
        let Session { repository, key, .. } = &world.session;
        let metadata = ArchiveMetadata::open(&**repository, key, &mut key.opener(), &entry.id).expect("read");
        let needed: BTreeSet<Id> =
            world.archives[..2].iter().flat_map(|archive| archive.objects.iter().copied()).collect();
        let own = world.archives[2].objects.iter().find(|id| !needed.contains(id) && !metadata.items.contains(id));
        let chunk = if lost == 0 { metadata.items[metadata.items.len() / 2] } else { *own.expect("one of its own") };
        // Its own object is needed to find anything.
        if chunk == entry.id {
            continue;
        }
        lose(&world, &chunk);
        let before = world.objects();
        assert!(world.delete(&BTreeSet::from([2]), Force::No).is_err());
        assert_eq!(world.objects(), before);
        assert!(world.session.manifest.archive(&entry.name).is_some());
        world.delete(&BTreeSet::from([2]), Force::Yes).expect("forced");
        let after = world.objects();
        assert!(needed.iter().filter(|id| before.contains(id)).all(|id| after.contains(id)));
        assert!(
            !after.contains(&entry.id) && metadata.items.iter().all(|id| needed.contains(id) || !after.contains(id))
        );
    }
}
