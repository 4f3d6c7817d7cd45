//! Pax records: `length key=value\n`, text about a member or about all that follow.

use std::io;

use super::{
    read::{Member, malformed},
    sparse::{self, Piece},
};

/// What records say beside the member's own fields.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    /// Stored bytes.
    pub(super) size: Option<u64>,
    /// Bytes of a sparse file, holes included.
    pub(super) real_size: Option<u64>,
    /// GNU's formats 0.0 and 0.1.
    pub(super) pieces: Option<Vec<Piece>>,
    /// GNU's format 1.0.
    pub(super) has_map_in_content: bool,
}

impl Attributes {
    /// Reads records; what they say of the member replaces what it says itself.
    pub(super) fn read(&mut self, records: &[u8], member: &mut Member) -> io::Result<()> {
        let mut numbers = Vec::new();
        let (mut major, mut minor) = (None, None);
        let mut rest = records;
        while let Some((key, value, after)) = record(rest)? {
            rest = after;
            match key {
                b"path" => {
                    let end = value.iter().rposition(|&byte| byte != b'/').map_or(0, |last| last + 1);
                    member.name = value[..end].to_vec();
                }
                b"GNU.sparse.name" => member.name = value.to_vec(),
                b"linkpath" => member.link = value.to_vec(),
                b"uname" => member.user = value.to_vec(),
                b"gname" => member.group = value.to_vec(),
                b"uid" => member.uid = number(value).unwrap_or(0),
                b"gid" => member.gid = number(value).unwrap_or(0),
                b"mtime" => member.mtime = nanoseconds(value),
                b"size" => self.size = Some(number(value).unwrap_or(0)),
                b"GNU.sparse.size" | b"GNU.sparse.realsize" => {
                    self.real_size = Some(number(value).ok_or_else(|| malformed("bad size of a sparse file"))?);
                }
                b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => {
                    numbers.push(number(value).ok_or_else(|| malformed("bad map of a sparse file"))?);
                }
                b"GNU.sparse.map" => self.pieces = Some(sparse::listed(value)?),
                b"GNU.sparse.major" => major = Some(value),
                b"GNU.sparse.minor" => minor = Some(value),
                _ => {}
            }
        }
        if !numbers.is_empty() && self.pieces.is_none() {
            self.pieces = Some(sparse::pairs(&numbers)?);
        }
        self.has_map_in_content |= (major, minor) == (Some(&b"1"[..]), Some(&b"0"[..]));
        Ok(())
    }
}

/// The records alone, without what stands behind them.
pub(super) fn trimmed(records: &[u8]) -> &[u8] {
    let mut rest = records;
    while let Ok(Some((.., after))) = record(rest) {
        rest = after;
    }
    &records[..records.len() - rest.len()]
}

/// The first record: key, value, and what is behind it. `None` where there is none any more.
#[allow(clippy::type_complexity)] // three slices of one
fn record(records: &[u8]) -> io::Result<Option<(&[u8], &[u8], &[u8])>> {
    let digits = records.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let Some(b' ') = records.get(digits) else { return Ok(None) };
    let Some(length) = number::<usize>(&records[..digits]) else { return Ok(None) };
    let Some(record) = records.get(digits + 1..length) else { return Err(malformed("invalid header")) };
    let Some(key) = record.iter().position(|&byte| byte == b'=') else { return Ok(None) };
    // The last byte is the end of the line.
    let value = record.get(key + 1..record.len() - 1).ok_or_else(|| malformed("invalid header"))?;
    Ok(Some((&record[..key], value, &records[length..])))
}

pub(super) fn number<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    str::from_utf8(text).ok()?.trim().parse().ok()
}

/// Seconds with a fraction; Borg computes with a float.
fn nanoseconds(text: &[u8]) -> i128 {
    (number::<f64>(text).unwrap_or(0.0) * 1e9) as i128
}
