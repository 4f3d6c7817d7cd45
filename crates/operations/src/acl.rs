//! POSIX ACLs: the kernel's binary form in `system.posix_acl_*` and the text that Borg's items carry.
//!
//! ```text
//! binary   version u32 = 2 | entries: tag u16, permissions u16, id u32      little endian
//! text     user::rwx | user:NAME:rwx:UID | group::r-x | group:NAME:r-x:GID | mask::rwx | other::r-x    one a line
//! ```
//! A name that the system does not know stands as its number; with `--numeric-ids` every name does.

use std::fmt::Write;

use crate::users::Names;

/// Extended attribute of the access ACL.
pub(crate) const ACCESS: &std::ffi::CStr = c"system.posix_acl_access";

/// Extended attribute of a directory's default ACL.
pub(crate) const DEFAULT: &std::ffi::CStr = c"system.posix_acl_default";

const VERSION: u32 = 2;
const USER_OWNER: u16 = 0x01;
const USER: u16 = 0x02;
const GROUP_OWNER: u16 = 0x04;
const GROUP: u16 = 0x08;
const MASK: u16 = 0x10;
const OTHER: u16 = 0x20;

/// Whether user and group names go into the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ids {
    /// Names where the system knows them, and the numbers.
    Named,
    /// Numbers only.
    Numeric,
}

/// More than owner, group and others: only then the permission bits do not say all.
pub(crate) fn is_extended(binary: &[u8]) -> bool {
    binary.len() > 4 + 3 * 8
}

/// The text form. `None` when the bytes are not an ACL.
pub(crate) fn to_text(binary: &[u8], ids: Ids, names: &mut Names) -> Option<String> {
    let (version, entries) = binary.split_first_chunk::<4>()?;
    if u32::from_le_bytes(*version) != VERSION || entries.len() % 8 != 0 {
        return None;
    }
    let mut text = String::new();
    for entry in entries.chunks_exact(8) {
        let tag = u16::from_le_bytes([entry[0], entry[1]]);
        let permissions = permissions_text(entry[2]);
        let id = u32::from_le_bytes([entry[4], entry[5], entry[6], entry[7]]);
        if !text.is_empty() {
            text.push('\n');
        }
        let (kind, name) = match tag {
            USER_OWNER => ("user", None),
            GROUP_OWNER => ("group", None),
            MASK => ("mask", None),
            OTHER => ("other", None),
            USER => ("user", Some(names.user(id))),
            GROUP => ("group", Some(names.group(id))),
            _ => return None,
        };
        let _ = match name {
            None => write!(text, "{kind}::{permissions}"),
            Some(Some(name)) if ids == Ids::Named => {
                write!(text, "{kind}:{}:{permissions}:{id}", String::from_utf8_lossy(&name))
            }
            Some(_) => write!(text, "{kind}:{id}:{permissions}:{id}"),
        };
    }
    Some(text)
}

/// The text of the ACL that permission bits alone amount to.
pub(crate) fn text_from_mode(mode: u32) -> String {
    let [user, group, other] = [6, 3, 0].map(|shift| permissions_text((mode >> shift) as u8 & 7));
    format!("user::{user}\ngroup::{group}\nother::{other}")
}

fn permissions_text(bits: u8) -> &'static str {
    ["---", "--x", "-w-", "-wx", "r--", "r-x", "rw-", "rwx"][usize::from(bits & 7)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_borgs() {
        let mut binary = VERSION.to_le_bytes().to_vec();
        for (tag, permissions, id) in [
            (USER_OWNER, 6, !0),
            (USER, 7, 0),
            (USER, 5, 3_999_999),
            (GROUP_OWNER, 4, !0),
            (MASK, 7, !0),
            (OTHER, 0, !0u32),
        ] {
            binary.extend_from_slice(&tag.to_le_bytes());
            binary.extend_from_slice(&u16::to_le_bytes(permissions));
            binary.extend_from_slice(&id.to_le_bytes());
        }
        assert!(is_extended(&binary));
        let named = to_text(&binary, Ids::Named, &mut Names::default()).unwrap();
        assert_eq!(named, "user::rw-\nuser:root:rwx:0\nuser:3999999:r-x:3999999\ngroup::r--\nmask::rwx\nother::---");
        let numeric = to_text(&binary, Ids::Numeric, &mut Names::default()).unwrap();
        assert_eq!(numeric, named.replace("root", "0"));
        assert_eq!(text_from_mode(0o100750), "user::rwx\ngroup::r-x\nother::---");
        assert_eq!(to_text(&binary[..9], Ids::Named, &mut Names::default()), None);
    }
}
