//! The repository's `config`: an INI file in the dialect of Python's `configparser`.
//!
//! Sections and options we do not know are kept. A value of several lines (the key) continues in lines that start with
//! white space. Cost: the file, at most 1 MiB, once.

use std::io;
use std::path::Path;

use crate::Error;
use crate::fs::{Access, FileSystem, exists, read_small, write_all};
use crate::save::save;

/// Name of the only section Borg reads.
pub const SECTION: &str = "repository";
/// Largest `max_segment_size`: offsets of entries must fit 32 bits.
pub const SEGMENT_BYTES_LIMIT: u64 = (1 << 32) - 20 * 1024 * 1024;

/// All sections with all options, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    sections: Vec<(String, Vec<(String, String)>)>,
}

/// The options that the store obeys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The repository's id.
    pub id: [u8; 32],
    /// Segments in each directory below `data`.
    pub segments_per_directory: u32,
    /// A segment that is larger gets no more entries.
    pub segment_bytes_most: u64,
    /// Nothing is compacted or destroyed.
    pub append_only: bool,
    /// Limit of [`crate::Totals`]; 0 is none.
    pub storage_quota: u64,
    /// What must stay free beside what Borg needs.
    pub additional_free_bytes: u64,
}

impl Config {
    /// Reads the text of a file.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut config = Self::default();
        for line in text.lines() {
            let content = line.trim();
            if content.starts_with(['#', ';']) {
                continue;
            }
            if line.starts_with([' ', '\t']) && !content.is_empty() {
                let value = config.sections.last_mut().and_then(|(_, options)| options.last_mut());
                let (_, value) = value.ok_or("continuation without an option")?;
                value.push('\n');
                value.push_str(content);
            } else if let Some(name) = content.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                config.sections.push((name.to_owned(), Vec::new()));
            } else if !content.is_empty() {
                let (name, value) = content.split_once(['=', ':']).ok_or("line without an option")?;
                let (_, options) = config.sections.last_mut().ok_or("option outside of a section")?;
                options.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
            }
        }
        Ok(config)
    }

    /// The text of the file, as `configparser` writes it.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (section, options) in &self.sections {
            text.push_str(&format!("[{section}]\n"));
            for (name, value) in options {
                text.push_str(&format!("{name} = {}\n", value.replace('\n', "\n\t")));
            }
            text.push('\n');
        }
        text
    }

    /// An option of the repository section.
    pub fn value(&self, name: &str) -> Option<&str> {
        let (_, options) = self.sections.iter().find(|(section, _)| section == SECTION)?;
        options.iter().rev().find(|(option, _)| option == name).map(|(_, value)| value.as_str())
    }

    /// Every option of the repository section.
    pub fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        let section = self.sections.iter().filter(|(section, _)| section == SECTION);
        section.flat_map(|(_, options)| options).map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Sets an option of the repository section.
    pub fn set(&mut self, name: &str, value: &str) {
        if !self.sections.iter().any(|(section, _)| section == SECTION) {
            self.sections.push((SECTION.to_owned(), Vec::new()));
        }
        for (section, options) in &mut self.sections {
            if section == SECTION {
                match options.iter_mut().find(|(option, _)| option == name) {
                    Some((_, old)) => value.clone_into(old),
                    None => options.push((name.to_owned(), value.to_owned())),
                }
                return;
            }
        }
    }

    /// Removes an option; true when it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        let mut removed = false;
        for (_, options) in self.sections.iter_mut().filter(|(section, _)| section == SECTION) {
            let before = options.len();
            options.retain(|(option, _)| option != name);
            removed |= options.len() < before;
        }
        removed
    }

    /// Checks and converts what the store obeys; the error says what is wrong.
    pub fn settings(&self) -> Result<Settings, String> {
        if !self.sections.iter().any(|(section, _)| section == SECTION) {
            return Err("no repository section found".to_owned());
        }
        let version = self.number("version", None)?;
        if version != 1 {
            return Err(format!("repository version {version} is not supported by this borg version"));
        }
        let segment_bytes_most = self.number("max_segment_size", None)?;
        if segment_bytes_most >= SEGMENT_BYTES_LIMIT {
            return Err(format!("max_segment_size >= {SEGMENT_BYTES_LIMIT}"));
        }
        let segments = self.number("segments_per_dir", None)?;
        let segments_per_directory = u32::try_from(segments).ok().filter(|&segments| segments > 0);
        let id = self.value("id").and_then(|id| nanoprobe_format::Id::from_hex(id.trim()));
        let append_only = self.value("append_only").unwrap_or("0").to_ascii_lowercase();
        Ok(Settings {
            id: id.ok_or("id is not 64 hexadecimal digits")?.0,
            segments_per_directory: segments_per_directory.ok_or("segments_per_dir is not a number")?,
            segment_bytes_most,
            append_only: matches!(append_only.as_str(), "1" | "yes" | "true" | "on"),
            storage_quota: self.number("storage_quota", Some(0))?,
            additional_free_bytes: self.number("additional_free_space", Some(0))?,
        })
    }

    fn number(&self, name: &str, default: Option<u64>) -> Result<u64, String> {
        match (self.value(name), default) {
            (None, Some(default)) => Ok(default),
            (value, _) => value.and_then(parse_size).ok_or_else(|| format!("{name} is not a number")),
        }
    }
}

