//! Writing the table anew with another bucket count, or without its removed buckets, in bounded memory.
//!
//! A new bucket count scatters the entries. So they are counted by ranges of home buckets, written range by range into
//! a scatter file, and then each range is loaded, sorted by home bucket and emitted in order: an entry goes to its home
//! bucket or, when that is taken, to the next free one. What is left over at the end belongs to the beginning; it is
//! foretold from the last range and checked, as in a merge. A range too large for memory is halved until it fits; one
//! bucket's worth needs no order. All input and output is sequential but for the scattering, in runs of 4 KiB.

use std::path::Path;
use std::sync::Arc;

use nanoprobe_format::index::{BUCKET_BYTES, Bucket, Header, home};

use super::delta::{Change, Delta};
use super::merge::next_bucket;
use super::{Table, TableWriter};
use crate::Error;
use crate::fs::{self, File, FileSystem};
use crate::stream::StreamReader;

/// Entries sorted in memory at a time: 2.5 MiB.
const SORTED_ENTRIES: u64 = 65_536;
/// Ranges the entries are scattered into, each with a buffer.
const RANGES_MOST: u32 = 256;
/// Size of a range's buffer: about 4 KiB, in whole entries.
const RUN_BYTES: usize = 102 * BUCKET_BYTES;

/// Writes a table of `buckets` with all changes to `path`.
pub(crate) fn rebuild(
    fs: &dyn FileSystem,
    table: &Table,
    delta: &Delta,
    entries: u32,
    buckets: u32,
    path: &Path,
    name: &str,
) -> Result<Table, Error> {
    let scatter_path = path.with_file_name("index.scatter.tmp");
    let result = (|| {
        let ranges = (entries / (SORTED_ENTRIES as u32 / 2) + 1).min(RANGES_MOST);
        let mut scattered = Scattered::create(fs, &scatter_path, ranges, buckets)?;
        each_entry(table, delta, |entry| scattered.count(entry))?;
        let total = scattered.place();
        if total != u64::from(entries) {
            return Err(table.damaged());
        }
        each_entry(table, delta, |entry| scattered.add(entry).map_err(Error::io(&scatter_path)))?;
        scattered.flush().map_err(Error::io(&scatter_path))?;
        emit(fs, &scattered, &scatter_path, Header { entries, buckets }, path, name)
    })();
    fs::remove_if_present(fs, &scatter_path).map_err(Error::io(&scatter_path))?;
    result
}

/// Calls `visit` with every live entry of table and delta.
fn each_entry(
    table: &Table,
    delta: &Delta,
    mut visit: impl FnMut(&[u8; BUCKET_BYTES]) -> Result<(), Error>,
) -> Result<(), Error> {
    if let Some(mut reader) = table.reader()? {
        for _ in 0..table.header.buckets {
            let entry = next_bucket(Some(&mut reader), table)?;
            if let Bucket::Live(id, _) = Bucket::from_bytes(&entry) {
                match delta.record(&id).filter(|record| record.in_table).map(|record| record.change()) {
                    None => visit(&entry)?,
                    Some(Change::At(location)) => visit(&Bucket::Live(id, location).to_bytes())?,
                    Some(Change::Removed) => {}
                }
            }
        }
        table.finish_reader(reader)?;
    }
    for record in delta.records().iter().filter(|record| !record.in_table) {
        if let Change::At(location) = record.change() {
            visit(&Bucket::Live(record.id, location).to_bytes())?;
        }
    }
    Ok(())
}

/// The scatter file.
struct Scattered {
    file: Arc<dyn File>,
    buckets: u32,
    /// Home buckets in a range.
    width: u32,
    /// By range: entries before and in it, entries written, entries buffered.
    ranges: Vec<Range>,
}

#[derive(Default)]
struct Range {
    start: u64,
    entries: u64,
    written: u64,
    buffer: Vec<u8>,
}

impl Scattered {
    fn create(fs: &dyn FileSystem, path: &Path, ranges: u32, buckets: u32) -> Result<Self, Error> {
        fs::remove_if_present(fs, path).map_err(Error::io(path))?;
        let file = fs.create(path).map_err(Error::io(path))?;
        let width = buckets.div_ceil(ranges).max(1);
        Ok(Self { file, buckets, width, ranges: (0..ranges).map(|_| Range::default()).collect() })
    }

    fn range(&mut self, entry: &[u8; BUCKET_BYTES]) -> &mut Range {
        let range = home_of(entry, self.buckets) / self.width;
        &mut self.ranges[range as usize]
    }

    fn count(&mut self, entry: &[u8; BUCKET_BYTES]) -> Result<(), Error> {
        self.range(entry).entries += 1;
        Ok(())
    }

    /// Fixes where each range starts; the number of entries.
    fn place(&mut self) -> u64 {
        let mut start = 0;
        for range in &mut self.ranges {
            range.start = start;
            start += range.entries;
        }
        start
    }

    fn add(&mut self, entry: &[u8; BUCKET_BYTES]) -> std::io::Result<()> {
        let file = Arc::clone(&self.file);
        let range = self.range(entry);
        range.buffer.extend_from_slice(entry);
        if range.buffer.len() >= RUN_BYTES { range.flush(&*file) } else { Ok(()) }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let file = Arc::clone(&self.file);
        self.ranges.iter_mut().try_for_each(|range| {
            range.flush(&*file)?;
            range.buffer = Vec::new();
            Ok(())
        })
    }

