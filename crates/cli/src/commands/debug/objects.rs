//! `debug dump-repo-objs`, `id-hash`, `get-obj`, `put-obj`, `delete-obj`, `refcount-obj`: objects, whatever they are.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
};

use nanoprobe_archive::FeatureOperation;
use nanoprobe_format::{Id, segment::Tag};
use nanoprobe_key::{Key, MOST_PLAIN_BYTES, Opener};
use nanoprobe_operations::info::references;
use nanoprobe_repository::{LocalRepository, Locking, Repository};

use crate::{
    Failure,
    arguments::{DebugDumpObjects, DebugIds, DebugObject, DebugPath},
    commands::{Context, context::Archive},
    monitor::Listing,
    signals::{self, INTERRUPT},
};

/// Ids that are listed at a time.
pub(super) const BATCH: usize = 1000;

pub(super) fn dump(arguments: &DebugDumpObjects, context: &Context<'_>) -> Result<(), Failure> {
    let location = context.location(&arguments.location, Archive::Refused, None)?;
    if arguments.ghost {
        let repository =
            LocalRepository::open(&Context::only_local(&location)?, context.open_options(Locking::Shared))?;
        return dump_everything(arguments, &repository, context);
    }
    let repository = context.repository(&location, Locking::Shared)?;
    let mut opener = any_key(&*repository, context)?.opener();
    let mut dump = Dump::default();
    for_each_object(&*repository, &mut |id, object| dump.write(Some((id, object, &mut opener)), &format!("_{id}")))?;
    dump.finish()
}

/// With `--ghost`: whatever is in the segments.
fn dump_everything(
    arguments: &DebugDumpObjects,
    repository: &LocalRepository,
    context: &Context<'_>,
) -> Result<(), Failure> {
    let mut opener = None;
    repository.log_entries::<Failure>(None, None, &mut |entry, object| {
        if entry.tag == Tag::Put {
            opener = Some(unlock(repository, object, context)?.opener());
        }
        Ok(opener.is_none())
    })?;
    let mut dump = Dump::default();
    repository.log_entries::<Failure>(arguments.segment, arguments.offset, &mut |entry, object| {
        let place = format!("_{}_{}", entry.segment, entry.offset);
        let id = entry.id;
        match (entry.tag, &mut opener) {
            (Tag::Put, Some(opener)) => dump.write(Some((&id, object, opener)), &format!("{place}_put_{id}"))?,
            (Tag::Put, None) => {}
            (Tag::Delete, _) => dump.write(None, &format!("{place}_del_{id}"))?,
            (Tag::Commit, _) => dump.write(None, &format!("{place}_commit"))?,
        }
        Ok(true)
    })?;
    dump.finish()
}

/// Files in the working directory, numbered.
#[derive(Default)]
struct Dump {
    written: u64,
    data: Vec<u8>,
}

impl Dump {
    fn write(&mut self, object: Option<(&Id, &mut [u8], &mut Opener)>, name: &str) -> Result<(), Failure> {
        self.data.clear();
        if let Some((id, object, opener)) = object {
            opener.open_in_place(Some(id).filter(|id| **id != Id::MANIFEST), object, &mut self.data)?;
        }
        let name = format!("{:08}{name}.obj", self.written);
        writeln!(io::stdout(), "Dumping {name}")?;
        fs::write(name, &self.data)?;
        self.written += 1;
        Ok(())
    }

    fn finish(self) -> Result<(), Failure> {
        Ok(writeln!(io::stdout(), "Done.")?)
    }
}

pub(super) fn id_hash(arguments: &DebugPath, context: &Context<'_>) -> Result<(), Failure> {
    let location = context.location(&arguments.location, Archive::Refused, None)?;
    let repository = context.repository(&location, Locking::Shared)?;
    let session = context.session(repository, FeatureOperation::Unchecked)?;
    let id = session.key.id(&content(&arguments.path)?);
    Ok(writeln!(io::stdout(), "{id}")?)
}

pub(super) fn get(arguments: &DebugObject, context: &Context<'_>) -> Result<(), Failure> {
    let location = context.location(&arguments.location, Archive::Refused, None)?;
    let repository = context.repository(&location, Locking::Shared)?;
    let (id, hex, mut object) = (parsed(&arguments.id)?, &arguments.id, Vec::new());
    repository.get(&id, &mut object).map_err(|error| match error.is_not_found() {
        true => Failure::new("RTError", 2, format_args!("Runtime Error: object {hex} not found.")),
        false => error.into(),
    })?;
    fs::write(&arguments.path, &object)?;
    Ok(writeln!(io::stdout(), "object {hex} fetched.")?)
}

