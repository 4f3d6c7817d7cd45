//! `export-tar`: an archive's files into a tar archive.

use std::io;

use nanoprobe_archive::FeatureOperation;
use nanoprobe_operations::{
    Error,
    extract::{Options, Target, extract},
    tar::{TarOutput, Way},
};
use nanoprobe_repository::Locking;

use super::{
    Context,
    context::{Archive, archive_entry},
    selection, tar_stream,
};
use crate::{
    Failure,
    arguments::ExportTar,
    monitor::Listing,
    signals::{self, INTERRUPT},
};

/// The headers of small files and their content go out together.
const WRITE_BYTES: usize = 64 << 10;

pub(super) fn run(arguments: &ExportTar, context: &Context<'_>) -> Result<(), Failure> {
    let location = context.location(&arguments.location, Archive::Required, None)?;
    let mut selection = selection::items(&arguments.patterns, &arguments.paths, arguments.strip_components, context)?;
    let filter = tar_stream::filter(&arguments.tar_filter, &arguments.tarfile, Way::Out)?;
    let repository = context.repository(&location, Locking::Shared)?;
    let session = context.session(repository, FeatureOperation::Read)?;
    let archive = archive_entry(&session, &Context::archive_name(&location))?;
    let options = Options { list: arguments.output_list, progress: context.common.progress, ..Options::default() };
    let listing = if arguments.output_list { Listing::Path } else { Listing::Off };
    let monitor = context.monitor(listing, None);
    let output = TarOutput::create(tar_stream::open(&arguments.tarfile, Way::Out)?, filter.as_ref(), &monitor)?;
    let mut output = io::BufWriter::with_capacity(WRITE_BYTES, output);
    if context.common.progress {
        monitor.announce("extract", "Calculating size");
    }
    signals::stoppable();
    let result = extract(&session, &archive, &mut selection, Target::Tar(&mut output), &options, &monitor, &INTERRUPT);
    monitor.finish();
    let (output, _) = output.into_parts();
    match result {
        // A filter that has failed takes no more: its own failure says more.
        Err(Error::Local { source, .. }) if filter.is_some() && source.kind() == io::ErrorKind::BrokenPipe => {
            output.finish()?;
            Err(source.into())
        }
        Err(error) => Err(error.into()),
        Ok(()) => Ok(output.finish()?),
    }
}
