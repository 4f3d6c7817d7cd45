//! Data to measure with, the same on every machine.

/// Bytes without any pattern.
pub(crate) fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut noise = Vec::with_capacity(bytes + 8);
    while noise.len() < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        noise.extend_from_slice(&state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
    }
    noise.truncate(bytes);
    noise
}

/// Lines of a log: words that repeat, numbers that do not. lz4 makes about a third of it.
pub(crate) fn text(bytes: usize) -> Vec<u8> {
    const WORDS: [&str; 8] =
        ["accepted", "connection", "from", "client", "request", "completed", "segment", "written to the repository"];
    let numbers = noise(bytes);
    let mut text = Vec::with_capacity(bytes + 80);
    for number in numbers.chunks_exact(4) {
        if text.len() >= bytes {
            break;
        }
        text.extend_from_slice(WORDS[usize::from(number[0] % 8)].as_bytes());
        text.extend_from_slice(WORDS[usize::from(number[1] % 8)].as_bytes());
        text.extend_from_slice(format!(" {}.{}\n", number[2], number[3]).as_bytes());
    }
    text.truncate(bytes);
    text
}
