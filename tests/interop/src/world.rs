//! A folder in which both programs share one home: keys, security directory, passphrase, zone.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
};

use crate::{Outcome, Program, WarmBorg};

/// Every `--encryption`.
pub const MODES: [&str; 7] =
    ["none", "authenticated", "authenticated-blake2", "repokey", "repokey-blake2", "keyfile", "keyfile-blake2"];

/// A home for both programs and room for repositories and trees; removed at the end.
pub struct World {
    directory: tempfile::TempDir,
    variables: Vec<(String, String)>,
    warm: Option<Arc<Mutex<WarmBorg>>>,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// An empty one.
    pub fn new() -> Self {
        Self::at(tempfile::Builder::new().prefix("interop-").tempdir())
    }

    /// An empty one on a disk of memory where there is one: for many small steps, each of which waits for the disk.
    pub fn in_memory() -> Self {
        let mut builder = tempfile::Builder::new();
        builder.prefix("interop-");
        Self::at(builder.tempdir_in("/dev/shm").or_else(|_| builder.tempdir()))
    }

    fn at(directory: std::io::Result<tempfile::TempDir>) -> Self {
        let directory = directory.expect("a temporary folder");
        let home = directory.path().join("home");
        fs::create_dir(&home).expect("a home");
        Self { directory, variables: Vec::new(), warm: None }
            .with("BORG_BASE_DIR", &home)
            .with("HOME", &home)
            .with("BORG_PASSPHRASE", "interop")
            .with("BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK", "yes")
            .with("BORG_DISPLAY_PASSPHRASE", "no")
            .with("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
            .with("LC_ALL", "C.UTF-8")
    }

    /// A repository `repo` in it, made by `program`.
    pub fn with_repository(program: Program, mode: &str) -> Self {
        let world = Self::new();
        world.run(program, ["init", "-e", mode, &world.repository()]).success();
        world
    }

    /// The same world with one more environment variable.
    pub fn with(mut self, variable: &str, value: impl AsRef<OsStr>) -> Self {
        self.set(variable, value);
        self
    }

    /// The same world, where Borg's commands are run by `warm`.
    pub fn with_warm_borg(mut self, warm: &Arc<Mutex<WarmBorg>>) -> Self {
        self.warm = Some(Arc::clone(warm));
        self
    }

    /// Sets an environment variable for both programs.
    pub fn set(&mut self, variable: &str, value: impl AsRef<OsStr>) {
        let value = value.as_ref().to_str().expect("UTF-8").to_owned();
        self.variables.retain(|(name, _)| name != variable);
        self.variables.push((variable.to_owned(), value));
    }

    /// Keeps everything as it is now, for [`World::put_back`].
    pub fn keep(&self) {
        let _ = fs::remove_dir_all(self.path("kept"));
        copy(&["home", "repo", "tree"].map(|name| self.path(name)), &self.path("kept"));
    }

    /// Makes everything as it was at [`World::keep`].
    pub fn put_back(&self) {
        for entry in fs::read_dir(self.directory.path()).expect("entries").map(|entry| entry.expect("an entry")) {
            if entry.file_name() != "kept" && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                fs::remove_dir_all(entry.path()).expect("what is in the way");
            }
        }
        copy(&["home", "repo", "tree"].map(|name| self.path("kept").join(name)), self.directory.path());
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The path of its repository.
    pub fn repository(&self) -> String {
        self.path("repo").to_str().expect("UTF-8").to_owned()
    }

    /// The repository with an archive.
    pub fn archive(&self, name: &str) -> String {
        format!("{}::{name}", self.repository())
    }

    /// The repository's id in hexadecimal digits.
    pub fn repository_id(&self) -> String {
        let config = fs::read_to_string(self.path("repo/config")).expect("a repository configuration");
        let line = config.lines().find(|line| line.starts_with("id = ")).expect("an id");
        line["id = ".len()..].trim().to_owned()
    }

    /// The directory of security data.
    pub fn security(&self) -> PathBuf {
        self.path("home/.config/borg/security").join(self.repository_id())
    }

    /// A command of `program` that knows nothing of the outside but `PATH`, to be run in this folder.
    pub fn command<S: AsRef<OsStr>>(&self, program: Program, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(program.path());
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.args(arguments).current_dir(self.directory.path()).stdin(std::process::Stdio::null());
        command
    }

    /// The same, started by another program: `wrapper` and its arguments.
    pub fn command_under<W: AsRef<OsStr>, S: AsRef<OsStr>>(
        &self,
        wrapper: &[W],
        program: Program,
        arguments: impl IntoIterator<Item = S>,
    ) -> Command {
        let inner = self.command(program, arguments);
        let Some((first, rest)) = wrapper.split_first() else { return inner };
        let mut command = Command::new(first);
        command.args(rest).arg(inner.get_program()).args(inner.get_args());
        command.env_clear().envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(self.directory.path()).stdin(std::process::Stdio::null());
        command
    }

    /// Runs `program` in this folder.
    pub fn run<S: AsRef<OsStr>>(&self, program: Program, arguments: impl IntoIterator<Item = S>) -> Outcome {
        self.run_in(self.directory.path(), program, arguments)
    }

    /// Runs `program` in `folder`.
    pub fn run_in<S: AsRef<OsStr>>(
        &self,
        folder: &Path,
        program: Program,
        arguments: impl IntoIterator<Item = S>,
    ) -> Outcome {
        let mut command = self.command(program, arguments);
        command.current_dir(folder);
        match &self.warm {
            Some(warm) if program == Program::Borg => warm.lock().expect("a sound borg").run(&command),
            _ => Outcome::of(command),
        }
    }

    /// Archives `tree` (a name in this folder) as `archive`.
    #[track_caller]
    pub fn create(&self, program: Program, archive: &str, tree: &str, options: &[&str]) -> Outcome {
        let archive = self.archive(archive);
        let arguments = ["create"].iter().chain(options).copied().chain([archive.as_str(), "."]);
        self.run_in(&self.path(tree), program, arguments).success()
    }

    /// Extracts `archive` into a new folder of that name with `suffix`.
    #[track_caller]
    pub fn extract(&self, program: Program, archive: &str, suffix: &str, options: &[&str]) -> PathBuf {
        let folder = self.path(&format!("{archive}-{suffix}"));
        fs::create_dir(&folder).expect("a folder for the files");
        let archive = self.archive(archive);
        let arguments = ["extract"].iter().chain(options).copied().chain([archive.as_str()]);
        self.run_in(&folder, program, arguments).success();
        folder
    }

    /// Checks everything, data included, with `program`.
    #[track_caller]
    pub fn check(&self, program: Program) -> Outcome {
        self.run(program, ["check", "--verify-data", &self.repository()]).success()
    }
}

/// Copies folders with all their attributes into `to`.
fn copy(from: &[PathBuf], to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    let status = Command::new("cp").arg("-a").args(from).arg(to).status().expect("cp");
    assert!(status.success(), "cp -a {from:?} {}", to.display());
}
