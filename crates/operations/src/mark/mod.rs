//! The mark pass: what a list of archives refers to, each item metadata chunk read once however many archives share it.
//!
//! Item streams are cut by content, so an item may lie across chunks, and what a chunk says depends on the piece of an item
//! that comes before it. The state before a chunk is that piece, and its digest is
//!
//! ```text
//! between two items:                        32 zeros
//! an item began in the chunk `id`:          H(id | how many bytes of it the item has, u32)
//! the chunk `id` lies within one item:      H(digest before | id)
//! ```
//!
//! A memo holds, for H(digest before | id), how many bytes of the chunk are left over. A chunk whose key is in there has told
//! everything it had to tell: it is neither fetched nor parsed. When the chunk after it is not known, the piece of an item
//! between them is fetched again, as many chunks as the item has so far.
//!
//! H is the key's id hash. RAM: the memo, one chunk stored and plain, and one item where it lies across chunks.

mod memo;
mod source;
#[cfg(test)]
mod tests;

use nanoprobe_format::{Id, msgpack};

use self::memo::Memo;
pub(crate) use self::source::{Objects, Source};
use crate::{Error, Interrupt, metadata_stream::Splitter};

/// Metadata chunks that the repository is told about ahead of time.
const AHEAD: usize = 8;

/// Who is told.
pub(crate) trait Visitor {
    /// What is remembered of a chunk beside the state behind it, to be told again whenever it comes again.
    type Tally: Copy + Default;

    /// A metadata chunk was read.
    fn chunk(&mut self, chunk: &Chunk, tally: &mut Self::Tally) -> Result<(), Error>;

    /// A value of the stream is complete; it should be an item.
    fn item(&mut self, value: &[u8], extent: Extent<'_>, tally: &mut Self::Tally) -> Result<(), Error>;

    /// A chunk came again, behind the same piece of an item, and is not told again.
    fn again(&mut self, tally: &Self::Tally);
}

/// A metadata chunk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chunk {
    /// Its name.
    pub(crate) id: Id,
    /// Plain bytes.
    pub(crate) size: u32,
    /// Stored bytes.
    pub(crate) csize: u32,
}

/// Where an item lies in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent<'a> {
    /// From its first byte to its last in this chunk.
    Within(&'a Id),
    /// Across chunks.
    Across,
}

/// Walks item streams.
pub(crate) struct Mark<'a, S, V: Visitor> {
    source: S,
    memo: Memo<V::Tally>,
    splitter: Splitter,
    data: Vec<u8>,
    interrupt: Option<&'a Interrupt>,
}

/// Where a walk stopped, so that another can go on: between two chunks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// Chunks that were told.
    pub(crate) place: usize,
    /// The chunk in which the item began that is not complete.
    pub(crate) first: usize,
    /// How many bytes of that chunk it has; none between two items.
    pub(crate) carried: u32,
}

/// Before a chunk: the piece of an item that lies before it.
#[derive(Clone, Copy, Debug)]
struct State {
    digest: Id,
    /// Where in the stream the item began: the chunk's place, and how many bytes of that chunk it has.
    first: usize,
    carried: u32,
    /// The splitter holds the piece.
    at_hand: bool,
}

impl State {
    /// Nothing lies before.
    const BETWEEN: Self = Self { digest: Id([0; 32]), first: 0, carried: 0, at_hand: false };

    fn is_between(&self) -> bool {
        self.digest == Self::BETWEEN.digest
    }
}

impl<'a, S: Source, V: Visitor> Mark<'a, S, V> {
    /// The memo may use `memo_bytes`; an item of more than `item_bytes` is refused.
    pub(crate) fn new(source: S, memo_bytes: usize, item_bytes: usize, interrupt: Option<&'a Interrupt>) -> Self {
        let (memo, splitter) = (Memo::new(memo_bytes), Splitter::new(item_bytes));
        Self { source, memo, splitter, data: Vec::new(), interrupt }
    }

    /// Tells of the stream of these chunks what earlier ones did not tell.
    pub(crate) fn walk(&mut self, ids: &[Id], visitor: &mut V) -> Result<(), Error> {
        self.walk_part(ids, Position::default(), &mut || false, visitor).map(drop)
    }

