//! Addresses of pages: names are bytes, and stand in them as `%` and two digits where they are not plain.

use std::fmt;

/// Bytes as they stand in an address; slashes stay.
pub(super) struct Quoted<'a>(pub(super) &'a [u8]);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &byte in self.0 {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                    write!(f, "{}", char::from(byte))?;
                }
                byte => write!(f, "%{byte:02X}")?,
            }
        }
        Ok(())
    }
}

/// The bytes again; `None` where it is not written like that, or would end a word of a command (NUL).
pub(super) fn unquoted(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(&byte) = rest.next() {
        let byte = match byte {
            b'%' => {
                let mut digit = || char::from(*rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        };
        bytes.push(byte);
    }
    (!bytes.contains(&0)).then_some(bytes)
}

/// A field of a form or of what stands behind `?`, where a space is a `+`.
pub(super) fn field(form: &[u8], name: &str) -> Option<Vec<u8>> {
    form.split(|&byte| byte == b'&').find_map(|pair| {
        let value = pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        let spaced: Vec<u8> = value.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
        unquoted(&spaced)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_but_nul_comes_back() {
        let all: Vec<u8> = (1..=255).collect();
        let text = Quoted(&all).to_string();
        assert!(text.is_ascii() && !text.contains(['"', '<', '>', '&', '?', '#', ' ', '\'']), "{text}");
        assert_eq!(unquoted(text.as_bytes()), Some(all));
        for wrong in ["%", "%f", "%zz", "a%00b", "%+1", "%-f"] {
            assert_eq!(unquoted(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(field(b"a=1&after=x+y%2b&after=z", "after").as_deref(), Some(&b"x y+"[..]));
        assert_eq!((field(b"a&ab=2", "a"), field(b"", "a")), (None, None));
    }
}
