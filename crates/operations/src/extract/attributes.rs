//! Owner, mode, ACLs, extended attributes, times and flags of an extracted item, in the order that keeps each of them.
//!
//! chown drops set-user-id bits and capabilities, so it comes first; times come after all that would change them; flags last,
//! since one of them forbids every change.

use std::{ffi::OsStr, os::fd::BorrowedFd};

use nanoprobe_format::item::Item;
use rustix::{
    fs::{AtFlags, Gid, IFlags, Mode, OFlags, Timespec, Timestamps, Uid, XattrFlags},
    io::Errno,
};

use super::{
    acl_text::{self, Naming},
    owners::Owners,
};

const TYPE_BITS: u32 = 0o170_000;
const SYMLINK: u32 = 0o120_000;
const FIFO: u32 = 0o010_000;
/// `UF_NODUMP`, `UF_IMMUTABLE`, `UF_APPEND` in BSD's numbering, which archives use, and here.
const FLAGS: [(u64, IFlags); 3] = [(1, IFlags::NODUMP), (2, IFlags::IMMUTABLE), (4, IFlags::APPEND)];

/// What is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AttributeOptions {
    /// Numbers of users and groups as stored, whatever names are known here.
    pub numeric_ids: bool,
    /// No file flags.
    pub no_flags: bool,
    /// No ACLs.
    pub no_acls: bool,
    /// No extended attributes.
    pub no_xattrs: bool,
}

/// What gets the attributes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Object<'a> {
    /// A file or directory that is open; `owner` is who has it now, if that is known.
    Open { file: BorrowedFd<'a>, owner: Option<(u32, u32)> },
    /// A link, FIFO or device by its name in an open directory.
    Named { directory: BorrowedFd<'a>, name: &'a OsStr },
}

/// Sets attributes, item after item.
#[derive(Debug)]
pub(super) struct Attributes {
    options: AttributeOptions,
    owners: Owners,
}

impl Attributes {
    pub(super) fn new(options: AttributeOptions) -> Self {
        Self { options, owners: Owners::default() }
    }

    /// Sets them all. An error is what the mode or an ACL came to; an extended attribute that cannot be set goes to
    /// `refused`; owners, times and flags are set as far as possible, silently, as Borg does.
    pub(super) fn set(
        &mut self,
        object: Object<'_>,
        item: &Item<'_>,
        refused: &mut dyn FnMut(&[u8], usize, Errno),
    ) -> Result<(), Errno> {
        let is_symlink = item.mode & TYPE_BITS == SYMLINK;
        self.set_owner(object, item);
        if !is_symlink {
            let mode = Mode::from_raw_mode(item.mode & 0o7777);
            match object {
                Object::Open { file, .. } => rustix::fs::fchmod(file, mode)?,
                Object::Named { directory, name } => {
                    rustix::fs::chmodat(directory, name, mode, AtFlags::empty())?;
                }
            }
            if !self.options.no_acls {
                self.set_acl(object, "system.posix_acl_access", item.acl_access)?;
                self.set_acl(object, "system.posix_acl_default", item.acl_default)?;
            }
        }
        if !self.options.no_xattrs {
            for (name, value) in item.xattrs.iter().flat_map(|xattrs| xattrs.iter()) {
                if let Err(errno) = set_xattr(object, name, value) {
                    refused(name, value.len(), errno);
                }
            }
        }
        set_times(object, item);
        if !self.options.no_flags
            && let Some(flags) = item.bsdflags
        {
            set_flags(object, item.mode, flags);
        }
        Ok(())
    }

