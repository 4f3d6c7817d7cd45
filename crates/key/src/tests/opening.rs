//! What Borg wrote is read; what is damaged is refused, by name.

use nanoprobe_format::Id;

use super::{support::unlocked, vectors};
use crate::{Batch, Error, IntegrityError, Mode, Opener, Opening};

#[test]
fn every_recorded_object_opens() {
    for vectors in vectors::all() {
        let key = unlocked(&vectors);
        let (mut opener, mut data) = (key.opener(), Vec::new());
        for object in &vectors.objects {
            opener.open(Some(&object.id), &object.stored, &mut data).unwrap();
            assert_eq!(data, object.data, "{:?}", vectors.mode);
            assert_eq!(key.id(&data), object.id);
        }
        opener.open(None, &vectors.manifest, &mut data).unwrap();
        assert!(data.windows(9).any(|window| window == b"timestamp"));
    }
}

#[test]
fn together_opens_what_opens_alone() {
    for vectors in vectors::all() {
        let mut opener = unlocked(&vectors).opener();
        let ids: Vec<_> = vectors.objects.iter().map(|object| object.id).collect();
        let whole: Vec<_> = vectors.objects.iter().map(|object| object.stored.clone()).collect();
        // A damage of each kind at each place of the list, beside whole ones.
        for place in 0..whole.len() {
            for damage in 0..6 {
                let (mut stored, mut asked) = (whole.clone(), ids.clone());
                match damage {
                    0 => {}
                    1 => stored[place][0] ^= 0x40,
                    2 => *stored[place].last_mut().unwrap() ^= 1,
                    3 => stored[place].truncate(7),
                    4 => stored[place].clear(),
                    _ => asked[place] = ids[(place + 1) % ids.len()],
                }
                let expected: Vec<Option<Vec<u8>>> = std::iter::zip(&asked, &stored)
                    .map(|(id, object)| {
                        let mut data = Vec::new();
                        opener.open(Some(id), object, &mut data).is_ok().then_some(data)
                    })
                    .collect();
                // Without a MAC, a flip in an obfuscated one's padding does no harm.
                let is_harmless = damage == 0 || (damage == 2 && !vectors.mode.is_encrypted());
                assert!(expected[place].is_none() || is_harmless);
                assert_eq!(expected.iter().flatten().count(), ids.len() - usize::from(expected[place].is_none()));
                let bytes: usize = vectors.objects.iter().map(|object| object.data.len()).sum();
                for most in [1, 2, ids.len()] {
                    let opened = together(&mut opener, &asked, &stored, most, bytes);
                    assert_eq!(opened, expected, "{:?} damage {damage} at {place}, {most}", vectors.mode);
                }
            }
        }
    }
}

#[test]
fn together_nothing_grows() {
    let vectors = vectors::of(Mode::RepokeyBlake2);
    let mut opener = unlocked(&vectors).opener();
    let stored = [0, 1, 0].map(|number| vectors.objects[number].stored.clone());
    let ids = [0, 1, 0].map(|number| vectors.objects[number].id);
    let first = &vectors.objects[0].data;
    let opened = together(&mut opener, &ids, &stored, 3, first.len());
    assert_eq!((opened[0].as_ref(), opened[2].as_ref()), (Some(first), None));
}

/// Opens in one go; `most` objects lie side by side, each such batch with room for `bytes` of data.
fn together(opener: &mut Opener, ids: &[Id], stored: &[Vec<u8>], most: usize, bytes: usize) -> Vec<Option<Vec<u8>>> {
    let pairs: Vec<_> = std::iter::zip(ids, stored).collect();
    let mut parts: Vec<(Vec<Opening>, Vec<u8>, Vec<u8>)> = Vec::new();
    for pairs in pairs.chunks(most) {
        let (mut openings, mut objects) = (Vec::new(), Vec::new());
        for &(&id, stored) in pairs {
            let start = objects.len() as u32;
            objects.extend_from_slice(stored);
            openings.push(Opening { id, object: Some((start, objects.len() as u32)), data: None });
        }
        parts.push((openings, objects, Vec::with_capacity(bytes)));
    }
    let mut batches: Vec<_> =
        parts.iter_mut().map(|(openings, objects, data)| Batch { openings, objects, data }).collect();
    opener.open_all(&mut batches);
    drop(batches);
    let data = |(openings, _, data): &(Vec<Opening>, Vec<u8>, Vec<u8>)| {
        let of = |opening: &Opening| opening.data.map(|(start, end)| data[start as usize..end as usize].to_vec());
        openings.iter().map(of).collect::<Vec<_>>()
    };
    parts.iter().flat_map(data).collect()
}

#[test]
fn seeds_and_signatures_are_borgs() {
    for vectors in vectors::all() {
        let key = unlocked(&vectors);
        assert_eq!((key.mode(), key.chunk_seed()), (vectors.mode, vectors.seed as u32));
        assert_eq!(key.is_tam_required(), vectors.mode != Mode::None);
        for tam in &vectors.tams {
            assert_eq!(key.tam(tam.context, &tam.salt, &tam.packed)[..], tam.tam);
            assert!(key.verify_tam(tam.context, &tam.salt, &tam.packed, &tam.tam));
            let mut altered = tam.tam.clone();
            altered[63] ^= 1;
            assert!(!key.verify_tam(tam.context, &tam.salt, &tam.packed, &altered));
            assert!(!key.verify_tam(tam.context, &tam.salt, &tam.packed, &tam.tam[..63]));
            assert!(!key.verify_tam(tam.context, &tam.salt, &tam.packed[1..], &tam.tam));
        }
        // A signature of one context does not pass for the other.
        let (one, other) = (&vectors.tams[0], &vectors.tams[1]);
        assert!(!key.verify_tam(other.context, &one.salt, &one.packed, &one.tam));
    }
}

