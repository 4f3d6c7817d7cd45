//! Sorting records of any length: sorted runs in unlinked temporary files, merged in one pass.
//!
//! Where [`crate::sorted_pass`] sorts small arrays, here a record is a key and a payload, and a long payload waits in a log file
//! until its turn. Equal keys stay in no particular order. Keys of several parts are put together with [`push_text`].
//!
//! ```text
//! run: key length u32 | payload length u32, highest bit set where it stands in the log | key | payload, or its offset u64
//! ```
//!
//! RAM: the buffer given, and for each run that is merged [`READ_BYTES`], a key and a payload of [`INLINE_BYTES`].

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

/// Runs that are merged at a time.
const FAN_IN: usize = 32;
/// Buffer of each run while it is read or written.
const READ_BYTES: usize = 16 << 10;
/// Longer payloads stand in the log.
const INLINE_BYTES: usize = 4 << 10;
const IN_LOG: u32 = 1 << 31;
/// What a record costs in the buffer beside its bytes.
const ENTRY_BYTES: usize = size_of::<Entry>();

/// Appends text to a key so that keys sort as the texts do, whatever follows.
pub(crate) fn push_text(key: &mut Vec<u8>, text: &[u8]) {
    for &byte in text {
        key.push(byte);
        if byte == 0 {
            key.push(0xff);
        }
    }
    key.extend([0, 0]);
}

/// Takes records in any order.
pub(crate) struct SortedRecords {
    directory: PathBuf,
    most_bytes: usize,
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    log: Option<File>,
    log_bytes: u64,
    /// Runs by how often their records were merged; no level holds more than [`FAN_IN`].
    levels: Vec<Vec<File>>,
}

/// A record in the buffer: its key, then its payload or where that is.
#[derive(Clone, Copy)]
struct Entry {
    start: u32,
    key_bytes: u32,
    payload: u32,
}

impl SortedRecords {
    /// Runs lie in `directory`; the buffer takes up to `most_bytes`, and one record more.
    pub(crate) fn new(directory: &Path, most_bytes: usize) -> Self {
        let (bytes, entries, levels) = Default::default();
        Self { directory: directory.to_owned(), most_bytes, bytes, entries, log: None, log_bytes: 0, levels }
    }

    /// Takes a record.
    pub(crate) fn push(&mut self, key: &[u8], payload: &[&[u8]]) -> io::Result<()> {
        let length: usize = payload.iter().map(|part| part.len()).sum();
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(key);
        let payload = if length <= INLINE_BYTES {
            payload.iter().for_each(|part| self.bytes.extend_from_slice(part));
            length as u32
        } else {
            self.bytes.extend(self.log_bytes.to_le_bytes());
            self.append_to_log(payload)?;
            length as u32 | IN_LOG
        };
        self.entries.push(Entry { start, key_bytes: key.len() as u32, payload });
        if self.bytes.len() + self.entries.len() * ENTRY_BYTES >= self.most_bytes {
            self.spill()?;
        }
        Ok(())
    }

    /// Gives the records in the order of their keys.
    pub(crate) fn finish(mut self) -> io::Result<Records> {
        let log = self.log.take();
        if self.levels.is_empty() {
            self.sort();
            return Ok(Records {
                source: Source::Memory { bytes: self.bytes, entries: self.entries.into_iter() },
                log,
            });
        }
        self.spill()?;
        self.bytes = Vec::new();
        self.entries = Vec::new();
        let mut runs: Vec<File> = self.levels.iter_mut().flat_map(std::mem::take).collect();
        while runs.len() > FAN_IN {
            let lowest = runs.drain(..FAN_IN).collect();
            runs.push(self.merge(lowest)?);
        }
        Ok(Records { source: Source::Runs(Merge::new(runs)?), log })
    }

    fn append_to_log(&mut self, payload: &[&[u8]]) -> io::Result<()> {
        if self.log.is_none() {
            self.log = Some(tempfile::tempfile_in(&self.directory)?);
        }
        let Some(log) = &self.log else { return Ok(()) };
        for part in payload {
            log.write_all_at(part, self.log_bytes)?;
            self.log_bytes += part.len() as u64;
        }
        Ok(())
    }

    fn sort(&mut self) {
        let bytes = &self.bytes;
        self.entries.sort_unstable_by(|left, right| left.key(bytes).cmp(right.key(bytes)));
    }

    fn spill(&mut self) -> io::Result<()> {
        self.sort();
        let mut run = BufWriter::with_capacity(READ_BYTES, tempfile::tempfile_in(&self.directory)?);
        for entry in &self.entries {
            write_record(&mut run, entry.key(&self.bytes), entry.payload, entry.stored(&self.bytes))?;
        }
        self.bytes.clear();
        self.bytes.shrink_to(self.most_bytes);
        self.entries.clear();
        let run = finish_run(run)?;
        self.add(run, 0)
    }

    fn add(&mut self, run: File, level: usize) -> io::Result<()> {
        if self.levels.len() == level {
            self.levels.push(Vec::new());
        }
        self.levels[level].push(run);
        if self.levels[level].len() < FAN_IN {
            return Ok(());
        }
        let runs = std::mem::take(&mut self.levels[level]);
        let merged = self.merge(runs)?;
        self.add(merged, level + 1)
    }

    fn merge(&self, runs: Vec<File>) -> io::Result<File> {
        let mut merge = Merge::new(runs)?;
        let mut run = BufWriter::with_capacity(READ_BYTES, tempfile::tempfile_in(&self.directory)?);
        while let Some(record) = merge.pop()? {
            write_record(&mut run, &record.key, record.payload, &record.stored)?;
        }
        finish_run(run)
    }
}