    /// Calls `visit` with the entries of a range whose home is in `homes`, by home bucket.
    fn each_sorted(
        &self,
        range: &Range,
        homes: std::ops::Range<u32>,
        visit: &mut dyn FnMut(u32, &[u8; BUCKET_BYTES]) -> std::io::Result<()>,
    ) -> std::io::Result<()> {
        let mut within = 0;
        self.each(range, &homes, |_, _| {
            within += 1;
            Ok(())
        })?;
        if within <= SORTED_ENTRIES {
            let mut entries = Vec::with_capacity(within as usize);
            self.each(range, &homes, |_, entry| {
                entries.push(*entry);
                Ok(())
            })?;
            entries.sort_unstable_by_key(|entry| home_of(entry, self.buckets));
            return entries.iter().try_for_each(|entry| visit(home_of(entry, self.buckets), entry));
        }
        if homes.len() == 1 {
            return self.each(range, &homes, visit);
        }
        let middle = homes.start + (homes.end - homes.start) / 2;
        self.each_sorted(range, homes.start..middle, visit)?;
        self.each_sorted(range, middle..homes.end, visit)
    }

    fn each(
        &self,
        range: &Range,
        homes: &std::ops::Range<u32>,
        mut visit: impl FnMut(u32, &[u8; BUCKET_BYTES]) -> std::io::Result<()>,
    ) -> std::io::Result<()> {
        let mut reader = StreamReader::new(Arc::clone(&self.file), range.start * BUCKET_BYTES as u64, None);
        for _ in 0..range.entries {
            let entry = reader.take()?.ok_or(std::io::ErrorKind::UnexpectedEof)?;
            let home = home_of(&entry, self.buckets);
            if homes.contains(&home) {
                visit(home, &entry)?;
            }
        }
        Ok(())
    }

    fn homes(&self, number: usize) -> std::ops::Range<u32> {
        let start = (number as u32).saturating_mul(self.width).min(self.buckets);
        start..start.saturating_add(self.width).min(self.buckets)
    }
}

impl Range {
    fn flush(&mut self, file: &dyn File) -> std::io::Result<()> {
        fs::write_all(file, &self.buffer, (self.start + self.written) * BUCKET_BYTES as u64)?;
        self.written += (self.buffer.len() / BUCKET_BYTES) as u64;
        self.buffer.clear();
        Ok(())
    }
}

fn emit(
    fs: &dyn FileSystem,
    scattered: &Scattered,
    scatter_path: &Path,
    header: Header,
    path: &Path,
    name: &str,
) -> Result<Table, Error> {
    /// Passes before giving up; the second is rare already.
    const PASSES_MOST: u32 = 4;
    let buckets = header.buckets;
    let last = scattered.ranges.len() - 1;
    let mut left_over = Vec::new();
    let mut next = scattered.homes(last).start;
    let foretell =
        &mut |home: u32, entry: &[u8; BUCKET_BYTES]| keep_left_over(&mut left_over, &mut next, home, entry, buckets);
    scattered
        .each_sorted(&scattered.ranges[last], scattered.homes(last), &mut |home, entry| foretell(home, entry).map(drop))
        .map_err(Error::io(scatter_path))?;

    for _ in 0..PASSES_MOST {
        let mut writer = TableWriter::create(fs, path, name, header)?;
        let mut next = 0;
        let mut behind = Vec::new();
        for entry in &left_over {
            writer.stream.write(entry).map_err(Error::io(path))?;
            next += 1;
        }
        for (number, range) in scattered.ranges.iter().enumerate() {
            let visit = &mut |home: u32, entry: &[u8; BUCKET_BYTES]| {
                let before = next;
                if let Some(bucket) = keep_left_over(&mut behind, &mut next, home, entry, buckets)? {
                    (before..bucket).try_for_each(|_| writer.stream.write(&Bucket::Empty.to_bytes()))?;
                    writer.stream.write(entry)?;
                }
                Ok(())
            };
            scattered.each_sorted(range, scattered.homes(number), visit).map_err(Error::io(path))?;
        }
        (next..buckets).try_for_each(|_| writer.stream.write(&Bucket::Empty.to_bytes())).map_err(Error::io(path))?;
        if behind == left_over {
            return writer.finish();
        }
        left_over = behind;
    }
    Err(Error::FileIntegrity(path.display().to_string()))
}

/// Gives an entry the next free bucket at or behind its home; without one it is left over.
fn keep_left_over(
    left_over: &mut Vec<[u8; BUCKET_BYTES]>,
    next: &mut u32,
    home: u32,
    entry: &[u8; BUCKET_BYTES],
    buckets: u32,
) -> std::io::Result<Option<u32>> {
    let bucket = home.max(*next);
    if bucket < buckets {
        *next = bucket + 1;
        return Ok(Some(bucket));
    }
    if left_over.len() as u64 >= SORTED_ENTRIES {
        return Err(std::io::ErrorKind::InvalidData.into()); // only an index made for it crowds so at the end
    }
    left_over.push(*entry);
    Ok(None)
}

fn home_of(entry: &[u8; BUCKET_BYTES], buckets: u32) -> u32 {
    match Bucket::from_bytes(entry) {
        Bucket::Live(id, _) => home(&id, buckets),
        _ => 0,
    }
}
