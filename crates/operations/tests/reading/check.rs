//! check without repair finds what is damaged, and only that.

use nanoprobe_format::Id;
use nanoprobe_key::Mode;
use nanoprobe_operations::check::{Options, Outcome, Scope};

use super::fixture::{Fixture, file};

const ARCHIVES: Scope = Scope::Archives;

fn sound() -> (Fixture, Id, Id) {
    let mut fixture = Fixture::new(Mode::Repokey);
    let chunk = fixture.chunk(b"the only content");
    let entry = fixture.archive("one", &[file(b"file", &[chunk])]);
    (fixture, chunk.id, entry.id)
}

fn defects(fixture: &Fixture, verify_data: bool) -> Vec<String> {
    fixture.session.repository.commit().expect("committed");
    let options = Options { scope: ARCHIVES, verify_data, ..Options::default() };
    let (outcome, heard) = fixture.check(&options);
    let defects = heard.defects.into_inner().expect("sound");
    assert_eq!(outcome == Outcome::Defective, !defects.is_empty());
    defects
}

#[test]
fn a_sound_repository() {
    let (fixture, ..) = sound();
    assert_eq!(defects(&fixture, true), [""; 0]);
}

#[test]
fn a_missing_chunk() {
    let (fixture, chunk, _) = sound();
    fixture.session.repository.delete(&chunk).expect("deleted");
    let text = format!(
        "one: file: New missing file chunk detected (Byte 0-16, Chunk {chunk}). Would replace it with all-zero chunk with \
         --repair."
    );
    assert_eq!(defects(&fixture, false), [&text, "Archive consistency check complete, problems found."]);
}

#[test]
fn a_missing_item_chunk_leaves_orphans() {
    let (fixture, _, archive) = sound();
    let session = &fixture.session;
    let metadata = nanoprobe_archive::ArchiveMetadata::open(
        &*session.repository,
        &session.key,
        &mut session.key.opener(),
        &archive,
    );
    let items = metadata.expect("readable").items;
    session.repository.delete(&items[0]).expect("deleted");
    let text = format!("item metadata chunk missing [chunk: 000000_{}]", items[0]);
    let last = "Archive consistency check complete, problems found.";
    assert_eq!(defects(&fixture, false), [&text, "1 orphaned objects found!", last]);
}

#[test]
fn a_damaged_object() {
    let (fixture, chunk, _) = sound();
    let mut object = Vec::new();
    fixture.session.repository.get(&chunk, &mut object).expect("there");
    *object.last_mut().expect("not empty") ^= 1;
    fixture.session.repository.put(&chunk, &object).expect("stored");
    assert_eq!(defects(&fixture, false), [""; 0]);
    let found = defects(&fixture, true);
    assert_eq!(found[0], format!("chunk {chunk}, integrity error: MAC Authentication failed"));
    assert!(found[1].starts_with("Finished cryptographic data integrity verification"), "{found:?}");
}

#[test]
fn a_missing_manifest_is_rebuilt_to_go_on() {
    let (fixture, chunk, _) = sound();
    fixture.session.repository.delete(&Id::MANIFEST).expect("deleted");
    fixture.session.repository.delete(&chunk).expect("deleted");
    let found = defects(&fixture, false);
    assert_eq!(found[0], "Repository manifest not found!");
    assert!(found[1].starts_with("one: file: New missing file chunk detected"), "{found:?}");
}

#[test]
fn a_missing_archive() {
    let (fixture, _, archive) = sound();
    fixture.session.repository.delete(&archive).expect("deleted");
    assert_eq!(defects(&fixture, false)[0], format!("Archive metadata block {archive} is missing!"));
}
