//! Sources that are no trees: standard input, the output of a command, lists of paths.

use std::{
    ffi::{CString, OsStr, OsString},
    io::{self, BufRead, BufReader, Read},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::{ffi::OsStrExt, process::ExitStatusExt},
    },
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

use rustix::{
    fs::{CWD, OFlags},
    io::Errno,
};

use super::{
    file::{Place, named, open_quietly, same_file},
    halt::{Failure, Halt},
    paths::{normalize, strip_prefix},
    read::{Length, await_input},
    status::{Links, Status},
    unit::{Entry, Record},
    walk::Walk,
};
use crate::{
    Error, Interrupt,
    python_text::{quoted, system_error},
};

impl Walk<'_> {
    /// Roots, and `-` for standard input.
    pub(super) fn roots(&mut self, roots: &[PathBuf]) -> Result<(), Halt> {
        for root in roots {
            if root.as_os_str() != "-" {
                self.root(root.as_os_str().as_bytes())?;
                continue;
            }
            self.path = self.options.stdin.name.clone().into_bytes();
            let status = match self.stream(io::stdin().as_fd()) {
                Ok(status) => status,
                Err(Failure::Run(halt)) => return Err(halt),
                Err(Failure::File(trouble)) => {
                    self.filling.warn(&trouble, &self.path)?;
                    Some('E')
                }
            };
            if let Some(status) = status {
                self.filling.report(status, &self.path)?;
            }
        }
        Ok(())
    }

    /// `--content-from-command`.
    pub(super) fn content_from_command(&mut self, command: &[OsString]) -> Result<(), Halt> {
        self.path = self.options.stdin.name.clone().into_bytes();
        if self.stored.is_none() {
            return self.filling.report('-', &self.path);
        }
        let mut child = spawn(command)?;
        if let Some(output) = child.stdout.take() {
            match self.stream(output.as_fd()) {
                Ok(_) => {}
                Err(Failure::Run(halt)) => return Err(halt),
                Err(Failure::File(trouble)) => {
                    return Err(Halt::Failed(Error::Stream(trouble.of_stream(&self.path))));
                }
            }
        }
        wait(child, command)
    }

    /// `--paths-from-stdin`.
    pub(super) fn paths_from_stdin(&mut self, delimiter: &[u8]) -> Result<(), Halt> {
        let interrupt = self.interrupt;
        self.paths(&mut BufReader::new(Input { file: io::stdin().as_fd(), interrupt }), delimiter)
    }

    /// `--paths-from-command`.
    pub(super) fn paths_from_command(&mut self, command: &[OsString], delimiter: &[u8]) -> Result<(), Halt> {
        let mut child = spawn(command)?;
        if let Some(output) = child.stdout.take() {
            let interrupt = self.interrupt;
            self.paths(&mut BufReader::new(Input { file: output.as_fd(), interrupt }), delimiter)?;
        }
        wait(child, command)
    }

    fn paths(&mut self, list: &mut dyn BufRead, delimiter: &[u8]) -> Result<(), Halt> {
        let mut path = Vec::new();
        loop {
            let more = read_until(list, delimiter, &mut path);
            if self.interrupt.requested() {
                return Err(Halt::Interrupted);
            }
            if !more.map_err(Error::local("read", "list of paths"))? {
                return Ok(());
            }
            self.strip = strip_prefix(&path);
            self.path = normalize(&path);
            let status = match self.listed() {
                Ok(status) => status,
                Err(Failure::Run(halt)) => return Err(halt),
                Err(Failure::File(trouble)) => {
                    self.filling.warn(&trouble, &self.path)?;
                    Some('E')
                }
            };
            if let Some(status) = status {
                self.filling.report(status, &self.path)?;
            }
        }
    }

    /// One path of a list: the file or directory itself, nothing below.
    fn listed(&mut self) -> Result<Option<char>, Failure> {
        let name = CString::new(self.path.clone()).unwrap_or_default();
        let place = Place { directory: CWD, name: &name };
        let status = Status::at(CWD, &name, Links::Themselves).map_err(named("stat", place))?;
        if !status.kind().is_dir() || self.stored.is_none() {
            return self.file(place, &status);
        }
        let directory = open_quietly(place, OFlags::DIRECTORY | OFlags::NOFOLLOW).map_err(named("dir_open", place))?;
        let opened = Status::of(&directory).map_err(Failure::system("fstat"))?;
        self.directory(directory.as_fd(), &same_file(&status, opened)?).map(Some)
    }

    /// One regular file with all that `input` gives.
    fn stream(&mut self, input: BorrowedFd<'_>) -> Result<Option<char>, Failure> {
        if self.stored.is_none() {
            return Ok(Some('-'));
        }
        let stdin = &self.options.stdin;
        let no_such = |kind: &str, name: &str| Halt::Failed(Error::Stream(format!("no such {kind}: {name}")));
        let user = uzers::get_user_by_name(&stdin.user).ok_or_else(|| no_such("user", &stdin.user))?;
        let group = uzers::get_group_by_name(&stdin.group).ok_or_else(|| no_such("group", &stdin.group))?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs() as i64 * 1_000_000_000);
        let path = self.filling.unit.push(&self.path);
        self.filling.begin(Entry {
            text: path,
            path,
            shown: path,
            status: Some('i'),
            mode: stdin.mode & 0o7777 | 0o100_000,
            uid: i64::from(user.uid()),
            gid: i64::from(group.gid()),
            user: Some(stdin.user.as_bytes().into()),
            group: Some(stdin.group.as_bytes().into()),
            mtime: now,
            atime: Some(now),
            ctime: Some(now),
            hardlink_master: Some(false),
            content: true,
            ..Entry::default()
        });
        self.content.expected.nothing();
        let result = self.content.read(input, Length::Unknown, &mut self.filling);
        match &result {
            Ok(()) => self.filling.unit.records.push(Record::End(None)),
            Err(Failure::File(_)) => self.filling.unit.records.push(Record::Abandon),
            // The checkpoint keeps what was read as a part.
            Err(Failure::Run(_)) => {}
        }
        result.map(|()| None)
    }
}

