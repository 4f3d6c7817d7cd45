//! Sorting more records than memory holds: sorted runs in unlinked temporary files, merged in one pass.
//!
//! Records are arrays of bytes and sort as such; whoever wants numbers to sort writes them big endian. Equal records, or ones that
//! can be added up, are combined whenever two of them meet, so that what is written shrinks with every merge.
//!
//! RAM: the buffer given, and [`READ_BYTES`] for each run that is merged.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, Write},
    path::{Path, PathBuf},
};

/// Runs that are merged at a time.
const FAN_IN: usize = 32;
/// Buffer of each run while it is read.
const READ_BYTES: usize = 32 << 10;

/// Takes records in any order.
pub(crate) struct SortedPass<const N: usize> {
    directory: PathBuf,
    /// Adds the second record to the first if they belong together.
    combine: fn(&mut [u8; N], &[u8; N]) -> bool,
    buffer: Vec<[u8; N]>,
    most_records: usize,
    /// Runs by how often their records were merged; no level holds more than [`FAN_IN`].
    levels: Vec<Vec<File>>,
}

impl<const N: usize> SortedPass<N> {
    /// Runs lie in `directory`; the buffer takes up to `memory_bytes`.
    pub(crate) fn new(directory: &Path, memory_bytes: usize, combine: fn(&mut [u8; N], &[u8; N]) -> bool) -> Self {
        let most_records = (memory_bytes / N).max(2);
        Self { directory: directory.to_owned(), combine, buffer: Vec::new(), most_records, levels: Vec::new() }
    }

    /// Takes a record.
    pub(crate) fn push(&mut self, record: [u8; N]) -> io::Result<()> {
        if self.buffer.len() == self.most_records {
            self.sort_buffer();
            // Few different records may fit for long.
            if self.buffer.len() > self.most_records / 2 {
                self.spill()?;
            }
        }
        self.buffer.push(record);
        Ok(())
    }

    /// Gives the records in order.
    pub(crate) fn finish(mut self) -> io::Result<Sorted<N>> {
        self.sort_buffer();
        if self.levels.is_empty() {
            let memory = std::mem::take(&mut self.buffer).into_iter();
            return Ok(Sorted { memory, runs: Vec::new(), heap: BinaryHeap::new(), combine: self.combine });
        }
        self.spill()?;
        self.buffer = Vec::new();
        let mut runs: Vec<File> = self.levels.iter_mut().flat_map(std::mem::take).collect();
        while runs.len() > FAN_IN {
            let lowest = runs.drain(..FAN_IN).collect();
            runs.push(self.merge_to_file(lowest)?);
        }
        Sorted::merge(runs, self.combine)
    }

    fn sort_buffer(&mut self) {
        self.buffer.sort_unstable();
        let combine = self.combine;
        self.buffer.dedup_by(|second, first| combine(first, second));
    }

    fn spill(&mut self) -> io::Result<()> {
        let records = std::mem::take(&mut self.buffer);
        let run = write_run(&self.directory, records.iter().map(|record| Ok(*record)))?;
        self.buffer = records;
        self.buffer.clear();
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
        let merged = self.merge_to_file(runs)?;
        self.add(merged, level + 1)
    }

    fn merge_to_file(&self, runs: Vec<File>) -> io::Result<File> {
        write_run(&self.directory, Sorted::merge(runs, self.combine)?)
    }
}

fn write_run<const N: usize>(directory: &Path, records: impl Iterator<Item = io::Result<[u8; N]>>) -> io::Result<File> {
    let mut run = BufWriter::with_capacity(READ_BYTES, tempfile::tempfile_in(directory)?);
    for record in records {
        run.write_all(&record?)?;
    }
    let mut run = run.into_inner().map_err(io::IntoInnerError::into_error)?;
    run.rewind()?;
    Ok(run)
}

/// All records, ascending.
pub(crate) struct Sorted<const N: usize> {
    memory: std::vec::IntoIter<[u8; N]>,
    runs: Vec<BufReader<File>>,
    heap: BinaryHeap<Reverse<([u8; N], usize)>>,
    combine: fn(&mut [u8; N], &[u8; N]) -> bool,
}

impl<const N: usize> Sorted<N> {
    fn merge(files: Vec<File>, combine: fn(&mut [u8; N], &[u8; N]) -> bool) -> io::Result<Self> {
        let runs = files.into_iter().map(|file| BufReader::with_capacity(READ_BYTES, file)).collect();
        let mut sorted = Self { memory: Vec::new().into_iter(), runs, heap: BinaryHeap::new(), combine };
        for run in 0..sorted.runs.len() {
            sorted.refill(run)?;
        }
        Ok(sorted)
    }

    fn refill(&mut self, run: usize) -> io::Result<()> {
        let mut record = [0; N];
        match self.runs[run].read_exact(&mut record) {
            Ok(()) => self.heap.push(Reverse((record, run))),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn pop(&mut self) -> io::Result<Option<[u8; N]>> {
        let Some(Reverse((record, run))) = self.heap.pop() else { return Ok(None) };
        self.refill(run)?;
        Ok(Some(record))
    }
}

impl<const N: usize> Iterator for Sorted<N> {
    type Item = io::Result<[u8; N]>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(record) = self.memory.next() {
            return Some(Ok(record));
        }
        let mut record = match self.pop().transpose()? {
            Ok(record) => record,
            Err(error) => return Some(Err(error)),
        };
        while let Some(Reverse((following, _))) = self.heap.peek() {
            if !(self.combine)(&mut record, following) {
                break;
            }
            if let Err(error) = self.pop() {
                return Some(Err(error));
            }
        }
        Some(Ok(record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two bytes that sort, one that counts.
    fn count(first: &mut [u8; 3], second: &[u8; 3]) -> bool {
        let is_same = first[..2] == second[..2];
        if is_same {
            first[2] = first[2].wrapping_add(second[2]);
        }
        is_same
    }

    #[test]
    fn sorts_and_counts_in_memory_and_on_disk() {
        let directory = tempfile::tempdir().expect("a directory");
        for memory_bytes in [12, 60, 1 << 20] {
            let mut pass = SortedPass::<3>::new(directory.path(), memory_bytes, count);
            for number in 0..30_000u32 {
                // A permutation of 0..10000, three times.
                let value = (number * 7919 % 10_000) as u16;
                let [high, low] = value.to_be_bytes();
                pass.push([high, low, 1]).expect("taken");
            }
            let sorted: Vec<[u8; 3]> = pass.finish().expect("sorted").map(|record| record.expect("read")).collect();
            assert_eq!(sorted.len(), 10_000);
            for (value, record) in sorted.iter().enumerate() {
                let [high, low] = (value as u16).to_be_bytes();
                assert_eq!(*record, [high, low, 3]);
            }
        }
        assert_eq!(directory.path().read_dir().expect("readable").count(), 0);
    }
}
