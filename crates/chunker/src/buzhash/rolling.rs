//! The ordinary rolling hash: the byte that enters is looked up, and the byte that leaves. For windows of any length, and
//! where the ring of the other kernel would not fit the first-level cache.

/// Steps written out, so that what a loop costs is divided by as many.
const STEPS: usize = 8;

pub(super) struct Rolling {
    window: usize,
    mask: u32,
    /// The table as its numbers are turned when their bytes leave: once for each place of the window.
    leaving: [u32; 256],
    /// The position whose hash this is, if any window has been hashed yet.
    state: Option<(usize, u32)>,
}

impl Rolling {
    pub(super) fn new(window: usize, mask: u32, table: &[u32; 256]) -> Self {
        Self { window, mask, leaving: table.map(|number| number.rotate_left(window as u32 % 32)), state: None }
    }

    pub(super) fn restart(&mut self) {
        self.state = None;
    }

    pub(super) fn position(&self) -> usize {
        self.state.map_or(0, |(position, _)| position)
    }

    /// The first position whose hash is zero under the mask, with the window wholly inside `bytes`.
    pub(super) fn find(&mut self, bytes: &[u8], table: &[u32; 256]) -> Option<usize> {
        let (position, mut hash) = match self.state {
            Some(state) => state,
            None => {
                let window = bytes.get(..self.window)?;
                (0, window.iter().fold(0_u32, |hash, &byte| hash.rotate_left(1) ^ table[usize::from(byte)]))
            }
        };
        if hash & self.mask == 0 {
            return Some(position);
        }
        let entering = &bytes[position + self.window..];
        let (leaving_groups, leaving_rest) = bytes[position..][..entering.len()].as_chunks::<STEPS>();
        let (entering_groups, entering_rest) = entering.as_chunks::<STEPS>();
        for (group, (leaving, entering)) in leaving_groups.iter().zip(entering_groups).enumerate() {
            if let Some(step) = self.roll(leaving, entering, &mut hash, table) {
                return Some(position + group * STEPS + step + 1);
            }
        }
        if let Some(step) = self.roll(leaving_rest, entering_rest, &mut hash, table) {
            return Some(position + leaving_groups.len() * STEPS + step + 1);
        }
        self.state = Some((position + entering.len(), hash));
        None
    }

    /// The first step after which the hash is zero under the mask.
    #[inline(always)]
    fn roll(&self, leaving: &[u8], entering: &[u8], hash: &mut u32, table: &[u32; 256]) -> Option<usize> {
        leaving.iter().zip(entering).position(|(&leaves, &enters)| {
            *hash = hash.rotate_left(1) ^ self.leaving[usize::from(leaves)] ^ table[usize::from(enters)];
            *hash & self.mask == 0
        })
    }
}
