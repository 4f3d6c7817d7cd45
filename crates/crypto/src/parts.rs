//! A message in parts, as hashes take it: whole blocks where they lie in one part, copies of those that do not.

/// What is left of a message.
pub(crate) struct Rest<Parts> {
    parts: Parts,
    /// The part and the byte in it that come next.
    part: usize,
    offset: usize,
    bytes: usize,
}

impl<'data, Parts: AsRef<[&'data [u8]]>> Rest<Parts> {
    pub(crate) fn new(parts: Parts) -> Self {
        let bytes = parts.as_ref().iter().map(|part| part.len()).sum();
        Self { parts, part: 0, offset: 0, bytes }
    }

    /// Bytes left.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The whole blocks that come next and lie in one part.
    pub(crate) fn blocks<const BLOCK: usize>(&self) -> &'data [[u8; BLOCK]] {
        self.of_part().as_chunks().0
    }

    /// Goes on behind so many bytes, which lie in one part.
    pub(crate) fn skip(&mut self, bytes: usize) {
        self.offset += bytes;
        self.bytes -= bytes;
    }

    /// Copies as many bytes as there are, and there is room for; gives their number.
    pub(crate) fn fill(&mut self, room: &mut [u8]) -> usize {
        let mut filled = 0;
        while filled < room.len().min(filled + self.bytes) {
            let rest = self.of_part();
            let taken = rest.len().min(room.len() - filled);
            room[filled..filled + taken].copy_from_slice(&rest[..taken]);
            filled += taken;
            self.skip(taken);
            if taken == rest.len() {
                (self.part, self.offset) = (self.part + 1, 0);
            }
        }
        filled
    }

    /// What is left of the part.
    fn of_part(&self) -> &'data [u8] {
        self.parts.as_ref().get(self.part).map_or(&[], |part| &part[self.offset..])
    }
}
