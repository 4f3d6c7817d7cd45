//! The names in a directory, in the order of their bytes.
//!
//! A directory of ordinary size is one vector. One with more names than the plan allows is sorted in runs, which go to
//! a temporary file without a name and are merged as they are read: a directory of a million entries costs the plan's
//! bytes while it is listed and 16 KiB a run while it is walked.

use std::{
    ffi::CStr,
    fs::File,
    io::{self, Seek, SeekFrom, Write},
    os::{fd::BorrowedFd, unix::fs::FileExt},
    path::Path,
};

use rustix::{fs::RawDir, io::Errno};

/// Read-ahead of each run.
const RUN_BUFFER: usize = 16 << 10;

/// Sorted names, given one after another.
pub(super) struct Names {
    /// Names with their terminating zeros, and where each begins; what is in memory.
    bytes: Vec<u8>,
    starts: Vec<u32>,
    position: usize,
    runs: Vec<Run>,
    file: Option<File>,
}

/// Why a listing failed.
#[derive(Debug)]
pub(super) enum ListError {
    /// The directory could not be read.
    Directory(Errno),
    /// The temporary file failed.
    Spill(io::Error),
}

impl Names {
    /// Given names instead of those of a directory.
    pub(super) fn of(names: &[Vec<u8>]) -> Self {
        let mut list = Self::empty();
        names.iter().for_each(|name| list.push(name));
        list
    }

    /// Lists a directory. More than `most_bytes` of names spill to a temporary file in `spill`.
    pub(super) fn list(
        directory: BorrowedFd<'_>,
        buffer: &mut Vec<u8>,
        most_bytes: usize,
        spill: &Path,
    ) -> Result<Self, ListError> {
        let mut list = Self::empty();
        let mut entries = RawDir::new(directory, buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry.map_err(ListError::Directory)?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            list.push(name);
            if list.bytes.len() + 4 * list.starts.len() > most_bytes {
                list.spill(spill).map_err(ListError::Spill)?;
            }
        }
        list.sort();
        if !list.runs.is_empty() {
            list.spill(spill).map_err(ListError::Spill)?;
            (list.bytes, list.starts) = (Vec::new(), Vec::new());
            for position in 0..list.runs.len() {
                list.fill(position).map_err(ListError::Spill)?;
            }
        }
        list.bytes.shrink_to_fit();
        list.starts.shrink_to_fit();
        Ok(list)
    }

    /// Moves the next name, with its terminating zero, into `name`; false at the end.
    pub(super) fn next(&mut self, name: &mut Vec<u8>) -> io::Result<bool> {
        name.clear();
        if let Some(&start) = self.starts.get(self.position) {
            self.position += 1;
            name.extend_from_slice(until_zero(&self.bytes[start as usize..]));
            return Ok(true);
        }
        let least = (0..self.runs.len())
            .filter(|&run| !self.runs[run].is_finished())
            .min_by(|&left, &right| self.runs[left].name().cmp(self.runs[right].name()));
        let Some(least) = least else { return Ok(false) };
        name.extend_from_slice(self.runs[least].name());
        self.runs[least].start += name.len();
        self.fill(least)?;
        Ok(true)
    }

    fn empty() -> Self {
        Self { bytes: Vec::new(), starts: Vec::new(), position: 0, runs: Vec::new(), file: None }
    }

    fn push(&mut self, name: &[u8]) {
        self.starts.push(self.bytes.len() as u32);
        self.bytes.extend_from_slice(name);
        self.bytes.push(0);
    }

    fn sort(&mut self) {
        let bytes = &self.bytes;
        let name = |start: u32| until_zero(&bytes[start as usize..]);
        self.starts.sort_unstable_by(|&left, &right| name(left).cmp(name(right)));
    }

    /// Sorts what is in memory and appends it to the file as a run.
    fn spill(&mut self, directory: &Path) -> io::Result<()> {
        self.sort();
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(tempfile::tempfile_in(directory)?),
        };
        let offset = file.seek(SeekFrom::End(0))?;
        let mut writer = io::BufWriter::new(&*file);
        for &start in &self.starts {
            writer.write_all(until_zero(&self.bytes[start as usize..]))?;
        }
        writer.flush()?;
        drop(writer);
        let end = offset + self.bytes.len() as u64;
        self.runs.push(Run { offset, end, buffer: Vec::new(), start: 0 });
        self.bytes.clear();
        self.starts.clear();
        Ok(())
    }

    /// Makes sure that a run's next name is whole.
    fn fill(&mut self, run: usize) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let run = &mut self.runs[run];
        if run.buffer[run.start..].contains(&0) || run.offset == run.end {
            return Ok(());
        }
        run.buffer.drain(..run.start);
        run.start = 0;
        let kept = run.buffer.len();
        let more = (run.end - run.offset).min(RUN_BUFFER as u64) as usize;
        run.buffer.resize(kept + more, 0);
        file.read_exact_at(&mut run.buffer[kept..], run.offset)?;
        run.offset += more as u64;
        Ok(())
    }
}

/// A sorted run in the temporary file.
struct Run {
    offset: u64,
    end: u64,
    buffer: Vec<u8>,
    start: usize,
}

impl Run {
    fn name(&self) -> &[u8] {
        until_zero(&self.buffer[self.start..])
    }

    fn is_finished(&self) -> bool {
        self.start == self.buffer.len()
    }
}

/// The first name in `bytes`, its zero included.
fn until_zero(bytes: &[u8]) -> &[u8] {
    CStr::from_bytes_until_nul(bytes).map_or(bytes, CStr::to_bytes_with_nul)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, os::fd::AsFd};

    use super::*;

    #[test]
    fn names_come_sorted_from_memory_and_from_runs() {
        let directory = tempfile::tempdir().unwrap();
        let mut expected = BTreeSet::new();
        for number in 0..3000u64 {
            let name = format!("{:x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (number % 40));
            File::create(directory.path().join(&name)).unwrap();
            expected.insert(name.into_bytes());
        }
        let opened = File::open(directory.path()).unwrap();
        for most_bytes in [1 << 20, 10_000, 600] {
            rustix::fs::seek(&opened, rustix::fs::SeekFrom::Start(0)).unwrap();
            let spill = std::env::temp_dir();
            let mut buffer = Vec::with_capacity(32 << 10);
            let mut names = Names::list(opened.as_fd(), &mut buffer, most_bytes, &spill).unwrap();
            assert_eq!(names.runs.is_empty(), most_bytes == 1 << 20);
            let (mut found, mut name) = (Vec::new(), Vec::new());
            while names.next(&mut name).unwrap() {
                found.push(name[..name.len() - 1].to_vec());
            }
            assert!(found.iter().eq(expected.iter()), "{most_bytes}");
        }
    }
}
