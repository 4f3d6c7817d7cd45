//! unchanged?: what the files cache knows, proved against the file system and the repository.

use nanoprobe_archive::{CachedChunks, Extended, FilesCacheEntry, FilesCacheReader, Lookup};
use nanoprobe_format::ChunkRef;
use nanoprobe_repository::Repository;

use super::{
    expected::Expected,
    fill::Filling,
    halt::Halt,
    options::FilesCacheMode,
    status::Status,
    unit::{Entry, Kept, Record, Remember, Unit},
};

/// What is known about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    New,
    /// It was different, or a chunk of it is gone.
    Modified,
    /// It is the same and all its chunks are stored; they are the last ones of the unit's `refs`.
    Same {
        /// How many.
        chunks: u32,
        /// Which chunker and parameters cut them.
        cut_by: u32,
    },
}

impl Verdict {
    /// Borg's status letter.
    pub(super) fn letter(self) -> char {
        match self {
            Self::New => 'A',
            Self::Modified => 'M',
            Self::Same { .. } => 'U',
        }
    }
}

/// Looks `path` (below the root) up and, for a file that is the same, adds its chunks to the unit, and gives flags,
/// extended attributes and ACLs where they are proved, too. Of one that is not, its chunks are `expected`.
/// `pass_over` comes first.
pub(super) fn check(
    cache: &mut FilesCacheReader,
    mode: FilesCacheMode,
    path: &[u8],
    status: &Status,
    repository: &dyn Repository,
    unit: &mut Unit,
    expected: &mut Expected<'_>,
) -> Result<(Verdict, Option<Entry>), Halt> {
    let entry = match cache.lookup(path) {
        Lookup::Known { entry, settled: true } if !mode.rechunk => entry,
        _ => return Ok((Verdict::New, None)),
    };
    let same = (!mode.size || entry.size == status.size)
        && (!mode.inode || entry.inode == status.inode)
        && (!mode.ctime || entry.ctime == status.ctime)
        && (!mode.mtime || entry.mtime == status.mtime);
    if !same || !add_chunks(&entry, repository, unit)? {
        expected.known(&entry);
        return Ok((Verdict::Modified, None));
    }
    // The change time covers flags, extended attributes and ACLs: only where it was compared are they still the same.
    let extended = entry.extended.filter(|_| mode.ctime).map(|extended| known_attributes(extended, unit));
    Ok((Verdict::Same { chunks: entry.chunks.len() as u32, cut_by: entry.cut_by }, extended))
}

/// Hands on what the walk passed over on its way to `path`, to be kept for another run.
pub(super) fn pass_over(
    cache: &mut FilesCacheReader,
    path: Option<&[u8]>,
    filling: &mut Filling<'_>,
) -> Result<(), Halt> {
    while let Some(entry) = cache.passed_over(path) {
        let CachedChunks::Packed { count, bytes } = entry.chunks else { continue };
        let unit = &mut filling.unit;
        let extended = entry.extended.unwrap_or_default();
        let kept = Kept {
            path: unit.push(entry.path),
            age: entry.age,
            remember: Remember {
                size: entry.size,
                inode: entry.inode,
                mtime: entry.mtime,
                ctime: entry.ctime,
                extended: entry.extended.is_some(),
                fresh: false,
                cut_by: entry.cut_by,
            },
            bsdflags: extended.bsdflags,
            xattrs: unit.push(extended.xattrs),
            acl_access: unit.push(extended.acl_access),
            acl_default: unit.push(extended.acl_default),
            chunks: (count, unit.push(bytes)),
        };
        unit.records.push(Record::Keep(kept));
        filling.dispatch_if_full()?;
    }
    Ok(())
}

/// False when a chunk is not in the repository any more, or when sizes do not add up.
fn add_chunks(entry: &FilesCacheEntry<'_>, repository: &dyn Repository, unit: &mut Unit) -> Result<bool, Halt> {
    let before = unit.refs.len();
    let mut total = 0;
    for (id, size) in entry.chunks.iter() {
        let Some(csize) = repository.stored_bytes(&id)? else { break };
        unit.refs.push(ChunkRef { id, size, csize });
        total += u64::from(size);
    }
    let whole = unit.refs.len() - before == entry.chunks.len() && total == entry.size;
    if !whole {
        unit.refs.truncate(before);
    }
    Ok(whole)
}

fn known_attributes(extended: Extended<'_>, unit: &mut Unit) -> Entry {
    let mut present = |bytes: &[u8]| (!bytes.is_empty()).then(|| unit.push(bytes));
    Entry {
        bsdflags: extended.bsdflags,
        xattrs: present(extended.xattrs),
        acl_access: present(extended.acl_access),
        acl_default: present(extended.acl_default),
        ..Entry::default()
    }
}
