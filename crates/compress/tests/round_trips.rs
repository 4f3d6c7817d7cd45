//! Everything that compresses decompresses again, at every level and around every size that matters.

use nanoprobe_compress::{Codec, Compressor, Decompressor, Specification};
use proptest::prelude::*;

fn specifications() -> Vec<String> {
    let mut all: Vec<String> = ["none", "lz4", "auto,lz4", "auto,none"].map(String::from).into();
    all.extend((1..=22).map(|level| format!("zstd,{level}")));
    all.extend(
        (0..=9).flat_map(|level| [format!("zlib,{level}"), format!("lzma,{level}"), format!("auto,lzma,{level}")]),
    );
    all.extend((1..=6).chain(110..=113).chain([250]).map(|level| format!("obfuscate,{level},auto,zstd,3")));
    all.extend(["obfuscate,123,zlib,1", "obfuscate,2,none", "obfuscate,250,obfuscate,250,lzma"].map(String::from));
    all
}

/// Compressible, incompressible and mixed.
fn inputs() -> Vec<Vec<u8>> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    let noise: Vec<u8> = (0..200_000).map(|_| next()).collect();
    let text: Vec<u8> = (0..30_000).flat_map(|index: u32| format!("{} ", index % 977).into_bytes()).collect();
    let mixed = [&noise[..3000], &text[..9000], &noise[..3000]].concat();
    let mut inputs = vec![noise.clone(), text.clone(), mixed, vec![0; 300_000]];
    for size in [0, 1, 2, 3, 4, 12, 13, 14, 64, 255, 256, 270, 4096, 65_535, 65_536, 65_537] {
        inputs.push(text[..size].to_vec());
        inputs.push(noise[..size].to_vec());
        inputs.push(vec![9; size]);
    }
    inputs
}

#[test]
fn every_specification_round_trips_every_input() {
    let inputs = inputs();
    let mut decompressor = Decompressor::new();
    let (mut framed, mut plain) = (Vec::new(), Vec::new());
    for text in specifications() {
        let specification: Specification = text.parse().unwrap();
        let mut compressor = Compressor::new(&specification);
        for data in &inputs {
            // Large inputs at the slowest levels would take the test's time.
            if data.len() > 70_000 && ["zstd,2", "lzma,"].iter().any(|slow| text.contains(slow)) && text != "lzma,6" {
                continue;
            }
            framed.clear();
            compressor.compress(data, &mut framed).unwrap();
            if !text.starts_with("obfuscate") {
                assert!(framed.len() <= data.len() + 2, "{text} {}", data.len());
            }
            decompressor.decompress(&framed, data.len(), &mut plain).unwrap_or_else(|error| panic!("{text} {error}"));
            assert!(plain == *data, "{text} {}", data.len());
        }
    }
}

#[test]
fn incompressible_data_is_stored_as_it_is() {
    let noise = &inputs()[0];
    for text in ["lz4", "zstd,3", "zlib,6", "lzma,0", "auto,zstd,3", "auto,lzma,0"] {
        let mut framed = Vec::new();
        Compressor::new(&text.parse().unwrap()).compress(noise, &mut framed).unwrap();
        assert_eq!(Codec::of(&framed), Some(Codec::None), "{text}");
        assert_eq!(framed[2..], noise[..]);
    }
}

#[test]
fn contexts_and_buffers_do_not_grow() {
    let text = &inputs()[1];
    for name in ["lz4", "zstd,3", "zlib,6", "auto,zstd,3"] {
        let mut compressor = Compressor::new(&name.parse().unwrap());
        let mut framed = Vec::with_capacity(text.len() + 2);
        for size in [text.len(), 10, 5000, text.len()] {
            framed.clear();
            compressor.compress(&text[..size], &mut framed).unwrap();
            assert_eq!(framed.capacity(), text.len() + 2, "{name}");
        }
    }
}

#[test]
fn memory_is_told_in_the_right_order_of_size() {
    let of = |text: &str| Compressor::memory_bytes(&text.parse().unwrap());
    assert_eq!(of("none"), 0);
    assert_eq!(of("auto,none"), of("lz4"));
    assert!((500 << 10..2 << 20).contains(&of("zstd,1")), "{}", of("zstd,1"));
    assert!((1 << 20..8 << 20).contains(&of("zstd,3")), "{}", of("zstd,3"));
    assert!(of("zstd,19") > 60 << 20 && of("zstd,22") > of("zstd,19"));
    assert!((90 << 20..100 << 20).contains(&of("lzma,6")), "{}", of("lzma,6"));
    assert_eq!(of("obfuscate,1,auto,lzma,6"), of("lzma,6"));
    let small = Compressor::memory_bytes_for(&"lzma,9".parse().unwrap(), 1 << 20);
    assert!(small < 20 << 20, "{small}");
}

#[test]
fn lzma_makes_do_with_little_memory() {
    let specification = "lzma,6".parse().unwrap();
    let least = Compressor::least_memory_bytes(&specification, 8 << 20);
    assert!(least < 9 << 20, "{least}");
    // What repeats is farther away than a small dictionary reaches.
    let mut state = 1_u64;
    let mut data: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    })
    .take(600 << 10)
    .collect();
    data.extend_from_within(..);
    let bytes = [usize::MAX, 12 << 20, 0].map(|memory| {
        let (mut framed, mut plain) = (Vec::new(), Vec::new());
        Compressor::within(&specification, memory).compress(&data, &mut framed).unwrap();
        Decompressor::new().decompress(&framed, data.len(), &mut plain).unwrap();
        assert!(plain == data);
        framed.len()
    });
    assert!(bytes[0] < 700 << 10 && bytes[2] > 1 << 20, "{bytes:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn random_data_round_trips(
        data in prop::collection::vec(prop_oneof![Just(0_u8), any::<u8>(), 97..100_u8], 0..5000),
        text in prop::sample::select(vec!["none", "lz4", "zstd,1", "zstd,9", "zlib,6", "lzma,1", "auto,zlib,3", "obfuscate,110,auto,zstd,2"]),
    ) {
        let (mut framed, mut plain) = (Vec::new(), vec![1, 2, 3]);
        Compressor::new(&text.parse().unwrap()).compress(&data, &mut framed).unwrap();
        Decompressor::new().decompress(&framed, data.len(), &mut plain).unwrap();
        prop_assert_eq!(plain, data);
    }
}