/// Reads a size as Borg does: decimal units K, M, G, T, P.
pub fn parse_size(text: &str) -> Option<u64> {
    let factor = match text.chars().last()? {
        'K' => 1e3,
        'M' => 1e6,
        'G' => 1e9,
        'T' => 1e12,
        'P' => 1e15,
        _ => return text.parse::<u64>().ok().or_else(|| text.parse::<f64>().ok().and_then(whole)),
    };
    whole(text[..text.len() - 1].parse::<f64>().ok()? * factor)
}

/// Reads `config` of the repository at `path`.
pub(crate) fn load(fs: &dyn FileSystem, path: &Path) -> Result<Config, Error> {
    const CONFIG_BYTES_MOST: usize = 1 << 20;
    let file = path.join("config");
    let bytes = match read_small(fs, &file, CONFIG_BYTES_MOST) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::InvalidRepository(path.display().to_string()));
        }
        Err(error) => return Err(Error::io(&file)(error)),
    };
    Config::parse(&String::from_utf8_lossy(&bytes)).map_err(|reason| invalid(path, reason))
}

/// Replaces `config` durably; the old one may hold a key and is overwritten before it goes.
pub(crate) fn store(fs: &dyn FileSystem, path: &Path, config: &Config) -> Result<(), Error> {
    let file = path.join("config");
    let old = path.join("config.old");
    let erase = |path: &Path| erase(fs, path).map_err(Error::io(path));
    if exists(fs, &old).map_err(Error::io(&old))? {
        erase(&old)?;
    }
    // Without hard links the old contents cannot be reached any more after the rename: that is only less tidy.
    let linked = exists(fs, &file).map_err(Error::io(&file))? && fs.link(&file, &old).is_ok();
    save(fs, &file, config.text().as_bytes()).map_err(Error::io(&file))?;
    if linked {
        erase(&old)?;
    }
    Ok(())
}

pub(crate) fn invalid(path: &Path, reason: String) -> Error {
    Error::InvalidRepositoryConfig { path: path.display().to_string(), reason }
}

/// Overwrites a file with noise and removes it; one that has other names is only removed.
fn erase(fs: &dyn FileSystem, path: &Path) -> io::Result<()> {
    let metadata = fs.metadata(path)?;
    if metadata.links == 1 {
        let file = fs.open(path, Access::Write)?;
        let mut noise = [0; 4096];
        let mut offset = 0;
        while offset < metadata.bytes {
            getrandom::fill(&mut noise)?;
            let length = (metadata.bytes - offset).min(noise.len() as u64);
            write_all(&*file, &noise[..length as usize], offset)?;
            offset += length;
        }
        file.sync()?;
    }
    fs.remove(path)
}

fn whole(number: f64) -> Option<u64> {
    (number >= 0.0 && number < u64::MAX as f64).then_some(number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[repository]\nversion = 1\nsegments_per_dir = 1000\nmax_segment_size = 524288000\n\
        append_only = 0\nstorage_quota = 5G\nadditional_free_space = 0\n\
        id = 5450feca057ca8924e2e08a139bfb64eae73a69bde7152c1c2c20f84d2e2902a\nkey = hqlhbGdvcml0aG2m\n\tAAAA\n\tBBBB=\n\n";

    #[test]
    fn text_round_trips() {
        let config = Config::parse(TEXT).unwrap();
        assert_eq!(config.text(), TEXT);
        assert_eq!(config.value("key"), Some("hqlhbGdvcml0aG2m\nAAAA\nBBBB="));
        let settings = config.settings().unwrap();
        assert_eq!(settings.storage_quota, 5_000_000_000);
        assert_eq!(settings.segment_bytes_most, 524_288_000);
    }

    #[test]
    fn reasons_are_borgs() {
        let reason = |text: &str| Config::parse(text).and_then(|config| config.settings()).unwrap_err();
        assert_eq!(reason("[other]\n"), "no repository section found");
        assert_eq!(
            reason(&TEXT.replace("version = 1", "version = 2")),
            "repository version 2 is not supported by this borg version"
        );
        assert_eq!(reason(&TEXT.replace("524288000", "4.3G")), "max_segment_size >= 4273995776");
    }

    #[test]
    fn options_come_and_go() {
        let mut config = Config::parse(TEXT).unwrap();
        config.set("last_segment_checked", "7");
        assert_eq!(config.value("last_segment_checked"), Some("7"));
        assert!(config.remove("last_segment_checked"));
        assert_eq!(config.text(), TEXT);
    }
}
