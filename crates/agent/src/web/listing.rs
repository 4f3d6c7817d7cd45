//! A directory of an archive, one page of it, gathered while the list of the archive's items streams by.
//!
//! Directories come first, then the rest, by name. A page keeps the smallest names behind the last one of the page before, so
//! that it costs the same whatever the archive holds, and whatever order it has.

use std::collections::BTreeMap;

use super::addresses::unquoted;

/// Format of the lines that are understood, for `list --format`.
pub(super) const FORMAT: &str = "{type} {size} {mtime:%s} {quotedsource} {quotedpath}{NL}";
/// A line is not longer: two paths, each byte as three.
pub(super) const MOST_LINE_BYTES: usize = 32 << 10;
/// Entries of a page.
pub(super) const MOST_ENTRIES: usize = 500;

/// One page.
#[derive(Debug)]
pub(super) struct Listing {
    /// What all paths begin with; empty, or with a slash at its end.
    prefix: Vec<u8>,
    after: Option<Place>,
    pub(super) entries: BTreeMap<Place, Entry>,
    /// There is another page.
    pub(super) has_more: bool,
}

/// Where an entry stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) kind: Kind,
    pub(super) name: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Directory,
    Other,
}

/// What is told of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// As `ls -l` has it.
    pub(super) letter: u8,
    pub(super) bytes: u64,
    /// When it was changed; unknown of directories above what was backed up.
    pub(super) modified: Option<i64>,
    /// Of a symbolic link: what it says. Of a hard link: the path that has the content.
    pub(super) source: Vec<u8>,
}

impl Listing {
    /// Of the directory at `path`, which is empty for all; of what follows `after`.
    pub(super) fn new(path: &[u8], after: Option<Place>) -> Self {
        let prefix = if path.is_empty() { Vec::new() } else { [path, b"/"].concat() };
        Self { prefix, after, entries: BTreeMap::new(), has_more: false }
    }

    /// Takes a line of the list.
    pub(super) fn line(&mut self, line: &[u8]) {
        let Some((path, entry)) = parse(line.trim_ascii_end()) else { return };
        let Some(below) = path.strip_prefix(self.prefix.as_slice()).filter(|below| !below.is_empty()) else { return };
        let (name, entry) = match below.iter().position(|&byte| byte == b'/') {
            Some(slash) => (&below[..slash], None),
            None => (below, Some(entry)),
        };
        let letter = entry.as_ref().map_or(b'd', |entry| entry.letter);
        let kind = if letter == b'd' { Kind::Directory } else { Kind::Other };
        let place = Place { kind, name: name.to_vec() };
        if self.after.as_ref().is_some_and(|after| place <= *after) {
            return;
        }
        match entry {
            Some(entry) => drop(self.entries.insert(place, entry)),
            None => drop(self.entries.entry(place).or_insert(Entry { letter, ..Entry::default() })),
        }
        if self.entries.len() > MOST_ENTRIES {
            self.entries.pop_last();
            self.has_more = true;
        }
    }
}

fn parse(line: &[u8]) -> Option<(Vec<u8>, Entry)> {
    let mut fields = line.splitn(5, |&byte| byte == b' ');
    let letter = *fields.next()?.first()?;
    let mut number = || str::from_utf8(fields.next()?).ok()?.parse::<i64>().ok();
    let (bytes, modified) = (number()?, number()?);
    let (source, path) = (unquoted(fields.next()?)?, unquoted(fields.next()?)?);
    Some((path, Entry { letter, bytes: bytes.try_into().ok()?, modified: Some(modified), source }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(listing: &Listing) -> Vec<String> {
        listing.entries.keys().map(|place| String::from_utf8_lossy(&place.name).into_owned()).collect()
    }

    #[test]
    fn directories_are_told_once_wherever_they_come() {
        let lines = [
            "- 5 77  home/b/file",
            "d 0 78  home/a",
            "- 6 79  home/a/%FF%20x",
            "- 0 79 home/a/%FF%20x home/a/hard",
            "l 3 79 ../b home/a/link",
            "- 7 80  var/x",
            "d 0 81  home/b",
            "broken",
            "- x 1  home/a/no",
            "- 1 1  home/a/%zz",
            "- 1 1  homes/c",
        ];
        let of = |path: &str| {
            let mut listing = Listing::new(path.as_bytes(), None);
            lines.iter().for_each(|line| listing.line(format!("{line}\n").as_bytes()));
            listing
        };
        assert_eq!(names(&of("")), ["home", "homes", "var"]);
        assert_eq!(names(&of("home")), ["a", "b"]);
        assert_eq!(of("home").entries.values().map(|entry| entry.modified).collect::<Vec<_>>(), [Some(78), Some(81)]);
        let listing = of("home/a");
        assert_eq!(names(&listing), ["hard", "link", "\u{fffd} x"]);
        let entries: Vec<&Entry> = listing.entries.values().collect();
        assert_eq!(
            (entries[0].source.as_slice(), entries[1].letter, entries[2].bytes),
            (&b"home/a/\xff x"[..], b'l', 6)
        );
    }

    #[test]
    fn pages_follow_each_other_and_keep_little() {
        let lines: Vec<String> = (0..1234).rev().map(|n| format!("- 1 2  d/{n:04}\n")).collect();
        let (mut after, mut seen) = (None, Vec::new());
        for expected in [500, 500, 234] {
            let mut listing = Listing::new(b"d", after.take());
            for line in &lines {
                listing.line(line.as_bytes());
                assert!(listing.entries.len() <= MOST_ENTRIES);
            }
            assert_eq!((listing.entries.len(), listing.has_more), (expected, expected == 500));
            seen.extend(names(&listing));
            after = listing.entries.keys().next_back().cloned();
        }
        assert_eq!(seen, (0..1234).map(|n| format!("{n:04}")).collect::<Vec<_>>());
    }
}
