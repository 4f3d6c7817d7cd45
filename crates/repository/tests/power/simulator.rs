//! A disk in memory that can lose power or fail at any call.
//!
//! Every change is applied to what programs see at once and noted in order; syncing a file or directory makes its own
//! notes durable. When the power goes, a model of persistence says which of the other notes had reached the disk.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, IoSlice};
use std::path::{Component, Path};
use std::sync::{Arc, Mutex, MutexGuard};

use nanoprobe_repository::fs::{Access, Advice, Entry, File, FileSystem, Kind, Metadata};

/// What of the changes that were not synced survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Model {
    Nothing,
    Everything,
    Prefix,
    Subset,
    Torn512,
    Torn4096,
    EntriesOnly,
    DataOnly,
}

pub(crate) const MODELS: [Model; 8] = [
    Model::Nothing,
    Model::Everything,
    Model::Prefix,
    Model::Subset,
    Model::Torn512,
    Model::Torn4096,
    Model::EntriesOnly,
    Model::DataOnly,
];

/// A small generator, so that a seed names a run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }
}

#[derive(Clone)]
enum Node {
    File(Vec<u8>),
    Directory(BTreeMap<String, usize>),
}

#[derive(Clone)]
enum Note {
    Write(usize, u64, Vec<u8>),
    Truncate(usize, u64),
    Enter(usize, String, usize),
    Leave(usize, String),
    Rename(usize, String, String, usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The power goes: this call and all later ones fail.
    PowerCut,
    /// This call fails, later ones do not.
    Failure(i32),
}

#[derive(Clone)]
struct State {
    nodes: Vec<Node>,
    durable: Vec<Node>,
    notes: Vec<Note>,
    calls: u64,
    trouble: Option<(u64, Trouble)>,
    off: bool,
}

#[derive(Clone)]
pub(crate) struct Disk(Arc<Mutex<State>>);

struct Open {
    disk: Disk,
    node: usize,
}

impl Disk {
    pub(crate) fn new() -> Self {
        let root = vec![Node::Directory(BTreeMap::new())];
        Self(Arc::new(Mutex::new(State {
            nodes: root.clone(),
            durable: root,
            notes: Vec::new(),
            calls: 0,
            trouble: None,
            off: false,
        })))
    }

    /// An independent copy with power, nothing scheduled, and the count of calls at zero.
    pub(crate) fn copy(&self) -> Self {
        let mut state = self.state().clone();
        (state.calls, state.trouble, state.off) = (0, None, false);
        Self(Arc::new(Mutex::new(state)))
    }

    pub(crate) fn schedule(&self, call: u64, trouble: Trouble) {
        self.state().trouble = Some((call, trouble));
    }

    pub(crate) fn calls(&self) -> u64 {
        self.state().calls
    }

    /// True when what was scheduled has happened.
    pub(crate) fn happened(&self) -> bool {
        self.state().trouble.is_none()
    }

