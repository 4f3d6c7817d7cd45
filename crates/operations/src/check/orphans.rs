//! Objects that no archive refers to: all references, sorted on disk, held against all objects, sorted likewise.

use std::{iter::Peekable, path::Path};

use nanoprobe_format::Id;
use nanoprobe_repository::Repository;

use crate::{
    Budget, Error,
    sorted_pass::{Sorted, SortedPass},
};

/// Ids that are listed at a time.
const BATCH: usize = 10_000;

/// Collects references.
pub(super) struct References<'a> {
    used: SortedPass<32>,
    superseded: SortedPass<32>,
    scratch: &'a Path,
    memory_bytes: usize,
}

/// Objects in nobody's use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Unused {
    /// Nobody knows what they are for.
    pub(super) orphans: u64,
    /// A repair put others in their places.
    pub(super) superseded: u64,
}

impl<'a> References<'a> {
    /// Two of three sorted passes; the third is of objects.
    pub(super) fn new(scratch: &'a Path, budget: Budget) -> Self {
        let memory_bytes = budget.sort_bytes(3);
        let [used, superseded] = [(); 2].map(|()| SortedPass::new(scratch, memory_bytes, is_same));
        Self { used, superseded, scratch, memory_bytes }
    }

    /// The object is in use.
    pub(super) fn used(&mut self, id: &Id) -> Result<(), Error> {
        self.used.push(id.0).map_err(Error::local("temporary file in", self.scratch))
    }

    /// If nobody uses the object, it is known why.
    pub(super) fn superseded(&mut self, id: &Id) -> Result<(), Error> {
        self.superseded.push(id.0).map_err(Error::local("temporary file in", self.scratch))
    }

    /// What is in use is to be told anew.
    pub(super) fn forget_used(&mut self) {
        self.used = SortedPass::new(self.scratch, self.memory_bytes, is_same);
    }

    /// Hands every object, the manifest apart, that is in nobody's use to `each`, by ascending id, and counts them.
    pub(super) fn unused(
        self,
        repository: &dyn Repository,
        each: &mut dyn FnMut(&Id) -> Result<(), Error>,
    ) -> Result<Unused, Error> {
        let Self { used, superseded, scratch, memory_bytes } = self;
        let failed = || Error::local("temporary file in", scratch);
        let mut objects = SortedPass::new(scratch, memory_bytes, is_same);
        let (mut ids, mut after) = (Vec::new(), None);
        loop {
            ids.clear();
            repository.list(after.as_ref(), BATCH, &mut ids)?;
            let Some(last) = ids.last() else { break };
            after = Some(*last);
            for id in ids.iter().filter(|id| **id != Id::MANIFEST) {
                objects.push(id.0).map_err(failed())?;
            }
        }
        let mut used = used.finish().map_err(failed())?.peekable();
        let mut superseded = superseded.finish().map_err(failed())?.peekable();
        let mut unused = Unused::default();
        for object in objects.finish().map_err(failed())? {
            let object = object.map_err(failed())?;
            if is_among(&mut used, &object).map_err(failed())? {
                continue;
            }
            match is_among(&mut superseded, &object).map_err(failed())? {
                true => unused.superseded += 1,
                false => unused.orphans += 1,
            }
            each(&Id(object))?;
        }
        Ok(unused)
    }
}

/// Whether the record is there; what comes before it is passed over.
fn is_among(records: &mut Peekable<Sorted<32>>, record: &[u8; 32]) -> std::io::Result<bool> {
    while records.next_if(|found| found.as_ref().is_ok_and(|found| found < record)).is_some() {}
    match records.peek() {
        Some(Ok(found)) => Ok(found == record),
        None => Ok(false),
        Some(Err(_)) => records.next().transpose().map(|_| false),
    }
}

fn is_same(first: &mut [u8; 32], second: &[u8; 32]) -> bool {
    first == second
}
