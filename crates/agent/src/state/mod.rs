//! What is remembered from one night to the next: a file of a few kilobytes, replaced durably after every change.
//!
//! ```text
//! nanoprobe-agent 1 HASH\n
//! { "newest": …, "jobs": { "backup home": { … } }, "undelivered": [ … ], … }\n
//! ```
//! The hash is of what follows the line. A file that is damaged is set aside under another name and said so; what it knew
//! counts as unknown, so that jobs run once too often rather than not at all.

pub mod history;
mod record;
pub mod requests;

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::Read,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use serde_json::{Map, Value, json};

pub use self::record::{Figures, Outcome, Record, Round};
use crate::{Error, durable, hash::hash};

/// Everything that is remembered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// The newest time that was ever written down.
    pub newest: i64,
    /// By the name of the job.
    pub jobs: BTreeMap<String, Record>,
    /// What is wrong with the configuration that is on the disk, while an earlier one is used.
    pub configuration_problem: Option<String>,
    /// Why nothing runs at all, if so: the clock, say.
    pub waiting_for: Option<String>,
    /// What could not be delivered yet, and why reports fail.
    pub undelivered: Vec<Value>,
    /// What became of a file that was damaged; told once.
    pub set_aside: Option<String>,
}

/// The directory of the state, which one process at a time may change.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    _lock: File,
}

const HEAD: &str = "nanoprobe-agent 1 ";
/// A state is not longer than that.
const MOST_BYTES: u64 = 4 << 20;

impl Directory {
    /// Makes the directory where needed, and keeps others out until this is dropped.
    pub fn open(path: &Path) -> Result<Self, Error> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(Error::file("create", path))?;
        let name = path.join("lock");
        let mut options = OpenOptions::new();
        let lock = options.write(true).create(true).truncate(false).mode(0o600).open(&name);
        let lock = lock.map_err(Error::file("open", &name))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                requests::prepare(path)?;
                Ok(Self { path: path.to_owned(), _lock: lock })
            }
            Err(rustix::io::Errno::WOULDBLOCK) => Err(Error::AtWork(path.to_owned())),
            Err(error) => Err(Error::file("lock", name)(error.into())),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the state; a damaged file is set aside.
    pub fn load(&self) -> Result<State, Error> {
        let path = self.file();
        match read(&path)? {
            Found::Whole(state) => Ok(*state),
            Found::Nothing => Ok(State::default()),
            Found::Damaged => {
                let aside = durable::beside(&path, ".damaged");
                fs::rename(&path, &aside).map_err(Error::file("set aside", &path))?;
                let told = format!("the state was damaged and is set aside as {}", aside.display());
                Ok(State { set_aside: Some(told), ..State::default() })
            }
        }
    }

    /// Writes the state, durably.
    pub fn save(&self, state: &State) -> Result<(), Error> {
        let path = self.file();
        durable::replace(&path, state.text().as_bytes(), 0o600).map_err(Error::file("write", path))
    }

    /// Keeps the text of a configuration that is right.
    pub fn save_configuration(&self, text: &str) -> Result<(), Error> {
        let path = last_good(&self.path);
        match fs::read_to_string(&path) {
            Ok(old) if old == text => Ok(()),
            _ => durable::replace(&path, text.as_bytes(), 0o600).map_err(Error::file("write", path)),
        }
    }

    fn file(&self) -> PathBuf {
        self.path.join("state")
    }
}

/// Where the last configuration that was right is kept.
pub fn last_good(directory: &Path) -> PathBuf {
    directory.join("configuration.good")
}

/// What a state directory says, for who only looks: nothing is set aside.
pub fn peek(directory: &Path) -> Result<State, Error> {
    match read(&directory.join("state"))? {
        Found::Whole(state) => Ok(*state),
        Found::Nothing => Ok(State::default()),
        Found::Damaged => {
            let told = "the state is damaged; the next round sets it aside".to_owned();
            Ok(State { set_aside: Some(told), ..State::default() })
        }
    }
}

enum Found {
    Whole(Box<State>),
    Nothing,
    Damaged,
}

fn read(path: &Path) -> Result<Found, Error> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(Error::file("open", path)(error)),
    };
    let mut bytes = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut bytes).map_err(Error::file("read", path))?;
    Ok(State::of_bytes(&bytes).map_or(Found::Damaged, |state| Found::Whole(Box::new(state))))
}

impl State {
    /// What is remembered of a job; made when it is met for the first time.
    pub fn record(&mut self, job: &str, now: i64) -> &mut Record {
        self.jobs.entry(job.to_owned()).or_insert_with(|| Record { known_since: now, ..Record::default() })
    }

    fn text(&self) -> String {
        let jobs: Map<String, Value> = self.jobs.iter().map(|(name, record)| (name.clone(), record.value())).collect();
        let body = json!({
            "newest": self.newest,
            "configuration_problem": self.configuration_problem,
            "waiting_for": self.waiting_for,
            "set_aside": self.set_aside,
            "undelivered": self.undelivered,
            "jobs": jobs,
        });
        let body = format!("{body:#}\n");
        format!("{HEAD}{:016x}\n{body}", hash(body.as_bytes()))
    }

    fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let (head, body) = str::from_utf8(bytes).ok()?.split_once('\n')?;
        let sum = u64::from_str_radix(head.strip_prefix(HEAD)?, 16).ok()?;
        if sum != hash(body.as_bytes()) {
            return None;
        }
        let body: Value = serde_json::from_str(body).ok()?;
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        let jobs = body["jobs"].as_object()?;
        Some(Self {
            newest: body["newest"].as_i64()?,
            jobs: jobs.iter().map(|(name, value)| (name.clone(), Record::of_value(value))).collect(),
            configuration_problem: text("configuration_problem"),
            waiting_for: text("waiting_for"),
            set_aside: text("set_aside"),
            undelivered: body["undelivered"].as_array().cloned().unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> State {
        let mut state = State { newest: 77, waiting_for: Some("a clock".into()), ..State::default() };
        let record = state.record("backup home", 5);
        record.last_success = Some(70);
        record.outcome = Some(Outcome::Failed);
        record.sources_with_files = vec!["/home".into()];
        record.figures = Some(Figures { archive: "a".into(), files: 3, original: 4, added: 5 });
        record.round =
            Some(Round { started: 1, seconds: 2, last_seconds: Some(3), damage: Some("x".into()), is_fresh: true });
        state
    }

    #[test]
    fn it_comes_back_and_one_process_has_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let directory = Directory::open(&folder.path().join("new/state")).expect("a directory");
        assert!(matches!(Directory::open(directory.path()), Err(Error::AtWork(_))));
        assert_eq!(directory.load().expect("nothing"), State::default());
        directory.save(&some()).expect("saved");
        assert_eq!(directory.load().expect("a state"), some());
        assert_eq!(peek(directory.path()).expect("a state"), some());
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let text = some().text().into_bytes();
        for place in 0..text.len() {
            assert_eq!(State::of_bytes(&text[..place]), None, "cut at {place}");
            let mut damaged = text.clone();
            damaged[place] ^= 1 << (place % 8);
            // A digit of the hash has two cases.
            assert!(State::of_bytes(&damaged).is_none_or(|state| state == some()), "flipped at {place}");
        }
        let folder = tempfile::tempdir().expect("a folder");
        let directory = Directory::open(folder.path()).expect("a directory");
        fs::write(directory.file(), &text[..50]).expect("written");
        let state = directory.load().expect("an empty state");
        assert!(state.jobs.is_empty() && state.set_aside.is_some_and(|told| told.contains("state.damaged")));
        assert!(folder.path().join("state.damaged").exists());
    }
}
