//! Compares two trees: every byte and every attribute that an archive carries.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    fs,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::Path,
};

use rustix::fs::{lgetxattr, llistxattr};

/// What one path of a tree is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    mode: u32,
    owner: (u32, u32),
    modified: (i64, i64),
    device: u64,
    content: Vec<u8>,
    /// The first path, in order, that is the same file.
    same_as: Option<Vec<u8>>,
    attributes: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// Reads a tree, without its root; keys are paths relative to it.
pub fn read_tree(root: &Path) -> BTreeMap<Vec<u8>, Entry> {
    let mut entries = BTreeMap::new();
    let mut files = HashMap::new();
    read_folder(root, root, &mut entries);
    for (path, entry) in &mut entries {
        let metadata = fs::symlink_metadata(root.join(std::ffi::OsStr::from_bytes(path))).expect("metadata");
        if metadata.nlink() > 1 && !metadata.is_dir() {
            let first = files.entry((metadata.dev(), metadata.ino())).or_insert_with(|| path.clone());
            entry.same_as = Some(first.clone());
        }
    }
    entries
}

/// A tree as it would be without the paths that are `gone`.
pub fn without(tree: &BTreeMap<Vec<u8>, Entry>, gone: impl Fn(&[u8]) -> bool) -> BTreeMap<Vec<u8>, Entry> {
    let mut left: BTreeMap<_, _> =
        tree.iter().filter(|(path, _)| !gone(path)).map(|(p, e)| (p.clone(), e.clone())).collect();
    let mut links: HashMap<Vec<u8>, Vec<Vec<u8>>> = HashMap::new();
    for (path, entry) in &left {
        let first = entry.same_as.iter().cloned();
        first.for_each(|first| links.entry(first).or_default().push(path.clone()));
    }
    for paths in links.into_values() {
        let first = (paths.len() > 1).then(|| paths[0].clone());
        for path in paths {
            left.get_mut(&path).expect("a path that is left").same_as = first.clone();
        }
    }
    left
}

/// Panics with the first differences unless the trees are equal.
#[track_caller]
pub fn assert_same_tree(expected: &Path, found: &Path) {
    assert_same(&read_tree(expected), &read_tree(found));
}

/// The same of trees that were read.
#[track_caller]
pub fn assert_same(expected: &BTreeMap<Vec<u8>, Entry>, found: &BTreeMap<Vec<u8>, Entry>) {
    let mut report = String::new();
    for (path, entry) in expected {
        let path_text = String::from_utf8_lossy(path);
        match found.get(path) {
            None => writeln!(report, "missing: {path_text}"),
            Some(other) if other != entry => writeln!(report, "{path_text}: {}", difference(entry, other)),
            Some(_) => Ok(()),
        }
        .expect("text");
    }
    for path in found.keys().filter(|path| !expected.contains_key(*path)) {
        writeln!(report, "too much: {}", String::from_utf8_lossy(path)).expect("text");
    }
    assert!(report.is_empty(), "the trees differ:\n{report}");
}

fn difference(expected: &Entry, found: &Entry) -> String {
    let mut text = String::new();
    let mut add = |name: &str, left: String, right: String| {
        if left != right {
            write!(text, "{name} {left} became {right}; ").expect("text");
        }
    };
    add("mode", format!("{:o}", expected.mode), format!("{:o}", found.mode));
    add("owner", format!("{:?}", expected.owner), format!("{:?}", found.owner));
    add("mtime", format!("{:?}", expected.modified), format!("{:?}", found.modified));
    add("device", expected.device.to_string(), found.device.to_string());
    add("hard link", format!("{:?}", expected.same_as), format!("{:?}", found.same_as));
    add("attributes", format!("{:?}", expected.attributes), format!("{:?}", found.attributes));
    if expected.content != found.content {
        let place = expected.content.iter().zip(&found.content).position(|(left, right)| left != right);
        let (before, after) = (expected.content.len(), found.content.len());
        write!(text, "content of {before} bytes became {after} bytes, first difference at {place:?}").expect("text");
    }
    text
}

fn read_folder(root: &Path, folder: &Path, entries: &mut BTreeMap<Vec<u8>, Entry>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("an entry").path();
        let metadata = fs::symlink_metadata(&path).expect("metadata");
        let name = path.strip_prefix(root).expect("a path below the root").as_os_str().as_bytes().to_vec();
        if metadata.is_dir() {
            read_folder(root, &path, entries);
        }
        let content = if metadata.is_file() {
            fs::read(&path).expect("content")
        } else if metadata.is_symlink() {
            fs::read_link(&path).expect("a target").as_os_str().as_bytes().to_vec()
        } else {
            Vec::new()
        };
        let entry = Entry {
            mode: metadata.mode(),
            owner: (metadata.uid(), metadata.gid()),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            device: metadata.rdev(),
            content,
            same_as: None,
            attributes: attributes(&path),
        };
        entries.insert(name, entry);
    }
}

fn attributes(path: &Path) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut names = vec![0; 64 << 10];
    let Ok(length) = llistxattr(path, &mut names) else { return BTreeMap::new() };
    let names = names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let value = |name: &[u8]| {
        let mut value = vec![0; 64 << 10];
        let length = lgetxattr(path, name, &mut value).expect("an attribute's value");
        value.truncate(length);
        (name.to_vec(), value)
    };
    names.map(value).collect()
}
