//! What `create` says at its end: the table of `--stats`, the document of `--json`; and `--progress` lines.

use std::io::{self, Write};

use nanoprobe_format::Id;

use super::{
    DASHES,
    json::Json,
    repository::{RepositoryDescription, RepositoryTotals},
    size::{Sign, Units, duration, file_size, signed_file_size},
    text::printable,
    time::{Moment, Zone, parse_stored},
};

/// Borg's limit for one object's data; an archive's own metadata must fit into it.
const MAXIMUM_DATA_BYTES: f64 = 20_971_479.0;

pub(super) const HEADER: &str = "                       Original size      Compressed size    Deduplicated size";

/// Sums over the content of one archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ArchiveStatistics {
    /// Plain bytes.
    pub(crate) original_bytes: u64,
    /// Compressed bytes.
    pub(crate) compressed_bytes: u64,
    /// Compressed bytes that only this archive uses.
    pub(crate) deduplicated_bytes: u64,
    /// Regular files.
    pub(crate) files: u64,
}

impl ArchiveStatistics {
    pub(super) fn json(&self) -> Json {
        Json::map([
            ("original_size", Json::integer(self.original_bytes)),
            ("compressed_size", Json::integer(self.compressed_bytes)),
            ("deduplicated_size", Json::integer(self.deduplicated_bytes)),
            ("nfiles", Json::integer(self.files)),
        ])
    }

    /// The table's head and the line "This archive", with line ends.
    pub(super) fn write(&self, units: Units, out: &mut dyn Write) -> io::Result<()> {
        let [original, compressed, deduplicated] =
            [self.original_bytes, self.compressed_bytes, self.deduplicated_bytes].map(|bytes| file_size(bytes, units));
        writeln!(out, "{HEADER}")?;
        writeln!(out, "This archive:   {original:>20} {compressed:>20} {deduplicated:>20}")
    }

    /// `1.23 MB O 1.00 MB C 900 B D 12 N `, the line of `--progress` before the path.
    pub(crate) fn progress(&self, units: Units) -> String {
        let [original, compressed, deduplicated] =
            [self.original_bytes, self.compressed_bytes, self.deduplicated_bytes].map(|bytes| file_size(bytes, units));
        format!("{original} O {compressed} C {deduplicated} D {} N ", self.files)
    }

    /// `archive_progress` of `--log-json`; `path` is `None` in the last one. `now` is in seconds since 1970.
    pub(crate) fn progress_json(&self, path: Option<&[u8]>, now: f64) -> Json {
        let mut line = path.map_or_else(|| Json::map([]), |_| self.json());
        if let Some(path) = path {
            line.set("path", Json::text(printable(path)));
        }
        line.set("time", Json::Float(now));
        line.set("type", Json::text("archive_progress"));
        line.set("finished", Json::Boolean(path.is_none()));
        line
    }
}

/// Sums over what was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DeletedStatistics {
    /// Plain bytes.
    pub(crate) original_bytes: u64,
    /// Compressed bytes.
    pub(crate) compressed_bytes: u64,
    /// Compressed bytes that nothing else uses.
    pub(crate) deduplicated_bytes: u64,
}

impl DeletedStatistics {
    /// The table of `--stats`; without totals it is that of `--quick-stats`.
    pub(crate) fn write(&self, totals: Option<&RepositoryTotals>, units: Units, out: &mut dyn Write) -> io::Result<()> {
        let [original, compressed, deduplicated] =
            [self.original_bytes, self.compressed_bytes, self.deduplicated_bytes]
                .map(|bytes| signed_file_size(-i128::from(bytes), Sign::Negative, 2, units));
        writeln!(out, "{DASHES}\n{HEADER}")?;
        writeln!(out, "Deleted data:   {original:>20} {compressed:>20} {deduplicated:>20}")?;
        if let Some(totals) = totals {
            totals.write(units, out)?;
        }
        writeln!(out, "{DASHES}")
    }
}

/// An archive that was just made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CreatedArchive<'a> {
    /// Its name.
    pub(crate) name: &'a [u8],
    /// Its id.
    pub(crate) id: &'a Id,
    /// When it was begun, as stored.
    pub(crate) start: &'a str,
    /// When it was finished, as stored.
    pub(crate) end: &'a str,
    /// Stored bytes of its own metadata object.
    pub(crate) metadata_bytes: u64,
    /// This process's command line.
    pub(crate) command_line: &'a [Vec<u8>],
    /// Its content.
    pub(crate) statistics: ArchiveStatistics,
}

impl CreatedArchive<'_> {
    /// The table of `--stats`; without totals it is that of `--quick-stats`.
    pub(crate) fn write(
        &self,
        repository: &RepositoryDescription<'_>,
        totals: Option<&RepositoryTotals>,
        units: Units,
        zone: &Zone,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        writeln!(out, "{DASHES}")?;
        writeln!(out, "Repository: {}", repository.location)?;
        writeln!(out, "Archive name: {}", printable(self.name))?;
        writeln!(out, "Archive fingerprint: {}", self.id)?;
        writeln!(out, "Time (start): {}", human(self.start, zone))?;
        writeln!(out, "Time (end):   {}", human(self.end, zone))?;
        writeln!(out, "Duration: {}", duration(microseconds_between(self.start, self.end)))?;
        writeln!(out, "Number of files: {}", self.statistics.files)?;
        writeln!(out, "Utilization of max. archive size: {}", utilization_percent(self.metadata_bytes))?;
        writeln!(out, "{DASHES}")?;
        self.statistics.write(units, out)?;
        if let Some(totals) = totals {
            totals.write(units, out)?;
        }
        writeln!(out, "{DASHES}")
    }

    /// The document of `--json`; without totals that of `--quick-stats`.
    pub(crate) fn document(
        &self,
        repository: &RepositoryDescription<'_>,
        cache: Option<(&str, &RepositoryTotals)>,
        zone: &Zone,
    ) -> Json {
        let mut document = repository.document(cache, zone);
        document.set("archive", self.json(zone));
        document
    }

    pub(super) fn json(&self, zone: &Zone) -> Json {
        let words = self.command_line.iter().map(Json::text).collect();
        Json::map([
            ("name", Json::text(self.name)),
            ("id", Json::text(self.id.to_string())),
            ("start", iso(self.start, zone)),
            ("end", iso(self.end, zone)),
            ("duration", Json::Float(microseconds_between(self.start, self.end) as f64 / 1e6)),
            ("stats", self.statistics.json()),
            ("limits", Json::map([("max_archive_size", Json::Float(utilization(self.metadata_bytes)))])),
            ("command_line", Json::List(words)),
        ])
    }
}

pub(super) fn utilization(metadata_bytes: u64) -> f64 {
    metadata_bytes as f64 / MAXIMUM_DATA_BYTES
}

pub(super) fn utilization_percent(metadata_bytes: u64) -> String {
    format!("{:.0}%", utilization(metadata_bytes) * 100.0)
}

pub(super) fn microseconds_between(start: &str, end: &str) -> i64 {
    let (start, end) = (parse_stored(start).unwrap_or(0), parse_stored(end).unwrap_or(0));
    end.saturating_sub(start)
}

/// A stored time for people; one that cannot be read shows as it is.
pub(crate) fn human(stored: &str, zone: &Zone) -> String {
    parse_stored(stored).map_or_else(|| stored.to_owned(), |time| Moment::of_archive(time, zone).human())
}

pub(super) fn iso(stored: &str, zone: &Zone) -> Json {
    let moment = parse_stored(stored).map(|time| Moment::of_archive(time, zone).iso());
    Json::text(moment.as_deref().unwrap_or(stored))
}
