//! `compact`: frees the room of what no archive needs any more. The work is the repository's; here is when it may stop.

use std::ops::ControlFlow;

use nanoprobe_format::Id;
use nanoprobe_repository::{CompactOptions, CompactReport, Repository};

use crate::{Error, Event, Interrupt, Monitor};

/// Compacts. An interrupt ends it early, with what was done until then committed.
pub fn compact(
    repository: &dyn Repository,
    options: &CompactOptions,
    monitor: &dyn Monitor,
    interrupt: &Interrupt,
) -> Result<(), Error> {
    // Where even the manifest is missing, something is wrong, and nothing must be thrown away.
    repository.get(&Id::MANIFEST, &mut Vec::new())?;
    let operation = "repository.compact_segments";
    repository.compact(options, &mut |report| {
        match report {
            CompactReport::Progress { done, total } => {
                monitor.event(Event::Progress { operation, done, total, information: b"" });
            }
            CompactReport::Information(text) => {
                monitor.event(Event::ProgressFinished { operation });
                monitor.event(Event::Information(text));
            }
            CompactReport::Remark(text) => monitor.event(Event::Remark(text)),
            _ => {}
        }
        if interrupt.requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    if interrupt.requested() { Err(Error::Interrupted) } else { Ok(()) }
}
