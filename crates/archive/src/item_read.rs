//! Reads an archive's items: fetch → decrypt → decompress → the next whole item.
//!
//! RAM: one metadata chunk stored and plain (up to 512 KiB each in archives that Borg or we made), and a buffer for the
//! item at hand, which grows when an item is larger than a chunk (44 bytes for every chunk of its file) up to a limit.

use nanoprobe_format::Id;
use nanoprobe_format::item::Item;
use nanoprobe_format::msgpack::Scanner;
use nanoprobe_key::Opener;
use nanoprobe_repository::Repository;

use crate::Error;

/// Metadata chunks that the repository is told about ahead of time.
const AHEAD: usize = 8;

/// Reads an archive's items one after another, in bounded memory.
pub struct ItemReader<'a> {
    repository: &'a dyn Repository,
    opener: Opener,
    ids: &'a [Id],
    /// How many of `ids` have been fetched.
    fetched: usize,
    /// How many of them the repository was told of.
    announced: usize,
    object: Vec<u8>,
    chunk: Vec<u8>,
    /// Plain stream; what lies before `position` has been read.
    buffer: Vec<u8>,
    position: usize,
    limit_bytes: usize,
}

impl<'a> ItemReader<'a> {
    /// An item of a file of 3 TB in chunks of 2 MiB is about this large.
    pub const DEFAULT_LIMIT_BYTES: usize = 64 << 20;

    /// `ids` are the archive's `items`.
    pub fn new(repository: &'a dyn Repository, opener: Opener, ids: &'a [Id]) -> Self {
        Self::with_limit(repository, opener, ids, Self::DEFAULT_LIMIT_BYTES)
    }

    /// The same, with another limit for the size of one item.
    pub fn with_limit(repository: &'a dyn Repository, opener: Opener, ids: &'a [Id], limit_bytes: usize) -> Self {
        let (object, chunk, buffer) = Default::default();
        Self { repository, opener, ids, fetched: 0, announced: 0, object, chunk, buffer, position: 0, limit_bytes }
    }

    /// The next item, borrowed until the next call. An item that is msgpack but no item is an error for itself alone: the
    /// call after that goes on behind it. After any other error there is nothing more to read.
    #[expect(clippy::should_implement_trait, reason = "an iterator's items cannot borrow from it")]
    pub fn next(&mut self) -> Result<Option<Item<'_>>, Error> {
        match self.next_packed()? {
            Some(packed) => Item::parse(packed).map(Some).map_err(Error::MalformedItem),
            None => Ok(None),
        }
    }

    /// The next item's bytes, which are one msgpack value and not looked at any further.
    pub fn next_packed(&mut self) -> Result<Option<&[u8]>, Error> {
        match self.find_end() {
            Ok(Some(end)) => {
                let start = std::mem::replace(&mut self.position, end);
                Ok(Some(&self.buffer[start..end]))
            }
            Ok(None) => Ok(None),
            Err(error) => {
                self.fetched = self.ids.len();
                self.position = self.buffer.len();
                Err(error)
            }
        }
    }

    /// Number of metadata chunks fetched so far.
    pub fn fetched_chunks(&self) -> usize {
        self.fetched
    }

    /// Makes the buffer hold the next item whole; `None` at the end of the stream.
    fn find_end(&mut self) -> Result<Option<usize>, Error> {
        let mut scanner = Scanner::default();
        let mut scanned = self.position;
        loop {
            if let Some(bytes) = scanner.feed(&self.buffer[scanned..]).map_err(Error::MalformedItem)? {
                return Ok(Some(scanned + bytes));
            }
            scanned = self.buffer.len() - self.position;
            if scanned > self.limit_bytes {
                return Err(Error::ItemTooLarge { limit_bytes: self.limit_bytes });
            }
            if !self.fetch()? {
                return if scanned == 0 { Ok(None) } else { Err(Error::TruncatedItems) };
            }
        }
    }

    /// Puts the next chunk behind what is left of the buffer, which then begins at the item at hand.
    fn fetch(&mut self) -> Result<bool, Error> {
        let Some(id) = self.ids.get(self.fetched) else { return Ok(false) };
        if self.announced <= self.fetched + AHEAD / 2 {
            let end = self.ids.len().min(self.fetched + AHEAD);
            self.repository.preload(self.ids.get(self.announced..end).unwrap_or_default());
            self.announced = end;
        }
        self.repository.get(id, &mut self.object)?;
        self.opener.open(Some(id), &self.object, &mut self.chunk)?;
        self.fetched += 1;
        self.buffer.drain(..self.position);
        self.position = 0;
        if self.buffer.is_empty() {
            std::mem::swap(&mut self.buffer, &mut self.chunk);
        } else {
            self.buffer.extend_from_slice(&self.chunk);
        }
        Ok(true)
    }
}
