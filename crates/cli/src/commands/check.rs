//! `check`: the repository's files, then the archives; either can be repaired.

use std::{sync::Arc, time::Duration};

use nanoprobe_key::Key;
use nanoprobe_operations::{
    Error,
    check::{Options, Outcome, Scope, Subject, check},
    select::Checkpoints,
};
use nanoprobe_repository::{CheckMode, Locking};

use super::{Context, context::Archive, selection};
use crate::{
    Failure,
    arguments::Check,
    log::REPOSITORY,
    monitor::Listing,
    signals::{self, INTERRUPT},
};

pub(super) fn run(arguments: &Check, context: &Context<'_>) -> Result<(), Failure> {
    let location = context.location(&arguments.location, Archive::Allowed, None)?;
    let narrow = arguments.verify_data || arguments.filters.narrow();
    if arguments.repair && !context.prompt().repair_repository() {
        return Err(Failure::cancelled());
    }
    if arguments.repository_only && narrow {
        return Err(Failure::command(
            "--repository-only contradicts --first, --last, --glob-archives, --prefix and --verify-data arguments.",
        ));
    }
    // Beyond Borg, which has neither, archives can be checked and repaired in slices of time.
    if arguments.max_duration > 0 && !arguments.archives_only {
        if arguments.repair {
            return Err(Failure::command("--repair does not allow --max-duration argument."));
        }
        if !arguments.repository_only {
            return Err(Failure::command("--repository-only is required for --max-duration support."));
        }
    }
    let options = Options {
        scope: match (arguments.repository_only, arguments.archives_only) {
            (true, false) => Scope::Repository,
            (false, true) => Scope::Archives,
            (false, false) => Scope::All,
            // Borg checks nothing when both are given.
            (true, true) => return Ok(()),
        },
        verify_data: arguments.verify_data,
        archive: location.archive.is_some().then(|| Context::archive_name(&location)),
        selection: selection::archives(&arguments.filters, Checkpoints::Consider, context)?,
        maximum_duration: Duration::from_secs(arguments.max_duration),
        mode: if arguments.repair { CheckMode::Repair } else { CheckMode::Examine },
    };
    let repository = context.repository(&location, Locking::Exclusive)?;
    let places = context.places()?;
    let mut prompt = context.prompt();
    let subject = Subject {
        repository: Arc::clone(&repository),
        unlock: &mut |object| Ok(Key::unlock(&*repository, object, &places.directories, &mut prompt)?),
        places: &places,
        budget: context.budget()?,
    };
    let monitor = context.monitor(Listing::Off, None).named(REPOSITORY);
    signals::stoppable();
    let outcome = check(subject, &options, &monitor, &INTERRUPT);
    monitor.finish();
    match outcome {
        Ok(Outcome::Sound) => Ok(()),
        Ok(Outcome::Defective) => {
            context.status.warn(1);
            Ok(())
        }
        Err(Error::Interrupted) => Err(Failure::interrupted()),
        Err(error) => Err(error.into()),
    }
}
