//! What we write is what Borg would have written, and no counter is used twice.

use std::sync::Arc;

use nanoprobe_format::Id;

use super::{
    support::{MemoryRepository, Script, World, created, unlocked},
    vectors,
};
use crate::{
    ENVELOPE_BYTES, Key, Mode, Sealer,
    nonces::{Nonces, Overlaps, RESERVED_BLOCKS, Reservation},
    open::unseal,
};

/// A place that starts at a chosen counter block and takes every reservation.
struct From(u64);

impl Reservation for From {
    fn free(&self) -> Result<Option<u64>, crate::Error> {
        Ok(Some(self.0))
    }
    fn reserve(&self, _: Option<u64>, _: u64) -> Result<(), crate::Error> {
        Ok(())
    }
}

/// Room, then bytes that stand for compressed data.
fn room_and(sealer: &Sealer, payload: &[u8]) -> Vec<u8> {
    let mut object = vec![0; sealer.envelope_bytes()];
    object.extend_from_slice(payload);
    object
}

#[test]
fn sealed_bytes_are_borgs_own() {
    for vectors in vectors::all() {
        let key = unlocked(&vectors);
        for object in &vectors.objects {
            let mut stored = object.stored.clone();
            let payload = unseal(key.mode(), key.cipher(), Some(&object.id), &mut stored).unwrap().to_vec();
            let sealer = match key.cipher() {
                Some(cipher) => {
                    let iv = u64::from_be_bytes(object.stored[33..41].try_into().unwrap());
                    let nonces = Nonces::with_skip(Box::new(From(iv)), Box::new(From(0)), None, 0);
                    Sealer::encrypting(key.mode().key_type(), key.id_hash().clone(), cipher.clone(), nonces)
                }
                None => Sealer::plain(key.mode().key_type(), key.id_hash().clone()),
            };
            let mut sealed = room_and(&sealer, &payload);
            sealer.seal(&mut sealed).unwrap();
            assert_eq!(sealed, object.stored, "{:?}", vectors.mode);
        }
    }
}

#[test]
fn a_session_starts_behind_borgs() {
    for vectors in vectors::all().into_iter().filter(|vectors| vectors.mode.is_encrypted()) {
        let (world, repository) = World::of(&vectors);
        let (in_repository, locally) = vectors.nonces.as_ref().unwrap();
        assert_eq!(in_repository, locally);
        let reserved = u64::from_str_radix(locally, 16).unwrap();
        let script = &mut Script::given(vectors::PASSPHRASE);
        let key = Key::unlock(&repository, &vectors.manifest, &world.directories, script).unwrap();
        let local = world.directories.security.join(Id(repository.id).to_string()).join("nonce");

        let manifest_iv = u64::from_be_bytes(vectors.manifest[33..41].try_into().unwrap());
        let manifest_end = manifest_iv + vectors.manifest.len().div_ceil(16) as u64;
        assert_eq!(key.manifest_end, Some(manifest_end));

        // Local file as Borg left it, repository's lost.
        std::fs::write(&local, locally).unwrap();
        let repository = Arc::new(repository);
        let sealer = key.sealer(repository.clone(), &world.directories).unwrap();
        assert!(repository.reservations.lock().unwrap().is_empty(), "nothing is reserved before it is needed");
        let mut object = room_and(&sealer, b"data");
        sealer.seal(&mut object).unwrap();
        let iv = u64::from_be_bytes(object[33..41].try_into().unwrap());
        assert!(iv >= reserved);
        // Both places say the same afterwards, in Borg's form, and cover what was used.
        let end = repository.nonce.lock().unwrap().unwrap();
        assert_eq!(end, iv + 1 + RESERVED_BLOCKS);
        assert_eq!(std::fs::read_to_string(&local).unwrap(), format!("{end:016x}"));

        // Both lost: the manifest alone keeps its own blocks from being used again.
        std::fs::remove_file(&local).unwrap();
        *repository.nonce.lock().unwrap() = None;
        let sealer = key.sealer(repository.clone(), &world.directories).unwrap();
        sealer.seal(&mut object).unwrap();
        assert!(u64::from_be_bytes(object[33..41].try_into().unwrap()) >= manifest_end);
    }
}

#[test]
fn a_forged_manifest_does_not_move_the_nonces() {
    let vectors = vectors::of(Mode::Repokey);
    let (world, repository) = World::of(&vectors);
    let mut manifest = vectors.manifest.clone();
    manifest[33] = 0xff;
    let script = &mut Script::given(vectors::PASSPHRASE);
    let key = Key::unlock(&repository, &manifest, &world.directories, script).unwrap();
    let sealer = key.sealer(Arc::new(repository), &world.directories).unwrap();
    let mut object = room_and(&sealer, b"data");
    sealer.seal(&mut object).unwrap();
    assert_eq!(object[33], 0);
}

