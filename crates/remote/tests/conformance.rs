//! What every repository must do, here and at the other end of a line.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::pipe;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use nanoprobe_format::{ChunkRef, Id};
use nanoprobe_remote::serve::{Attendant, Event, Policy, Streams, serve};
use nanoprobe_remote::transport::{Line, Process, Transport};
use nanoprobe_remote::{Creation, Error as RemoteError, Limits, OpenOptions, RemoteRepository, Retries};
use nanoprobe_repository::{
    CheckOptions, CompactOptions, CreateOptions, Error, LocalRepository, Locking, OpenOptions as LocalOptions,
    Repository,
};

/// Opens or creates the repository in a directory.
trait Implementation {
    fn create(&self, directory: &Path) -> Result<Box<dyn Repository>, Error>;
    fn open(&self, directory: &Path, lock: Locking) -> Result<Box<dyn Repository>, Error>;
}

struct Here;

impl Implementation for Here {
    fn create(&self, directory: &Path) -> Result<Box<dyn Repository>, Error> {
        let path = directory.join("repository");
        Ok(Box::new(LocalRepository::create(&path, &CreateOptions::default(), LocalOptions::default())?))
    }

    fn open(&self, directory: &Path, lock: Locking) -> Result<Box<dyn Repository>, Error> {
        let options = LocalOptions { lock, ..LocalOptions::default() };
        Ok(Box::new(LocalRepository::open(&directory.join("repository"), options)?))
    }
}

struct There;

impl There {
    fn reach(directory: &Path, lock: Locking, creation: Option<Creation>) -> Result<Box<dyn Repository>, Error> {
        let path = directory.join("repository").into_os_string().into_encoded_bytes();
        let processed = String::from_utf8_lossy(&path).into_owned();
        let options = OpenOptions {
            path,
            location: processed.clone(),
            processed,
            lock,
            lock_wait: 1,
            creation,
            limits: Limits {
                upload_bytes: 64 << 10,
                ahead_bytes: 1 << 20,
                requested_bytes: 2 << 20,
                upload_bytes_per_second: None,
                journal_bytes: 1 << 20,
            },
            caches: directory.join("caches"),
            listener: Arc::new(|_| {}),
            retries: Retries::default(),
        };
        Ok(Box::new(RemoteRepository::open(Arc::new(Thread), options)?))
    }
}

impl Implementation for There {
    fn create(&self, directory: &Path) -> Result<Box<dyn Repository>, Error> {
        Self::reach(directory, Locking::Exclusive, Some(Creation::default()))
    }

    fn open(&self, directory: &Path, lock: Locking) -> Result<Box<dyn Repository>, Error> {
        Self::reach(directory, lock, None)
    }
}

/// Our server in a thread.
struct Thread;

struct Server(Option<thread::JoinHandle<()>>);

struct Nobody;

