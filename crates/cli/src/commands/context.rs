//! What every command needs: options, log, environment; and how it gets from a location to an open repository.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::PathBuf, sync::Arc, time::Duration};

use nanoprobe_archive::{ArchiveMetadata, FeatureOperation, ManifestEntry};
use nanoprobe_key::{Directories, key_file};
use nanoprobe_operations::{Budget, Places, Session};
use nanoprobe_repository::{LocalRepository, Locking, OpenOptions, Repository};

use crate::{
    Failure,
    arguments::{self, CommonOptions},
    environment::Environment,
    location::{Location, Place},
    log::{Level, Log, REPOSITORY},
    monitor::{CommandMonitor, Listing},
    output::{size::Units, time::Zone},
    placeholders::replace_placeholders,
    progress::Progress,
    prompt::Prompt,
    status::Status,
};

/// One run of the program.
pub(crate) struct Context<'a> {
    /// `borg` or `nanoprobe`.
    pub(crate) name: &'static str,
    pub(crate) environment: &'a Environment,
    pub(crate) log: &'static Log,
    pub(crate) status: &'a Status,
    pub(crate) common: CommonOptions,
}

/// Whether a location names an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Archive {
    Required,
    Allowed,
    Refused,
}

impl<'a> Context<'a> {
    /// Replaces placeholders; `now` in microseconds since 1970 overrides the clock. Text that is not UTF-8 stays as it is.
    pub(crate) fn replace(&self, text: &[u8], now: Option<i64>) -> Result<Vec<u8>, Failure> {
        match str::from_utf8(text) {
            // No braces, nothing to do: the zone's files need not be read.
            Ok(text) if text.contains(['{', '}']) => Ok(replace_placeholders(text, now, &Zone::local())?.into_bytes()),
            _ => Ok(text.to_vec()),
        }
    }

    /// Reads a location.
    pub(crate) fn location(&self, text: &OsStr, archive: Archive, now: Option<i64>) -> Result<Location, Failure> {
        let location = Location::parse(text.as_bytes(), self.environment, |text| self.replace(text, now))?;
        let shown = || String::from_utf8_lossy(text.as_bytes()).into_owned();
        match (archive, &location.archive) {
            (Archive::Required, None) => {
                return Err(arguments::usage_error(format_args!("\"{}\": No archive specified", shown())).into());
            }
            (Archive::Refused, Some(_)) => {
                let message = format!("\"{}\": No archive can be specified", shown());
                return Err(arguments::usage_error(message).into());
            }
            _ => {}
        }
        Ok(location)
    }

    /// The archive's name as manifests hold it.
    pub(crate) fn archive_name(location: &Location) -> String {
        nanoprobe_archive::text::decode(location.archive.as_deref().unwrap_or_default())
    }

    /// A name that an archive may get; `argument` is what it was typed for.
    pub(crate) fn new_archive_name(&self, text: &OsStr, argument: &str) -> Result<String, Failure> {
        let name = self.replace(text.as_bytes(), None)?;
        if name.is_empty() || name.contains(&b'/') || name.windows(2).any(|two| two == b"::") {
            let shown = String::from_utf8_lossy(&name).into_owned();
            let message = format!("argument {argument}: Invalid archive name: \"{shown}\"");
            return Err(arguments::usage_error(message).into());
        }
        Ok(nanoprobe_archive::text::decode(&name))
    }

    /// How repositories are opened.
    pub(crate) fn open_options(&self, lock: Locking) -> OpenOptions {
        let log = self.log;
        OpenOptions {
            lock: if self.common.bypass_lock { Locking::None } else { lock },
            // Below zero Borg waits for ever.
            lock_wait: u64::try_from(self.common.lock_wait()).ok().map(Duration::from_secs),
            host_id: self.environment.text("BORG_HOST_ID").filter(|id| !id.is_empty()),
            warn: Arc::new(move |message| log.message(Level::Warning, REPOSITORY, None, message)),
            inform: Arc::new(move |message| log.message(Level::Info, REPOSITORY, None, message)),
            ..OpenOptions::default()
        }
    }

