//! The AES S-box as a circuit of XOR and AND (J. Boyar and R. Peralta, "A small depth-16 circuit for the AES S-box" and its
//! predecessors: inversion in a tower of fields between two linear layers). It looks nothing up, so no cache can tell what
//! it was given. Each bit of a `Word` is a byte of its own: eight words are the eight bits of as many bytes as a word has bits.

use core::ops::{BitAnd, BitXor};

/// The S-box maps 0 to this; [`substitute`] leaves it out, and round keys make up for it. MixColumns does not change it,
/// because the factors of a column sum up to one.
pub(super) const CONSTANT: u8 = 0x63;

/// SubBytes without its [`CONSTANT`]. `bits[0]` is the lowest bit of every byte.
#[inline(always)]
pub(crate) fn substitute<Word>(bits: [Word; 8]) -> [Word; 8]
where
    Word: Copy + BitAnd<Output = Word> + BitXor<Output = Word>,
{
    let [x7, x6, x5, x4, x3, x2, x1, x0] = bits;

    // Into the tower of fields.
    let y14 = x3 ^ x5;
    let y13 = x0 ^ x6;
    let y9 = x0 ^ x3;
    let y8 = x0 ^ x5;
    let t0 = x1 ^ x2;
    let y1 = t0 ^ x7;
    let y4 = y1 ^ x3;
    let y12 = y13 ^ y14;
    let y2 = y1 ^ x0;
    let y5 = y1 ^ x6;
    let y3 = y5 ^ y8;
    let t1 = x4 ^ y12;
    let y15 = t1 ^ x5;
    let y20 = t1 ^ x1;
    let y6 = y15 ^ x7;
    let y10 = y15 ^ t0;
    let y11 = y20 ^ y9;
    let y7 = x7 ^ y11;
    let y17 = y10 ^ y11;
    let y19 = y10 ^ y8;
    let y16 = t0 ^ y11;
    let y21 = y13 ^ y16;
    let y18 = x0 ^ y16;

    // Inversion.
    let t2 = y12 & y15;
    let t4 = (y3 & y6) ^ t2;
    let t6 = (y4 & x7) ^ t2;
    let t7 = y13 & y16;
    let t9 = (y5 & y1) ^ t7;
    let t11 = (y2 & y7) ^ t7;
    let t12 = y9 & y11;
    let t14 = (y14 & y17) ^ t12;
    let t16 = (y8 & y10) ^ t12;
    let t21 = t4 ^ t14 ^ y20;
    let t22 = t6 ^ t16 ^ y19;
    let t23 = t9 ^ t14 ^ y21;
    let t24 = t11 ^ t16 ^ y18;
    let t25 = t21 ^ t22;
    let t26 = t21 & t23;
    let t27 = t24 ^ t26;
    let t29 = (t25 & t27) ^ t22;
    let t30 = t23 ^ t24;
    let t31 = t22 ^ t26;
    let t33 = (t31 & t30) ^ t24;
    let t34 = t23 ^ t33;
    let t35 = t27 ^ t33;
    let t36 = t24 & t35;
    let t37 = t36 ^ t34;
    let t38 = t27 ^ t36;
    let t40 = t25 ^ (t29 & t38);
    let t41 = t40 ^ t37;
    let t42 = t29 ^ t33;
    let t43 = t29 ^ t40;
    let t44 = t33 ^ t37;
    let t45 = t42 ^ t41;
    let z0 = t44 & y15;
    let z1 = t37 & y6;
    let z2 = t33 & x7;
    let z3 = t43 & y16;
    let z4 = t40 & y1;
    let z5 = t29 & y7;
    let z6 = t42 & y11;
    let z7 = t45 & y17;
    let z8 = t41 & y10;
    let z9 = t44 & y12;
    let z10 = t37 & y3;
    let z11 = t33 & y4;
    let z12 = t43 & y13;
    let z13 = t40 & y5;
    let z14 = t29 & y2;
    let z15 = t42 & y9;
    let z16 = t45 & y14;
    let z17 = t41 & y8;

    // Back, and the affine map.
    let t46 = z15 ^ z16;
    let t48 = z5 ^ z13;
    let t49 = z9 ^ z10;
    let t54 = z6 ^ z7;
    let t53 = z0 ^ z3;
    let t57 = z2 ^ z12 ^ t53;
    let t58 = z4 ^ t46;
    let t59 = z3 ^ t54;
    let t62 = z7 ^ z8 ^ t58;
    let t63 = t49 ^ t58;
    let t64 = z4 ^ t59;
    let t65 = z14 ^ t57 ^ t62;
    let t66 = z1 ^ t63;
    let s3 = t53 ^ t66;
    [t48 ^ t46 ^ t57, z12 ^ t48 ^ t62, z10 ^ z11 ^ t65, z2 ^ z5 ^ t66, s3, z16 ^ z17 ^ t64 ^ t65, t64 ^ s3, t59 ^ t63]
}

/// SubWord of the key expansion: the S-box on each of four bytes.
pub(super) fn substitute_bytes(bytes: u32) -> u32 {
    const LOWEST_BITS: u32 = u32::from_ne_bytes([1; 4]);
    let mut bits = [0; 8];
    for (place, bit) in bits.iter_mut().enumerate() {
        *bit = bytes >> place & LOWEST_BITS;
    }
    let joined = substitute(bits).iter().rev().fold(0, |bytes, bit| bytes << 1 | bit);
    joined ^ u32::from_ne_bytes([CONSTANT; 4])
}

#[cfg(test)]
mod tests {
    use super::substitute_bytes;

    /// The S-box by its definition: inversion modulo x⁸ + x⁴ + x³ + x + 1, then the affine map.
    #[test]
    fn the_circuit_is_the_s_box() {
        let multiply = |mut a: u8, mut b: u8| {
            let mut product = 0;
            while b != 0 {
                product ^= if b & 1 == 1 { a } else { 0 };
                a = a << 1 ^ if a & 0x80 == 0 { 0 } else { 0x1b };
                b >>= 1;
            }
            product
        };
        for byte in 0..=255_u8 {
            let inverse = (0..254).fold(1, |power, _| multiply(power, byte));
            let expected = (1..5).fold(inverse ^ 0x63, |sum, places| sum ^ inverse.rotate_left(places));
            let others = [byte, 0, 0xff, byte.wrapping_add(1)];
            assert_eq!(substitute_bytes(u32::from_ne_bytes(others)).to_ne_bytes()[..3], [expected, 0x63, 0x16]);
        }
    }
}
