//! `list`: a repository's archives, or an archive's items.

use std::io::{self, Write};

use nanoprobe_archive::{ArchiveMetadata, FeatureOperation, ItemReader, text};
use nanoprobe_format::{ChunkRef, item::Item};
use nanoprobe_key::Opener;
use nanoprobe_operations::{
    Session,
    select::Checkpoints,
    unique::{Unique, UniqueByItem},
};
use nanoprobe_repository::{Locking, Repository};

use super::{
    Context,
    context::{self, Archive},
    describe::{self, Description},
    selection,
};
use crate::{
    Failure,
    arguments::List,
    monitor::Listing,
    output::{
        Layout, archives,
        items::{self, Content, ItemLines, UniqueChunks},
        json::Json,
        time::Zone,
    },
    signals::{self, INTERRUPT},
};

pub(super) fn run(arguments: &List, context: &Context<'_>) -> Result<(), Failure> {
    let location = context.location(&arguments.location, Archive::Allowed, None)?;
    let repository = context.repository(&location, Locking::Shared)?;
    let session = context.session(repository, FeatureOperation::Read)?;
    signals::stoppable();
    match &location.archive {
        Some(_) if arguments.json => {
            Err(Failure::command("The --json option is only valid for listing archives, not archive contents."))
        }
        Some(_) => list_items(arguments, &session, &Context::archive_name(&location), context),
        None if arguments.json_lines => {
            Err(Failure::command("The --json-lines option is only valid for listing archive contents, not archives."))
        }
        None => list_archives(arguments, &session, context),
    }
}

fn list_archives(arguments: &List, session: &Session, context: &Context<'_>) -> Result<(), Failure> {
    let format = format(arguments, archives::DEFAULT, archives::SHORT);
    let zone = Zone::local();
    let lines = archives::ArchiveLines::new(&format, &zone)?;
    let checkpoints = if arguments.consider_checkpoints { Checkpoints::Consider } else { Checkpoints::Skip };
    let selection = selection::archives(&arguments.filters, checkpoints, context)?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut documents = Vec::new();
    for entry in selection.apply(session.manifest.archives()) {
        let name = text::encode(&entry.name);
        let shown = archives::Archive { name: &name, id: &entry.id, time: &entry.time };
        let description = match lines.needs_details() {
            true => {
                let opener = &mut session.key.opener();
                let metadata = ArchiveMetadata::open(&*session.repository, &session.key, opener, &entry.id)?;
                Some(Description::new(&metadata))
            }
            false => None,
        };
        let details = description.as_ref().map(Description::details);
        match arguments.json {
            true => documents.push(lines.json(&shown, details.as_ref())),
            false => lines.write::<Failure>(&shown, details.as_ref(), &mut out)?,
        }
    }
    out.flush()?;
    drop(out);
    if arguments.json {
        let (id, key_file) = (session.repository.id(), describe::key_file(session));
        let mut document = describe::repository(session, &id, key_file.as_deref()).document(None, &zone);
        document.set("archives", Json::List(documents));
        context.print_document(&document)?;
    }
    Ok(())
}

fn list_items(arguments: &List, session: &Session, name: &str, context: &Context<'_>) -> Result<(), Failure> {
    let mut selection = selection::items(&arguments.patterns, &arguments.paths, 0, context)?;
    let (entry, metadata) = context::archive(session, name)?;
    let layout = if arguments.json_lines { Layout::JsonLines } else { Layout::Text };
    let (zone, shown_name) = (Zone::local(), text::encode(&entry.name));
    let format = format(arguments, items::DEFAULT, items::SHORT);
    let mut lines = ItemLines::new(&format, layout, &shown_name, &entry.id, &zone)?;
    let unique = match lines.needs_unique_chunks() {
        true => {
            let monitor = context.monitor(Listing::Off, None);
            let unique = UniqueByItem::new(session, &entry.name, &monitor, &INTERRUPT);
            monitor.finish();
            Some(unique?)
        }
        false => None,
    };
    let repository = &*session.repository;
    let (opener, object, data) = (session.key.opener(), Vec::new(), Vec::new());
    let mut content = StoredContent { repository, opener, object, data, unique, position: 0 };
    let most_item_bytes = session.budget.item_bytes();
    let mut items = ItemReader::with_limit(repository, session.key.opener(), &metadata.items, most_item_bytes);
    let mut out = io::BufWriter::new(io::stdout().lock());
    while let Some(item) = items.next()? {
        if INTERRUPT.requested() {
            return Err(Failure::interrupted());
        }
        if selection.considers(&item) && selection.matches(&item).is_some() {
            lines.write(&item, &mut content, &mut out)?;
        }
        content.position += 1;
    }
    Ok(out.flush()?)
}

fn format(arguments: &List, default: &str, short: &str) -> String {
    match &arguments.format {
        Some(format) => format.to_string_lossy().into_owned(),
        None if arguments.short => short.to_owned(),
        None => default.to_owned(),
    }
}

/// Reads what items hold, chunk by chunk. Costs one object and one chunk.
struct StoredContent<'a> {
    repository: &'a dyn Repository,
    opener: Opener,
    object: Vec<u8>,
    data: Vec<u8>,
    unique: Option<UniqueByItem>,
    /// Of the item at hand among all items of the archive.
    position: u64,
}

impl Content for StoredContent<'_> {
    type Error = Failure;

    fn read(&mut self, item: &Item<'_>, sink: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        for ChunkRef { id, .. } in item.chunks.iter().flat_map(|chunks| chunks.iter()) {
            self.repository.get(&id, &mut self.object)?;
            self.opener.open(Some(&id), &self.object, &mut self.data)?;
            sink(&self.data);
        }
        Ok(())
    }

    fn unique(&mut self, _item: &Item<'_>) -> Result<UniqueChunks, Failure> {
        let Some(unique) = &mut self.unique else { return Ok(UniqueChunks::default()) };
        let Unique { chunks, size_bytes, csize_bytes } = unique.at(self.position)?;
        Ok(UniqueChunks { chunks, original_bytes: size_bytes, compressed_bytes: csize_bytes })
    }
}
