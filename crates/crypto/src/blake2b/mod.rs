//! BLAKE2b-256 as Borg keys it: the 128-byte key is the first block of the message, not BLAKE2's own key parameter.
//! Both the chunk id and the MAC of the `-blake2` modes are made so.
//!
//! One message is a single chain of dependent steps, which leaves most of a CPU idle; so whoever has several messages
//! hands them in together. The accelerated form is chosen at first use, after it has agreed with the portable one; if it
//! does not, it is never used.
//!
//! RAM: 280 bytes a keyed hash, and some 3 KiB of stack while several messages are hashed.

#[cfg(target_arch = "x86_64")]
mod lanes;
#[cfg(target_arch = "x86_64")]
mod x86;

use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest};

/// BLAKE2b-256 over a secret 128-byte prefix and the data. The state is wiped on drop.
#[derive(Clone)]
pub struct PrefixedBlake2b {
    prefixed: Blake2b<U32>,
    #[cfg(target_arch = "x86_64")]
    accelerated: Option<lanes::Accelerated>,
}

impl PrefixedBlake2b {
    /// Absorbs the prefix, one whole block, once.
    pub fn new(prefix: &[u8; 128]) -> Self {
        Self {
            prefixed: Blake2b::new_with_prefix(prefix),
            #[cfg(target_arch = "x86_64")]
            accelerated: choice::accelerated(prefix),
        }
    }

    /// The digest of prefix ‖ `parts`.
    pub fn digest(&self, parts: &[&[u8]]) -> [u8; 32] {
        #[cfg(target_arch = "x86_64")]
        if let Some(accelerated) = &self.accelerated
            && parts.iter().any(|part| !part.is_empty())
        {
            return accelerated.digest(parts);
        }
        let mut hash = self.prefixed.clone();
        for part in parts {
            hash.update(part);
        }
        hash.finalize().into()
    }

    /// The digest of each message, given as what is in front of it, its parts, and where its digest goes. Any number of
    /// messages of any lengths; four of like length, or many with the longest first, go fastest.
    pub fn digest_each<'prefix, 'data, 'digest, Parts: AsRef<[&'data [u8]]>>(
        messages: impl IntoIterator<Item = (&'prefix Self, Parts, &'digest mut [u8; 32])>,
    ) {
        #[cfg(target_arch = "x86_64")]
        lanes::digest_each(messages.into_iter().filter_map(|(prefix, parts, digest)| match &prefix.accelerated {
            // Without data the prefix is the last block, and not as the accelerated form absorbed it.
            Some(accelerated) if parts.as_ref().iter().any(|part| !part.is_empty()) => {
                Some((accelerated, parts, digest))
            }
            _ => {
                *digest = prefix.digest(parts.as_ref());
                None
            }
        }));
        #[cfg(not(target_arch = "x86_64"))]
        for (prefix, parts, digest) in messages {
            *digest = prefix.digest(parts.as_ref());
        }
    }
}

/// The name of the form in use, for diagnostics and benchmarks.
pub fn blake2b_implementation() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    if choice::accelerated(&[0; 128]).is_some() {
        return "avx2";
    }
    "portable"
}

/// Which form is used.
#[cfg(target_arch = "x86_64")]
mod choice {
    use core::sync::atomic::{AtomicU8, Ordering};

    use blake2::{Blake2b, Digest};

    use super::PrefixedBlake2b;
    use super::lanes::{self, Accelerated};

    const UNDECIDED: u8 = 0;
    const PORTABLE: u8 = 1;
    const ACCELERATED: u8 = 2;

    /// The choice; racing threads come to the same one.
    static CHOICE: AtomicU8 = AtomicU8::new(UNDECIDED);

    pub(super) fn accelerated(prefix: &[u8; 128]) -> Option<Accelerated> {
        let mut choice = CHOICE.load(Ordering::Relaxed);
        if choice == UNDECIDED {
            choice = if agrees() { ACCELERATED } else { PORTABLE };
            CHOICE.store(choice, Ordering::Relaxed);
        }
        if choice == ACCELERATED { Accelerated::new(prefix) } else { None }
    }

    /// Messages that fill lanes, leave them at different times, and end on and beside the border of a block.
    #[cold]
    fn agrees() -> bool {
        let mut bytes = [0; 411];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = ((index * 167) >> 2) as u8;
        }
        let prefixed = Blake2b::new_with_prefix(&bytes[..128]);
        let Some(accelerated) = bytes.first_chunk().and_then(Accelerated::new) else { return false };
        let portable = PrefixedBlake2b { prefixed, accelerated: None };
        let messages = [&bytes[3..], &bytes[1..129], &bytes[..257], &bytes[7..8], &bytes[..127], &bytes[2..386]];
        let mut together = [[0; 32]; 6];
        let tasks = messages.iter().map(core::slice::from_ref).zip(&mut together);
        lanes::digest_each(tasks.map(|(parts, digest)| (&accelerated, parts, digest)));
        let agrees = |(message, digest): (&&[u8], [u8; 32])| {
            let expected = portable.digest(&[message]);
            digest == expected && accelerated.digest(&[message]) == expected
        };
        messages.iter().zip(together).all(agrees)
    }
}

#[cfg(test)]
mod tests;
