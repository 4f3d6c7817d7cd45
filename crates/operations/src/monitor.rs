//! The event sink. Libraries never print; whoever runs an operation decides what a person or a program sees.

use std::sync::atomic::{AtomicBool, Ordering};

/// Receives what happens, from any thread, in the order in which it happened.
pub trait Monitor: Sync {
    /// Takes one event; must return quickly.
    fn event(&self, event: Event<'_>);
}

/// What can happen.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A file was handled: Borg's one-letter status and its path.
    File {
        /// `A`, `M`, `U`, `C`, `E`, `d`, `b`, `c`, `h`, `s`, `f`, `i`, `x`, `-`, `+`, `?`.
        status: char,
        /// The path as stored.
        path: &'a [u8],
    },
    /// Trouble with one file: the run goes on and ends with exit code 1.
    Warning {
        /// The whole message, Borg's words.
        message: &'a str,
        /// The class of the warning for `BORG_EXIT_CODES=modern` (100 … 127), 1 where Borg has none.
        exit_code: u8,
    },
    /// A defect that the operation found and goes on from (check); shown at every log level but `--critical`.
    Defect(&'a str),
    /// A remark at the level of a warning that does not change the exit code.
    Remark(&'a str),
    /// Information of the level that `--info` shows.
    Information(&'a str),
    /// Where create stands (`archive_progress`).
    ArchiveProgress {
        /// Files so far.
        files: u64,
        /// Plain bytes so far.
        original_bytes: u64,
        /// Compressed bytes so far.
        compressed_bytes: u64,
        /// Bytes new to the repository so far.
        deduplicated_bytes: u64,
        /// The file at hand.
        path: &'a [u8],
    },
    /// Where an operation of known size stands (`progress_percent`).
    Progress {
        /// Borg's message id, such as `extract` or `check.rebuild_manifest`.
        operation: &'static str,
        /// Done so far.
        done: u64,
        /// In all.
        total: u64,
        /// What is being worked on.
        information: &'a [u8],
    },
    /// What the operation named here is doing, where there is no size to tell (`progress_message`).
    ProgressMessage {
        /// Borg's message id, such as `cache.commit`.
        operation: &'static str,
        /// In a person's words.
        message: &'static str,
    },
    /// The operation named here is finished with its progress.
    ProgressFinished {
        /// Borg's message id.
        operation: &'static str,
    },
}

/// Set once by a signal; operations look at it between pieces of work.
#[derive(Debug, Default)]
pub struct Interrupt(AtomicBool);

impl Interrupt {
    /// Not interrupted.
    pub const fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Asks the running operation to stop at the next safe point. Async-signal-safe.
    pub fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked.
    pub fn requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
