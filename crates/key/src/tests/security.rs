//! Swapped, moved and rewound repositories are noticed.

use std::fs;

use super::{
    support::{Answer, MemoryRepository, World, created, unlocked},
    vectors,
};
use crate::{Error, Key, Mode, RepositoryAge, SecurityDirectory};

const EARLIER: &str = "2026-01-01T00:00:00.000000";
const LATER: &str = "2026-01-01T00:00:00.000001";

fn check(
    world: &World,
    repository: &MemoryRepository,
    key: &Key,
    timestamp: &str,
    answer: &mut Answer,
) -> Result<(), Error> {
    SecurityDirectory::open(&world.directories, repository).unwrap().assert_secure(
        key,
        timestamp,
        RepositoryAge::Existing,
        answer,
    )
}

#[test]
fn the_files_are_borgs() {
    for vectors in vectors::all() {
        let (world, repository) = World::of(&vectors);
        let key = unlocked(&vectors);
        check(&world, &repository, &key, &vectors.timestamp, &mut Answer::new(true)).unwrap();
        let directory = SecurityDirectory::open(&world.directories, &repository).unwrap();
        let read = |name| fs::read_to_string(directory.path().join(name)).unwrap();
        assert_eq!(read("key-type"), vectors.key_type);
        assert_eq!(read("manifest-timestamp"), vectors.timestamp);
        assert_eq!(read("location"), repository.location);
        assert!(directory.path().ends_with(nanoprobe_format::Id(repository.id).to_string()));
    }
}

#[test]
fn an_unknown_repository_without_encryption_is_asked_about() {
    for (mode, passphrase, asks) in [
        (Mode::None, "", true),
        (Mode::Authenticated, "x", true),
        (Mode::Repokey, "", true),
        (Mode::Repokey, "x", false),
        (Mode::Keyfile, "", false),
    ] {
        let (key, world, repository) = created(mode, passphrase);
        let mut no = Answer::new(false);
        let result = check(&world, &repository, &key, EARLIER, &mut no);
        assert_eq!(matches!(result, Err(Error::UnknownUnencryptedRefused)), asks, "{mode:?}");
        assert_eq!(no.questions.len(), usize::from(asks));
        check(&world, &repository, &key, EARLIER, &mut Answer::new(true)).unwrap();
        // Known from now on.
        check(&world, &repository, &key, EARLIER, &mut Answer::new(false)).unwrap();
    }
    // A new one is not.
    let (key, world, repository) = created(Mode::None, "");
    let directory = SecurityDirectory::open(&world.directories, &repository).unwrap();
    directory.assert_secure(&key, EARLIER, RepositoryAge::New, &mut Answer::new(false)).unwrap();
}

#[test]
fn a_moved_repository_is_asked_about_and_remembered() {
    let (key, world, mut repository) = created(Mode::Repokey, "x");
    check(&world, &repository, &key, EARLIER, &mut Answer::new(false)).unwrap();
    repository.location = "ssh://host/./elsewhere".into();
    let mut no = Answer::new(false);
    assert!(matches!(check(&world, &repository, &key, EARLIER, &mut no), Err(Error::RelocationRefused)));
    assert_eq!(no.questions, ["/backup/repository -> ssh://host/./elsewhere"]);
    check(&world, &repository, &key, EARLIER, &mut Answer::new(true)).unwrap();
    check(&world, &repository, &key, EARLIER, &mut Answer::new(false)).unwrap();
    // An empty file says nothing about where the repository was.
    let directory = SecurityDirectory::open(&world.directories, &repository).unwrap();
    fs::write(directory.path().join("location"), "").unwrap();
    check(&world, &repository, &key, EARLIER, &mut Answer::new(false)).unwrap();
}

#[test]
fn a_repository_that_is_where_the_cache_says_did_not_move() {
    let (key, world, mut repository) = created(Mode::Repokey, "x");
    let file = world.directories.security.join("second");
    let check = |repository: &_, answer: &mut Answer| {
        let directory = SecurityDirectory::open(&world.directories, repository).unwrap();
        let directory = directory.with_second_location(file.clone());
        directory.assert_secure(&key, EARLIER, RepositoryAge::Existing, answer).map(|()| directory)
    };
    let directory = check(&repository, &mut Answer::new(false)).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "/backup/repository");
    let first = directory.path().join("location");
    fs::write(&first, "something outdated").unwrap();
    check(&repository, &mut Answer::new(false)).unwrap();
    assert_eq!(fs::read_to_string(&first).unwrap(), "/backup/repository");
    // Nor did one that is where the first place says, because somebody agreed to a move with another program.
    fs::write(&file, "something outdated").unwrap();
    check(&repository, &mut Answer::new(false)).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "/backup/repository");
    repository.location = "/moved".into();
    assert!(matches!(check(&repository, &mut Answer::new(false)), Err(Error::RelocationRefused)));
    check(&repository, &mut Answer::new(true)).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "/moved");
}

