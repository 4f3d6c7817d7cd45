//! The directory that items are extracted into, and nothing outside it.
//!
//! A path from an archive is never handed to the kernel as it is. Its parent is opened beneath the destination without following
//! any symbolic link (`openat2`; component by component with `O_NOFOLLOW` where the kernel or a sandbox lacks it), and the last
//! component is then used relative to that directory, never followed either. Borg refuses links among the parents too, also
//! those that were there before. One parent is kept open: items come directory by directory.

use std::{
    ffi::OsStr,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, Mode, OFlags, ResolveFlags},
    io::Errno,
};

use super::trouble::Trouble;
use crate::Error;

/// Longest path that the kernel takes, its end mark included; longer ones are refused with its error.
const PATH_BYTES: usize = 4096;
const DIRECTORY: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// Until its own attributes are set, a directory is for its owner alone.
const NEW_DIRECTORY: Mode = Mode::RWXU;

/// An open destination.
#[derive(Debug)]
pub(super) struct Destination {
    root: OwnedFd,
    shown: PathBuf,
    parent: Option<OwnedFd>,
    parent_path: Vec<u8>,
    /// Owner and group that new files get in `parent`, once one was made.
    new_owner: Option<(u32, u32)>,
    wanted: Vec<u8>,
    resolution: Resolution,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resolution {
    Kernel,
    Components,
}

/// What to do about parents that are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parents {
    Create,
    Expect,
}

/// Where an item goes: a name in an open directory.
#[derive(Debug)]
pub(super) struct Place<'a> {
    pub(super) directory: BorrowedFd<'a>,
    /// One component; `.` for the destination itself.
    pub(super) name: &'a OsStr,
    pub(super) new_owner: &'a mut Option<(u32, u32)>,
    shown: &'a Path,
    path: &'a [u8],
}

impl Place<'_> {
    /// Whether this is the destination itself.
    pub(super) fn is_root(&self) -> bool {
        self.name == "."
    }

    /// The full path, for messages.
    pub(super) fn shown(&self) -> Vec<u8> {
        shown(self.shown, self.path)
    }

    /// For `map_err` on system calls.
    pub(super) fn trouble(&self, operation: &'static str) -> impl FnOnce(Errno) -> Trouble + use<'_> {
        move |errno| Trouble::System { operation, errno, shown: self.shown() }
    }

    /// Removes what is there: a file, or a directory that is empty.
    pub(super) fn clear(&self) -> Result<(), Errno> {
        match rustix::fs::unlinkat(self.directory, self.name, AtFlags::empty()) {
            Err(Errno::ISDIR | Errno::PERM) => rustix::fs::unlinkat(self.directory, self.name, AtFlags::REMOVEDIR),
            result => result,
        }
    }
}

