//! The few fields of the xz container that matter before decoding.
//!
//! Stream header: magic(6) | flags(2) | CRC-32(4). Block header: size(1, in fours, less one) | flags(1) | filter id,
//! size of its properties, properties (LZMA2: one byte of dictionary size) | padding | CRC-32(4). At the end the index:
//! 0 | number of blocks | per block its stored size and its plain size | padding | CRC-32; and the footer, 12 bytes:
//! CRC-32(4) | the index's size (4, in fours, less one) | flags(2) | `YZ`.

const STREAM_HEADER_BYTES: usize = 12;
const FOOTER_BYTES: usize = 12;
const LZMA2: u8 = 0x21;

/// A stream header and the first block header, the largest there can be.
const LARGEST_HEADER_BYTES: usize = STREAM_HEADER_BYTES + 1024;

/// The stream's first bytes with another dictionary size.
pub(super) struct Header {
    bytes: [u8; LARGEST_HEADER_BYTES],
    length: usize,
    /// The dictionary that the decoder will now allocate.
    pub(super) dictionary_bytes: u64,
}

impl Header {
    /// Cuts the first block's dictionary to what `needed_bytes` ask for. `None`: not a stream as Borg writes it.
    pub(super) fn with_dictionary(stream: &[u8], needed_bytes: usize) -> Option<Self> {
        let block_bytes = (usize::from(*stream.get(STREAM_HEADER_BYTES)?) + 1) * 4;
        let length = STREAM_HEADER_BYTES + block_bytes;
        let mut bytes = [0; LARGEST_HEADER_BYTES];
        bytes[..length].copy_from_slice(stream.get(..length)?);
        let block = &mut bytes[STREAM_HEADER_BYTES..length];

        // An index instead of a block: a stream of no bytes.
        if block[0] == 0 {
            return Some(Self { bytes, length: STREAM_HEADER_BYTES, dictionary_bytes: 0 });
        }
        let flags = block[1];
        // One filter; the two optional sizes stand before it.
        let sizes = usize::from(flags >> 6 & 1) + usize::from(flags >> 7);
        let mut filter = 2;
        for _ in 0..sizes {
            filter += number(block.get(filter..)?)?.1;
        }
        let properties = block.get(filter..filter + 3)?;
        if flags & 0x3f != 0 || properties[..2] != [LZMA2, 1] || filter + 3 > block_bytes - 4 {
            return None;
        }
        // The CRC is renewed below: a wrong one must not become right.
        if crc32(&block[..block_bytes - 4]).to_le_bytes() != block[block_bytes - 4..] {
            return None;
        }
        let enough = (0..=40).find(|&code| dictionary_bytes(code) >= needed_bytes as u64)?;
        let code = properties[2].min(enough);
        block[filter + 2] = code;
        let crc = crc32(&block[..block_bytes - 4]);
        block[block_bytes - 4..].copy_from_slice(&crc.to_le_bytes());
        Some(Self { bytes, length, dictionary_bytes: dictionary_bytes(code) })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// The plain size as the index tells it, unless the stream is unusual; the decoder verifies it at the end.
pub(super) fn plain_bytes(stream: &[u8]) -> Option<u64> {
    let (before, footer) = stream.split_last_chunk::<FOOTER_BYTES>()?;
    let index_bytes = (u32::from_le_bytes([footer[4], footer[5], footer[6], footer[7]]) as usize).checked_add(1)? * 4;
    let index = before.get(before.len().checked_sub(index_bytes)?..)?;
    if footer[10..] != *b"YZ" || index.first() != Some(&0) {
        return None;
    }
    let (blocks, mut at) = number(&index[1..])?;
    at += 1;
    let mut total = 0_u64;
    for _ in 0..blocks {
        at += number(index.get(at..)?)?.1;
        let (plain, length) = number(index.get(at..)?)?;
        at += length;
        total = total.checked_add(plain)?;
    }
    Some(total)
}

/// A number of seven bits a byte, lowest first, and how many bytes it takes.
fn number(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut number = 0;
    for (index, &byte) in bytes.iter().take(9).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((number, index + 1));
        }
    }
    None
}

fn dictionary_bytes(code: u8) -> u64 {
    if code >= 40 { u32::MAX.into() } else { u64::from(2 | code & 1) << (code / 2 + 11) }
}

/// Of some dozen bytes a chunk.
fn crc32(bytes: &[u8]) -> u32 {
    let mut remainder = !0_u32;
    for &byte in bytes {
        remainder ^= u32::from(byte);
        for _ in 0..8 {
            remainder = remainder >> 1 ^ 0xedb8_8320 & (remainder & 1).wrapping_neg();
        }
    }
    !remainder
}
