//! Reads a files cache as a stream, in step with the walk.

use std::{
    cmp::Ordering,
    fs::{self, File},
    io::{self, BufReader, Read},
    path::Path,
};

use xxhash_rust::xxh64::xxh64;

use super::{
    CachedChunks, Clock, Extended, FILES_CACHE_LIFETIME, FilesCacheEntry, LARGEST_BLOCK_BYTES, MAGIC, varint,
    walk_order,
};

/// Longest path of a root that is believed.
const LONGEST_ROOT: usize = 64 << 10;

/// The old cache, read in walk order. Memory: one block.
pub struct FilesCacheReader {
    file: Option<BufReader<File>>,
    clock: Clock,
    newest: i64,
    block: Vec<u8>,
    position: usize,
    path: Vec<u8>,
    /// Where the entry at hand starts behind its path, and where the next one starts.
    current: Option<(usize, usize)>,
    /// Whether that entry was given out.
    left: bool,
    damaged: bool,
    /// Entries that were not visited stay for so many runs.
    lifetime: u8,
    /// What to go on with where this one, of a run that was not finished, ends.
    older: Option<Older>,
}

struct Older {
    cache: Box<FilesCacheReader>,
    /// The last path before.
    last: Option<Vec<u8>>,
}

/// What the cache says about a path.
#[derive(Debug, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// Nothing.
    Unknown,
    /// There is an entry.
    Known {
        /// The entry.
        entry: FilesCacheEntry<'a>,
        /// Whether its times prove anything: see [`super::FilesCacheWriter::finish`].
        settled: bool,
    },
}

impl FilesCacheReader {
    /// A cache that knows nothing.
    pub fn empty() -> Self {
        Self {
            file: None,
            clock: Clock::Ctime,
            newest: i64::MIN,
            block: Vec::new(),
            position: 0,
            path: Vec::new(),
            current: None,
            left: false,
            damaged: false,
            lifetime: FILES_CACHE_LIFETIME,
            older: None,
        }
    }

    /// Opens the cache at `path` if there is one, and if it is for the recursion root `root`, and before it what a run
    /// left there that was killed after a checkpoint. Entries that were not visited stay for `lifetime` runs.
    pub fn open(path: &Path, root: &[u8], lifetime: u8) -> io::Result<Self> {
        let [new, partial] = ["new", "partial"].map(|extension| path.with_extension(extension));
        let [new_bytes, partial_bytes] = [&new, &partial].map(|path| believed_bytes(path, root));
        if new_bytes > partial_bytes {
            fs::rename(&new, &partial)?;
        }
        let mut old = Self::open_one(path, root, None)?;
        if new_bytes.max(partial_bytes) > 0 {
            let older = Older { cache: Box::new(old), last: None };
            old = Self::open_one(&partial, root, Some(older))?;
        }
        old.lifetime = lifetime;
        Ok(old)
    }

    fn open_one(path: &Path, root: &[u8], older: Option<Older>) -> io::Result<Self> {
        let mut cache = Self::empty();
        let mut file = match File::open(path) {
            Ok(file) => BufReader::with_capacity(64 << 10, file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(cache),
            Err(error) => return Err(error),
        };
        cache.older = older;
        match read_header(&mut file) {
            Ok(Some((found, clock, newest))) if found == root => {
                cache.clock = clock;
                cache.newest = newest;
                cache.file = Some(file);
                cache.advance();
            }
            Ok(Some(_)) => {}
            Ok(None) => cache.damaged = true,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => cache.damaged = true,
            Err(error) => return Err(error),
        }
        Ok(cache)
    }

    /// Whether damage was met; everything from there on counts as unknown.
    pub fn is_damaged(&self) -> bool {
        self.damaged
    }

    /// The next entry that the walk has passed over by arriving at `path` (`None`: at its end), aged by one; entries
    /// that are too old or prove nothing are left out. To be called until there is none, then `lookup`.
    pub fn passed_over(&mut self, path: Option<&[u8]>) -> Option<FilesCacheEntry<'_>> {
        loop {
            self.leave();
            self.current?;
            if path.is_some_and(|path| walk_order(&self.path, path) != Ordering::Less) {
                return None;
            }
            self.left = true;
            let (clock, newest, lifetime) = (self.clock, self.newest, self.lifetime);
            if self.entry().is_some_and(|entry| entry.age.saturating_add(1) < lifetime && entry.time(clock) < newest) {
                return self.entry().map(|entry| FilesCacheEntry { age: entry.age + 1, ..entry });
            }
        }
    }

