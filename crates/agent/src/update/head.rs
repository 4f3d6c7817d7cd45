//! The file that brings an update: a head that says what it is, the signature of that head, and the root.
//!
//! ```text
//! nanoprobe-update 1\n
//! version 0.1.0\nmade 1767225600\narchitecture aarch64\nbytes 9437184\nsum SHA-256\n
//! \n
//! four lines of minisign\n
//! the root
//! ```
//! Not a byte of the root is believed, or written, before the head is. `image/update.sh` makes it.

use std::io::{BufRead, Read};

use minisign_verify::{PublicKey, Signature};

use super::{Refusal, label::sum_of_hex};

/// What was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) version: String,
    pub(super) made: i64,
    pub(super) architecture: String,
    pub(super) bytes: u64,
    pub(super) sum: [u8; 32],
}

const FIRST: &str = "nanoprobe-update 1\n";
/// No head, and no signature, is longer.
const MOST_BYTES: usize = 2048;
/// Of a version.
const MOST_LETTERS: usize = 64;

impl Head {
    /// Reads up to the root.
    pub(super) fn read(source: &mut dyn BufRead, key: &PublicKey) -> Result<Self, Refusal> {
        let head = until(source, |text| text.ends_with(b"\n\n"))?;
        if !head.starts_with(FIRST) {
            return Err(Refusal::NoUpdate);
        }
        let signature = until(source, |text| text.iter().filter(|&&byte| byte == b'\n').count() == 4)?;
        let signature = Signature::decode(&signature).map_err(|_| Refusal::Signature)?;
        key.verify(head.as_bytes(), &signature, false).map_err(|_| Refusal::Signature)?;
        Self::of_text(&head).ok_or(Refusal::NoUpdate)
    }

    fn of_text(text: &str) -> Option<Self> {
        let mut lines = text.strip_prefix(FIRST)?.lines();
        let mut value = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let version = value("version")?;
        let is_plain = version.len() <= MOST_LETTERS && version.bytes().all(|byte| byte.is_ascii_graphic());
        is_plain.then_some(())?;
        Some(Self {
            version: version.to_owned(),
            made: value("made")?.parse().ok()?,
            architecture: value("architecture")?.to_owned(),
            bytes: value("bytes")?.parse().ok()?,
            sum: sum_of_hex(value("sum")?)?,
        })
    }
}

/// A public key as minisign writes it.
pub(super) fn key(text: &str) -> Option<PublicKey> {
    PublicKey::decode(text.trim_end()).ok()
}

/// Lines, until they are whole.
fn until(mut source: &mut dyn BufRead, is_whole: impl Fn(&[u8]) -> bool) -> Result<String, Refusal> {
    let mut text = Vec::new();
    while text.len() < MOST_BYTES {
        let left = (MOST_BYTES - text.len()) as u64;
        let length = (&mut source).take(left).read_until(b'\n', &mut text).map_err(|_| Refusal::Damaged)?;
        if length == 0 {
            break;
        }
        if text.ends_with(b"\n") && is_whole(&text) {
            return String::from_utf8(text).map_err(|_| Refusal::NoUpdate);
        }
    }
    Err(Refusal::NoUpdate)
}
