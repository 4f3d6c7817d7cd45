//! Comparing files whose chunks do not tell: both are read, side by side.
//!
//! Where both are between chunks and the next ones have the same id, neither is read. RAM: a chunk of each, stored and plain.

use nanoprobe_format::{ChunkRef, item::Chunks};
use nanoprobe_key::Opener;
use nanoprobe_repository::Repository;

use crate::{Error, Session};

/// Reads two files at a time.
pub(super) struct Contents<'a> {
    repository: &'a dyn Repository,
    opener: Opener,
    object: Vec<u8>,
    data: [Vec<u8>; 2],
}

impl<'a> Contents<'a> {
    pub(super) fn new(session: &'a Session) -> Self {
        let (object, data) = Default::default();
        Self { repository: &*session.repository, opener: session.key.opener(), object, data }
    }

    /// Whether both hold the same bytes.
    pub(super) fn are_same(&mut self, old: Chunks<'_>, new: Chunks<'_>) -> Result<bool, Error> {
        let mut chunks = [old, new].map(|chunks| chunks.iter().peekable());
        let mut starts = [0, 0];
        self.data.iter_mut().for_each(Vec::clear);
        loop {
            let [old, new] = &mut chunks;
            let at_chunks = starts[0] == self.data[0].len() && starts[1] == self.data[1].len();
            if at_chunks
                && let (Some(first), Some(second)) = (old.peek(), new.peek())
                && (first.id, first.size) == (second.id, second.size)
            {
                old.next();
                new.next();
                continue;
            }
            for (side, chunks) in [old, new].into_iter().enumerate() {
                while starts[side] == self.data[side].len() {
                    let Some(chunk) = chunks.next() else { break };
                    self.read(side, &chunk)?;
                    starts[side] = 0;
                }
            }
            let [old, new] = [&self.data[0][starts[0]..], &self.data[1][starts[1]..]];
            let length = old.len().min(new.len());
            if old[..length] != new[..length] {
                return Ok(false);
            }
            if length == 0 {
                return Ok(old.len() == new.len());
            }
            starts = starts.map(|start| start + length);
        }
    }

    fn read(&mut self, side: usize, chunk: &ChunkRef) -> Result<(), Error> {
        self.repository.get(&chunk.id, &mut self.object)?;
        Ok(self.opener.open_in_place(Some(&chunk.id), &mut self.object, &mut self.data[side])?)
    }
}
