//! The order of the lines: Borg's own, or what `--sort-by` asks for.
//!
//! Borg reads both archives in step and tells of a path when it has met it in both; then come paths that only the second
//! archive has, those that only the first has, and hard links that had to wait. A [`Turn`] is a place in that order. Lines wait
//! in a sorted file for theirs, with the values of the fields to sort by in front.

use std::{io, path::Path};

use nanoprobe_format::item::Item;

use super::{
    Lines,
    change::{Change, Difference, size},
};
use crate::{
    Error,
    sorted_records::{SortedRecords, push_text},
};

/// What a line may be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SortField {
    /// The value.
    pub by: SortBy,
    /// Which end comes first.
    pub direction: Direction,
}

/// Which end comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The smallest.
    Ascending,
    /// The largest.
    Descending,
}

/// The values to sort by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names are Borg's words
pub enum SortBy {
    Path,
    SizeAdded,
    SizeRemoved,
    SizeDiff,
    Size,
    User,
    Group,
    Uid,
    Gid,
    Ctime,
    Mtime,
    CtimeDiff,
    MtimeDiff,
}

impl SortField {
    /// From Borg's spelling: a field's name, with `>` in front for descending order or `<` for ascending.
    pub fn from_word(word: &str) -> Option<Self> {
        let (direction, name) = match word.split_at_checked(1) {
            Some((">", name)) => (Direction::Descending, name),
            Some(("<", name)) => (Direction::Ascending, name),
            _ => (Direction::Ascending, word),
        };
        let by = match name {
            "path" => SortBy::Path,
            "size_added" => SortBy::SizeAdded,
            "size_removed" => SortBy::SizeRemoved,
            "size_diff" => SortBy::SizeDiff,
            "size" => SortBy::Size,
            "user" => SortBy::User,
            "group" => SortBy::Group,
            "uid" => SortBy::Uid,
            "gid" => SortBy::Gid,
            "ctime" => SortBy::Ctime,
            "mtime" => SortBy::Mtime,
            "ctime_diff" => SortBy::CtimeDiff,
            "mtime_diff" => SortBy::MtimeDiff,
            _ => return None,
        };
        Some(Self { by, direction })
    }
}

/// When Borg would tell of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn {
    pub(super) phase: Phase,
    /// How many items of the archive that came to the path last stand before it.
    pub(super) step: u64,
    /// Of two pairs that are complete in one step, the one whose item of the first archive completes it comes first.
    pub(super) side: u8,
}

/// Borg's passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Matched = 0,
    Added = 1,
    Removed = 2,
    Deferred = 3,
}

impl Turn {
    pub(super) const BYTES: usize = 10;

    /// In a form that sorts.
    pub(super) fn bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[0] = self.phase as u8;
        bytes[1..9].copy_from_slice(&self.step.to_be_bytes());
        bytes[9] = self.side;
        bytes
    }

    /// Back from there.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&[phase, ref step @ .., side], _) = bytes.split_first_chunk::<{ Self::BYTES }>()?;
        let phase = match phase {
            0 => Phase::Matched,
            1 => Phase::Added,
            2 => Phase::Removed,
            _ => Phase::Deferred,
        };
        Some(Self { phase, step: u64::from_be_bytes(*step), side })
    }
}

/// Lines that wait for their turn.
pub(super) struct Waiting<'a> {
    lines: &'a mut dyn Lines,
    sort_by: &'a [SortField],
    sorted: SortedRecords,
    key: Vec<u8>,
    line: Vec<u8>,
}

impl<'a> Waiting<'a> {
    pub(super) fn new(lines: &'a mut dyn Lines, sort_by: &'a [SortField], directory: &Path, most_bytes: usize) -> Self {
        let sorted = SortedRecords::new(directory, most_bytes);
        Self { lines, sort_by, sorted, key: Vec::new(), line: Vec::new() }
    }

