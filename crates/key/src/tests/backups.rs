//! Keys leave and come back, as files and on paper.

use super::{
    support::{MemoryRepository, Script, World},
    vectors::{self, PASSPHRASE},
};
use crate::{Error, Key, KeyBackup, Mode, PaperError, PaperKey};

fn backup_of(vectors: &vectors::Vectors) -> KeyBackup {
    let (world, repository) = World::of(vectors);
    KeyBackup::of(&repository, &vectors.manifest, &world.directories).unwrap()
}

#[test]
fn an_exported_file_is_borgs() {
    let vectors = vectors::of(Mode::Keyfile);
    assert_eq!(backup_of(&vectors).text(), vectors.key);
    let vectors = vectors::of(Mode::Repokey);
    let id = nanoprobe_format::Id(vectors.repository_id);
    assert_eq!(backup_of(&vectors).text(), format!("BORG_KEY {id}\n{}\n", vectors.key.trim_end()));
}

#[test]
fn paper_is_borgs() {
    for mode in [Mode::Keyfile, Mode::RepokeyBlake2] {
        let vectors = vectors::of(mode);
        assert_eq!(backup_of(&vectors).paper(), vectors.paper);
    }
}

#[test]
fn what_left_comes_back() {
    for vectors in vectors::all().into_iter().filter(|vectors| vectors.mode != Mode::None) {
        let (world, repository) = (World::new(), MemoryRepository::new(vectors.repository_id));
        let backup = KeyBackup::parse(backup_of(&vectors).text().as_bytes(), &repository).unwrap();
        assert_eq!(backup, typed(&vectors.paper, &repository).unwrap());
        // The second time it replaces itself.
        for _ in 0..2 {
            backup.store(&repository, &vectors.manifest, &world.directories, "name").unwrap();
        }
        let script = &mut Script::given(PASSPHRASE);
        let key = Key::unlock(&repository, &vectors.manifest, &world.directories, script).unwrap();
        assert_eq!(key.id(&vectors.objects[0].data), vectors.objects[0].id);
        let files = std::fs::read_dir(&world.directories.keys).map_or(0, Iterator::count);
        assert_eq!(files, usize::from(key.file().is_some()));
    }
}

#[test]
fn foreign_and_damaged_backups_are_named() {
    let vectors = vectors::of(Mode::Repokey);
    let text = backup_of(&vectors).text();
    let other = MemoryRepository::new([1; 32]);
    assert!(matches!(KeyBackup::parse(text.as_bytes(), &other), Err(Error::BackupOfAnother)));
    assert!(matches!(KeyBackup::parse(b"something", &other), Err(Error::NotAKeyBackup)));
    assert_eq!(typed(&vectors.paper, &other).unwrap_err(), PaperError::OfAnother);
    let plain = vectors::of(Mode::None);
    let (world, repository) = World::of(&plain);
    assert!(matches!(KeyBackup::of(&repository, &plain.manifest, &world.directories), Err(Error::Unencrypted)));
}

#[test]
fn mistyped_lines_are_noticed() {
    let vectors = vectors::of(Mode::Repokey);
    let lines: Vec<&str> = vectors.paper.lines().skip(3).collect();
    let first = lines[0].strip_prefix("id: ").unwrap();
    let id = vectors.repository_id;
    assert_eq!(PaperKey::begin("1/2/3", id).unwrap_err(), PaperError::Dashes);
    assert_eq!(PaperKey::begin("1/2 - 3", id).unwrap_err(), PaperError::Slashes);
    assert_eq!(PaperKey::begin(&first.replace(" - ", " - 0"), id).unwrap_err(), PaperError::FirstChecksum);
    let mut paper = PaperKey::begin(&first.to_uppercase(), id).unwrap();
    let line = lines[1].split_once(':').unwrap().1;
    assert_eq!(paper.line(""), Err(PaperError::Dashes));
    let mistyped = line.replacen(char::is_alphanumeric, "g", 1);
    assert_eq!(paper.line(&mistyped), Err(PaperError::Digits("Non-hexadecimal digit found")));
    assert_eq!(
        paper.line(&line.replacen("  ", " ", 1).replacen(char::is_alphanumeric, "", 1)),
        Err(PaperError::Digits("Odd-length string"))
    );
    let second = lines[2].split_once(':').unwrap().1;
    assert_eq!(paper.line(second), Err(PaperError::Checksum(1)));
    assert_eq!((paper.line(line), paper.next_line()), (Ok(None), 2));
}

/// Types what is printed.
fn typed(paper: &str, repository: &MemoryRepository) -> Result<KeyBackup, PaperError> {
    let mut lines = paper.lines().skip(3).map(|line| line.split_once(':').unwrap().1);
    let mut key = PaperKey::begin(lines.next().unwrap(), repository.id)?;
    loop {
        if let Some(backup) = key.line(lines.next().unwrap())? {
            return Ok(backup);
        }
    }
}

#[test]
fn related_repositories_name_and_cut_alike_and_encrypt_apart() {
    use super::support::created;
    use crate::{RelatedSecrets, RelatedSecretsError};
    for (from, to) in [(Mode::Repokey, Mode::Keyfile), (Mode::KeyfileBlake2, Mode::AuthenticatedBlake2)] {
        let (key, world, _) = created(from, "x");
        let related = RelatedSecrets::parse(RelatedSecrets::of(&key).unwrap().text().as_bytes()).unwrap();
        let repository = MemoryRepository::new([8; 32]);
        let script = &mut Script::given("y");
        let other = Key::create_related(to, Some(&related), &repository, "other", &world.directories, script).unwrap();
        assert_eq!((other.id(b"data"), other.chunk_seed()), (key.id(b"data"), key.chunk_seed()));
        let [one, other] = [&key, &other].map(|key| key.secrets().unwrap());
        assert_ne!(one.encryption, other.encryption);
        assert_ne!(one.authentication, other.authentication);
    }
    let related = RelatedSecrets::of(&created(Mode::Repokey, "x").0).unwrap();
    let (world, repository) = (World::new(), MemoryRepository::new([8; 32]));
    let script = &mut Script::given("y");
    let refused =
        Key::create_related(Mode::KeyfileBlake2, Some(&related), &repository, "other", &world.directories, script);
    assert!(matches!(refused, Err(Error::UnrelatedIdHash)));
    assert!(!world.directories.keys.exists(), "nothing is written before it is refused");
    assert!(matches!(RelatedSecrets::of(&created(Mode::None, "x").0), Err(Error::Unencrypted)));
    for (text, error) in [
        ("{", RelatedSecretsError::Json),
        ("{}", RelatedSecretsError::Version("None".into())),
        (r#"{"version": 2}"#, RelatedSecretsError::Version("2".into())),
        (r#"{"version": 1}"#, RelatedSecretsError::IdKey),
        (r#"{"version": 1, "id_key": "abc"}"#, RelatedSecretsError::IdKey),
        (r#"{"version": 1, "id_key": "ab"}"#, RelatedSecretsError::Json),
    ] {
        assert_eq!(RelatedSecrets::parse(text.as_bytes()).err(), Some(error), "{text}");
    }
}
