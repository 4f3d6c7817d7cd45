//! What the interoperation tests share: both programs in one isolated world, trees with every kind of attribute, and
//! a scanner over everything that was ever stored.
//!
//! The real Borg is found through `NANOPROBE_BORG`, else as `.venv/bin/borg` in the workspace root; ours through
//! `NANOPROBE`, else as `release/nanoprobe` in the target directory. `tests/ci.sh interop` prepares both.

mod browser;
mod compare;
mod counters;
pub mod far;
mod programs;
mod remote;
mod sshd;
mod tree;
mod warm;
mod world;

pub use browser::{Browser, Scripts};
pub use compare::{Entry, assert_same, assert_same_tree, read_tree, without};
pub use counters::{History, Range, overlaps, ranges};
pub use programs::{Outcome, Program};
pub use remote::Remote;
pub use sshd::{Sshd, children, wait_until};
pub use tree::{Content, grow_tree, noise};
pub use warm::WarmBorg;
pub use world::{MODES, World};
