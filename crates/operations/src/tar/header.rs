//! The header of a member, one block.
//!
//! ```text
//! 0 name 100 | mode 8 | uid 8 | gid 8 | size 12 | mtime 12 | checksum 8 | kind 1 | link 100 | magic 8 |
//! 265 user 32 | group 32 | device 8 + 8 | 345 prefix 155 | 12
//! ```
//!
//! Numbers are octal digits and a zero; where they do not suffice, GNU's form: 0x80 or 0xff, then big endian.

use std::ops::Range;

use super::{
    BLOCK_BYTES,
    read::Member,
    sparse::{self, Piece},
};

pub(super) const NAME: Range<usize> = 0..100;
pub(super) const MODE: Range<usize> = NAME.end..NAME.end + 8;
pub(super) const UID: Range<usize> = MODE.end..MODE.end + 8;
pub(super) const GID: Range<usize> = UID.end..UID.end + 8;
pub(super) const SIZE: Range<usize> = GID.end..GID.end + 12;
pub(super) const MTIME: Range<usize> = SIZE.end..SIZE.end + 12;
pub(super) const CHECKSUM: Range<usize> = MTIME.end..MTIME.end + 8;
pub(super) const KIND: usize = CHECKSUM.end;
pub(super) const LINK: Range<usize> = KIND + 1..KIND + 101;
pub(super) const MAGIC: Range<usize> = LINK.end..LINK.end + 8;
pub(super) const USER: Range<usize> = MAGIC.end..MAGIC.end + 32;
pub(super) const GROUP: Range<usize> = USER.end..USER.end + 32;
pub(super) const MAJOR: Range<usize> = GROUP.end..GROUP.end + 8;
pub(super) const MINOR: Range<usize> = MAJOR.end..MAJOR.end + 8;
const PREFIX: Range<usize> = MINOR.end..MINOR.end + 155;
/// GNU's old sparse files: four entries of 24 bytes, whether more follow, the size with holes.
const PIECES: Range<usize> = 386..482;
const IS_EXTENDED: usize = PIECES.end;
const REAL_SIZE: Range<usize> = IS_EXTENDED + 1..IS_EXTENDED + 13;

/// What a member is.
pub(crate) mod kind {
    pub(crate) const OLD_REGULAR: u8 = 0;
    pub(crate) const REGULAR: u8 = b'0';
    pub(crate) const HARD_LINK: u8 = b'1';
    pub(crate) const SYMBOLIC_LINK: u8 = b'2';
    pub(crate) const CHARACTER_DEVICE: u8 = b'3';
    pub(crate) const BLOCK_DEVICE: u8 = b'4';
    pub(crate) const DIRECTORY: u8 = b'5';
    pub(crate) const FIFO: u8 = b'6';
    pub(crate) const CONTIGUOUS: u8 = b'7';
    pub(crate) const SPARSE: u8 = b'S';
    pub(crate) const PAX: u8 = b'x';
    pub(crate) const SOLARIS_PAX: u8 = b'X';
    pub(crate) const GLOBAL_PAX: u8 = b'g';
    pub(crate) const LONG_NAME: u8 = b'L';
    pub(crate) const LONG_LINK: u8 = b'K';
    /// No data stands behind their headers.
    pub(crate) const WITHOUT_CONTENT: [u8; 6] =
        [HARD_LINK, SYMBOLIC_LINK, CHARACTER_DEVICE, BLOCK_DEVICE, DIRECTORY, FIFO];
}

/// Says which format it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Magic {
    Gnu,
}

/// A member as its header tells it; what is longer than its field is cut.
#[derive(Clone, Debug)]
pub(super) struct Header<'a> {
    pub(super) name: &'a [u8],
    pub(super) mode: u32,
    pub(super) uid: i64,
    pub(super) gid: i64,
    pub(super) size: u64,
    pub(super) mtime: i64,
    pub(super) kind: u8,
    pub(super) link: &'a [u8],
    pub(super) magic: Magic,
    pub(super) user: &'a [u8],
    pub(super) group: &'a [u8],
    /// Major and minor number of a device.
    pub(super) device: Option<(u32, u32)>,
}

impl Header<'_> {
    /// The block.
    pub(super) fn block(&self) -> [u8; BLOCK_BYTES] {
        let mut block = [0; BLOCK_BYTES];
        put_text(&mut block[NAME], self.name);
        put_number(&mut block[MODE], i128::from(self.mode & 0o7777));
        put_number(&mut block[UID], self.uid.into());
        put_number(&mut block[GID], self.gid.into());
        put_number(&mut block[SIZE], self.size.into());
        put_number(&mut block[MTIME], self.mtime.into());
        block[KIND] = self.kind;
        put_text(&mut block[LINK], self.link);
        block[MAGIC].copy_from_slice(match self.magic {
            Magic::Gnu => b"ustar  \0",
        });
        put_text(&mut block[USER], self.user);
        put_text(&mut block[GROUP], self.group);
        if let Some((major, minor)) = self.device {
            put_number(&mut block[MAJOR], major.into());
            put_number(&mut block[MINOR], minor.into());
        }
        block[CHECKSUM].fill(b' ');
        let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
        block[CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        block
    }
}

