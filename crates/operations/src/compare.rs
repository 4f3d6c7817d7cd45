//! Compares two trees, every byte and every attribute: how `quickstart` and the tests prove a restore.
//!
//! Memory: the names of one directory a level, two buffers of 64 KiB, 64 bytes for each file with several names.

use std::{
    collections::{BTreeSet, HashMap},
    ffi::{OsStr, OsString},
    fs::{self, File, Metadata},
    io::{self, Read},
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
};

use rustix::{buffer::spare_capacity, fs as system};

/// What two trees have in common, and where they part.
#[derive(Debug, Default)]
pub struct Comparison {
    /// Entries that were compared.
    pub entries: u64,
    /// Content bytes that were compared.
    pub content_bytes: u64,
    /// One line a difference: path and what differs.
    pub differences: Vec<String>,
    /// Files with several names, by device and inode: which of the right tree is which of the left, and the other way round.
    links: [HashMap<(u64, u64), (u64, u64)>; 2],
}

/// Differences after which a comparison stops; nobody reads more.
const MOST_DIFFERENCES: usize = 100;

/// Compares `left` with `right`, leaving out what `skip` names (paths of the left tree).
pub fn compare(left: &Path, right: &Path, skip: &dyn Fn(&Path) -> bool) -> io::Result<Comparison> {
    let mut comparison = Comparison::default();
    comparison.entry(left, right, skip)?;
    Ok(comparison)
}

impl Comparison {
    fn entry(&mut self, left: &Path, right: &Path, skip: &dyn Fn(&Path) -> bool) -> io::Result<()> {
        if self.differences.len() >= MOST_DIFFERENCES {
            return Ok(());
        }
        self.entries += 1;
        let (ours, theirs) = match (fs::symlink_metadata(left), fs::symlink_metadata(right)) {
            (Ok(ours), Ok(theirs)) => (ours, theirs),
            (Err(error), _) => return self.differ(left, &format!("is not there: {error}")),
            (_, Err(error)) => return self.differ(right, &format!("is not there: {error}")),
        };
        for (attribute, same) in attributes(&ours, &theirs) {
            if !same {
                self.differ(left, &format!("differs in {attribute}"))?;
            }
        }
        if !self.same_links(&ours, &theirs) {
            self.differ(left, "differs in links")?;
        }
        if extended_attributes(left)? != extended_attributes(right)? {
            self.differ(left, "differs in extended attributes")?;
        }
        if ours.file_type() != theirs.file_type() {
            Ok(())
        } else if ours.is_dir() {
            self.directory(left, right, skip)
        } else if ours.is_symlink() {
            let same = fs::read_link(left)? == fs::read_link(right)?;
            if same { Ok(()) } else { self.differ(left, "points elsewhere") }
        } else if ours.is_file() {
            self.content(left, right)
        } else {
            Ok(())
        }
    }

    /// Whether names that mean one file in a tree mean one file in the other. Names outside the trees do not matter.
    fn same_links(&mut self, left: &Metadata, right: &Metadata) -> bool {
        if left.is_dir() || (left.nlink() == 1 && right.nlink() == 1) {
            return true;
        }
        let (ours, theirs) = ((left.dev(), left.ino()), (right.dev(), right.ino()));
        let [right_of, left_of] = &mut self.links;
        *right_of.entry(ours).or_insert(theirs) == theirs && *left_of.entry(theirs).or_insert(ours) == ours
    }

    fn directory(&mut self, left: &Path, right: &Path, skip: &dyn Fn(&Path) -> bool) -> io::Result<()> {
        for name in names(left)?.union(&names(right)?) {
            let path = left.join(name);
            if !skip(&path) {
                self.entry(&path, &right.join(name), skip)?;
            }
        }
        Ok(())
    }

    fn content(&mut self, left: &Path, right: &Path) -> io::Result<()> {
        let (mut ours, mut theirs) = (File::open(left)?, File::open(right)?);
        let (mut our_buffer, mut their_buffer) = (vec![0; 1 << 16], vec![0; 1 << 16]);
        loop {
            let count = ours.read(&mut our_buffer)?;
            let same =
                theirs.read_exact(&mut their_buffer[..count]).is_ok() && our_buffer[..count] == their_buffer[..count];
            if !same {
                return self.differ(left, "differs in content");
            }
            if count == 0 {
                let more = theirs.read(&mut their_buffer)? != 0;
                return if more { self.differ(right, "is longer") } else { Ok(()) };
            }
            self.content_bytes += count as u64;
        }
    }

