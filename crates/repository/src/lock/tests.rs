use std::time::Duration;

use super::*;
use crate::fs::Native;

fn acquire(path: &Path, exclusive: bool, me: Process) -> Result<Lock, Error> {
    Lock::acquire(Arc::new(Native), path, exclusive, Some(Duration::ZERO), me, Arc::new(|_| {}))
}

fn me() -> Process {
    Process::this(Some("box@1"))
}

/// A live process that is not this one.
fn init() -> Process {
    Process { host: "box@1".to_owned(), number: 1 }
}

#[test]
fn writers_exclude_everybody_and_readers_only_writers() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let writer = acquire(path, true, init()).unwrap();
    assert!(matches!(acquire(path, false, me()), Err(Error::LockTimeout(_))));
    assert!(matches!(acquire(path, true, me()), Err(Error::LockTimeout(_))));
    writer.release().unwrap();
    let first = acquire(path, false, init()).unwrap();
    let mut second = acquire(path, false, me()).unwrap();
    assert!(matches!(acquire(path, true, me()), Err(Error::LockTimeout(_))));
    assert!(matches!(second.upgrade(), Err(Error::LockTimeout(_))));
    first.release().unwrap();
    second.upgrade().unwrap();
    assert!(second.is_exclusive());
    second.release().unwrap();
    assert_eq!(std::fs::read_dir(path).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn a_second_lock_of_the_same_process_waits() {
    let directory = tempfile::tempdir().unwrap();
    let first = acquire(directory.path(), true, me()).unwrap();
    assert!(matches!(acquire(directory.path(), true, me()), Err(Error::LockTimeout(_))));
    drop(first);
    acquire(directory.path(), true, me()).unwrap().release().unwrap();
}

#[test]
fn stale_locks_are_removed_and_foreign_ones_stay() {
    let directory = tempfile::tempdir().unwrap();
    let lock = directory.path().join("lock.exclusive");
    std::fs::create_dir(&lock).unwrap();
    std::fs::write(lock.join("box@1.1073741824-0"), "").unwrap();
    let roster = r#"{"exclusive": [["box@1", 1073741824, 0]], "shared": [["box@1", 1073741825, 0]]}"#;
    std::fs::write(directory.path().join("lock.roster"), roster).unwrap();
    let wait = Some(Duration::from_secs(5));
    let fs = Arc::new(Native);
    Lock::acquire(fs, directory.path(), true, wait, me(), Arc::new(|_| {})).unwrap().release().unwrap();
    std::fs::create_dir(&lock).unwrap();
    std::fs::write(lock.join("other@2.1073741824-0"), "").unwrap();
    assert!(matches!(acquire(directory.path(), true, me()), Err(Error::LockTimeout(_))));
    break_lock(&Native, directory.path()).unwrap();
    acquire(directory.path(), true, me()).unwrap();
}

#[test]
fn a_broken_lock_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let lock = acquire(directory.path(), true, me()).unwrap();
    break_lock(&Native, directory.path()).unwrap();
    assert!(matches!(lock.require_mine(), Err(Error::NotMyLock(_))));
    assert!(matches!(lock.release(), Err(Error::NotLocked(_))));
}
