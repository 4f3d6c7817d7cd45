//! `debug dump-archive-items`, `dump-archive`, `dump-manifest`: metadata, raw and as JSON.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
};

use nanoprobe_archive::{FeatureOperation, ItemReader};
use nanoprobe_format::Id;
use nanoprobe_operations::Session;
use nanoprobe_repository::Locking;

use crate::{
    Failure,
    arguments::{DebugArchive, DebugArchiveToPath, DebugPath},
    commands::{
        Context,
        context::{Archive, archive, archive_entry},
    },
    output::{
        json::Json,
        packed::{self, write_packed},
    },
};

pub(super) fn dump_items(arguments: &DebugArchive, context: &Context<'_>) -> Result<(), Failure> {
    let (session, name) = open(&arguments.location, Archive::Required, context)?;
    let (_, metadata) = archive(&session, &name)?;
    let mut opener = session.key.opener();
    let (mut object, mut data, mut out) = (Vec::new(), Vec::new(), io::stdout().lock());
    for (number, id) in metadata.items.iter().enumerate() {
        session.repository.get(id, &mut object)?;
        opener.open_in_place(Some(id), &mut object, &mut data)?;
        let name = format!("{number:06}_{id}.items");
        writeln!(out, "Dumping {name}")?;
        fs::write(name, &data)?;
    }
    Ok(writeln!(out, "Done.")?)
}

pub(super) fn dump_archive(arguments: &DebugArchiveToPath, context: &Context<'_>) -> Result<(), Failure> {
    let (session, name) = open(&arguments.location, Archive::Required, context)?;
    let entry = archive_entry(&session, &name)?;
    let (_, metadata) = archive(&session, &name)?;
    let mut opener = session.key.opener();
    let (mut object, mut data) = (Vec::new(), Vec::new());
    session.repository.get(&entry.id, &mut object)?;
    opener.open_in_place(Some(&entry.id), &mut object, &mut data)?;
    dump_to(&arguments.path, |out| {
        out.write_all(b"{\n    \"_name\": ")?;
        Json::text(nanoprobe_archive::text::encode(&name)).write_line(out)?;
        out.write_all(b",\n    \"_manifest_entry\":\n    ")?;
        let id = packed::text(&entry.id.0);
        Json::map([("id", id), ("time", Json::text(&entry.time))]).write_nested(out, 1)?;
        out.write_all(b",\n    \"_meta\":\n    ")?;
        write_packed(&data, out, 1)?;
        out.write_all(b",\n    \"_items\": [\n")?;
        let mut items = ItemReader::new(&*session.repository, opener, &metadata.items);
        let mut separator: &[u8] = b"    ";
        while let Some(item) = items.next_packed()? {
            out.write_all(separator)?;
            write_packed(item, out, 1)?;
            separator = b",\n    ";
        }
        Ok(out.write_all(b"\n    ]\n}\n")?)
    })
}

pub(super) fn dump_manifest(arguments: &DebugPath, context: &Context<'_>) -> Result<(), Failure> {
    let (session, _) = open(&arguments.location, Archive::Refused, context)?;
    let (mut object, mut data) = (Vec::new(), Vec::new());
    session.repository.get(&Id::MANIFEST, &mut object)?;
    session.key.opener().open_in_place(None, &mut object, &mut data)?;
    dump_to(&arguments.path, |out| Ok(write_packed(&data, out, 0)?))
}

/// Opens without looking at feature flags: who debugs wants to see whatever is there.
fn open(location: &std::ffi::OsStr, archive: Archive, context: &Context<'_>) -> Result<(Session, String), Failure> {
    let location = context.location(location, archive, None)?;
    let repository = context.repository(&location, Locking::Shared)?;
    Ok((context.session(repository, FeatureOperation::Unchecked)?, Context::archive_name(&location)))
}

fn dump_to(path: &str, dump: impl FnOnce(&mut dyn Write) -> Result<(), Failure>) -> Result<(), Failure> {
    let out: Box<dyn Write> = if path == "-" { Box::new(io::stdout().lock()) } else { Box::new(File::create(path)?) };
    let mut out = BufWriter::new(out);
    dump(&mut out)?;
    Ok(out.flush()?)
}
