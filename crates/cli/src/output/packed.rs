//! Packed values as indented JSON, for `debug`: written while they are read, so that size costs no RAM.
//!
//! As Borg prints them: bytes that are UTF-8 are text; all others, and those that begin with DEL, are DEL and hexadecimal
//! digits.

use std::io::{self, Write};

use nanoprobe_format::msgpack::{Error, Reader};

use super::json::{Json, NESTING};

/// Nothing that Borg stores is deeper.
const MOST_LEVELS: usize = 32;

/// Writes one value; `depth` is how far its inner lines are indented already.
pub(crate) fn write_packed(value: &[u8], out: &mut dyn Write, depth: usize) -> io::Result<()> {
    write_value(&mut Reader::new(value), out, depth, depth + MOST_LEVELS)
}

/// Bytes as text.
pub(crate) fn text(bytes: &[u8]) -> Json {
    match str::from_utf8(bytes) {
        Ok(text) if !text.starts_with('\x7f') => Json::text(text),
        _ => Json::text(bytes.iter().fold(String::from("\x7f"), |text, byte| format!("{text}{byte:02x}"))),
    }
}

fn write_value(reader: &mut Reader<'_>, out: &mut dyn Write, depth: usize, most: usize) -> io::Result<()> {
    if depth >= most {
        return Err(malformed(Error::OutOfRange));
    }
    match reader.peek().map_err(malformed)? {
        0x80..=0x8f | 0xde | 0xdf => {
            let pairs = reader.map().map_err(malformed)?;
            write_all(out, b"{", b"}", pairs, depth, |out, depth| {
                Json::text(reader.raw().map_err(malformed)?).write_line(out)?;
                out.write_all(b": ")?;
                write_value(reader, out, depth, most)
            })
        }
        0x90..=0x9f | 0xdc | 0xdd => {
            let elements = reader.array().map_err(malformed)?;
            write_all(out, b"[", b"]", elements, depth, |out, depth| write_value(reader, out, depth, most))
        }
        0xa0..=0xbf | 0xd9..=0xdb | 0xc4..=0xc6 => text(reader.raw().map_err(malformed)?).write_line(out),
        0xc0 => {
            reader.skip().map_err(malformed)?;
            out.write_all(b"null")
        }
        0xc2 | 0xc3 => Json::Boolean(reader.boolean().map_err(malformed)?).write_line(out),
        _ => Json::Integer(reader.integer().map_err(malformed)?).write_line(out),
    }
}

fn write_all(
    out: &mut dyn Write,
    open: &[u8],
    close: &[u8],
    count: usize,
    depth: usize,
    mut each: impl FnMut(&mut dyn Write, usize) -> io::Result<()>,
) -> io::Result<()> {
    out.write_all(open)?;
    for number in 0..count {
        out.write_all(if number > 0 { b",\n" } else { b"\n" })?;
        (0..=depth).try_for_each(|_| out.write_all(NESTING.as_bytes()))?;
        each(out, depth + 1)?;
    }
    if count > 0 {
        out.write_all(b"\n")?;
        (0..depth).try_for_each(|_| out.write_all(NESTING.as_bytes()))?;
    }
    out.write_all(close)
}

fn malformed(error: Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: &[u8]) -> io::Result<String> {
        let mut out = Vec::new();
        write_packed(value, &mut out, 0)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn values_look_as_borg_prints_them() {
        let value = b"\x83\xa1a\x92\x01\xa2\xffx\xa1b\x80\xa1c\x93\xc0\xc3\xa2\x7fx";
        let expected = "{\n    \"a\": [\n        1,\n        \"\\u007fff78\"\n    ],\n    \"b\": {},\n    \"c\": [\n        \
                        null,\n        true,\n        \"\\u007f7f78\"\n    ]\n}";
        assert_eq!(written(value).unwrap(), expected);
    }

    #[test]
    fn hostile_values_are_refused() {
        for value in [&b"\xdf\xff\xff\xff\xff"[..], b"\x91", b"\xa5ab", &[0x91; 1000]] {
            assert!(written(value).is_err());
        }
    }
}
