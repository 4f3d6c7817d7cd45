//! What the commands do. The only crate that touches user files; it cannot tell local from remote.

mod acl;
mod budget;
pub mod check;
pub mod compact;
pub mod compare;
pub mod create;
pub mod delete;
pub mod diff;
mod error;
pub mod extract;
pub mod info;
mod mark;
mod metadata_stream;
mod monitor;
mod packed;
pub mod patterns;
pub mod prune;
mod python_text;
pub mod recreate;
pub mod rename;
pub mod select;
mod session;
mod slots;
mod sorted_pass;
mod sorted_records;
pub mod tar;
pub mod unique;
pub mod upgrade;
mod users;

pub use budget::{Budget, BudgetTooSmall, CreatePlan, ExtractPlan, RecreatePlan, RemotePlan};
pub use error::Error;
pub use monitor::{Event, Interrupt, Monitor};
pub use session::{Demanded, Places, Prompts, Session};
