//! The ordinary rolling hash, for windows of any length: the byte that enters is looked up, and the byte that leaves.

#[derive(Default)]
pub(super) struct Rolling {
    /// The position whose hash this is, if any window has been hashed yet.
    state: Option<(usize, u32)>,
}

impl Rolling {
    pub(super) fn position(&self) -> usize {
        self.state.map_or(0, |(position, _)| position)
    }

    /// The first position whose hash is zero under the mask, with the window wholly inside `bytes`.
    pub(super) fn find(&mut self, bytes: &[u8], window: usize, mask: u32, table: &[u32; 256]) -> Option<usize> {
        let of = |byte: &u8| table[usize::from(*byte)];
        let (mut position, mut hash) = match self.state {
            Some(state) => state,
            None => (0, bytes.get(..window)?.iter().fold(0_u32, |hash, byte| hash.rotate_left(1) ^ of(byte))),
        };
        // A byte that entered with rotation 0 has been rotated once a step when it leaves.
        let leaving = window as u32 % 32;
        while hash & mask != 0 {
            let Some(enters) = bytes.get(position + window) else {
                self.state = Some((position, hash));
                return None;
            };
            hash = hash.rotate_left(1) ^ of(&bytes[position]).rotate_left(leaving) ^ of(enters);
            position += 1;
        }
        Some(position)
    }
}