    /// Every file with what it holds, by path.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        fn collect(nodes: &[Node], node: usize, path: &str, files: &mut BTreeMap<String, Vec<u8>>) {
            match &nodes[node] {
                Node::File(data) => drop(files.insert(path.to_owned(), data.clone())),
                Node::Directory(entries) => {
                    entries.iter().for_each(|(name, &entry)| collect(nodes, entry, &format!("{path}/{name}"), files))
                }
            }
        }
        let mut files = BTreeMap::new();
        collect(&self.state().nodes, 0, "", &mut files);
        files
    }

    /// Changes a file behind everybody's back, durably; an empty list of bytes and a missing file are different things.
    pub(crate) fn damage(&self, path: &str, bytes: Option<Vec<u8>>) {
        let mut state = self.state();
        let path = Path::new(path);
        match bytes {
            Some(bytes) => {
                let node = state.find(path).unwrap();
                state.nodes[node] = Node::File(bytes.clone());
                state.durable[node] = Node::File(bytes);
            }
            None => {
                let (directory, name) = state.parent(path).unwrap();
                apply(&mut state.nodes, &Note::Leave(directory, name.clone()));
                apply(&mut state.durable, &Note::Leave(directory, name));
            }
        }
        assert!(state.notes.is_empty(), "damage comes to a disk at rest");
    }

    /// Makes everything durable.
    pub(crate) fn settle(&self) {
        let mut state = self.state();
        state.durable = state.nodes.clone();
        state.notes.clear();
    }

    /// What is found when the power comes back.
    pub(crate) fn after_power_cut(&self, model: Model, random: &mut Random) -> Self {
        let mut state = self.state().clone();
        let notes = std::mem::take(&mut state.notes);
        let kept = random.below(notes.len() as u64 + 1);
        for (number, note) in notes.into_iter().enumerate() {
            let is_data = matches!(note, Note::Write(..) | Note::Truncate(..));
            let survives = match model {
                Model::Nothing => false,
                Model::Everything => true,
                Model::Prefix => (number as u64) < kept,
                Model::Subset => random.below(2) == 0,
                Model::EntriesOnly => !is_data,
                Model::DataOnly => is_data,
                Model::Torn512 | Model::Torn4096 => {
                    if let Note::Write(node, offset, bytes) = &note {
                        let sector = if model == Model::Torn512 { 512 } else { 4096 };
                        for (index, part) in bytes.chunks(sector).enumerate() {
                            if random.below(2) == 0 {
                                let at = offset + (index * sector) as u64;
                                apply(&mut state.durable, &Note::Write(*node, at, part.to_vec()));
                            }
                        }
                    }
                    !is_data
                }
            };
            if survives {
                apply(&mut state.durable, &note);
            }
        }
        state.nodes = state.durable.clone();
        (state.calls, state.trouble, state.off) = (0, None, false);
        Self(Arc::new(Mutex::new(state)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Every call comes through here.
    fn enter(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        if state.off {
            return Err(io::Error::from_raw_os_error(5));
        }
        state.calls += 1;
        if let Some((call, trouble)) = state.trouble.filter(|(call, _)| *call == state.calls) {
            let _ = call;
            state.trouble = None;
            state.off = trouble == Trouble::PowerCut;
            return Err(io::Error::from_raw_os_error(match trouble {
                Trouble::Failure(code) => code,
                _ => 5,
            }));
        }
        Ok(state)
    }
}

impl State {
    fn note(&mut self, note: Note) {
        apply(&mut self.nodes, &note);
        self.notes.push(note);
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        let mut node = 0;
        for component in path.components() {
            if let Component::Normal(name) = component {
                let Node::Directory(entries) = &self.nodes[node] else {
                    return Err(io::ErrorKind::NotADirectory.into());
                };
                node = *entries.get(name.to_str().unwrap()).ok_or(io::ErrorKind::NotFound)?;
            }
        }
        Ok(node)
    }

    fn parent(&self, path: &Path) -> io::Result<(usize, String)> {
        let directory = self.find(path.parent().unwrap())?;
        Ok((directory, path.file_name().unwrap().to_str().unwrap().to_owned()))
    }

    fn create(&mut self, path: &Path, node: Node) -> io::Result<usize> {
        let (directory, name) = self.parent(path)?;
        if self.find(path).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let empty = match node {
            Node::File(_) => Node::File(Vec::new()),
            Node::Directory(_) => Node::Directory(BTreeMap::new()),
        };
        self.nodes.push(node);
        self.durable.push(empty);
        let number = self.nodes.len() - 1;
        self.note(Note::Enter(directory, name, number));
        Ok(number)
    }

    fn sync(&mut self, synced: usize) {
        let notes = std::mem::take(&mut self.notes);
        for note in notes {
            let of = match &note {
                Note::Write(node, ..) | Note::Truncate(node, _) => *node,
                Note::Enter(node, ..) | Note::Leave(node, _) | Note::Rename(node, ..) => *node,
            };
            if of == synced { apply(&mut self.durable, &note) } else { self.notes.push(note) }
        }
    }

    fn is_empty(&self, node: usize) -> bool {
        matches!(&self.nodes[node], Node::Directory(entries) if entries.is_empty())
    }
}

fn apply(nodes: &mut [Node], note: &Note) {
    match note {
        Note::Write(node, offset, bytes) => {
            let Node::File(data) = &mut nodes[*node] else { return };
            let start = *offset as usize;
            data.resize(data.len().max(start + bytes.len()), 0);
            data[start..start + bytes.len()].copy_from_slice(bytes);
        }
        Note::Truncate(node, length) => {
            if let Node::File(data) = &mut nodes[*node] {
                data.resize(*length as usize, 0)
            }
        }
        Note::Enter(directory, name, node) => {
            if let Node::Directory(entries) = &mut nodes[*directory] {
                entries.insert(name.clone(), *node);
            }
        }
        Note::Leave(directory, name) => {
            if let Node::Directory(entries) = &mut nodes[*directory] {
                entries.remove(name);
            }
        }
        Note::Rename(directory, from, to, node) => {
            if let Node::Directory(entries) = &mut nodes[*directory] {
                entries.remove(from);
                entries.insert(to.clone(), *node);
            }
        }
    }
}

impl FileSystem for Disk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let node = self.enter()?.create(path, Node::File(Vec::new()))?;
        Ok(Arc::new(Open { disk: self.clone(), node }))
    }
    fn open(&self, path: &Path, _: Access) -> io::Result<Arc<dyn File>> {
        let node = self.enter()?.find(path)?;
        Ok(Arc::new(Open { disk: self.clone(), node }))
    }
    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        let state = self.enter()?;
        Ok(match &state.nodes[state.find(path)?] {
            Node::File(data) => Metadata { kind: Kind::File, bytes: data.len() as u64, links: 1 },
            Node::Directory(_) => Metadata { kind: Kind::Directory, bytes: 0, links: 2 },
        })
    }
    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let state = self.enter()?;
        let Node::Directory(entries) = &state.nodes[state.find(path)?] else {
            return Err(io::ErrorKind::NotADirectory.into());
        };
        let kind = |node: usize| match state.nodes[node] {
            Node::File(_) => Kind::File,
            Node::Directory(_) => Kind::Directory,
        };
        Ok(entries.iter().map(|(name, &node)| Entry { name: name.clone(), kind: kind(node) }).collect())
    }
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        self.enter()?.create(path, Node::Directory(BTreeMap::new())).map(drop)
    }
    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        let mut state = self.enter()?;
        let node = state.find(path)?;
        if !state.is_empty(node) {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        let (directory, name) = state.parent(path)?;
        state.note(Note::Leave(directory, name));
        Ok(())
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.enter()?;
        state.find(path)?;
        let (directory, name) = state.parent(path)?;
        state.note(Note::Leave(directory, name));
        Ok(())
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.enter()?;
        let node = state.find(from)?;
        let ((directory, from), (other, to_name)) = (state.parent(from)?, state.parent(to)?);
        assert_eq!(directory, other, "every rename stays in its directory");
        if let Ok(target) = state.find(to)
            && matches!(state.nodes[node], Node::Directory(_))
            && !state.is_empty(target)
        {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        state.note(Note::Rename(directory, from, to_name, node));
        Ok(())
    }
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.enter()?;
        let node = state.find(from)?;
        let (directory, name) = state.parent(to)?;
        state.note(Note::Enter(directory, name, node));
        Ok(())
    }
    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        let mut state = self.enter()?;
        let node = state.find(path)?;
        state.sync(node);
        Ok(())
    }
    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        Ok(1 << 40)
    }
}

