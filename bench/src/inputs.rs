//! Data to measure with, the same on every machine and shared by all cases: made at first use, and then there.
//!
//! RAM: 10 MiB.

use std::sync::OnceLock;

/// As much noise as there is: the largest chunk of Borg's default chunker.
pub const NOISE_BYTES: usize = 8 << 20;

/// As much text as there is.
pub const TEXT_BYTES: usize = 2 << 20;

/// The first `bytes` of bytes without any pattern.
pub fn noise(bytes: usize) -> &'static [u8] {
    static NOISE: OnceLock<Vec<u8>> = OnceLock::new();
    &NOISE.get_or_init(|| Noise::default().flat_map(u64::to_le_bytes).take(NOISE_BYTES).collect())[..bytes]
}

/// The first `bytes` of lines of a log: words that repeat, numbers that do not. lz4 makes about a third of it.
pub fn text(bytes: usize) -> &'static [u8] {
    static TEXT: OnceLock<Vec<u8>> = OnceLock::new();
    &TEXT.get_or_init(make_text)[..bytes]
}

const WORDS: [&str; 8] =
    ["accepted", "connection", "from", "client", "request", "completed", "segment", "written to the repository"];

const LONGEST_LINE: usize = 80;

fn make_text() -> Vec<u8> {
    let mut text = Vec::with_capacity(TEXT_BYTES + LONGEST_LINE);
    for [first, second, numbers @ ..] in Noise::default().map(u64::to_le_bytes) {
        if text.len() >= TEXT_BYTES {
            break;
        }
        text.extend_from_slice(WORDS[usize::from(first % 8)].as_bytes());
        text.extend_from_slice(WORDS[usize::from(second % 8)].as_bytes());
        text.extend_from_slice(format!(" {}.{}\n", numbers[0], numbers[1]).as_bytes());
    }
    text.truncate(TEXT_BYTES);
    text
}

/// xorshift64*.
struct Noise(u64);

impl Default for Noise {
    fn default() -> Self {
        Self(88_172_645_463_325_252)
    }
}

impl Iterator for Noise {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Some(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d))
    }
}
