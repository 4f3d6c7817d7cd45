//! `diff`: what is different between two archives of a repository.

use std::io::{self, Write};

use nanoprobe_archive::FeatureOperation;
use nanoprobe_operations::{
    Error,
    diff::{Difference, Lines, Options, diff},
};
use nanoprobe_repository::Locking;

use super::{
    Context,
    context::{self, Archive},
    selection,
};
use crate::{
    Failure,
    arguments::Diff,
    monitor::Listing,
    output::{Layout, differences, time::Zone},
    signals::{self, INTERRUPT},
};

pub(super) fn run(arguments: &Diff, context: &Context<'_>) -> Result<(), Failure> {
    let sort_by = arguments.sort_fields()?;
    let location = context.location(&arguments.location, Archive::Required, None)?;
    let second = context.new_archive_name(&arguments.archive2, "ARCHIVE2")?;
    let mut selection = selection::items(&arguments.patterns, &arguments.paths, 0, context)?;
    let repository = context.repository(&location, Locking::Shared)?;
    let session = context.session(repository, FeatureOperation::Read)?;
    let (_, old) = context::archive(&session, &Context::archive_name(&location))?;
    let (_, new) = context::archive(&session, &second)?;
    let options = Options {
        content_only: arguments.content_only,
        numeric_ids: arguments.numeric_ids,
        same_chunker_params: arguments.same_chunker_params,
        sort_by,
    };
    let layout = if arguments.json_lines { Layout::JsonLines } else { Layout::Text };
    let mut lines = Printed { layout, zone: Zone::local(), out: io::BufWriter::new(io::stdout().lock()) };
    let monitor = context.monitor(Listing::Off, None);
    signals::stoppable();
    let result = diff(&session, [&old, &new], &mut selection, &options, &mut lines, &monitor, &INTERRUPT);
    monitor.finish();
    lines.out.flush()?;
    Ok(result?)
}

/// Lines on standard output.
struct Printed {
    layout: Layout,
    zone: Zone,
    out: io::BufWriter<io::StdoutLock<'static>>,
}

impl Lines for Printed {
    fn line(&mut self, difference: &Difference<'_>, line: &mut Vec<u8>) {
        differences::line(difference, self.layout, &self.zone, line);
    }

    fn print(&mut self, line: &[u8]) -> Result<(), Error> {
        self.out.write_all(line).map_err(Error::local("cannot write to", "standard output"))
    }
}
