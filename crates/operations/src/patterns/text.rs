//! Paths as text. Borg matches characters, not bytes, and a path need not be UTF-8: a byte that is not part of a character
//! becomes a character of its own from a private plane, as Python makes lone surrogates of them.

use std::{borrow::Cow, str};

/// What byte 0x00 would become; only 0x80 … 0xff occur.
const STRAY: u32 = 0x10_DC00;

/// `bytes` as characters; borrows when they are UTF-8 already.
pub(super) fn characters(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len() * 2);
    for part in bytes.utf8_chunks() {
        text.push_str(part.valid());
        text.extend(part.invalid().iter().filter_map(|&byte| char::from_u32(STRAY + u32::from(byte))));
    }
    Cow::Owned(text)
}

/// The bytes that `characters` made `text` from.
pub(super) fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut buffer = [0; 4];
    for character in text.chars() {
        match u32::from(character).checked_sub(STRAY) {
            Some(byte @ 0x80..=0xff) => bytes.push(byte as u8),
            _ => bytes.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes()),
        }
    }
    bytes
}

/// Python's `os.path.normpath`: no empty or `.` components, `..` resolved by text, two leading slashes kept, never empty.
pub(super) fn normalised(path: &str) -> String {
    let root = match path.len() - path.trim_start_matches('/').len() {
        0 => "",
        2 => "//",
        _ => "/",
    };
    let mut components: Vec<&str> = Vec::new();
    for component in path.split('/').filter(|component| !component.is_empty() && *component != ".") {
        let climbs = component == "..";
        if climbs && components.last().is_some_and(|last| *last != "..") {
            components.pop();
        } else if !(climbs && components.is_empty() && !root.is_empty()) {
            components.push(component);
        }
    }
    let path = format!("{root}{}", components.join("/"));
    if path.is_empty() { ".".to_owned() } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_paths() {
        let cases = [
            ("", "."),
            (".", "."),
            ("/", "/"),
            ("//", "//"),
            ("///a", "/a"),
            ("//a/", "//a"),
            ("a//b/./c/", "a/b/c"),
            ("a/../b", "b"),
            ("../../a", "../../a"),
            ("/../a", "/a"),
            ("a/../..", ".."),
        ];
        for (path, normal) in cases {
            assert_eq!(normalised(path), normal, "{path}");
        }
    }

    #[test]
    fn stray_bytes_come_back() {
        let path = b"caf\xe9/\xf0\x9f\x98\x80\xff";
        assert_eq!(bytes(&characters(path)), path);
        assert_eq!(characters(path).chars().count(), 7);
    }
}
