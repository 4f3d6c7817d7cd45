//! Merging the delta into a copy of the table, in one sequential pass.
//!
//! Entries of the table stay where they are. A changed one is changed in passing, a removed one becomes a removed
//! bucket, and a new one waits from its home bucket on for the first bucket that is free. Those that still wait at the
//! table's end belong to its beginning, which is written by then; so they are foretold by playing the last part of the
//! table through before. The foretelling is checked at the end, and in the rare case that it was wrong the pass is
//! done again with what really waited.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use nanoprobe_format::index::{BUCKET_BYTES, Bucket, HEADER_BYTES, Header, empty_least, home};

use super::delta::{Change, Delta};
use super::{Table, TableWriter};
use crate::Error;
use crate::fs::FileSystem;
use crate::stream::StreamReader;

/// Buckets at the end that are played through before.
const FORETOLD_BUCKETS: u32 = 6_000;
/// Passes before giving up; the second is rare already.
const PASSES_MOST: u32 = 4;

/// Writes the merged table to `path`; `None` when too few buckets are left empty and a rebuild must sweep.
pub(crate) fn merge(
    fs: &dyn FileSystem,
    table: &Table,
    delta: &Delta,
    entries: u32,
    path: &Path,
    name: &str,
) -> Result<Option<Table>, Error> {
    let buckets = table.header.buckets;
    let records = delta.records();
    let mut new: Vec<u32> = (0..records.len() as u32).collect();
    new.retain(|&number| {
        let record = &records[number as usize];
        !record.in_table && record.change() != Change::Removed
    });
    new.sort_unstable_by_key(|&number| home(&records[number as usize].id, buckets));

    let mut waiting = foretell(table, delta, &new)?;
    for _ in 0..PASSES_MOST {
        let foretold = waiting.clone();
        let mut writer = TableWriter::create(fs, path, name, Header { entries, buckets })?;
        let mut pass = Pass { delta, new: &new, waiting, bucket: 0, buckets, live: 0, empty: 0 };
        let mut reader = table.reader()?;
        while pass.bucket < buckets {
            let bytes = next_bucket(reader.as_mut(), table)?;
            let bucket = pass.step(bytes);
            writer.stream.write(&bucket).map_err(Error::io(path))?;
        }
        reader.map_or(Ok(()), |reader| table.finish_reader(reader))?;
        if pass.waiting == foretold {
            if pass.live != entries {
                return Err(table.damaged()); // the header or the changes were wrong about what the table holds
            }
            return if pass.empty < empty_least(buckets) { Ok(None) } else { writer.finish().map(Some) };
        }
        waiting = pass.waiting;
    }
    Ok(None)
}

/// Which new records will still wait at the table's end.
fn foretell(table: &Table, delta: &Delta, new: &[u32]) -> Result<VecDeque<u32>, Error> {
    let buckets = table.header.buckets;
    let start = buckets - FORETOLD_BUCKETS.min(buckets);
    let first = new.partition_point(|&number| home(&delta.records()[number as usize].id, buckets) < start);
    let mut pass =
        Pass { delta, new: &new[first..], waiting: VecDeque::new(), bucket: start, buckets, live: 0, empty: 0 };
    if pass.new.is_empty() {
        return Ok(pass.waiting);
    }
    let offset = HEADER_BYTES as u64 + u64::from(start) * BUCKET_BYTES as u64;
    let mut reader = table.file.as_ref().map(|file| StreamReader::new(Arc::clone(file), offset, None));
    while pass.bucket < buckets {
        let bytes = next_bucket(reader.as_mut(), table)?;
        pass.step(bytes);
    }
    Ok(pass.waiting)
}

/// One way through the buckets.
struct Pass<'a> {
    delta: &'a Delta,
    /// New records not yet met, by home bucket.
    new: &'a [u32],
    /// New records past their home bucket.
    waiting: VecDeque<u32>,
    bucket: u32,
    buckets: u32,
    live: u32,
    empty: u32,
}

impl Pass<'_> {
    /// What the next bucket becomes.
    fn step(&mut self, bytes: [u8; BUCKET_BYTES]) -> [u8; BUCKET_BYTES] {
        let records = self.delta.records();
        while let Some((&number, rest)) = self.new.split_first() {
            if home(&records[number as usize].id, self.buckets) > self.bucket {
                break;
            }
            self.waiting.push_back(number);
            self.new = rest;
        }
        self.bucket += 1;
        let mut bucket = Bucket::from_bytes(&bytes);
        if let Bucket::Live(id, _) = bucket {
            match self.delta.record(&id).filter(|record| record.in_table).map(|record| record.change()) {
                Some(Change::At(location)) => bucket = Bucket::Live(id, location),
                Some(Change::Removed) => bucket = Bucket::Removed,
                None => {}
            }
        }
        if !matches!(bucket, Bucket::Live(..))
            && let Some(number) = self.waiting.pop_front()
            && let Change::At(location) = records[number as usize].change()
        {
            bucket = Bucket::Live(records[number as usize].id, location);
        }
        match bucket {
            Bucket::Live(..) => self.live += 1,
            Bucket::Empty => self.empty += 1,
            Bucket::Removed => {}
        }
        bucket.to_bytes()
    }
}

pub(super) fn next_bucket(reader: Option<&mut StreamReader>, table: &Table) -> Result<[u8; BUCKET_BYTES], Error> {
    match reader {
        Some(reader) => reader.take().map_err(Error::io(&table.path))?.ok_or_else(|| table.damaged()),
        None => Ok(Bucket::Empty.to_bytes()),
    }
}