    /// Opens the repository at a location.
    pub(crate) fn repository(&self, location: &Location, lock: Locking) -> Result<Arc<dyn Repository>, Failure> {
        match Self::local_path(location) {
            Some(path) => Ok(Arc::new(LocalRepository::open(&path, self.open_options(lock))?)),
            None => Ok(Arc::new(self.remote(location, lock, None)?)),
        }
    }

    /// Key, manifest and security checks on top of an open repository.
    pub(crate) fn session(
        &self,
        repository: Arc<dyn Repository>,
        operation: FeatureOperation,
    ) -> Result<Session, Failure> {
        Ok(Session::open(repository, &self.places()?, self.budget()?, operation, &mut self.prompt())?)
    }

    pub(crate) fn prompt(&self) -> Prompt<'a> {
        Prompt { environment: self.environment, log: self.log }
    }

    /// Where keys, security data and our caches are on this machine.
    pub(crate) fn places(&self) -> Result<Places, Failure> {
        let key_file = self.environment.key_file().map(std::path::absolute).transpose()?;
        Ok(Places {
            directories: Directories {
                keys: self.environment.keys_directory(),
                security: self.environment.security_directory(),
                key_file,
            },
            caches: self.environment.cache_directory(),
        })
    }

    /// `--memory-limit`, else NANOPROBE_MEMORY, else what suits the machine.
    pub(crate) fn budget(&self) -> Result<Budget, Failure> {
        let limit = match (self.common.memory_limit(), self.environment.text("NANOPROBE_MEMORY")) {
            (Some(limit), _) => Some(limit),
            (None, Some(text)) => Some(
                arguments::memory(&text)
                    .map_err(|reason| Failure::command(format_args!("NANOPROBE_MEMORY: {reason}")))?,
            ),
            (None, None) => None,
        };
        let suggested = || Budget::suggested(crate::machine::budget_bytes(Budget::DEFAULT_BYTES));
        Ok(limit.map_or_else(suggested, Budget::new))
    }

    pub(crate) fn units(&self) -> Units {
        if self.common.iec { Units::Binary } else { Units::Decimal }
    }

    pub(crate) fn monitor(&self, listing: Listing, expected_bytes: Option<u64>) -> CommandMonitor<'a> {
        let progress = Progress::new(self.log, self.common.progress, expected_bytes);
        CommandMonitor::new(self.log, self.status, listing, progress, self.units())
    }

    /// The path of a local repository.
    pub(crate) fn local_path(location: &Location) -> Option<PathBuf> {
        match &location.place {
            Place::Local(path) => Some(PathBuf::from(OsStr::from_bytes(path))),
            Place::Remote { .. } => None,
        }
    }

    /// The path of a repository that must be local.
    pub(crate) fn only_local(location: &Location) -> Result<PathBuf, Failure> {
        Self::local_path(location).ok_or_else(|| {
            let shown = String::from_utf8_lossy(&location.processed).into_owned();
            arguments::usage_error(format_args!("\"{shown}\": Repository must be local")).into()
        })
    }

    /// The name that a key file gets from the location of its repository.
    pub(crate) fn key_file_name(location: &Location, repository: &dyn Repository) -> String {
        match &location.place {
            Place::Local(_) => key_file::name(None, repository.location()),
            Place::Remote { host, path, .. } => {
                let host = String::from_utf8_lossy(host);
                key_file::name(Some(host.trim_matches(['[', ']'])), &String::from_utf8_lossy(path))
            }
        }
    }
}

/// The named archive's entry and metadata.
pub(crate) fn archive(session: &Session, name: &str) -> Result<(ManifestEntry, ArchiveMetadata), Failure> {
    let entry = archive_entry(session, name)?;
    let metadata = ArchiveMetadata::open(&*session.repository, &session.key, &mut session.key.opener(), &entry.id)?;
    Ok((entry, metadata))
}

/// The named archive's entry in the manifest.
pub(crate) fn archive_entry(session: &Session, name: &str) -> Result<ManifestEntry, Failure> {
    session.manifest.archive(name).cloned().ok_or_else(|| {
        let name = nanoprobe_archive::text::displayable(name);
        Failure::new("Archive.DoesNotExist", 31, format_args!("Archive {name} does not exist"))
    })
}
