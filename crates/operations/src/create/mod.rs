//! `create`: walk → unchanged? → read → chunk → id → seen? → compress → encrypt → store.

pub use options::{
    AttributeOptions, Created, FilesCacheMode, FilesCacheModeError, FilesChanged, Options, Outcome, Sources,
    Statistics, StdinFile,
};

use crate::{Error, Interrupt, Monitor, Session, patterns::PatternMatcher};

mod options;

/// Makes an archive. Trouble with single files goes to `monitor` as warnings; an interrupt leaves a checkpoint.
pub fn create(
    session: &mut Session,
    options: &Options,
    matcher: &mut PatternMatcher,
    monitor: &dyn Monitor,
    interrupt: &Interrupt,
) -> Result<Outcome, Error> {
    let _ = (session, options, matcher, monitor, interrupt);
    todo!()
}
