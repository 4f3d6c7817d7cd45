//! The roster's file: ids in ascending order, each with its stored size.
//!
//! ```text
//! "NPROSTE1" | repository id 32 | digest of the manifest, entries, unknown sizes, sum of known sizes u64
//!            | XXH64 of the entries | XXH64 of all before
//! entry: id 32 | stored size u32, 0: not known
//! ```
//! Integers are little endian. A table is written front to back and never changed; one that is damaged in any place is none.
//!
//! RAM: 32 bytes a page, of which there are at most [`PAGES_MOST`], and one page.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;

use nanoprobe_format::Id;
use xxhash_rust::xxh64::{Xxh64, xxh64};

const MAGIC: &[u8; 8] = b"NPROSTE1";
const FIGURES: usize = 8 + 32;
const HEADER_BYTES: usize = FIGURES + 6 * 8;
pub(super) const ENTRY_BYTES: usize = 32 + 4;
/// 512 KiB of first ids.
const PAGES_MOST: usize = 16_384;
/// A page of a small table: 4.5 KiB.
const PAGE_ENTRIES: u64 = 128;
/// Read at a time, in entries: 64 KiB.
const PIECE_ENTRIES: usize = 1820;

/// What a table is of, and what is in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) repository: [u8; 32],
    /// Of the manifest that stood in the repository then.
    pub(super) manifest: u64,
    pub(super) entries: u64,
    /// Entries without a size.
    pub(super) unknown: u64,
    /// Sum of the sizes that are known.
    pub(super) bytes: u64,
}

/// A whole table.
#[derive(Debug)]
pub(super) struct Table {
    file: File,
    pub(super) header: Header,
    pages: Pages,
}

/// The first id of each page.
#[derive(Debug, Default)]
struct Pages {
    first: Vec<Id>,
    entries: u64,
    counted: u64,
}

impl Table {
    /// Reads all of it once; `None` when it is not what was written.
    pub(super) fn open(file: File) -> io::Result<Option<Self>> {
        let mut bytes = [0; HEADER_BYTES];
        let length = file.metadata()?.len();
        if length < HEADER_BYTES as u64 {
            return Ok(None);
        }
        file.read_exact_at(&mut bytes, 0)?;
        let Some((header, digest)) = Header::unpack(&bytes) else { return Ok(None) };
        if header.entries.checked_mul(ENTRY_BYTES as u64) != Some(length - HEADER_BYTES as u64) {
            return Ok(None);
        }
        let table = Self { file, header, pages: Pages::default() };
        let (mut hash, mut pages, mut last) = (Xxh64::new(0), Pages::default(), None);
        let mut entries = table.entries();
        while let Some((id, size)) = entries.next()? {
            if last.is_some_and(|last| last >= id.0) {
                return Ok(None);
            }
            last = Some(id.0);
            hash.update(&packed(&id, size));
            pages.count(&id);
        }
        Ok((hash.digest() == digest).then_some(Self { pages, ..table }))
    }

    /// Stored size of an object, `None` when it is not in the table.
    pub(super) fn find(&self, id: &Id) -> io::Result<Option<u32>> {
        let Some(page) = self.pages.first.partition_point(|first| first.0 <= id.0).checked_sub(1) else {
            return Ok(None);
        };
        let first = page as u64 * self.pages.entries;
        let count = self.pages.entries.min(self.header.entries - first) as usize;
        let mut bytes = vec![0; count * ENTRY_BYTES];
        self.file.read_exact_at(&mut bytes, HEADER_BYTES as u64 + first * ENTRY_BYTES as u64)?;
        let (entries, _) = bytes.as_chunks::<ENTRY_BYTES>();
        let found = entries.binary_search_by(|entry| entry[..32].cmp(&id.0)).ok();
        Ok(found.map(|place| unpack(&entries[place]).1))
    }

    /// All entries, in order.
    pub(super) fn entries(&self) -> Entries<'_> {
        Entries {
            file: &self.file,
            left: self.header.entries,
            offset: HEADER_BYTES as u64,
            piece: Vec::new(),
            place: 0,
        }
    }
}

/// Reads a table front to back.
pub(super) struct Entries<'a> {
    file: &'a File,
    left: u64,
    offset: u64,
    piece: Vec<u8>,
    place: usize,
}

