//! A repository on a simulated disk, and what this machine keeps of it, both of which can be put back.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use nanoprobe_archive::FeatureOperation;
use nanoprobe_key::{AccessQuestions, Directories, Error as KeyError, Key, Mode, Passphrase, PassphraseSource};
use nanoprobe_operations::{
    Budget, Error, Event, Interrupt, Monitor, Places, Session,
    check::{self, Subject},
};
use nanoprobe_repository::{CreateOptions, LocalRepository, OpenOptions};
use nanoprobe_simulator::Disk;

pub(crate) struct Answers;

impl PassphraseSource for Answers {
    fn given(&mut self) -> Result<Option<Passphrase>, KeyError> {
        self.new_passphrase().map(Some)
    }
    fn ask(&mut self, _: &str, _: u32) -> Result<Passphrase, KeyError> {
        self.new_passphrase()
    }
    fn new_passphrase(&mut self) -> Result<Passphrase, KeyError> {
        Ok(Passphrase::new(b"secret".to_vec()))
    }
}

impl AccessQuestions for Answers {
    fn unknown_unencrypted(&mut self) -> bool {
        false
    }
    fn relocated(&mut self, _: &str, _: &str) -> bool {
        false
    }
}

/// Remembers defects.
#[derive(Default)]
pub(crate) struct Defects(Mutex<Vec<String>>);

impl Monitor for Defects {
    fn event(&self, event: Event<'_>) {
        if let Event::Defect(text) = event {
            self.0.lock().unwrap().push(text.to_owned());
        }
    }
}

/// The files that this machine keeps of a repository: what it knows of its security, and caches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Local(Arc<BTreeMap<PathBuf, Vec<u8>>>);

/// The disk of the repository, and the files of the machine beside it.
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) disk: Disk,
    pub(crate) local: Local,
}

/// Where a repository and the files beside it are.
pub(crate) struct Place {
    repository: PathBuf,
    directory: tempfile::TempDir,
    budget: Budget,
}

impl Place {
    /// A new repository of small segments, and a session with it.
    pub(crate) fn new(name: &str, mode: Mode, budget: Budget) -> (Self, Disk, Session) {
        let place = Self {
            repository: Path::new("/").join(name),
            directory: tempfile::tempdir().expect("a directory"),
            budget,
        };
        let disk = Disk::new();
        let create = CreateOptions { file_system: Arc::new(disk.clone()), ..CreateOptions::default() };
        let repository = LocalRepository::create(&place.repository, &create, options(&disk)).expect("a repository");
        let changed = repository.change_config(|config| {
            config.set("max_segment_size", "5000");
            config.set("segments_per_dir", "4");
        });
        changed.expect("a configuration");
        repository.close().expect("closed");
        let repository = Arc::new(LocalRepository::open(&place.repository, options(&disk)).expect("a repository"));
        let session = Session::create(repository, mode, "test", &place.places(), budget, &mut Answers);
        (place, disk, session.expect("a session"))
    }

    /// Puts the machine's files back, and opens the repository on a disk.
    pub(crate) fn open(&self, state: &State) -> Result<Session, Error> {
        if self.local() != state.local {
            fs::remove_dir_all(self.directory.path()).expect("removed");
            for (path, bytes) in &*state.local.0 {
                fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
                fs::write(path, bytes).expect("written");
            }
            fs::create_dir_all(self.directory.path()).expect("a directory");
        }
        self.open_here(&state.disk)
    }

    /// Opens the repository on a disk with the machine's files as they are.
    pub(crate) fn open_here(&self, disk: &Disk) -> Result<Session, Error> {
        let repository = Arc::new(LocalRepository::open(&self.repository, options(disk))?);
        Session::open(repository, &self.places(), self.budget, FeatureOperation::Write, &mut Answers)
    }

    /// The machine's files as they are; an empty directory is none.
    pub(crate) fn local(&self) -> Local {
        local(self.directory.path())
    }

    /// Who keeps every state of a run on `disk`, in the order of changes.
    pub(crate) fn watch(&self, disk: &Disk) -> Arc<Mutex<Vec<State>>> {
        let states = Arc::new(Mutex::new(Vec::<State>::new()));
        let (kept, directory) = (Arc::clone(&states), self.directory.path().to_owned());
        disk.watch(move |disk| kept.lock().unwrap().push(State { disk, local: local(&directory) }));
        states
    }

    /// What `check` finds.
    pub(crate) fn defects(&self, session: &Session) -> Vec<String> {
        let defects = Defects::default();
        let (repository, places) = (Arc::clone(&session.repository), self.places());
        let unlock = &mut |object: &[u8]| Ok(Key::unlock(&*repository, object, &places.directories, &mut Answers)?);
        let repository = Arc::clone(&repository);
        let subject = Subject { repository, unlock, places: &places, budget: session.budget };
        let outcome = check::check(subject, &check::Options::default(), &defects, &Interrupt::new());
        let mut found = defects.0.into_inner().unwrap();
        match outcome {
            Ok(check::Outcome::Sound) => {}
            other => found.push(format!("{other:?}")),
        }
        found
    }

    fn places(&self) -> Places {
        let [keys, security, caches] = ["keys", "security", "caches"].map(|name| self.directory.path().join(name));
        Places { directories: Directories { keys, security, key_file: None }, caches }
    }
}

fn options(disk: &Disk) -> OpenOptions {
    OpenOptions {
        host_id: Some("box@1".to_owned()),
        lock_wait: Some(Duration::ZERO),
        index_delta_entries: 64,
        file_system: Arc::new(disk.clone()),
        ..OpenOptions::default()
    }
}

fn local(directory: &Path) -> Local {
    fn collect(directory: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(directory).expect("a directory") {
            let entry = entry.expect("an entry");
            match entry.file_type().expect("a type").is_dir() {
                true => collect(&entry.path(), files),
                false => drop(files.insert(entry.path(), fs::read(entry.path()).expect("a file"))),
            }
        }
    }
    let mut files = BTreeMap::new();
    collect(directory, &mut files);
    Local(Arc::new(files))
}
