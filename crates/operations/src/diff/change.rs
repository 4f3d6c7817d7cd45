//! What is different between two items: decided as Borg decides it, told in Borg's order.
//!
//! RAM: 16 bytes for every chunk of both files, while what was added and removed is counted.

use std::collections::HashSet;

use nanoprobe_format::{
    ChunkRef,
    item::{Chunks, Item},
};

const TYPE_BITS: u32 = 0o170_000;
const LINK: u32 = 0o120_000;

/// A path at which two archives differ.
#[derive(Clone, Debug)]
pub struct Difference<'a> {
    /// The path in both.
    pub path: &'a [u8],
    /// In Borg's order; none where nothing of what Borg shows is different.
    pub changes: Vec<Change<'a>>,
}

/// One difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// A file that only the second archive has.
    Added {
        /// Plain bytes.
        size: u64,
    },
    /// A file that only the first archive has.
    Removed {
        /// Plain bytes.
        size: u64,
    },
    /// A file whose content is not the same.
    Modified(Option<Modified>),
    /// Something without content that only the second archive has.
    AddedKind(Kind),
    /// Something without content that only the first archive has.
    RemovedKind(Kind),
    /// A symbolic link leads elsewhere.
    ChangedLink,
    /// User or group.
    Owner {
        /// Before: user, group.
        old: [Owner<'a>; 2],
        /// After.
        new: [Owner<'a>; 2],
    },
    /// Type or permissions.
    Mode {
        /// Before.
        old: u32,
        /// After.
        new: u32,
    },
    /// A time, in ns since 1970.
    Time {
        /// Which one.
        name: &'static str,
        /// Before.
        old: i64,
        /// After.
        new: i64,
    },
}

/// How much of a file's content is new or gone, by its chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modified {
    /// Bytes of chunks that the file did not have.
    pub added: u64,
    /// Bytes of chunks that it has no more.
    pub removed: u64,
}

/// What has no content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A symbolic link.
    Link,
    /// A directory.
    Directory,
    /// A block device.
    BlockDevice,
    /// A character device.
    CharacterDevice,
    /// A FIFO.
    Fifo,
}

/// A user or a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner<'a> {
    /// By name, which need not be known.
    Name(Option<&'a [u8]>),
    /// By number (`--numeric-ids`).
    Number(Option<i64>),
}

/// What counts as a difference.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rules {
    pub(super) content_only: bool,
    pub(super) numeric_ids: bool,
    /// Both archives cut files in the same way, so that equal content has equal chunks.
    pub(super) compare_ids: bool,
}

/// The difference between what stands at a path in two archives (nothing where one does not have it), unless it is the same. `same_content` is asked where chunks do not tell.
pub(super) fn difference<'a, E>(
    path: &'a [u8],
    [old, new]: [&Option<Item<'a>>; 2],
    rules: Rules,
    same_content: impl FnOnce(Chunks<'a>, Chunks<'a>) -> Result<bool, E>,
) -> Result<Option<Difference<'a>>, E> {
    if is_equal([old, new], rules, same_content)? {
        return Ok(None);
    }
    let mut changes = Vec::new();
    if is_kind(old, LINK) || is_kind(new, LINK) {
        changes.extend(presence(old, new, Kind::Link).or_else(|| target_change(old, new)));
    }
    if has_content(old) && has_content(new) {
        changes.push(content_change(old, new, rules));
    }
    for (bits, kind) in [
        (0o040_000, Kind::Directory),
        (0o060_000, Kind::BlockDevice),
        (0o020_000, Kind::CharacterDevice),
        (0o010_000, Kind::Fifo),
    ] {
        if is_kind(old, bits) || is_kind(new, bits) {
            changes.extend(presence(old, new, kind));
        }
    }
    if let (Some(old), Some(new), false) = (old, new, rules.content_only) {
        let (old_owner, new_owner) = (owner(old, rules), owner(new, rules));
        if old_owner != new_owner {
            changes.push(Change::Owner { old: old_owner, new: new_owner });
        }
        if old.mode != new.mode {
            changes.push(Change::Mode { old: old.mode, new: new.mode });
        }
        for (name, old, new) in [("ctime", old.ctime, new.ctime), ("mtime", old.mtime, new.mtime)] {
            if let (Some(old), Some(new)) = (old, new)
                && old != new
            {
                changes.push(Change::Time { name, old, new });
            }
        }
    }
    Ok(Some(Difference { path, changes }))
}

