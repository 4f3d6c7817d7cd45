//! A repository in a real directory: round trips, quota, append-only, replay, and what check finds.

use std::path::Path;

use nanoprobe_format::Id;
use nanoprobe_repository::{CheckOptions, CheckReport, CreateOptions, Error, LocalRepository, OpenOptions, Repository};

fn create(path: &Path, options: &CreateOptions) -> LocalRepository {
    LocalRepository::create(path, options, OpenOptions::default()).unwrap()
}

fn open(path: &Path) -> LocalRepository {
    LocalRepository::open(path, OpenOptions::default()).unwrap()
}

fn object(repository: &LocalRepository, id: u8) -> Result<Vec<u8>, Error> {
    let mut object = Vec::new();
    repository.get(&Id([id; 32]), &mut object).map(|()| object)
}

fn filled(path: &Path) {
    let repository = create(path, &CreateOptions::default());
    for id in 0..20 {
        repository.put(&Id([id; 32]), &vec![id; 1000 * usize::from(id)]).unwrap();
    }
    repository.commit().unwrap();
    repository.close().unwrap();
}

#[test]
fn what_is_put_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("repository");
    filled(&path);
    let repository = open(&path);
    repository.put(&Id([3; 32]), b"new").unwrap();
    repository.put(&Id([99; 32]), &vec![1; 300_000]).unwrap();
    repository.delete(&Id([4; 32])).unwrap();
    assert_eq!(object(&repository, 3).unwrap(), b"new", "before the commit too");
    assert_eq!(object(&repository, 99).unwrap(), vec![1; 300_000]);
    assert!(matches!(object(&repository, 4), Err(Error::ObjectNotFound { .. })));
    repository.rollback().unwrap();
    assert_eq!(object(&repository, 3).unwrap(), vec![3; 3000]);
    assert_eq!(object(&repository, 4).unwrap(), vec![4; 4000]);
    assert!(matches!(object(&repository, 99), Err(Error::ObjectNotFound { .. })));
}

#[test]
fn a_lost_index_is_replayed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("repository");
    filled(&path);
    let before = std::fs::read(path.join("index.2")).or_else(|_| std::fs::read(path.join("index.1"))).unwrap();
    let name = if path.join("index.2").exists() { "index.2" } else { "index.1" };
    std::fs::remove_file(path.join(name)).unwrap();
    assert_eq!(object(&open(&path), 5).unwrap(), vec![5; 5000]);
    assert_eq!(std::fs::read(path.join(name)).unwrap(), before);
}

#[test]
fn the_quota_dooms_the_transaction() {
    let directory = tempfile::tempdir().unwrap();
    let options = CreateOptions { storage_quota: 1000, ..CreateOptions::default() };
    let repository = create(&directory.path().join("repository"), &options);
    repository.put(&Id([1; 32]), &[0; 500]).unwrap();
    assert!(matches!(repository.put(&Id([2; 32]), &[0; 500]), Err(Error::StorageQuotaExceeded { .. })));
    assert!(matches!(repository.commit(), Err(Error::StorageQuotaExceeded { .. })));
    assert!(matches!(object(&repository, 1), Err(Error::ObjectNotFound { .. })));
}

#[test]
fn append_only_logs_its_transactions() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("repository");
    let repository = create(&path, &CreateOptions { append_only: true, ..CreateOptions::default() });
    repository.put(&Id::MANIFEST, b"manifest").unwrap();
    repository.commit().unwrap();
    let log = std::fs::read_to_string(path.join("transactions")).unwrap();
    assert!(log.starts_with("transaction 1, UTC time 2") && log.ends_with('\n'), "{log}");
}

#[test]
fn check_finds_flipped_bits_and_get_refuses_them() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("repository");
    filled(&path);
    let segment = path.join("data/0/0");
    let whole = std::fs::read(&segment).unwrap();
    for position in (0..whole.len()).step_by(9973) {
        let mut damaged = whole.clone();
        damaged[position] ^= 0x10;
        std::fs::write(&segment, &damaged).unwrap();
        let repository = open(&path);
        let mut defects = 0;
        let sound = repository.check(&CheckOptions::default(), &mut |report| {
            defects += u32::from(matches!(report, CheckReport::Defect(_)));
        });
        assert!(!sound.unwrap() && defects > 0, "byte {position}");
        let refused = (0..20).filter(|&id| matches!(object(&repository, id), Err(Error::Integrity(_)))).count();
        assert!(refused == 1 || position < 8, "byte {position}: {refused} objects refused");
    }
}

#[test]
fn nonces_are_compared_and_swapped() {
    let directory = tempfile::tempdir().unwrap();
    let repository = create(&directory.path().join("repository"), &CreateOptions::default());
    assert_eq!(repository.free_nonce().unwrap(), None);
    repository.reserve_nonces(None, 7).unwrap();
    assert!(matches!(repository.reserve_nonces(None, 9), Err(Error::NonceMismatch)));
    repository.reserve_nonces(Some(7), 9).unwrap();
    assert_eq!(repository.free_nonce().unwrap(), Some(9));
}
