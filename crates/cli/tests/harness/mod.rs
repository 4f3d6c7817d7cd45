//! Runs the program as a front end does: by the name `borg`, in a directory and with variables of its own.

use std::{
    ffi::OsStr,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

/// A directory with repositories and with Borg's directories below it.
pub(crate) struct Place {
    directory: tempfile::TempDir,
}

/// What a run left.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("input")).unwrap();
        std::fs::write(directory.path().join("input/file"), "content\n").unwrap();
        Self { directory }
    }

    /// With a repository `r` in mode `repokey`, passphrase `x`, that holds the archive `a` of `input`.
    pub(crate) fn with_archive() -> Self {
        let place = Self::new();
        place.run(&["init", "-e", "repokey", "r"]).expect(0);
        place.run(&["create", "r::a", "input"]).expect(0);
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A path as messages show it.
    #[allow(dead_code)]
    pub(crate) fn shown(&self, name: &str) -> String {
        std::fs::canonicalize(self.directory.path()).unwrap().join(name).display().to_string()
    }

    pub(crate) fn run(&self, words: &[&str]) -> Run {
        self.run_with(words, &[])
    }

    pub(crate) fn run_with(&self, words: &[&str], variables: &[(&str, &str)]) -> Run {
        let mut command = command(self.directory.path());
        command.args(words).envs(variables.iter().copied());
        finish(command)
    }
}

impl Run {
    /// Fails unless the exit code is this.
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    /// Standard error as JSON; fails when a line is not.
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}\n{self:?}"));
        self.stderr.lines().map(parse).collect()
    }
}

/// The program by the name `borg`, without any variable of the caller's.
pub(crate) fn command(directory: &Path) -> Command {
    let directory = std::fs::canonicalize(directory).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_nanoprobe"));
    command.arg0("borg").current_dir(&directory).stdin(Stdio::null()).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("BORG_BASE_DIR", directory.join("base")).env("BORG_PASSPHRASE", "x").env("TZ", "UTC");
    command
}

pub(crate) fn finish(mut command: Command) -> Run {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A program called by another name.
#[allow(dead_code)]
pub(crate) fn named(name: impl AsRef<OsStr>, words: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nanoprobe"));
    command.arg0(name).args(words).stdin(Stdio::null());
    finish(command)
}
