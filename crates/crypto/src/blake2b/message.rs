//! A message on its way, cut into runs of blocks.

use core::array;

use zeroize::Zeroizing;

use super::{BLOCK_BYTES, Blake2bForm};
use crate::parts::Rest;

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
    rest: Rest<Parts>,
    /// A block that does not lie in one part or is not full.
    gathered: [u8; BLOCK_BYTES],
    /// Whether the next run is that block.
    is_gathered: bool,
    pub(super) step: Step,
    pub(super) digest: &'digest mut [u8; 32],
}

impl<'data, 'digest, Parts: AsRef<[&'data [u8]]>> Message<'digest, Parts> {
    pub(super) fn new(parts: Parts, digest: &'digest mut [u8; 32]) -> Self {
        let gathered = [0; BLOCK_BYTES];
        Self { rest: Rest::new(parts), gathered, is_gathered: false, step: Step::WHOLE, digest }
    }

    /// Finds the next run; gives its blocks, at least one.
    pub(super) fn ready(&mut self) -> usize {
        if self.is_gathered {
            return 1;
        }
        // The last block is another step, even where it is a whole one.
        let before_last = self.rest.bytes().saturating_sub(1) / BLOCK_BYTES;
        let count = self.rest.blocks::<BLOCK_BYTES>().len().min(before_last);
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
        if self.is_gathered { array::from_ref(&self.gathered) } else { &self.rest.blocks()[..count] }
    }

    /// Takes note that these blocks were absorbed; says whether the message is at its end.
    pub(super) fn absorbed(&mut self, count: usize) -> bool {
        if self.is_gathered {
            // `gather` has moved on already.
            self.is_gathered = false;
            self.step = Step::WHOLE;
        } else {
            self.rest.skip(count * BLOCK_BYTES);
        }
        self.rest.bytes() == 0
    }

    fn gather(&mut self) {
        let filled = self.rest.fill(&mut self.gathered);
        self.gathered[filled..].fill(0);
        self.is_gathered = true;
        self.step = Step { added: filled as u64, last: if self.rest.bytes() == 0 { u64::MAX } else { 0 } };
    }
}

pub(super) fn digest_of(state: &[u64; 8]) -> [u8; 32] {
    let mut digest = [0; 32];
    for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(state) {
        *bytes = word.to_le_bytes();
    }
    digest
}
