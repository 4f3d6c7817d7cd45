//! `info`: one archive after another, or the repository as a whole.

use std::io::{self, Write};

use nanoprobe_chunker::Parameters;

use super::{
    DASHES,
    archives::ArchiveDetails,
    json::Json,
    repository::{RepositoryDescription, RepositoryTotals, encrypted},
    size::{Units, duration},
    statistics::{CreatedArchive, human, microseconds_between, utilization_percent},
    text::{printable, shell_line},
    time::Zone,
};

/// Everything `info` shows of an archive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ArchiveInformation<'a> {
    /// What `create` showed too.
    pub(crate) archive: CreatedArchive<'a>,
    /// From the archive's metadata.
    pub(crate) details: ArchiveDetails<'a>,
    /// Working directory of its creation, empty where it is not recorded.
    pub(crate) working_directory: &'a [u8],
    /// How its files were cut, where that is recorded.
    pub(crate) chunker_parameters: Option<Parameters>,
}

impl ArchiveInformation<'_> {
    /// The text of one archive; `info` puts an empty line between two.
    pub(crate) fn write(
        &self,
        totals: &RepositoryTotals,
        units: Units,
        zone: &Zone,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let archive = &self.archive;
        writeln!(out, "Archive name: {}", printable(archive.name))?;
        writeln!(out, "Archive fingerprint: {}", archive.id)?;
        writeln!(out, "Comment: {}", printable(self.details.comment))?;
        writeln!(out, "Hostname: {}", printable(self.details.hostname))?;
        writeln!(out, "Username: {}", printable(self.details.username))?;
        writeln!(out, "Time (start): {}", human(archive.start, zone))?;
        writeln!(out, "Time (end): {}", human(archive.end, zone))?;
        writeln!(out, "Duration: {}", duration(microseconds_between(archive.start, archive.end)))?;
        writeln!(out, "Number of files: {}", archive.statistics.files)?;
        writeln!(out, "Working Directory: {}", printable(self.working_directory))?;
        writeln!(out, "Command line: {}", printable(&shell_line(archive.command_line)))?;
        let utilization = utilization_percent(archive.metadata_bytes);
        writeln!(out, "Utilization of maximum supported archive size: {utilization}")?;
        writeln!(out, "{DASHES}")?;
        archive.statistics.write(units, out)?;
        totals.write(units, out)
    }

    /// The archive as an entry of `archives`.
    pub(crate) fn json(&self, zone: &Zone) -> Json {
        let mut entry = self.archive.json(zone);
        entry.set("cwd", Json::text(self.working_directory));
        entry.set("hostname", Json::text(self.details.hostname));
        entry.set("username", Json::text(self.details.username));
        entry.set("comment", Json::text(self.details.comment));
        entry.set("chunker_params", self.chunker_parameters.map_or_else(|| Json::text(""), chunker_parameters));
        entry
    }
}

/// What `info REPOSITORY` adds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RepositoryInformation<'a> {
    /// The repository.
    pub(crate) repository: RepositoryDescription<'a>,
    /// Our cache directory for it.
    pub(crate) cache: &'a str,
    /// Its security directory.
    pub(crate) security: &'a str,
    /// Its sums.
    pub(crate) totals: RepositoryTotals,
}

impl RepositoryInformation<'_> {
    /// The text.
    pub(crate) fn write(&self, units: Units, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "Repository ID: {}", nanoprobe_format::Id(*self.repository.id))?;
        writeln!(out, "Location: {}", self.repository.location)?;
        writeln!(out, "Encrypted: {}", encrypted(self.repository.mode))?;
        if let Some(path) = self.repository.key_file {
            writeln!(out, "Key file: {path}")?;
        }
        writeln!(out, "Cache: {}", self.cache)?;
        writeln!(out, "Security dir: {}", self.security)?;
        writeln!(out, "{DASHES}")?;
        writeln!(out, "{}", super::statistics::HEADER)?;
        self.totals.write(units, out)
    }

    /// The document of `--json`.
    pub(crate) fn document(&self, zone: &Zone) -> Json {
        let mut document = self.repository.document(Some((self.cache, &self.totals)), zone);
        document.set("security_dir", Json::text(self.security));
        document
    }
}

fn chunker_parameters(parameters: Parameters) -> Json {
    let numbers = |name, numbers: &[u32]| {
        let numbers = numbers.iter().map(|number| Json::integer(*number));
        Json::List(std::iter::once(Json::text(name)).chain(numbers).collect())
    };
    match parameters {
        Parameters::Buzhash { minimum_exponent, maximum_exponent, mask_bits, window } => {
            let exponents = [minimum_exponent, maximum_exponent, mask_bits].map(u32::from);
            numbers("buzhash", &[exponents[0], exponents[1], exponents[2], window])
        }
        Parameters::Fixed { block_bytes, header_bytes } => numbers("fixed", &[block_bytes, header_bytes]),
        Parameters::FastCdc { minimum_exponent, average_exponent, maximum_exponent } => {
            numbers("fastcdc", &[minimum_exponent, average_exponent, maximum_exponent].map(u32::from))
        }
        // A chunker that is not known here is shown as one that is not recorded.
        _ => Json::text(""),
    }
}
