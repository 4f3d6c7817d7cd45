//! One kind of item after another, made in its place and given its attributes.

use std::{
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use nanoprobe_format::item::Item;
use rustix::{
    fs::{AtFlags, Dev, FileType, Mode, OFlags},
    io::Errno,
};

use super::{
    attributes::{AttributeOptions, Attributes, Object},
    destination::{Destination, Parents, Place},
    directories::Directories,
    file::NewFile,
    trouble::Trouble,
    write::{parse, warn},
};
use crate::{Error, Event, Monitor, python_text::system_error};

const TYPE_BITS: u32 = 0o170_000;
/// Until its own attributes are set, everything is for its owner alone.
const NEW_FILE: Mode = Mode::RUSR.union(Mode::WUSR);
const NEW_DIRECTORY: Mode = Mode::RWXU;

/// Makes items below a destination.
pub(super) struct Places<'a> {
    destination: Destination,
    /// The same directory for the sources of links, with a cached parent of its own.
    sources: Destination,
    attributes: Attributes,
    directories: Directories,
    monitor: &'a dyn Monitor,
}

impl<'a> Places<'a> {
    pub(super) fn open(path: &Path, attributes: AttributeOptions, monitor: &'a dyn Monitor) -> Result<Self, Error> {
        Ok(Self {
            destination: Destination::open(path)?,
            sources: Destination::open(path)?,
            attributes: Attributes::new(attributes),
            directories: Directories::default(),
            monitor,
        })
    }

    /// The full path of an item, for messages.
    pub(super) fn shown(&self, path: &[u8]) -> Vec<u8> {
        self.destination.shown(path)
    }

    /// Makes an empty file; one that is there is replaced, never written into.
    pub(super) fn file(&mut self, path: &[u8]) -> Result<NewFile, Trouble> {
        refuse_absolute(path)?;
        self.forget(path);
        let place = self.destination.place(path, Parents::Create)?;
        let how = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = || rustix::fs::openat(place.directory, place.name, how, NEW_FILE);
        let descriptor = replacing(&place, open).map_err(place.trouble("open"))?;
        let owner = match *place.new_owner {
            Some(owner) => owner,
            None => {
                let stat = rustix::fs::fstat(&descriptor).map_err(place.trouble("open"))?;
                *place.new_owner.insert((stat.st_uid, stat.st_gid))
            }
        };
        Ok(NewFile::new(descriptor, owner))
    }

    /// The file's content is complete.
    pub(super) fn finish_file(&mut self, item: &Item<'_>, path: &[u8], file: NewFile) -> Result<(), Trouble> {
        let operation = "truncate_and_attrs";
        let trouble = |errno| Trouble::System { operation, errno, shown: self.destination.shown(path) };
        file.finish().map_err(trouble)?;
        let object = Object::Open { file: file.as_fd(), owner: Some(file.owner) };
        self.attributes
            .set(object, item, &mut xattr_warning(self.monitor, &self.destination, path))
            .map_err(|errno| Trouble::System { operation: "attrs", errno, shown: self.destination.shown(path) })
    }

    /// Makes a directory, or takes the one that is there; its attributes wait.
    pub(super) fn directory(&mut self, item: &Item<'_>, path: &[u8]) -> Result<(), Trouble> {
        refuse_absolute(path)?;
        let place = self.destination.place(path, Parents::Create)?;
        if !place.is_root() {
            match rustix::fs::mkdirat(place.directory, place.name, NEW_DIRECTORY) {
                Err(Errno::EXIST) => {
                    // An empty directory is made anew, one with contents is kept; anything else has to go.
                    let _ = place.clear();
                    match rustix::fs::mkdirat(place.directory, place.name, NEW_DIRECTORY) {
                        Err(Errno::EXIST) if is_directory(&place) => {}
                        result => result.map_err(place.trouble(""))?,
                    }
                    self.forget(path);
                }
                result => result.map_err(place.trouble(""))?,
            }
        }
        self.directories.enter(path, item);
        Ok(())
    }

    /// Makes a link to what was extracted before, relative to the destination.
    pub(super) fn link(&mut self, item: &Item<'_>, path: &[u8]) -> Result<(), Trouble> {
        refuse_absolute(path)?;
        self.forget(path);
        let source_path = item.source.unwrap_or_default();
        let source = self.sources.place(source_path, Parents::Expect).map_err(|trouble| match trouble {
            Trouble::System { errno, shown, .. } => Trouble::System { operation: "link", errno, shown },
            _ => Trouble::LinkSource,
        })?;
        let place = self.destination.place(path, Parents::Create)?;
        let link = || rustix::fs::linkat(source.directory, source.name, place.directory, place.name, AtFlags::empty());
        replacing(&place, link).map_err(source.trouble("link"))
    }

