//! Who is asked for a passphrase, how often, and what a wrong one or a missing key says.

use std::os::unix::fs::PermissionsExt;

use super::{
    support::{MemoryRepository, Script, World, created},
    vectors::{self, PASSPHRASE},
};
use crate::{Error, Key, Mode, Target};

fn unlock(vectors: &vectors::Vectors, script: &mut Script) -> Result<Key, Error> {
    let (world, repository) = World::of(vectors);
    Key::unlock(&repository, &vectors.manifest, &world.directories, script)
}

#[test]
fn a_given_passphrase_has_to_fit_at_once() {
    let vectors = vectors::of(Mode::Repokey);
    let mut script = Script { given: Some("wrong"), typed: vec![PASSPHRASE], ..Script::default() };
    assert!(matches!(unlock(&vectors, &mut script), Err(Error::PassphraseWrong)));
    assert!(script.asked.is_empty());
}

#[test]
fn a_person_has_three_attempts() {
    let vectors = vectors::of(Mode::Keyfile);
    let mut script = Script { typed: vec!["a", "b", PASSPHRASE], ..Script::default() };
    assert!(unlock(&vectors, &mut script).is_ok());
    assert_eq!(script.asked.iter().map(|(_, attempt)| *attempt).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(script.asked[0].0.ends_with("keys/any_name"));
    let mut script = Script { typed: vec!["a", "b", "c", PASSPHRASE], ..Script::default() };
    assert!(matches!(unlock(&vectors, &mut script), Err(Error::PassphraseRetriesExceeded)));
    assert_eq!(script.typed, [PASSPHRASE]);
}

#[test]
fn a_blank_passphrase_is_tried_before_anybody_is_asked() {
    for (mode, protects) in [(Mode::Repokey, false), (Mode::KeyfileBlake2, true), (Mode::Authenticated, false)] {
        let (key, world, repository) = created(mode, "");
        assert_eq!(key.is_logically_encrypted(), protects);
        let mut script = Script::default();
        let type_byte = [mode.key_type().byte()];
        let key = Key::unlock(&repository, &type_byte, &world.directories, &mut script).unwrap();
        assert_eq!(key.is_logically_encrypted(), protects);
        assert!(script.asked.is_empty());
    }
}

#[test]
fn created_keys_unlock() {
    for mode in Mode::ALL {
        let (created, world, repository) = created(mode, "pässword");
        let script = &mut Script::given("pässword");
        let key = Key::unlock(&repository, &[mode.key_type().byte()], &world.directories, script).unwrap();
        assert_eq!(key.id(b"data"), created.id(b"data"));
        assert_eq!((key.mode(), key.chunk_seed()), (mode, created.chunk_seed()));
        assert_eq!(key.is_tam_required(), mode != Mode::None);
        assert_eq!(key.target(), created.target());
        assert!(!format!("{key:?}").contains("secret"));
    }
}

#[test]
fn key_files_are_private_and_durable_ones() {
    let (key, world, repository) = created(Mode::Keyfile, "x");
    let Target::KeyFile(path) = key.target() else { panic!("{:?}", key.target()) };
    assert_eq!(path, &world.directories.keys.join("name"));
    let metadata = std::fs::metadata(path).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.starts_with(&format!("BORG_KEY {}\n", "09".repeat(32))) && text.ends_with('\n'));
    // Same length as Borg's, line by line: the blob has the same fields.
    let borgs = vectors::of(Mode::Keyfile).key;
    assert!(text.lines().count().abs_diff(borgs.lines().count()) <= 1);
    assert!(repository.key.lock().unwrap().is_empty());
}

#[test]
fn the_passphrase_changes_and_nothing_else() {
    for mode in [Mode::Repokey, Mode::KeyfileBlake2] {
        let (mut key, world, repository) = created(mode, "old");
        key.change_passphrase(&repository, &mut Script::given("new")).unwrap();
        let type_byte = [mode.key_type().byte()];
        let unlock = |text| Key::unlock(&repository, &type_byte, &world.directories, &mut Script::given(text));
        assert!(matches!(unlock("old"), Err(Error::PassphraseWrong)));
        assert_eq!(unlock("new").unwrap().id(b"data"), key.id(b"data"));
    }
    let (mut key, _, repository) = created(Mode::None, "x");
    assert!(matches!(key.change_passphrase(&repository, &mut Script::given("x")), Err(Error::Unencrypted)));
}

#[test]
fn missing_and_damaged_keys_are_named() {
    let vectors = vectors::of(Mode::Repokey);
    let (world, repository) = World::of(&vectors);
    let unlock = |repository: &MemoryRepository, object: &[u8]| {
        Key::unlock(repository, object, &world.directories, &mut Script::given(PASSPHRASE)).unwrap_err()
    };
    repository.key.lock().unwrap().clear();
    let error = unlock(&repository, &vectors.manifest);
    assert_eq!(error.to_string(), "No key entry found in the config of repository /backup/repository.");
    *repository.key.lock().unwrap() = b"AAAA".to_vec();
    let error = unlock(&repository, &vectors.manifest);
    assert_eq!(error.to_string(), "Invalid key data for repository /backup/repository found in (repokey).");
    assert!(
        unlock(&repository, &[0]).to_string().starts_with("No key file for repository /backup/repository found in ")
    );
    assert!(unlock(&repository, &[77]).to_string().starts_with("Unsupported payload type 77."));
    // A key of the other hash: its lengths do not fit.
    *repository.key.lock().unwrap() = vectors::of(Mode::RepokeyBlake2).key.into();
    assert!(matches!(unlock(&repository, &vectors.manifest), Error::KeyInvalid { .. }));
}

#[test]
fn the_environments_key_file_is_the_only_one_looked_at() {
    let vectors = vectors::of(Mode::Keyfile);
    let (mut world, repository) = World::of(&vectors);
    let elsewhere = world.directories.security.join("elsewhere");
    std::fs::create_dir_all(&world.directories.security).unwrap();
    std::fs::write(&elsewhere, vectors::of(Mode::KeyfileBlake2).key).unwrap();
    world.directories.key_file = Some(elsewhere.clone());
    let unlock = || Key::unlock(&repository, &vectors.manifest, &world.directories, &mut Script::given(PASSPHRASE));
    assert!(matches!(unlock(), Err(Error::KeyFileMismatch { .. })));
    std::fs::write(&elsewhere, "no key").unwrap();
    assert!(matches!(unlock(), Err(Error::KeyInvalid { .. })));
    std::fs::write(&elsewhere, &vectors.key).unwrap();
    assert_eq!(unlock().unwrap().file(), Some(elsewhere.as_path()));
}

#[test]
fn other_files_in_the_keys_directory_do_no_harm() {
    let vectors = vectors::of(Mode::Keyfile);
    let (world, repository) = World::of(&vectors);
    let keys = &world.directories.keys;
    std::fs::create_dir(keys.join("a_directory")).unwrap();
    std::fs::write(keys.join("a_binary"), [0xff; 100]).unwrap();
    std::fs::write(keys.join("a_large_one"), vec![b'A'; 1 << 20]).unwrap();
    std::fs::write(keys.join("another_key"), vectors::of(Mode::KeyfileBlake2).key).unwrap();
    std::fs::write(keys.join("an_empty_one"), "").unwrap();
    let script = &mut Script::given(PASSPHRASE);
    let key = Key::unlock(&repository, &vectors.manifest, &world.directories, script).unwrap();
    assert_eq!(key.file(), Some(keys.join("any_name").as_path()));
}