/// A pipe whose reader sees an interrupt while nothing comes.
pub(super) struct Input<'a> {
    pub(super) file: BorrowedFd<'a>,
    pub(super) interrupt: &'a Interrupt,
}

impl Read for Input<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        await_input(self.file, self.interrupt).map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?;
        Ok(rustix::io::read(self.file, room)?)
    }
}

fn spawn(command: &[OsString]) -> Result<Child, Halt> {
    let (program, arguments) = command.split_first().map_or((OsStr::new(""), &[][..]), |(first, rest)| (first, rest));
    let child = Command::new(program).args(arguments).stdout(Stdio::piped()).spawn();
    child.map_err(|error| {
        let reason = match error.raw_os_error() {
            Some(number) => system_error(Errno::from_raw_os_error(number), Some(program.as_bytes())),
            None => error.to_string(),
        };
        Halt::Failed(Error::Command(format!("Failed to execute command: {reason}")))
    })
}

fn wait(mut child: Child, command: &[OsString]) -> Result<(), Halt> {
    let status = child.wait().map_err(Error::local("wait for", "command"))?;
    if status.success() {
        return Ok(());
    }
    let name = quoted(command.first().map(|name| name.as_bytes()).unwrap_or_default());
    // Python gives a signal as a negative number.
    let code = status.code().unwrap_or_else(|| -status.signal().unwrap_or(1));
    Err(Halt::Failed(Error::Command(format!("Command {name} exited with status {code}"))))
}

/// Reads up to a delimiter, which is left away; false at the end.
fn read_until(list: &mut dyn BufRead, delimiter: &[u8], path: &mut Vec<u8>) -> io::Result<bool> {
    path.clear();
    let Some(&last) = delimiter.last() else {
        return Ok(list.read_to_end(path)? > 0);
    };
    while list.read_until(last, path)? > 0 {
        if path.ends_with(delimiter) {
            path.truncate(path.len() - delimiter.len());
            return Ok(true);
        }
    }
    Ok(!path.is_empty())
}
