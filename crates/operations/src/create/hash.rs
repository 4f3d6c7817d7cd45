//! id and MAC: names the chunks of one unit and authenticates the encrypted objects of the one before, all at once.
//!
//! Hashes that do not wait for each other are made several at a time, which is several times as fast.

use std::collections::HashMap;

use nanoprobe_format::Id;
use nanoprobe_key::{Key, Sealer};

use super::unit::{Chunk, Record, Unit};

/// Hashes; remembers the names of holes, which come in few sizes.
pub(super) struct Hasher<'a> {
    key: &'a Key,
    holes: HashMap<usize, Id>,
}

impl<'a> Hasher<'a> {
    pub(super) fn new(key: &'a Key) -> Self {
        Self { key, holes: HashMap::new() }
    }

    /// Gives the chunks of `named` their names, and the objects of `encrypted`, which are in `output`, their MACs.
    pub(super) fn hash(
        &mut self,
        named: Option<&mut Unit>,
        encrypted: Option<&Unit>,
        output: &mut [u8],
        sealer: &Sealer,
    ) {
        let (data, records) = named.map_or((&[][..], &mut [][..]), |unit| (&unit.data[..], &mut unit.records[..]));
        let chunks = records.iter_mut().filter_map(|record| match record {
            Record::Chunk(chunk) if chunk.hole => {
                chunk.id = self.hole(chunk.range.len());
                None
            }
            Record::Chunk(Chunk { named: true, .. }) => None,
            Record::Chunk(Chunk { range, id, .. }) => Some((&data[range.clone()], id)),
            _ => None,
        });
        let mut rest = output;
        let objects = encrypted.map_or(&[][..], |unit| &unit.records).iter().filter_map(|record| match record {
            Record::Chunk(chunk) if !chunk.object.is_empty() => {
                // One after another, from the start of the output.
                let (object, others) = std::mem::take(&mut rest).split_at_mut(chunk.object.len());
                rest = others;
                Some(object)
            }
            _ => None,
        });
        sealer.name_and_authenticate(chunks, objects);
    }

    fn hole(&mut self, bytes: usize) -> Id {
        *self.holes.entry(bytes).or_insert_with(|| self.key.id(&vec![0; bytes]))
    }
}
