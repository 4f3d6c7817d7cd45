//! HMAC-SHA256: chunk ids and MACs of the modes without BLAKE2.

use nanoprobe_cpu::Form;
use zeroize::Zeroizing;

use crate::sha256::{BLOCK_BYTES, INITIAL, Sha256, Sha256Form, digest_of, finish_each};

/// HMAC-SHA256 with the key schedule done once. The schedule is wiped on drop.
#[derive(Clone)]
pub struct HmacSha256 {
    form: Sha256Form,
    /// The states behind the key, XORed with the constants for the inner and the outer hash.
    inner: Zeroizing<[u32; 8]>,
    outer: Zeroizing<[u32; 8]>,
}

impl HmacSha256 {
    /// Absorbs the key, of any length.
    pub fn new(key: &[u8]) -> Self {
        Self::with(Sha256Form::chosen(), key)
    }

    /// Absorbs the key, of any length; by one form.
    pub fn with(form: Sha256Form, key: &[u8]) -> Self {
        let mut block = Zeroizing::new([0; BLOCK_BYTES]);
        if key.len() <= BLOCK_BYTES {
            block[..key.len()].copy_from_slice(key);
        } else {
            let mut hash = Sha256::with(form);
            hash.update(key);
            block[..32].copy_from_slice(&hash.finish());
        }
        let [inner, outer] = [0x36, 0x5c].map(|constant| {
            let mut state = Zeroizing::new(INITIAL);
            let block = Zeroizing::new(block.map(|byte| byte ^ constant));
            form.compress(&mut state, &[*block]);
            state
        });
        Self { form, inner, outer }
    }

    /// The MAC over the concatenation of `parts`.
    pub fn authenticate(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut inner = Sha256::behind(self.form, &self.inner, BLOCK_BYTES as u64);
        for part in parts {
            inner.update(part);
        }
        self.of_inner(&inner.finish())
    }

    /// The MAC of each message, given as its key, its parts, and where its MAC goes; by the form of the first key. Any number
    /// of messages of any lengths; two of like length, or many with the longest first, go fastest.
    pub fn authenticate_each<'key, 'data, 'mac, Parts: AsRef<[&'data [u8]]>>(
        messages: impl IntoIterator<Item = (&'key Self, Parts, &'mac mut [u8; 32])>,
    ) {
        let mut messages = messages.into_iter().peekable();
        let Some(form) = messages.peek().map(|(keyed, ..)| keyed.form) else { return };
        let messages =
            messages.map(|(keyed, parts, mac)| (keyed.inner.clone(), BLOCK_BYTES as u64, parts, (keyed, mac)));
        finish_each(form, messages, |state, (keyed, mac)| *mac = keyed.of_inner(&digest_of(state)));
    }

    /// The MAC, of the inner hash.
    fn of_inner(&self, digest: &[u8; 32]) -> [u8; 32] {
        let mut outer = Sha256::behind(self.form, &self.outer, BLOCK_BYTES as u64);
        outer.update(digest);
        outer.finish()
    }

    /// Takes the digest at the start of `block` on to its MAC; what follows must be [`DIGEST_PADDING`].
    pub(crate) fn authenticate_digest(&self, block: &mut [u8; BLOCK_BYTES]) {
        for keyed in [&self.inner, &self.outer] {
            let mut state = keyed.clone();
            self.form.compress(&mut state, &[*block]);
            block[..32].copy_from_slice(&digest_of(&state));
        }
    }
}

/// Ends a block behind the key's and a digest: 96 bytes are 768 bits.
pub(crate) const DIGEST_PADDING: [u8; 32] = {
    let mut padding = [0; 32];
    padding[0] = 0x80;
    padding[30] = 3;
    padding
};
