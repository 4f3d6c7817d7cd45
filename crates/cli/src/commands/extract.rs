//! `extract`: an archive's files into the current directory.

use std::{io, path::Path};

use nanoprobe_archive::FeatureOperation;
use nanoprobe_operations::extract::{AttributeOptions, Options, Target, extract};
use nanoprobe_repository::Locking;

use super::{
    Context,
    context::{Archive, archive_entry},
    selection,
};
use crate::{
    Failure,
    arguments::Extract,
    monitor::Listing,
    signals::{self, INTERRUPT},
};

pub(super) fn run(arguments: &Extract, context: &Context<'_>) -> Result<(), Failure> {
    let location = context.location(&arguments.location, Archive::Required, None)?;
    let mut selection = selection::items(&arguments.patterns, &arguments.paths, arguments.strip_components, context)?;
    let repository = context.repository(&location, Locking::Shared)?;
    let session = context.session(repository, FeatureOperation::Read)?;
    let archive = archive_entry(&session, &Context::archive_name(&location))?;
    let options = Options {
        list: arguments.output_list,
        sparse: arguments.sparse,
        skip_present: arguments.resume,
        progress: context.common.progress || context.log.is_terminal(),
        attributes: AttributeOptions {
            numeric_ids: arguments.attributes.numeric_ids,
            no_flags: arguments.attributes.noflags,
            no_acls: arguments.attributes.noacls,
            no_xattrs: arguments.attributes.noxattrs,
        },
    };
    let mut stdout = io::stdout();
    let target = match (arguments.dry_run, arguments.stdout) {
        (true, _) => Target::Nothing,
        (false, true) => Target::Stream(&mut stdout),
        (false, false) => Target::Directory(Path::new(".")),
    };
    let listing = if arguments.output_list { Listing::Path } else { Listing::Off };
    let monitor = context.monitor(listing, None);
    if context.common.progress {
        monitor.announce("extract", "Adding up sizes for the progress indicator (takes a while for a large archive)");
    }
    signals::stoppable();
    let result = extract(&session, &archive, &mut selection, target, &options, &monitor, &INTERRUPT);
    monitor.finish();
    Ok(result?)
}