impl File for Open {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.disk.enter()?;
        let Node::File(data) = &state.nodes[self.node] else { return Err(io::ErrorKind::IsADirectory.into()) };
        let rest = data.get(offset as usize..).unwrap_or_default();
        let length = rest.len().min(bytes.len());
        bytes[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }
    fn write_at(&self, slices: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        // Short writes are legal: every third call writes half.
        let mut bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        let mut state = self.disk.enter()?;
        if state.calls.is_multiple_of(3) && bytes.len() > 1 {
            bytes.truncate(bytes.len() / 2);
        }
        let length = bytes.len();
        state.note(Note::Write(self.node, offset, bytes));
        Ok(length)
    }
    fn sync(&self) -> io::Result<()> {
        self.disk.enter()?.sync(self.node);
        Ok(())
    }
    fn bytes(&self) -> io::Result<u64> {
        match &self.disk.enter()?.nodes[self.node] {
            Node::File(data) => Ok(data.len() as u64),
            Node::Directory(_) => Ok(0),
        }
    }
    fn truncate(&self, bytes: u64) -> io::Result<()> {
        self.disk.enter()?.note(Note::Truncate(self.node, bytes));
        Ok(())
    }
    fn advise(&self, _: u64, _: u64, _: Advice) {}
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Disk")
    }
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Open({})", self.node)
    }
}
