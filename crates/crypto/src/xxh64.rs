//! XXH64: the checksum of Borg's integrity files.

/// Streaming XXH64 with seed 0.
#[derive(Clone)]
pub struct Xxh64 {
    state: xxhash_rust::xxh64::Xxh64,
}

impl Xxh64 {
    /// An empty hash.
    pub fn new() -> Self {
        Self { state: xxhash_rust::xxh64::Xxh64::new(0) }
    }

    /// Absorbs bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.state.update(bytes);
    }

    /// The hash of what was absorbed so far.
    pub fn digest(&self) -> u64 {
        self.state.digest()
    }
}

impl Default for Xxh64 {
    fn default() -> Self {
        Self::new()
    }
}