    fn set_owner(&mut self, object: Object<'_>, item: &Item<'_>) {
        let numeric = self.options.numeric_ids;
        let named = |name: Option<u32>, number: Option<i64>| match name {
            Some(number) if !numeric => Some(number),
            // Negative numbers stand for nobody in particular.
            _ => number.map(|number| u32::try_from(number).ok().filter(|&number| number != u32::MAX).unwrap_or(0)),
        };
        let user = if numeric { None } else { item.user.and_then(|name| self.owners.user(name)) };
        let group = if numeric { None } else { item.group.and_then(|name| self.owners.group(name)) };
        let (user, group) = (named(user, item.uid), named(group, item.gid));
        if (user, group) == (None, None) {
            return;
        }
        let (new_user, new_group) = (user.map(Uid::from_raw), group.map(Gid::from_raw));
        // Not being root is no error.
        let _ = match object {
            Object::Open { owner: Some((owner, owning_group)), .. }
                if user.is_none_or(|user| user == owner) && group.is_none_or(|group| group == owning_group) =>
            {
                return;
            }
            Object::Open { file, .. } => rustix::fs::fchown(file, new_user, new_group),
            Object::Named { directory, name } => {
                rustix::fs::chownat(directory, name, new_user, new_group, AtFlags::SYMLINK_NOFOLLOW)
            }
        };
    }

    fn set_acl(&mut self, object: Object<'_>, attribute: &str, text: Option<&[u8]>) -> Result<(), Errno> {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(()) };
        let naming = if self.options.numeric_ids { Naming::Stored } else { Naming::Local };
        let bytes = acl_text::from_text(text, naming, &mut self.owners).ok_or(Errno::INVAL)?;
        match set_xattr(object, attribute.as_bytes(), &bytes) {
            Err(Errno::NOTSUP) => Ok(()),
            result => result,
        }
    }
}

fn set_xattr(object: Object<'_>, attribute: &[u8], value: &[u8]) -> Result<(), Errno> {
    match object {
        Object::Open { file, .. } => rustix::fs::fsetxattr(file, attribute, value, XattrFlags::empty()),
        Object::Named { directory, name } => {
            rustix::fs::lsetxattr(path_through(directory, name), attribute, value, XattrFlags::empty())
        }
    }
}

fn set_times(object: Object<'_>, item: &Item<'_>) {
    let Some(mtime) = item.mtime else { return };
    let times = Timestamps { last_access: timespec(item.atime.unwrap_or(mtime)), last_modification: timespec(mtime) };
    let _ = match object {
        Object::Open { file, .. } => rustix::fs::futimens(file, &times),
        Object::Named { directory, name } => rustix::fs::utimensat(directory, name, &times, AtFlags::SYMLINK_NOFOLLOW),
    };
}

fn timespec(nanoseconds: i64) -> Timespec {
    const SECOND: i64 = 1_000_000_000;
    Timespec { tv_sec: nanoseconds.div_euclid(SECOND), tv_nsec: nanoseconds.rem_euclid(SECOND) as _ }
}

/// Changes the three flags that archives know and leaves all others.
fn set_flags(object: Object<'_>, mode: u32, flags: u64) {
    let set = |file: BorrowedFd<'_>| {
        let known = FLAGS.iter().fold(IFlags::empty(), |known, &(_, flag)| known | flag);
        let wanted =
            FLAGS.iter().filter(|&&(bit, _)| flags & bit != 0).fold(IFlags::empty(), |all, &(_, flag)| all | flag);
        if let Ok(current) = rustix::fs::ioctl_getflags(file) {
            let _ = rustix::fs::ioctl_setflags(file, (current - known) | wanted);
        }
    };
    match object {
        Object::Open { file, .. } => set(file),
        // Devices and links are never opened for it.
        Object::Named { directory, name } if mode & TYPE_BITS == FIFO => {
            let how = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            if let Ok(file) = rustix::fs::openat(directory, name, how, Mode::empty()) {
                set(std::os::fd::AsFd::as_fd(&file));
            }
        }
        Object::Named { .. } => {}
    }
}

/// A path to `name` for calls that take no directory.
fn path_through(directory: BorrowedFd<'_>, name: &OsStr) -> std::path::PathBuf {
    use std::os::fd::AsRawFd;
    std::path::Path::new(&format!("/proc/self/fd/{}", directory.as_raw_fd())).join(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_the_epoch() {
        let time = timespec(-1);
        assert_eq!((time.tv_sec, time.tv_nsec), (-1, 999_999_999));
    }
}
