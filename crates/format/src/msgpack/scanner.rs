//! The end of a msgpack value that arrives in pieces, found without keeping it: a few bytes of state a level of nesting.

use heapless::Vec;

use super::{Error, MAX_DEPTH};

/// Finds the end of a msgpack value that arrives in pieces. Looks at every byte once and keeps none of them.
#[derive(Debug, Default)]
pub struct Scanner {
    /// Values still missing in each open array or map, outermost first.
    open: Vec<u64, { MAX_DEPTH as usize - 1 }>,
    /// Bytes still missing of the string or number at hand.
    content_bytes: u64,
    /// A marker with its length field, as far as it has arrived.
    header: Vec<u8, 5>,
}

impl Scanner {
    /// Looks at the next piece. `Some` gives the number of its bytes that belong to the value: this is complete then,
    /// and the scanner ready for another. `None` asks for more. After an error it is of no more use.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Option<usize>, Error> {
        let mut position = 0;
        loop {
            if self.content_bytes > 0 {
                let passed = self.content_bytes.min((bytes.len() - position) as u64);
                self.content_bytes -= passed;
                position += passed as usize;
                if self.content_bytes > 0 {
                    return Ok(None);
                }
                if self.close() {
                    return Ok(Some(position));
                }
            }
            let Some(&byte) = bytes.get(position) else { return Ok(None) };
            position += 1;
            if self.header(byte)? {
                return Ok(Some(position));
            }
        }
    }

    /// Bytes that must at least follow before the value is complete, as far as its headers tell.
    pub fn missing_bytes(&self) -> u64 {
        // Of a string at hand, its own place in the innermost array is counted twice.
        let values = self.open.iter().fold(0_u64, |sum, &values| sum.saturating_add(values - 1));
        values.saturating_add(self.content_bytes)
    }

    /// Takes the next byte of a header; true when it ends the outermost value.
    fn header(&mut self, byte: u8) -> Result<bool, Error> {
        self.header.push(byte).map_err(|_| Error::WrongLength)?;
        let Some(shape) = shape(&self.header)? else { return Ok(false) };
        self.header.clear();
        match shape {
            Shape::Content(0) | Shape::Values(0) => return Ok(self.close()),
            Shape::Content(bytes) => self.content_bytes = bytes,
            Shape::Values(values) => self.open.push(values).map_err(|_| Error::TooDeep)?,
        }
        Ok(false)
    }

    /// Counts a complete value, and the arrays and maps that it completes; true when it was the outermost.
    fn close(&mut self) -> bool {
        while let Some(missing) = self.open.last_mut() {
            *missing -= 1;
            if *missing > 0 {
                return false;
            }
            self.open.pop();
        }
        true
    }
}

/// What follows a header.
enum Shape {
    Content(u64),
    Values(u64),
}

/// What follows `header`, `None` while its length field is not complete.
fn shape(header: &[u8]) -> Result<Option<Shape>, Error> {
    let [marker, field @ ..] = header else { return Ok(None) };
    let field_bytes = match marker {
        0xc4 | 0xd9 => 1,
        0xc5 | 0xda | 0xdc | 0xde => 2,
        0xc6 | 0xdb | 0xdd | 0xdf => 4,
        _ => 0,
    };
    if field.len() < field_bytes {
        return Ok(None);
    }
    let length = field.iter().fold(0, |length, &byte| length << 8 | u64::from(byte));
    Ok(Some(match *marker {
        0x80..=0x8f => Shape::Values(u64::from(marker & 0x0f) * 2),
        0x90..=0x9f => Shape::Values(u64::from(marker & 0x0f)),
        0xa0..=0xbf => Shape::Content(u64::from(marker & 0x1f)),
        0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => Shape::Content(0),
        0xc4..=0xc6 | 0xd9..=0xdb => Shape::Content(length),
        0xcc | 0xd0 => Shape::Content(1),
        0xcd | 0xd1 => Shape::Content(2),
        0xca | 0xce | 0xd2 => Shape::Content(4),
        0xcb | 0xcf | 0xd3 => Shape::Content(8),
        0xdc | 0xdd => Shape::Values(length),
        0xde | 0xdf => Shape::Values(length * 2),
        marker => return Err(Error::UnexpectedType(marker)),
    }))
}
