//! Borg's buzhash, bit for bit, with one table look-up a byte instead of two.
//!
//! The rule. With T the table, W the window and b the stream, position P has the hash
//! H(P) = XOR over i < W of rotl(T[b[P+i]], W-1-i): the window starts at the possible cut and looks ahead. A chunk from L
//! in a stream of F bytes ends at the first P >= L + minimum with H(P) & mask = 0 and P + W < min(F, L + maximum); if
//! there is none, at L + maximum or F.
//!
//! The kernel. Let n count bytes from L + minimum, D(0) = 0 and D(n+1) = D(n) XOR rotr(T[b(n)], n+1). Then
//! H(p) = rotl(D(p+W) XOR D(p), p+W), and p is a cut exactly when (D(p+W) XOR D(p)) & rotr(mask, p+W) = 0. So one pass
//! makes the D's, a tile at a time, into a ring that keeps the last W of them; a second pass over the tile tests many
//! positions at once. The two passes are apart so that wide loads do not wait for narrow stores.
//!
//! To make the D's costs one look-up and one store a byte on every CPU; to test them is wide work, and there most forms
//! differ (`form.rs`): one file an instruction set, with equal signatures.
//!
//! Windows too long for the ring, which nobody uses, roll in the ordinary way (`rolling.rs`); and so does everything on a
//! 32-bit ARM without NEON, whose first-level cache of 16 KiB the ring would not fit: nine instructions a byte instead of
//! twelve, and nothing written.
//!
//! RAM: ring and tile 20.1 KiB, tables 2 KiB.

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "arm")]
mod armv7;
mod form;
mod portable;
mod rolling;
mod scan;
mod table;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::Stream;
use crate::parameters::power;
pub use form::BuzhashForm;
use rolling::Rolling;
use scan::Scan;

/// Positions tested at once; rotations repeat after as many.
const GROUP: usize = 32;

pub(crate) struct Buzhash {
    minimum: usize,
    maximum: usize,
    window: usize,
    /// Whether `rolling` finds the cuts, and not `scan`.
    rolls: bool,
    /// The base table under the seed.
    table: [u32; 256],
    /// Where hashing begins in this chunk: no position before it is a cut.
    origin: usize,
    scan: Scan,
    rolling: Rolling,
}

impl Buzhash {
    pub(crate) fn new(minimum: u8, maximum: u8, mask_bits: u8, window: u32, seed: u32, form: BuzhashForm) -> Self {
        let (minimum, window, mask) = (power(minimum), window.max(1) as usize, (power(mask_bits) - 1) as u32);
        let table = table::BASE.map(|number| number ^ seed);
        Self {
            minimum,
            maximum: power(maximum),
            window,
            rolls: window > scan::LONGEST_WINDOW || form.rolls(),
            origin: minimum,
            scan: Scan::new(form, window, mask),
            rolling: Rolling::new(window, mask, &table),
            table,
        }
    }

    pub(crate) fn restart(&mut self) {
        self.begin_at(self.minimum);
    }

    /// The first `known` bytes of this chunk are those of a chunk that was found by this rule. A window wholly inside
    /// them was no cut then and is none now; the one that ends with them may not have been tested.
    pub(crate) fn skip(&mut self, known: usize) {
        let origin = known.min(self.maximum).saturating_sub(self.window);
        if origin > self.origin + self.scan.hashed.max(self.rolling.position()) {
            self.begin_at(origin);
        }
    }

    pub(crate) fn next_cut(&mut self, bytes: &[u8], stream: Stream) -> Option<usize> {
        let limit = bytes.len().min(self.maximum);
        let found = self.find(&bytes[..limit]);
        let cut = stream.cut(found, limit, self.maximum)?;
        self.restart();
        Some(cut)
    }

    /// The first cut by content. The last byte belongs to no window, because a window must end before it; nothing is
    /// hashed before there is one whole window, so that small files cost nothing.
    fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        if bytes.len() <= self.origin + self.window {
            return None;
        }
        let windows = &bytes[self.origin..bytes.len() - 1];
        let position =
            if self.rolls { self.rolling.find(windows, &self.table) } else { self.scan.find(windows, &self.table) };
        Some(self.origin + position?)
    }

    fn begin_at(&mut self, origin: usize) {
        self.origin = origin;
        self.scan.restart();
        self.rolling.restart();
    }
}

#[cfg(test)]
mod tests;
