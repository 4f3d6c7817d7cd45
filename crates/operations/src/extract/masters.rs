//! Hard link masters that were not selected, for the links to them that may be.
//!
//! When only part of an archive is extracted, a link may be wanted whose master, which holds the chunks, is not. Borg keeps all
//! such masters in memory; here they lie in two unlinked temporary files, a log of records and a hash table of offsets into it,
//! so that memory does not depend on their number. Full extraction never comes here.
//!
//! ```text
//! table: slots of hash u64 | offset of the record + 1, u64; linear probing, doubled when half full
//! record: path length u32 | payload length u64 | kind u8 | path | payload
//! payload: kind 0: chunks, 40 bytes each; kind 1: the path that was extracted in the master's place
//! ```

use std::{
    fs::File,
    hash::{BuildHasher, RandomState},
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use nanoprobe_format::{ChunkRef, Id};

use crate::Error;

const SLOT_BYTES: u64 = 16;
const FIRST_SLOTS: u64 = 4096;
const HEADER_BYTES: usize = 13;
const CHUNK_BYTES: u64 = 40;
/// Chunk references that are read at a time.
const BATCH: u64 = 1024;

/// What is known about a master.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Master {
    /// Not extracted; its content can be read with `chunks`.
    Content(Stored),
    /// Its content was extracted under this path.
    At(Vec<u8>),
}

/// Chunk references in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    offset: u64,
    left: u64,
}

/// The masters of one run.
#[derive(Debug)]
pub(crate) struct Masters {
    directory: PathBuf,
    log: File,
    log_bytes: u64,
    table: File,
    slots: u64,
    used: u64,
    hasher: RandomState,
}

impl Masters {
    /// The temporary files are made in `directory`.
    pub(crate) fn create(directory: &Path) -> Result<Self, Error> {
        Self::try_create(directory).map_err(Error::local("temporary file in", directory))
    }

    fn try_create(directory: &Path) -> io::Result<Self> {
        let table = tempfile::tempfile_in(directory)?;
        table.set_len(FIRST_SLOTS * SLOT_BYTES)?;
        let log = tempfile::tempfile_in(directory)?;
        let (directory, hasher) = (directory.to_owned(), RandomState::new());
        Ok(Self { directory, log, log_bytes: 0, table, slots: FIRST_SLOTS, used: 0, hasher })
    }

    /// Remembers a master that is not extracted.
    pub(crate) fn remember(
        &mut self,
        path: &[u8],
        count: usize,
        chunks: impl Iterator<Item = ChunkRef>,
    ) -> io::Result<()> {
        let offset = self.header(path, count as u64 * CHUNK_BYTES, 0)?;
        let mut packed = Vec::with_capacity(64 * CHUNK_BYTES as usize);
        for chunk in chunks {
            packed.extend(chunk.id.0);
            packed.extend(chunk.size.to_le_bytes());
            packed.extend(chunk.csize.to_le_bytes());
            if packed.len() == packed.capacity() {
                self.append(&packed)?;
                packed.clear();
            }
        }
        self.append(&packed)?;
        self.set(path, offset)
    }

    /// From now on the master's content is to be found at `extracted`.
    pub(crate) fn extracted(&mut self, path: &[u8], extracted: &[u8]) -> io::Result<()> {
        let offset = self.header(path, extracted.len() as u64, 1)?;
        self.append(extracted)?;
        self.set(path, offset)
    }

    /// Looks a master up.
    pub(crate) fn find(&self, path: &[u8]) -> io::Result<Option<Master>> {
        let (_, offset) = self.probe(path)?;
        let Some(offset) = offset else { return Ok(None) };
        let (_, payload, kind) = self.record(offset)?;
        let start = offset + (HEADER_BYTES + path.len()) as u64;
        if kind == 0 {
            return Ok(Some(Master::Content(Stored { offset: start, left: payload / CHUNK_BYTES })));
        }
        let mut extracted = vec![0; payload as usize];
        self.log.read_exact_at(&mut extracted, start)?;
        Ok(Some(Master::At(extracted)))
    }

    /// Replaces `chunks` by the next few of `stored`; none at the end.
    pub(crate) fn chunks(&self, stored: &mut Stored, chunks: &mut Vec<ChunkRef>) -> io::Result<()> {
        let count = stored.left.min(BATCH);
        let mut packed = vec![0; (count * CHUNK_BYTES) as usize];
        self.log.read_exact_at(&mut packed, stored.offset)?;
        chunks.clear();
        chunks.extend(packed.chunks_exact(CHUNK_BYTES as usize).map(|entry| {
            let (mut id, mut size, mut csize) = ([0; 32], [0; 4], [0; 4]);
            id.copy_from_slice(&entry[..32]);
            size.copy_from_slice(&entry[32..36]);
            csize.copy_from_slice(&entry[36..]);
            ChunkRef { id: Id(id), size: u32::from_le_bytes(size), csize: u32::from_le_bytes(csize) }
        }));
        stored.offset += count * CHUNK_BYTES;
        stored.left -= count;
        Ok(())
    }

    /// The plain bytes of all of `stored`.
    pub(crate) fn size_bytes(&self, mut stored: Stored) -> io::Result<u64> {
        let (mut bytes, mut chunks) = (0, Vec::new());
        loop {
            self.chunks(&mut stored, &mut chunks)?;
            if chunks.is_empty() {
                return Ok(bytes);
            }
            bytes += chunks.iter().map(|chunk| u64::from(chunk.size)).sum::<u64>();
        }
    }

