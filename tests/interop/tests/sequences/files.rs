//! The files of a sequence: a tree, and what happens to it between two archives.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use nanoprobe_interop::{Content, grow_tree};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use super::random::Random;

const FOLDERS: u64 = 4;
const LETTERS: &[u8] = b"abcde";

pub(crate) struct Files {
    root: PathBuf,
    /// Of so many names are the files.
    names: u64,
    /// A folder between, and the end of a name: long ones make metadata of several chunks out of few files.
    between: String,
    ending: String,
}

impl Files {
    /// Mostly few files; sometimes many of long names, or every kind of attribute there is.
    pub(crate) fn grow(root: &Path, random: &mut Random) -> Self {
        let kind = random.below(10);
        match kind {
            0 => grow_tree(root, random.below(1 << 30), Content::Small),
            _ => fs::create_dir(root).expect("a root"),
        }
        let (names, between, ending) = match kind {
            1 | 2 => (260, format!("{0}/{0}", "between".repeat(34)), "ending".repeat(38)),
            _ => (30, "between".to_owned(), "ending".to_owned()),
        };
        let files = Self { root: root.to_path_buf(), names, between, ending };
        for folder in 0..FOLDERS {
            fs::create_dir_all(root.join(format!("d{folder}/{}", files.between))).expect("folders");
        }
        (0..names).for_each(|number| files.write(number, random));
        files
    }

    /// A few things happen.
    pub(crate) fn change(&self, random: &mut Random) {
        for _ in 0..random.below(7) {
            let (number, other) = (random.below(self.names), random.below(self.names));
            let (path, new) = (self.path(number), self.path(other));
            match random.below(9) {
                0..=2 => self.write(number, random),
                _ if !path.exists() => self.write(number, random),
                3 => {
                    let content = [fs::read(&path).expect("content"), bytes(random, 3000)].concat();
                    fs::write(&path, content).expect("more content");
                    set_time(&path, random);
                }
                4 => fs::remove_file(&path).expect("a file that goes"),
                5 => fs::rename(&path, &new).expect("another name"),
                6 => set_time(&path, random),
                7 => {
                    let mode = random.of(&[0o600, 0o640, 0o755, 0o4711]);
                    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("permissions");
                }
                _ if new.symlink_metadata().is_ok() => {}
                _ if random.once_in(3) => symlink(format!("../{other}"), &new).expect("a symbolic link"),
                _ => fs::hard_link(&path, &new).expect("a hard link"),
            }
        }
    }

    fn path(&self, number: u64) -> PathBuf {
        let letter = char::from(LETTERS[number as usize % LETTERS.len()]);
        let name = format!("{letter}{number}-{}", self.ending);
        self.root.join(format!("d{}/{}/{name}", number % FOLDERS, self.between))
    }

    fn write(&self, number: u64, random: &mut Random) {
        let path = self.path(number);
        let most = match (self.names > 100, random.below(8)) {
            (true, _) => 200,
            (false, 0) => 60_000,
            (false, _) => 6000,
        };
        if path.is_symlink() {
            fs::remove_file(&path).expect("a symbolic link");
        }
        fs::write(&path, bytes(random, most)).expect("a file");
        set_time(&path, random);
    }
}

/// A pattern, and which paths it matches.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Gone {
    Folder(u64),
    Letter(u8),
}

impl Gone {
    pub(crate) fn any(random: &mut Random) -> Self {
        match random.below(2) {
            0 => Self::Folder(random.below(FOLDERS)),
            _ => Self::Letter(random.of(LETTERS)),
        }
    }

    pub(crate) fn pattern(self) -> String {
        match self {
            Self::Folder(number) => format!("pp:d{number}"),
            Self::Letter(letter) => format!("re:/{}[0-9]+-", char::from(letter)),
        }
    }

    pub(crate) fn matches(self, path: &[u8]) -> bool {
        match self {
            Self::Folder(number) => path.split(|byte| *byte == b'/').next() == Some(format!("d{number}").as_bytes()),
            Self::Letter(letter) => path.rsplit(|byte| *byte == b'/').next().is_some_and(|name| {
                let digits = name[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                name.len() < path.len() && name[0] == letter && digits > 0 && name.get(1 + digits) == Some(&b'-')
            }),
        }
    }
}

/// Some can be compressed and some not, and some have what others have.
fn bytes(random: &mut Random, most: u64) -> Vec<u8> {
    let length = random.below(most) as usize;
    match random.below(4) {
        0 => format!("{} ", random.below(10)).into_bytes().repeat(length / 2),
        1 => (0..length as u32 / 4).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect(),
        _ => (0..length.div_ceil(4)).flat_map(|_| (random.below(1 << 31) as u32).to_le_bytes()).collect(),
    }
}

/// Any time but now, so that nothing is taken for unchanged because it was changed within one tick of the clock.
fn set_time(path: &Path, random: &mut Random) {
    let time = Timespec {
        tv_sec: 1_000_000_000 + random.below(500_000_000) as i64,
        tv_nsec: random.below(1_000_000_000) as _,
    };
    let times = Timestamps { last_access: time, last_modification: time };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).expect("times");
}
