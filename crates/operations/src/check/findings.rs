//! Where findings go, and whether there were any.

use std::cell::Cell;

use nanoprobe_repository::CheckMode;

use crate::{Event, Monitor};

/// Reports to the monitor and remembers defects.
pub(super) struct Findings<'a> {
    pub(super) monitor: &'a dyn Monitor,
    pub(super) mode: CheckMode,
    any: Cell<bool>,
}

impl<'a> Findings<'a> {
    pub(super) fn new(monitor: &'a dyn Monitor, mode: CheckMode) -> Self {
        Self { monitor, mode, any: Cell::new(false) }
    }

    /// A defect: the check fails.
    pub(super) fn defect(&self, text: &str) {
        self.any.set(true);
        self.monitor.event(Event::Defect(text));
    }

    /// Something that does not fail the check.
    pub(super) fn remark(&self, text: &str) {
        self.monitor.event(Event::Remark(text));
    }

    /// Worth knowing.
    pub(super) fn information(&self, text: &str) {
        self.monitor.event(Event::Information(text));
    }

    /// What a repair would do, or what this one does.
    pub(super) fn remedy(&self, would: &'static str, does: &'static str) -> &'static str {
        match self.mode {
            CheckMode::Examine => would,
            CheckMode::Repair => does,
        }
    }

    /// The check fails, for what was said already.
    pub(super) fn fail(&self) {
        self.any.set(true);
    }

    pub(super) fn any(&self) -> bool {
        self.any.get()
    }
}

/// For who reads again what was told already.
pub(super) struct Silence;

impl Monitor for Silence {
    fn event(&self, _: Event<'_>) {}
}
