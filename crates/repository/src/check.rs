//! The low-level check.

use crate::local::LocalRepository;
use crate::{CheckOptions, CheckReport, Error, Totals};

impl LocalRepository {
    pub(crate) fn check_segments(
        &self,
        _options: &CheckOptions,
        _report: &mut dyn FnMut(CheckReport<'_>),
    ) -> Result<bool, Error> {
        todo!()
    }

    pub(crate) fn count_totals(&self) -> Result<Totals, Error> {
        todo!()
    }
}