    /// Looks `path` up; paths must come in walk order.
    pub fn lookup(&mut self, path: &[u8]) -> Lookup<'_> {
        while self.passed_over(Some(path)).is_some() {}
        if self.current.is_none() || self.path != path {
            return Lookup::Unknown;
        }
        self.left = true;
        match self.entry() {
            Some(entry) => Lookup::Known { entry, settled: entry.time(self.clock) < self.newest },
            None => Lookup::Unknown,
        }
    }

    /// Goes past an entry that was given out.
    fn leave(&mut self) {
        if std::mem::take(&mut self.left) {
            self.advance();
        }
    }

    fn entry(&self) -> Option<FilesCacheEntry<'_>> {
        let (start, end) = self.current?;
        parse(&self.path, self.block.get(start..end)?).map(|(entry, _)| entry)
    }

    /// Reads the next entry's path and finds its end.
    fn advance(&mut self) {
        self.current = self.next_entry();
        match (self.current, &mut self.older) {
            (Some(_), Some(older)) => older.last.get_or_insert_default().clone_from(&self.path),
            (None, Some(_)) => self.go_on_with_older(),
            (None, None) if self.file.is_some() => {
                self.file = None;
                self.block = Vec::new();
            }
            _ => {}
        }
    }

    /// A run that was killed has left a torn end, and nothing about what comes behind it.
    fn go_on_with_older(&mut self) {
        let Some(Older { cache, last }) = self.older.take() else { return };
        *self = Self { lifetime: self.lifetime, ..*cache };
        while self.current.is_some()
            && last.as_ref().is_some_and(|last| walk_order(&self.path, last) != Ordering::Greater)
        {
            self.advance();
        }
    }

    fn next_entry(&mut self) -> Option<(usize, usize)> {
        if self.position == self.block.len() && !self.next_block()? {
            return None;
        }
        let found = self.parse_next();
        self.damaged |= found.is_none();
        found
    }

    fn parse_next(&mut self) -> Option<(usize, usize)> {
        let rest = self.block.get(self.position..)?;
        let (shared, rest) = varint::read(rest)?;
        let (suffix, rest) = bytes(rest)?;
        if shared as usize > self.path.len() {
            return None;
        }
        self.path.truncate(shared as usize);
        self.path.extend_from_slice(suffix);
        let start = self.block.len() - rest.len();
        let (_, rest) = parse(&self.path, rest)?;
        self.position = self.block.len() - rest.len();
        Some((start, self.position))
    }

    /// False at the end of the file.
    fn next_block(&mut self) -> Option<bool> {
        let file = self.file.as_mut()?;
        let mut head = [0; 12];
        match file.read_exact(&mut head[..1]) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Some(false),
            result => self.damaged |= result.is_err(),
        }
        let block = &mut self.block;
        let whole = file.read_exact(&mut head[1..]).and_then(|()| {
            let [a, b, c, d, sum @ ..] = head;
            let length = u32::from_le_bytes([a, b, c, d]) as usize;
            block.clear();
            if length == 0 || length > LARGEST_BLOCK_BYTES {
                return Ok(false);
            }
            let read = file.take(length as u64).read_to_end(block)?;
            Ok(read == length && xxh64(block, 0) == u64::from_le_bytes(sum))
        });
        self.position = 0;
        self.path.clear();
        if !matches!(whole, Ok(true)) {
            self.damaged = true;
            return None;
        }
        Some(true)
    }
}

/// Size of an unfinished cache of which a checkpoint says that it may be believed; 0 otherwise.
fn believed_bytes(path: &Path, root: &[u8]) -> u64 {
    let Ok(mut file) = File::open(path) else { return 0 };
    match read_header(&mut file) {
        Ok(Some((found, _, newest))) if found == root && newest > i64::MIN => {
            file.metadata().map_or(0, |metadata| metadata.len())
        }
        _ => 0,
    }
}

fn read_header(file: &mut impl Read) -> io::Result<Option<(Vec<u8>, Clock, i64)>> {
    let mut fixed = [0; 21];
    file.read_exact(&mut fixed)?;
    let [magic @ .., _, _, _, _, _, _, _, _, _, _, _, _, _] = fixed;
    let [.., clock, n0, n1, n2, n3, n4, n5, n6, n7, l0, l1, l2, l3] = fixed;
    let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    if &magic != MAGIC || clock > 1 || length > LONGEST_ROOT {
        return Ok(None);
    }
    let mut header = fixed.to_vec();
    header.resize(fixed.len() + length, 0);
    file.read_exact(&mut header[fixed.len()..])?;
    let mut sum = [0; 8];
    file.read_exact(&mut sum)?;
    let sound = xxh64(&header, 0) == u64::from_le_bytes(sum);
    let clock = if clock == 0 { Clock::Ctime } else { Clock::Mtime };
    let newest = i64::from_le_bytes([n0, n1, n2, n3, n4, n5, n6, n7]);
    Ok(sound.then(|| (header.split_off(fixed.len()), clock, newest)))
}

/// The entry whose bytes behind the path start here, and what follows it.
fn parse<'a>(path: &'a [u8], rest: &'a [u8]) -> Option<(FilesCacheEntry<'a>, &'a [u8])> {
    let (&age, rest) = rest.split_first()?;
    let (size, rest) = varint::read(rest)?;
    let (inode, rest) = varint::read(rest)?;
    let (mtime, rest) = rest.split_first_chunk::<8>()?;
    let (ctime, rest) = rest.split_first_chunk::<8>()?;
    let (&known, mut rest) = rest.split_first()?;
    let mut extended = None;
    if known == 1 {
        let (bsdflags, after) = varint::read(rest)?;
        let (xattrs, after) = bytes(after)?;
        let (acl_access, after) = bytes(after)?;
        let (acl_default, after) = bytes(after)?;
        extended = Some(Extended { bsdflags, xattrs, acl_access, acl_default });
        rest = after;
    }
    let (count, mut packed) = varint::read(rest)?;
    let mut cut_by = 0;
    if count > 1 {
        let (number, after) = packed.split_first_chunk::<4>()?;
        (cut_by, packed) = (u32::from_le_bytes(*number), after);
    }
    rest = packed;
    for _ in 0..count {
        let (_, after) = rest.split_first_chunk::<32>()?;
        let (size, after) = varint::read(after)?;
        u32::try_from(size).ok()?;
        rest = after;
    }
    let chunks = CachedChunks::Packed { count: count as usize, bytes: &packed[..packed.len() - rest.len()] };
    let (mtime, ctime) = (i64::from_le_bytes(*mtime), i64::from_le_bytes(*ctime));
    Some((FilesCacheEntry { path, age, size, inode, mtime, ctime, extended, cut_by, chunks }, rest))
}

fn bytes(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = varint::read(rest)?;
    rest.split_at_checked(usize::try_from(length).ok()?)
}
