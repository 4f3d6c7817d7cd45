//! A new version of the whole system, for a box with two roots: one runs, the next is written into the other.
//!
//! ```text
//! file (signed head, root) → signature → does it fit → other partition → read back → label: to be tried
//! ```
//! Whoever starts the box (`image/initramfs.sh`) takes the root with the highest serial number whose content has the sum that
//! its label says, and counts each try in the label before it begins. What has come up is kept ([`Slots::keep`]); what did not,
//! in all its tries, is not tried again, and the box runs what it ran before.
//!
//! Until its label is written, the very last thing, the new root does not exist: a cut at any moment leaves the old one. A
//! mebibyte of memory.

mod head;
mod label;

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use nanoprobe_crypto::Sha256;
use rustix::fs::{Advice, fadvise};

pub use self::label::{Label, Standing};
use self::{head::Head, label::SECTOR_BYTES};
use crate::{Error, http};

/// Why an update is not made. Nothing that runs was touched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Not made for this.
    #[error("it is no update of Nanoprobe")]
    NoUpdate,
    /// Nobody whom this box knows has signed it.
    #[error("its signature is wrong: it is refused")]
    Signature,
    /// The key is none.
    #[error("{}: no public key of minisign", .0.display())]
    Key(PathBuf),
    /// For other machines.
    #[error("it is for {0}, and this is {architecture}", architecture = std::env::consts::ARCH)]
    Architecture(String),
    /// It would be a step back.
    #[error("version {0} is older than what runs; --anyway takes it")]
    Older(String),
    /// It was here before.
    #[error("version {0} did not come up when it was tried; --anyway tries it again")]
    GivenUp(String),
    /// Too large.
    #[error("it has {bytes} bytes, and there is room for {room}")]
    TooLarge {
        /// Of the root.
        bytes: u64,
        /// In the partition.
        room: u64,
    },
    /// It does not hold what was signed.
    #[error("it ends early or is damaged")]
    Damaged,
    /// The disk does not give back what it was given.
    #[error("{}: what was written does not come back", .0.display())]
    Unreliable(PathBuf),
    /// The version that runs has to be kept first.
    #[error("the version that runs is on trial itself; the other is what there is to fall back to")]
    OnTrial,
    /// No two roots.
    #[error("this system does not run from an image with two roots")]
    NoSlots,
    /// It could not be had.
    #[error("it cannot be fetched: {0}")]
    Fetch(String),
}

/// The two roots of a box.
#[derive(Clone, Debug)]
pub struct Slots {
    /// Partition of the root that runs.
    running: PathBuf,
    /// Partition of the other.
    other: PathBuf,
}

/// What came of an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It is there, to be tried at the next start.
    Written(Label),
    /// It runs already, or waits already.
    Known(Label),
}

/// What is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// What is not older than what runs, and was not tried in vain.
    Promising,
    /// Whatever is signed.
    Any,
}

impl Slots {
    /// Those of this machine: partitions 2 and 3 of the disk whose root it is.
    pub fn of_machine() -> Result<Self, Error> {
        let path = Path::new("/proc/self/mounts");
        let mounts = fs::read_to_string(path).map_err(Error::file("read", path))?;
        Self::of_mounts(&mounts).ok_or(Error::Update(Refusal::NoSlots))
    }

