//! What every `--json` document says about the repository, its encryption and its totals.

use std::io::{self, Write};

use nanoprobe_format::Id;
use nanoprobe_key::Mode;

use super::{
    json::Json,
    size::{Units, file_size},
    time::{Moment, Zone, parse_stored},
};

/// A repository and how it is encrypted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RepositoryDescription<'a> {
    /// Its id.
    pub(crate) id: &'a [u8; 32],
    /// Canonical location.
    pub(crate) location: &'a str,
    /// The manifest's timestamp as stored.
    pub(crate) last_modified: &'a str,
    /// The key's mode.
    pub(crate) mode: Mode,
    /// Where the key file is, in the keyfile modes.
    pub(crate) key_file: Option<&'a str>,
}

/// Sums over the whole repository, as Borg's chunks cache has them; `None` where one is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RepositoryTotals {
    /// Plain bytes of all archives.
    pub(crate) total_size: Option<u64>,
    /// Compressed bytes of all archives.
    pub(crate) total_csize: Option<u64>,
    /// Plain bytes of all chunks, each counted once.
    pub(crate) unique_size: Option<u64>,
    /// Stored bytes of all chunks, each counted once.
    pub(crate) unique_csize: Option<u64>,
    /// Chunks.
    pub(crate) total_unique_chunks: Option<u64>,
    /// References to chunks.
    pub(crate) total_chunks: Option<u64>,
}

impl RepositoryDescription<'_> {
    /// `repository`, `encryption` and, where known, `cache`.
    pub(crate) fn document(&self, cache: Option<(&str, &RepositoryTotals)>, zone: &Zone) -> Json {
        let modified = parse_stored(self.last_modified)
            .map_or(Json::Null, |time| Json::text(Moment::of_archive(time, zone).iso()));
        let mut encryption = Json::map([("mode", Json::text(argument(self.mode)))]);
        if let Some(path) = self.key_file {
            encryption.set("keyfile", Json::text(path));
        }
        let mut document = Json::map([
            (
                "repository",
                Json::map([
                    ("id", Json::text(Id(*self.id).to_string())),
                    ("location", Json::text(self.location)),
                    ("last_modified", modified),
                ]),
            ),
            ("encryption", encryption),
        ]);
        if let Some((path, totals)) = cache {
            document.set("cache", Json::map([("path", Json::text(path)), ("stats", totals.json())]));
        }
        document
    }
}

impl RepositoryTotals {
    fn json(&self) -> Json {
        let number = |value: Option<u64>| value.map_or(Json::Null, Json::integer);
        Json::map([
            ("total_size", number(self.total_size)),
            ("total_csize", number(self.total_csize)),
            ("unique_size", number(self.unique_size)),
            ("unique_csize", number(self.unique_csize)),
            ("total_unique_chunks", number(self.total_unique_chunks)),
            ("total_chunks", number(self.total_chunks)),
        ])
    }

    /// The lines "All archives" and "Chunk index", with a line end.
    pub(crate) fn write(&self, units: Units, out: &mut dyn Write) -> io::Result<()> {
        let [total, compressed, unique] = [self.total_size, self.total_csize, self.unique_csize]
            .map(|bytes| bytes.map_or_else(unknown, |bytes| file_size(bytes, units)));
        let [unique_chunks, chunks] = [self.total_unique_chunks, self.total_chunks]
            .map(|count| count.map_or_else(unknown, |count| count.to_string()));
        writeln!(out, "All archives:   {total:>20} {compressed:>20} {unique:>20}")?;
        writeln!(out)?;
        writeln!(out, "                       Unique chunks         Total chunks")?;
        writeln!(out, "Chunk index:    {unique_chunks:>20} {chunks:>20}")
    }
}

/// What the table says of a figure that is not known.
fn unknown() -> String {
    "n/a".to_owned()
}

/// A mode as `--encryption` spells it.
pub(crate) fn argument(mode: Mode) -> &'static str {
    match mode {
        Mode::None => "none",
        Mode::Authenticated => "authenticated",
        Mode::AuthenticatedBlake2 => "authenticated-blake2",
        Mode::Repokey => "repokey",
        Mode::RepokeyBlake2 => "repokey-blake2",
        Mode::Keyfile => "keyfile",
        Mode::KeyfileBlake2 => "keyfile-blake2",
    }
}

/// The line "Encrypted" of `info`.
pub(super) fn encrypted(mode: Mode) -> &'static str {
    match mode {
        Mode::None | Mode::Authenticated => "No",
        Mode::AuthenticatedBlake2 => "Yes (authenticated BLAKE2b)",
        Mode::Repokey => "Yes (repokey)",
        Mode::RepokeyBlake2 => "Yes (repokey BLAKE2b)",
        Mode::Keyfile => "Yes (key file)",
        Mode::KeyfileBlake2 => "Yes (key file BLAKE2b)",
    }
}
