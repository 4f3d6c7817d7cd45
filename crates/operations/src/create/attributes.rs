//! attributes: everything about a file that is not its content, as Borg's items have it.

use std::{
    ffi::CStr,
    os::fd::{AsRawFd, BorrowedFd},
};

use rustix::{fs, io::Errno};

use super::{
    options::AttributeOptions,
    status::{Status, flags_of},
    trouble::Trouble,
    unit::{Entry, Span, Unit},
};
use crate::{acl, python_text::system_error, users::Names};

/// Largest list of names and largest value that Linux has.
const LARGEST_XATTR: usize = 64 << 10;

/// Collects attributes; its buffers serve all files.
pub(super) struct Attributes {
    options: AttributeOptions,
    names: Names,
    list: Vec<u8>,
    value: Vec<u8>,
    packed: Vec<u8>,
}

/// Where extended attributes are read from.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    /// An open file.
    File(BorrowedFd<'a>),
    /// A path whose last component is not followed: links and devices are not opened.
    Path(&'a CStr),
}

impl Source<'_> {
    /// How Borg names it in messages about extended attributes.
    fn name(&self, shown: &[u8]) -> Vec<u8> {
        match self {
            Self::File(file) => format!("<FD {}>", file.as_raw_fd()).into_bytes(),
            Self::Path(_) => shown.to_vec(),
        }
    }
}

impl Attributes {
    pub(super) fn new(options: AttributeOptions) -> Self {
        let [list, value] = [vec![0; LARGEST_XATTR], vec![0; LARGEST_XATTR]];
        Self { options, names: Names::default(), list, value, packed: Vec::new() }
    }

    /// What the status tells.
    pub(super) fn simple(&mut self, status: &Status, entry: &mut Entry) {
        entry.mode = status.mode;
        entry.uid = i64::from(status.uid);
        entry.gid = i64::from(status.gid);
        entry.mtime = status.mtime;
        entry.atime = self.options.atime.then_some(status.atime);
        entry.ctime = self.options.ctime.then_some(status.ctime);
        if !self.options.numeric_ids {
            entry.user = self.names.user(status.uid);
            entry.group = self.names.group(status.gid);
        }
    }

    /// Whether all that `extended` reads is wanted, so that it is worth remembering.
    pub(super) fn all_wanted(&self) -> bool {
        self.options.flags && self.options.xattrs && self.options.acls && !self.options.numeric_ids
    }

    /// What has to be asked for: flags, extended attributes, ACLs.
    pub(super) fn extended(
        &mut self,
        source: Source<'_>,
        shown: &[u8],
        status: &Status,
        entry: &mut Entry,
        unit: &mut Unit,
    ) -> Result<(), Trouble> {
        if self.options.flags {
            entry.bsdflags = match (status.flags, source) {
                (Some(flags), _) => flags,
                (None, Source::File(file)) => flags_of(file),
                (None, Source::Path(_)) => 0,
            };
        }
        if !self.options.xattrs && !self.options.acls {
            return Ok(());
        }
        let length = match source {
            Source::File(file) => fs::flistxattr(file, &mut self.list[..]),
            Source::Path(path) => fs::llistxattr(path, &mut self.list[..]),
        };
        let length = match length {
            Ok(0) | Err(Errno::OPNOTSUPP | Errno::PERM | Errno::NOENT | Errno::NOSYS) => return Ok(()),
            Ok(length) => length,
            Err(error) => return Err(Trouble::named("extended stat (xattrs)", &source.name(shown))(error)),
        };
        let list = std::mem::take(&mut self.list);
        let result = self.read_listed(&list[..length], source, shown, status, entry, unit);
        self.list = list;
        result
    }

    fn read_listed(
        &mut self,
        list: &[u8],
        source: Source<'_>,
        shown: &[u8],
        status: &Status,
        entry: &mut Entry,
        unit: &mut Unit,
    ) -> Result<(), Trouble> {
        let mut names: Vec<&CStr> = list.split_inclusive(|&byte| byte == 0).filter_map(as_name).collect();
        names.sort_unstable();
        let (acls, plain): (Vec<_>, Vec<_>) =
            names.into_iter().partition(|name| name.to_bytes().starts_with(b"system.posix_acl_"));
        if self.options.xattrs && !plain.is_empty() {
            entry.xattrs = self.xattrs(&plain, source, shown, unit);
        }
        if self.options.acls && !acls.is_empty() {
            self.acls(&acls, source, shown, status, entry, unit)?;
        }
        Ok(())
    }

