//! BLAKE2b's compression with AVX2: four messages at once, one in each 64-bit lane, and one message alone.
//!
//! Four at once exchange nothing between lanes, but their blocks have to be transposed; independent chains of steps then
//! fill the pipelines. Alone, each of the four rows of the state is a vector, and rows are turned against each other twice
//! a round; that is bound by the length of the chain.
#![allow(unsafe_code)]

use core::arch::x86_64::{
    __m256i, _mm256_add_epi64, _mm256_loadu_si256, _mm256_or_si256, _mm256_permute2x128_si256,
    _mm256_permute4x64_epi64, _mm256_set_epi64x, _mm256_set1_epi64x, _mm256_setr_epi8, _mm256_shuffle_epi8,
    _mm256_srli_epi64, _mm256_storeu_si256, _mm256_unpackhi_epi64, _mm256_unpacklo_epi64, _mm256_xor_si256,
};
use core::array;
use core::hint::black_box;

use nanoprobe_cpu::{Feature, Features, detected};

use super::lanes::{LANES, Lanes};
use super::message::Step;
use super::{BLOCK_BYTES, INITIAL, SCHEDULE};

/// What the kernel uses beyond the baseline.
pub(super) const NEEDS: Features = Features::NONE.with(Feature::Avx2);

/// Proof that this CPU has AVX2.
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

impl Avx2 {
    pub(super) fn detect() -> Option<Self> {
        detected().contains(NEEDS).then_some(Self(()))
    }

    /// Absorbs equally many blocks into each of the four states, each in steps of its own kind.
    pub(super) fn four(self, lanes: &mut Lanes, blocks: [&[[u8; BLOCK_BYTES]]; LANES], steps: [Step; LANES]) {
        // SAFETY: there is no `Avx2` where the CPU has no AVX2.
        unsafe { four(lanes, blocks, steps) }
    }

    /// Absorbs blocks into one state; `counter` counts the bytes absorbed.
    pub(super) fn one(self, state: &mut [u64; 8], counter: &mut u64, blocks: &[[u8; BLOCK_BYTES]], step: Step) {
        // SAFETY: there is no `Avx2` where the CPU has no AVX2.
        unsafe { one(state, counter, blocks, step) }
    }
}

/// Half a round: the four columns or the four diagonals, each step for all four of them before the next.
macro_rules! half {
    ($v:ident, $right:ident, $([$a:expr, $b:expr, $c:expr, $d:expr, $x:expr, $y:expr]),*) => {
        $($v[$a] = _mm256_add_epi64($v[$a], $x);)*
        $($v[$a] = _mm256_add_epi64($v[$a], $v[$b]);)*
        $($v[$d] = _mm256_xor_si256($v[$d], $v[$a]);)*
        $($v[$d] = _mm256_shuffle_epi8($v[$d], $right.by_32);)*
        $($v[$c] = _mm256_add_epi64($v[$c], $v[$d]);)*
        $($v[$b] = _mm256_xor_si256($v[$b], $v[$c]);)*
        $($v[$b] = _mm256_shuffle_epi8($v[$b], $right.by_24);)*
        $($v[$a] = _mm256_add_epi64($v[$a], $y);)*
        $($v[$a] = _mm256_add_epi64($v[$a], $v[$b]);)*
        $($v[$d] = _mm256_xor_si256($v[$d], $v[$a]);)*
        $($v[$d] = _mm256_shuffle_epi8($v[$d], $right.by_16);)*
        $($v[$c] = _mm256_add_epi64($v[$c], $v[$d]);)*
        $($v[$b] = _mm256_xor_si256($v[$b], $v[$c]);)*
        $($v[$b] = right_by_63($v[$b]);)*
    };
}

macro_rules! round {
    ($v:ident, $m:ident, $right:ident, $r:expr) => {
        half!(
            $v,
            $right,
            [0, 4, 8, 12, $m[SCHEDULE[$r][0]], $m[SCHEDULE[$r][1]]],
            [1, 5, 9, 13, $m[SCHEDULE[$r][2]], $m[SCHEDULE[$r][3]]],
            [2, 6, 10, 14, $m[SCHEDULE[$r][4]], $m[SCHEDULE[$r][5]]],
            [3, 7, 11, 15, $m[SCHEDULE[$r][6]], $m[SCHEDULE[$r][7]]]
        );
        half!(
            $v,
            $right,
            [0, 5, 10, 15, $m[SCHEDULE[$r][8]], $m[SCHEDULE[$r][9]]],
            [1, 6, 11, 12, $m[SCHEDULE[$r][10]], $m[SCHEDULE[$r][11]]],
            [2, 7, 8, 13, $m[SCHEDULE[$r][12]], $m[SCHEDULE[$r][13]]],
            [3, 4, 9, 14, $m[SCHEDULE[$r][14]], $m[SCHEDULE[$r][15]]]
        );
    };
}

