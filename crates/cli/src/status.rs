//! The exit code of a command that was finished: what its warnings make of it.

use std::sync::Mutex;

use crate::{environment::ExitCodes, log::lock};

/// Warnings so far, by their number with `BORG_EXIT_CODES=modern`.
#[derive(Debug, Default)]
pub(crate) struct Status(Mutex<Warnings>);

#[derive(Debug, Default)]
struct Warnings {
    first: Option<u8>,
    differ: bool,
}

impl Status {
    /// Remembers a warning of the class with this number.
    pub(crate) fn warn(&self, code: u8) {
        let mut warnings = lock(&self.0);
        match warnings.first {
            None => warnings.first = Some(code),
            Some(first) => warnings.differ |= first != code,
        }
    }

    /// 0 without a warning; with `modern` codes the class's number when all warnings were of one class; 1 otherwise.
    pub(crate) fn exit_code(&self, codes: ExitCodes) -> u8 {
        let warnings = lock(&self.0);
        match (warnings.first, codes) {
            (None, _) => 0,
            (Some(code), ExitCodes::Modern) if !warnings.differ => code,
            (Some(_), _) => 1,
        }
    }
}

/// Borg's word for an exit code.
pub(crate) fn classify(code: u8) -> &'static str {
    match code {
        0 => "success",
        1 | 100..=127 => "warning",
        2..=99 => "error",
        128.. => "signal",
    }
}

/// Borg's class of the warning with this number.
pub(crate) fn warning_class(code: u8) -> Option<&'static str> {
    Some(match code {
        100 => "FileChangedWarning",
        101 => "IncludePatternNeverMatchedWarning",
        102 => "BackupError",
        103 => "BackupRaceConditionError",
        104 => "BackupOSError",
        105 => "BackupPermissionError",
        106 => "BackupIOError",
        107 => "BackupFileNotFoundError",
        108 => "BackupSymlinkParentError",
        109 => "BackupPathTraversalError",
        110 => "BackupHardlinkSourceError",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_make_the_exit_code() {
        let status = Status::default();
        assert_eq!(status.exit_code(ExitCodes::Modern), 0);
        status.warn(107);
        status.warn(107);
        assert_eq!(status.exit_code(ExitCodes::Modern), 107);
        assert_eq!(status.exit_code(ExitCodes::Legacy), 1);
        status.warn(100);
        assert_eq!(status.exit_code(ExitCodes::Modern), 1);
        assert_eq!(
            [0, 1, 2, 52, 101, 130].map(classify),
            ["success", "warning", "error", "error", "warning", "signal"]
        );
    }
}
