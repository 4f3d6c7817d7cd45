//! Runs one of the two programs and keeps what it said.

use std::{
    env, fmt,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Program {
    /// The real one.
    Borg,
    /// Ours.
    Nanoprobe,
    /// The real one of the generation before, 1.2.
    Borg12,
}

impl Program {
    /// The two that are meant to be equal.
    pub const BOTH: [Self; 2] = [Self::Borg, Self::Nanoprobe];

    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::Borg => Self::Nanoprobe,
            Self::Nanoprobe | Self::Borg12 => Self::Borg,
        }
    }

    /// Where it is; panics with advice where it is not.
    pub fn path(self) -> PathBuf {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        let (variable, place) = match self {
            Self::Borg => ("NANOPROBE_BORG", root.join(".venv/bin/borg")),
            Self::Nanoprobe => ("NANOPROBE", target.join("release/nanoprobe")),
            Self::Borg12 => ("NANOPROBE_BORG12", root.join(".venv12/bin/borg")),
        };
        let path = env::var_os(variable).map_or(place, PathBuf::from);
        assert!(path.exists(), "there is no {}: run tests/ci.sh interop, or set {variable}", path.display());
        path
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Borg => "borg",
            Self::Nanoprobe => "nanoprobe",
            Self::Borg12 => "borg 1.2",
        })
    }
}

/// How one run ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The command, for messages.
    pub command: String,
    /// Exit code; 128 + number after a signal.
    pub code: i32,
    /// Standard output.
    pub output: Vec<u8>,
    /// Standard error.
    pub messages: String,
}

impl Outcome {
    /// Runs `command` to its end.
    pub fn of(mut command: Command) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let shown = format!("{command:?}");
        let done = command.output().unwrap_or_else(|error| panic!("{shown}: {error}"));
        Self {
            command: shown,
            code: done.status.code().unwrap_or_else(|| 128 + done.status.signal().unwrap_or(0)),
            output: done.stdout,
            messages: String::from_utf8_lossy(&done.stderr).into_owned(),
        }
    }

    /// Panics, with everything it said, unless it ended with `code`.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n{}\n--- stdout\n{}\n--- stderr\n{}", self.command, self.text(), self.messages);
        self
    }

    /// Panics unless it ended with 0.
    #[track_caller]
    pub fn success(self) -> Self {
        self.expect(0)
    }

    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }

    /// Standard output as a JSON document.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.output)
            .unwrap_or_else(|error| panic!("{error}\n{}\n{}\n{}", self.command, self.text(), self.messages))
    }

    /// Standard output as JSON lines.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<Value> {
        let lines = self.output.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines
            .map(|line| serde_json::from_slice(line).unwrap_or_else(|error| panic!("{error}: {}", self.text())))
            .collect()
    }
}
