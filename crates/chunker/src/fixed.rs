//! Blocks of equal size, for disk images and databases. A header is a range of its own: it ends at a block boundary of
//! its own, and one larger than a block is cut into blocks first.

use crate::Stream;

pub(crate) struct Fixed {
    block_bytes: usize,
    header_bytes: usize,
    /// What is left of the header in this stream.
    header_left: usize,
}

impl Fixed {
    pub(crate) fn new(block_bytes: u32, header_bytes: u32) -> Self {
        let header_bytes = header_bytes as usize;
        Self { block_bytes: block_bytes.max(1) as usize, header_bytes, header_left: header_bytes }
    }

    pub(crate) fn start(&mut self) {
        self.header_left = self.header_bytes;
    }

    pub(crate) fn next_cut(&mut self, window: &[u8], stream: Stream) -> Option<usize> {
        let wanted = if self.header_left > 0 { self.header_left.min(self.block_bytes) } else { self.block_bytes };
        let cut = match stream {
            _ if window.len() >= wanted => wanted,
            Stream::Ends if !window.is_empty() => window.len(),
            _ => return None,
        };
        self.header_left = self.header_left.saturating_sub(cut);
        Some(cut)
    }
}
