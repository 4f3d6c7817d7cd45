//! `key`: the key leaves and comes back, and its passphrase changes.
//!
//! As with Borg no lock is taken to export, so that a key can be saved while a backup runs. Writing into the repository's
//! `config` takes the exclusive lock: two writers would undo each other's change.

use std::{
    io::{self, Write},
    sync::Arc,
};

use nanoprobe_archive::FeatureOperation;
use nanoprobe_format::Id;
use nanoprobe_key::{Error, KeyBackup, Mode, PaperError, PaperKey, RelatedSecrets, Storage, migrate_to_repokey};
use nanoprobe_repository::{Locking, Repository};

use super::{
    Context,
    context::Archive,
    files::{read_small, write_out},
};
use crate::{
    Failure,
    arguments::{
        self, Key, KeyChangePassphrase, KeyCommand, KeyExport, KeyExportRelatedSecrets, KeyImport, KeyMigrateToRepokey,
    },
    output::key_page,
    prompt::read_line,
};

pub(super) fn run(arguments: &Key, context: &Context<'_>) -> Result<(), Failure> {
    match &arguments.command {
        Some(KeyCommand::Export(arguments)) => export(arguments, context),
        Some(KeyCommand::ExportRelatedSecrets(arguments)) => export_related(arguments, context),
        Some(KeyCommand::Import(arguments)) => import(arguments, context),
        Some(KeyCommand::ChangePassphrase(arguments)) => change_passphrase(arguments, context),
        Some(KeyCommand::MigrateToRepokey(arguments)) => migrate(arguments, context),
        None => arguments::print_help(context.name, "key"),
    }
}

fn export(arguments: &KeyExport, context: &Context<'_>) -> Result<(), Failure> {
    let location = context.location(&arguments.location, Archive::Refused, None)?;
    let repository = context.repository(&location, Locking::None)?;
    let key = KeyBackup::of(&*repository, &manifest_object(&*repository)?, &context.places()?.directories)?;
    let text = match (arguments.paper, arguments.qr_html) {
        (true, _) => key.paper(),
        (false, true) => key_page::page(&Id(repository.id()).to_string(), &key.text(), &key.paper())
            .ok_or_else(|| Failure::unforeseen("the key is too long for a QR code"))?,
        (false, false) => key.text(),
    };
    write_out(arguments.path.as_deref(), text.as_bytes())
}

fn import(arguments: &KeyImport, context: &Context<'_>) -> Result<(), Failure> {
    let location = context.location(&arguments.location, Archive::Refused, None)?;
    let repository = context.repository(&location, Locking::None)?;
    let manifest = manifest_object(&*repository)?;
    let repository = match Mode::of_object(&manifest)?.storage() {
        Storage::Nowhere => return Err(Error::Unencrypted.into()),
        Storage::KeyFile => repository,
        Storage::Repository => {
            drop(repository);
            context.repository(&location, Locking::Exclusive)?
        }
    };
    let key = match (arguments.paper, arguments.path.as_deref()) {
        (true, Some(_)) => return Err(Failure::command("with --paper import from file is not supported")),
        (false, None) => return Err(Failure::command("expected input file to import key from")),
        (true, None) => match typed(repository.id(), context)? {
            Some(key) => key,
            None => return say(format_args!("\n - aborted")),
        },
        (false, Some(path)) => KeyBackup::parse(&read_small(path)?, &*repository)?,
    };
    let name = Context::key_file_name(&location, &*repository);
    Ok(key.store(&*repository, &manifest, &context.places()?.directories, &name)?)
}

fn export_related(arguments: &KeyExportRelatedSecrets, context: &Context<'_>) -> Result<(), Failure> {
    let location = context.location(&arguments.location, Archive::Refused, None)?;
    let repository = context.repository(&location, Locking::Shared)?;
    let session = context.session(repository, FeatureOperation::Read)?;
    write_out(arguments.path.as_deref(), RelatedSecrets::of(&session.key)?.text().as_bytes())
}

fn change_passphrase(arguments: &KeyChangePassphrase, context: &Context<'_>) -> Result<(), Failure> {
    let location = context.location(&arguments.location, Archive::Refused, None)?;
    let repository = context.repository(&location, Locking::Exclusive)?;
    let mut session = context.session(Arc::clone(&repository), FeatureOperation::Check)?;
    if session.key.mode() == Mode::None {
        return Err(Failure::command("This repository is not encrypted, cannot change the passphrase."));
    }
    session.key.change_passphrase(&*repository, &mut context.prompt())?;
    context.log.info("Key updated");
    let place = session.key.file().map_or_else(|| repository.location().to_owned(), |path| path.display().to_string());
    context.log.info(format!("Key location: {place}"));
    Ok(())
}

fn migrate(arguments: &KeyMigrateToRepokey, context: &Context<'_>) -> Result<(), Failure> {
    let location = context.location(&arguments.location, Archive::Refused, None)?;
    let repository = context.repository(&location, Locking::Exclusive)?;
    migrate_to_repokey(&*repository, &manifest_object(&*repository)?, &mut context.prompt())?;
    context.log.info("Key updated");
    Ok(())
}

/// What tells the mode.
fn manifest_object(repository: &dyn Repository) -> Result<Vec<u8>, Failure> {
    let mut object = Vec::new();
    repository.get(&Id::MANIFEST, &mut object)?;
    Ok(object)
}

/// Takes the lines of a key on paper until they are right; `None` when the person gave up.
fn typed(repository_id: [u8; 32], context: &Context<'_>) -> Result<Option<KeyBackup>, Failure> {
    let prompt = context.prompt();
    // A line, or `None` at the end of input or when the person said after an empty one that it was enough.
    let ask = |question: &str| -> io::Result<Option<String>> {
        let mut out = io::stdout();
        out.write_all(question.as_bytes())?;
        out.flush()?;
        let line = read_line();
        let gave_up = line.as_deref().is_some_and(|line| line.trim_matches(' ').is_empty()) && prompt.abort_import();
        Ok(line.filter(|_| !gave_up))
    };
    'from_the_start: loop {
        let mut paper = loop {
            let Some(line) = ask("id: ")? else { return Ok(None) };
            match PaperKey::begin(&line, repository_id) {
                Ok(paper) => break paper,
                Err(PaperError::OfAnother) => return Err(Error::BackupOfAnother.into()),
                Err(error) => say(format_args!("{error}"))?,
            }
        };
        loop {
            let Some(line) = ask(&format!("{:2}: ", paper.next_line()))? else { return Ok(None) };
            match paper.line(&line) {
                Ok(Some(key)) => return Ok(Some(key)),
                Ok(None) => {}
                Err(error) => {
                    say(format_args!("{error}"))?;
                    if error == PaperError::Overall {
                        continue 'from_the_start;
                    }
                }
            }
        }
    }
}

fn say(text: std::fmt::Arguments<'_>) -> Result<(), Failure> {
    Ok(writeln!(io::stdout(), "{text}")?)
}
