use std::vec::Vec;

use nanoprobe_cpu::Form;
use proptest::prelude::*;

use super::*;

fn forms() -> impl Iterator<Item = BuzhashForm> {
    BuzhashForm::ALL.iter().copied().filter(|form| form.is_available())
}

/// The rule as it stands in words: every hash computed anew.
fn plain(bytes: &[u8], minimum: usize, maximum: usize, window: usize, mask: u32, table: &[u32; 256]) -> Vec<usize> {
    let mut cuts = Vec::new();
    let mut start = 0;
    while start < bytes.len() {
        let end = bytes.len().min(start + maximum);
        let cut = (start + minimum..end.saturating_sub(window)).find(|&position| {
            let hash = (0..window).fold(0_u32, |hash, index| {
                hash ^ table[usize::from(bytes[position + index])].rotate_left((window - 1 - index) as u32 % 32)
            });
            hash & mask == 0
        });
        start = cut.unwrap_or(end);
        cuts.push(start);
    }
    cuts
}

/// The cuts when the stream comes in reads of these sizes, over and over.
fn cuts(buzhash: &mut Buzhash, bytes: &[u8], reads: &[usize]) -> Vec<usize> {
    buzhash.restart();
    let (mut cuts, mut start, mut end) = (Vec::new(), 0, 0);
    for &read in reads.iter().cycle() {
        end = bytes.len().min(end + read);
        let stream = if end == bytes.len() { Stream::Ends } else { Stream::Continues };
        while let Some(cut) = buzhash.next_cut(&bytes[start..end], stream) {
            assert!(cut > 0 && start + cut <= end);
            start += cut;
            cuts.push(start);
        }
        if stream == Stream::Ends {
            break;
        }
    }
    assert_eq!(start, bytes.len());
    cuts
}

fn noise(length: usize, alphabet: u8, mut state: u64) -> Vec<u8> {
    (0..length)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 56) as u8) % alphabet.max(1)
        })
        .collect()
}

#[test]
fn sizes_around_every_boundary_agree_with_the_rule() {
    for (minimum, maximum, mask_bits, window) in [(6, 9, 6, 63), (6, 8, 7, 191), (7, 13, 9, 4095), (6, 13, 8, 4101)] {
        let mut chunkers: Vec<_> =
            forms().map(|form| Buzhash::new(minimum, maximum, mask_bits, window, 99, form)).collect();
        let (smallest, largest, window) = (1 << minimum, 1 << maximum, window as usize);
        let bytes = noise(2 * largest + 9, 255, 5);
        let mut sizes: Vec<usize> = (0..3).collect();
        for size in [smallest, smallest + window, largest, largest + smallest + window, 2 * largest] {
            sizes.extend(size - 2..=size + 3);
        }
        for size in sizes {
            let expected = plain(&bytes[..size], smallest, largest, window, (1 << mask_bits) - 1, &chunkers[0].table);
            for reads in [&[size + 1][..], &[1], &[31, 33], &[largest], &[1024, 1]] {
                for buzhash in &mut chunkers {
                    assert_eq!(cuts(buzhash, &bytes[..size], reads), expected, "{minimum} {maximum} {size} {reads:?}");
                }
            }
        }
    }
}

/// Cuts so near that nearly every group has one, whichever place of the ring it and its partner stand at.
#[test]
fn kernel_and_rolling_hash_agree_on_long_streams() {
    let table = table::BASE.map(|number| number ^ 0x5eed);
    for (window, mask) in [1, 31, 33, 63, 1023, 1025, 3071, 4095].into_iter().flat_map(|w| [(w, 0x3fff), (w, 0x3f)]) {
        let bytes = noise(300_000, 255, window as u64);
        for form in forms() {
            let (mut scan, mut rolling) = (Scan::new(form, window, mask), Rolling::new(window, mask, &table));
            let mut at = 0;
            while at < bytes.len() {
                scan.restart();
                rolling.restart();
                let expected = rolling.find(&bytes[at..], &table);
                assert_eq!(scan.find(&bytes[at..], &table), expected, "{form:?} {window} {at}");
                at += expected.unwrap_or(bytes.len()) + 1;
            }
        }
    }
}

