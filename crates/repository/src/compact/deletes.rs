//! Which DELETEs are still needed.
//!
//! A DELETE of an id that is gone may be dropped when the shadow index knows the id and no older PUT of it is left in a
//! lower segment: then nothing could bring the object back. What the shadow index does not know is kept. The shadow index
//! is a file that is only read front to back, so the DELETEs of the segments ahead are gathered, up to a limit, and judged
//! in one pass. Cost: 48 bytes a gathered DELETE, at most as many as the overlay of the hints has entries.

use nanoprobe_format::Id;
use nanoprobe_format::segment::Tag;

use super::plan::Plan;
use crate::Error;
use crate::hints::Shadow;
use crate::local::LocalRepository;
use crate::segment_read::{Depth, LogEntry};

/// What becomes of a DELETE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is copied.
    Needed,
    /// A later PUT of the id is current, and does its work.
    Superseded,
    /// Nothing is left that it covers.
    Dropped {
        /// Nothing is left that the shadow index has to remember of the id.
        forget: bool,
    },
}

/// The judged DELETEs.
#[derive(Debug)]
pub(super) struct Deletes {
    capacity: usize,
    /// Sorted by id and rank.
    judged: Vec<Judged>,
    /// Rank and offset up to which DELETEs are judged.
    end: (usize, u32),
}

#[derive(Clone, Copy, Debug)]
struct Judged {
    id: Id,
    rank: u32,
    fate: Fate,
}

impl Deletes {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, judged: Vec::new(), end: (0, 0) }
    }

    /// Forgets what was judged: work starts at the plan's beginning, or the plan is another one.
    pub(super) fn restart(&mut self) {
        self.judged.clear();
        self.end = (0, 0);
    }

    /// What becomes of a DELETE of an id that is not in the index. Work goes forward only.
    pub(super) fn fate(
        &mut self,
        repository: &LocalRepository,
        shadow: &Shadow,
        plan: &Plan,
        rank: usize,
        entry: LogEntry,
    ) -> Result<Fate, Error> {
        if (rank, entry.offset) >= self.end {
            self.gather(repository, plan, rank, entry.offset)?;
            self.judge(repository, shadow, plan)?;
        }
        let place = self.judged.binary_search_by_key(&(entry.id, rank as u32), |judged| (judged.id, judged.rank));
        Ok(place.map_or(Fate::Needed, |place| self.judged[place].fate))
    }

    fn gather(
        &mut self,
        repository: &LocalRepository,
        plan: &Plan,
        start: usize,
        mut offset: u32,
    ) -> Result<(), Error> {
        self.judged.clear();
        for (rank, sparse) in plan.segments.iter().enumerate().skip(start) {
            self.end = (rank + 1, 0);
            let walked = repository.reader.walk(sparse.segment, offset, Depth::Headers, |entry| {
                if entry.tag == Tag::Delete && repository.find(&entry.id)?.is_none() {
                    if self.judged.len() >= self.capacity {
                        self.end = (rank, entry.offset);
                        return Ok(false);
                    }
                    self.judged.push(Judged { id: entry.id, rank: rank as u32, fate: Fate::Needed });
                }
                Ok(true)
            });
            match walked {
                Ok(()) if self.end == (rank + 1, 0) => offset = 0,
                // Copying will stop at a damaged entry too.
                Ok(()) | Err(Error::Integrity(_)) => break,
                Err(error) => return Err(error),
            }
        }
        self.judged.sort_unstable_by_key(|judged| (judged.id, judged.rank));
        Ok(())
    }

    fn judge(&mut self, repository: &LocalRepository, shadow: &Shadow, plan: &Plan) -> Result<(), Error> {
        if self.judged.is_empty() {
            return Ok(());
        }
        shadow.each(&*repository.fs, |id, segments| {
            let start = self.judged.partition_point(|judged| judged.id < *id);
            for judged in self.judged[start..].iter_mut().take_while(|judged| judged.id == *id) {
                let rank = judged.rank as usize;
                let own = plan.segments[rank].segment;
                let is_gone = |segment: u32| plan.rank(segment).is_some_and(|other| other < rank);
                if !segments.iter().any(|&segment| segment < own && !is_gone(segment)) {
                    let forget = segments.iter().all(|&segment| segment == own || is_gone(segment));
                    judged.fate = Fate::Dropped { forget };
                }
            }
            Ok(())
        })
    }
}
