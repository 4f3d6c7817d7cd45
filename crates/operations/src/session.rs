//! An open repository with its key and manifest: what every operation starts from.

use std::{fs, path::PathBuf, sync::Arc};

use nanoprobe_archive::{FeatureOperation, Manifest};
use nanoprobe_format::Id;
use nanoprobe_key::{
    AccessQuestions, Directories, Key, Mode, Passphrase, PassphraseSource, RelatedSecrets, RepositoryAge, Sealer,
    SecurityDirectory,
};
use nanoprobe_repository::Repository;

use crate::{Budget, Error};

/// Repository, key and manifest, opened and verified.
pub struct Session {
    /// The repository; whether it is remote does not show.
    pub repository: Arc<dyn Repository>,
    /// The unlocked key.
    pub key: Key,
    /// What seals new objects.
    pub sealer: Sealer,
    /// The verified manifest.
    pub manifest: Manifest,
    /// What this client remembers of the repository.
    pub security: SecurityDirectory,
    /// Our own cache directory for this repository (never Borg's).
    pub cache: PathBuf,
    /// The memory budget.
    pub budget: Budget,
}

/// Who answers the questions that opening a repository may raise.
pub trait Prompts: PassphraseSource + AccessQuestions {}

impl<T: PassphraseSource + AccessQuestions> Prompts for T {}

/// Whether the manifest must be authenticated where the key says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demanded {
    /// Yes.
    Tam,
    /// No: somebody is about to put it right.
    NoTam,
}

/// Where a session keeps things on this machine.
#[derive(Clone, Debug)]
pub struct Places {
    /// Keys and security data, shared with Borg.
    pub directories: Directories,
    /// Directory that holds one of our cache directories for each repository.
    pub caches: PathBuf,
}

impl Session {
    /// Opens an existing repository: key, manifest, security checks, feature flags.
    pub fn open(
        repository: Arc<dyn Repository>,
        places: &Places,
        budget: Budget,
        operation: FeatureOperation,
        prompts: &mut impl Prompts,
    ) -> Result<Self, Error> {
        let mut object = Vec::new();
        repository.get(&Id::MANIFEST, &mut object)?;
        let key = Key::unlock(&*repository, &object, &places.directories, prompts)?;
        let manifest = Manifest::open(&object, &key, &mut key.opener())?;
        let session = Self::assemble(repository, key, manifest, places, budget)?;
        let Self { security, key, manifest, .. } = &session;
        if manifest.is_authentic() {
            security.set_tam_required(manifest.requires_tam())?;
        }
        security.assert_secure(key, manifest.timestamp(), RepositoryAge::Existing, prompts)?;
        manifest.require(operation)?;
        Ok(session)
    }

    /// Makes key and manifest of a repository that was just created, and commits.
    pub fn create(
        repository: Arc<dyn Repository>,
        mode: Mode,
        key_file_name: &str,
        places: &Places,
        budget: Budget,
        prompts: &mut impl Prompts,
    ) -> Result<Self, Error> {
        Self::create_related(repository, mode, None, key_file_name, places, budget, prompts)
    }

    /// The same with deduplication secrets of a related repository, if there is one.
    pub fn create_related(
        repository: Arc<dyn Repository>,
        mode: Mode,
        related: Option<&RelatedSecrets>,
        key_file_name: &str,
        places: &Places,
        budget: Budget,
        prompts: &mut impl Prompts,
    ) -> Result<Self, Error> {
        let key = Key::create_related(mode, related, &*repository, key_file_name, &places.directories, prompts)?;
        let mut session = Self::assemble(repository, key, Manifest::create(), places, budget)?;
        session.commit_manifest()?;
        let Self { security, key, manifest, .. } = &session;
        security.set_tam_required(manifest.requires_tam())?;
        security.assert_secure(key, manifest.timestamp(), RepositoryAge::New, prompts)?;
        Ok(session)
    }

    /// Opens a repository whose authentication is to be checked or changed: as little as possible is demanded of it, and the
    /// security directory is not asked. Gives the key's passphrase too.
    pub fn open_for_upgrade(
        repository: Arc<dyn Repository>,
        places: &Places,
        budget: Budget,
        demanded: Demanded,
        prompts: &mut impl Prompts,
    ) -> Result<(Self, Passphrase), Error> {
        let mut object = Vec::new();
        repository.get(&Id::MANIFEST, &mut object)?;
        let (key, passphrase) = Key::unlock_with_passphrase(&*repository, &object, &places.directories, prompts)?;
        let manifest = match demanded {
            Demanded::Tam => Manifest::open(&object, &key, &mut key.opener())?,
            Demanded::NoTam => Manifest::open_without_tam(&object, &key, &mut key.opener())?,
        };
        let session = Self::assemble(repository, key, manifest, places, budget)?;
        if session.manifest.is_authentic() {
            session.security.set_tam_required(session.manifest.requires_tam())?;
        }
        Ok((session, passphrase))
    }

    /// Stores the manifest, commits the transaction, and remembers the new state on this machine.
    pub fn commit_manifest(&mut self) -> Result<(), Error> {
        self.manifest.store(&*self.repository, &self.key, &self.sealer)?;
        self.repository.commit()?;
        Ok(self.security.save(&self.key, self.manifest.timestamp())?)
    }

    /// After a rollback: the manifest as it was committed last.
    pub(crate) fn reopen_manifest(&mut self) -> Result<(), Error> {
        let mut object = Vec::new();
        self.repository.get(&Id::MANIFEST, &mut object)?;
        self.manifest = Manifest::open(&object, &self.key, &mut self.key.opener())?;
        Ok(())
    }

    /// A directory for temporary files, below the cache; made when it is not there.
    pub(crate) fn scratch(&self) -> Result<PathBuf, Error> {
        let scratch = self.cache.join("tmp");
        fs::create_dir_all(&scratch).map_err(Error::local("create", &scratch))?;
        Ok(scratch)
    }

    fn assemble(
        repository: Arc<dyn Repository>,
        key: Key,
        manifest: Manifest,
        places: &Places,
        budget: Budget,
    ) -> Result<Self, Error> {
        let sealer = key.sealer(Arc::clone(&repository), &places.directories)?;
        let cache = places.caches.join(Id(repository.id()).to_string());
        fs::create_dir_all(&cache).map_err(Error::local("create", &cache))?;
        let security = SecurityDirectory::open(&places.directories, &*repository)?;
        let security = security.with_second_location(cache.join("location"));
        Ok(Self { repository, key, sealer, manifest, security, cache, budget })
    }
}
