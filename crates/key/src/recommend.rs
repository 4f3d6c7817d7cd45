//! Which family of modes a machine should use: the one whose hash it computes faster. A mode is chosen once, at `init`, and
//! stays for the repository's life; whoever chooses, or reports on a machine, asks here.
//!
//! In the flow: every byte of new data passes the hash twice, for the chunk's id and for the MAC over what was made of it,
//! and AES-256-CTR once, which is the same in both families. So the hash alone decides: HMAC-SHA256 where the processor has
//! instructions for it, else mostly BLAKE2b.
//!
//! RAM: 16 KiB while it measures.

use std::{
    fmt,
    hint::black_box,
    time::{Duration, Instant},
};

use nanoprobe_crypto::{HmacSha256, PrefixedBlake2b};

use crate::{Mode, Storage};

/// How fast each hash is here, of two messages at a time: a chunk that gets its id and an object that gets its MAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speeds {
    /// HMAC-SHA256, bytes a second.
    pub sha256: u64,
    /// BLAKE2b, bytes a second.
    pub blake2b: u64,
}

/// Id hash and MAC of a family of modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// `repokey`, `keyfile`, `authenticated`: HMAC-SHA256.
    Sha256,
    /// The same with `-blake2`.
    Blake2b,
}

/// BLAKE2b must be faster by this many percent: a nearly equal machine gets the same answer each time, and it is the modes
/// that Borg has always had.
const MARGIN_PERCENT: u64 = 10;

impl Speeds {
    /// Measures both hashes in turns, with the implementations that this process uses: some milliseconds, on slow boards
    /// some tens. The best of several passes counts, so that other programs disturb little.
    pub fn measure() -> Self {
        let data = vec![0x5a; 2 * MESSAGE_BYTES];
        let (first, second) = data.split_at(MESSAGE_BYTES);
        let (hmac, blake2b) = (HmacSha256::new(&[1; 32]), PrefixedBlake2b::new(&[1; 128]));
        let both_sha256 = || {
            let mut digests = [[0; 32]; 2];
            let messages = [first, second].map(|message| [black_box(message)]).into_iter().zip(&mut digests);
            HmacSha256::authenticate_each(messages.map(|(parts, digest)| (&hmac, parts, digest)));
            digests
        };
        let both_blake2b = || {
            let mut digests = [[0; 32]; 2];
            let messages = [first, second].map(|message| [black_box(message)]).into_iter().zip(&mut digests);
            PrefixedBlake2b::digest_each(messages.map(|(parts, digest)| (&blake2b, parts, digest)));
            digests
        };
        let begun = Instant::now();
        let mut best = [Duration::MAX; 2];
        let mut passes = 0;
        while passes < LEAST_PASSES || begun.elapsed() < LONG_ENOUGH {
            best[0] = best[0].min(duration(both_sha256));
            best[1] = best[1].min(duration(both_blake2b));
            passes += 1;
        }
        let [sha256, blake2b] = best.map(|time| (data.len() as f64 / time.as_secs_f64().max(1e-9)) as u64);
        Self { sha256, blake2b }
    }

    /// The encrypting modes that suit the machine: with the key in the repository, and in a file.
    pub const fn modes(self) -> [Mode; 2] {
        [self.family().mode(Storage::Repository), self.family().mode(Storage::KeyFile)]
    }

    /// The family that these speeds speak for.
    pub const fn family(self) -> Family {
        if self.blake2b as u128 * 100 >= self.sha256 as u128 * (100 + MARGIN_PERCENT) as u128 {
            Family::Blake2b
        } else {
            Family::Sha256
        }
    }
}

/// Why, in a sentence's part: `HMAC-SHA256 1700 MB/s, BLAKE2b 1000 MB/s, and each byte is hashed twice`.
impl fmt::Display for Speeds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [sha256, blake2b] = [self.sha256, self.blake2b].map(|speed| speed as f64 / 1e6);
        write!(formatter, "HMAC-SHA256 {sha256:.0} MB/s, BLAKE2b {blake2b:.0} MB/s, and each byte is hashed twice")
    }
}

impl Family {
    /// The encrypting mode of this family whose key is kept in `storage`; nowhere, no mode of either family encrypts.
    pub const fn mode(self, storage: Storage) -> Mode {
        match (self, storage) {
            (Self::Sha256, Storage::Repository) => Mode::Repokey,
            (Self::Sha256, Storage::KeyFile) => Mode::Keyfile,
            (Self::Blake2b, Storage::Repository) => Mode::RepokeyBlake2,
            (Self::Blake2b, Storage::KeyFile) => Mode::KeyfileBlake2,
            (_, Storage::Nowhere) => Mode::None,
        }
    }
}

/// Fits the first-level cache of any board together with its fellow.
const MESSAGE_BYTES: usize = 8 << 10;

/// Of each hash; the first only warms up.
const LEAST_PASSES: u32 = 8;

const LONG_ENOUGH: Duration = Duration::from_millis(3);

fn duration<T>(work: impl Fn() -> T) -> Duration {
    let begun = Instant::now();
    black_box(work());
    begun.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_faster_hash_decides_with_a_margin() {
        for (sha256, blake2b, family) in [
            (1700, 1000, Family::Sha256),
            (100, 109, Family::Sha256),
            (100, 110, Family::Blake2b),
            (1, 0, Family::Sha256),
            (u64::MAX, u64::MAX, Family::Sha256),
        ] {
            assert_eq!(Speeds { sha256, blake2b }.family(), family, "{sha256} {blake2b}");
        }
    }

    #[test]
    fn a_family_has_a_mode_for_each_storage_and_says_so_itself() {
        for family in [Family::Sha256, Family::Blake2b] {
            for storage in [Storage::Repository, Storage::KeyFile] {
                let mode = family.mode(storage);
                assert_eq!(mode.storage(), storage);
                assert!(mode.is_encrypted());
                assert_eq!(mode.is_blake2(), family == Family::Blake2b);
            }
            assert_eq!(family.mode(Storage::Nowhere), Mode::None);
        }
    }

    #[test]
    fn both_are_measured_and_said() {
        let speeds = Speeds::measure();
        assert!(speeds.sha256 > 0 && speeds.blake2b > 0, "{speeds:?}");
        let said = Speeds { sha256: 1_699_600_000, blake2b: 1_000_000_000 }.to_string();
        assert_eq!(said, "HMAC-SHA256 1700 MB/s, BLAKE2b 1000 MB/s, and each byte is hashed twice");
    }
}