fn is_equal<'a, E>(
    [old, new]: [&Option<Item<'a>>; 2],
    rules: Rules,
    same_content: impl FnOnce(Chunks<'a>, Chunks<'a>) -> Result<bool, E>,
) -> Result<bool, E> {
    let (Some(old), Some(new)) = (old, new) else { return Ok(old.is_none() && new.is_none()) };
    let same_attributes = rules.content_only
        || ((old.mode, old.ctime, old.mtime) == (new.mode, new.ctime, new.mtime)
            && owner(old, rules) == owner(new, rules));
    if !same_attributes || old.source != new.source {
        return Ok(false);
    }
    match (old.chunks, new.chunks) {
        (Some(old_chunks), Some(new_chunks)) if rules.compare_ids => Ok(old_chunks == new_chunks),
        (Some(old_chunks), Some(new_chunks)) => Ok(size(old) == size(new) && same_content(old_chunks, new_chunks)?),
        _ => Ok(true),
    }
}

fn content_change(old: &Option<Item<'_>>, new: &Option<Item<'_>>, rules: Rules) -> Change<'static> {
    let (old, new) = match (old, new) {
        (None, Some(new)) => return Change::Added { size: size(new) },
        (Some(old), None) => return Change::Removed { size: size(old) },
        (Some(old), Some(new)) if rules.compare_ids => (old, new),
        _ => return Change::Modified(None),
    };
    let ids = |item: &Item<'_>| chunks(item).map(|chunk| prefix(&chunk)).collect::<HashSet<u128>>();
    let missing_in = |item: &Item<'_>, known: &HashSet<u128>| {
        let unknown = chunks(item).filter(|chunk| !known.contains(&prefix(chunk)));
        unknown.fold(0, |sum: u64, chunk| sum.saturating_add(chunk.size.into()))
    };
    let added = missing_in(new, &ids(old));
    let removed = missing_in(old, &ids(new));
    Change::Modified(Some(Modified { added, removed }))
}

/// Ids are digests: half of one is as good as the whole.
fn prefix(chunk: &ChunkRef) -> u128 {
    chunk.id.0[..16].iter().fold(0, |number, &byte| number << 8 | u128::from(byte))
}

fn chunks<'a>(item: &Item<'a>) -> impl Iterator<Item = ChunkRef> + use<'a> {
    item.chunks.into_iter().flat_map(|chunks| chunks.iter())
}

/// Borg's size of an item: the recorded one, of a symbolic link its target's characters, else the sum of its chunks.
pub(super) fn size(item: &Item<'_>) -> u64 {
    match (item.size, item.source) {
        (Some(size), _) => size,
        (None, Some(target)) if item.mode & TYPE_BITS == LINK => {
            target.utf8_chunks().map(|chunk| (chunk.valid().chars().count() + chunk.invalid().len()) as u64).sum()
        }
        _ => item.chunks.map_or(0, |chunks| chunks.size_bytes()),
    }
}

/// What is not there counts as an empty file.
fn has_content(side: &Option<Item<'_>>) -> bool {
    side.as_ref().is_none_or(|item| item.chunks.is_some())
}

fn is_kind(side: &Option<Item<'_>>, bits: u32) -> bool {
    side.as_ref().is_some_and(|item| item.mode & TYPE_BITS == bits)
}

