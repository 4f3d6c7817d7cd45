//! Where findings go, and whether there were any.

use std::cell::Cell;

use crate::{Event, Monitor};

/// Reports to the monitor and remembers defects.
pub(super) struct Findings<'a> {
    pub(super) monitor: &'a dyn Monitor,
    any: Cell<bool>,
}

impl<'a> Findings<'a> {
    pub(super) fn new(monitor: &'a dyn Monitor) -> Self {
        Self { monitor, any: Cell::new(false) }
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

    /// The check fails, for what was said already.
    pub(super) fn fail(&self) {
        self.any.set(true);
    }

    pub(super) fn any(&self) -> bool {
        self.any.get()
    }
}
