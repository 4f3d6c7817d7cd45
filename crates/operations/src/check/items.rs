//! An archive's items, as far as they can be read: missing and damaged metadata chunks are reported and passed over.
//!
//! After a gap the stream is searched, byte by byte, for the next thing that looks like an item.
//!
//! RAM: one metadata chunk; after a gap all that follows until an item is found, within the limit of one item.

use std::cell::Cell;

use nanoprobe_format::{
    Id,
    item::Item,
    manifest::ITEM_KEYS,
    msgpack::{self, Reader},
};
use nanoprobe_key::{Key, Opener};
use nanoprobe_repository::Repository;

use super::{
    damage::{describe, is_integrity, is_key_damage},
    findings::Findings,
};
use crate::{
    Error,
    metadata_stream::{Splitter, TooLarge},
};

/// Keys that every item has.
const REQUIRED: [&[u8]; 2] = [b"mtime", b"path"];

/// Reads items of one archive after another.
pub(super) struct RobustItems<'a> {
    repository: &'a dyn Repository,
    opener: Opener,
    findings: &'a Findings<'a>,
    splitter: Splitter,
    most_bytes: usize,
    /// What came after a gap and holds no item so far.
    searched: Option<Vec<u8>>,
    object: Vec<u8>,
    /// Something was passed over.
    has_gaps: Cell<bool>,
}

impl<'a> RobustItems<'a> {
    pub(super) fn new(
        repository: &'a dyn Repository,
        key: &Key,
        findings: &'a Findings<'a>,
        most_bytes: usize,
    ) -> Self {
        let splitter = Splitter::new(most_bytes);
        let opener = key.opener();
        let has_gaps = Cell::new(false);
        Self { repository, opener, findings, splitter, most_bytes, searched: None, object: Vec::new(), has_gaps }
    }

