//! `init`: an empty repository with its key and manifest.

use std::sync::Arc;

use nanoprobe_key::{Mode, RelatedSecrets, RelatedSecretsError, recommend::Speeds};
use nanoprobe_operations::Session;
use nanoprobe_remote::Creation;
use nanoprobe_repository::{CreateOptions, LocalRepository, Locking, Repository};

use super::{Context, context::Archive, files::read_small, remote::New};
use crate::{
    Failure,
    arguments::{Encryption, Init},
    location::Location,
};

/// What to know about keys, told once.
const ADVICE: &str = "
IMPORTANT: without the KEY and the PASSPHRASE nobody gets at this repository's data, you neither!

Where the key is:
- repokey modes: in the repository's directory, in the file config.
- keyfile modes: in your home directory, and nowhere else.

Whatever the mode:
1. Keep a copy of the key at a safe place:
   borg key export           REPOSITORY encrypted-key-backup
   borg key export --paper   REPOSITORY encrypted-key-backup.txt
   borg key export --qr-html REPOSITORY encrypted-key-backup.html
2. Write the passphrase down and keep it at a safe place as well.
";

pub(super) fn run(arguments: &Init, context: &Context<'_>) -> Result<(), Failure> {
    let location = context.location(&arguments.location, Archive::Refused, None)?;
    let mode = mode(arguments.encryption, context)?;
    let related = arguments.import_related_secrets.as_deref().map(read_related).transpose()?;
    context.log.info([b"Initializing repository at \"".as_slice(), &location.canonical(), b"\""].concat());
    let repository = make(arguments, &location, context)?;
    let name = Context::key_file_name(&location, &*repository);
    let (places, budget) = (context.places()?, context.budget()?);
    let prompt = &mut context.prompt();
    Session::create_related(repository, mode, related.as_ref(), &name, &places, budget, prompt)?;
    if mode != Mode::None {
        context.log.warning(ADVICE, None);
    }
    Ok(())
}

/// The mode that was typed, or the one that suits this machine; without either, what would.
fn mode(wanted: Option<Encryption>, context: &Context<'_>) -> Result<Mode, Failure> {
    if let Some(Encryption::Mode(mode)) = wanted {
        return Ok(mode);
    }
    let speeds = Speeds::measure();
    let Some(Encryption::Auto(storage)) = wanted else {
        let [repokey, keyfile] = speeds.modes().map(Mode::name);
        return Err(Failure::usage(format_args!(
            "{name} init: error: the following arguments are required: -e/--encryption\n\
             On this machine {repokey} suits, or {keyfile} ({speeds}). --encryption=auto takes the first, auto-keyfile the second.\n",
            name = context.name
        )));
    };
    let mode = speeds.family().mode(storage);
    context.log.warning(format!("Encryption mode: {} ({speeds}).", mode.name()), None);
    Ok(mode)
}

fn make(arguments: &Init, location: &Location, context: &Context<'_>) -> Result<Arc<dyn Repository>, Failure> {
    let Init { append_only, make_parent_dirs: make_parents, .. } = *arguments;
    let storage_quota = arguments.storage_quota.unwrap_or(0);
    let Some(path) = Context::local_path(location) else {
        let new = New { creation: Creation { append_only, make_parents }, storage_quota };
        return Ok(Arc::new(context.remote(location, Locking::Exclusive, Some(new))?));
    };
    let options = CreateOptions { append_only, storage_quota, make_parents, ..CreateOptions::default() };
    Ok(Arc::new(LocalRepository::create(&path, &options, context.open_options(Locking::Exclusive))?))
}

/// Reads the secrets before anything is made, so that a wrong file leaves nothing behind.
fn read_related(path: &str) -> Result<RelatedSecrets, Failure> {
    let content = read_small(path)?;
    RelatedSecrets::parse(&content).map_err(|error| match error {
        RelatedSecretsError::Version(_) => Failure::command(error),
        error => Failure::command(format_args!("{error}: {path}")),
    })
}