    /// The same from a position on, until `enough` says so before some chunk; gives that position, `None` at the end. One that
    /// is beyond the stream counts as its beginning.
    pub(crate) fn walk_part(
        &mut self,
        ids: &[Id],
        from: Position,
        enough: &mut dyn FnMut() -> bool,
        visitor: &mut V,
    ) -> Result<Option<Position>, Error> {
        let (start, mut state) = self.resume(ids, from);
        let mut preloaded = start;
        for (place, id) in ids.iter().enumerate().skip(start) {
            if self.interrupt.is_some_and(Interrupt::requested) {
                return Err(Error::Interrupted);
            }
            if enough() {
                let carried = if state.is_between() { 0 } else { state.carried };
                return Ok(Some(Position { place, first: state.first, carried }));
            }
            let key = self.source.digest(&[state.digest.0, id.0].concat());
            if let Some((carried, tally)) = self.memo.find(&key) {
                visitor.again(&tally);
                state = self.after(state, place, id, key, carried, false);
                continue;
            }
            if preloaded <= place {
                preloaded = ids.len().min(place + AHEAD);
                self.source.preload(&ids[place..preloaded]);
            }
            if !state.at_hand {
                self.fetch_again(ids, &state, place)?;
            }
            let (carried, tally) = self.read(id, state.is_between(), visitor)?;
            state = self.after(state, place, id, key, carried, true);
            self.memo.insert(&key, carried, tally);
        }
        if state.is_between() { Ok(None) } else { Err(nanoprobe_archive::Error::TruncatedItems.into()) }
    }

    /// The state at a position.
    fn resume(&self, ids: &[Id], from: Position) -> (usize, State) {
        let Position { place, first, carried } = from;
        match ids.get(first..place) {
            Some([begun, within @ ..]) if carried > 0 => {
                let begun = self.source.digest(&[&begun.0[..], &carried.to_le_bytes()].concat());
                let digest = within.iter().fold(begun, |digest, id| self.source.digest(&[digest.0, id.0].concat()));
                (place, State { digest, first, carried, at_hand: false })
            }
            Some(_) if carried == 0 => (place, State::BETWEEN),
            _ => (0, State::BETWEEN),
        }
    }

    /// Fetches a chunk and tells it. Gives how many of its bytes are left over, `None` when it lies within one item.
    fn read(&mut self, id: &Id, is_between: bool, visitor: &mut V) -> Result<(Option<u32>, V::Tally), Error> {
        let Self { source, splitter, data, .. } = self;
        let mut tally = V::Tally::default();
        let csize = source.fetch(id, data)?;
        // An object is shorter than 20 MiB, and so is what it holds.
        visitor.chunk(&Chunk { id: *id, size: data.len() as u32, csize }, &mut tally)?;
        let mut begins_here = is_between;
        splitter.feed(data, &mut |value| {
            let extent = if begins_here { Extent::Within(id) } else { Extent::Across };
            begins_here = true;
            visitor.item(value, extent, &mut tally)
        })?;
        Ok((begins_here.then_some(splitter.carried() as u32), tally))
    }

    /// The state behind a chunk.
    fn after(&self, before: State, place: usize, id: &Id, key: Id, carried: Option<u32>, at_hand: bool) -> State {
        match carried {
            Some(0) => State::BETWEEN,
            Some(carried) => {
                let digest = self.source.digest(&[&id.0[..], &carried.to_le_bytes()].concat());
                State { digest, first: place, carried, at_hand }
            }
            None => State { digest: key, at_hand, ..before },
        }
    }

    /// Brings back the piece of an item that lies before the chunk at `place`.
    fn fetch_again(&mut self, ids: &[Id], state: &State, place: usize) -> Result<(), Error> {
        let Self { source, splitter, data, .. } = self;
        splitter.restart();
        if state.is_between() {
            return Ok(());
        }
        for (number, id) in ids[state.first..place].iter().enumerate() {
            source.fetch(id, data)?;
            let skipped = if number == 0 { data.len().saturating_sub(state.carried as usize) } else { 0 };
            // No item ends in here: that is what the memo says.
            splitter.feed(&data[skipped..], &mut |_| Err(Error::from(msgpack::Error::TrailingBytes)))?;
        }
        Ok(())
    }
}