    /// Hands every valid item of the stream to `each`; gives whether something was passed over.
    pub(super) fn read(
        &mut self,
        ids: &[Id],
        each: &mut dyn FnMut(&Item<'_>) -> Result<(), Error>,
    ) -> Result<bool, Error> {
        self.splitter.restart();
        self.searched = None;
        self.has_gaps.set(false);
        let mut data = Vec::new();
        for (number, id) in ids.iter().enumerate() {
            if self.repository.stored_bytes(id)?.is_none() {
                self.report("item metadata chunk missing", number, id);
                self.search_again();
                continue;
            }
            match self.open(id, &mut data) {
                Ok(()) => self.feed(&data, number, id, each)?,
                Err(Error::Key(error)) if is_key_damage(&error) => self.report(&describe(&error), number, id),
                Err(Error::Repository(error)) if is_integrity(&error) => self.report(&error.to_string(), number, id),
                Err(error) => return Err(error),
            }
        }
        // The stream may end within an item, or before one was found again.
        Ok(self.has_gaps.get() || self.splitter.carried() > 0)
    }

    fn open(&mut self, id: &Id, data: &mut Vec<u8>) -> Result<(), Error> {
        self.repository.get(id, &mut self.object)?;
        Ok(self.opener.open_in_place(Some(id), &mut self.object, data)?)
    }

    fn feed(
        &mut self,
        data: &[u8],
        number: usize,
        id: &Id,
        each: &mut dyn FnMut(&Item<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let found;
        let data = match &mut self.searched {
            None => data,
            Some(searched) => {
                if searched.len() + data.len() > self.most_bytes {
                    // What may be the beginning of an item that needs more room is nothing to pass over.
                    if (0..searched.len()).any(|start| looks_like_item(&searched[start..])) {
                        return Err(TooLarge { limit_bytes: self.most_bytes }.into());
                    }
                    searched.clear();
                }
                searched.extend_from_slice(data);
                let Some(start) = find_item(searched) else { return Ok(()) };
                found = searched.split_off(start);
                self.searched = None;
                &found
            }
        };
        let (findings, has_gaps) = (self.findings, &self.has_gaps);
        let result = self.splitter.feed(data, &mut |value| match understand(value) {
            Ok(item) => each(&item).map_err(Stop::Failed),
            Err(reason) => {
                let text = format!("Did not get expected metadata dict when unpacking item metadata ({reason})");
                has_gaps.set(true);
                report(findings, &text, number, id);
                Ok(())
            }
        });
        match result {
            Ok(()) => Ok(()),
            Err(Stop::Failed(error)) => Err(error),
            Err(Stop::Format) => {
                self.report("Unpacker crashed while unpacking item metadata, trying to resync...", number, id);
                self.search_again();
                Ok(())
            }
        }
    }

    fn search_again(&mut self) {
        self.splitter.restart();
        self.searched = Some(Vec::new());
    }

    fn report(&self, text: &str, number: usize, id: &Id) {
        self.has_gaps.set(true);
        report(self.findings, text, number, id);
    }
}

fn report(findings: &Findings<'_>, text: &str, number: usize, id: &Id) {
    findings.defect(&format!("{text} [chunk: {number:06}_{id}]"));
}

/// Why reading stops.
enum Stop {
    Format,
    Failed(Error),
}

impl From<msgpack::Error> for Stop {
    fn from(_: msgpack::Error) -> Self {
        Self::Format
    }
}

impl From<TooLarge> for Stop {
    fn from(too_large: TooLarge) -> Self {
        Self::Failed(too_large.into())
    }
}

/// Reads a value as an item, or says why it is none.
pub(super) fn understand(value: &[u8]) -> Result<Item<'_>, String> {
    let mut reader = Reader::new(value);
    let Ok(pairs) = reader.map() else { return Err("not a dictionary".to_owned()) };
    let mut is_there = [false; REQUIRED.len()];
    let mut unknown = Vec::new();
    for _ in 0..pairs {
        let (Ok(key), Ok(_)) = (reader.skip(), reader.skip()) else { return Err("not a dictionary".to_owned()) };
        match Reader::new(key).raw() {
            Ok(key) => {
                if let Some(place) = REQUIRED.iter().position(|required| *required == key) {
                    is_there[place] = true;
                }
                // A bug of long ago added this key; it means nothing.
                if !ITEM_KEYS.contains(&key) && key != b"acl" {
                    unknown.push(String::from_utf8_lossy(key));
                }
            }
            Err(_) => unknown.push(Reader::new(key).number().map_or("?".into(), |key: u64| key.to_string().into())),
        }
    }
    let missing: Vec<_> = REQUIRED.iter().zip(is_there).filter(|(_, there)| !there).map(|(key, _)| *key).collect();
    if !missing.is_empty() {
        let missing: Vec<_> = missing.into_iter().map(String::from_utf8_lossy).collect();
        return Err(format!("missing required keys: {}", missing.join(", ")));
    }
    if !unknown.is_empty() {
        return Err(format!("invalid keys: {}", unknown.join(", ")));
    }
    Item::parse(value).map_err(|error| error.to_string())
}

/// Where the first whole item begins.
fn find_item(data: &[u8]) -> Option<usize> {
    (0..data.len()).find(|&start| {
        let candidate = &data[start..];
        looks_like_item(candidate)
            && Reader::new(candidate).skip().is_ok_and(|value| {
                let found = Reader::new(value).find(b"path");
                found.is_ok_and(|path| path.is_some())
            })
    })
}

/// A small map whose first key is one of an item's.
fn looks_like_item(data: &[u8]) -> bool {
    let is_map = matches!(data.first(), Some(0x80..=0x8f | 0xde));
    let mut reader = Reader::new(data);
    is_map && reader.map().is_ok() && reader.raw().is_ok_and(|key| ITEM_KEYS.contains(&key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong_with_an_item() {
        assert_eq!(understand(b"\x01").expect_err("none"), "not a dictionary");
        let no_path = b"\x82\xa5mtime\x01\xa4mode\x01";
        assert_eq!(understand(no_path).expect_err("none"), "missing required keys: path");
        let strange = b"\x84\xa4mode\x01\xa5mtime\x01\xa4path\xa1x\xa7strange\xc0";
        assert_eq!(understand(strange).expect_err("none"), "invalid keys: strange");
        let numbered = b"\x83\xa5mtime\x01\xa4path\xa1x\x6c\xc0";
        assert_eq!(understand(numbered).expect_err("none"), "invalid keys: 108");
        assert_eq!(understand(b"\x83\xa4mode\x01\xa5mtime\x01\xa4path\xa1x").expect("an item").path, b"x");
    }

    #[test]
    fn finds_the_next_item() {
        let data = b"th\x82\xa4pathing\x83\xa4mode\x01\xa5mtime\x01\xa4path\xa1x\x81\xa4path";
        assert_eq!(find_item(data), Some(11));
        assert_eq!(find_item(&data[12..]), None);
    }
}