    /// Makes a symbolic link, a FIFO or a device.
    pub(super) fn special(&mut self, item: &Item<'_>, path: &[u8]) -> Result<(), Trouble> {
        refuse_absolute(path)?;
        self.forget(path);
        let place = self.destination.place(path, Parents::Create)?;
        let kind = FileType::from_raw_mode(item.mode & TYPE_BITS);
        let make = || match kind {
            FileType::Symlink => rustix::fs::symlinkat(item.source.unwrap_or_default(), place.directory, place.name),
            _ => {
                let device: Dev = item.rdev.unwrap_or(0);
                rustix::fs::mknodat(place.directory, place.name, kind, NEW_FILE, device)
            }
        };
        match kind {
            FileType::Symlink if item.source.is_none_or(|target| target.contains(&0)) => return Err(Trouble::NullByte),
            FileType::Symlink | FileType::Fifo | FileType::CharacterDevice | FileType::BlockDevice => {}
            _ => return Err(Trouble::UnknownType(item.mode)),
        }
        replacing(&place, make).map_err(place.trouble(""))?;
        let object = Object::Named { directory: place.directory, name: place.name };
        let mut refused = xattr_warning_at(self.monitor, &place);
        self.attributes.set(object, item, &mut refused).map_err(place.trouble("attrs"))
    }

    /// Gives directories that do not hold `path` their attributes: nothing more will come into them.
    pub(super) fn leave_directories(&mut self, path: &[u8]) {
        while let Some(packed) = self.directories.leave_for(path) {
            self.finish_directory(&packed);
        }
    }

    /// The same for all that are left.
    pub(super) fn finish_directories(&mut self) {
        while let Some(packed) = self.directories.leave() {
            self.finish_directory(&packed);
        }
    }

    fn finish_directory(&mut self, entered: &super::directories::Entered) {
        let Ok(item) = parse(&entered.packed) else { return };
        if let Err(trouble) = self.try_finish_directory(&item, &entered.path) {
            warn(self.monitor, &entered.path, &trouble);
        }
    }

    fn try_finish_directory(&mut self, item: &Item<'_>, path: &[u8]) -> Result<(), Trouble> {
        let place = self.destination.place(path, Parents::Expect)?;
        let how = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened: Result<OwnedFd, Errno> = rustix::fs::openat(place.directory, place.name, how, Mode::empty());
        let object = match &opened {
            Ok(directory) => Object::Open { file: directory.as_fd(), owner: None },
            // One that was there and cannot be read can still get its attributes by name.
            Err(Errno::ACCESS) if is_directory(&place) => {
                Object::Named { directory: place.directory, name: place.name }
            }
            Err(errno) => return Err(place.trouble("attrs")(*errno)),
        };
        let mut refused = xattr_warning_at(self.monitor, &place);
        self.attributes.set(object, item, &mut refused).map_err(place.trouble("attrs"))
    }

    /// What is cached about directories must not outlive their replacement.
    fn forget(&mut self, path: &[u8]) {
        self.destination.replaced(path);
        self.sources.replaced(path);
    }
}

/// Makes something; if something else is there, removes that and tries again.
fn replacing<T>(place: &Place<'_>, make: impl Fn() -> Result<T, Errno>) -> Result<T, Errno> {
    if place.is_root() {
        return Err(Errno::EXIST);
    }
    match make() {
        Err(Errno::EXIST) => {
            place.clear()?;
            make()
        }
        result => result,
    }
}

fn refuse_absolute(path: &[u8]) -> Result<(), Trouble> {
    if path.starts_with(b"/") { Err(Trouble::NotRelative) } else { Ok(()) }
}

fn is_directory(place: &Place<'_>) -> bool {
    rustix::fs::statat(place.directory, place.name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
}

fn xattr_warning<'a>(
    monitor: &'a dyn Monitor,
    destination: &'a Destination,
    path: &'a [u8],
) -> impl FnMut(&[u8], usize, Errno) + 'a {
    move |name, bytes, errno| report_xattr(monitor, name, bytes, errno, &destination.shown(path))
}

fn xattr_warning_at<'a>(monitor: &'a dyn Monitor, place: &'a Place<'_>) -> impl FnMut(&[u8], usize, Errno) + 'a {
    move |name, bytes, errno| report_xattr(monitor, name, bytes, errno, &place.shown())
}

fn report_xattr(monitor: &dyn Monitor, name: &[u8], bytes: usize, errno: Errno, shown: &[u8]) {
    let reason = system_error(errno, Some(shown));
    let reason = match errno {
        Errno::TOOBIG => format!("too big for this filesystem ({reason})"),
        Errno::NOSPC => format!("fs full or xattr too big? [xattr len = {bytes}] ({reason})"),
        _ => reason,
    };
    let message = format!("when setting extended attribute {}: {reason}", String::from_utf8_lossy(name));
    monitor.event(Event::Warning { message: &message, exit_code: 1 });
}
