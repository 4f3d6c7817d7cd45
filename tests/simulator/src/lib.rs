//! A disk in memory that can lose power or fail at any call.
//!
//! Every change is applied to what programs see at once and noted in order; syncing a file or directory makes its own
//! notes durable. When the power goes, a model of persistence says which of the other notes had reached the disk.
//!
//! Either a call is chosen at which the power goes, or a whole run is watched and every state on its way is kept: what a
//! power cut at a call leaves is the state before it. Bytes are shared between copies until one changes them.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Component, Path};
use std::sync::{Arc, Mutex, MutexGuard};

mod calls;

/// What of the changes that were not synced survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// Nothing.
    Nothing,
    /// All of it.
    Everything,
    /// What came first.
    Prefix,
    /// Any of it.
    Subset,
    /// Names, and any sectors of 512 bytes.
    Torn512,
    /// Names, and any sectors of 4096 bytes.
    Torn4096,
    /// Names.
    EntriesOnly,
    /// Bytes of files.
    DataOnly,
}

/// All of them.
pub const MODELS: [Model; 8] = [
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
pub struct Random(pub u64);

impl Random {
    /// The next number.
    #[expect(clippy::should_implement_trait, reason = "it never ends")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The next number below a limit.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }
}

#[derive(Clone)]
enum Node {
    File(Arc<Vec<u8>>),
    Directory(BTreeMap<String, usize>),
}

#[derive(Clone)]
enum Note {
    Write(usize, u64, Arc<Vec<u8>>),
    Truncate(usize, u64),
    Enter(usize, String, usize),
    Leave(usize, String),
    Rename(usize, String, String, usize),
}

/// What happens at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The power goes: this call and all later ones fail.
    PowerCut,
    /// This call fails with this number, later ones do not.
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
    watch: Option<Watch>,
}

/// Who is shown every state.
#[derive(Clone)]
struct Watch(Arc<dyn Fn(Disk) + Send + Sync>);

/// The disk.
#[derive(Clone)]
pub struct Disk(Arc<Mutex<State>>);

struct Open {
    disk: Disk,
    node: usize,
}

impl Default for Disk {
    fn default() -> Self {
        Self::new()
    }
}

impl Disk {
    /// An empty one.
    pub fn new() -> Self {
        let root = vec![Node::Directory(BTreeMap::new())];
        Self(Arc::new(Mutex::new(State {
            nodes: root.clone(),
            durable: root,
            notes: Vec::new(),
            calls: 0,
            trouble: None,
            off: false,
            watch: None,
        })))
    }

    /// An independent copy with power, nothing scheduled, and the count of calls at zero.
    pub fn copy(&self) -> Self {
        self.state().copy()
    }

    /// Before each change from now on `look` is shown the disk as it is; it must not touch this one.
    pub fn watch(&self, look: impl Fn(Self) + Send + Sync + 'static) {
        self.state().watch = Some(Watch(Arc::new(look)));
    }

    /// Something is going to happen at this call, counted from the last copy.
    pub fn schedule(&self, call: u64, trouble: Trouble) {
        self.state().trouble = Some((call, trouble));
    }

    /// Calls since the last copy.
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// True when what was scheduled has happened.
    pub fn happened(&self) -> bool {
        self.state().trouble.is_none()
    }

    /// Every file with what it holds, by path.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        self.state().each(0, "", &mut |path, data| drop(files.insert(path.to_owned(), data.to_vec())));
        files
    }

    /// The same for two disks with the same files, and hardly ever for others.
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.state().each(0, "", &mut |path, data| (path, data).hash(&mut hasher));
        hasher.finish()
    }

    /// Changes a file behind everybody's back, durably; an empty list of bytes and a missing file are different things.
    pub fn damage(&self, path: &str, bytes: Option<Vec<u8>>) {
        let mut state = self.state();
        let path = Path::new(path);
        match bytes {
            Some(bytes) => {
                let node = state.find(path).unwrap();
                state.nodes[node] = Node::File(Arc::new(bytes));
                state.durable[node] = state.nodes[node].clone();
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
    pub fn settle(&self) {
        let mut state = self.state();
        state.durable = state.nodes.clone();
        state.notes.clear();
    }

    /// What is found when the power comes back.
    pub fn after_power_cut(&self, model: Model, random: &mut Random) -> Self {
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
                                apply(&mut state.durable, &Note::Write(*node, at, Arc::new(part.to_vec())));
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
        state.copy()
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
    fn copy(&self) -> Disk {
        let state = Self { calls: 0, trouble: None, off: false, watch: None, ..self.clone() };
        Disk(Arc::new(Mutex::new(state)))
    }

    /// Something is about to change.
    fn show(&self) {
        if let Some(Watch(look)) = &self.watch {
            look(self.copy());
        }
    }

    /// Every file, in the order of paths.
    fn each(&self, node: usize, path: &str, look: &mut dyn FnMut(&str, &[u8])) {
        match &self.nodes[node] {
            Node::File(data) => look(path, data),
            Node::Directory(entries) => {
                entries.iter().for_each(|(name, &entry)| self.each(entry, &format!("{path}/{name}"), look));
            }
        }
    }

    fn note(&mut self, note: Note) {
        self.show();
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
            Node::File(_) => Node::File(Arc::default()),
            Node::Directory(_) => Node::Directory(BTreeMap::new()),
        };
        self.nodes.push(node);
        self.durable.push(empty);
        let number = self.nodes.len() - 1;
        self.note(Note::Enter(directory, name, number));
        Ok(number)
    }

    fn sync(&mut self, synced: usize) {
        self.show();
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
            let data = Arc::make_mut(data);
            let start = *offset as usize;
            data.resize(data.len().max(start + bytes.len()), 0);
            data[start..start + bytes.len()].copy_from_slice(bytes);
        }
        Note::Truncate(node, length) => {
            if let Node::File(data) = &mut nodes[*node] {
                Arc::make_mut(data).resize(*length as usize, 0);
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
