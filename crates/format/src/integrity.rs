//! The integrity file: one digest string for each of `hints.N` and `index.N`.
//!
//! ```text
//! file     msgpack {version: 2, hints: text, index: text}
//! text     JSON {"algorithm": "XXH64", "digests": {part: 16 hexadecimal digits, …, "final": …}}
//! ```
//!
//! What goes into a digest, in order: the name's length as `%10d` and the file's name; the bytes; at the end of each
//! part the part's name likewise and then the position in decimal digits. The hash is never reset between parts.

use core::fmt::{self, Write as _};

use heapless::String;

use crate::msgpack;

/// The part that ends after an index's header.
pub const HEADER_PART: &str = "HashHeader";
/// The part that ends with the file.
pub const FINAL_PART: &str = "final";

/// The digests of one file. A missing one is not compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digests {
    /// After the header, for the index.
    pub header: Option<u64>,
    /// At the end of the file.
    pub last: Option<u64>,
}

/// The digests of both files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Integrity {
    /// Of `hints.N`.
    pub hints: Digests,
    /// Of `index.N`.
    pub index: Digests,
}

/// What can be wrong with an integrity file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not the msgpack it should be.
    #[error(transparent)]
    Msgpack(#[from] msgpack::Error),
    /// A version from the future: nothing in it may be used.
    #[error("unknown integrity data version")]
    Version,
    /// A digest that is not one.
    #[error("malformed digests")]
    Digests,
}

/// Text of a number or length in front of what it describes, as it enters the digest.
pub fn length_text(length: usize) -> String<20> {
    let mut text = String::new();
    let _ = write!(text, "{length:10}"); // 20 digits hold any u64
    text
}

/// Text of a position at the end of a part, as it enters the digest.
pub fn position_text(position: u64) -> String<20> {
    let mut text = String::new();
    let _ = write!(text, "{position}");
    text
}

impl Integrity {
    /// Reads a file's bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = msgpack::Reader::new(bytes);
        let mut integrity = Self::default();
        let mut version = 0;
        for _ in 0..reader.map()? {
            match reader.raw()? {
                b"version" => version = reader.integer()?,
                b"hints" => integrity.hints = Digests::from_text(reader.raw()?)?,
                b"index" => integrity.index = Digests::from_text(reader.raw()?)?,
                _ => drop(reader.skip()?),
            }
        }
        if version == 2 { Ok(integrity) } else { Err(Error::Version) }
    }

    /// Emits the file.
    pub fn emit<W: embedded_io::Write>(&self, sink: W) -> Result<(), W::Error> {
        let mut writer = msgpack::Writer::new(sink);
        writer.map(3)?;
        writer.raw(b"version")?;
        writer.unsigned(2)?;
        for (name, digests) in [("hints", &self.hints), ("index", &self.index)] {
            let mut text = String::<160>::new();
            let _ = write!(text, "{digests}"); // at most two digests: 98 bytes
            writer.raw(name.as_bytes())?;
            writer.raw(text.as_bytes())?;
        }
        Ok(())
    }
}

impl Digests {
    /// Reads the JSON text. Digests of an algorithm that is not ours are left out, as Borg does with unknown ones.
    fn from_text(text: &[u8]) -> Result<Self, Error> {
        let text = core::str::from_utf8(text).map_err(|_| Error::Digests)?;
        // Every token of this JSON is a string without escapes: keys and values alternate in the order of the text.
        let mut strings = text.split('"').skip(1).step_by(2);
        let mut digests = Self::default();
        let mut ours = false;
        while let Some(name) = strings.next() {
            match name {
                "algorithm" => ours = strings.next() == Some("XXH64"),
                HEADER_PART => digests.header = Some(digest(strings.next())?),
                FINAL_PART => digests.last = Some(digest(strings.next())?),
                "digests" => {}
                _ => drop(strings.next()),
            }
        }
        match (ours, digests.last) {
            (true, None) => Err(Error::Digests),
            (true, Some(_)) => Ok(digests),
            (false, _) => Ok(Self::default()),
        }
    }
}

fn digest(text: Option<&str>) -> Result<u64, Error> {
    let text = text.filter(|text| text.len() == 16).ok_or(Error::Digests)?;
    u64::from_str_radix(text, 16).map_err(|_| Error::Digests)
}

impl fmt::Display for Digests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, r#"{{"algorithm": "XXH64", "digests": {{"#)?;
        if let Some(header) = self.header {
            write!(f, r#""{HEADER_PART}": "{header:016x}", "#)?;
        }
        write!(f, r#""{FINAL_PART}": "{:016x}"}}}}"#, self.last.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by Borg 1.4.5.
    const FILE: &[u8] = b"\x83\xa7version\x02\xa5hints\xda\x00@{\"algorithm\": \"XXH64\", \"digests\": {\"final\": \
        \"3a2c408c35cdc19d\"}}\xa5index\xda\x00b{\"algorithm\": \"XXH64\", \"digests\": {\"HashHeader\": \
        \"4aa0afa41789f502\", \"final\": \"9977bf5dedd7a63d\"}}";

    #[test]
    fn borgs_file_round_trips() {
        let integrity = Integrity::from_bytes(FILE).unwrap();
        assert_eq!(integrity.hints, Digests { header: None, last: Some(0x3a2c408c35cdc19d) });
        assert_eq!(integrity.index, Digests { header: Some(0x4aa0afa41789f502), last: Some(0x9977bf5dedd7a63d) });
        let mut bytes = [0; 256];
        let mut rest = &mut bytes[..];
        integrity.emit(&mut rest).unwrap();
        let left = rest.len();
        assert_eq!(&bytes[..256 - left], FILE);
    }

    #[test]
    fn every_truncation_is_refused_without_panic() {
        for length in 0..FILE.len() {
            assert!(Integrity::from_bytes(&FILE[..length]).is_err());
        }
    }

    #[test]
    fn texts() {
        assert_eq!(length_text(8), "         8");
        assert_eq!(position_text(18), "18");
    }
}