impl Attendant for Nobody {
    fn event(&self, _: Event<'_>) {}

    fn home(&self, _: Option<&OsStr>) -> Option<PathBuf> {
        None
    }

    fn scratch(&self) -> std::io::Result<PathBuf> {
        Ok(std::env::temp_dir())
    }

    fn system(&self) -> String {
        String::new()
    }

    fn leave(&self) -> ! {
        std::process::exit(3)
    }
}

impl Process for Server {
    fn end(&mut self, _: Duration) {
        self.0.take().unwrap().join().unwrap();
    }
}

impl Transport for Thread {
    fn connect(&self) -> Result<Line, RemoteError> {
        let ((input, requests), (responses, output)) = (pipe().unwrap(), pipe().unwrap());
        let server = thread::spawn(move || {
            let (wake, _never) = pipe().unwrap();
            let streams = Streams { input: input.as_fd(), output: output.as_fd(), wake: wake.as_fd() };
            serve(&Policy::default(), &LocalOptions::default(), streams, &Nobody).unwrap();
        });
        Ok(Line {
            requests: Box::new(requests),
            responses: Box::new(responses),
            messages: Box::new(std::io::empty()),
            process: Box::new(Server(Some(server))),
        })
    }
}

fn each(test: impl Fn(&dyn Implementation, &Path)) {
    for implementation in [&Here as &dyn Implementation, &There] {
        let directory = tempfile::tempdir().unwrap();
        test(implementation, directory.path());
    }
}

fn id(number: u8) -> Id {
    Id([number; 32])
}

fn object(repository: &dyn Repository, number: u8) -> Result<Vec<u8>, Error> {
    let mut object = vec![1, 2, 3];
    repository.get(&id(number), &mut object).map(|()| object)
}

#[test]
fn what_is_committed_stays_and_the_rest_does_not() {
    each(|implementation, directory| {
        let repository = implementation.create(directory).unwrap();
        for number in 1..50 {
            repository.put(&id(number), &vec![number; 1000 * usize::from(number)]).unwrap();
        }
        repository.put(&id(3), b"new").unwrap();
        repository.delete(&id(4)).unwrap();
        assert_eq!(object(&*repository, 3).unwrap(), b"new", "before the commit too");
        assert_eq!(repository.stored_bytes(&id(3)).unwrap(), Some(3));
        assert_eq!(repository.stored_bytes(&id(4)).unwrap(), None);
        repository.commit().unwrap();
        let name = repository.id();
        drop(repository);

        let repository = implementation.open(directory, Locking::Exclusive).unwrap();
        assert_eq!(repository.id(), name);
        assert_eq!(object(&*repository, 49).unwrap(), vec![49; 49_000]);
        assert!(matches!(object(&*repository, 4), Err(Error::ObjectNotFound { id: missing, .. }) if missing == id(4)));
        assert!(repository.delete(&id(4)).is_err_and(|error| error.is_not_found()));
        repository.put(&id(60), b"never").unwrap();
        repository.delete(&id(5)).unwrap();
        repository.rollback().unwrap();
        assert_eq!(object(&*repository, 5).unwrap().len(), 5000);
        assert!(object(&*repository, 60).is_err_and(|error| error.is_not_found()));
        assert_eq!(repository.stored_bytes(&id(60)).unwrap(), None);
        assert_eq!(repository.stored_bytes(&id(7)).unwrap(), Some(7000));
        assert_eq!(repository.totals().unwrap().objects, 48);
        repository.commit().unwrap();
        assert!(repository.check(&CheckOptions::default(), &mut |_| {}).unwrap());
    });
}

#[test]
fn every_object_is_listed_once() {
    each(|implementation, directory| {
        let repository = implementation.create(directory).unwrap();
        for number in 0..100 {
            repository.put(&id(number), &[number]).unwrap();
        }
        repository.commit().unwrap();
        for limit in [1, 7, 100, 1000] {
            let (mut all, mut after) = (Vec::new(), None);
            loop {
                let before = all.len();
                repository.list(after.as_ref(), limit, &mut all).unwrap();
                assert!(all.len() - before <= limit);
                if all.len() == before {
                    break;
                }
                after = all.last().copied();
            }
            assert_eq!(all.len(), 100);
            assert_eq!(all.iter().map(|id| id.0).collect::<BTreeSet<_>>().len(), 100);
        }
    });
}

/// Announced or not, in any order, twice, or not there at all.
#[test]
fn what_is_announced_is_what_is_got() {
    each(|implementation, directory| {
        let repository = implementation.create(directory).unwrap();
        for number in 0..80 {
            repository.put(&id(number), &vec![number; 60_000]).unwrap();
        }
        repository.commit().unwrap();
        let ids: Vec<Id> = (0..120).map(|number| id(number / 2 * 2)).collect();
        repository.preload(&ids);
        repository.put(&id(10), b"changed").unwrap();
        for number in [0, 4, 2, 2, 79, 10, 100, 101, 78, 1, 2] {
            match object(&*repository, number) {
                Ok(object) if number == 10 => assert_eq!(object, b"changed"),
                Ok(object) => assert_eq!(object, vec![number; 60_000]),
                Err(error) => assert!(number >= 80 && error.is_not_found(), "{number}: {error}"),
            }
        }
    });
}

#[test]
fn nonces_keys_and_sizes() {
    each(|implementation, directory| {
        let repository = implementation.create(directory).unwrap();
        assert_eq!(repository.free_nonce().unwrap(), None);
        repository.reserve_nonces(None, 100).unwrap();
        repository.reserve_nonces(Some(100), 300).unwrap();
        assert!(matches!(repository.reserve_nonces(Some(100), 400), Err(Error::NonceMismatch)));
        assert_eq!(repository.free_nonce().unwrap(), Some(300));
        assert_eq!(repository.key_blob().unwrap(), b"");
        repository.set_key_blob(b"blob").unwrap();
        assert_eq!(repository.key_blob().unwrap(), b"blob");
        repository.put(&Id::MANIFEST, b"manifest").unwrap();
        repository.put(&id(1), b"one").unwrap();
        repository.commit().unwrap();
        repository.learn(&ChunkRef { id: id(1), size: 9, csize: 3 }).unwrap();
        assert_eq!((repository.unknown_sizes().unwrap(), repository.stored_bytes(&id(1)).unwrap()), (0, Some(3)));
        repository.compact(&CompactOptions::default(), &mut |_| std::ops::ControlFlow::Continue(())).unwrap();
        assert_eq!(object(&*repository, 1).unwrap(), b"one");
        repository.destroy().unwrap();
        drop(repository);
        let gone = implementation.open(directory, Locking::Shared).err().unwrap();
        assert!(matches!(gone, Error::DoesNotExist(_)), "{gone}");
    });
}

#[test]
fn locks_exclude() {
    each(|implementation, directory| {
        let repository = implementation.create(directory).unwrap();
        repository.put(&id(1), b"one").unwrap();
        repository.commit().unwrap();
        let refused = implementation.open(directory, Locking::Shared).err().unwrap();
        assert!(matches!(refused, Error::LockTimeout(_)), "{refused}");
        drop(implementation.open(directory, Locking::None).unwrap());
        drop(repository);
        let one = implementation.open(directory, Locking::Shared).unwrap();
        let other = implementation.open(directory, Locking::Shared).unwrap();
        assert_eq!(object(&*one, 1).unwrap(), object(&*other, 1).unwrap());
        assert!(implementation.open(directory, Locking::Exclusive).is_err());
        assert!(implementation.create(directory).is_err_and(|error| matches!(error, Error::AlreadyExists(_))));
    });
}