#[target_feature(enable = "avx2")]
fn four(lanes: &mut Lanes, blocks: [&[[u8; BLOCK_BYTES]]; LANES], steps: [Step; LANES]) {
    let mut state = lanes.words.each_ref().map(|word| load(word));
    let mut counters = load(&lanes.counters);
    let added = load(&steps.map(|step| step.added));
    let last = load(&steps.map(|step| step.last));
    let right = Right::new();
    let [first, second, third, fourth] = blocks;
    for (((first, second), third), fourth) in first.iter().zip(second).zip(third).zip(fourth) {
        let m = transposed([first, second, third, fourth]);
        counters = _mm256_add_epi64(counters, added);
        let initial = INITIAL.map(|word| _mm256_set1_epi64x(word as i64));
        let mut v = [
            state[0],
            state[1],
            state[2],
            state[3],
            state[4],
            state[5],
            state[6],
            state[7],
            initial[0],
            initial[1],
            initial[2],
            initial[3],
            _mm256_xor_si256(initial[4], counters),
            initial[5],
            _mm256_xor_si256(initial[6], last),
            initial[7],
        ];
        round!(v, m, right, 0);
        round!(v, m, right, 1);
        round!(v, m, right, 2);
        round!(v, m, right, 3);
        round!(v, m, right, 4);
        round!(v, m, right, 5);
        round!(v, m, right, 6);
        round!(v, m, right, 7);
        round!(v, m, right, 8);
        round!(v, m, right, 9);
        round!(v, m, right, 0);
        round!(v, m, right, 1);
        for index in 0..8 {
            state[index] = _mm256_xor_si256(state[index], _mm256_xor_si256(v[index], v[index + 8]));
        }
    }
    for (word, vector) in lanes.words.iter_mut().zip(state) {
        store(word, vector);
    }
    store(&mut lanes.counters, counters);
}

