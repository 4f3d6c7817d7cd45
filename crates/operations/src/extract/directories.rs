//! Directories whose attributes wait until their contents are there.
//!
//! Items come in the order of a walk, so a stack is enough; it is as deep as the tree, and paths are bounded.

use nanoprobe_format::item::Item;

use crate::packed::append_item;

/// The open directories, outermost first.
#[derive(Debug, Default)]
pub(super) struct Directories {
    stack: Vec<Entered>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Entered {
    /// As in the destination.
    pub(super) path: Vec<u8>,
    /// The item.
    pub(super) packed: Vec<u8>,
}

impl Directories {
    /// Puts a directory on the stack.
    pub(super) fn enter(&mut self, path: &[u8], item: &Item<'_>) {
        let mut packed = Vec::new();
        append_item(item, &mut packed);
        self.stack.push(Entered { path: path.to_owned(), packed });
    }

    /// Takes the innermost directory off if `path` is not below it.
    pub(super) fn leave_for(&mut self, path: &[u8]) -> Option<Entered> {
        self.stack.pop_if(|innermost| !holds(&innermost.path, path))
    }

    /// Takes the innermost directory off.
    pub(super) fn leave(&mut self) -> Option<Entered> {
        self.stack.pop()
    }
}

/// Never true for equal paths, so that the stack cannot outgrow the longest path.
fn holds(directory: &[u8], path: &[u8]) -> bool {
    let below = |rest: &[u8]| !rest.is_empty() && (directory.ends_with(b"/") || rest.starts_with(b"/"));
    if directory == b"." { path != b"." } else { path.strip_prefix(directory).is_some_and(below) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_what_does_not_hold_the_path() {
        let mut directories = Directories::default();
        for path in [&b"."[..], b"a", b"a/b"] {
            directories.enter(path, &Item { path, ..Item::default() });
        }
        assert!(directories.leave_for(b"a/b/c").is_none());
        assert_eq!(directories.leave_for(b"a/bc").map(|entered| entered.path), Some(b"a/b".to_vec()));
        assert!(directories.leave_for(b"a/bc").is_none());
        assert_eq!(directories.leave_for(b"ab").map(|entered| entered.path), Some(b"a".to_vec()));
        assert!(directories.leave_for(b"ab").is_none());
        assert_eq!(directories.leave().map(|entered| entered.path), Some(b".".to_vec()));
    }
}