impl Destination {
    /// `path` must be there; it may be reached through links: it is the user's word, not the archive's.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(path, flags, Mode::empty())
            .map_err(|errno| Error::local("cannot extract to", path)(errno.into()))?;
        let shown = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let resolution = Resolution::Kernel;
        Ok(Self { root, shown, parent: None, parent_path: Vec::new(), new_owner: None, wanted: Vec::new(), resolution })
    }

    /// Finds the place of an item; refuses whatever could lead outside.
    pub(super) fn place<'a>(&'a mut self, path: &'a [u8], parents: Parents) -> Result<Place<'a>, Trouble> {
        if path.contains(&0) {
            return Err(Trouble::NullByte);
        }
        self.wanted.clear();
        let mut name: &[u8] = b".";
        for component in path.split(|&byte| byte == b'/').filter(|component| !matches!(*component, b"" | b".")) {
            if component == b".." {
                return Err(Trouble::Traversal);
            }
            if name != b"." {
                if !self.wanted.is_empty() {
                    self.wanted.push(b'/');
                }
                self.wanted.extend_from_slice(name);
            }
            name = component;
        }
        if self.wanted.len() + 1 + name.len() >= PATH_BYTES {
            return Err(self.trouble(Errno::NAMETOOLONG, path));
        }
        if self.parent.is_none() || self.wanted != self.parent_path {
            self.forget();
            let opened = self.open_parent(parents).map_err(|errno| match errno {
                Errno::LOOP | Errno::NOTDIR | Errno::XDEV => Trouble::SymlinkParent,
                errno => self.trouble(errno, path),
            })?;
            self.parent = Some(opened);
            self.parent_path.clear();
            self.parent_path.extend_from_slice(&self.wanted);
        }
        let directory = self.parent.as_ref().unwrap_or(&self.root).as_fd();
        let name = OsStr::from_bytes(name);
        Ok(Place { directory, name, new_owner: &mut self.new_owner, shown: &self.shown, path })
    }

    /// Call when something other than a directory was put at `path`: what was open there is there no more.
    pub(super) fn replaced(&mut self, path: &[u8]) {
        let path = path.strip_suffix(b"/").unwrap_or(path);
        let is_inside = self.parent_path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest[0] == b'/');
        // A path that is not in normal form may hide the same place.
        if is_inside || path.starts_with(b".") || path.windows(2).any(|pair| matches!(pair, b"//" | b"/.")) {
            self.forget();
        }
    }

    /// The full path of an item, for messages.
    pub(super) fn shown(&self, path: &[u8]) -> Vec<u8> {
        shown(&self.shown, path)
    }

    fn forget(&mut self) {
        self.parent = None;
        self.new_owner = None;
    }

    fn trouble(&self, errno: Errno, path: &[u8]) -> Trouble {
        Trouble::System { operation: "makedirs", errno, shown: self.shown(path) }
    }

    /// Opens the directory `wanted`.
    fn open_parent(&mut self, parents: Parents) -> Result<OwnedFd, Errno> {
        let path: &[u8] = if self.wanted.is_empty() { b"." } else { &self.wanted };
        if self.resolution == Resolution::Kernel {
            let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
            match rustix::fs::openat2(&self.root, path, DIRECTORY, Mode::empty(), resolve) {
                Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) => self.resolution = Resolution::Components,
                Err(Errno::NOENT) if parents == Parents::Create => {}
                result => return result,
            }
        }
        self.walk_to_parent(parents)
    }

    /// The same by single steps, making what is missing.
    fn walk_to_parent(&self, parents: Parents) -> Result<OwnedFd, Errno> {
        let mut directory = rustix::fs::openat(&self.root, ".", DIRECTORY, Mode::empty())?;
        for component in self.wanted.split(|&byte| byte == b'/').filter(|component| !component.is_empty()) {
            let mut opened = rustix::fs::openat(&directory, component, DIRECTORY, Mode::empty());
            if opened.as_ref().is_err_and(|&errno| errno == Errno::NOENT) && parents == Parents::Create {
                match rustix::fs::mkdirat(&directory, component, NEW_DIRECTORY) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(errno) => return Err(errno),
                }
                opened = rustix::fs::openat(&directory, component, DIRECTORY, Mode::empty());
            }
            directory = opened?;
        }
        Ok(directory)
    }
}

fn shown(destination: &Path, path: &[u8]) -> Vec<u8> {
    destination.join(OsStr::from_bytes(path)).into_os_string().into_encoded_bytes()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn refused(destination: &mut Destination, path: &[u8]) -> Trouble {
        destination.place(path, Parents::Create).map(drop).expect_err("refused")
    }

    #[test]
    fn stays_inside() {
        let outside = tempfile::tempdir().expect("a directory");
        let inside = tempfile::tempdir().expect("a directory");
        symlink(outside.path(), inside.path().join("link")).expect("a link");
        symlink(".", inside.path().join("here")).expect("a link");
        for resolution in [Resolution::Kernel, Resolution::Components] {
            let mut destination = Destination::open(inside.path()).expect("open");
            destination.resolution = resolution;
            for path in [&b"link/file"[..], b"link/deeper/file", b"./link//file", b"here/file", b"here/link/x"] {
                assert!(matches!(refused(&mut destination, path), Trouble::SymlinkParent), "{path:?}");
            }
            for path in [&b"../file"[..], b"a/../../file", b"..", b"a/..", b"/../x"] {
                assert!(matches!(refused(&mut destination, path), Trouble::Traversal), "{path:?}");
            }
            assert!(matches!(refused(&mut destination, b"a\0b"), Trouble::NullByte));
            let long = [&b"x/"[..]; 3000].concat();
            let trouble = refused(&mut destination, &long);
            assert!(matches!(trouble, Trouble::System { errno: Errno::NAMETOOLONG, .. }));
        }
        assert_eq!(outside.path().read_dir().expect("readable").count(), 0);
    }

    #[test]
    fn makes_parents_and_notices_their_replacement() {
        let inside = tempfile::tempdir().expect("a directory");
        let mut destination = Destination::open(inside.path()).expect("open");
        assert!(destination.place(b"./", Parents::Create).expect("the root").is_root());
        assert_eq!(destination.place(b"a/b//c", Parents::Create).expect("a place").name, "c");
        assert!(inside.path().join("a/b").is_dir());
        std::fs::remove_dir(inside.path().join("a/b")).expect("removed");
        symlink("/", inside.path().join("a/b")).expect("a link");
        destination.replaced(b"a/b");
        assert!(matches!(refused(&mut destination, b"a/b/c"), Trouble::SymlinkParent));
    }
}
