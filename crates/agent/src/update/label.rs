//! The label of a root: the last sector of its partition, which a disk writes whole or not at all.
//!
//! ```text
//! nanoprobe-root 1\n
//! serial 7\nversion 0.1.0\nmade 1767225600\nbytes 9437184\nsum SHA-256\ntries 2\n    (or: kept)
//! ```
//! and zeros. `image/initramfs.sh` reads it with a shell and counts down its tries; `image/disk.sh` writes the first one.

use std::{
    fmt::{self, Display},
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
};

/// A root that can be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Of two roots, the one with the higher number is newer.
    pub serial: u64,
    /// Of the system, for people.
    pub version: String,
    /// When it was made, in seconds since 1970: what is older is not taken unasked.
    pub made: i64,
    /// How much of the partition it takes.
    pub bytes: u64,
    /// SHA-256 of these bytes.
    pub sum: [u8; 32],
    /// Whether it has proved itself.
    pub standing: Standing,
}

/// What is known of a root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It came up.
    Kept,
    /// It has not come up yet, and may be tried so often.
    TriesLeft(u8),
}

pub(super) const SECTOR_BYTES: u64 = 512;
const FIRST: &str = "nanoprobe-root 1";

impl Label {
    /// `None` where there is none, or one that makes no sense.
    pub(super) fn read(partition: &mut File) -> io::Result<Option<Self>> {
        let mut sector = [0; SECTOR_BYTES as usize];
        partition.seek(SeekFrom::End(-(SECTOR_BYTES as i64)))?;
        partition.read_exact(&mut sector)?;
        let text = sector.split(|&byte| byte == 0).next().unwrap_or_default();
        Ok(str::from_utf8(text).ok().and_then(Self::of_text))
    }

    /// Durably.
    pub(super) fn write(&self, partition: &mut File) -> io::Result<()> {
        let text = self.to_string();
        let mut sector = [0; SECTOR_BYTES as usize];
        // A version is short (`head.rs`), so that it always fits.
        let place = sector.get_mut(..text.len()).ok_or(io::ErrorKind::InvalidInput)?;
        place.copy_from_slice(text.as_bytes());
        write_sector(partition, &sector)
    }

    fn of_text(text: &str) -> Option<Self> {
        let mut lines = text.strip_prefix(FIRST)?.strip_prefix('\n')?.lines();
        let mut value = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let label = Self {
            serial: value("serial")?.parse().ok()?,
            version: value("version")?.to_owned(),
            made: value("made")?.parse().ok()?,
            bytes: value("bytes")?.parse().ok()?,
            sum: sum_of_hex(value("sum")?)?,
            standing: Standing::Kept,
        };
        let standing = match lines.next()? {
            "kept" => Standing::Kept,
            line => Standing::TriesLeft(line.strip_prefix("tries ")?.parse().ok()?),
        };
        Some(Self { standing, ..label })
    }
}

impl Display for Label {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { serial, version, made, bytes, .. } = self;
        writeln!(formatter, "{FIRST}\nserial {serial}\nversion {version}\nmade {made}\nbytes {bytes}")?;
        formatter.write_str("sum ")?;
        self.sum.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))?;
        match self.standing {
            Standing::Kept => formatter.write_str("\nkept\n"),
            Standing::TriesLeft(tries) => writeln!(formatter, "\ntries {tries}"),
        }
    }
}

/// From here on there is no root in this partition.
pub(super) fn remove(partition: &mut File) -> io::Result<()> {
    write_sector(partition, &[0; SECTOR_BYTES as usize])
}

fn write_sector(partition: &mut File, sector: &[u8; SECTOR_BYTES as usize]) -> io::Result<()> {
    partition.seek(SeekFrom::End(-(SECTOR_BYTES as i64)))?;
    partition.write_all(sector)?;
    partition.sync_all()
}

pub(super) fn sum_of_hex(text: &str) -> Option<[u8; 32]> {
    let mut sum = [0; 32];
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, digits) in sum.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(sum)
}