#[test]
fn a_swapped_mode_is_refused_without_a_question() {
    let (key, world, repository) = created(Mode::Repokey, "x");
    check(&world, &repository, &key, EARLIER, &mut Answer::new(true)).unwrap();
    for mode in [Mode::None, Mode::RepokeyBlake2, Mode::Keyfile] {
        let (other, ..) = created(mode, "x");
        let result = check(&world, &repository, &other, LATER, &mut Answer::new(true));
        assert!(matches!(result, Err(Error::EncryptionMethodChanged)), "{mode:?}");
    }
}

#[test]
fn an_older_manifest_is_refused() {
    for mode in [Mode::Repokey, Mode::None] {
        let (key, world, repository) = created(mode, "x");
        let mut yes = Answer::new(true);
        check(&world, &repository, &key, EARLIER, &mut yes).unwrap();
        check(&world, &repository, &key, LATER, &mut yes).unwrap();
        // Seeing a newer one is not yet remembering it: that is what the commit's save does.
        check(&world, &repository, &key, EARLIER, &mut yes).unwrap();
        SecurityDirectory::open(&world.directories, &repository).unwrap().save(&key, LATER).unwrap();
        check(&world, &repository, &key, LATER, &mut yes).unwrap();
        let error = check(&world, &repository, &key, EARLIER, &mut yes).unwrap_err();
        match mode {
            Mode::None => assert!(matches!(error, Error::RepositoryIdNotUnique)),
            _ => assert!(matches!(error, Error::RepositoryReplay)),
        }
    }
}

#[test]
fn a_half_remembered_repository_is_unknown() {
    let (key, world, repository) = created(Mode::None, "");
    check(&world, &repository, &key, LATER, &mut Answer::new(true)).unwrap();
    let directory = SecurityDirectory::open(&world.directories, &repository).unwrap();
    for name in ["key-type", "location", "manifest-timestamp"] {
        fs::remove_file(directory.path().join(name)).unwrap();
        let result = check(&world, &repository, &key, LATER, &mut Answer::new(false));
        assert!(matches!(result, Err(Error::UnknownUnencryptedRefused)));
        directory.save(&key, LATER).unwrap();
    }
    // What is left of the memory still counts.
    fs::remove_file(directory.path().join("key-type")).unwrap();
    fs::write(directory.path().join("manifest-timestamp"), "2027").unwrap();
    let (encrypted, ..) = created(Mode::Repokey, "x");
    let result = check(&world, &repository, &encrypted, LATER, &mut Answer::new(true));
    assert!(matches!(result, Err(Error::RepositoryReplay)));
}

#[test]
fn what_cannot_be_read_is_not_passed() {
    let (key, world, repository) = created(Mode::Repokey, "x");
    check(&world, &repository, &key, EARLIER, &mut Answer::new(true)).unwrap();
    let directory = SecurityDirectory::open(&world.directories, &repository).unwrap();
    for name in ["key-type", "location", "manifest-timestamp"] {
        let path = directory.path().join(name);
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let result = check(&world, &repository, &key, EARLIER, &mut Answer::new(true));
        assert!(matches!(result, Err(Error::File { .. })), "{name}");
        fs::remove_dir(&path).unwrap();
        directory.save(&key, EARLIER).unwrap();
    }
}

#[test]
fn tam_required_follows_the_manifest() {
    let (_, world, repository) = created(Mode::Repokey, "x");
    let directory = SecurityDirectory::open(&world.directories, &repository).unwrap();
    assert!(!directory.is_tam_required());
    for required in [true, true, false, false, true] {
        directory.set_tam_required(required).unwrap();
        assert_eq!(directory.is_tam_required(), required);
    }
    assert_eq!(fs::read(directory.path().join("tam_required")).unwrap(), b"");
    let path = directory.path().to_owned();
    directory.destroy().unwrap();
    assert!(!path.exists());
}
