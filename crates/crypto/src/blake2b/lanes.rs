//! Four messages side by side, from a list of any length: a lane whose message ends takes the next one of the list, and
//! the last message left goes on alone. No byte is copied but those of blocks that lie in two parts or are not full.

use core::array;

use zeroize::Zeroizing;

use super::x86::Avx2;

pub(super) const LANES: usize = 4;
pub(super) const BLOCK_BYTES: usize = 128;

/// BLAKE2b's initial values (RFC 7693, section 2.6).
pub(super) const INITIAL: [u64; 8] = [
    0x6a09_e667_f3bc_c908,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x9b05_688c_2b3e_6c1f,
    0x1f83_d9ab_fb41_bd6b,
    0x5be0_cd19_137e_2179,
];

/// The first parameter word: no key of BLAKE2's own, one message that is not part of a tree, 32 bytes of digest.
const PARAMETERS: u64 = 0x0101_0020;

/// The state behind the prefix. Wiped on drop.
#[derive(Clone)]
pub(super) struct Accelerated {
    avx2: Avx2,
    prefixed: Zeroizing<[u64; 8]>,
}

/// The states of four messages: word n of each beside the others, and bytes absorbed. The words are wiped on drop.
pub(super) struct Lanes {
    pub(super) words: Zeroizing<[[u64; LANES]; 8]>,
    pub(super) counters: [u64; LANES],
}

/// What is done with each block of a run.
#[derive(Clone, Copy)]
pub(super) struct Step {
    /// Bytes of message in it.
    pub(super) added: u64,
    /// All ones where it ends the message, else zero.
    pub(super) last: u64,
}

impl Accelerated {
    /// Absorbs the prefix; `None` where the CPU has not what is needed.
    pub(super) fn new(prefix: &[u8; BLOCK_BYTES]) -> Option<Self> {
        let avx2 = Avx2::detect()?;
        let mut state = Zeroizing::new(INITIAL);
        state[0] ^= PARAMETERS;
        avx2.one(&mut state, &mut 0, array::from_ref(prefix), Step { added: BLOCK_BYTES as u64, last: 0 });
        Some(Self { avx2, prefixed: state })
    }

    /// The digest of one message, which is not empty.
    pub(super) fn digest(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut digest = [0; 32];
        finish(self.avx2, Message::new(parts, &mut digest), self.prefixed.clone(), BLOCK_BYTES as u64);
        digest
    }
}

/// The digests of messages, none of which is empty.
pub(super) fn digest_each<'prefix, 'data, 'digest, Parts: AsRef<[&'data [u8]]>>(
    messages: impl Iterator<Item = (&'prefix Accelerated, Parts, &'digest mut [u8; 32])>,
) {
    let mut waiting = messages.fuse().peekable();
    let Some((Accelerated { avx2, .. }, ..)) = waiting.peek() else { return };
    let avx2 = *avx2;
    let mut lanes = Lanes { words: Zeroizing::new([[0; LANES]; 8]), counters: [0; LANES] };
    let mut running: [Option<Message<'_, Parts>>; LANES] = array::from_fn(|_| None);
    loop {
        for (lane, place) in running.iter_mut().enumerate() {
            if place.is_none()
                && let Some((prefix, parts, digest)) = waiting.next()
            {
                lanes.begin(lane, &prefix.prefixed);
                *place = Some(Message::new(parts, digest));
            }
        }
        let mut occupied = running.iter().enumerate().filter_map(|(lane, place)| place.is_some().then_some(lane));
        let Some(first) = occupied.next() else { return };
        if occupied.next().is_some() {
            advance(avx2, &mut lanes, &mut running, first);
        } else if let Some(message) = running[first].take() {
            finish(avx2, message, lanes.state(first), lanes.counters[first]);
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

/// Takes a message to its end.
fn finish<'data, Parts: AsRef<[&'data [u8]]>>(
    avx2: Avx2,
    mut message: Message<'_, Parts>,
    mut state: Zeroizing<[u64; 8]>,
    mut counter: u64,
) {
    loop {
        let count = message.ready();
        avx2.one(&mut state, &mut counter, message.blocks(count), message.step);
        if message.absorbed(count) {
            *message.digest = digest_of(&state);
            return;
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

impl Step {
    /// A whole block, others follow.
    const WHOLE: Self = Self { added: BLOCK_BYTES as u64, last: 0 };
}

/// A message on its way, cut into runs of blocks that lie in one piece.
struct Message<'digest, Parts> {
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
    step: Step,
    digest: &'digest mut [u8; 32],
}

impl<'data, 'digest, Parts: AsRef<[&'data [u8]]>> Message<'digest, Parts> {
    fn new(parts: Parts, digest: &'digest mut [u8; 32]) -> Self {
        let left = parts.as_ref().iter().map(|part| part.len()).sum();
        let gathered = [0; BLOCK_BYTES];
        Self { parts, part: 0, offset: 0, left, gathered, is_gathered: false, step: Step::WHOLE, digest }
    }

    /// Finds the next run; gives its blocks, at least one.
    fn ready(&mut self) -> usize {
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
    fn blocks<'run>(&'run self, count: usize) -> &'run [[u8; BLOCK_BYTES]]
    where
        'data: 'run,
    {
        if self.is_gathered { array::from_ref(&self.gathered) } else { &self.rest().as_chunks().0[..count] }
    }

    /// Takes note that these blocks were absorbed; says whether the message is at its end.
    fn absorbed(&mut self, count: usize) -> bool {
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

fn digest_of(state: &[u64; 8]) -> [u8; 32] {
    let mut digest = [0; 32];
    for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(state) {
        *bytes = word.to_le_bytes();
    }
    digest
}
