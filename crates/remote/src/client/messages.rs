//! The other end's standard error, in lines.

use std::io::Read;

/// A line is cut here, in bytes: what servers say is much shorter.
const LINE_BYTES_MOST: usize = 64 << 10;
const PIECE_BYTES: usize = 4 << 10;

/// Hands every line, with the line feed or carriage return that ends it, to `tell`, until the stream ends.
pub(super) fn read_lines(mut stream: impl Read, tell: &dyn Fn(&[u8])) {
    let mut piece = [0; PIECE_BYTES];
    let mut line = Vec::new();
    loop {
        let length = match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        let mut rest = &piece[..length];
        while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            line.extend_from_slice(&rest[..=end]);
            rest = &rest[end + 1..];
            tell(&line);
            line.clear();
        }
        line.extend_from_slice(rest);
        if line.len() > LINE_BYTES_MOST {
            line.push(b'\n');
            tell(&line);
            line.clear();
        }
    }
    if !line.is_empty() {
        line.push(b'\n');
        tell(&line);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn lines_are_whole_and_bounded() {
        let lines = RefCell::new(Vec::new());
        read_lines(&b"one\ntwo\rthree"[..], &|line| lines.borrow_mut().push(line.to_vec()));
        assert_eq!(*lines.borrow(), [&b"one\n"[..], b"two\r", b"three\n"]);
        let longest = RefCell::new(0);
        read_lines(std::io::repeat(b'x').take(1 << 20), &|line| {
            let mut longest = longest.borrow_mut();
            *longest = line.len().max(*longest);
        });
        assert!((LINE_BYTES_MOST..2 * LINE_BYTES_MOST).contains(&longest.into_inner()));
    }
}