    /// The map of extended attributes. One that cannot be read is left out, which is told; one that is gone is not.
    fn xattrs(&mut self, names: &[&CStr], source: Source<'_>, shown: &[u8], unit: &mut Unit) -> Option<Span> {
        self.packed.clear();
        let mut pairs = 0;
        for name in names {
            let length = match get(source, name, &mut self.value) {
                Ok(length) => length,
                Err(Errno::NODATA) => continue,
                Err(error) => {
                    let reason = system_error(error, Some(&source.name(shown)));
                    let name = String::from_utf8_lossy(name.to_bytes());
                    unit.remark(&format!("when getting extended attribute {name}: {reason}"));
                    continue;
                }
            };
            raw(name.to_bytes(), &mut self.packed);
            match length {
                0 => self.packed.push(0xc0),
                length => raw(&self.value[..length], &mut self.packed),
            }
            pairs += 1;
        }
        if pairs == 0 {
            return None;
        }
        let span = unit.push(b"");
        match u16::try_from(pairs) {
            Ok(pairs @ ..16) => unit.text.push(0x80 | pairs as u8),
            Ok(pairs) => unit.text.extend([&[0xde], &pairs.to_be_bytes()[..]].concat()),
            Err(_) => return None,
        }
        unit.text.extend_from_slice(&self.packed);
        Some(span.until(unit.text.len()))
    }

    fn acls(
        &mut self,
        names: &[&CStr],
        source: Source<'_>,
        shown: &[u8],
        status: &Status,
        entry: &mut Entry,
        unit: &mut Unit,
    ) -> Result<(), Trouble> {
        let ids = if self.options.numeric_ids { acl::Ids::Numeric } else { acl::Ids::Named };
        let mut text = |name: &CStr| -> Result<Option<(bool, String)>, Trouble> {
            if !names.contains(&name) {
                return Ok(None);
            }
            match get(source, name, &mut self.value) {
                Ok(length) => {
                    let binary = &self.value[..length];
                    Ok(acl::to_text(binary, ids, &mut self.names).map(|text| (acl::is_extended(binary), text)))
                }
                Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(None),
                Err(error) => Err(Trouble::named("extended stat (ACLs)", shown)(error)),
            }
        };
        let access = text(acl::ACCESS)?;
        let default = text(acl::DEFAULT)?;
        if default.is_none() && !access.as_ref().is_some_and(|(extended, _)| *extended) {
            return Ok(());
        }
        let access = access.map_or_else(|| acl::text_from_mode(status.mode), |(_, text)| text);
        entry.acl_access = Some(unit.push(access.as_bytes()));
        if status.kind().is_dir() {
            let default = default.map_or_else(String::new, |(_, text)| text);
            entry.acl_default = Some(unit.push(default.as_bytes()));
        }
        Ok(())
    }
}

fn get(source: Source<'_>, name: &CStr, value: &mut [u8]) -> Result<usize, Errno> {
    match source {
        Source::File(file) => fs::fgetxattr(file, name, value),
        Source::Path(path) => fs::lgetxattr(path, name, value),
    }
}

fn as_name(bytes: &[u8]) -> Option<&CStr> {
    CStr::from_bytes_with_nul(bytes).ok().filter(|name| !name.is_empty())
}

/// A msgpack raw string.
fn raw(bytes: &[u8], packed: &mut Vec<u8>) {
    match bytes.len() {
        length @ ..32 => packed.push(0xa0 | length as u8),
        length @ ..0x1_0000 => packed.extend([&[0xda], &(length as u16).to_be_bytes()[..]].concat()),
        length => packed.extend([&[0xdb], &(length as u32).to_be_bytes()[..]].concat()),
    }
    packed.extend_from_slice(bytes);
}
