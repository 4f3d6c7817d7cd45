//! Where the mark pass gets its chunks from.

use nanoprobe_format::Id;
use nanoprobe_key::{Key, Opener};
use nanoprobe_repository::Repository;

use crate::{Error, Session};

/// Gives metadata chunks by name.
pub(crate) trait Source {
    /// These will probably be asked for next.
    fn preload(&self, ids: &[Id]);
    /// Replaces `data` by the plain bytes of a chunk; gives its stored size in bytes.
    fn fetch(&mut self, id: &Id, data: &mut Vec<u8>) -> Result<u32, Error>;
    /// A hash that nobody makes collide.
    fn digest(&self, bytes: &[u8]) -> Id;
}

/// A repository: fetch → decrypt → decompress.
pub(crate) struct Objects<'a> {
    repository: &'a dyn Repository,
    key: &'a Key,
    opener: Opener,
    object: Vec<u8>,
}

impl<'a> Objects<'a> {
    pub(crate) fn new(session: &'a Session) -> Self {
        Self::of(&*session.repository, &session.key)
    }

    pub(crate) fn of(repository: &'a dyn Repository, key: &'a Key) -> Self {
        Self { repository, key, opener: key.opener(), object: Vec::new() }
    }
}

impl Source for Objects<'_> {
    fn preload(&self, ids: &[Id]) {
        self.repository.preload(ids);
    }

    fn fetch(&mut self, id: &Id, data: &mut Vec<u8>) -> Result<u32, Error> {
        self.repository.get(id, &mut self.object)?;
        let csize = self.object.len() as u32;
        self.opener.open_in_place(Some(id), &mut self.object, data)?;
        Ok(csize)
    }

    fn digest(&self, bytes: &[u8]) -> Id {
        self.key.id(bytes)
    }
}
