//! walk: from the roots down, names in the order of their bytes, never through a symbolic link.
//!
//! A directory is opened relative to its parent and compared with what was looked at by name. Memory: a descriptor and
//! the names not yet visited for each level.

use std::{
    ffi::{CStr, CString},
    fs,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::{ffi::OsStrExt, fs::MetadataExt},
    },
    path::{Path, PathBuf},
};

use nanoprobe_archive::FilesCacheReader;
use nanoprobe_key::Key;
use nanoprobe_repository::Repository;
use rustix::{
    fs::{AtFlags, CWD, OFlags, statat},
    io::read,
};

use super::{
    Options,
    attributes::Attributes,
    file::{Place, named, open_quietly, same_file},
    fill::Filling,
    halt::{Failure, Halt},
    links::HardLinks,
    names::{ListError, Names},
    paths::{normalize, strip_prefix},
    read::Content,
    status::{Links, NODUMP, Status, flags_of},
    trouble::Trouble,
    unchanged,
    unit::Record,
};
use crate::{Error, Interrupt, patterns::PatternMatcher};

/// How a cache directory tags itself.
const CACHE_TAG: (&CStr, &[u8]) = (c"CACHEDIR.TAG", b"Signature: 8a477f597d28d172789f06886806bc55");

/// The walk, with all that the steps on the way need.
pub(super) struct Walk<'a> {
    pub options: &'a Options,
    pub matcher: &'a mut PatternMatcher,
    pub interrupt: &'a Interrupt,
    /// What is known already; nothing in a dry run, which only tells.
    pub stored: Option<Stored<'a>>,
    pub filling: Filling<'a>,
    pub content: Content<'a>,
    pub attributes: Attributes,
    pub links: HardLinks,
    /// Where temporary files go.
    pub spill: PathBuf,
    pub name_bytes: usize,
    /// The old files cache of the root at hand.
    pub cache: Option<FilesCacheReader>,
    /// The path at hand, as the file system knows it.
    pub path: Vec<u8>,
    /// Where in `path` the part below the root begins.
    pub below: usize,
    /// Directory levels to leave away, with a slash at the end.
    pub strip: Option<Vec<u8>>,
    /// Device and inode of directories never to be entered.
    pub skip: Vec<(u64, u64)>,
    /// `-x`: the device to stay on.
    pub device: Option<u64>,
    /// Where directories are listed into.
    pub listing: Vec<u8>,
}

/// What earlier runs left.
#[derive(Clone, Copy)]
pub(super) struct Stored<'a> {
    pub repository: &'a dyn Repository,
    /// Where the files caches are.
    pub directory: &'a Path,
    /// Names chunks.
    pub key: &'a Key,
}

/// A directory on the way down.
struct Level {
    directory: OwnedFd,
    names: Names,
    path_bytes: usize,
    /// Told when it is left.
    status: Option<char>,
}

/// What a step led to.
enum Step {
    Done(Option<char>),
    /// Excluded, but a directory whose content may not be.
    Silent,
    Enter(Level),
}