/// A header that was read.
#[derive(Debug)]
pub(super) struct Fields {
    member: Member,
    pub(super) kind: u8,
    /// Of what is stored.
    pub(super) size: u64,
    /// Of a sparse file, with its holes.
    pub(super) real_size: u64,
    pub(super) pieces: Vec<Piece>,
    pub(super) is_extended: bool,
}

impl Fields {
    /// Takes a block apart; what is wrong where it is no header.
    pub(super) fn parse(block: &[u8; BLOCK_BYTES]) -> Result<Self, &'static str> {
        let number = |field: Range<usize>| read_number(&block[field]).ok_or("invalid header");
        let size =
            |field: Range<usize>| number(field).and_then(|size| u64::try_from(size).map_err(|_| "invalid header"));
        let checksum = number(CHECKSUM)?;
        let (unsigned, signed) = checksums(block);
        if checksum != unsigned && checksum != signed {
            return Err("bad checksum");
        }
        let id = |field| number(field).map(|id| i64::try_from(id).unwrap_or(0));
        let device = |field| number(field).map(|device| u32::try_from(device).unwrap_or(0));
        let mut member = Member {
            name: text(&block[NAME]),
            mode: (number(MODE)? & 0o7777) as u32,
            uid: id(UID)?,
            gid: id(GID)?,
            mtime: number(MTIME)?.saturating_mul(1_000_000_000),
            kind: block[KIND],
            link: text(&block[LINK]),
            user: text(&block[USER]),
            group: text(&block[GROUP]),
            device: (device(MAJOR)?, device(MINOR)?),
            ..Member::default()
        };
        if member.kind == kind::OLD_REGULAR && member.name.ends_with(b"/") {
            member.kind = kind::DIRECTORY;
        }
        let kind = member.kind;
        let (mut pieces, mut real_size, mut is_extended) = (Vec::new(), 0, false);
        if kind == kind::SPARSE {
            sparse::entries(&block[PIECES], &mut pieces).map_err(|_| "invalid header")?;
            (real_size, is_extended) = (size(REAL_SIZE)?, block[IS_EXTENDED] != 0);
        }
        let prefix = text(&block[PREFIX]);
        if !prefix.is_empty() && ![kind::LONG_NAME, kind::LONG_LINK, kind::SPARSE].contains(&kind) {
            member.name = [&prefix, &b"/"[..], &member.name].concat();
        }
        Ok(Self { member, kind, size: size(SIZE)?, real_size, pieces, is_extended })
    }

    pub(super) fn into_member(self) -> Member {
        Member { size: self.size, ..self.member }
    }
}

/// The sum of a header's bytes, with spaces for the checksum; some programs took them for signed numbers.
fn checksums(block: &[u8; BLOCK_BYTES]) -> (i128, i128) {
    let others = block.iter().enumerate().filter(|(place, _)| !CHECKSUM.contains(place)).map(|(_, &byte)| byte);
    let spaces = CHECKSUM.len() as i128 * i128::from(b' ');
    others.fold((spaces, spaces), |(unsigned, signed), byte| {
        (unsigned + i128::from(byte), signed + i128::from(byte as i8))
    })
}

fn text(field: &[u8]) -> Vec<u8> {
    field.split(|&byte| byte == 0).next().unwrap_or_default().to_vec()
}

/// A number in either form.
pub(super) fn read_number(field: &[u8]) -> Option<i128> {
    let (&first, rest) = field.split_first()?;
    if first == 0x80 || first == 0xff {
        let fill: i128 = if first == 0xff { -1 } else { 0 };
        return Some(rest.iter().fold(fill, |number, &byte| number << 8 | i128::from(byte)));
    }
    let digits = text(field);
    let digits = digits.trim_ascii();
    if digits.is_empty() {
        return Some(0);
    }
    i128::from_str_radix(str::from_utf8(digits).ok()?, 8).ok()
}

fn put_text(field: &mut [u8], text: &[u8]) {
    let length = text.len().min(field.len());
    field[..length].copy_from_slice(&text[..length]);
}

fn put_number(field: &mut [u8], number: i128) {
    let digits = field.len() - 1;
    if (0..1 << (3 * digits)).contains(&number) {
        let text = format!("{number:0digits$o}");
        return field[..digits].copy_from_slice(text.as_bytes());
    }
    let bytes = number.to_be_bytes();
    field.copy_from_slice(&bytes[bytes.len() - field.len()..]);
    field[0] = if number < 0 { 0xff } else { 0x80 };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_beyond_octal() {
        let mut field = [0; 8];
        put_number(&mut field, 0o7_777_777);
        assert_eq!(&field, b"7777777\0");
        put_number(&mut field, 0o10_000_000);
        assert_eq!(field, [0x80, 0, 0, 0, 0, 0x20, 0, 0]);
        put_number(&mut field, -2);
        assert_eq!(field, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe]);
    }

    #[test]
    fn offsets_are_those_of_the_format() {
        assert_eq!((CHECKSUM, KIND, LINK, MAGIC), (148..156, 156, 157..257, 257..265));
        assert_eq!((USER, GROUP, MAJOR, MINOR), (265..297, 297..329, 329..337, 337..345));
    }
}