impl Entry {
    fn key(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start as usize..][..self.key_bytes as usize]
    }

    fn stored(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start as usize + self.key_bytes as usize..][..stored_bytes(self.payload)]
    }
}

fn stored_bytes(payload: u32) -> usize {
    if payload & IN_LOG == 0 { payload as usize } else { 8 }
}

fn write_record(run: &mut impl Write, key: &[u8], payload: u32, stored: &[u8]) -> io::Result<()> {
    run.write_all(&(key.len() as u32).to_le_bytes())?;
    run.write_all(&payload.to_le_bytes())?;
    run.write_all(key)?;
    run.write_all(stored)
}

fn finish_run(run: BufWriter<File>) -> io::Result<File> {
    let mut run = run.into_inner().map_err(io::IntoInnerError::into_error)?;
    run.rewind()?;
    Ok(run)
}

/// All records, ascending.
pub(crate) struct Records {
    source: Source,
    log: Option<File>,
}

enum Source {
    Memory { bytes: Vec<u8>, entries: std::vec::IntoIter<Entry> },
    Runs(Merge),
}

impl Records {
    /// Replaces `key` and `payload` by those of the next record; false at the end.
    pub(crate) fn next(&mut self, key: &mut Vec<u8>, payload: &mut Vec<u8>) -> io::Result<bool> {
        key.clear();
        payload.clear();
        let length = match &mut self.source {
            Source::Memory { bytes, entries } => {
                let Some(entry) = entries.next() else { return Ok(false) };
                key.extend_from_slice(entry.key(bytes));
                payload.extend_from_slice(entry.stored(bytes));
                entry.payload
            }
            Source::Runs(merge) => {
                let Some(record) = merge.pop()? else { return Ok(false) };
                (*key, *payload) = (record.key, record.stored);
                record.payload
            }
        };
        if let (Some(log), true) = (&self.log, length & IN_LOG != 0) {
            let offset = payload.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte));
            payload.resize((length & !IN_LOG) as usize, 0);
            log.read_exact_at(payload, offset)?;
        }
        Ok(true)
    }
}

/// Runs on their way into one order.
struct Merge {
    runs: Vec<BufReader<File>>,
    heap: BinaryHeap<Reverse<Record>>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Record {
    key: Vec<u8>,
    stored: Vec<u8>,
    payload: u32,
    run: usize,
}

impl Merge {
    fn new(files: Vec<File>) -> io::Result<Self> {
        let runs = files.into_iter().map(|file| BufReader::with_capacity(READ_BYTES, file)).collect();
        let mut merge = Self { runs, heap: BinaryHeap::new() };
        for run in 0..merge.runs.len() {
            merge.refill(run)?;
        }
        Ok(merge)
    }

    fn refill(&mut self, run: usize) -> io::Result<()> {
        let reader = &mut self.runs[run];
        let mut number = [0; 4];
        match reader.read_exact(&mut number) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            result => result?,
        }
        let mut key = vec![0; u32::from_le_bytes(number) as usize];
        reader.read_exact(&mut number)?;
        let payload = u32::from_le_bytes(number);
        let mut stored = vec![0; stored_bytes(payload)];
        reader.read_exact(&mut key)?;
        reader.read_exact(&mut stored)?;
        self.heap.push(Reverse(Record { key, stored, payload, run }));
        Ok(())
    }

    fn pop(&mut self) -> io::Result<Option<Record>> {
        let Some(Reverse(record)) = self.heap.pop() else { return Ok(None) };
        self.refill(record.run)?;
        Ok(Some(record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_in_memory_and_on_disk() {
        let directory = tempfile::tempdir().expect("a directory");
        for most_bytes in [300, 20_000, 8 << 20] {
            let mut records = SortedRecords::new(directory.path(), most_bytes);
            for number in 0..4000u32 {
                let value = number * 7919 % 4000;
                let mut key = Vec::new();
                push_text(&mut key, value.to_string().as_bytes());
                let payload = value.to_string().repeat(if value % 1000 == 0 { 2000 } else { 1 });
                records.push(&key, &[&payload.as_bytes()[..1], &payload.as_bytes()[1..]]).expect("taken");
            }
            let mut sorted = records.finish().expect("sorted");
            let mut expected: Vec<String> = (0..4000).map(|number| number.to_string()).collect();
            expected.sort();
            let (mut key, mut payload) = Default::default();
            for value in expected {
                assert!(sorted.next(&mut key, &mut payload).expect("read"));
                assert_eq!(key, [value.as_bytes(), &[0, 0]].concat());
                assert!(payload.starts_with(value.as_bytes()));
                let is_long = value.parse::<u32>().is_ok_and(|value| value % 1000 == 0);
                assert_eq!(payload.len(), value.len() * if is_long { 2000 } else { 1 });
            }
            assert!(!sorted.next(&mut key, &mut payload).expect("read"));
        }
    }

    #[test]
    fn texts_in_keys_sort_as_texts() {
        let texts: [&[u8]; 6] = [b"", b"\0", b"\0\0", b"a", b"a\0b", b"ab"];
        let keys: Vec<Vec<u8>> = texts
            .iter()
            .map(|text| {
                let mut key = Vec::new();
                push_text(&mut key, text);
                key.push(7);
                key
            })
            .collect();
        assert!(keys.is_sorted());
    }
}
