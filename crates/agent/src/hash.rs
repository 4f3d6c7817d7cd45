//! A hash for two small purposes: spreading starts, and noticing a damaged state file. No secret depends on it.

/// FNV-1a of 64 bits, stirred at the end so that the low bits depend on all.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let sum = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, &byte| (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let stirred = (sum ^ (sum >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    stirred ^ (stirred >> 33)
}
