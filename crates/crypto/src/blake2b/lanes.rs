//! Four messages side by side, from a list of any length: a lane whose message ends takes the next one of the list, and
//! the last message left goes on alone.

use core::array;

use zeroize::Zeroizing;

use super::message::{Message, Step, digest_of, finish};
use super::x86::Avx2;
use super::{BLOCK_BYTES, Blake2bForm};

pub(super) const LANES: usize = 4;

/// The states of four messages: word n of each beside the others, and bytes absorbed. The words are wiped on drop.
pub(super) struct Lanes {
    pub(super) words: Zeroizing<[[u64; LANES]; 8]>,
    pub(super) counters: [u64; LANES],
}

/// The digests of messages, none of which is empty, each behind a state that has absorbed one block.
pub(super) fn digest_each<'prefix, 'data, 'digest, Parts: AsRef<[&'data [u8]]>>(
    avx2: Avx2,
    messages: impl Iterator<Item = (&'prefix [u64; 8], Parts, &'digest mut [u8; 32])>,
) {
    let mut waiting = messages.fuse();
    let mut lanes = Lanes { words: Zeroizing::new([[0; LANES]; 8]), counters: [0; LANES] };
    let mut running: [Option<Message<'_, Parts>>; LANES] = array::from_fn(|_| None);
    loop {
        for (lane, place) in running.iter_mut().enumerate() {
            if place.is_none()
                && let Some((prefix, parts, digest)) = waiting.next()
            {
                lanes.begin(lane, prefix);
                *place = Some(Message::new(parts, digest));
            }
        }
        let mut occupied = running.iter().enumerate().filter_map(|(lane, place)| place.is_some().then_some(lane));
        let Some(first) = occupied.next() else { return };
        if occupied.next().is_some() {
            advance(avx2, &mut lanes, &mut running, first);
        } else if let Some(message) = running[first].take() {
            finish(Blake2bForm::Avx2, message, lanes.state(first), lanes.counters[first]);
        }
    }
}

/// Moves all messages on by as many blocks as each of them has in one piece. `first` is a lane that has a message;
/// lanes without one repeat its blocks, and nobody looks at what becomes of them.
fn advance<'data, Parts: AsRef<[&'data [u8]]>>(
    avx2: Avx2,
    lanes: &mut Lanes,
    running: &mut [Option<Message<'_, Parts>>; LANES],
    first: usize,
) {
    let count = running.iter_mut().flatten().map(Message::ready).min().unwrap_or(0);
    let of_lane = |lane: usize| running[lane].as_ref().or(running[first].as_ref());
    let blocks = array::from_fn(|lane| of_lane(lane).map_or(&[][..], |message| message.blocks(count)));
    let steps = array::from_fn(|lane| of_lane(lane).map_or(Step::WHOLE, |message| message.step));
    avx2.four(lanes, blocks, steps);
    for (lane, place) in running.iter_mut().enumerate() {
        if let Some(message) = place
            && message.absorbed(count)
        {
            *message.digest = digest_of(&lanes.state(lane));
            *place = None;
        }
    }
}

impl Lanes {
    /// Starts a message behind the prefix.
    fn begin(&mut self, lane: usize, state: &[u64; 8]) {
        for (words, word) in self.words.iter_mut().zip(state) {
            words[lane] = *word;
        }
        self.counters[lane] = BLOCK_BYTES as u64;
    }

    fn state(&self, lane: usize) -> Zeroizing<[u64; 8]> {
        Zeroizing::new(array::from_fn(|word| self.words[word][lane]))
    }
}
