//! Text that may hold bytes that are not UTF-8: what Python calls surrogates, seen as it sees them.
//!
//! Every byte that is no part of valid UTF-8 counts as one character, prints as `?`, and is `\udcXX` in JSON.

/// One character as Python counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A character.
    Character(char),
    /// A byte that is no part of one.
    Byte(u8),
}

/// The characters of `text`.
pub(crate) fn pieces(text: &[u8]) -> impl Iterator<Item = Piece> {
    text.utf8_chunks().flat_map(|chunk| {
        let bytes = chunk.invalid().iter().copied().map(Piece::Byte);
        chunk.valid().chars().map(Piece::Character).chain(bytes)
    })
}

/// How many characters `text` has.
pub(crate) fn characters(text: &[u8]) -> usize {
    pieces(text).count()
}

/// The first `count` characters.
pub(crate) fn truncated(text: &[u8], count: usize) -> &[u8] {
    let bytes = pieces(text).take(count).map(|piece| match piece {
        Piece::Character(character) => character.len_utf8(),
        Piece::Byte(_) => 1,
    });
    &text[..bytes.sum()]
}

/// Appends `text` as it may be printed: each stray byte as `?`.
pub(crate) fn append_printable(text: &[u8], out: &mut Vec<u8>) {
    for chunk in text.utf8_chunks() {
        out.extend_from_slice(chunk.valid().as_bytes());
        out.extend(std::iter::repeat_n(b'?', chunk.invalid().len()));
    }
}

/// `text` as it may be printed: each stray byte as `?`.
pub(crate) fn printable(text: &[u8]) -> String {
    let mut out = Vec::with_capacity(text.len());
    append_printable(text, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// `text` as it stands in an address, `%` and two digits for every byte that is neither plain nor a slash: nothing is lost.
pub(crate) fn quoted(text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for &byte in text {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(byte.into()),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// A command line, each word quoted for a POSIX shell where it needs that.
pub(crate) fn shell_line<T: AsRef<[u8]>>(words: impl IntoIterator<Item = T>) -> Vec<u8> {
    let mut line = Vec::new();
    for (place, word) in words.into_iter().enumerate() {
        if place > 0 {
            line.push(b' ');
        }
        append_quoted(word.as_ref(), &mut line);
    }
    line
}

fn append_quoted(word: &[u8], line: &mut Vec<u8>) {
    let safe = |byte: &u8| byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(byte);
    if !word.is_empty() && word.iter().all(safe) {
        line.extend_from_slice(word);
        return;
    }
    line.push(b'\'');
    for byte in word {
        match byte {
            b'\'' => line.extend_from_slice(b"'\"'\"'"),
            other => line.push(*other),
        }
    }
    line.push(b'\'');
}

/// `text` as a Python literal: what `!r` and `!a` in a format give.
pub(crate) fn literal(text: &[u8], alphabet: Alphabet) -> String {
    let quote = if text.contains(&b'\'') && !text.contains(&b'"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for piece in pieces(text) {
        match piece {
            Piece::Byte(byte) => out.push_str(&format!("\\udc{byte:02x}")),
            Piece::Character('\n') => out.push_str("\\n"),
            Piece::Character('\r') => out.push_str("\\r"),
            Piece::Character('\t') => out.push_str("\\t"),
            Piece::Character('\\') => out.push_str("\\\\"),
            Piece::Character(character) if character == quote => out.extend(['\\', character]),
            Piece::Character(plain @ ' '..='~') => out.push(plain),
            Piece::Character(other) if alphabet == Alphabet::Unicode && !other.is_control() => out.push(other),
            Piece::Character(other) => out.push_str(&match u32::from(other) {
                code @ 0..=0xff => format!("\\x{code:02x}"),
                code @ 0x100..=0xffff => format!("\\u{code:04x}"),
                code => format!("\\U{code:08x}"),
            }),
        }
    }
    out.push(quote);
    out
}

/// What a literal may hold unescaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alphabet {
    /// Only ASCII.
    Ascii,
    /// Whatever can be printed.
    Unicode,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stray_bytes_count_one_each() {
        assert_eq!(characters("aß🦀".as_bytes()), 3);
        assert_eq!(characters(b"\xf0\x9f\xa6"), 3);
        assert_eq!(truncated(b"\xc3\xa4\xffb", 2), b"\xc3\xa4\xff");
        assert_eq!(printable(b"a\xff\xe2\x82z"), "a???z");
        assert_eq!(quoted("a/ß \u{1f980}%\u{0}".as_bytes()), "a/%C3%9F%20%F0%9F%A6%80%25%00");
        assert_eq!(quoted(b"\xff\xe2\x82?"), "%FF%E2%82%3F");
    }

    #[test]
    fn command_lines_are_quoted_for_a_shell() {
        let line = shell_line(["borg", "a b", "", "it's", "x=1,/%@+"]);
        assert_eq!(String::from_utf8(line).unwrap(), "borg 'a b' '' 'it'\"'\"'s' x=1,/%@+");
        assert_eq!(shell_line(["ä"]), "'ä'".as_bytes());
    }

    #[test]
    fn literals_are_pythons() {
        assert_eq!(literal(b"it's\xff\n", Alphabet::Unicode), "\"it's\\udcff\\n\"");
        assert_eq!(literal("ä'\"".as_bytes(), Alphabet::Unicode), "'ä\\'\"'");
        assert_eq!(literal("ä🦀".as_bytes(), Alphabet::Ascii), "'\\xe4\\U0001f980'");
    }
}
