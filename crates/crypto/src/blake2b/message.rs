//! A message on its way, cut into runs of blocks that lie in one piece. No byte is copied but those of blocks that lie in two
//! parts or are not full.

use core::array;

use zeroize::Zeroizing;

use super::{BLOCK_BYTES, Blake2bForm};

/// Takes a message to its end.
pub(super) fn finish<'data, Parts: AsRef<[&'data [u8]]>>(
    form: Blake2bForm,
    mut message: Message<'_, Parts>,
    mut state: Zeroizing<[u64; 8]>,
    mut counter: u64,
) {
    loop {
        let count = message.ready();
        form.compress(&mut state, &mut counter, message.blocks(count), message.step);
        if message.absorbed(count) {
            *message.digest = digest_of(&state);
            return;
        }
    }
}

/// What is done with each block of a run.
#[derive(Clone, Copy)]
pub(super) struct Step {
    /// Bytes of message in it.
    pub(super) added: u64,
    /// All ones where it ends the message, else zero.
    pub(super) last: u64,
}

impl Step {
    /// A whole block, others follow.
    pub(super) const WHOLE: Self = Self { added: BLOCK_BYTES as u64, last: 0 };
}

/// A message on its way.
pub(super) struct Message<'digest, Parts> {
    parts: Parts,
    /// The part and the byte in it where the next run starts.
    part: usize,
    offset: usize,
    /// Bytes not yet absorbed.
    left: usize,
    /// A block that does not lie in one part or is not full.
    gathered: [u8; BLOCK_BYTES],
    /// Whether the next run is that block.
    is_gathered: bool,
    pub(super) step: Step,
    pub(super) digest: &'digest mut [u8; 32],
}

impl<'data, 'digest, Parts: AsRef<[&'data [u8]]>> Message<'digest, Parts> {
    pub(super) fn new(parts: Parts, digest: &'digest mut [u8; 32]) -> Self {
        let left = parts.as_ref().iter().map(|part| part.len()).sum();
        let gathered = [0; BLOCK_BYTES];
        Self { parts, part: 0, offset: 0, left, gathered, is_gathered: false, step: Step::WHOLE, digest }
    }

    /// Finds the next run; gives its blocks, at least one.
    pub(super) fn ready(&mut self) -> usize {
        if self.is_gathered {
            return 1;
        }
        // The last block is another step, even where it is a whole one.
        let count = (self.rest().len() / BLOCK_BYTES).min(self.left.saturating_sub(1) / BLOCK_BYTES);
        if count == 0 {
            self.gather();
        }
        count.max(1)
    }

    /// The first `count` blocks of the run that was found.
    pub(super) fn blocks<'run>(&'run self, count: usize) -> &'run [[u8; BLOCK_BYTES]]
    where
        'data: 'run,
    {
        if self.is_gathered { array::from_ref(&self.gathered) } else { &self.rest().as_chunks().0[..count] }
    }

    /// Takes note that these blocks were absorbed; says whether the message is at its end.
    pub(super) fn absorbed(&mut self, count: usize) -> bool {
        if self.is_gathered {
            // `gather` has moved on already.
            self.is_gathered = false;
            self.step = Step::WHOLE;
        } else {
            self.offset += count * BLOCK_BYTES;
            self.left -= count * BLOCK_BYTES;
        }
        self.left == 0
    }

    /// What is left of the part that is being absorbed.
    fn rest(&self) -> &'data [u8] {
        self.parts.as_ref().get(self.part).map_or(&[], |part| &part[self.offset..])
    }

    fn gather(&mut self) {
        let mut filled = 0;
        while filled < BLOCK_BYTES.min(self.left) {
            let rest = self.rest();
            let taken = rest.len().min(BLOCK_BYTES - filled);
            self.gathered[filled..filled + taken].copy_from_slice(&rest[..taken]);
            filled += taken;
            self.offset += taken;
            if taken == rest.len() {
                (self.part, self.offset) = (self.part + 1, 0);
            }
        }
        self.gathered[filled..].fill(0);
        self.left -= filled;
        self.is_gathered = true;
        self.step = Step { added: filled as u64, last: if self.left == 0 { u64::MAX } else { 0 } };
    }
}

pub(super) fn digest_of(state: &[u64; 8]) -> [u8; 32] {
    let mut digest = [0; 32];
    for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(state) {
        *bytes = word.to_le_bytes();
    }
    digest
}
