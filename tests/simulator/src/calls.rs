//! The calls of a file system, on the disk in memory.

use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;

use nanoprobe_repository::fs::{Access, Advice, Entry, File, FileSystem, Kind, Metadata};

use crate::{Disk, Node, Note, Open};

impl FileSystem for Disk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let node = self.enter()?.create(path, Node::File(Arc::default()))?;
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
        state.note(Note::Write(self.node, offset, Arc::new(bytes)));
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
