//! A repository in memory, filled with objects that Borg stored (see `vectors/record.py`).

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex};

use nanoprobe_format::Id;
use nanoprobe_format::msgpack::Reader;
use nanoprobe_key::{Directories, Error as KeyError, Key, Passphrase, PassphraseSource, Sealer};
use nanoprobe_repository::{CheckOptions, CheckReport, CompactOptions, CompactReport, Error, Repository, Totals};

/// Objects in memory; counts what is asked of it.
#[derive(Default)]
pub(crate) struct MemoryRepository {
    id: [u8; 32],
    key_blob: Vec<u8>,
    objects: Mutex<BTreeMap<Id, Vec<u8>>>,
    nonce: Mutex<Option<u64>>,
    preloaded: Mutex<Vec<Id>>,
}

impl MemoryRepository {
    /// What was recorded.
    pub(crate) fn recorded(bytes: &[u8]) -> Arc<Self> {
        let mut reader = Reader::new(bytes);
        assert_eq!(reader.array(), Ok(3));
        let (id, key_blob) = (reader.raw_array().unwrap(), reader.raw().unwrap().to_vec());
        let count = reader.array().unwrap();
        let objects = (0..count).map(|_| {
            assert_eq!(reader.array(), Ok(2));
            (Id(reader.raw_array().unwrap()), reader.raw().unwrap().to_vec())
        });
        Arc::new(Self { id, key_blob, objects: Mutex::new(objects.collect()), ..Self::default() })
    }

    /// The stored bytes of an object.
    pub(crate) fn object(&self, id: &Id) -> Vec<u8> {
        self.objects.lock().unwrap()[id].clone()
    }

    /// Number of objects.
    pub(crate) fn len(&self) -> usize {
        self.objects.lock().unwrap().len()
    }

    /// What was asked for ahead of time.
    pub(crate) fn preloaded(&self) -> Vec<Id> {
        self.preloaded.lock().unwrap().clone()
    }

    /// The key, and what seals under it.
    pub(crate) fn unlock(self: &Arc<Self>, directory: &Path) -> (Key, Sealer) {
        let directories =
            Directories { keys: directory.join("keys"), security: directory.join("security"), key_file: None };
        let key = Key::unlock(&**self, &self.object(&Id::MANIFEST), &directories, &mut Given).unwrap();
        let sealer = key.sealer(self.clone(), &directories).unwrap();
        (key, sealer)
    }
}

struct Given;

impl PassphraseSource for Given {
    fn given(&mut self) -> Result<Option<Passphrase>, KeyError> {
        Ok(Some(Passphrase::new(b"secret".to_vec())))
    }

    fn ask(&mut self, _: &str, _: u32) -> Result<Passphrase, KeyError> {
        unreachable!("it is given")
    }

    fn new_passphrase(&mut self) -> Result<Passphrase, KeyError> {
        unreachable!("no key is made")
    }
}

impl Repository for MemoryRepository {
    fn id(&self) -> [u8; 32] {
        self.id
    }

    fn location(&self) -> &str {
        "/repository"
    }

    fn get(&self, id: &Id, object: &mut Vec<u8>) -> Result<(), Error> {
        *object = self.object(id);
        Ok(())
    }

    fn preload(&self, ids: &[Id]) {
        self.preloaded.lock().unwrap().extend_from_slice(ids);
    }

    fn stored_bytes(&self, id: &Id) -> Result<Option<u32>, Error> {
        Ok(self.objects.lock().unwrap().get(id).map(|object| object.len() as u32))
    }

    fn put(&self, id: &Id, object: &[u8]) -> Result<(), Error> {
        self.objects.lock().unwrap().insert(*id, object.to_vec());
        Ok(())
    }

    fn delete(&self, id: &Id) -> Result<(), Error> {
        self.objects.lock().unwrap().remove(id);
        Ok(())
    }

    fn commit(&self) -> Result<(), Error> {
        Ok(())
    }

    fn rollback(&self) -> Result<(), Error> {
        unreachable!("nothing is rolled back")
    }

    fn list(&self, _: Option<&Id>, _: usize, ids: &mut Vec<Id>) -> Result<(), Error> {
        ids.extend(self.objects.lock().unwrap().keys());
        Ok(())
    }

    fn free_nonce(&self) -> Result<Option<u64>, Error> {
        Ok(*self.nonce.lock().unwrap())
    }

    fn reserve_nonces(&self, expected: Option<u64>, next_free: u64) -> Result<(), Error> {
        let mut nonce = self.nonce.lock().unwrap();
        assert_eq!(*nonce, expected);
        *nonce = Some(next_free);
        Ok(())
    }

    fn key_blob(&self) -> Result<Vec<u8>, Error> {
        Ok(self.key_blob.clone())
    }

    fn set_key_blob(&self, _: &[u8]) -> Result<(), Error> {
        unreachable!("the key stays")
    }

    fn destroy(&self) -> Result<(), Error> {
        Ok(())
    }

    fn compact(
        &self,
        _: &CompactOptions,
        _: &mut dyn FnMut(CompactReport<'_>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        unreachable!("nothing is compacted")
    }

    fn check(&self, _: &CheckOptions, _: &mut dyn FnMut(CheckReport<'_>)) -> Result<bool, Error> {
        Ok(true)
    }

    fn totals(&self) -> Result<Totals, Error> {
        Ok(Totals::default())
    }
}
