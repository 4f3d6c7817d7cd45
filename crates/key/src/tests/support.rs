//! A repository in memory, scripted passphrases and answers.

use std::ops::ControlFlow;
use std::sync::Mutex;

use nanoprobe_format::Id;
use nanoprobe_repository::{CheckOptions, CheckReport, CompactOptions, CompactReport, Repository, Totals};
use tempfile::TempDir;

use super::vectors::{PASSPHRASE, Vectors};
use crate::{AccessQuestions, Directories, Error, Key, Mode, Passphrase, PassphraseSource, mode::Storage};

/// What the key crate asks of a repository: identity, key blob, nonces. Holds no objects.
pub(super) struct MemoryRepository {
    pub(super) id: [u8; 32],
    pub(super) location: String,
    pub(super) key: Mutex<Vec<u8>>,
    pub(super) nonce: Mutex<Option<u64>>,
    /// Every reservation that was made: expected, next free.
    pub(super) reservations: Mutex<Vec<(Option<u64>, u64)>>,
}

impl MemoryRepository {
    pub(super) fn new(id: [u8; 32]) -> Self {
        Self {
            id,
            location: "/backup/repository".into(),
            key: Mutex::default(),
            nonce: Mutex::default(),
            reservations: Mutex::default(),
        }
    }
}

impl Repository for MemoryRepository {
    fn id(&self) -> [u8; 32] {
        self.id
    }
    fn location(&self) -> &str {
        &self.location
    }
    fn free_nonce(&self) -> Result<Option<u64>, nanoprobe_repository::Error> {
        Ok(*self.nonce.lock().unwrap())
    }
    fn reserve_nonces(&self, expected: Option<u64>, next_free: u64) -> Result<(), nanoprobe_repository::Error> {
        let mut nonce = self.nonce.lock().unwrap();
        assert_eq!(*nonce, expected, "compare-and-swap");
        *nonce = Some(next_free);
        self.reservations.lock().unwrap().push((expected, next_free));
        Ok(())
    }
    fn key_blob(&self) -> Result<Vec<u8>, nanoprobe_repository::Error> {
        Ok(self.key.lock().unwrap().clone())
    }
    fn set_key_blob(&self, blob: &[u8]) -> Result<(), nanoprobe_repository::Error> {
        *self.key.lock().unwrap() = blob.to_vec();
        Ok(())
    }
    fn get(&self, _: &Id, _: &mut Vec<u8>) -> Result<(), nanoprobe_repository::Error> {
        unreachable!("keys read no objects")
    }
    fn preload(&self, _: &[Id]) {}
    fn stored_bytes(&self, _: &Id) -> Result<Option<u32>, nanoprobe_repository::Error> {
        Ok(None)
    }
    fn put(&self, _: &Id, _: &[u8]) -> Result<(), nanoprobe_repository::Error> {
        unreachable!("keys store no objects")
    }
    fn delete(&self, _: &Id) -> Result<(), nanoprobe_repository::Error> {
        unreachable!("keys delete no objects")
    }
    fn commit(&self) -> Result<(), nanoprobe_repository::Error> {
        unreachable!("keys do not commit")
    }
    fn rollback(&self) -> Result<(), nanoprobe_repository::Error> {
        Ok(())
    }
    fn list(&self, _: Option<&Id>, _: usize, _: &mut Vec<Id>) -> Result<(), nanoprobe_repository::Error> {
        Ok(())
    }
    fn destroy(&self) -> Result<(), nanoprobe_repository::Error> {
        unreachable!("keys destroy nothing")
    }
    fn compact(
        &self,
        _: &CompactOptions,
        _: &mut dyn FnMut(CompactReport<'_>) -> ControlFlow<()>,
    ) -> Result<(), nanoprobe_repository::Error> {
        unreachable!("nothing is compacted")
    }
    fn check(&self, _: &CheckOptions, _: &mut dyn FnMut(CheckReport<'_>)) -> Result<bool, nanoprobe_repository::Error> {
        Ok(true)
    }
    fn totals(&self) -> Result<Totals, nanoprobe_repository::Error> {
        Ok(Totals::default())
    }
}

/// Directories that go away, set up as Borg left them for the vectors.
pub(super) struct World {
    pub(super) directories: Directories,
    _temporary: TempDir,
}

impl World {
    pub(super) fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let directories = Directories {
            keys: temporary.path().join("keys"),
            security: temporary.path().join("security"),
            key_file: None,
        };
        Self { directories, _temporary: temporary }
    }

    /// The repository that the vectors came from, its key where Borg put it.
    pub(super) fn of(vectors: &Vectors) -> (Self, MemoryRepository) {
        let world = Self::new();
        let repository = MemoryRepository::new(vectors.repository_id);
        match vectors.mode.storage() {
            Storage::Nowhere => (),
            Storage::Repository => *repository.key.lock().unwrap() = vectors.key.clone().into(),
            Storage::KeyFile => {
                std::fs::create_dir_all(&world.directories.keys).unwrap();
                std::fs::write(world.directories.keys.join("any_name"), &vectors.key).unwrap();
            }
        }
        (world, repository)
    }
}

/// Passphrases from a script; counts how often a person was asked.
#[derive(Default)]
pub(super) struct Script {
    pub(super) given: Option<&'static str>,
    pub(super) typed: Vec<&'static str>,
    pub(super) asked: Vec<(String, u32)>,
    pub(super) new: &'static str,
}

impl Script {
    pub(super) fn given(passphrase: &'static str) -> Self {
        Self { given: Some(passphrase), new: passphrase, ..Self::default() }
    }
}

impl PassphraseSource for Script {
    fn given(&mut self) -> Result<Option<Passphrase>, Error> {
        Ok(self.given.map(|text| Passphrase::new(text.into())))
    }
    fn ask(&mut self, target: &str, attempt: u32) -> Result<Passphrase, Error> {
        self.asked.push((target.into(), attempt));
        Ok(Passphrase::new(self.typed.remove(0).into()))
    }
    fn new_passphrase(&mut self) -> Result<Passphrase, Error> {
        Ok(Passphrase::new(self.new.into()))
    }
}

/// Answers every question alike and remembers the questions.
pub(super) struct Answer {
    pub(super) yes: bool,
    pub(super) questions: Vec<String>,
}

impl Answer {
    pub(super) fn new(yes: bool) -> Self {
        Self { yes, questions: Vec::new() }
    }
}

impl AccessQuestions for Answer {
    fn unknown_unencrypted(&mut self) -> bool {
        self.questions.push("unknown".into());
        self.yes
    }
    fn relocated(&mut self, location: &str, previous: &str) -> bool {
        self.questions.push(format!("{previous} -> {location}"));
        self.yes
    }
}

/// The unlocked key of the vectors.
pub(super) fn unlocked(vectors: &Vectors) -> Key {
    let (world, repository) = World::of(vectors);
    Key::unlock(&repository, &vectors.manifest, &world.directories, &mut Script::given(PASSPHRASE)).unwrap()
}

/// A new key, its repository and directories.
pub(super) fn created(mode: Mode, passphrase: &'static str) -> (Key, World, MemoryRepository) {
    let (world, repository) = (World::new(), MemoryRepository::new([9; 32]));
    let key = Key::create(mode, &repository, "name", &world.directories, &mut Script::given(passphrase)).unwrap();
    (key, world, repository)
}
