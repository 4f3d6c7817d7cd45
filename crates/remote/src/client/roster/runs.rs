//! Sorting ids in bounded memory: runs on disk, merged.
//!
//! RAM: 2 MiB of ids, then 4 KiB a run.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;

use nanoprobe_format::Id;

const RUN_IDS: usize = 65_536;
/// 67 million ids.
const RUNS_MOST: usize = 1024;
const PIECE_IDS: u64 = 128;
const ID_BYTES: u64 = 32;

/// Ids in any order, on their way to the right one.
pub(super) struct Runs {
    file: File,
    ids: Vec<Id>,
    /// Ids in each run.
    runs: Vec<u64>,
}

impl Runs {
    /// Runs go to `file`, which must be empty.
    pub(super) fn new(file: File) -> Self {
        Self { file, ids: Vec::new(), runs: Vec::new() }
    }

    pub(super) fn add(&mut self, ids: &[Id]) -> io::Result<()> {
        for id in ids {
            if self.ids.len() == RUN_IDS {
                self.write()?;
            }
            self.ids.push(*id);
        }
        Ok(())
    }

    /// Hands every different id to `each`, ascending.
    pub(super) fn merge(mut self, each: &mut dyn FnMut(&Id) -> io::Result<()>) -> io::Result<()> {
        self.write()?;
        self.ids = Vec::new();
        let mut start = 0;
        let mut cursors: Vec<Cursor<'_>> = Vec::new();
        for &count in &self.runs {
            cursors.push(Cursor { file: &self.file, place: start, end: start + count, piece: Vec::new() });
            start += count;
        }
        let mut heads = BinaryHeap::new();
        for (number, cursor) in cursors.iter_mut().enumerate() {
            heads.extend(cursor.next()?.map(|id| Reverse((id, number))));
        }
        let mut last = None;
        while let Some(Reverse((id, number))) = heads.pop() {
            heads.extend(cursors[number].next()?.map(|id| Reverse((id, number))));
            if last != Some(id) {
                each(&Id(id))?;
            }
            last = Some(id);
        }
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        if self.ids.is_empty() {
            return Ok(());
        }
        if self.runs.len() == RUNS_MOST {
            return Err(io::Error::other("more objects than can be listed"));
        }
        self.ids.sort_unstable_by_key(|id| id.0);
        let mut out = io::BufWriter::with_capacity(64 << 10, &self.file);
        self.ids.iter().try_for_each(|id| out.write_all(&id.0))?;
        out.flush()?;
        drop(out);
        self.runs.push(self.ids.len() as u64);
        self.ids.clear();
        Ok(())
    }
}

/// Reads one run; places are counted in ids.
struct Cursor<'a> {
    file: &'a File,
    place: u64,
    end: u64,
    /// Ids that were read, the next one last.
    piece: Vec<[u8; 32]>,
}

impl Cursor<'_> {
    fn next(&mut self) -> io::Result<Option<[u8; 32]>> {
        if self.piece.is_empty() && self.place < self.end {
            let count = PIECE_IDS.min(self.end - self.place);
            self.piece.resize(count as usize, [0; 32]);
            self.file.read_exact_at(self.piece.as_flattened_mut(), self.place * ID_BYTES)?;
            self.piece.reverse();
            self.place += count;
        }
        Ok(self.piece.pop())
    }
}