pub(super) fn put(arguments: &DebugObject, context: &Context<'_>) -> Result<(), Failure> {
    let location = context.location(&arguments.location, Archive::Refused, None)?;
    let repository = context.repository(&location, Locking::Exclusive)?;
    let (object, id) = (content(&arguments.path)?, parsed(&arguments.id)?);
    repository.put(&id, &object)?;
    writeln!(io::stdout(), "object {} put.", arguments.id)?;
    Ok(repository.commit()?)
}

pub(super) fn delete(arguments: &DebugIds, context: &Context<'_>) -> Result<(), Failure> {
    let location = context.location(&arguments.location, Archive::Refused, None)?;
    let repository = context.repository(&location, Locking::Exclusive)?;
    let (mut modified, mut out) = (false, io::stdout());
    for hex in &arguments.ids {
        let Some(id) = Id::from_hex(hex) else {
            writeln!(out, "object id {hex} is invalid.")?;
            continue;
        };
        match repository.delete(&id) {
            Ok(()) => {
                modified = true;
                writeln!(out, "object {hex} deleted.")?;
            }
            Err(error) if error.is_not_found() => writeln!(out, "object {hex} not found.")?,
            Err(error) => return Err(error.into()),
        }
    }
    if modified {
        repository.commit()?;
    }
    Ok(writeln!(out, "Done.")?)
}

pub(super) fn count_references(arguments: &DebugIds, context: &Context<'_>) -> Result<(), Failure> {
    let location = context.location(&arguments.location, Archive::Refused, None)?;
    let repository = context.repository(&location, Locking::Shared)?;
    let session = context.session(repository, FeatureOperation::Unchecked)?;
    let ids: Vec<Option<Id>> = arguments.ids.iter().map(|hex| Id::from_hex(hex)).collect();
    let valid: Vec<Id> = ids.iter().copied().flatten().collect();
    let monitor = context.monitor(Listing::Off, None);
    signals::stoppable();
    let counted = references(&session, &valid, &monitor, &INTERRUPT)?;
    monitor.finish();
    let mut out = io::stdout();
    for (hex, id) in arguments.ids.iter().zip(&ids) {
        match id.map(|id| counted.get(&id).copied().unwrap_or(0)) {
            None => writeln!(out, "object id {hex} is invalid.")?,
            Some(0) => writeln!(out, "object {hex} not found [info from chunks cache].")?,
            Some(count) => writeln!(out, "object {hex} has {count} referrers [info from chunks cache].")?,
        }
    }
    Ok(())
}

/// The key, found by whichever object is first: the manifest may be lost.
pub(super) fn any_key(repository: &dyn Repository, context: &Context<'_>) -> Result<Key, Failure> {
    let (mut ids, mut object) = (Vec::new(), Vec::new());
    repository.list(None, 1, &mut ids)?;
    repository.get(ids.first().unwrap_or(&Id::MANIFEST), &mut object)?;
    unlock(repository, &object, context)
}

/// Hands every object to `visit`, in storage order.
pub(super) fn for_each_object(
    repository: &dyn Repository,
    visit: &mut dyn FnMut(&Id, &mut [u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (mut ids, mut object, mut after) = (Vec::new(), Vec::new(), None);
    loop {
        ids.clear();
        repository.list(after.as_ref(), BATCH, &mut ids)?;
        let Some(last) = ids.last() else { return Ok(()) };
        after = Some(*last);
        for id in &ids {
            repository.get(id, &mut object)?;
            visit(id, &mut object)?;
        }
    }
}

fn unlock(repository: &dyn Repository, object: &[u8], context: &Context<'_>) -> Result<Key, Failure> {
    Ok(Key::unlock(repository, object, &context.places()?.directories, &mut context.prompt())?)
}

/// Nothing larger can be an object.
fn content(path: &str) -> Result<Vec<u8>, Failure> {
    let mut content = Vec::new();
    let failed = |error: io::Error| Failure::unforeseen(format_args!("{path}: {error}"));
    File::open(path).map_err(failed)?.take(MOST_PLAIN_BYTES as u64 + 1).read_to_end(&mut content).map_err(failed)?;
    if content.len() > MOST_PLAIN_BYTES {
        return Err(Failure::error(format_args!("{path} is larger than an object can be")));
    }
    Ok(content)
}

fn parsed(hex: &str) -> Result<Id, Failure> {
    Id::from_hex(hex).ok_or_else(|| {
        let reason = if !hex.len().is_multiple_of(2) {
            "Odd-length string".to_owned()
        } else if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            "Non-hexadecimal digit found".to_owned()
        } else {
            format!("Expected 32 bytes (64 hex digits), got {} bytes.", hex.len() / 2)
        };
        Failure::command(format_args!("object id {hex} is invalid [{reason}]."))
    })
}