/// Kernels that work on the next group beside this one have edges at few groups.
#[test]
fn few_groups_are_hashed_and_tested_as_by_the_portable_form() {
    let table = table::BASE.map(|number| number ^ 0x5eed);
    let masks = core::array::from_fn(|index| 0x3ff_u32.rotate_right(index as u32 + 1));
    let noise = noise(6 * GROUP, 255, 3);
    let (bytes, _) = noise.as_chunks::<GROUP>();
    for (form, groups) in forms().flat_map(|form| (0..=5).map(move |groups| (form, groups))) {
        // One more of the one or of the other: it is not touched.
        for (here, there) in [(groups, groups), (groups + 1, groups), (groups, groups + 1)] {
            let (mut slots, mut expected) = ([[7; GROUP]; 6], [[7; GROUP]; 6]);
            assert_eq!(
                form.hash(&bytes[..here], &mut slots[..there], 99, &table),
                portable::hash(&bytes[..here], &mut expected[..there], 99, &table)
            );
            assert_eq!(slots, expected, "{form:?} {here} {there}");

            let old = slots;
            let mut new = old.map(|group| group.map(|number| !number));
            assert_eq!(form.test(&new[..here], &old[..there], &masks), None, "{form:?} {here} {there}");
            for at in (0..6 * GROUP).rev() {
                let (group, index) = (at / GROUP, at % GROUP);
                new[group][index] = old[group][index] ^ !masks[index];
                let expected = (group < groups).then_some(group);
                assert_eq!(form.test(&new[..here], &old[..there], &masks), expected, "{form:?} {here} {there} {at}");
            }
        }
    }
}

/// Reads that end within the group that is repeated behind the ring, and elsewhere.
#[test]
fn the_only_cut_is_found_wherever_it_stands_in_the_ring() {
    let table = table::BASE.map(|number| number ^ 0x5eed);
    let (window, mask) = (4079, 0x7fff);
    let bytes = noise(60_000, 255, 15);
    let cut = Rolling::new(window, mask, &table).find(&bytes, &table).unwrap();
    assert!(cut > 2 * RING_BYTES);
    for start in (0..RING_BYTES).step_by(7) {
        for (form, first_read) in forms().flat_map(|form| [(form, 5), (form, 40)]) {
            let mut scan = Scan::new(form, window, mask);
            scan.restart();
            let reads = (0..).map(|number| bytes.len().min(start + first_read + number * RING_BYTES));
            let found = reads.take(12).find_map(|end| scan.find(&bytes[start..end], &table));
            assert_eq!(found, Some(cut - start), "{form:?} {start} {first_read}");
        }
    }
}

/// After so many bytes every slot of the ring is taken again.
const RING_BYTES: usize = 5120;

#[test]
fn a_file_below_the_first_window_is_not_hashed() {
    let mut buzhash = Buzhash::new(19, 23, 21, 4095, 7, BuzhashForm::chosen());
    let bytes = std::vec![1; (1 << 19) + 4095];
    assert_eq!(buzhash.find(&bytes), None);
    assert_eq!([buzhash.scan.hashed, buzhash.rolling.position()], [0; 2]);
    assert_eq!(buzhash.next_cut(&bytes, Stream::Ends), Some(bytes.len()));
    assert_eq!(buzhash.next_cut(&[], Stream::Ends), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn cuts_depend_on_the_bytes_alone(
        seed: u32,
        minimum in 6..10_u8,
        spread in 2..5_u8,
        mask_bits in 5..11_u8,
        window in 0..120_u32,
        length in 0..6000_usize,
        alphabet in prop::sample::select(std::vec![1_u8, 2, 255]),
        reads in prop::collection::vec(1..2000_usize, 1..8),
        state: u64,
    ) {
        let window = 2 * window + 1;
        let bytes = noise(length, alphabet, state);
        for form in forms() {
            let mut buzhash = Buzhash::new(minimum, minimum + spread, mask_bits, window, seed, form);
            let (smallest, largest) = (1 << minimum, 1 << (minimum + spread));
            let expected = plain(&bytes, smallest, largest, window as usize, (1 << mask_bits) - 1, &buzhash.table);
            prop_assert_eq!(cuts(&mut buzhash, &bytes, &reads), expected, "{:?}", form);
        }
    }
}