impl Walk<'_> {
    /// Walks one root.
    pub(super) fn root(&mut self, root: &[u8]) -> Result<(), Halt> {
        self.strip = strip_prefix(root);
        self.path = normalize(root);
        let Ok(name) = CString::new(self.path.clone()) else { return Ok(()) };
        let status = match Status::at(CWD, &name, Links::Themselves) {
            Ok(status) => status,
            Err(error) => return self.filling.warn(&Trouble::named("stat", name.to_bytes())(error), name.to_bytes()),
        };
        if self.skip.contains(&(status.device, status.inode)) {
            return Ok(());
        }
        self.device = self.options.one_file_system.then_some(status.device);
        self.below = match name.to_bytes() {
            b"." => 0,
            path if path.ends_with(b"/") => path.len(),
            path => path.len() + 1,
        };
        self.open_cache(name.to_bytes())?;
        self.tree(&name)?;
        if let Some(cache) = &mut self.cache {
            unchanged::pass_over(cache, None, &mut self.filling)?;
            if cache.is_damaged() {
                self.filling.remark("The files cache is damaged: files that it does not know are read again.")?;
            }
        }
        // Whoever names a root twice gets it once.
        self.skip.push((status.device, status.inode));
        Ok(())
    }

    /// A root's files cache is known by the root's absolute path.
    fn open_cache(&mut self, root: &[u8]) -> Result<(), Halt> {
        let Some(stored) = self.stored.filter(|_| !self.options.files_cache.disabled) else { return Ok(()) };
        let here = std::env::current_dir().map_err(Error::local("find", "."))?;
        let absolute = normalize(here.join(std::ffi::OsStr::from_bytes(root)).as_os_str().as_bytes());
        let place = super::store::files_cache_path(stored.directory, &absolute, &self.options.files_cache_suffix);
        let cache = FilesCacheReader::open(&place, &absolute, self.options.files_cache_lifetime)
            .map_err(Error::local("read", &place))?;
        self.cache = Some(cache);
        let root = self.filling.unit.push(&absolute);
        self.filling.unit.records.push(Record::Root(root));
        Ok(())
    }

    fn tree(&mut self, root: &CStr) -> Result<(), Halt> {
        let mut levels: Vec<Level> = Vec::new();
        let mut name = Vec::new();
        levels.extend(self.visit(Place { directory: CWD, name: root })?);
        while let Some(level) = levels.last_mut() {
            if self.interrupt.requested() {
                return Err(Halt::Interrupted);
            }
            self.path.truncate(level.path_bytes);
            if level.names.next(&mut name).map_err(Error::local("read", &*self.spill))? {
                let Ok(child) = CStr::from_bytes_with_nul(&name) else { continue };
                push_name(&mut self.path, child.to_bytes());
                let place = Place { directory: level.directory.as_fd(), name: child };
                let deeper = self.visit(place)?;
                levels.extend(deeper);
            } else {
                if let Some(status) = level.status {
                    let path: &[u8] = if self.path.is_empty() { b"." } else { &self.path };
                    self.filling.report(status, path)?;
                }
                levels.pop();
            }
        }
        Ok(())
    }

    /// One step; trouble with the file at hand is told and passed by.
    fn visit(&mut self, place: Place<'_>) -> Result<Option<Level>, Halt> {
        let decision = self.matcher.matches(&self.path);
        if !decision.include {
            self.filling.report('x', &self.path)?;
            if !decision.recurse {
                return Ok(None);
            }
        }
        let status = match self.step(place, decision.include) {
            Ok(Step::Enter(level)) => return Ok(Some(level)),
            Ok(Step::Silent) => return Ok(None),
            Ok(Step::Done(status)) => status,
            Err(Failure::Run(halt)) => return Err(halt),
            Err(Failure::File(trouble)) => {
                self.filling.warn(&trouble, &self.path)?;
                decision.include.then_some('E')
            }
        };
        if let Some(status) = status {
            self.filling.report(status, &self.path)?;
        }
        Ok(None)
    }

    fn step(&mut self, place: Place<'_>, include: bool) -> Result<Step, Failure> {
        let status = Status::at(place.directory, place.name, Links::Themselves).map_err(named("stat", place))?;
        let is_directory = status.kind().is_dir();
        if (!include && !is_directory) || self.skip.contains(&(status.device, status.inode)) {
            return Ok(Step::Silent);
        }
        if self.options.exclude_nodump && self.is_nodump(place, &status) {
            self.filling.report('x', &self.path)?;
            return Ok(Step::Silent);
        }
        if is_directory { self.enter(place, &status, include) } else { Ok(Step::Done(self.file(place, &status)?)) }
    }

    fn enter(&mut self, place: Place<'_>, status: &Status, include: bool) -> Result<Step, Failure> {
        let recurse = self.device.is_none_or(|device| device == status.device);
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW;
        let directory = open_quietly(place, flags).map_err(named("dir_open", place))?;
        let opened = Status::of(&directory).map_err(Failure::system("fstat"))?;
        let status = same_file(status, opened)?;
        let tags = if recurse { self.tags(directory.as_fd()) } else { Vec::new() };
        if !tags.is_empty() {
            if !include || !self.options.keep_exclude_tags {
                return Ok(if include { Step::Done(Some('x')) } else { Step::Silent });
            }
            if self.stored.is_some() {
                self.directory(directory.as_fd(), &status)?;
            }
            let path_bytes = prefix_bytes(&self.path);
            return Ok(Step::Enter(Level { directory, names: Names::of(&tags), path_bytes, status: Some('x') }));
        }
        let mut letter = None;
        if include {
            let made = if self.stored.is_some() { self.directory(directory.as_fd(), &status)? } else { '-' };
            letter = Some(made);
        }
        if !recurse {
            return Ok(Step::Done(letter));
        }
        let names = Names::list(directory.as_fd(), &mut self.listing, self.name_bytes, &self.spill);
        let names = match names {
            Ok(names) => names,
            Err(ListError::Directory(error)) => return Err(Trouble::system("scandir")(error).into()),
            Err(ListError::Spill(error)) => {
                return Err(Halt::from(Error::local("write", &*self.spill)(error)).into());
            }
        };
        Ok(Step::Enter(Level { directory, names, path_bytes: prefix_bytes(&self.path), status: letter }))
    }

    /// The tags by which a directory says that it wants to be left out.
    fn tags(&self, directory: BorrowedFd<'_>) -> Vec<Vec<u8>> {
        let mut tags = Vec::new();
        if self.options.exclude_caches && is_cache(directory) {
            tags.push(CACHE_TAG.0.to_bytes().to_vec());
        }
        for tag in &self.options.exclude_if_present {
            if statat(directory, tag.as_os_str(), AtFlags::empty()).is_ok() {
                tags.push(tag.as_bytes().to_vec());
            }
        }
        tags
    }

    fn is_nodump(&self, place: Place<'_>, status: &Status) -> bool {
        let flags = status.flags.unwrap_or_else(|| match status.kind().is_file() || status.kind().is_dir() {
            true => open_quietly(place, OFlags::NOFOLLOW | OFlags::NONBLOCK).map_or(0, flags_of),
            false => 0,
        });
        flags & NODUMP != 0
    }
}

/// Device and inode of what is never to be entered.
pub(super) fn identities<'p>(paths: impl IntoIterator<Item = &'p Path>) -> Vec<(u64, u64)> {
    let metadata = paths.into_iter().filter_map(|path| fs::metadata(path).ok());
    metadata.map(|metadata| (metadata.dev(), metadata.ino())).collect()
}

fn is_cache(directory: BorrowedFd<'_>) -> bool {
    let place = Place { directory, name: CACHE_TAG.0 };
    let mut start = [0; CACHE_TAG.1.len()];
    let Ok(file) = open_quietly(place, OFlags::NONBLOCK) else { return false };
    read(file, &mut start[..]).is_ok_and(|read| read == start.len()) && start == CACHE_TAG.1
}

/// How much of a directory's path its entries' paths begin with: nothing of `.`.
fn prefix_bytes(path: &[u8]) -> usize {
    if path == b"." { 0 } else { path.len() }
}

fn push_name(path: &mut Vec<u8>, name: &[u8]) {
    if !path.is_empty() && !path.ends_with(b"/") {
        path.push(b'/');
    }
    path.extend_from_slice(name);
}
