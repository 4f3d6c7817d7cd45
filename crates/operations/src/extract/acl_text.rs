//! POSIX ACLs from Borg's text back to the kernel's bytes.
//!
//! Text: one `type:name:permissions[:number]` a line, the number being Borg's addition. Bytes, as the extended attributes
//! `system.posix_acl_access` and `system.posix_acl_default` hold them, all little endian:
//!
//! ```text
//! version u32 = 2 | { tag u16 | permissions u16 | user or group u32 }, sorted by tag and number
//! ```

use super::owners::Owners;

const VERSION: u32 = 2;
const NOBODY: u32 = u32::MAX;

/// Whose numbers named entries get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// Those of this machine where it knows the name, else the stored ones.
    Local,
    /// The stored ones (`--numeric-ids`).
    Stored,
}

/// `None` when the text is no ACL.
pub(crate) fn from_text(text: &[u8], naming: Naming, owners: &mut Owners) -> Option<Vec<u8>> {
    let mut entries = Vec::new();
    for line in text.split(|&byte| matches!(byte, b'\n' | b',')) {
        let line = line.split(|&byte| byte == b'#').next().unwrap_or_default().trim_ascii();
        if !line.is_empty() {
            entries.push(entry(line, naming, owners)?);
        }
    }
    entries.sort_unstable_by_key(|&(tag, _, number)| (tag, number));
    let mut bytes = Vec::with_capacity(4 + entries.len() * 8);
    bytes.extend(VERSION.to_le_bytes());
    for (tag, permissions, number) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(permissions.to_le_bytes());
        bytes.extend(number.to_le_bytes());
    }
    Some(bytes)
}

fn entry(line: &[u8], naming: Naming, owners: &mut Owners) -> Option<(u16, u16, u32)> {
    let mut fields = line.split(|&byte| byte == b':').map(<[u8]>::trim_ascii);
    let (kind, name, permissions) = (fields.next()?, fields.next()?, fields.next()?);
    let stored = fields.next().and_then(number).or_else(|| number(name));
    let local = |found: Option<u32>| if naming == Naming::Local { found } else { None };
    let (tag, number) = match (kind, name.is_empty()) {
        (b"user" | b"u", true) => (0x01, NOBODY),
        (b"user" | b"u", false) => (0x02, local(owners.user(name)).or(stored)?),
        (b"group" | b"g", true) => (0x04, NOBODY),
        (b"group" | b"g", false) => (0x08, local(owners.group(name)).or(stored)?),
        (b"mask" | b"m", true) => (0x10, NOBODY),
        (b"other" | b"o", true) => (0x20, NOBODY),
        _ => return None,
    };
    let permissions = permissions.iter().try_fold(0, |bits, letter| match letter {
        b'r' => Some(bits | 4),
        b'w' => Some(bits | 2),
        b'x' => Some(bits | 1),
        b'-' => Some(bits),
        _ => None,
    })?;
    Some((tag, permissions, number))
}

fn number(text: &[u8]) -> Option<u32> {
    str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_as_the_kernel_has_them() {
        let text = b"user::rw-\nuser:root:rw-:9999\nuser:no such:r-x:4711\ngroup::r--\nmask::rw-\nother::---\n";
        let entries = |bytes: Vec<u8>| {
            assert_eq!(bytes[..4], [2, 0, 0, 0]);
            bytes[4..]
                .chunks(8)
                .map(|entry| (entry[0], entry[2], u32::from_le_bytes([entry[4], entry[5], entry[6], entry[7]])))
                .collect::<Vec<_>>()
        };
        let mut owners = Owners::default();
        let local = entries(from_text(text, Naming::Local, &mut owners).expect("an ACL"));
        let nobody = u32::MAX;
        assert_eq!(
            local,
            [(1, 6, nobody), (2, 6, 0), (2, 5, 4711), (4, 4, nobody), (0x10, 6, nobody), (0x20, 0, nobody)]
        );
        let stored = entries(from_text(text, Naming::Stored, &mut owners).expect("an ACL"));
        assert_eq!(stored[1..3], [(2, 5, 4711), (2, 6, 9999)]);
    }

    #[test]
    fn refuses_what_is_no_acl() {
        for text in [&b"user"[..], b"user::rwz", b"elf::rwx", b"user:no such:rwx", b"mask:x:rwx:1"] {
            assert!(from_text(text, Naming::Stored, &mut Owners::default()).is_none(), "{text:?}");
        }
    }
}
