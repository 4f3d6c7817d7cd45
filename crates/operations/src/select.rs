//! Which archives, and which items of one: the one filter that extract, list and info share.

use nanoprobe_archive::{ArchiveMetadata, ItemReader, ManifestEntry};
use nanoprobe_format::item::Item;

use crate::{
    Error, Event, Monitor, Session,
    patterns::{NameGlob, PatternMatcher},
};

/// Which archives of a repository (`--prefix`, `--glob-archives`, `--sort-by`, `--first`, `--last` …).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArchiveSelection {
    /// `-P`: as the glob `PREFIX*`.
    pub prefix: Option<String>,
    /// `-a`
    pub glob: Option<String>,
    /// Keys in the order of the command line; the first one counts most. None: the manifest's order.
    pub sort_by: Vec<SortKey>,
    /// The first so many.
    pub first: Option<usize>,
    /// The last so many, unless `first` is there.
    pub last: Option<usize>,
    /// Whether checkpoint archives count.
    pub checkpoints: Checkpoints,
}

/// What archives are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortKey {
    /// Start of the backup.
    Timestamp,
    /// Name, by characters.
    Name,
    /// Id, by bytes.
    Id,
}

impl SortKey {
    /// Borg's word for it.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "timestamp" | "ts" => Some(Self::Timestamp),
            "name" => Some(Self::Name),
            "id" => Some(Self::Id),
            _ => None,
        }
    }
}

/// Whether checkpoint archives count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checkpoints {
    /// They are archives like others.
    #[default]
    Consider,
    /// They are left out.
    Skip,
}

impl ArchiveSelection {
    /// Whether some archives may be left out.
    pub fn is_partial(&self) -> bool {
        self.prefix.is_some() || self.glob.is_some() || self.first.is_some() || self.last.is_some()
    }

    /// The archives, as Borg lists them.
    pub fn apply<'a>(&self, archives: &'a [ManifestEntry]) -> Vec<&'a ManifestEntry> {
        let prefixed = self.prefix.as_ref().map(|prefix| format!("{prefix}*"));
        let glob = prefixed.as_ref().or(self.glob.as_ref()).map(|glob| NameGlob::new(glob));
        let mut chosen: Vec<&ManifestEntry> = archives
            .iter()
            .filter(|entry| match &glob {
                None => true,
                // A glob that is none matches nothing.
                Some(glob) => glob.as_ref().is_some_and(|glob| glob.matches(&entry.name)),
            })
            .filter(|entry| self.checkpoints == Checkpoints::Consider || !entry.name.contains(".checkpoint"))
            .collect();
        for key in self.sort_by.iter().rev() {
            match key {
                SortKey::Timestamp => chosen.sort_by(|a, b| a.time.cmp(&b.time)),
                SortKey::Name => chosen.sort_by(|a, b| a.name.cmp(&b.name)),
                SortKey::Id => chosen.sort_by_key(|entry| entry.id),
            }
        }
        let first = self.first.filter(|&count| count > 0);
        let last = self.last.filter(|&count| count > 0);
        if let Some(count) = first {
            chosen.truncate(count);
        } else if let Some(count) = last {
            chosen.drain(..chosen.len().saturating_sub(count));
        }
        chosen
    }
}

/// Whether the pieces of a file that a checkpoint cut in two count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PartFiles {
    /// They are left out.
    #[default]
    Skip,
    /// `--consider-part-files`
    Consider,
}

/// Which items of an archive.
pub struct Selection {
    matcher: PatternMatcher,
    strip_components: usize,
    part_files: PartFiles,
}

impl Selection {
    /// What the patterns and paths say, less `strip_components` leading components of each path.
    pub fn new(matcher: PatternMatcher, strip_components: usize, part_files: PartFiles) -> Self {
        Self { matcher, strip_components, part_files }
    }

    /// Whether something may be left out or renamed.
    pub fn is_partial(&self) -> bool {
        !self.matcher.is_empty() || self.strip_components > 0
    }

    /// Whether the item is one that may be asked for at all.
    pub fn considers(&self, item: &Item<'_>) -> bool {
        self.part_files == PartFiles::Consider || item.part.is_none()
    }

    /// How many bytes of the path are stripped, if the item is wanted.
    pub fn matches(&mut self, item: &Item<'_>) -> Option<usize> {
        if !self.matcher.matches(item.path).include {
            return None;
        }
        if self.strip_components == 0 {
            return Some(0);
        }
        let stripped = item.path.len() - self.strip(item.path).len();
        (stripped < item.path.len()).then_some(stripped)
    }

    /// What is left of a path: empty when it has no more components than are stripped.
    pub fn strip<'p>(&self, path: &'p [u8]) -> &'p [u8] {
        (0..self.strip_components).fold(path, |rest, _| {
            let slash = rest.iter().position(|&byte| byte == b'/');
            slash.map_or(&[][..], |slash| &rest[slash + 1..])
        })
    }

    /// Warns of each path of the command line that no item matched.
    pub fn warn_of_unmatched(&self, monitor: &dyn Monitor) {
        for pattern in self.matcher.unmatched() {
            let message = format!("Include pattern '{}' never matched.", String::from_utf8_lossy(pattern));
            monitor.event(Event::Warning { message: &message, exit_code: 101 });
        }
    }
}

/// Hands every selected item of an archive to `visit`, in order, one at a time.
pub fn for_each_item(
    session: &Session,
    archive: &ManifestEntry,
    selection: &mut Selection,
    visit: &mut dyn FnMut(&Item<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let repository = &*session.repository;
    let metadata = ArchiveMetadata::open(repository, &session.key, &mut session.key.opener(), &archive.id)?;
    let mut items = ItemReader::new(repository, session.key.opener(), &metadata.items);
    while let Some(item) = items.next()? {
        if selection.considers(&item) && selection.matches(&item).is_some() {
            visit(&item)?;
        }
    }
    Ok(())
}
