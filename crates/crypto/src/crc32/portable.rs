//! CRC-32 by tables, eight bytes a step. 8 KiB of constants: half the first-level cache of the smallest boards stays free.

/// The reflected IEEE polynomial.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// `TABLES[k][b]`: the remainder of byte `b` followed by `k` zero bytes.
static TABLES: [[u32; 256]; 8] = tables();

/// Continues a CRC-32.
pub(super) fn update(crc: u32, bytes: &[u8]) -> u32 {
    let mut remainder = !crc;
    let (groups, tail) = bytes.as_chunks::<8>();
    for group in groups {
        let word = u64::from_le_bytes(*group) ^ u64::from(remainder);
        remainder = TABLES[7][usize::from(word as u8)]
            ^ TABLES[6][usize::from((word >> 8) as u8)]
            ^ TABLES[5][usize::from((word >> 16) as u8)]
            ^ TABLES[4][usize::from((word >> 24) as u8)]
            ^ TABLES[3][usize::from((word >> 32) as u8)]
            ^ TABLES[2][usize::from((word >> 40) as u8)]
            ^ TABLES[1][usize::from((word >> 48) as u8)]
            ^ TABLES[0][usize::from((word >> 56) as u8)];
    }
    for &byte in tail {
        remainder = (remainder >> 8) ^ TABLES[0][usize::from(remainder as u8 ^ byte)];
    }
    !remainder
}

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut remainder = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            remainder = (remainder >> 1) ^ if remainder & 1 == 1 { POLYNOMIAL } else { 0 };
            bit += 1;
        }
        tables[0][byte] = remainder;
        byte += 1;
    }
    let mut zeros = 1;
    while zeros < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before: u32 = tables[zeros - 1][byte];
            tables[zeros][byte] = (before >> 8) ^ tables[0][(before & 0xff) as usize];
            byte += 1;
        }
        zeros += 1;
    }
    tables
}
