//! The field `tam` of a manifest or an archive: the seal by which the key's owner vouches for the whole structure.
//!
//! ```text
//! map { "hmac": raw 64, "salt": raw 64, "type": raw "HKDF_HMAC_SHA512" }
//! ```
//!
//! The HMAC is taken over the structure's own bytes with the 64 bytes of `hmac` zero, so both sides need to know where
//! these stand. Computing it is the key's business.

use core::ops::Range;

use embedded_io::Write;
use heapless::Vec;

use crate::msgpack::{Error, Reader, Writer};

/// Bytes of the HMAC, and of the salt.
pub const TAM_BYTES: usize = 64;

const SUITE: &[u8] = b"HKDF_HMAC_SHA512";

/// As much of an unknown suite's name as an error message needs.
const SHOWN_BYTES: usize = 32;

/// What stands in the field `tam`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tam {
    /// There is none, as in structures older than Borg 1.0.9 (manifests) or 1.2.5 (archives).
    #[default]
    Absent,
    /// Made by a suite that is not known: the first bytes of its name. Borg ignores it where none is required.
    Unsupported(Vec<u8, SHOWN_BYTES>),
    /// Not a TAM at all; as bad as one that does not verify.
    Malformed,
    /// To be verified.
    Present {
        /// Goes into the key derivation.
        salt: [u8; TAM_BYTES],
        /// What was stored.
        hmac: [u8; TAM_BYTES],
        /// Where `hmac` stands in the structure.
        hmac_range: Range<usize>,
    },
}

impl Tam {
    /// Reads the field; `structure_bytes` is the length of the slice that `reader` began with.
    pub(crate) fn read(reader: &mut Reader<'_>, structure_bytes: usize) -> Result<Self, Error> {
        let value = reader.skip()?;
        let start = structure_bytes - reader.rest().len() - value.len();
        Ok(Self::fields(value, start).unwrap_or(Self::Malformed))
    }

    fn fields(value: &[u8], start: usize) -> Result<Self, Error> {
        let mut reader = Reader::new(value);
        let (mut suite, mut salt, mut hmac) = (&b"<none>"[..], None, None);
        for _ in 0..reader.map()? {
            match reader.raw()? {
                b"type" => suite = reader.raw()?,
                b"salt" => salt = Some(reader.skip()?),
                b"hmac" => {
                    let packed = reader.skip()?;
                    hmac = Some((packed, start + value.len() - reader.rest().len()));
                }
                _ => drop(reader.skip()?),
            }
        }
        if suite != SUITE {
            return Ok(Self::Unsupported(suite.iter().copied().take(SHOWN_BYTES).collect()));
        }
        let salt = Reader::new(salt.ok_or(Error::Missing("salt"))?).raw_array()?;
        let (packed, end) = hmac.ok_or(Error::Missing("hmac"))?;
        let hmac = Reader::new(packed).raw_array()?;
        Ok(Self::Present { salt, hmac, hmac_range: end - TAM_BYTES..end })
    }
}

/// Writes key and field with a zero HMAC and tells where the HMAC belongs, counted from the writer's first byte.
pub(crate) fn emit<W: Write>(salt: &[u8; TAM_BYTES], writer: &mut Writer<W>) -> Result<Range<usize>, W::Error> {
    writer.raw(b"tam")?;
    writer.map(3)?;
    writer.raw(b"hmac")?;
    writer.raw(&[0; TAM_BYTES])?;
    let end = writer.written_bytes();
    writer.raw(b"salt")?;
    writer.raw(salt)?;
    writer.raw(b"type")?;
    writer.raw(SUITE)?;
    Ok(end - TAM_BYTES..end)
}
