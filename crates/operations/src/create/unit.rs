//! A unit of work: what goes from the reader to a worker and, in order, into the archive.
//!
//! Many small files, or a chunk or two of a large one. A unit owns a piece of the slots with the files' bytes, a text
//! with paths and attributes, and records that say in walk order what happened. Its vectors keep their capacity: units
//! go round, and nothing is allocated a file or a chunk.

use std::{ops::Range, sync::Arc};

use bytes::BytesMut;
use nanoprobe_format::{ChunkRef, Id};

use crate::{Event, Monitor};

/// Records at which a unit is handed on.
pub(super) const MOST_RECORDS: usize = 1024;

/// Text bytes at which a unit is handed on.
pub(super) const MOST_TEXT: usize = 128 << 10;

/// Chunks of unchanged files at which a unit is handed on.
pub(super) const MOST_REFS: usize = 4096;

/// What the reader found, in walk order.
#[derive(Default)]
pub(super) struct Unit {
    /// Units are committed in this order.
    pub sequence: u64,
    /// File content.
    pub data: BytesMut,
    /// Paths, link targets, extended attributes, messages.
    pub text: Vec<u8>,
    /// Chunks of unchanged files.
    pub refs: Vec<ChunkRef>,
    /// Items that begin.
    pub entries: Vec<Entry>,
    /// What happened.
    pub records: Vec<Record>,
}

impl Unit {
    /// Ready to be filled again.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.text.shrink_to(2 * MOST_TEXT);
        self.refs.clear();
        self.refs.shrink_to(2 * MOST_REFS);
        self.entries.clear();
        self.records.clear();
    }

    /// Appends to the text.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Span {
        let start = self.text.len() as u32;
        self.text.extend_from_slice(bytes);
        Span { start, end: self.text.len() as u32 }
    }

    /// Something to know that is no trouble with a file.
    pub(super) fn remark(&mut self, message: &str) {
        let message = self.push(message.as_bytes());
        self.records.push(Record::Told(Told::Remark(message)));
    }

    /// Bytes of a span.
    pub(super) fn text(&self, span: Span) -> &[u8] {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// Whether nothing happened yet.
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Whether it should be handed on, its content aside.
    pub(super) fn is_full(&self) -> bool {
        self.records.len() >= MOST_RECORDS || self.text.len() >= MOST_TEXT || self.refs.len() >= MOST_REFS
    }
}

/// A piece of a unit's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    pub(super) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// From the same start to another end.
    pub(super) fn until(self, end: usize) -> Self {
        Self { start: self.start, end: end as u32 }
    }

    /// Relative to a span that holds it.
    pub(super) fn within(self, whole: Self) -> Self {
        Self { start: self.start - whole.start, end: self.end - whole.start }
    }

    /// Leaves `bytes` away at the front.
    pub(super) fn skip(self, bytes: usize) -> Self {
        Self { start: (self.start + bytes as u32).min(self.end), end: self.end }
    }
}

/// Something that happened.
pub(super) enum Record {
    /// A recursion root begins: its absolute path, for the files cache.
    Root(Span),
    /// An item begins, one of `entries`; it is complete at the next `End`.
    Begin(u32),
    /// A chunk of its content.
    Chunk(Chunk),
    /// Chunks of its content that are stored already: so many of `refs`.
    Known(u32),
    /// The item is complete; a regular file may be remembered by the files cache.
    End(Option<Remember>),
    /// The item is not to be stored after all.
    Abandon,
    /// Something for the monitor, in its turn.
    Told(Told),
    /// An entry of the files cache to be kept as it is.
    Keep(Kept),
}

/// Something for the monitor.
#[derive(Clone, Copy)]
pub(super) enum Told {
    /// A status line.
    Report { status: char, path: Span },
    /// A warning.
    Warning { message: Span, exit_code: u8 },
    /// Something to know that does not change the exit code.
    Remark(Span),
}

impl Told {
    /// Tells it; `unit` has its text.
    pub(super) fn tell(self, unit: &Unit, monitor: &dyn Monitor) {
        let message = |span| String::from_utf8_lossy(unit.text(span));
        match self {
            Self::Report { status, path } => monitor.event(Event::File { status, path: unit.text(path) }),
            Self::Warning { message: span, exit_code } => {
                monitor.event(Event::Warning { message: &message(span), exit_code });
            }
            Self::Remark(span) => monitor.event(Event::Remark(&message(span))),
        }
    }
}

/// An item without its content.
#[derive(Default)]
pub(super) struct Entry {
    /// Where its text starts.
    pub text: Span,
    /// As stored.
    pub path: Span,
    /// As the file system knows it.
    pub shown: Span,
    /// Below the recursion root.
    pub below: Span,
    /// Told at once; nothing where the line comes later.
    pub status: Option<char>,
    pub mode: u32,
    pub uid: i64,
    pub gid: i64,
    pub user: Option<Arc<[u8]>>,
    pub group: Option<Arc<[u8]>>,
    pub mtime: i64,
    pub atime: Option<i64>,
    pub ctime: Option<i64>,
    pub source: Option<Span>,
    pub rdev: Option<u64>,
    pub hardlink_master: Option<bool>,
    pub bsdflags: u64,
    pub xattrs: Option<Span>,
    pub acl_access: Option<Span>,
    pub acl_default: Option<Span>,
    /// Whether it has a list of chunks.
    pub content: bool,
}

/// Part of a file's content.
pub(super) struct Chunk {
    /// Where in the unit's data; for a hole only the length counts.
    pub range: Range<usize>,
    /// Not in the data: zeros.
    pub hole: bool,
    /// Its name, once identified.
    pub id: Id,
    /// The reader had to name it already.
    pub named: bool,
    /// Stored size, once known.
    pub csize: u32,
    /// Where the sealed object is in the worker's output; empty where the repository has it already.
    pub object: Range<usize>,
}

impl Chunk {
    pub(super) fn new(range: Range<usize>) -> Self {
        Self { range, hole: false, id: Id([0; 32]), named: false, csize: 0, object: 0..0 }
    }

    pub(super) fn hole(size: usize) -> Self {
        Self { hole: true, ..Self::new(0..size) }
    }
}

/// What makes a file known again.
#[derive(Clone, Copy)]
pub(super) struct Remember {
    pub size: u64,
    pub inode: u64,
    pub mtime: i64,
    pub ctime: i64,
    /// Whether flags, extended attributes and ACLs were read.
    pub extended: bool,
    /// Read in this run, not merely known.
    pub fresh: bool,
    /// Which chunker and parameters cut it.
    pub cut_by: u32,
}

/// An entry of the files cache that the walk passed over.
pub(super) struct Kept {
    pub path: Span,
    pub age: u8,
    pub remember: Remember,
    pub bsdflags: u64,
    pub xattrs: Span,
    pub acl_access: Span,
    pub acl_default: Span,
    /// Number of chunks, and their ids and sizes as the cache has them.
    pub chunks: (usize, Span),
}
