//! System errors and names as Python prints them, since front ends parse Borg's messages.

use rustix::io::Errno;

/// A failed system call, with the name that it was given.
pub(crate) fn system_error(error: Errno, name: Option<&[u8]>) -> String {
    let mut text = std::io::Error::from(error).to_string();
    if let Some(end) = text.find(" (os error") {
        text.truncate(end);
    }
    let name = name.map(|name| format!(": {}", quoted(name))).unwrap_or_default();
    format!("[Errno {}] {text}{name}", error.raw_os_error())
}

/// A file name as `repr` shows it: quotes, escapes, and undecodable bytes as lone surrogates.
pub(crate) fn quoted(name: &[u8]) -> String {
    let mut text = String::new();
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => text.push_str("\\\\"),
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                '\t' => text.push_str("\\t"),
                '\0'..=' ' | '\x7f' if character != ' ' => text.push_str(&format!("\\x{:02x}", character as u32)),
                character => text.push(character),
            }
        }
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\udc{byte:02x}")));
    }
    if text.contains('\'') && !text.contains('"') {
        format!("\"{text}\"")
    } else {
        format!("'{}'", text.replace('\'', "\\'"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_errors() {
        assert_eq!(quoted(b"both '\"\n"), "'both \\'\"\\n'");
        assert_eq!(system_error(Errno::IO, None), "[Errno 5] Input/output error");
        assert_eq!(system_error(Errno::ACCESS, Some(b"a'\xff")), "[Errno 13] Permission denied: \"a'\\udcff\"");
    }
}
