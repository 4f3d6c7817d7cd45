//! What `delete` and `prune` share: deleting a list of archives, and the statistics at the end.

use std::time::Duration;

use nanoprobe_archive::{ManifestEntry, text};
use nanoprobe_operations::{
    Error, Session,
    delete::{DeleteOptions, Deleted, Force, delete},
    info::known_totals,
    select::PartFiles,
};

use super::{Context, describe};
use crate::{
    Failure,
    monitor::Listing,
    output::{
        statistics::{DeletedStatistics, human},
        text::printable,
        time::Zone,
    },
    signals::{self, INTERRUPT, Signal},
};

/// Statistics that were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// `--quick-stats`
    Deleted,
    /// `--stats`
    DeletedAndRepository,
}

impl Wanted {
    /// A dry run has none, and says so.
    pub(super) fn new(stats: bool, quick_stats: bool, dry_run: bool, context: &Context<'_>) -> Option<Self> {
        if dry_run {
            for (option, given) in [("--stats", stats), ("--quick-stats", quick_stats)] {
                if given {
                    let message = format!("Ignoring {option}. It is not supported when using --dry-run.");
                    context.log.warning(message, None);
                }
            }
            return None;
        }
        match (quick_stats, stats) {
            (true, _) => Some(Self::Deleted),
            (false, true) => Some(Self::DeletedAndRepository),
            (false, false) => None,
        }
    }
}

/// Deletes archives that exist; none at all changes nothing.
pub(super) fn run(
    session: &mut Session,
    names: &[&str],
    force: Force,
    checkpoint_interval: u64,
    context: &Context<'_>,
) -> Result<Deleted, Failure> {
    if names.is_empty() {
        return Ok(Deleted::default());
    }
    let options = DeleteOptions {
        force,
        checkpoint_interval: Duration::from_secs(checkpoint_interval),
        part_files: if context.common.consider_part_files { PartFiles::Consider } else { PartFiles::Skip },
    };
    let monitor = context.monitor(Listing::Off, None);
    signals::stoppable();
    let outcome = delete(session, names, &options, &monitor, &INTERRUPT);
    monitor.finish();
    outcome.map_err(|error| match (error, signals::received()) {
        (Error::Interrupted, Some(Signal::Interrupt)) => Failure::error("Got Ctrl-C / SIGINT."),
        (error, _) => error.into(),
    })
}

/// The table at the end.
pub(super) fn print(
    session: &Session,
    deleted: &Deleted,
    wanted: Wanted,
    context: &Context<'_>,
) -> Result<(), Failure> {
    let totals = match wanted {
        Wanted::Deleted => None,
        Wanted::DeletedAndRepository => Some(describe::totals(&known_totals(session, &INTERRUPT)?)),
    };
    let statistics = DeletedStatistics {
        original_bytes: deleted.size_bytes,
        compressed_bytes: deleted.csize_bytes,
        deduplicated_bytes: deleted.deduplicated_bytes,
    };
    let mut table = Vec::new();
    statistics.write(totals.as_ref(), context.units(), &mut table)?;
    context.print_statistics(&table);
    Ok(())
}

/// An archive in a line of `--list`.
pub(super) fn archive_line(entry: &ManifestEntry, zone: &Zone) -> String {
    let name = printable(&text::encode(&entry.name));
    format!("{name:<36} {} [{}]", human(&entry.time, zone), entry.id)
}
