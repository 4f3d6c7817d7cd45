//! FastCDC agrees with the `fastcdc` crate given the same gear table, however the stream is read.

use fastcdc::v2020::{Normalization, cut_gear, select_masks};
use nanoprobe_chunker::{Chunker, Parameters, Stream};
use proptest::prelude::*;

fn gear(key: u64) -> [u64; 256] {
    let mut state = key | 1;
    std::array::from_fn(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    })
}

fn reference(bytes: &[u8], exponents: [u8; 3], gear: &[u64; 256]) -> Vec<usize> {
    let [minimum, average, maximum] = exponents.map(|exponent| 1_usize << exponent);
    let (strict, loose) = select_masks(average, Normalization::Level1);
    let doubled = gear.map(|number| number << 1);
    let (mut cuts, mut start) = (Vec::new(), 0);
    while start < bytes.len() {
        let rest = &bytes[start..];
        let (_, cut) =
            cut_gear(rest, minimum, average, maximum, strict, loose, strict << 1, loose << 1, gear, &doubled);
        cuts.push(cut);
        start += cut;
    }
    cuts
}

fn ours(bytes: &[u8], exponents: [u8; 3], gear: &[u64; 256], reads: &[usize]) -> Vec<usize> {
    let [minimum, average, maximum] = exponents;
    let parameters: Parameters = format!("fastcdc,{minimum},{average},{maximum}").parse().unwrap();
    let mut chunker = Chunker::new(parameters, 0, Some(gear));
    chunker.start();
    let (mut cuts, mut start, mut end) = (Vec::new(), 0, 0);
    for &read in reads.iter().cycle() {
        end = bytes.len().min(end + read);
        let stream = if end == bytes.len() { Stream::Ends } else { Stream::Continues };
        while let Some(cut) = chunker.next_cut(&bytes[start..end], stream) {
            start += cut;
            cuts.push(cut);
        }
        if stream == Stream::Ends {
            break;
        }
    }
    cuts
}

fn noise(length: usize, mut state: u64) -> Vec<u8> {
    (0..length)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .collect()
}

#[test]
fn every_average_agrees_on_a_long_stream() {
    let bytes = noise(2_000_001, 3);
    for average in 8..=22 {
        let exponents = [average.max(8) - 2, average, (average + 2).min(23)];
        let table = gear(average.into());
        let expected = reference(&bytes, exponents, &table);
        assert_eq!(ours(&bytes, exponents, &table, &[65_537]), expected, "{average}");
        assert!(average > 18 || expected.len() > 3, "{average}");
    }
}

#[test]
fn sizes_are_near_the_average_and_depend_on_the_table() {
    let bytes = noise(4 << 20, 8);
    let first = ours(&bytes, [12, 14, 16], &gear(1), &[bytes.len()]);
    let second = ours(&bytes, [12, 14, 16], &gear(2), &[bytes.len()]);
    assert_ne!(first, second);
    for cuts in [first, second] {
        let average = bytes.len() / cuts.len();
        assert!((12 << 10..24 << 10).contains(&average), "{average}");
        assert!(cuts.iter().rev().skip(1).all(|cut| (4 << 10..=64 << 10).contains(cut)));
    }
}

#[test]
fn without_a_table_the_seed_makes_one() {
    let bytes = noise(1 << 20, 9);
    let parameters: Parameters = "fastcdc,10,12,14".parse().unwrap();
    let cut = |seed| Chunker::new(parameters, seed, None).next_cut(&bytes, Stream::Ends).unwrap();
    assert!((0..20).any(|seed| cut(seed) != cut(0)));
    assert!((0..20).all(|seed| (1 << 10..=1 << 14).contains(&cut(seed))));
}

proptest! {
    #[test]
    fn reads_do_not_matter(
        key: u64,
        state: u64,
        length in 0..20_000_usize,
        minimum in 6..9_u8,
        average in 9..12_u8,
        maximum in 12..14_u8,
        reads in prop::collection::vec(1..3000_usize, 1..6),
    ) {
        let bytes = noise(length, state);
        let (exponents, table) = ([minimum, average, maximum], gear(key));
        prop_assert_eq!(ours(&bytes, exponents, &table, &reads), reference(&bytes, exponents, &table));
    }
}
