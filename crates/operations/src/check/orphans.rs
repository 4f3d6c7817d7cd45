//! Objects that no archive refers to: all references, sorted on disk, held against all objects, sorted likewise.

use std::path::Path;

use nanoprobe_format::Id;
use nanoprobe_repository::Repository;

use crate::{Budget, Error, sorted_pass::SortedPass};

/// Ids that are listed at a time.
const BATCH: usize = 10_000;

/// Collects references.
pub(super) struct References<'a> {
    pass: SortedPass<32>,
    scratch: &'a Path,
    memory_bytes: usize,
}

impl<'a> References<'a> {
    /// One of two sorted passes: references here, objects later.
    pub(super) fn new(scratch: &'a Path, budget: Budget) -> Self {
        let memory_bytes = budget.sort_bytes(2);
        Self { pass: SortedPass::new(scratch, memory_bytes, is_same), scratch, memory_bytes }
    }

    /// The object is in use.
    pub(super) fn add(&mut self, id: &Id) -> Result<(), Error> {
        self.pass.push(id.0).map_err(Error::local("temporary file in", self.scratch))
    }

    /// How many objects, the manifest apart, nobody has added.
    pub(super) fn count_orphans(self, repository: &dyn Repository) -> Result<u64, Error> {
        let failed = || Error::local("temporary file in", self.scratch);
        let mut objects = SortedPass::new(self.scratch, self.memory_bytes, is_same);
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
        let mut used = self.pass.finish().map_err(failed())?.peekable();
        let mut orphans = 0;
        for object in objects.finish().map_err(failed())? {
            let object = object.map_err(failed())?;
            while used.next_if(|used| used.as_ref().is_ok_and(|used| *used < object)).is_some() {}
            match used.peek() {
                Some(Ok(used)) if *used == object => {}
                Some(Err(_)) => {
                    if let Some(Err(error)) = used.next() {
                        return Err(failed()(error));
                    }
                }
                _ => orphans += 1,
            }
        }
        Ok(orphans)
    }
}

fn is_same(first: &mut [u8; 32], second: &[u8; 32]) -> bool {
    first == second
}
