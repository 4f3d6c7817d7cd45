//! Grows a tree with every kind of file and attribute that an unprivileged user can make.

use std::{
    ffi::OsStr,
    fs,
    io::Write,
    os::unix::{ffi::OsStrExt, fs::symlink},
    path::Path,
};

use rustix::fs::{AtFlags, CWD, FileType, Mode, Timespec, Timestamps, XattrFlags, lsetxattr, mknodat, utimensat};

/// How much content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// A few hundred KiB: for matrices.
    Small,
    /// Files up to 20 MiB: many chunks a file.
    Large,
}

/// Grows a tree at `root`. Equal seeds give equal bytes, different seeds share no content.
pub fn grow_tree(root: &Path, seed: u64, content: Content) {
    fs::create_dir(root).expect("a root");
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let sizes: &[usize] = match content {
        Content::Small => &[0, 1, 100, 4096, 70_000, 300_000],
        Content::Large => &[0, 1, 4095, 524_287, 524_288, 3 << 20, 20 << 20],
    };
    for size in sizes {
        random.write(&root.join(format!("random-{size}")), *size);
    }
    let line = format!("a line that repeats, seed {seed}\n");
    fs::write(root.join("text"), line.repeat(sizes[sizes.len() - 1] / 40)).expect("a text");
    links(root, &mut random);
    names(root, &mut random);
    sparse(root, seed);
    attributes(root, &mut random);
    modes(root, &mut random);
    times(root, &mut random);
}

/// `size` bytes that no codec makes smaller.
pub fn noise(seed: u64, size: usize) -> Vec<u8> {
    Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1).bytes(size)
}

fn links(root: &Path, random: &mut Random) {
    random.write(&root.join("hard-1"), 5000);
    fs::create_dir(root.join("folder")).expect("a folder");
    fs::hard_link(root.join("hard-1"), root.join("folder/hard-2")).expect("a hard link");
    fs::hard_link(root.join("hard-1"), root.join("a-hard-0")).expect("a hard link");
    symlink("random-1", root.join("link")).expect("a symbolic link");
    symlink("nowhere/at all", root.join("dangling")).expect("a symbolic link");
    symlink(OsStr::from_bytes(b"stray-\xff"), root.join("link-to-stray")).expect("a symbolic link");
    mknodat(CWD, root.join("fifo"), FileType::Fifo, Mode::from_raw_mode(0o640), 0).expect("a FIFO");
    if rustix::process::geteuid().is_root() {
        // Where a container forbids devices the tree has none.
        let device = rustix::fs::makedev(1, 3);
        let _ = mknodat(CWD, root.join("device"), FileType::CharacterDevice, Mode::from_raw_mode(0o666), device);
    }
}

fn names(root: &Path, random: &mut Random) {
    let deep = root.join("deep/er/and/deeper still");
    fs::create_dir_all(&deep).expect("folders");
    fs::create_dir(root.join("empty-folder")).expect("a folder");
    for name in [
        "größe".as_bytes(),
        "日本語 🦀".as_bytes(),
        b"stray-\xff",
        b"\xe2\x82broken",
        b"new\nline",
        b" space ",
        b"quote'\"",
        b"brace{path}",
        b"-dash",
        b"back\\slash",
        b".hidden",
        &[b'n'; 255],
    ] {
        random.write(&deep.join(OsStr::from_bytes(name)), 10 + name.len());
    }
}

fn sparse(root: &Path, seed: u64) {
    let mut file = fs::File::create(root.join("sparse")).expect("a file");
    file.write_all(&seed.to_le_bytes()).expect("its start");
    file.set_len(1 << 20).expect("a hole");
    let zeros = fs::File::create(root.join("hole")).expect("a file");
    zeros.set_len(2 << 20).expect("a hole");
}

fn attributes(root: &Path, random: &mut Random) {
    let path = root.join("attributes");
    random.write(&path, 30);
    // A file system without them makes a tree without them.
    let _ = lsetxattr(&path, "user.nanoprobe", b"value\0with\xffbytes", XattrFlags::empty());
    let _ = lsetxattr(&path, "user.empty", b"", XattrFlags::empty());
    let _ = lsetxattr(root.join("folder"), "user.of folder", "größe".as_bytes(), XattrFlags::empty());
    let access = acl(&[(0x01, 6, NOBODY), (0x02, 4, 4711), (0x04, 4, NOBODY), (0x10, 6, NOBODY), (0x20, 0, NOBODY)]);
    let _ = lsetxattr(&path, "system.posix_acl_access", &access, XattrFlags::empty());
    let default = acl(&[(0x01, 7, NOBODY), (0x04, 5, NOBODY), (0x08, 5, 4712), (0x10, 5, NOBODY), (0x20, 5, NOBODY)]);
    let _ = lsetxattr(root.join("folder"), "system.posix_acl_default", &default, XattrFlags::empty());
}

const NOBODY: u32 = u32::MAX;

/// The kernel's form of a POSIX ACL: version 2, then tag, permissions, id.
fn acl(entries: &[(u16, u16, u32)]) -> Vec<u8> {
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(permissions.to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

fn modes(root: &Path, random: &mut Random) {
    use std::os::unix::fs::{PermissionsExt, chown};
    fs::create_dir(root.join("modes")).expect("a folder");
    for mode in [0o400, 0o644, 0o755, 0o4755, 0o2711, 0o1777] {
        let path = root.join(format!("modes/{mode:o}"));
        random.write(&path, 3);
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("permissions");
    }
    if rustix::process::geteuid().is_root() {
        chown(root.join("modes/644"), Some(4711), Some(4712)).expect("an owner without a name");
        std::os::unix::fs::lchown(root.join("dangling"), Some(1), Some(1)).expect("an owner");
    }
    fs::set_permissions(root.join("modes"), fs::Permissions::from_mode(0o2750)).expect("permissions");
}

/// Times with nanoseconds, the deepest last so that no folder's is touched afterwards.
fn times(folder: &Path, random: &mut Random) {
    let mut entries: Vec<_> = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")).collect();
    entries.sort_by_key(|entry| entry.file_name());
    for entry in entries {
        if entry.file_type().expect("a type").is_dir() {
            times(&entry.path(), random);
        }
        let time = |random: &mut Random| Timespec {
            tv_sec: 1_000_000_000 + (random.next() % 500_000_000) as i64,
            tv_nsec: (random.next() % 1_000_000_000) as _,
        };
        let times = Timestamps { last_access: time(random), last_modification: time(random) };
        utimensat(CWD, entry.path(), &times, AtFlags::SYMLINK_NOFOLLOW).expect("times");
    }
}

/// Bytes that no codec can shrink (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self, size: usize) -> Vec<u8> {
        let words = (0..size.div_ceil(8)).flat_map(|_| self.next().to_le_bytes());
        words.take(size).collect()
    }

    fn write(&mut self, path: &Path, size: usize) {
        fs::write(path, self.bytes(size)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}
