//! Writes a files cache beside the old one.

use std::{
    fs::{self, File},
    io::{self, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use xxhash_rust::xxh64::xxh64;

use super::{BLOCK_BYTES, CachedChunks, Clock, Extended, FilesCacheEntry, LARGEST_BLOCK_BYTES, MAGIC, varint};

/// Writes entries in walk order. Until [`FilesCacheWriter::finish`] the old cache stays as it was.
pub struct FilesCacheWriter {
    file: File,
    temporary: PathBuf,
    root: Vec<u8>,
    clock: Clock,
    block: Vec<u8>,
    previous: Vec<u8>,
    /// Whether a checkpoint made it worth keeping.
    kept: bool,
}

impl FilesCacheWriter {
    /// Begins the successor of the cache at `path`, for the recursion root `root`.
    pub fn create(path: &Path, root: &[u8], clock: Clock) -> io::Result<Self> {
        let temporary = path.with_extension("new");
        let mut file = File::create(&temporary)?;
        file.write_all(&header(root, clock, i64::MIN))?;
        Ok(Self { file, temporary, root: root.into(), clock, block: Vec::new(), previous: Vec::new(), kept: false })
    }

    /// Appends one entry; it must come after all before it in walk order.
    pub fn write(&mut self, entry: &FilesCacheEntry<'_>) -> io::Result<()> {
        if entry.chunks.len().saturating_mul(38) + entry.path.len() + extended_bytes(entry) > LARGEST_BLOCK_BYTES / 2 {
            return Ok(());
        }
        if self.block.len() >= BLOCK_BYTES {
            self.flush()?;
        }
        let shared = entry.path.iter().zip(&self.previous).take_while(|(left, right)| left == right).count();
        let block = &mut self.block;
        varint::write(shared as u64, block);
        bytes(&entry.path[shared..], block);
        self.previous.truncate(shared);
        self.previous.extend_from_slice(&entry.path[shared..]);
        block.push(entry.age);
        varint::write(entry.size, block);
        varint::write(entry.inode, block);
        block.extend_from_slice(&entry.mtime.to_le_bytes());
        block.extend_from_slice(&entry.ctime.to_le_bytes());
        match &entry.extended {
            None => block.push(0),
            Some(Extended { bsdflags, xattrs, acl_access, acl_default }) => {
                block.push(1);
                varint::write(*bsdflags, block);
                bytes(xattrs, block);
                bytes(acl_access, block);
                bytes(acl_default, block);
            }
        }
        varint::write(entry.chunks.len() as u64, block);
        if entry.chunks.len() > 1 {
            block.extend_from_slice(&entry.cut_by.to_le_bytes());
        }
        if let CachedChunks::Packed { bytes, .. } = entry.chunks {
            block.extend_from_slice(bytes);
        } else {
            for (id, size) in entry.chunks.iter() {
                block.extend_from_slice(&id.0);
                varint::write(u64::from(size), block);
            }
        }
        Ok(())
    }

    /// What is written so far is to be believed, should the run not come to its end; `newest` as in `finish`.
    pub fn checkpoint(&mut self, newest: i64) -> io::Result<()> {
        self.flush()?;
        self.file.write_all_at(&header(&self.root, self.clock, newest), 0)?;
        self.file.sync_data()?;
        self.kept = true;
        Ok(())
    }

    /// Puts the new cache in place of the old one, durably. Entries with a time of `newest` or later will not be
    /// believed: such a file may have been written again within the same tick of the clock.
    pub fn finish(mut self, path: &Path, newest: i64) -> io::Result<()> {
        self.flush()?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&header(&self.root, self.clock, newest))?;
        self.file.sync_data()?;
        fs::rename(&self.temporary, path)?;
        match fs::remove_file(path.with_extension("partial")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        let mut head = [0; 12];
        head[..4].copy_from_slice(&(self.block.len() as u32).to_le_bytes());
        head[4..].copy_from_slice(&xxh64(&self.block, 0).to_le_bytes());
        self.file.write_all(&head)?;
        self.file.write_all(&self.block)?;
        self.block.clear();
        self.block.shrink_to(2 * BLOCK_BYTES);
        self.previous.clear();
        Ok(())
    }
}

impl Drop for FilesCacheWriter {
    /// An unfinished cache without a checkpoint is worth nothing; after `finish` there is nothing under that name any more.
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

fn header(root: &[u8], clock: Clock, newest: i64) -> Vec<u8> {
    let mut header = MAGIC.to_vec();
    header.push(clock as u8);
    header.extend_from_slice(&newest.to_le_bytes());
    header.extend_from_slice(&(root.len() as u32).to_le_bytes());
    header.extend_from_slice(root);
    let sum = xxh64(&header, 0);
    header.extend_from_slice(&sum.to_le_bytes());
    header
}

fn bytes(value: &[u8], block: &mut Vec<u8>) {
    varint::write(value.len() as u64, block);
    block.extend_from_slice(value);
}

fn extended_bytes(entry: &FilesCacheEntry<'_>) -> usize {
    let extended = entry.extended.unwrap_or_default();
    extended.xattrs.len() + extended.acl_access.len() + extended.acl_default.len()
}
