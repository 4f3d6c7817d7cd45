//! Slices of time: where a check of archives stopped, and when it is to stop again.
//!
//! The position is a small file in the cache directory, replaced durably, so that it survives a power cut:
//!
//! ```text
//! data ID
//! archive ID PLACE FIRST CARRIED TIME NAME
//! ```
//! `data`: the last object that `--verify-data` opened. `archive`: the one to go on with, and where in its item stream
//! (`mark::Position`). Archives come by their time, so that when this one is gone the next one is known. It is a hint: what
//! cannot be read counts as the beginning.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nanoprobe_archive::ManifestEntry;
use nanoprobe_format::Id;
use nanoprobe_key::durable;

use crate::{Error, mark::Position};

/// A position that is longer than an archive's name and time may be is none.
const MOST_BYTES: u64 = 4096;

/// What comes next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Next {
    /// A new round.
    #[default]
    Beginning,
    /// The data of objects after this one.
    Data(Id),
    /// This archive, from a position on.
    Archive(ManifestEntry, Position),
}

/// One slice.
pub(super) struct Slice {
    path: PathBuf,
    end: Option<Instant>,
    /// Where it goes on.
    pub(super) start: Next,
}

impl Slice {
    /// A slice of such a duration, which begins where the last one ended; zero: no limit, and the whole from the beginning.
    pub(super) fn begin(directory: &Path, duration: Duration) -> Self {
        let path = directory.join("check-position");
        if duration.is_zero() {
            return Self { path, end: None, start: Next::Beginning };
        }
        let is_short = fs::metadata(&path).is_ok_and(|metadata| metadata.len() <= MOST_BYTES);
        let text = fs::read_to_string(&path).ok().filter(|_| is_short);
        let start = text.as_deref().and_then(parse).unwrap_or_default();
        Self { path, end: Instant::now().checked_add(duration), start }
    }

    /// Whether the time is up.
    pub(super) fn is_over(&self) -> bool {
        self.end.is_some_and(|end| Instant::now() >= end)
    }

    /// Whether the whole is looked at.
    pub(super) fn is_whole(&self) -> bool {
        self.start == Next::Beginning
    }

    /// The next slice begins here. Without a limit the position of slices stays as it is.
    pub(super) fn save(&self, next: &Next) -> Result<(), Error> {
        if self.end.is_none() {
            return Ok(());
        }
        let text = match next {
            Next::Beginning => String::new(),
            Next::Data(id) => format!("data {id}\n"),
            Next::Archive(ManifestEntry { name, id, time }, Position { place, first, carried }) => {
                format!("archive {id} {place} {first} {carried} {time} {name}\n")
            }
        };
        Ok(durable::replace(&self.path, text.as_bytes())?)
    }
}

fn parse(text: &str) -> Option<Next> {
    let (kind, rest) = text.strip_suffix('\n')?.split_once(' ')?;
    match kind {
        "data" => Id::from_hex(rest).map(Next::Data),
        "archive" => {
            let mut words = rest.splitn(6, ' ');
            let mut word = || words.next();
            let id = Id::from_hex(word()?)?;
            let (place, first, carried) = (word()?.parse().ok()?, word()?.parse().ok()?, word()?.parse().ok()?);
            let (time, name) = (word()?.to_owned(), word()?.to_owned());
            Some(Next::Archive(ManifestEntry { name, id, time }, Position { place, first, carried }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_kept() {
        let directory = tempfile::tempdir().expect("a directory");
        let entry = ManifestEntry { name: "a name".to_owned(), id: Id([7; 32]), time: "2026-01-02".to_owned() };
        let position = Position { place: 12, first: 9, carried: 100 };
        for next in [Next::Data(Id([0xab; 32])), Next::Archive(entry, position), Next::Beginning] {
            Slice::begin(directory.path(), Duration::from_secs(1000)).save(&next).expect("saved");
            assert_eq!(Slice::begin(directory.path(), Duration::from_secs(1000)).start, next);
            // The whole says nothing of slices.
            let whole = Slice::begin(directory.path(), Duration::ZERO);
            assert!(whole.is_whole());
            whole.save(&Next::Beginning).expect("nothing to do");
            assert_eq!(Slice::begin(directory.path(), Duration::from_secs(1000)).start, next);
        }
        for damaged in ["data 12\n", "archive", "archive 1 2 3", "\u{e9}\n", "data \n"] {
            fs::write(directory.path().join("check-position"), damaged).expect("written");
            assert!(Slice::begin(directory.path(), Duration::from_secs(1000)).is_whole(), "{damaged}");
        }
    }
}
