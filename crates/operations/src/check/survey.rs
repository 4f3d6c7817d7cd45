//! What the mark pass sees of archives: which of them want a closer look, and what they refer to, before a repair and after it.

use nanoprobe_format::{Id, item::Item};
use nanoprobe_repository::Repository;

use super::{items::understand, orphans::References};
use crate::{
    Error,
    mark::{Chunk, Extent, Visitor},
};

/// Listens to the walk over all archives.
pub(super) struct Survey<'a> {
    pub(super) repository: &'a dyn Repository,
    /// Where all archives are looked at.
    pub(super) references: Option<References<'a>>,
    /// The archive at hand has something to tell, or to repair.
    pub(super) is_troubled: bool,
}

impl Survey<'_> {
    fn refer(&mut self, id: &Id) -> Result<(), Error> {
        self.references.as_mut().map_or(Ok(()), |references| references.used(id))
    }
}

impl Visitor for Survey<'_> {
    /// Whether there was trouble.
    type Tally = bool;

    fn chunk(&mut self, chunk: &Chunk, _: &mut bool) -> Result<(), Error> {
        self.refer(&chunk.id)
    }

    fn item(&mut self, value: &[u8], _: Extent<'_>, tally: &mut bool) -> Result<(), Error> {
        let mut is_troubled = true;
        if let Ok(item) = understand(value) {
            let mut bytes = 0;
            is_troubled = item.chunks_healthy.is_some();
            for chunk in item.chunks.iter().flat_map(|chunks| chunks.iter()) {
                bytes += u64::from(chunk.size);
                match self.repository.stored_bytes(&chunk.id)? {
                    Some(_) => self.refer(&chunk.id)?,
                    None => is_troubled = true,
                }
            }
            is_troubled |= item.chunks.is_some() && item.size.is_some_and(|size| size != bytes);
        }
        self.is_troubled |= is_troubled;
        *tally |= is_troubled;
        Ok(())
    }

    fn again(&mut self, tally: &bool) {
        self.is_troubled |= tally;
    }
}

/// Listens to the walk over what a repair left.
pub(super) struct Collector<'a> {
    pub(super) references: References<'a>,
}

impl Visitor for Collector<'_> {
    type Tally = ();

    fn chunk(&mut self, chunk: &Chunk, (): &mut ()) -> Result<(), Error> {
        self.references.used(&chunk.id)
    }

    fn item(&mut self, value: &[u8], _: Extent<'_>, (): &mut ()) -> Result<(), Error> {
        let item = Item::parse(value).map_err(nanoprobe_archive::Error::MalformedItem)?;
        let mut chunks = item.chunks.iter().flat_map(|chunks| chunks.iter());
        chunks.try_for_each(|chunk| self.references.used(&chunk.id))
    }

    fn again(&mut self, (): &()) {}
}
