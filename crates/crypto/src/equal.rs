//! Comparison of MACs and ids.

use subtle::ConstantTimeEq;

/// Compares secrets without telling by time where they differ. Their lengths are not secret.
pub fn equal(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}
