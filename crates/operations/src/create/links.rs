//! Hard links: which files were seen before under another name.
//!
//! Memory: about 100 bytes and the path for every file some of whose names were not met yet.

use std::collections::HashMap;

use super::status::Status;

/// Files with several names, by device and inode.
#[derive(Default)]
pub(super) struct HardLinks {
    seen: HashMap<(u64, u64), Link>,
}

struct Link {
    path: Box<[u8]>,
    names_left: u64,
}

impl HardLinks {
    /// The stored path of the first name, if this is another name of a file that was stored.
    pub(super) fn first_name(&self, status: &Status) -> Option<&[u8]> {
        self.seen.get(&(status.device, status.inode)).map(|link| &*link.path)
    }

    /// The file was stored: under its first name, or under another. Once all names were met it is forgotten.
    pub(super) fn stored(&mut self, status: &Status, path: &[u8]) {
        let key = (status.device, status.inode);
        let names_left = match self.seen.get_mut(&key) {
            Some(link) => {
                link.names_left -= 1;
                link.names_left
            }
            None => {
                let names_left = status.links - 1;
                self.seen.insert(key, Link { path: path.into(), names_left });
                names_left
            }
        };
        if names_left == 0 {
            self.seen.remove(&key);
        }
    }
}
