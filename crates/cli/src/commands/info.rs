//! `info`: what archives or the whole repository hold and need.

use std::io::{self, Write};

use nanoprobe_archive::FeatureOperation;
use nanoprobe_operations::{
    info::{repository_totals, totals},
    select::Checkpoints,
};
use nanoprobe_repository::Locking;

use super::{
    Context,
    context::{Archive, archive, archive_entry},
    describe::{self, Description},
    selection,
};
use crate::{
    Failure,
    arguments::Info,
    monitor::Listing,
    output::{
        information::{ArchiveInformation, RepositoryInformation},
        json::Json,
        statistics::ArchiveStatistics,
        time::Zone,
    },
    signals::{self, INTERRUPT},
};

pub(super) fn run(arguments: &Info, context: &Context<'_>) -> Result<(), Failure> {
    let location = context.location(&arguments.location, Archive::Allowed, None)?;
    let repository = context.repository(&location, Locking::Shared)?;
    let session = context.session(repository, FeatureOperation::Read)?;
    let monitor = context.monitor(Listing::Off, None);
    let (zone, id, key_file) = (Zone::local(), session.repository.id(), describe::key_file(&session));
    let cache = session.cache.display().to_string();
    let mut out = io::BufWriter::new(io::stdout().lock());
    signals::stoppable();
    if location.archive.is_none() && !arguments.filters.narrow() {
        let totals = repository_totals(&session, &monitor, &INTERRUPT)?;
        monitor.finish();
        let security = session.security.path().display().to_string();
        let information = RepositoryInformation {
            repository: describe::repository(&session, &id, key_file.as_deref()),
            cache: &cache,
            security: &security,
            totals: describe::totals(&totals.into()),
        };
        if arguments.json {
            return context.print_document(&information.document(&zone));
        }
        information.write(context.units(), &mut out)?;
        return Ok(out.flush()?);
    }

    let names: Vec<String> = if location.archive.is_some() {
        vec![archive_entry(&session, &Context::archive_name(&location))?.name]
    } else {
        let selection = selection::archives(&arguments.filters, Checkpoints::Consider, context)?;
        selection.apply(session.manifest.archives()).into_iter().map(|entry| entry.name.clone()).collect()
    };
    let totals = totals(&session, &names.iter().map(String::as_str).collect::<Vec<_>>(), &monitor, &INTERRUPT)?;
    monitor.finish();
    let repository_totals = describe::totals(&totals.repository.into());
    let mut documents = Vec::new();
    for (place, (name, sums)) in names.iter().zip(&totals.archives).enumerate() {
        let (entry, metadata) = archive(&session, name)?;
        let description = Description::new(&metadata);
        let statistics = ArchiveStatistics {
            original_bytes: sums.size_bytes,
            compressed_bytes: sums.csize_bytes,
            deduplicated_bytes: sums.deduplicated_bytes,
            files: sums.files,
        };
        let metadata_bytes = session.repository.stored_bytes(&entry.id)?.unwrap_or(0);
        let information = ArchiveInformation {
            archive: description.created(&entry.id, metadata_bytes.into(), statistics),
            details: description.details(),
            working_directory: &description.working_directory,
            chunker_parameters: metadata.chunker_params,
        };
        if arguments.json {
            documents.push(information.json(&zone));
            continue;
        }
        if place > 0 {
            writeln!(out)?;
        }
        information.write(&repository_totals, context.units(), &zone, &mut out)?;
    }
    out.flush()?;
    drop(out);
    if arguments.json {
        let description = describe::repository(&session, &id, key_file.as_deref());
        let mut document = description.document(Some((&cache, &repository_totals)), &zone);
        document.set("archives", Json::List(documents));
        context.print_document(&document)?;
    }
    Ok(())
}
