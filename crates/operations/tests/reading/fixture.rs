//! A real repository in a temporary directory, archives of items that no file system had to hold, and a monitor that remembers.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use nanoprobe_archive::{ArchiveMetadata, ItemWriter, ManifestEntry};
use nanoprobe_compress::{Compressor, Specification};
use nanoprobe_format::{ChunkRef, Id, item::Item};
use nanoprobe_key::{AccessQuestions, Directories, Error, Key, Mode, Passphrase, PassphraseSource};
use nanoprobe_operations::{
    Budget, Event, Interrupt, Monitor, Places, Session,
    check::{self, Outcome, Subject},
    extract::{self, Target},
    patterns::PatternMatcher,
    select::{PartFiles, Selection},
};
use nanoprobe_repository::{CreateOptions, LocalRepository, OpenOptions};

pub(super) const TIME: &str = "2026-01-02T03:04:05.000000";

/// Answers every question.
pub(super) struct Answers;

impl PassphraseSource for Answers {
    fn given(&mut self) -> Result<Option<Passphrase>, Error> {
        Ok(Some(Passphrase::new(b"secret".to_vec())))
    }
    fn ask(&mut self, _: &str, _: u32) -> Result<Passphrase, Error> {
        self.new_passphrase()
    }
    fn new_passphrase(&mut self) -> Result<Passphrase, Error> {
        Ok(Passphrase::new(b"secret".to_vec()))
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

/// Remembers what was said.
#[derive(Default)]
pub(super) struct Heard {
    pub(super) warnings: Mutex<Vec<(u8, String)>>,
    pub(super) defects: Mutex<Vec<String>>,
    pub(super) others: Mutex<Vec<String>>,
}

impl Monitor for Heard {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Warning { message, exit_code } => {
                self.warnings.lock().expect("sound").push((exit_code, message.to_owned()));
            }
            Event::Defect(text) => self.defects.lock().expect("sound").push(text.to_owned()),
            Event::Information(text) | Event::Remark(text) => {
                self.others.lock().expect("sound").push(text.to_owned());
            }
            _ => {}
        }
    }
}

pub(super) struct Fixture {
    pub(super) base: tempfile::TempDir,
    pub(super) session: Session,
    pub(super) places: Places,
}

impl Fixture {
    pub(super) fn new(mode: Mode) -> Self {
        let base = tempfile::tempdir().expect("a directory");
        let directories =
            Directories { keys: base.path().join("keys"), security: base.path().join("security"), key_file: None };
        let places = Places { directories, caches: base.path().join("caches") };
        let path = base.path().join("repository");
        let repository = LocalRepository::create(&path, &CreateOptions::default(), OpenOptions::default());
        let repository = Arc::new(repository.expect("a repository"));
        let budget = Budget::new(Budget::DEFAULT_BYTES);
        let session = Session::create(repository, mode, "test", &places, budget, &mut Answers).expect("a session");
        Self { base, session, places }
    }

    /// Stores data as a chunk.
    pub(super) fn chunk(&self, data: &[u8]) -> ChunkRef {
        let id = self.session.key.id(data);
        let mut object = vec![0; self.session.sealer.envelope_bytes()];
        Compressor::new(&Specification::default()).compress(data, &mut object).expect("compressed");
        self.session.sealer.seal(&mut object).expect("sealed");
        self.session.repository.put(&id, &object).expect("stored");
        ChunkRef { id, size: data.len() as u32, csize: object.len() as u32 }
    }

    /// Stores an archive of these items and commits.
    pub(super) fn archive(&mut self, name: &str, items: &[Item<'_>]) -> ManifestEntry {
        let session = &mut self.session;
        let repository = &*session.repository;
        let specification = Specification::default();
        let mut writer = ItemWriter::new(&session.key, session.sealer.clone(), &specification);
        for item in items {
            writer.write(item, repository).expect("written");
        }
        let items: Vec<Id> = writer.flush(repository).expect("flushed").to_vec();
        let metadata = ArchiveMetadata {
            name: name.to_owned(),
            time: TIME.to_owned(),
            time_end: TIME.to_owned(),
            items,
            ..ArchiveMetadata::default()
        };
        let id = metadata.store(repository, &session.key, &session.sealer).expect("stored").id;
        let entry = ManifestEntry { name: name.to_owned(), id, time: TIME.to_owned() };
        session.manifest.insert(entry.clone());
        session.commit_manifest().expect("committed");
        entry
    }

    pub(super) fn extract(
        &self,
        archive: &ManifestEntry,
        directory: &Path,
        paths: &[&str],
        strip_components: usize,
        options: &extract::Options,
    ) -> Heard {
        let heard = Heard::default();
        let paths: Vec<Vec<u8>> = paths.iter().map(|path| path.as_bytes().to_vec()).collect();
        let matcher = PatternMatcher::for_paths(&[], &paths).expect("paths");
        let mut selection = Selection::new(matcher, strip_components, PartFiles::Skip);
        let target = Target::Directory(directory);
        let interrupt = Interrupt::new();
        extract::extract(&self.session, archive, &mut selection, target, options, &heard, &interrupt)
            .expect("the run goes on");
        heard
    }

    pub(super) fn check(&self, options: &check::Options) -> (Outcome, Heard) {
        let (outcome, heard) = self.check_until(options, &Interrupt::new());
        (outcome.expect("the check goes on"), heard)
    }

    pub(super) fn check_until(
        &self,
        options: &check::Options,
        interrupt: &Interrupt,
    ) -> (Result<Outcome, nanoprobe_operations::Error>, Heard) {
        let heard = Heard::default();
        let repository = Arc::clone(&self.session.repository);
        let directories = &self.places.directories;
        let unlock = &mut |object: &[u8]| Ok(Key::unlock(&*repository, object, directories, &mut Answers)?);
        let repository = Arc::clone(&repository);
        let subject = Subject { repository, unlock, places: &self.places, budget: self.session.budget };
        let outcome = check::check(subject, options, &heard, interrupt);
        (outcome, heard)
    }

    pub(super) fn directory(&self, name: &str) -> PathBuf {
        let path = self.base.path().join(name);
        std::fs::create_dir_all(&path).expect("a directory");
        path
    }
}

pub(super) fn file<'a>(path: &'a [u8], chunks: &'a [ChunkRef]) -> Item<'a> {
    let chunks = Some(nanoprobe_format::item::Chunks::Refs(chunks));
    Item { path, mode: 0o100_644, mtime: Some(1_700_000_000_123_456_789), chunks, ..Item::default() }
}

pub(super) fn other<'a>(path: &'a [u8], mode: u32, source: Option<&'a [u8]>) -> Item<'a> {
    Item { path, mode, mtime: Some(1_600_000_000_000_000_000), source, ..Item::default() }
}
