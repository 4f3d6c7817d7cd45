//! One directory of the real file system, held by a handle: whoever moves it, or puts a link in its place or above it, leads
//! nobody elsewhere.
//!
//! The handle is taken by walking from the root, one name at a time, without following any link: what was resolved and
//! compared before is what is opened. Inside, links are followed, as Borg follows them.

use std::ffi::OsStr;
use std::fs::File as NativeFile;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, RawMode};

use super::{Access, Entry, File, FileSystem, Kind, Metadata, Native};

const HANDLE: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// The directory and what is below it; every other path is refused.
#[derive(Debug)]
pub struct Anchored {
    root: PathBuf,
    directory: OwnedFd,
}

/// What happens to directories on the way that are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// None may be missing.
    Refuse,
    /// The last one is created.
    CreateLast,
    /// All are created.
    CreateAll,
}

impl Anchored {
    /// Takes hold of `path`: absolute, without links and without `..`.
    pub fn open(path: &Path, missing: Missing) -> io::Result<Self> {
        let mut directory = rustix::fs::open("/", HANDLE, Mode::empty())?;
        let mut names = path.components().peekable();
        while let Some(name) = names.next() {
            let name = match name {
                Component::RootDir => continue,
                Component::Normal(name) => name,
                _ => return Err(io::ErrorKind::InvalidInput.into()),
            };
            let creates = match missing {
                Missing::Refuse => false,
                Missing::CreateLast => names.peek().is_none(),
                Missing::CreateAll => true,
            };
            directory = step(&directory, name, creates)?;
        }
        Ok(Self { root: path.to_owned(), directory })
    }

    /// `path` as seen from the handle.
    fn below<'a>(&self, path: &'a Path) -> io::Result<&'a Path> {
        let below = path.strip_prefix(&self.root).map_err(|_| io::ErrorKind::PermissionDenied)?;
        Ok(if below.as_os_str().is_empty() { Path::new(".") } else { below })
    }

    fn open_with(&self, path: &Path, flags: OFlags) -> io::Result<NativeFile> {
        let mode = Mode::from_raw_mode(0o666);
        Ok(rustix::fs::openat(&self.directory, self.below(path)?, flags | OFlags::CLOEXEC, mode)?.into())
    }
}

fn step(directory: &OwnedFd, name: &OsStr, creates: bool) -> io::Result<OwnedFd> {
    match rustix::fs::openat(directory, name, HANDLE, Mode::empty()) {
        Err(rustix::io::Errno::NOENT) if creates => {
            match rustix::fs::mkdirat(directory, name, Mode::from_raw_mode(0o777)) {
                Ok(()) | Err(rustix::io::Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
            let above = rustix::fs::openat(directory, ".", OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
            NativeFile::from(above).sync_all()?;
            Ok(rustix::fs::openat(directory, name, HANDLE, Mode::empty())?)
        }
        opened => Ok(opened?),
    }
}

impl FileSystem for Anchored {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(self.open_with(path, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL)?))
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn File>> {
        let flags = if access == Access::Write { OFlags::RDWR } else { OFlags::RDONLY };
        Ok(Arc::new(self.open_with(path, flags)?))
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        let status = rustix::fs::statat(&self.directory, self.below(path)?, AtFlags::empty())?;
        let kind = kind(FileType::from_raw_mode(status.st_mode as RawMode));
        let bytes = u64::try_from(status.st_size).unwrap_or(0);
        #[allow(clippy::useless_conversion)] // a narrower type on some machines
        Ok(Metadata { kind, bytes, links: status.st_nlink.into() })
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let directory = self.open_with(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        let mut entries = Vec::new();
        for entry in Dir::read_from(&directory)? {
            let entry = entry?;
            let kind = match entry.file_type() {
                FileType::Unknown => {
                    let status = rustix::fs::statat(&directory, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW)?;
                    kind(FileType::from_raw_mode(status.st_mode as RawMode))
                }
                known => kind(known),
            };
            match entry.file_name().to_str() {
                Ok("." | "..") | Err(_) => {}
                Ok(name) => entries.push(Entry { name: name.to_owned(), kind }),
            }
        }
        Ok(entries)
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        Ok(rustix::fs::mkdirat(&self.directory, self.below(path)?, Mode::from_raw_mode(0o777))?)
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        if path == self.root {
            // Its name belongs to the directory above. Only an empty directory can go by it, wherever it leads by now.
            return Native.remove_directory(path);
        }
        Ok(rustix::fs::unlinkat(&self.directory, self.below(path)?, AtFlags::REMOVEDIR)?)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.directory, self.below(path)?, AtFlags::empty())?)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (from, to) = (self.below(from)?, self.below(to)?);
        Ok(rustix::fs::renameat(&self.directory, from, &self.directory, to)?)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (from, to) = (self.below(from)?, self.below(to)?);
        Ok(rustix::fs::linkat(&self.directory, from, &self.directory, to, AtFlags::empty())?)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        match self.open_with(path, OFlags::RDONLY | OFlags::DIRECTORY)?.sync_all() {
            // Some network file systems cannot; anything but EINVAL is a real failure.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            result => result,
        }
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        let status = rustix::fs::fstatvfs(self.open_with(path, OFlags::RDONLY)?)?;
        Ok(status.f_bavail.saturating_mul(status.f_frsize))
    }
}

fn kind(kind: FileType) -> Kind {
    match kind {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_link_is_followed_on_the_way() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("real/inner")).unwrap();
        std::os::unix::fs::symlink("real", root.join("link")).unwrap();
        assert!(Anchored::open(&root.join("real/inner"), Missing::Refuse).is_ok());
        for path in ["link/inner", "link", "real/../real"] {
            assert!(Anchored::open(&root.join(path), Missing::CreateAll).is_err(), "{path}");
        }
        let missing = |path, missing| Anchored::open(&root.join(path), missing).map(drop).map_err(|error| error.kind());
        assert_eq!(missing("a/b", Missing::CreateLast), Err(io::ErrorKind::NotFound));
        assert_eq!(missing("a/b", Missing::CreateAll), Ok(()));
        assert_eq!(missing("a/b/c", Missing::CreateLast), Ok(()));
        assert_eq!(missing("a/d", Missing::Refuse), Err(io::ErrorKind::NotFound));
    }

    #[test]
    fn what_takes_its_place_later_is_not_seen() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        let (ours, other) = (root.join("ours"), root.join("other"));
        std::fs::create_dir(&ours).unwrap();
        std::fs::create_dir(&other).unwrap();
        let anchored = Anchored::open(&ours, Missing::Refuse).unwrap();
        std::fs::rename(&ours, root.join("moved")).unwrap();
        std::os::unix::fs::symlink(&other, &ours).unwrap();
        anchored.create(&ours.join("file")).unwrap();
        assert_eq!(anchored.list(&ours).unwrap(), [Entry { name: "file".to_owned(), kind: Kind::File }]);
        assert!(root.join("moved/file").exists() && !other.join("file").exists());
        assert_eq!(anchored.open(&other, Access::Read).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    }
}