    /// Takes a difference between what stands at both sides.
    pub(super) fn push(
        &mut self,
        turn: Turn,
        difference: &Difference<'_>,
        sides: [&Option<Item<'_>>; 2],
    ) -> io::Result<()> {
        self.key.clear();
        for field in self.sort_by {
            let start = self.key.len();
            push_value(&mut self.key, field.by, difference, sides);
            if field.direction == Direction::Descending {
                self.key[start..].iter_mut().for_each(|byte| *byte = !*byte);
            }
        }
        self.key.extend(turn.bytes());
        self.line.clear();
        self.lines.line(difference, &mut self.line);
        self.sorted.push(&self.key, &[&self.line])
    }

    /// Prints them all.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        let mut sorted = self.sorted.finish().map_err(super::scratch_failed)?;
        while sorted.next(&mut self.key, &mut self.line).map_err(super::scratch_failed)? {
            self.lines.print(&self.line)?;
        }
        Ok(())
    }
}

fn push_value(key: &mut Vec<u8>, by: SortBy, difference: &Difference<'_>, [old, new]: [&Option<Item<'_>>; 2]) {
    let item = |value: fn(&Item<'_>) -> i128, absent: i128| new.as_ref().map_or(absent, value);
    let time = |value: fn(&Item<'_>) -> Option<i64>, side: &Option<Item<'_>>| {
        side.as_ref().and_then(value).map_or(0, i128::from)
    };
    let (added, removed) = sizes(difference);
    let number = match by {
        SortBy::Path => return push_text(key, &printable(difference.path)),
        SortBy::User => return push_text(key, new.as_ref().and_then(|item| item.user).unwrap_or_default()),
        SortBy::Group => return push_text(key, new.as_ref().and_then(|item| item.group).unwrap_or_default()),
        SortBy::SizeAdded => added,
        SortBy::SizeRemoved => removed,
        SortBy::SizeDiff => added - removed,
        SortBy::Size => item(|item| size(item).into(), 0),
        SortBy::Uid => item(|item| item.uid.map_or(-1, i128::from), -1),
        SortBy::Gid => item(|item| item.gid.map_or(-1, i128::from), -1),
        SortBy::Ctime => time(|item| item.ctime, new),
        SortBy::Mtime => time(|item| item.mtime, new),
        SortBy::CtimeDiff => time(|item| item.ctime, new) - time(|item| item.ctime, old),
        SortBy::MtimeDiff => time(|item| item.mtime, new) - time(|item| item.mtime, old),
    };
    // With the sign turned round, numbers sort as their bytes do.
    key.extend((number ^ i128::MIN).to_be_bytes());
}

/// Bytes added and removed.
fn sizes(difference: &Difference<'_>) -> (i128, i128) {
    let (mut added, mut removed) = (0, 0);
    for change in &difference.changes {
        match change {
            Change::Added { size } => added += i128::from(*size),
            Change::Removed { size } => removed += i128::from(*size),
            Change::Modified(Some(modified)) => {
                added += i128::from(modified.added);
                removed += i128::from(modified.removed);
            }
            _ => {}
        }
    }
    (added, removed)
}

/// Paths are sorted as they are printed.
fn printable(path: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(path.len());
    for chunk in path.utf8_chunks() {
        text.extend_from_slice(chunk.valid().as_bytes());
        text.extend(std::iter::repeat_n(b'?', chunk.invalid().len()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_and_words_survive() {
        let turn = Turn { phase: Phase::Removed, step: 1 << 40, side: 1 };
        assert_eq!(Turn::from_bytes(&turn.bytes()), Some(turn));
        assert!(
            Turn { phase: Phase::Matched, step: 256, side: 0 }.bytes()
                > Turn { phase: Phase::Matched, step: 255, side: 1 }.bytes()
        );
        let field = SortField::from_word(">size_diff");
        assert_eq!(field, Some(SortField { by: SortBy::SizeDiff, direction: Direction::Descending }));
        assert_eq!(SortField::from_word("mode"), None);
    }

    #[test]
    fn numbers_sort_as_numbers() {
        let difference = |size| Difference { path: b"p", changes: vec![Change::Removed { size }] };
        let keys: Vec<Vec<u8>> = [300, 20, 1, 0]
            .map(|size| {
                let mut key = Vec::new();
                push_value(&mut key, SortBy::SizeDiff, &difference(size), [&None, &None]);
                key
            })
            .to_vec();
        assert!(keys.is_sorted());
    }
}
