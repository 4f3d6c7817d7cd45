//! What becomes of each kind of file: one item, filled from its status, its attributes and its content.

use std::{
    ffi::{CStr, CString},
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
};

use nanoprobe_archive::text;
use rustix::{
    fs::{CWD, FileType, Mode, OFlags, openat, readlinkat_raw},
    io::Errno,
    time::{ClockId, clock_gettime},
};

use super::{
    FilesChanged,
    attributes::Source,
    halt::Failure,
    paths::unsafe_prefix,
    read::Length,
    status::{Links, Status},
    trouble::Trouble,
    unchanged::{self, Verdict},
    unit::{Entry, Record, Remember},
    walk::Walk,
};

/// A name in an open directory.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub directory: BorrowedFd<'a>,
    pub name: &'a CStr,
}

/// How a file is opened and read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// A regular file.
    Regular,
    /// `--read-special`: a device or FIFO, like a regular file.
    Special,
    /// The same behind a symbolic link.
    SpecialBehindLink,
}

/// A file changed within so many ns before it was read could change again without a later time to show for it: the longest tick of
/// the clock that file systems go by.
const TICK: i64 = 10_000_000;

impl Walk<'_> {
    /// Makes the item of anything but a directory; gives Borg's status letter, `None` when it was told already.
    pub(super) fn file(&mut self, place: Place<'_>, status: &Status) -> Result<Option<char>, Failure> {
        if self.stored.is_none() {
            return Ok(Some('-'));
        }
        match status.kind() {
            FileType::RegularFile => self.content_of(place, status, Reading::Regular),
            FileType::Symlink => self.symbolic_link(place, status),
            FileType::Fifo | FileType::CharacterDevice | FileType::BlockDevice if self.options.read_special => {
                self.content_of(place, status, Reading::Special)
            }
            FileType::Fifo => self.fifo(place, status),
            FileType::CharacterDevice => self.device(place, status, 'c'),
            FileType::BlockDevice => self.device(place, status, 'b'),
            FileType::Socket => Ok(None),
            _ => {
                let message = format!("Unknown file type: {}", text::decode(&self.path));
                self.filling.warn_with(&message, 1)?;
                Ok(None)
            }
        }
    }

    /// Makes the item of an open directory.
    pub(super) fn directory(&mut self, directory: BorrowedFd<'_>, status: &Status) -> Result<char, Failure> {
        let Some(mut entry) = self.entry() else { return Ok('x') };
        self.attributes.simple(status, &mut entry);
        self.attributes.extended(Source::File(directory), &self.path, status, &mut entry, &mut self.filling.unit)?;
        self.complete(entry)?;
        Ok('d')
    }

    fn content_of(&mut self, place: Place<'_>, status: &Status, reading: Reading) -> Result<Option<char>, Failure> {
        self.pass_over()?;
        let Some(mut entry) = self.entry() else { return Ok(Some('x')) };
        let linked = status.links > 1;
        if linked && self.link_to_first_name(&mut entry, status) {
            let (file, status) = open(place, status, reading)?;
            self.attributes.simple(&status, &mut entry);
            self.attributes.extended(
                Source::File(file.as_fd()),
                &self.path,
                &status,
                &mut entry,
                &mut self.filling.unit,
            )?;
            self.complete_linkable(entry, &status)?;
            return Ok(Some('h'));
        }
        let (mut verdict, known) = self.verdict(status, reading)?;
        let (file, opened) = match (known, verdict) {
            (Some(known), Verdict::Same { .. }) => {
                let Entry { bsdflags, xattrs, acl_access, acl_default, .. } = known;
                entry = Entry { bsdflags, xattrs, acl_access, acl_default, ..entry };
                self.attributes.simple(status, &mut entry);
                (None, *status)
            }
            _ => {
                let letter = verdict.letter();
                let opened = open(place, status, reading).inspect_err(|_| self.forget(&mut verdict))?;
                self.attributes.simple(&opened.1, &mut entry);
                let source = Source::File(opened.0.as_fd());
                let unit = &mut self.filling.unit;
                if let Err(trouble) = self.attributes.extended(source, &self.path, &opened.1, &mut entry, unit) {
                    self.forget(&mut verdict);
                    // Borg asks for these when it has read the file, and so has told its status already.
                    self.filling.report(letter, &self.path)?;
                    return Err(trouble.into());
                }
                (Some(opened.0), opened.1)
            }
        };
        if (opened.ctime, opened.size) != (status.ctime, status.size) {
            self.forget(&mut verdict);
        }
        if opened.is_special() {
            entry.mode = 0o100_000 | opened.mode & 0o7777;
        }
        entry.hardlink_master = Some(linked);
        entry.content = true;
        entry.status = Some(verdict.letter());
        let path = linked.then(|| self.filling.unit.text(entry.path).to_vec());
        self.begin(entry);
        let (remember, changed) = match (verdict, &file) {
            (Verdict::Same { chunks, cut_by }, _) => {
                self.filling.unit.records.push(Record::Known(chunks));
                (self.remember(&opened, false, cut_by), false)
            }
            (_, Some(file)) => {
                let settled = is_settled(&opened);
                let changed = self.read(file.as_fd(), &opened, reading)?;
                let memorable = !changed && reading == Reading::Regular && settled;
                (self.remember(&opened, true, self.content.expected.cut_by).filter(|_| memorable), changed)
            }
            (_, None) => (None, false),
        };
        self.filling.unit.records.push(Record::End(remember));
        if let Some(path) = path {
            self.links.stored(status, &path);
        }
        self.filling.dispatch_if_full()?;
        if changed {
            let message = format!("{}: file changed while we backed it up", text::decode(&self.path));
            self.filling.warn_with(&message, 100)?;
            return Ok(Some('C'));
        }
        Ok(None)
    }

    /// A file that counted as the same is not: its chunks must not be taken for those of the next one.
    fn forget(&mut self, verdict: &mut Verdict) {
        if let Verdict::Same { chunks, .. } = *verdict {
            let refs = &mut self.filling.unit.refs;
            refs.truncate(refs.len() - chunks as usize);
            *verdict = Verdict::Modified;
        }
    }

    /// Reads a file's content; tells whether it changed meanwhile.
    fn read(&mut self, file: BorrowedFd<'_>, opened: &Status, reading: Reading) -> Result<bool, Failure> {
        let length = if reading == Reading::Regular { Length::Regular(opened.size) } else { Length::Unknown };
        let result = self.content.read(file, length, &mut self.filling);
        if let Err(Failure::File(_)) = result {
            self.filling.unit.records.push(Record::Abandon);
        }
        result?;
        if reading != Reading::Regular || self.options.files_changed == FilesChanged::Disabled {
            return Ok(false);
        }
        let after = Status::of(file).map_err(Failure::system("fstat2")).inspect_err(|_| {
            self.filling.unit.records.push(Record::Abandon);
        })?;
        Ok(match self.options.files_changed {
            FilesChanged::Ctime => after.ctime != opened.ctime,
            _ => after.mtime != opened.mtime,
        })
    }

    fn pass_over(&mut self) -> Result<(), Failure> {
        let Some(cache) = &mut self.cache else { return Ok(()) };
        let below = self.path.get(self.below..).unwrap_or_default();
        Ok(unchanged::pass_over(cache, Some(below), &mut self.filling)?)
    }

    fn verdict(&mut self, status: &Status, reading: Reading) -> Result<(Verdict, Option<Entry>), Failure> {
        self.content.expected.nothing();
        let (Some(cache), Some(stored)) = (&mut self.cache, self.stored) else { return Ok((Verdict::New, None)) };
        if reading != Reading::Regular {
            return Ok((Verdict::New, None));
        }
        let below = self.path.get(self.below..).unwrap_or_default();
        let mode = self.options.files_cache;
        let (unit, expected) = (&mut self.filling.unit, &mut self.content.expected);
        let (verdict, known) = unchanged::check(cache, mode, below, status, stored.repository, unit, expected)?;
        Ok((verdict, known.filter(|_| self.attributes.all_wanted())))
    }

    fn remember(&self, status: &Status, fresh: bool, cut_by: u32) -> Option<Remember> {
        let Status { size, inode, mtime, ctime, .. } = *status;
        let extended = self.attributes.all_wanted();
        self.cache.is_some().then_some(Remember { size, inode, mtime, ctime, extended, fresh, cut_by })
    }

    fn fifo(&mut self, place: Place<'_>, status: &Status) -> Result<Option<char>, Failure> {
        let Some(mut entry) = self.entry() else { return Ok(Some('x')) };
        let (file, status) = open(place, status, Reading::Regular)?;
        let linked = self.link(&mut entry, &status);
        self.attributes.simple(&status, &mut entry);
        self.attributes.extended(
            Source::File(file.as_fd()),
            &self.path,
            &status,
            &mut entry,
            &mut self.filling.unit,
        )?;
        self.complete_linkable(entry, &status)?;
        Ok(Some(if linked { 'h' } else { 'f' }))
    }

    fn device(&mut self, place: Place<'_>, status: &Status, letter: char) -> Result<Option<char>, Failure> {
        let Some(mut entry) = self.entry() else { return Ok(Some('x')) };
        let again = Status::at(place.directory, place.name, Links::Themselves).map_err(named("stat", place))?;
        let status = same_file(status, again)?;
        entry.rdev = Some(status.rdev);
        let linked = self.link(&mut entry, &status);
        self.attributes.simple(&status, &mut entry);
        self.extended_by_path(place, &status, &mut entry)?;
        self.complete_linkable(entry, &status)?;
        Ok(Some(if linked { 'h' } else { letter }))
    }

    fn symbolic_link(&mut self, place: Place<'_>, status: &Status) -> Result<Option<char>, Failure> {
        if self.options.read_special {
            match Status::at(place.directory, place.name, Links::Followed) {
                Ok(target) if target.is_special() => {
                    return self.content_of(place, &target, Reading::SpecialBehindLink);
                }
                _ => {}
            }
        }
        let Some(mut entry) = self.entry() else { return Ok(Some('x')) };
        let mut target = [0; 4096];
        let length = readlinkat_raw(place.directory, place.name, &mut target[..]).map_err(named("readlink", place))?;
        entry.source = Some(self.filling.unit.push(&target[..length]));
        self.attributes.simple(status, &mut entry);
        self.extended_by_path(place, status, &mut entry)?;
        self.complete(entry)?;
        Ok(Some('s'))
    }

    /// An item without anything but its paths; `None` on directory levels that are left away.
    pub(super) fn entry(&mut self) -> Option<Entry> {
        let unit = &mut self.filling.unit;
        let shown = unit.push(&self.path);
        let mut stripped = 0;
        if let Some(prefix) = &self.strip {
            let prefix_name = &prefix[..prefix.len() - 1];
            if self.path == prefix_name {
                stripped = self.path.len();
            } else if prefix.starts_with(&self.path) && prefix.get(self.path.len()) == Some(&b'/') {
                return None;
            } else if self.path.starts_with(prefix) {
                stripped = prefix.len();
            }
        }
        stripped += unsafe_prefix(&self.path[stripped..]);
        let path = if stripped == self.path.len() { unit.push(b".") } else { shown.skip(stripped) };
        Some(Entry { shown, path, below: shown.skip(self.below), ..Entry::default() })
    }

    /// Hands an item's beginning on; its text ends here.
    fn begin(&mut self, mut entry: Entry) {
        entry.text = entry.shown.until(self.filling.unit.text.len());
        self.filling.begin(entry);
    }

    fn complete(&mut self, entry: Entry) -> Result<(), Failure> {
        self.begin(entry);
        self.filling.unit.records.push(Record::End(None));
        Ok(self.filling.dispatch_if_full()?)
    }

    fn complete_linkable(&mut self, entry: Entry, status: &Status) -> Result<(), Failure> {
        if status.links > 1 {
            self.links.stored(status, self.filling.unit.text(entry.path));
        }
        self.complete(entry)
    }

    /// Marks an item as the first name of a file or as a link to it; true when it is a link.
    fn link(&mut self, entry: &mut Entry, status: &Status) -> bool {
        let linked = status.links > 1 && self.link_to_first_name(entry, status);
        if !linked {
            entry.hardlink_master = Some(status.links > 1);
        }
        linked
    }

    fn link_to_first_name(&mut self, entry: &mut Entry, status: &Status) -> bool {
        let Some(first) = self.links.first_name(status) else { return false };
        entry.source = Some(self.filling.unit.push(first));
        true
    }

    fn extended_by_path(&mut self, place: Place<'_>, status: &Status, entry: &mut Entry) -> Result<(), Failure> {
        let path = if place.directory.as_raw_fd() == CWD.as_raw_fd() {
            place.name.to_owned()
        } else {
            let name = std::ffi::OsStr::from_bytes(place.name.to_bytes());
            let path = std::path::PathBuf::from(format!("/proc/self/fd/{}", place.directory.as_raw_fd())).join(name);
            CString::new(path.into_os_string().as_bytes()).unwrap_or_default()
        };
        Ok(self.attributes.extended(Source::Path(&path), &self.path, status, entry, &mut self.filling.unit)?)
    }
}