    fn of_mounts(mounts: &str) -> Option<Self> {
        let device = |line: &'_ str| {
            let (device, rest) = line.split_once(' ')?;
            (rest.starts_with("/ ") && device.starts_with("/dev/")).then(|| device.to_owned())
        };
        let running = mounts.lines().rev().find_map(device)?;
        let other = match running.split_at_checked(running.len() - 1)? {
            (disk, "2") => format!("{disk}3"),
            (disk, "3") => format!("{disk}2"),
            _ => return None,
        };
        Some(Self { running: running.into(), other: other.into() })
    }

    /// The label of the root that runs.
    pub fn current(&self) -> Result<Label, Error> {
        let label = Label::read(&mut open(&self.running, Access::Read)?).map_err(Error::file("read", &self.running))?;
        label.ok_or(Error::Update(Refusal::NoSlots))
    }

    /// The label of the other root, if there is one.
    pub fn next(&self) -> Result<Option<Label>, Error> {
        Label::read(&mut open(&self.other, Access::Read)?).map_err(Error::file("read", &self.other))
    }

    /// What runs has come up, and is what the box starts from now on.
    pub fn keep(&self) -> Result<Label, Error> {
        let label = self.current()?;
        if label.standing == Standing::Kept {
            return Ok(label);
        }
        let label = Label { standing: Standing::Kept, ..label };
        let mut file = open(&self.running, Access::Write)?;
        label.write(&mut file).map_err(Error::file("write", &self.running))?;
        Ok(label)
    }

    /// Writes what `source` has into the other root, if one of the keys of `key`'s owner has signed it.
    pub fn apply(&self, source: &mut dyn BufRead, key: &Path, choice: Choice) -> Result<Applied, Error> {
        let text = fs::read_to_string(key).map_err(Error::file("read", key))?;
        let head = Head::read(source, &head::key(&text).ok_or_else(|| Refusal::Key(key.to_owned()))?)?;
        let (current, next) = (self.current()?, self.next()?);
        if head.sum == current.sum {
            return Ok(Applied::Known(current));
        }
        // One that was kept and lies there is an older one, or was found damaged.
        if let Some(next) = next.as_ref().filter(|next| next.sum == head.sum) {
            match (next.standing, choice) {
                (Standing::TriesLeft(1..), _) => return Ok(Applied::Known(next.clone())),
                (Standing::TriesLeft(0), Choice::Promising) => return Err(Refusal::GivenUp(head.version).into()),
                _ => {}
            }
        }
        if head.architecture != std::env::consts::ARCH {
            return Err(Refusal::Architecture(head.architecture).into());
        }
        if head.made < current.made && choice == Choice::Promising {
            return Err(Refusal::Older(head.version).into());
        }
        if current.standing != Standing::Kept {
            return Err(Refusal::OnTrial.into());
        }
        let serial = next.map_or(0, |next| next.serial).max(current.serial).saturating_add(1);
        let label = Label {
            serial,
            version: head.version,
            made: head.made,
            bytes: head.bytes,
            sum: head.sum,
            standing: Standing::TriesLeft(TRIES),
        };
        self.write(source, &label)?;
        Ok(Applied::Written(label))
    }

    fn write(&self, source: &mut dyn Read, label: &Label) -> Result<(), Error> {
        let mut file = open(&self.other, Access::Write)?;
        let failed = |action| Error::file(action, &self.other);
        let room = file.seek(SeekFrom::End(0)).map_err(failed("read"))?.saturating_sub(SECTOR_BYTES);
        if label.bytes > room {
            return Err(Refusal::TooLarge { bytes: label.bytes, room }.into());
        }
        // From here on there is one root, until there are two again.
        label::remove(&mut file).map_err(failed("write"))?;
        file.seek(SeekFrom::Start(0)).map_err(failed("write"))?;
        let sum = copy(source, label.bytes, |piece| file.write_all(piece)).map_err(failed("write"))?;
        if sum != Some(label.sum) || source.read(&mut [0]).map_or(true, |more| more != 0) {
            return Err(Refusal::Damaged.into());
        }
        file.sync_all().map_err(failed("write"))?;
        // From the disk itself, not from memory.
        fadvise(&file, 0, None, Advice::DontNeed).map_err(|error| failed("read")(error.into()))?;
        file.seek(SeekFrom::Start(0)).map_err(failed("read"))?;
        if copy(&mut file, label.bytes, |_| Ok(())).map_err(failed("read"))? != Some(label.sum) {
            return Err(Refusal::Unreliable(self.other.clone()).into());
        }
        label.write(&mut file).map_err(failed("write"))
    }
}

/// How often a root is tried before the box gives it up: a power cut may cost one try.
const TRIES: u8 = 2;
const PIECE_BYTES: usize = 256 << 10;

/// Opens where an update is: `-`, an address, or a file.
pub fn source(place: &str) -> Result<Box<dyn BufRead>, Error> {
    if place == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    if place.starts_with("http://") || place.starts_with("https://") {
        return http::fetch(place).map_err(|reason| Error::Update(Refusal::Fetch(reason)));
    }
    Ok(Box::new(BufReader::new(File::open(place).map_err(Error::file("open", place))?)))
}

enum Access {
    Read,
    Write,
}

fn open(path: &Path, access: Access) -> Result<File, Error> {
    let write = matches!(access, Access::Write);
    OpenOptions::new().read(true).write(write).open(path).map_err(Error::file("open", path))
}

/// So many bytes from `source`, and their sum; `None` when it does not give so many. What fails is the sink.
fn copy(
    source: &mut dyn Read,
    bytes: u64,
    mut sink: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<Option<[u8; 32]>> {
    let (mut left, mut buffer, mut sum) = (bytes, vec![0; PIECE_BYTES], Sha256::new());
    while left != 0 {
        let wanted = usize::try_from(left).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES));
        let length = match source.read(&mut buffer[..wanted]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Ok(0) | Err(_) => return Ok(None),
            Ok(length) => length,
        };
        sum.update(&buffer[..length]);
        sink(&buffer[..length])?;
        left -= length as u64;
    }
    Ok(Some(sum.finish()))
}

#[cfg(test)]
mod tests;
