//! What the low-level check does about defects.
//!
//! Segments that are damaged are replaced by what is whole of them (`salvage`), and then the log alone tells everything anew.
//! Each step leaves a repository that the next run can go on with:
//!  1. segments behind the last transaction are removed; they were never committed;
//!  2. where that transaction's COMMIT cannot be read any more, another one is appended, so that it counts without an index;
//!  3. before the first segment is replaced, index, hints and integrity are removed: they would point to the wrong places;
//!  4. damaged segments are replaced, one after the other, each atomically;
//!  5. index and hints are made from the log.
//!
//! Nothing is changed where nothing is found.

use crate::Error;
use crate::check::Check;
use crate::local::{LocalRepository, lock};
use crate::salvage::salvage;
use crate::segment_write::Ending;

impl LocalRepository {
    pub(crate) fn require_repairable(&self) -> Result<(), Error> {
        if self.settings.append_only {
            return Err(Error::AppendOnly(self.path.display().to_string()));
        }
        self.require_exclusive()
    }
}

impl Check<'_> {
    /// Steps 1 and 2: makes `last` the end of the log.
    pub(crate) fn secure(&mut self, last: u32) -> Result<(), Error> {
        let repository = self.repository;
        repository.remove_segments_after(last)?;
        if repository.reader.last_committed()? != Some(last) {
            self.defect(&format!("Adding commit tag to segment {last}"));
            repository.writer.restart(last.saturating_add(1));
            repository.writer.commit(&repository.reader, Ending::Alone)?;
        }
        Ok(())
    }

    /// Steps 3 and 4, for one segment.
    pub(crate) fn recover(&mut self, segment: u32) -> Result<(), Error> {
        let repository = self.repository;
        let path = repository.reader.segments.path(segment);
        self.information(&format!("attempting to recover {}", path.display()));
        if !self.salvaged {
            self.forget_index()?;
            self.salvaged = true;
        }
        salvage(&*repository.fs, &path)?;
        repository.reader.forget(segment);
        Ok(())
    }

    /// Step 5.
    pub(crate) fn rebuild_index(&mut self) -> Result<(), Error> {
        self.forget_index()?;
        self.repository.load(&mut lock(&self.repository.transaction))
    }

    fn forget_index(&self) -> Result<(), Error> {
        self.repository.remove_auxiliary(None)?;
        self.repository.forget(&mut lock(&self.repository.transaction));
        Ok(())
    }
}
