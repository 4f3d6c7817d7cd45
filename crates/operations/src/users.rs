//! Names of users and groups, asked for once each.

use std::{collections::HashMap, os::unix::ffi::OsStrExt, sync::Arc};

/// Remembers what the system said. Memory: one entry for each user and group met.
#[derive(Default)]
pub(crate) struct Names {
    users: HashMap<u32, Option<Arc<[u8]>>>,
    groups: HashMap<u32, Option<Arc<[u8]>>>,
}

impl Names {
    /// Name of a user, `None` when there is no such user.
    pub(crate) fn user(&mut self, uid: u32) -> Option<Arc<[u8]>> {
        let ask = |uid| uzers::get_user_by_uid(uid).map(|user| user.name().as_bytes().into());
        self.users.entry(uid).or_insert_with_key(|&uid| ask(uid)).clone()
    }

    /// Name of a group, `None` when there is no such group.
    pub(crate) fn group(&mut self, gid: u32) -> Option<Arc<[u8]>> {
        let ask = |gid| uzers::get_group_by_gid(gid).map(|group| group.name().as_bytes().into());
        self.groups.entry(gid).or_insert_with_key(|&gid| ask(gid)).clone()
    }
}
