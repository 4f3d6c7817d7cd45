//! `debug`: what repositories are made of. Nothing here is needed to back up or to get anything back.

mod archives;
mod objects;
mod search;
mod system;

use super::Context;
use crate::{
    Failure,
    arguments::{self, Debug, DebugCommand},
};

pub(super) use system::text as system_text;

pub(super) fn run(arguments: &Debug, context: &Context<'_>) -> Result<(), Failure> {
    match &arguments.command {
        Some(DebugCommand::Info(_)) => system::info(context),
        Some(DebugCommand::DumpArchiveItems(arguments)) => archives::dump_items(arguments, context),
        Some(DebugCommand::DumpArchive(arguments)) => archives::dump_archive(arguments, context),
        Some(DebugCommand::DumpManifest(arguments)) => archives::dump_manifest(arguments, context),
        Some(DebugCommand::DumpRepoObjs(arguments)) => objects::dump(arguments, context),
        Some(DebugCommand::SearchRepoObjs(arguments)) => search::search(arguments, context),
        Some(DebugCommand::IdHash(arguments)) => objects::id_hash(arguments, context),
        Some(DebugCommand::GetObj(arguments)) => objects::get(arguments, context),
        Some(DebugCommand::PutObj(arguments)) => objects::put(arguments, context),
        Some(DebugCommand::DeleteObj(arguments)) => objects::delete(arguments, context),
        Some(DebugCommand::RefcountObj(arguments)) => objects::count_references(arguments, context),
        None => arguments::print_help(context.name, "debug"),
    }
}
