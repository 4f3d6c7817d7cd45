//! What is known of an older version of a stream spares hashing and changes no cut.

use nanoprobe_chunker::{Chunker, Parameters, Stream};
use proptest::prelude::*;

fn noise(length: usize, alphabet: u8, mut state: u64) -> Vec<u8> {
    (0..length)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 56) as u8) % alphabet
        })
        .collect()
}

/// The chunks of `bytes`; where one begins with a whole chunk of `old`, the chunker is told so, after `read` bytes of it.
fn chunks<'a>(chunker: &mut Chunker, bytes: &'a [u8], old: &[&[u8]], read: usize) -> Vec<&'a [u8]> {
    chunker.start();
    let (mut chunks, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let cut = chunker.next_cut(&rest[..rest.len().min(read)], Stream::Continues).or_else(|| {
            if let Some(known) = old.iter().find(|known| rest.starts_with(known)) {
                chunker.skip(known.len());
            }
            chunker.next_cut(rest, Stream::Ends)
        });
        let (chunk, after) = rest.split_at(cut.unwrap());
        chunks.push(chunk);
        rest = after;
    }
    chunks
}

/// Some places of `bytes` are changed, lost or filled with something new; the end is cut off or grows.
fn edited(bytes: &[u8], edits: &[(usize, usize, u8)], alphabet: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for &(place, count, kind) in edits {
        let place = place % (bytes.len() + 1);
        let end = bytes.len().min(place + count);
        match kind {
            0 => bytes[place..end].iter_mut().for_each(|byte| *byte = (*byte + 1) % alphabet),
            1 => drop(bytes.drain(place..end)),
            2 => drop(bytes.splice(place..place, noise(count, alphabet, place as u64))),
            3 => bytes.truncate(place.max(bytes.len() - bytes.len().min(count))),
            _ => bytes.extend(noise(count, alphabet, count as u64)),
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn cuts_are_the_same_with_and_without_it(
        parameters in prop::sample::select(vec![
            "buzhash,8,12,9,63", "buzhash,6,10,9,255", "buzhash,10,14,12,4095", "buzhash,9,15,10,4097", "fastcdc,8,10,13",
            "fastcdc,6,9,10", "fixed,512,100",
        ]),
        seed: u32,
        alphabet in prop::sample::select(vec![1_u8, 2, 251]),
        length in 0..60_000_usize,
        edits in prop::collection::vec((any::<usize>(), 0..3000_usize, 0..5_u8), 0..5),
        read in prop::sample::select(vec![0_usize, 1, 300, 5000]),
    ) {
        let parameters: Parameters = parameters.parse().unwrap();
        let mut chunker = Chunker::new(parameters, seed, None);
        let before = noise(length, alphabet, seed.into());
        let old = chunks(&mut chunker, &before, &[], 0);
        let after = edited(&before, &edits, alphabet);
        let expected = chunks(&mut chunker, &after, &[], 0);
        prop_assert_eq!(chunks(&mut chunker, &after, &old, read), expected);
    }
}

#[test]
fn a_file_that_grew_is_hashed_from_its_old_end() {
    let mut chunker = Chunker::new("buzhash,10,20,16,4095".parse().unwrap(), 7, None);
    let bytes = noise(3 << 20, 251, 1);
    let before = chunks(&mut chunker, &bytes[..bytes.len() - 100_000], &[], 0);
    let after = chunks(&mut chunker, &bytes, &[], 0);
    assert!(before.len() > 10 && before.last() != after.get(before.len() - 1), "the last chunk should grow");
    assert_eq!(chunks(&mut chunker, &bytes, &before, 0), after);
}