#[test]
fn clones_in_threads_share_no_counter() {
    let (key, world, repository) = created(Mode::RepokeyBlake2, "x");
    let repository: Arc<MemoryRepository> = Arc::new(repository);
    let sealer = key.sealer(repository.clone(), &world.directories).unwrap();
    let objects: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8usize)
            .map(|thread| {
                let sealer = sealer.clone();
                scope.spawn(move || {
                    (0..200usize)
                        .map(|number| {
                            let mut object = room_and(&sealer, &vec![thread as u8; (number * 7 + thread) % 100]);
                            sealer.seal(&mut object).unwrap();
                            object
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let mut overlaps = Overlaps::new();
    objects.iter().for_each(|object| overlaps.add(object));
    assert_eq!((overlaps.objects(), overlaps.find()), (1600, None));
    assert_eq!(repository.reservations.lock().unwrap().len(), 1, "one reservation for all");
    // Every IV is one of a kind, blank payloads included.
    let mut ivs: Vec<&[u8]> = objects.iter().map(|object| &object[33..41]).collect();
    ivs.sort_unstable();
    ivs.dedup();
    assert_eq!(ivs.len(), 1600);
}

#[test]
fn what_was_sealed_opens() {
    for mode in Mode::ALL {
        let (key, world, repository) = created(mode, "x");
        let sealer = key.sealer(Arc::new(repository), &world.directories).unwrap();
        assert_eq!(sealer.envelope_bytes(), if mode.is_encrypted() { ENVELOPE_BYTES } else { 1 });
        // Borg's framing of uncompressed data.
        let mut object = room_and(&sealer, b"\0\0some data");
        sealer.seal(&mut object).unwrap();
        let mut data = Vec::new();
        key.opener().open(Some(&key.id(b"some data")), &object, &mut data).unwrap();
        assert_eq!(data, b"some data");
    }
}

#[test]
fn together_is_the_same_as_one_by_one() {
    for vectors in vectors::all() {
        let key = unlocked(&vectors);
        let sealer = || match key.cipher() {
            Some(cipher) => {
                let nonces = Nonces::with_skip(Box::new(From(7)), Box::new(From(0)), None, 0);
                Sealer::encrypting(key.mode().key_type(), key.id_hash().clone(), cipher.clone(), nonces)
            }
            None => Sealer::plain(key.mode().key_type(), key.id_hash().clone()),
        };
        let payloads: Vec<Vec<u8>> =
            [300, 0, 5000, 87, 88, 120, 1, 700].map(|length| vec![length as u8; length]).into();
        let (alone, together) = (sealer(), sealer());
        let mut expected: Vec<_> = payloads.iter().map(|payload| room_and(&alone, payload)).collect();
        let mut objects = expected.clone();
        expected.iter_mut().for_each(|object| alone.seal(object).unwrap());
        objects.iter_mut().for_each(|object| together.encrypt(object).unwrap());
        let mut ids = vec![Id([0; 32]); payloads.len()];
        together.name_and_authenticate(
            payloads.iter().map(Vec::as_slice).zip(&mut ids),
            objects.iter_mut().map(Vec::as_mut_slice),
        );
        assert_eq!(objects, expected, "{:?}", vectors.mode);
        assert_eq!(ids, payloads.iter().map(|payload| key.id(payload)).collect::<Vec<_>>(), "{:?}", vectors.mode);
    }
}

#[test]
fn too_little_room_is_an_error() {
    let (key, world, repository) = created(Mode::Repokey, "x");
    let sealer = key.sealer(Arc::new(repository), &world.directories).unwrap();
    assert!(sealer.seal(&mut [0; 40]).is_err());
    assert!(sealer.seal(&mut [0; 41]).is_ok());
}

#[test]
fn gear_tables_are_the_keys_own() {
    let (one, world, repository) = created(Mode::Keyfile, "x");
    let other = created(Mode::Keyfile, "x").0;
    assert_ne!(one.gear(), other.gear());
    assert_ne!(one.gear()[0], one.gear()[8]);
    let script = &mut Script::given("x");
    let again = Key::unlock(&repository, &[0], &world.directories, script).unwrap();
    assert_eq!(one.gear(), again.gear());
    // Without a key the table is public and must never change: it decides where old data was cut.
    let plain = created(Mode::None, "x").0.gear();
    assert_eq!(plain, created(Mode::None, "x").0.gear());
    // Computed by another HKDF-SHA512: no key, no salt, label and number of the eight words as information.
    assert_eq!([plain[0], plain[255]], [0xf0a0_1ce3_1de3_0cb1, 0xe0d4_449a_c43f_1b90]);
}
