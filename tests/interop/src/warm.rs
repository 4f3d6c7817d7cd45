//! The real Borg, with its interpreter kept warm: most of a short command's time is the start of Python.

use std::{
    ffi::OsStr,
    io::{Read, Write},
    os::unix::ffi::OsStrExt,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use crate::{Outcome, Program};

/// A process that forks a child for each of Borg's commands, from one interpreter.
#[derive(Debug)]
pub struct WarmBorg {
    server: Child,
    requests: Option<ChildStdin>,
    answers: ChildStdout,
}

impl WarmBorg {
    /// Starts the interpreter that is beside the `borg` program, in the environment of `command`.
    pub fn start(command: &Command) -> Self {
        let borg = Program::Borg.path();
        let python = borg.with_file_name("python3");
        assert!(python.exists(), "there is no {} beside {}", python.display(), borg.display());
        let mut server = Command::new(python);
        server.args(["-c", include_str!("warm_borg.py")]).env_clear().envs(variables(command));
        let server = server.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut server = server.unwrap_or_else(|error| panic!("a warm borg: {error}"));
        let (requests, answers) = (server.stdin.take(), server.stdout.take().expect("a pipe"));
        Self { server, requests, answers }
    }

    /// Runs `command`, one of Borg's, to its end. Its standard input is empty.
    pub fn run(&mut self, command: &Command) -> Outcome {
        let mut fields = Vec::new();
        let mut add = |field: &OsStr| {
            fields.extend_from_slice(field.as_bytes());
            fields.push(0);
        };
        add(command.get_current_dir().expect("a folder").as_os_str());
        add(OsStr::new(&command.get_args().len().to_string()));
        command.get_args().for_each(&mut add);
        for (name, value) in variables(command) {
            let mut variable = name.to_os_string();
            variable.push("=");
            variable.push(value);
            add(&variable);
        }
        let shown = format!("{command:?}");
        let requests = self.requests.as_mut().expect("a pipe");
        let length = u32::try_from(fields.len()).expect("a short request").to_le_bytes();
        let sent = requests.write_all(&length).and_then(|()| requests.write_all(&fields));
        sent.unwrap_or_else(|error| panic!("{shown}: {error}"));
        let code = i32::from_le_bytes(self.word());
        let [output, messages] = [(); 2].map(|()| {
            let mut bytes = vec![0; u32::from_le_bytes(self.word()) as usize];
            self.answers.read_exact(&mut bytes).expect("what borg said");
            bytes
        });
        Outcome { command: shown, code, output, messages: String::from_utf8_lossy(&messages).into_owned() }
    }

    fn word(&mut self) -> [u8; 4] {
        let mut word = [0; 4];
        self.answers.read_exact(&mut word).expect("the warm borg's answer");
        word
    }
}

impl Drop for WarmBorg {
    /// It ends at the end of its standard input.
    fn drop(&mut self) {
        drop(self.requests.take());
        let _ = self.server.wait();
    }
}

fn variables(command: &Command) -> impl Iterator<Item = (&OsStr, &OsStr)> {
    command.get_envs().filter_map(|(name, value)| Some((name, value?)))
}
