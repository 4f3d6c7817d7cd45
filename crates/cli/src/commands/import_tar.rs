//! `import-tar`: a tar archive's members into a new archive.

use nanoprobe_archive::FeatureOperation;
use nanoprobe_operations::{
    Error,
    create::import_tar,
    tar::{TarInput, Way, Zeros},
};
use nanoprobe_repository::Locking;

use super::{
    Context,
    context::Archive,
    create::{self, Wanted},
    tar_stream, timestamp,
};
use crate::{
    Failure,
    arguments::{ImportTar, only_one},
    monitor::Listing,
    signals::{self, INTERRUPT, Signal},
};

pub(super) fn run(arguments: &ImportTar, context: &Context<'_>) -> Result<(), Failure> {
    let timestamp = arguments.archive.timestamp.as_deref().map(timestamp::parse).transpose()?;
    let location = context.location(&arguments.location, Archive::Required, timestamp)?;
    let status_letters = only_one("--filter", arguments.filter.clone())?;
    let tar_filter = only_one("--tar-filter", arguments.tar_filter.clone())?;
    let filter = tar_stream::filter(tar_filter.as_deref().unwrap_or("auto"), &arguments.tarfile, Way::In)?;
    let options = create::archive_options(&arguments.archive, Context::archive_name(&location), timestamp, context)?;
    let zeros = if arguments.ignore_zeros { Zeros::Ignore } else { Zeros::End };

    let repository = context.repository(&location, Locking::Exclusive)?;
    let mut session = context.session(repository, FeatureOperation::Write)?;
    let listing = if arguments.output_list { Listing::Status(status_letters) } else { Listing::Off };
    let monitor = context.monitor(listing, None);
    let input = TarInput::open(tar_stream::open(&arguments.tarfile, Way::In)?, filter.as_ref(), &monitor)?;
    signals::stoppable();
    let outcome = import_tar(&mut session, &options, input, zeros, &monitor, &INTERRUPT);
    monitor.finish_archive();
    monitor.finish();
    let outcome = outcome.map_err(|error| match (error, signals::received()) {
        // Borg's words for an archive that is left as a checkpoint.
        (Error::Interrupted, Some(Signal::Interrupt)) => Failure::error("Got Ctrl-C / SIGINT."),
        (error, _) => error.into(),
    })?;
    let wanted = match (arguments.quick_stats, arguments.stats || arguments.json) {
        (true, _) => Wanted::Archive,
        (false, true) => Wanted::ArchiveAndRepository,
        (false, false) => return Ok(()),
    };
    create::print(&session, &outcome.archive, &outcome.statistics, wanted, arguments.json, context)
}
