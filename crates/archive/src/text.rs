//! Names, comments and command lines as text, although Borg stores bytes.
//!
//! Most are UTF-8 and stand for themselves. A byte that is no part of UTF-8 becomes one of the last 128 characters of
//! Unicode's last private plane (U+10FF80 + byte − 0x80; Python keeps such bytes as lone surrogates, which Rust's strings
//! cannot hold). Should a name really hold such a character, its four bytes are kept this way, one by one. So
//! `encode(decode(bytes)) == bytes` for all bytes.

use std::borrow::Cow;

/// Stands for byte 0; only bytes from 0x80 on are ever kept.
const ESCAPE: u32 = 0x10_ff00;

/// Bytes to text, without loss.
pub fn decode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let keep = |text: &mut String, bytes: &[u8]| {
        text.extend(bytes.iter().filter_map(|&byte| char::from_u32(ESCAPE + u32::from(byte))));
    };
    for piece in bytes.utf8_chunks() {
        for character in piece.valid().chars() {
            match kept_byte(character) {
                None => text.push(character),
                Some(_) => keep(&mut text, character.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        keep(&mut text, piece.invalid());
    }
    text
}

/// Text back to the bytes it was made from.
pub fn encode(text: &str) -> Cow<'_, [u8]> {
    if !text.chars().any(|character| kept_byte(character).is_some()) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        match kept_byte(character) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(bytes)
}

/// The byte that a character stands for, if it stands for one. Python writes such a byte as U+DC00 + byte in JSON.
pub fn kept_byte(character: char) -> Option<u8> {
    let byte = u32::from(character).checked_sub(ESCAPE)?;
    u8::try_from(byte).ok().filter(|&byte| byte >= 0x80)
}

/// Text for people: a question mark for every byte that is no text, as Borg prints it.
pub fn displayable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|character| kept_byte(character).is_some()) {
        return Cow::Borrowed(text);
    }
    text.chars().map(|character| if kept_byte(character).is_some() { '?' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_stands_for_itself() {
        assert_eq!(decode("Bücher-2026".as_bytes()), "Bücher-2026");
        assert!(matches!(encode("Bücher-2026"), Cow::Borrowed(_)));
    }

    #[test]
    fn other_bytes_are_kept() {
        let text = decode(b"caf\xe9 \xed\xb3\xa9");
        assert_eq!(displayable(&text), "caf? ???");
        assert_eq!(text.chars().filter_map(kept_byte).collect::<Vec<_>>(), b"\xe9\xed\xb3\xa9");
        assert_eq!(*encode(&text), *b"caf\xe9 \xed\xb3\xa9");
    }

    proptest! {
        #[test]
        fn nothing_is_lost(bytes: Vec<u8>, character in prop::char::range('\u{10ff00}', '\u{10ffff}')) {
            for bytes in [&bytes[..], character.to_string().as_bytes()] {
                let text = decode(bytes);
                prop_assert_eq!(&*encode(&text), bytes);
            }
        }
    }
}
