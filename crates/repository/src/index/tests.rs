use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::fs::Native;

/// Small ids crowd in few home buckets, at both ends of the table too.
fn id(number: u32) -> Id {
    let mut id = Id([0; 32]);
    let word = if number.is_multiple_of(7) { u32::MAX - number / 7 } else { number.wrapping_mul(0x9e37_79b1) };
    id.0[..4].copy_from_slice(&word.to_le_bytes());
    id.0[4..8].copy_from_slice(&number.to_le_bytes());
    id
}

struct Tested {
    directory: tempfile::TempDir,
    index: Index,
    model: HashMap<u32, Location>,
    merges: u32,
}

impl Tested {
    fn new(delta_entries: usize) -> Self {
        let index = Index::new(Table::empty(), delta_entries);
        Self { directory: tempfile::tempdir().unwrap(), index, model: HashMap::new(), merges: 0 }
    }

    fn put(&mut self, number: u32) {
        let location = Location { segment: self.merges, offset: number };
        let before = self.index.find(&id(number)).unwrap();
        assert_eq!(before, self.model.insert(number, location));
        self.index.insert(&id(number), location, before);
        self.merge_if(self.index.is_full());
    }

    fn delete(&mut self, number: u32) {
        let before = self.index.find(&id(number)).unwrap();
        assert_eq!(before, self.model.remove(&number));
        if before.is_some() {
            self.index.remove(&id(number));
        }
        self.merge_if(self.index.is_full());
    }

    fn merge_if(&mut self, wanted: bool) {
        if wanted {
            let name = format!("index.{}", self.merges);
            let merged = self.index.merge(&Native, &self.directory.path().join(&name), &name).unwrap();
            self.index.replace(merged);
            self.merges += 1;
        }
    }

    fn verify(&mut self) {
        self.merge_if(true);
        let table = &self.index.table;
        table.verify().unwrap();
        assert_eq!(table.header.entries as usize, self.model.len());
        let reopened = Table::open(&Native, table.path(), table.digests()).unwrap();
        for (&number, &location) in &self.model {
            assert_eq!(reopened.find(&id(number)).unwrap(), Some(location));
        }
        let mut reader = reopened.reader().unwrap().unwrap();
        let mut live = 0;
        while let Some(bytes) = reader.take().unwrap() {
            live += usize::from(matches!(
                nanoprobe_format::index::Bucket::from_bytes(&bytes),
                nanoprobe_format::index::Bucket::Live(..)
            ));
        }
        assert_eq!(live, self.model.len(), "no entry stands twice");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn the_index_is_a_map(
        steps in proptest::collection::vec((0..3_u8, 0..3000_u32), 1..4000),
        delta_entries in 16..700_usize,
    ) {
        let mut tested = Tested::new(delta_entries);
        for (kind, number) in steps {
            match kind {
                0 => tested.delete(number),
                _ => tested.put(number),
            }
        }
        tested.verify();
    }
}

#[test]
fn it_grows_and_shrinks_with_what_it_holds() {
    let mut tested = Tested::new(1000);
    (0..40_000).for_each(|number| tested.put(number));
    tested.verify();
    assert_eq!(tested.index.table.header.buckets, 65537);
    (0..39_500).for_each(|number| tested.delete(number));
    tested.verify();
    assert!(tested.index.table.header.buckets <= 2053);
}

#[test]
fn a_damaged_table_is_noticed_before_it_is_copied() {
    let mut tested = Tested::new(100);
    (0..500).for_each(|number| tested.put(number));
    tested.verify();
    let path = tested.index.table.path().to_owned();
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let merged = tested.index.merge(&Native, &path.with_extension("tmp"), "index.9");
    assert!(matches!(merged, Err(Error::FileIntegrity(_))));
}
