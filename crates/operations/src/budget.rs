//! The one place that turns "48 MiB" into numbers of slots, pages and queue lengths.

/// A memory budget for everything the process allocates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    bytes: usize,
}

impl Budget {
    /// The default: 48 MiB.
    pub const DEFAULT_BYTES: usize = 48 << 20;

    /// A budget of so many bytes.
    pub const fn new(bytes: usize) -> Self {
        Self { bytes }
    }

    /// The whole budget in bytes.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }
}
