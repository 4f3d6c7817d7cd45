//! Lines of a stream that comes in pieces, each kept up to a length: what is longer is cut.

/// The line that has begun.
#[derive(Debug)]
pub(crate) struct Lines {
    line: Vec<u8>,
    most_bytes: usize,
}

impl Lines {
    pub(crate) fn new(most_bytes: usize) -> Self {
        Self { line: Vec::new(), most_bytes }
    }

    /// Takes a piece, and tells each line that ends in it.
    pub(crate) fn take(&mut self, bytes: &[u8], mut tell: impl FnMut(&[u8])) {
        for part in bytes.split_inclusive(|&byte| byte == b'\n') {
            let room = self.most_bytes.saturating_sub(self.line.len());
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            if part.ends_with(b"\n") {
                tell(&self.line);
                self.line.clear();
            }
        }
    }

    /// What came behind the last line's end.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.line
    }
}
