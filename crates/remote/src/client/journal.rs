//! What was sent since the last commit, on this machine's disk: a line that drops takes it along, and it is sent again.
//!
//! A file without a name in the repository's cache directory, which goes when the transaction ends. Nothing waits for the
//! disk: it is of use to this process alone. Objects are kept as they were sealed, so that no nonce is used for anything else.
//!
//! ```text
//! entry: tag u8 (0: put, 1: delete) | id 32 | length u32 | XXH64 of tag, id and data u64 | data
//! ```
//! Integers are little endian. RAM: 64 KiB, and as much while it is read.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;

use nanoprobe_format::Id;
use nanoprobe_format::rpc::Call;
use xxhash_rust::xxh64::Xxh64;

const HEADER_BYTES: usize = 1 + 32 + 4 + 8;
const BUFFER_BYTES: usize = 64 << 10;
/// A disk with less room than this for it has better things to hold.
const LEAST_BYTES: u64 = 64 << 20;

const PUT: u8 = 0;
const DELETE: u8 = 1;

/// Changes that are not committed.
pub(super) struct Journal {
    directory: PathBuf,
    /// However much room there is on the disk.
    most_bytes: u64,
    file: Option<File>,
    /// Entries that are not in the file yet.
    buffer: Vec<u8>,
    file_bytes: u64,
    bound: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// All changes are in it.
    Complete,
    /// There are more than it holds.
    Full,
    /// It cannot be written.
    Failed,
}

impl Journal {
    /// `directory` is our cache directory for the repository.
    pub(super) fn new(directory: PathBuf, most_bytes: u64) -> Self {
        Self {
            directory,
            most_bytes,
            file: None,
            buffer: Vec::new(),
            file_bytes: 0,
            bound: most_bytes,
            state: State::Complete,
        }
    }

    /// Takes in a put or a delete. One that cannot be kept is not: the journal is incomplete then until it is emptied.
    pub(super) fn append(&mut self, change: &Call<'_>) {
        let (tag, id, data) = match change {
            Call::Put(id, object) => (PUT, id, *object),
            Call::Delete(id) => (DELETE, id, &[][..]),
            _ => return,
        };
        if self.state == State::Complete
            && let Err(state) = self.try_append(tag, id, data)
        {
            *self = Self { state, ..Self::new(std::mem::take(&mut self.directory), self.most_bytes) };
        }
    }

    /// Everything since it was emptied can be read.
    pub(super) fn is_complete(&self) -> bool {
        self.state == State::Complete
    }

    /// It will not hold much more.
    pub(super) fn is_crowded(&self) -> bool {
        self.state == State::Full || (self.is_complete() && self.bytes() >= self.bound / 4 * 3)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes() == 0
    }

    /// The transaction has ended.
    pub(super) fn empty(&mut self) {
        *self = Self::new(std::mem::take(&mut self.directory), self.most_bytes);
    }

    /// What cannot be sent again is gone when the line is.
    pub(super) fn give_up(&mut self) {
        self.empty();
        self.state = State::Failed;
    }

    /// All changes, in their order.
    pub(super) fn entries(&mut self) -> io::Result<Entries<'_>> {
        self.write_buffer()?;
        let left = self.file_bytes;
        let reader = self.file.as_ref().map(|mut file| {
            file.seek(SeekFrom::Start(0))?;
            Ok::<_, io::Error>(BufReader::with_capacity(BUFFER_BYTES, file))
        });
        Ok(Entries { reader: reader.transpose()?, left })
    }

    fn bytes(&self) -> u64 {
        self.file_bytes + self.buffer.len() as u64
    }

    fn try_append(&mut self, tag: u8, id: &Id, data: &[u8]) -> Result<(), State> {
        if self.is_empty() {
            self.begin()?;
        }
        if self.bytes() + (HEADER_BYTES + data.len()) as u64 > self.bound {
            return Err(State::Full);
        }
        let length = u32::try_from(data.len()).map_err(|_| State::Failed)?;
        let header = [&[tag][..], &id.0, &length.to_le_bytes(), &digest(tag, id, data).to_le_bytes()];
        header.into_iter().for_each(|part| self.buffer.extend_from_slice(part));
        if self.buffer.len() + data.len() <= BUFFER_BYTES {
            self.buffer.extend_from_slice(data);
            return Ok(());
        }
        self.write_buffer().and_then(|()| self.write(data)).map_err(|_| State::Failed)
    }

    /// A file that nobody else sees, and how much of the disk it may take.
    fn begin(&mut self) -> Result<(), State> {
        let made = (|| {
            fs::create_dir_all(&self.directory)?;
            let path = self.directory.join(format!("journal.{}", std::process::id()));
            let file = File::options().read(true).write(true).create(true).truncate(true).mode(0o600).open(&path)?;
            fs::remove_file(&path)?;
            let room = rustix::fs::fstatvfs(&file)?;
            Ok::<_, io::Error>((file, room.f_bavail.saturating_mul(room.f_frsize) / 4))
        })();
        let (file, quarter) = made.map_err(|_| State::Failed)?;
        if quarter < self.most_bytes.min(LEAST_BYTES) {
            return Err(State::Failed);
        }
        self.bound = self.most_bytes.min(quarter);
        self.file = Some(file);
        self.buffer.reserve_exact(BUFFER_BYTES + HEADER_BYTES);
        Ok(())
    }

    fn write_buffer(&mut self) -> io::Result<()> {
        let buffer = std::mem::take(&mut self.buffer);
        let written = self.write(&buffer);
        self.buffer = buffer;
        self.buffer.clear();
        written
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(file) = self.file.as_ref().filter(|_| !bytes.is_empty()) {
            file.write_all_at(bytes, self.file_bytes)?;
            self.file_bytes += bytes.len() as u64;
        }
        Ok(())
    }
}