/// Whether a change from now on would show in the change time.
fn is_settled(status: &Status) -> bool {
    let now = clock_gettime(ClockId::RealtimeCoarse);
    #[allow(clippy::unnecessary_cast)] // the field's width differs between architectures
    let now = (now.tv_sec as i64).saturating_mul(1_000_000_000).saturating_add(now.tv_nsec as i64);
    status.ctime < now - TICK
}

/// Opens a file that `status` was told of, without changing its access time where that is allowed.
fn open(place: Place<'_>, status: &Status, reading: Reading) -> Result<(OwnedFd, Status), Failure> {
    let flags = match reading {
        Reading::Regular => OFlags::NONBLOCK | OFlags::NOFOLLOW,
        Reading::Special => OFlags::NOFOLLOW,
        Reading::SpecialBehindLink => OFlags::empty(),
    };
    // A FIFO that nobody writes to would hold us where no interrupt is seen.
    let flags = if status.kind() == FileType::Fifo { flags | OFlags::NONBLOCK } else { flags };
    let file = open_quietly(place, flags | OFlags::NOCTTY).map_err(named("open", place))?;
    let opened = Status::of(&file).map_err(Failure::system("fstat"))?;
    Ok((file, same_file(status, opened)?))
}

/// Opens for reading; access times stay as they are where the system lets us.
pub(super) fn open_quietly(place: Place<'_>, flags: OFlags) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlags::RDONLY | OFlags::CLOEXEC;
    match openat(place.directory, place.name, flags | OFlags::NOATIME, Mode::empty()) {
        // Some file systems say ROFS to what they do not know (Borg has BORG_WORKAROUNDS=retry_erofs for it).
        Err(Errno::PERM | Errno::ACCESS | Errno::ROFS) => openat(place.directory, place.name, flags, Mode::empty()),
        result => result,
    }
}

/// The opened file's status, if it is the file that was looked at by name.
pub(super) fn same_file(status: &Status, opened: Status) -> Result<Status, Trouble> {
    if opened.kind() != status.kind() || opened.inode != status.inode { Err(Trouble::Race) } else { Ok(opened) }
}

pub(super) fn named(operation: &'static str, place: Place<'_>) -> impl Fn(Errno) -> Failure {
    move |error| Trouble::named(operation, place.name.to_bytes())(error).into()
}
