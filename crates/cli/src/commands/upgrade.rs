//! `upgrade`: whether manifest and archives must be authenticated. Repositories from before Borg 1.0 are not converted.

use std::io::{self, Write};

use nanoprobe_archive::{FeatureOperation, ManifestEntry, text};
use nanoprobe_key::{Mode, Passphrase, RepositoryAge};
use nanoprobe_operations::{
    Demanded, Session,
    upgrade::{self, Action, Found},
};
use nanoprobe_repository::Locking;

use super::{Context, context::Archive};
use crate::{
    Failure,
    arguments::Upgrade,
    output::{
        archives::{self, ArchiveLines},
        time::Zone,
    },
    signals::{self, INTERRUPT},
};

pub(super) fn run(arguments: &Upgrade, context: &Context<'_>) -> Result<(), Failure> {
    let archives = arguments.archives_tam || arguments.check_archives_tam;
    let manifest = arguments.tam || arguments.check_tam;
    if !archives && !manifest && !arguments.disable_tam {
        return Err(Failure::not_built("upgrade of repositories from before Borg 1.0"));
    }
    let demanded = match arguments.force || (!archives && !manifest) {
        true => Demanded::NoTam,
        false => Demanded::Tam,
    };
    let (mut session, passphrase) = open(arguments, demanded, context)?;
    if demanded == Demanded::NoTam && session.key.is_tam_required() {
        context.log.warning("Manifest authentication DISABLED.", None);
    }
    let mut out = io::stdout();
    if archives {
        session.manifest.require(FeatureOperation::Check).map_err(Failure::from)?;
        upgrade_archives(arguments, &mut session, context, &mut out)
    } else if manifest {
        session.manifest.require(FeatureOperation::Check).map_err(Failure::from)?;
        upgrade_manifest(arguments, &mut session, &passphrase, context, &mut out)
    } else {
        disable(&mut session, &passphrase, &mut out)
    }
}

fn open(arguments: &Upgrade, demanded: Demanded, context: &Context<'_>) -> Result<(Session, Passphrase), Failure> {
    let location = context.location(&arguments.location, Archive::Refused, None)?;
    let repository = context.repository(&location, Locking::Exclusive)?;
    let (places, budget) = (context.places()?, context.budget()?);
    Ok(Session::open_for_upgrade(repository, &places, budget, demanded, &mut context.prompt())?)
}

fn upgrade_archives(
    arguments: &Upgrade,
    session: &mut Session,
    context: &Context<'_>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let Session { security, key, manifest, .. } = &*session;
    security.assert_secure(key, manifest.timestamp(), RepositoryAge::Existing, &mut context.prompt())?;
    let action = if arguments.check_archives_tam { Action::Check } else { Action::Add };
    signals::stoppable();
    let mut lines = Vec::new();
    let issues = upgrade::archives(session, action, &INTERRUPT, &mut |entry, found| {
        lines.push((entry.clone(), found));
        Ok(())
    })?;
    for (entry, found) in lines {
        let line = described(&entry)?;
        match found {
            Found::Present => writeln!(out, "Archive TAM present: {line}")?,
            Found::Missing => writeln!(out, "Archive TAM missing: {line}")?,
            Found::Added(id) => writeln!(out, "Added archive TAM:   {line} -> [{id}]")?,
        }
    }
    match (action, issues) {
        (Action::Check, 1..) => warn(context, format!("Found {issues} archives with TAM issues!")),
        (Action::Add, 1..) => {
            writeln!(out, "Fixed {issues} archives with TAM issues!\nAll archives are TAM authenticated now.")?;
        }
        (_, 0) => writeln!(out, "All archives are TAM authenticated.")?,
    }
    Ok(())
}

fn upgrade_manifest(
    arguments: &Upgrade,
    session: &mut Session,
    passphrase: &Passphrase,
    context: &Context<'_>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let only_check = arguments.check_tam;
    let mut issues = 0;
    let mut issue = |text: &str| {
        issues += 1;
        warn(context, text.to_owned());
    };
    if !session.manifest.is_authentic() || !session.manifest.requires_tam() {
        if only_check {
            issue("Repository Manifest is not TAM verified or a TAM is not required!");
        } else {
            writeln!(out, "Manifest contents:")?;
            let mut entries = session.manifest.archives().to_vec();
            entries.sort_by(|left, right| left.time.cmp(&right.time));
            for entry in &entries {
                writeln!(out, "{}", described(entry)?)?;
            }
            session.manifest.set_requires_tam(true);
            commit(session)?;
        }
    }
    if !session.key.is_tam_required() && session.key.mode() != Mode::None {
        if only_check {
            issue("Key does not require TAM authentication!");
        } else {
            store_key(true, session, passphrase, out)?;
        }
    }
    if !session.security.is_tam_required() {
        if only_check {
            issue("Client-side security database does not require a TAM!");
        } else {
            session.security.set_tam_required(true)?;
            writeln!(out, "Updated security database")?;
        }
    }
    if only_check && issues == 0 {
        writeln!(out, "Manifest authentication setup OK for this client and this repository.")?;
    }
    Ok(())
}

fn disable(session: &mut Session, passphrase: &Passphrase, out: &mut dyn Write) -> Result<(), Failure> {
    session.security.set_tam_required(false)?;
    if session.key.is_tam_required() && session.key.mode() != Mode::None {
        store_key(false, session, passphrase, out)?;
    }
    session.manifest.set_requires_tam(false);
    commit(session)
}

fn store_key(
    required: bool,
    session: &mut Session,
    passphrase: &Passphrase,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    session.key.store_tam_required(required, &*session.repository, passphrase)?;
    let place = session.key.file().map_or_else(|| session.repository.location().into(), |path| path.to_string_lossy());
    Ok(writeln!(out, "Key updated\nKey location: {place}")?)
}

/// Stores the manifest. The security data stay as they are: nobody has compared them with the repository.
fn commit(session: &mut Session) -> Result<(), Failure> {
    let Session { repository, key, sealer, manifest, .. } = session;
    manifest.store(&**repository, key, sealer)?;
    Ok(repository.commit()?)
}

fn warn(context: &Context<'_>, message: String) {
    context.log.warning(message, None);
    context.status.warn(1);
}

/// An archive as a list of archives shows it.
fn described(entry: &ManifestEntry) -> Result<String, Failure> {
    let (zone, mut line) = (Zone::local(), Vec::new());
    let shown = archives::Archive { name: &text::encode(&entry.name), id: &entry.id, time: &entry.time };
    ArchiveLines::new(archives::DEFAULT, &zone)?.write::<Failure>(&shown, None, &mut line)?;
    Ok(String::from_utf8_lossy(line.trim_ascii_end()).into_owned())
}