/// Reads a journal front to back.
pub(super) struct Entries<'a> {
    reader: Option<BufReader<&'a File>>,
    left: u64,
}

impl Entries<'_> {
    /// The next change; `object` is room for what is put.
    pub(super) fn next<'o>(&mut self, object: &'o mut Vec<u8>) -> io::Result<Option<(Id, Call<'o>)>> {
        let Some(reader) = self.reader.as_mut().filter(|_| self.left > 0) else { return Ok(None) };
        let mut header = [0; HEADER_BYTES];
        reader.read_exact(&mut header)?;
        let (tag, mut id, mut length, mut expected) = (header[0], [0; 32], [0; 4], [0; 8]);
        id.copy_from_slice(&header[1..33]);
        length.copy_from_slice(&header[33..37]);
        expected.copy_from_slice(&header[37..]);
        let (id, length) = (Id(id), u32::from_le_bytes(length) as usize);
        let bytes = (HEADER_BYTES + length) as u64;
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "the journal is damaged");
        self.left = self.left.checked_sub(bytes).ok_or_else(damaged)?;
        object.clear();
        object.reserve_exact(length);
        reader.take(length as u64).read_to_end(object)?;
        if object.len() != length || digest(tag, &id, object) != u64::from_le_bytes(expected) {
            return Err(damaged());
        }
        Ok(Some((id, if tag == PUT { Call::Put(id, object) } else { Call::Delete(id) })))
    }
}

fn digest(tag: u8, id: &Id, data: &[u8]) -> u64 {
    let mut hash = Xxh64::new(0);
    hash.update(&[tag]);
    hash.update(&id.0);
    hash.update(data);
    hash.digest()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(journal: &mut Journal) -> io::Result<Vec<(u8, Option<Vec<u8>>)>> {
        let (mut all, mut object) = (Vec::new(), Vec::new());
        let mut entries = journal.entries()?;
        while let Some((id, change)) = entries.next(&mut object)? {
            all.push((id.0[0], if let Call::Put(_, data) = change { Some(data.to_vec()) } else { None }));
        }
        Ok(all)
    }

    #[test]
    fn it_gives_back_what_it_took_in_and_leaves_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        let mut journal = Journal::new(directory.path().join("cache"), 10 << 20);
        for round in 0..3 {
            let mut expected = Vec::new();
            assert!(journal.is_empty() && read(&mut journal).unwrap().is_empty());
            for number in 0..100_u8 {
                let data = vec![number; usize::from(number) * usize::from(number) * 7 * round];
                journal.append(&Call::Put(Id([number; 32]), &data));
                expected.push((number, Some(data)));
                if number % 3 == 0 {
                    journal.append(&Call::Delete(Id([number; 32])));
                    expected.push((number, None));
                }
                // Reading in between changes nothing.
                assert!(number % 30 != 0 || read(&mut journal).unwrap() == expected);
            }
            assert!(journal.is_complete() && read(&mut journal).unwrap() == expected);
            assert_eq!(fs::read_dir(directory.path().join("cache")).unwrap().count(), 0);
            journal.empty();
        }
    }

    #[test]
    fn it_has_a_bound_and_says_so_before() {
        let directory = tempfile::tempdir().unwrap();
        let mut journal = Journal::new(directory.path().to_owned(), 100_000);
        let puts = |journal: &mut Journal, count: u8| {
            (0..count).for_each(|number| journal.append(&Call::Put(Id([number; 32]), &[number; 10_000])));
        };
        puts(&mut journal, 7);
        assert!(!journal.is_crowded());
        puts(&mut journal, 1);
        assert!(journal.is_crowded() && journal.is_complete());
        puts(&mut journal, 2);
        assert!(journal.is_crowded() && !journal.is_complete() && journal.file.is_none());
        journal.empty();
        puts(&mut journal, 1);
        assert!(!journal.is_crowded() && journal.is_complete() && read(&mut journal).unwrap().len() == 1);
    }

    #[test]
    fn damage_is_found_and_a_disk_that_fails_is_no_trouble() {
        let directory = tempfile::tempdir().unwrap();
        let mut journal = Journal::new(directory.path().to_owned(), 1 << 20);
        journal.append(&Call::Put(Id([1; 32]), b"object"));
        journal.append(&Call::Delete(Id([2; 32])));
        drop(journal.entries().unwrap());
        let bytes = journal.file_bytes;
        for place in 0..bytes {
            let (file, mut byte) = (journal.file.as_ref().unwrap(), [0]);
            file.read_exact_at(&mut byte, place).unwrap();
            file.write_all_at(&[byte[0] ^ 0x10], place).unwrap();
            assert!(read(&mut journal).is_err(), "byte {place}");
            journal.file.as_ref().unwrap().write_all_at(&byte, place).unwrap();
        }
        assert_eq!(read(&mut journal).unwrap().len(), 2);
        fs::write(directory.path().join("file"), "").unwrap();
        let mut journal = Journal::new(directory.path().join("file/below"), 1 << 20);
        journal.append(&Call::Delete(Id([2; 32])));
        assert!(!journal.is_complete() && !journal.is_crowded());
    }
}