fn presence(old: &Option<Item<'_>>, new: &Option<Item<'_>>, kind: Kind) -> Option<Change<'static>> {
    match (old, new) {
        (Some(_), None) => Some(Change::RemovedKind(kind)),
        (None, Some(_)) => Some(Change::AddedKind(kind)),
        _ => None,
    }
}

fn target_change(old: &Option<Item<'_>>, new: &Option<Item<'_>>) -> Option<Change<'static>> {
    let (old, new) = (old.as_ref()?.source?, new.as_ref()?.source?);
    (old != new).then_some(Change::ChangedLink)
}

fn owner<'a>(item: &Item<'a>, rules: Rules) -> [Owner<'a>; 2] {
    match rules.numeric_ids {
        true => [Owner::Number(item.uid), Owner::Number(item.gid)],
        false => [Owner::Name(item.user), Owner::Name(item.group)],
    }
}

#[cfg(test)]
mod tests {
    use nanoprobe_format::Id;

    use super::*;

    fn chunk(number: u8, size: u32) -> ChunkRef {
        ChunkRef { id: Id([number; 32]), size, csize: size + 9 }
    }

    fn compare<'a>(old: Option<Item<'a>>, new: Option<Item<'a>>, rules: Rules) -> Option<Vec<Change<'a>>> {
        let same = |old: Chunks<'_>, new: Chunks<'_>| Ok::<_, ()>(old.iter().count() == new.iter().count());
        difference(b"p", [&old, &new], rules, same).expect("nothing fails").map(|difference| difference.changes)
    }

    #[test]
    fn content_is_told_by_chunks_or_by_itself() {
        let by_ids = Rules { compare_ids: true, ..Rules::default() };
        let (first, second) = ([chunk(1, 10), chunk(2, 20)], [chunk(2, 20), chunk(3, 5), chunk(3, 5)]);
        let file = |chunks| Item { path: b"p", mode: 0o100_644, chunks: Some(Chunks::Refs(chunks)), ..Item::default() };
        let [old, new] = [file(&first), file(&second)].map(Some);
        let changes = compare(old.clone(), new.clone(), by_ids);
        assert_eq!(changes, Some(vec![Change::Modified(Some(Modified { added: 10, removed: 10 }))]));
        assert_eq!(compare(old.clone(), new.clone(), Rules::default()), None.or(Some(vec![Change::Modified(None)])));
        assert_eq!(compare(old.clone(), old.clone(), Rules::default()), None);
        assert_eq!(compare(None, new, by_ids), Some(vec![Change::Added { size: 30 }]));
        assert_eq!(compare(old, None, by_ids), Some(vec![Change::Removed { size: 30 }]));
        assert_eq!(compare(None, None, by_ids), None);
    }

    #[test]
    fn kinds_and_attributes_come_in_borgs_order() {
        let directory = Item { path: b"p", mode: 0o040_755, user: Some(b"u"), mtime: Some(1), ..Item::default() };
        let link = Item { path: b"p", mode: 0o120_777, source: Some(b"t"), mtime: Some(2), ..Item::default() };
        let times = Change::Time { name: "mtime", old: 1, new: 2 };
        let [nobody, user] = [Owner::Name(None), Owner::Name(Some(b"u"))];
        let owners = Change::Owner { old: [user, nobody], new: [nobody, nobody] };
        let modes = Change::Mode { old: 0o040_755, new: 0o120_777 };
        let changes = compare(Some(directory.clone()), Some(link.clone()), Rules::default());
        assert_eq!(changes, Some(vec![owners, modes, times]));
        let content_only = Rules { content_only: true, ..Rules::default() };
        assert_eq!(compare(Some(directory.clone()), Some(link.clone()), content_only), Some(Vec::new()));
        assert_eq!(compare(Some(directory), None, content_only), Some(vec![Change::RemovedKind(Kind::Directory)]));
        let elsewhere = Item { source: Some(b"x"), ..link.clone() };
        assert_eq!(compare(Some(link), Some(elsewhere), content_only), Some(vec![Change::ChangedLink]));
    }
}