impl Entries<'_> {
    pub(super) fn next(&mut self) -> io::Result<Option<(Id, u32)>> {
        if self.place == self.piece.len() {
            let count = self.left.min(PIECE_ENTRIES as u64);
            if count == 0 {
                return Ok(None);
            }
            self.piece.resize(count as usize * ENTRY_BYTES, 0);
            self.file.read_exact_at(&mut self.piece, self.offset)?;
            self.offset += self.piece.len() as u64;
            self.left -= count;
            self.place = 0;
        }
        let entry = self.piece[self.place..].first_chunk::<ENTRY_BYTES>().ok_or(io::ErrorKind::UnexpectedEof)?;
        self.place += ENTRY_BYTES;
        Ok(Some(unpack(entry)))
    }
}

/// Writes a table front to back.
pub(super) struct TableWriter {
    file: BufWriter<File>,
    header: Header,
    hash: Xxh64,
    pages: Pages,
}

impl TableWriter {
    /// Starts in an empty file.
    pub(super) fn new(file: File) -> io::Result<Self> {
        let mut file = BufWriter::with_capacity(64 << 10, file);
        file.write_all(&[0; HEADER_BYTES])?;
        Ok(Self { file, header: Header::default(), hash: Xxh64::new(0), pages: Pages::default() })
    }

    /// The next entry; ids must rise.
    pub(super) fn push(&mut self, id: &Id, size: u32) -> io::Result<()> {
        let entry = packed(id, size);
        self.hash.update(&entry);
        self.pages.count(id);
        self.header.entries += 1;
        self.header.unknown += u64::from(size == 0);
        self.header.bytes += u64::from(size);
        self.file.write_all(&entry)
    }

    /// Writes the header; nothing is durable yet.
    pub(super) fn finish(self, repository: [u8; 32], manifest: u64) -> io::Result<Table> {
        let header = Header { repository, manifest, ..self.header };
        let mut file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&header.packed(self.hash.digest()))?;
        Ok(Table { file, header, pages: self.pages })
    }
}

impl Table {
    pub(super) fn make_durable(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

impl Pages {
    fn count(&mut self, id: &Id) {
        if self.first.len() >= PAGES_MOST && self.counted.is_multiple_of(self.entries) {
            let mut place = 0;
            self.first.retain(|_| {
                place += 1;
                place % 2 == 1
            });
            self.entries *= 2;
        }
        self.entries = self.entries.max(PAGE_ENTRIES);
        if self.counted.is_multiple_of(self.entries) {
            self.first.push(*id);
        }
        self.counted += 1;
    }
}

impl Header {
    fn packed(&self, entries_digest: u64) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..FIGURES].copy_from_slice(&self.repository);
        let figures = [self.manifest, self.entries, self.unknown, self.bytes, entries_digest];
        for (place, figure) in bytes[FIGURES..].as_chunks_mut().0.iter_mut().zip(figures) {
            *place = figure.to_le_bytes();
        }
        let digest = xxh64(&bytes[..HEADER_BYTES - 8], 0);
        bytes[HEADER_BYTES - 8..].copy_from_slice(&digest.to_le_bytes());
        bytes
    }

    fn unpack(bytes: &[u8; HEADER_BYTES]) -> Option<(Self, u64)> {
        let mut repository = [0; 32];
        repository.copy_from_slice(&bytes[8..FIGURES]);
        let mut figures = [0; 6];
        for (figure, place) in figures.iter_mut().zip(bytes[FIGURES..].as_chunks().0) {
            *figure = u64::from_le_bytes(*place);
        }
        let [manifest, entries, unknown, sum, entries_digest, digest] = figures;
        let valid = bytes.starts_with(MAGIC) && digest == xxh64(&bytes[..HEADER_BYTES - 8], 0);
        valid.then_some((Self { repository, manifest, entries, unknown, bytes: sum }, entries_digest))
    }
}

fn packed(id: &Id, size: u32) -> [u8; ENTRY_BYTES] {
    let mut entry = [0; ENTRY_BYTES];
    entry[..32].copy_from_slice(&id.0);
    entry[32..].copy_from_slice(&size.to_le_bytes());
    entry
}

fn unpack(entry: &[u8; ENTRY_BYTES]) -> (Id, u32) {
    let (mut id, mut size) = ([0; 32], [0; 4]);
    id.copy_from_slice(&entry[..32]);
    size.copy_from_slice(&entry[32..]);
    (Id(id), u32::from_le_bytes(size))
}
