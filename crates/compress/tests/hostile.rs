//! Bytes that nobody authenticated: bombs, lies about sizes, damage and noise end in an error, within bounded memory.

use nanoprobe_compress::{Compressor, Decompressor, Error};
use proptest::prelude::*;

const LIMIT: usize = 1 << 20;

fn compressed(text: &str, data: &[u8]) -> Vec<u8> {
    let mut framed = Vec::new();
    Compressor::new(&text.parse().unwrap()).compress(data, &mut framed).unwrap();
    framed
}

#[test]
fn bombs_end_at_the_limit() {
    let zeros = vec![0; 16 << 20];
    for text in ["none", "lz4", "zstd,3", "zlib,9", "lzma,0", "obfuscate,250,zlib,6"] {
        let bomb = compressed(text, &zeros);
        let mut plain = Vec::new();
        let result = Decompressor::new().decompress(&bomb, LIMIT, &mut plain);
        assert_eq!(result, Err(Error::TooLarge { limit_bytes: LIMIT }), "{text}");
        assert!(plain.is_empty() && plain.capacity() <= LIMIT, "{text} {}", plain.capacity());
    }
}

#[test]
fn a_declared_size_alone_allocates_nothing() {
    // A zstd frame header that declares 1 MiB - 1, and no block.
    let mut frame = vec![3, 0, 0x28, 0xb5, 0x2f, 0xfd, 0xa0];
    frame.extend_from_slice(&(LIMIT as u32 - 1).to_le_bytes());
    let mut plain = Vec::new();
    assert!(matches!(Decompressor::new().decompress(&frame, LIMIT, &mut plain), Err(Error::Corrupt { .. })));
    assert_eq!(plain.capacity(), 0);
    // One without a size, which Borg refuses as well.
    let frame = [3, 0, 0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58, 1, 0, 0];
    assert!(matches!(Decompressor::new().decompress(&frame, LIMIT, &mut plain), Err(Error::Corrupt { .. })));
}

#[test]
fn an_xz_header_with_a_huge_dictionary_is_read_without_it() {
    let data: Vec<u8> = (0..50_000_u32).flat_map(|index| (index / 9).to_le_bytes()).collect();
    let mut framed = compressed("lzma,6", &data);
    // The dictionary code of the block header, and its CRC.
    assert_eq!(framed[14..18], [2, 0, 0x21, 1]);
    framed[18] = 40;
    let crc = crc32(&framed[14..22]);
    framed[22..26].copy_from_slice(&crc.to_le_bytes());
    let mut plain = Vec::new();
    Decompressor::new().decompress(&framed, data.len(), &mut plain).unwrap();
    assert!(plain == data);
    // A wrong CRC stays wrong.
    framed[23] ^= 1;
    assert!(Decompressor::new().decompress(&framed, data.len(), &mut plain).is_err());
}

#[test]
fn a_frame_cut_anywhere_is_an_error() {
    let data: Vec<u8> = (0..3000_u32).flat_map(|index| (index / 7).to_le_bytes()).collect();
    for text in ["lz4", "zstd,3", "zlib,6", "lzma,6"] {
        let framed = compressed(text, &data);
        for end in 0..framed.len() {
            let mut plain = Vec::new();
            let result = Decompressor::new().decompress(&framed[..end], LIMIT, &mut plain);
            // A raw lz4 block has no end mark: cut after literals it stands for a beginning of the data.
            let beginning = text == "lz4" && data.starts_with(&plain) && plain.len() < data.len();
            assert!(result.is_err() || beginning, "{text} cut to {end} of {}", framed.len());
        }
    }
}

#[test]
fn obfuscate_frames_that_lie_are_errors() {
    for frame in
        [&[4, 0][..], &[4, 0, 0, 0, 0], &[4, 0, 0, 0, 0, 0], &[4, 0, 0, 0, 0, 1, 0], &[4, 0, 255, 255, 255, 255, 9, 9]]
    {
        assert!(Decompressor::new().decompress(frame, LIMIT, &mut Vec::new()).is_err(), "{frame:?}");
    }
    // Padding within padding, a hundred thousand deep: no recursion to overflow.
    let mut nested = Vec::new();
    for depth in (1..=100_000_u32).rev() {
        nested.extend_from_slice(&[4, 0]);
        nested.extend_from_slice(&(depth * 6).to_be_bytes());
    }
    assert!(Decompressor::new().decompress(&nested, LIMIT, &mut Vec::new()).is_err());
}

#[test]
fn a_buffer_with_more_capacity_than_the_limit_is_bounded_too() {
    let data = vec![5; 70_000];
    for text in ["lz4", "zstd,3", "zlib,6", "lzma,1"] {
        let framed = compressed(text, &data);
        let mut plain = Vec::with_capacity(4 * data.len());
        assert!(Decompressor::new().decompress(&framed, data.len() - 1, &mut plain).is_err(), "{text}");
        Decompressor::new().decompress(&framed, data.len(), &mut plain).unwrap();
        assert!(plain == data, "{text}");
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes
        .iter()
        .fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1))))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    #[test]
    fn noise_never_panics_or_exceeds(
        header in prop::sample::select(vec![[1_u8, 0], [2, 0], [3, 0], [4, 0], [0x78, 0x9c], [0, 0], [9, 9]]),
        body in prop::collection::vec(any::<u8>(), 0..400),
        limit in 0..5000_usize,
    ) {
        let framed = [&header[..], &body].concat();
        let mut plain = Vec::new();
        if Decompressor::new().decompress(&framed, limit, &mut plain).is_ok() {
            prop_assert!(plain.len() <= limit);
        }
    }

    #[test]
    fn damage_never_panics_or_exceeds(
        text in prop::sample::select(vec!["lz4", "zstd,3", "zlib,6", "lzma,1", "obfuscate,250,zstd,3"]),
        at in any::<prop::sample::Index>(),
        flip in 1..=255_u8,
        limit in 0..9000_usize,
    ) {
        let data: Vec<u8> = (0..2000_u32).flat_map(|index| (index / 5).to_le_bytes()).collect();
        let mut framed = compressed(text, &data);
        let at = at.index(framed.len());
        framed[at] ^= flip;
        let mut plain = Vec::new();
        if Decompressor::new().decompress(&framed, limit, &mut plain).is_ok() {
            prop_assert!(plain.len() <= limit);
        }
    }
}
