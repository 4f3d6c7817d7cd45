//! save: the new archive's metadata, and the commit.

use std::time::{Duration, Instant};

use jiff::{Timestamp, ToSpan};
use nanoprobe_archive::{ArchiveMetadata, ItemWriter, Manifest, ManifestEntry, text, timestamp};
use nanoprobe_chunker::Parameters;
use nanoprobe_format::Id;
use nanoprobe_key::{Key, Sealer, SecurityDirectory};
use nanoprobe_repository::Repository;

use super::Options;
use crate::{Error, create::Statistics};

/// The archive that is being written.
pub(super) struct Target<'a> {
    pub(super) repository: &'a dyn Repository,
    pub(super) key: &'a Key,
    pub(super) sealer: &'a Sealer,
    pub(super) manifest: &'a mut Manifest,
    pub(super) security: &'a SecurityDirectory,
    pub(super) options: &'a Options,
    pub(super) original: &'a ArchiveMetadata,
    pub(super) chunker_params: Option<Parameters>,
    pub(super) name: &'a str,
    pub(super) items: ItemWriter<'a>,
    pub(super) started: Instant,
    /// The last checkpoint.
    pub(super) last: Instant,
}

impl Target<'_> {
    /// Stores the archive and commits.
    pub(super) fn save(&mut self, statistics: &Statistics) -> Result<(), Error> {
        self.save_as(self.name.to_owned(), statistics).map(drop)
    }

    /// Commits what there is as an archive of its own when the time has come; the next commit takes it away again.
    pub(super) fn checkpoint_if_due(&mut self, statistics: &Statistics) -> Result<(), Error> {
        let interval = self.options.checkpoint_interval;
        if interval == Duration::ZERO || self.last.elapsed() <= interval {
            return Ok(());
        }
        let numbered = (1..).map(|number| format!("{}.checkpoint.{number}", self.name));
        let mut names = std::iter::once(format!("{}.checkpoint", self.name)).chain(numbered);
        let name = names.find(|name| self.manifest.archive(name).is_none()).unwrap_or_default();
        let id = self.save_as(name.clone(), statistics)?;
        self.manifest.remove(&name);
        self.repository.delete(&id)?;
        self.last = Instant::now();
        Ok(())
    }

    fn save_as(&mut self, name: String, statistics: &Statistics) -> Result<Id, Error> {
        let Self { repository, key, sealer, options, original, .. } = *self;
        let here = std::env::current_dir().map_err(Error::local("find", "."))?;
        let (time, time_end) = match options.timestamp.and_then(|time| Timestamp::from_microsecond(time).ok()) {
            None => (original.time.clone(), original.time_end.clone()),
            Some(start) => {
                let lasted = i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX).microseconds();
                let end = start.saturating_add(lasted).unwrap_or(start);
                (timestamp::format(start), timestamp::format(end))
            }
        };
        let metadata = ArchiveMetadata {
            name: name.clone(),
            comment: options.comment.clone().unwrap_or_else(|| original.comment.clone()),
            command_line: original.command_line.clone(),
            recreate_command_line: Some(options.command_line.clone()),
            working_directory: Some(text::decode(here.as_os_str().as_encoded_bytes())),
            hostname: options.hostname.clone(),
            username: options.username.clone(),
            time,
            time_end,
            chunker_params: self.chunker_params,
            items: self.items.flush(repository)?.to_vec(),
            size_bytes: Some(statistics.original_bytes),
            csize_bytes: Some(statistics.compressed_bytes),
            files: Some(statistics.files),
            size_parts_bytes: Some(0),
            csize_parts_bytes: Some(0),
            files_parts: Some(0),
            ..ArchiveMetadata::default()
        };
        let stored = metadata.store_compressed(repository, key, sealer, &options.compression)?;
        self.manifest.insert(ManifestEntry { name, id: stored.id, time: metadata.time });
        self.manifest.store(repository, key, sealer)?;
        repository.commit()?;
        self.security.save(key, self.manifest.timestamp())?;
        Ok(stored.id)
    }
}