    fn header(&mut self, path: &[u8], payload: u64, kind: u8) -> io::Result<u64> {
        let offset = self.log_bytes;
        let mut record = Vec::with_capacity(HEADER_BYTES + path.len());
        record.extend((path.len() as u32).to_le_bytes());
        record.extend(payload.to_le_bytes());
        record.push(kind);
        record.extend(path);
        self.append(&record)?;
        Ok(offset)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.log.write_all_at(bytes, self.log_bytes)?;
        self.log_bytes += bytes.len() as u64;
        Ok(())
    }

    /// Path length, payload length and kind of the record at `offset`.
    fn record(&self, offset: u64) -> io::Result<(usize, u64, u8)> {
        let mut header = [0; HEADER_BYTES];
        self.log.read_exact_at(&mut header, offset)?;
        let (path, rest) = header.split_at(4);
        let path = path.iter().rev().fold(0, |number, &byte| number << 8 | usize::from(byte));
        let payload = rest[..8].iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte));
        Ok((path, payload, rest[8]))
    }

    fn set(&mut self, path: &[u8], offset: u64) -> io::Result<()> {
        if self.used * 2 >= self.slots {
            self.double()?;
        }
        let (slot, found) = self.probe(path)?;
        self.used += u64::from(found.is_none());
        self.write_slot(slot, self.hasher.hash_one(path), offset + 1)
    }

    /// The slot that holds the path, or would; and the offset of its record.
    fn probe(&self, path: &[u8]) -> io::Result<(u64, Option<u64>)> {
        let hash = self.hasher.hash_one(path);
        let mut slot = hash % self.slots;
        loop {
            let (stored, offset) = self.read_slot(slot)?;
            let Some(offset) = offset.checked_sub(1) else { return Ok((slot, None)) };
            if stored == hash && self.is_at(offset, path)? {
                return Ok((slot, Some(offset)));
            }
            slot = (slot + 1) % self.slots;
        }
    }

    fn is_at(&self, offset: u64, path: &[u8]) -> io::Result<bool> {
        let (length, ..) = self.record(offset)?;
        if length != path.len() {
            return Ok(false);
        }
        let mut stored = vec![0; length];
        self.log.read_exact_at(&mut stored, offset + HEADER_BYTES as u64)?;
        Ok(stored == path)
    }

    fn double(&mut self) -> io::Result<()> {
        let mut old = std::mem::replace(&mut self.table, tempfile::tempfile_in(&self.directory)?);
        old.seek(SeekFrom::Start(0))?;
        self.slots *= 2;
        self.table.set_len(self.slots * SLOT_BYTES)?;
        let mut old = io::BufReader::new(old);
        let mut entry = [0; SLOT_BYTES as usize];
        for _ in 0..self.slots / 2 {
            old.read_exact(&mut entry)?;
            let (hash, offset) = split(&entry);
            if offset == 0 {
                continue;
            }
            let mut slot = hash % self.slots;
            while self.read_slot(slot)?.1 != 0 {
                slot = (slot + 1) % self.slots;
            }
            self.write_slot(slot, hash, offset)?;
        }
        Ok(())
    }

    fn read_slot(&self, slot: u64) -> io::Result<(u64, u64)> {
        let mut entry = [0; SLOT_BYTES as usize];
        self.table.read_exact_at(&mut entry, slot * SLOT_BYTES)?;
        Ok(split(&entry))
    }

    fn write_slot(&self, slot: u64, hash: u64, offset: u64) -> io::Result<()> {
        let mut entry = [0; SLOT_BYTES as usize];
        entry[..8].copy_from_slice(&hash.to_le_bytes());
        entry[8..].copy_from_slice(&offset.to_le_bytes());
        self.table.write_all_at(&entry, slot * SLOT_BYTES)
    }
}

fn split(entry: &[u8; SLOT_BYTES as usize]) -> (u64, u64) {
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte));
    (number(&entry[..8]), number(&entry[8..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_more_than_the_first_table_holds() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut masters = Masters::create(directory.path()).expect("created");
        let chunk = |number: u32| ChunkRef { id: Id([number as u8; 32]), size: number, csize: number + 1 };
        for number in 0..5000 {
            let path = format!("dir/{number}");
            let chunks = vec![chunk(number); number as usize % 3];
            masters.remember(path.as_bytes(), chunks.len(), chunks.into_iter()).expect("kept");
        }
        masters.extracted(b"dir/7", b"elsewhere").expect("kept");
        assert_eq!(masters.find(b"dir/7").expect("read"), Some(Master::At(b"elsewhere".to_vec())));
        assert_eq!(masters.find(b"dir/5000").expect("read"), None);
        let mut chunks = Vec::new();
        for number in [0, 1, 4999] {
            let path = format!("dir/{number}");
            let Some(Master::Content(mut stored)) = masters.find(path.as_bytes()).expect("read") else {
                panic!("{path} is not there");
            };
            masters.chunks(&mut stored, &mut chunks).expect("read");
            assert_eq!(chunks, vec![chunk(number); number as usize % 3]);
        }
    }
}
