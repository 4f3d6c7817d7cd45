//! `compact`

use nanoprobe_operations::{Error, compact::compact};
use nanoprobe_repository::{CommitSegments, CompactOptions, Locking};

use super::{Context, context::Archive};
use crate::{
    Failure,
    arguments::Compact,
    log::REPOSITORY,
    monitor::Listing,
    signals::{self, INTERRUPT},
};

pub(super) fn run(arguments: &Compact, context: &Context<'_>) -> Result<(), Failure> {
    let location = context.location(&arguments.location, Archive::Refused, None)?;
    let repository = context.repository(&location, Locking::Exclusive)?;
    if arguments.dry_run {
        return Ok(()); // as Borg: that the repository can be opened is all it tells
    }
    let commit_segments = if arguments.cleanup_commits { CommitSegments::CleanUp } else { CommitSegments::AsKnown };
    let index_delta_entries = context.budget()?.compaction_delta_entries();
    let options = CompactOptions { threshold_percent: arguments.threshold, commit_segments, index_delta_entries };
    let monitor = context.monitor(Listing::Off, None).named(REPOSITORY);
    signals::stoppable();
    let result = compact(&*repository, &options, &monitor, &INTERRUPT);
    monitor.finish();
    match result {
        Err(Error::Interrupted) => Err(Failure::interrupted()),
        result => Ok(result?),
    }
}