/// Word n of each of the four blocks, in vector n.
#[inline]
#[target_feature(enable = "avx2")]
fn transposed(blocks: [&[u8; BLOCK_BYTES]; LANES]) -> [__m256i; 16] {
    let mut words = [_mm256_set1_epi64x(0); 16];
    for group in 0..4 {
        let [a, b, c, d] = blocks.map(|block| load_bytes(block, group));
        let (low_ab, high_ab) = (_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
        let (low_cd, high_cd) = (_mm256_unpacklo_epi64(c, d), _mm256_unpackhi_epi64(c, d));
        words[4 * group] = _mm256_permute2x128_si256::<0x20>(low_ab, low_cd);
        words[4 * group + 1] = _mm256_permute2x128_si256::<0x20>(high_ab, high_cd);
        words[4 * group + 2] = _mm256_permute2x128_si256::<0x31>(low_ab, low_cd);
        words[4 * group + 3] = _mm256_permute2x128_si256::<0x31>(high_ab, high_cd);
    }
    words
}

/// As `half`, with the four columns side by side in the rows `a` to `d`.
macro_rules! row_half {
    ($a:ident, $b:ident, $c:ident, $d:ident, $x:expr, $y:expr, $right:ident) => {
        $a = _mm256_add_epi64($b, _mm256_add_epi64($a, $x));
        $d = _mm256_shuffle_epi8(_mm256_xor_si256($d, $a), $right.by_32);
        $c = _mm256_add_epi64($c, $d);
        $b = _mm256_shuffle_epi8(_mm256_xor_si256($b, $c), $right.by_24);
        $a = _mm256_add_epi64($b, _mm256_add_epi64($a, $y));
        $d = _mm256_shuffle_epi8(_mm256_xor_si256($d, $a), $right.by_16);
        $c = _mm256_add_epi64($c, $d);
        $b = right_by_63(_mm256_xor_si256($b, $c));
    };
}

macro_rules! row_round {
    ($a:ident, $b:ident, $c:ident, $d:ident, $m:ident, $right:ident, $r:expr) => {
        row_half!($a, $b, $c, $d, words($m, $r, [0, 2, 4, 6]), words($m, $r, [1, 3, 5, 7]), $right);
        // Turning the other three against b keeps the row that is ready last out of it.
        $a = _mm256_permute4x64_epi64::<0b10_01_00_11>($a);
        $d = _mm256_permute4x64_epi64::<0b01_00_11_10>($d);
        $c = _mm256_permute4x64_epi64::<0b00_11_10_01>($c);
        row_half!($a, $b, $c, $d, words($m, $r, [14, 8, 10, 12]), words($m, $r, [15, 9, 11, 13]), $right);
        $a = _mm256_permute4x64_epi64::<0b00_11_10_01>($a);
        $d = _mm256_permute4x64_epi64::<0b01_00_11_10>($d);
        $c = _mm256_permute4x64_epi64::<0b10_01_00_11>($c);
    };
}

#[target_feature(enable = "avx2")]
fn one(state: &mut [u64; 8], counter: &mut u64, blocks: &[[u8; BLOCK_BYTES]], step: Step) {
    let (rows, _) = state.as_chunks_mut::<4>();
    let [low, high] = rows else { return };
    let (mut state_low, mut state_high) = (load(low), load(high));
    let [third, fourth] = [0, 4].map(|word| load(&array::from_fn(|column| INITIAL[word + column])));
    let right = Right::new();
    for block in blocks {
        *counter = counter.wrapping_add(step.added);
        let flags = _mm256_set_epi64x(0, step.last as i64, 0, *counter as i64);
        let (mut a, mut b, mut c, mut d) = (state_low, state_high, third, _mm256_xor_si256(fourth, flags));
        row_round!(a, b, c, d, block, right, 0);
        row_round!(a, b, c, d, block, right, 1);
        row_round!(a, b, c, d, block, right, 2);
        row_round!(a, b, c, d, block, right, 3);
        row_round!(a, b, c, d, block, right, 4);
        row_round!(a, b, c, d, block, right, 5);
        row_round!(a, b, c, d, block, right, 6);
        row_round!(a, b, c, d, block, right, 7);
        row_round!(a, b, c, d, block, right, 8);
        row_round!(a, b, c, d, block, right, 9);
        row_round!(a, b, c, d, block, right, 0);
        row_round!(a, b, c, d, block, right, 1);
        state_low = _mm256_xor_si256(state_low, _mm256_xor_si256(a, c));
        state_high = _mm256_xor_si256(state_high, _mm256_xor_si256(b, d));
    }
    store(low, state_low);
    store(high, state_high);
}

/// The words that a round takes at these places of its order.
#[inline]
#[target_feature(enable = "avx2")]
fn words(block: &[u8; BLOCK_BYTES], round: usize, places: [usize; 4]) -> __m256i {
    let (words, _) = block.as_chunks::<8>();
    let [a, b, c, d] = places.map(|place| i64::from_le_bytes(words[SCHEDULE[round][place]]));
    _mm256_set_epi64x(d, c, b, a)
}

/// The byte orders that turn each word right by so many bits.
struct Right {
    by_32: __m256i,
    by_24: __m256i,
    by_16: __m256i,
}

impl Right {
    /// Opaque to the compiler: where it knows the order it makes two to four instructions of one.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn new() -> Self {
        Self {
            by_32: black_box(_mm256_setr_epi8(
                4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10,
                11,
            )),
            by_24: black_box(_mm256_setr_epi8(
                3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10, 3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9,
                10,
            )),
            by_16: black_box(_mm256_setr_epi8(
                2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9, 2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15,
                8, 9,
            )),
        }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn right_by_63(words: __m256i) -> __m256i {
    _mm256_or_si256(_mm256_add_epi64(words, words), _mm256_srli_epi64::<63>(words))
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(words: &[u64; 4]) -> __m256i {
    // SAFETY: thirty-two readable bytes; the load needs no alignment.
    unsafe { _mm256_loadu_si256(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_bytes(block: &[u8; BLOCK_BYTES], quarter: usize) -> __m256i {
    let (quarters, _) = block.as_chunks::<32>();
    // SAFETY: thirty-two readable bytes; the load needs no alignment.
    unsafe { _mm256_loadu_si256(quarters[quarter].as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(words: &mut [u64; 4], vector: __m256i) {
    // SAFETY: thirty-two writable bytes; the store needs no alignment.
    unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), vector) }
}
