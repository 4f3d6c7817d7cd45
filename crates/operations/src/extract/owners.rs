//! Names of users and groups as numbers of this machine.
//!
//! Archives hold few different owners: what was looked up is remembered, up to a fixed number of names.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

/// Most names that are remembered of each kind.
const REMEMBERED: usize = 64;

/// Looks up owners.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    users: Vec<(Vec<u8>, Option<u32>)>,
    groups: Vec<(Vec<u8>, Option<u32>)>,
}

impl Owners {
    /// The user's number, if this machine knows the name.
    pub(crate) fn user(&mut self, name: &[u8]) -> Option<u32> {
        number(&mut self.users, name, |name| uzers::get_user_by_name(name).map(|user| user.uid()))
    }

    /// The group's number, if this machine knows the name.
    pub(crate) fn group(&mut self, name: &[u8]) -> Option<u32> {
        number(&mut self.groups, name, |name| uzers::get_group_by_name(name).map(|group| group.gid()))
    }
}

fn number(
    known: &mut Vec<(Vec<u8>, Option<u32>)>,
    name: &[u8],
    look_up: impl FnOnce(&OsStr) -> Option<u32>,
) -> Option<u32> {
    if let Some((_, number)) = known.iter().find(|(known, _)| known == name) {
        return *number;
    }
    let number = if name.contains(&0) { None } else { look_up(OsStr::from_bytes(name)) };
    known.truncate(REMEMBERED - 1);
    known.push((name.to_owned(), number));
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_names_up_and_remembers_few() {
        let mut owners = Owners::default();
        assert_eq!(owners.user(b"root"), Some(0));
        assert_eq!(owners.group(b"root"), Some(0));
        assert_eq!(owners.user(b"root\0"), None);
        for number in 0..200 {
            assert_eq!(owners.user(format!("nobody{number}").as_bytes()), None);
        }
        assert!(owners.users.len() <= REMEMBERED);
    }
}