#[test]
fn no_flipped_bit_passes() {
    for vectors in vectors::all() {
        let mut opener = unlocked(&vectors).opener();
        // The one stored without compression: there a flip reaches the data.
        let object = &vectors.objects[0];
        for bit in 0..object.stored.len() * 8 {
            let mut stored = object.stored.clone();
            stored[bit / 8] ^= 1 << (bit % 8);
            if vectors.mode.accepts(stored[0]) && bit < 8 {
                continue; // Repokey reads the passphrase type as well, see below.
            }
            let error = opener.open(Some(&object.id), &stored, &mut Vec::new()).unwrap_err();
            let expected = match (bit / 8, vectors.mode) {
                (0, Mode::Authenticated | Mode::AuthenticatedBlake2) => "Invalid envelope",
                (0, _) => "Invalid encryption envelope",
                (_, mode) if mode.is_encrypted() => "MAC Authentication failed",
                (1 | 2, _) => "", // Another codec: it or the id says no.
                _ => "id verification failed",
            };
            assert!(error.to_string().contains(expected), "{:?} bit {bit}: {error}", vectors.mode);
        }
    }
}

#[test]
fn truncation_is_refused_everywhere() {
    for vectors in vectors::all() {
        let (mut opener, mut data) = (unlocked(&vectors).opener(), Vec::new());
        for (number, object) in vectors.objects.iter().enumerate() {
            for length in 0..object.stored.len() {
                let result = opener.open(Some(&object.id), &object.stored[..length], &mut data);
                // Without a MAC the last one, obfuscated, can lose padding: its data is whole then.
                let is_padding = number == 5 && !vectors.mode.is_encrypted() && data == object.data;
                assert!(result.is_err() || is_padding, "{:?} object {number} at {length}", vectors.mode);
            }
        }
    }
}

#[test]
fn an_object_under_another_id_is_refused() {
    for vectors in vectors::all() {
        let mut opener = unlocked(&vectors).opener();
        let (one, other) = (&vectors.objects[0], &vectors.objects[1]);
        let error = opener.open(Some(&other.id), &one.stored, &mut Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), format!("Data integrity error: Chunk {}: id verification failed", other.id));
    }
}

#[test]
fn messages_are_borgs() {
    let vectors = vectors::of(Mode::Repokey);
    let mut opener = unlocked(&vectors).opener();
    let id = vectors.objects[0].id;
    let mut message = |stored: &[u8], id| opener.open(id, stored, &mut Vec::new()).unwrap_err().to_string();
    assert_eq!(message(&[0; 50], Some(&id)), format!("Data integrity error: Chunk {id}: Invalid encryption envelope"));
    assert_eq!(message(&[0; 50], None), "Data integrity error: Chunk (unknown): Invalid encryption envelope");
    assert_eq!(
        message(&[3; 50], Some(&id)),
        format!("Data integrity error: Chunk {id}: Could not decrypt [MAC Authentication failed]")
    );
    let mut opener = unlocked(&vectors::of(Mode::Authenticated)).opener();
    let error = opener.open(Some(&id), &[2, 0, 0], &mut Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), format!("Data integrity error: Chunk {id}: Invalid envelope"));
}

#[test]
fn the_passphrase_type_is_read_as_repokey_only() {
    for vectors in vectors::all() {
        let object = &vectors.objects[0];
        let mut stored = object.stored.clone();
        stored[0] = 1;
        let result = unlocked(&vectors).opener().open(Some(&object.id), &stored, &mut Vec::new());
        assert_eq!(result.is_ok(), vectors.mode == Mode::Repokey, "{:?}", vectors.mode);
    }
    assert_eq!(Mode::of_object(&[1]).unwrap(), Mode::Repokey);
    assert!(matches!(Mode::of_object(&[8]), Err(Error::UnsupportedPayload(8))));
    assert!(matches!(Mode::of_object(&[]), Err(Error::EmptyManifest)));
}

#[test]
fn another_keys_objects_do_not_open() {
    let (one, other) = (vectors::of(Mode::Repokey), super::support::created(Mode::Repokey, "x").0);
    let error = other.opener().open(Some(&one.objects[0].id), &one.objects[0].stored, &mut Vec::new()).unwrap_err();
    assert!(matches!(error, Error::Integrity(IntegrityError::Mac(_))));
}

#[test]
fn a_clone_opens_as_well() {
    let vectors = vectors::of(Mode::KeyfileBlake2);
    let mut opener: Opener = unlocked(&vectors).opener().clone();
    let (object, mut data) = (&vectors.objects[1], vec![7; 5]);
    let mut stored = object.stored.clone();
    opener.open_in_place(Some(&object.id), &mut stored, &mut data).unwrap();
    assert_eq!(data, object.data);
}

#[test]
fn what_decompresses_beyond_the_largest_object_is_refused() {
    let key = super::support::created(Mode::None, "").0;
    for codec in ["none", "lz4", "zstd,1", "zlib,1", "lzma,0"] {
        let mut compressor = nanoprobe_compress::Compressor::new(&codec.parse().unwrap());
        for (excess, fits) in [(0, true), (1, false)] {
            let plain = vec![0; crate::MOST_PLAIN_BYTES + excess];
            let mut object = vec![2];
            compressor.compress(&plain, &mut object).unwrap();
            let result = key.opener().open(Some(&key.id(&plain)), &object, &mut Vec::new());
            assert_eq!(result.is_ok(), fits, "{codec}");
            assert!(fits || matches!(result, Err(Error::Decompression(_))));
        }
    }
}
