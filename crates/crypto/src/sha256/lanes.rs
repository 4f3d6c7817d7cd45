//! Two messages side by side, from a list of any length: a lane whose message ends takes the next one of the list, and the
//! last message left goes on alone.

use core::array;

use zeroize::Zeroizing;

use super::{BLOCK_BYTES, LENGTH_AT, Sha256Form};
use crate::parts::Rest;

/// Ends the messages, each behind a state that has absorbed so many bytes; tells the state at the end of each.
pub(crate) fn finish_each<'data, Parts: AsRef<[&'data [u8]]>, Place>(
    form: Sha256Form,
    messages: impl Iterator<Item = (Zeroizing<[u32; 8]>, u64, Parts, Place)>,
    mut tell: impl FnMut(&[u32; 8], Place),
) {
    let mut waiting = messages.map(|(state, before, parts, place)| (state, Message::new(before, parts), place)).fuse();
    let mut running = [waiting.next(), waiting.next()];
    loop {
        match &mut running {
            [Some((first_state, first, _)), Some((second_state, second, _))] => {
                let count = first.ready().min(second.ready());
                form.compress_two([first_state, second_state], [first.blocks(count), second.blocks(count)]);
                first.absorbed(count);
                second.absorbed(count);
            }
            [Some((state, message, _)), None] | [None, Some((state, message, _))] => {
                let count = message.ready();
                form.compress(state, message.blocks(count));
                message.absorbed(count);
            }
            [None, None] => return,
        }
        for lane in &mut running {
            if let Some((state, _, place)) = lane.take_if(|(_, message, _)| message.is_at_end) {
                tell(&state, place);
                *lane = waiting.next();
            }
        }
    }
}

/// A message on its way, cut into runs of blocks.
struct Message<Parts> {
    rest: Rest<Parts>,
    /// Of the whole message.
    bits: u64,
    /// A block that does not lie in one part or is not full, or the end.
    gathered: [u8; BLOCK_BYTES],
    /// Whether the next run is that block.
    is_gathered: bool,
    /// Whether the bit behind the message was gathered, and the length.
    is_marked: bool,
    is_last: bool,
    is_at_end: bool,
}

impl<'data, Parts: AsRef<[&'data [u8]]>> Message<Parts> {
    fn new(bytes_before: u64, parts: Parts) -> Self {
        let rest = Rest::new(parts);
        let bits = bytes_before.wrapping_add(rest.bytes() as u64).wrapping_mul(8);
        let gathered = [0; BLOCK_BYTES];
        Self { rest, bits, gathered, is_gathered: false, is_marked: false, is_last: false, is_at_end: false }
    }

    /// Finds the next run; gives its blocks, at least one.
    fn ready(&mut self) -> usize {
        if self.is_gathered {
            return 1;
        }
        let count = self.rest.blocks::<BLOCK_BYTES>().len();
        if count == 0 {
            self.gather();
        }
        count.max(1)
    }

    /// The first `count` blocks of the run that was found.
    fn blocks<'run>(&'run self, count: usize) -> &'run [[u8; BLOCK_BYTES]]
    where
        'data: 'run,
    {
        if self.is_gathered { array::from_ref(&self.gathered) } else { &self.rest.blocks()[..count] }
    }

    /// Takes note that these blocks were absorbed.
    fn absorbed(&mut self, count: usize) {
        if self.is_gathered {
            self.is_gathered = false;
            self.is_at_end = self.is_last;
        } else {
            self.rest.skip(count * BLOCK_BYTES);
        }
    }

    fn gather(&mut self) {
        let filled = self.rest.fill(&mut self.gathered);
        self.is_gathered = true;
        if filled == BLOCK_BYTES {
            return;
        }
        self.gathered[filled..].fill(0);
        if !self.is_marked {
            self.gathered[filled] = 0x80;
            self.is_marked = true;
        }
        if filled < LENGTH_AT {
            self.gathered[LENGTH_AT..].copy_from_slice(&self.bits.to_be_bytes());
            self.is_last = true;
        }
    }
}