    fn differ(&mut self, path: &Path, how: &str) -> io::Result<()> {
        self.differences.push(format!("{}: {how}", path.display()));
        Ok(())
    }
}

fn attributes(left: &Metadata, right: &Metadata) -> [(&'static str, bool); 6] {
    let is_device = left.file_type().is_block_device() || left.file_type().is_char_device();
    [
        ("type or mode", left.mode() == right.mode()),
        ("owner", left.uid() == right.uid()),
        ("group", left.gid() == right.gid()),
        ("size", left.is_dir() || left.len() == right.len()),
        ("modification time", (left.mtime(), left.mtime_nsec()) == (right.mtime(), right.mtime_nsec())),
        ("device number", !is_device || left.rdev() == right.rdev()),
    ]
}

fn names(folder: &Path) -> io::Result<BTreeSet<OsString>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect()
}

/// Names and values; access control lists are among them.
fn extended_attributes(path: &Path) -> io::Result<Vec<(PathBuf, Vec<u8>)>> {
    use std::os::unix::ffi::OsStrExt;
    let mut list = Vec::with_capacity(1 << 16);
    match system::llistxattr(path, spare_capacity(&mut list)) {
        Ok(_) => {}
        Err(rustix::io::Errno::NOTSUP) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    }
    let mut pairs = Vec::new();
    for name in list.split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
        let mut value = Vec::with_capacity(1 << 16);
        system::lgetxattr(path, OsStr::from_bytes(name), spare_capacity(&mut value))?;
        pairs.push((PathBuf::from(OsStr::from_bytes(name)), value));
    }
    pairs.sort();
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trees(left: &[u8], right: &[u8]) -> Comparison {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, content) in [("left", left), ("right", right)] {
            let path = folder.path().join(name);
            fs::create_dir(&path).expect("a directory");
            let file = path.join("file");
            fs::write(&file, content).expect("a file");
            let time = fs::FileTimes::new().set_modified(std::time::SystemTime::UNIX_EPOCH);
            File::options().write(true).open(&file).and_then(|file| file.set_times(time)).expect("a time");
            File::open(&path).and_then(|path| path.set_times(time)).expect("a time");
        }
        compare(&folder.path().join("left"), &folder.path().join("right"), &|_| false).expect("readable trees")
    }

    #[test]
    fn equal_trees_have_no_differences() {
        let comparison = trees(b"content", b"content");
        assert_eq!((comparison.entries, comparison.content_bytes, comparison.differences.len()), (2, 7, 0));
    }

    #[test]
    fn one_other_byte_is_found() {
        assert_eq!(trees(b"content", b"contend").differences.len(), 1);
    }

    #[test]
    fn a_longer_file_is_found_twice() {
        assert_eq!(trees(b"content", b"content and more").differences.len(), 2);
    }

    /// Trees of the files a, b and c, some of which are one file.
    fn linked_trees(left: &[(&str, &str)], right: &[(&str, &str)]) -> usize {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, links) in [("left", left), ("right", right)] {
            let path = folder.path().join(name);
            fs::create_dir(&path).expect("a directory");
            let time = fs::FileTimes::new().set_modified(std::time::SystemTime::UNIX_EPOCH);
            for name in ["a", "b", "c"] {
                let file = path.join(name);
                match links.iter().find(|(link, _)| *link == name) {
                    Some((_, target)) => fs::hard_link(path.join(target), &file).expect("a link"),
                    None => fs::write(&file, b"").expect("a file"),
                }
                File::options().write(true).open(&file).and_then(|file| file.set_times(time)).expect("a time");
            }
            File::open(&path).and_then(|path| path.set_times(time)).expect("a time");
        }
        fs::hard_link(folder.path().join("left/a"), folder.path().join("outside")).expect("a link");
        let [left, right] = ["left", "right"].map(|name| folder.path().join(name));
        compare(&left, &right, &|_| false).expect("readable trees").differences.len()
    }

    #[test]
    fn names_that_mean_one_file_have_to_do_so_again() {
        assert_eq!(linked_trees(&[], &[]), 0);
        assert_eq!(linked_trees(&[("c", "a")], &[("c", "a")]), 0);
        assert_eq!(linked_trees(&[("c", "a")], &[]), 1);
        assert_eq!(linked_trees(&[], &[("c", "b")]), 1);
        assert_eq!(linked_trees(&[("c", "a")], &[("c", "b")]), 1);
    }
}
