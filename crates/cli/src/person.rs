//! What the built-in SSH asks a person: on the terminal, or through the program in SSH_ASKPASS where `ssh` would use that.
//!
//! Answers are kept while the program runs, so that a line that drops can be taken up again while nobody looks.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::File,
    process::{Command, Stdio},
    sync::Mutex,
};

use nanoprobe_key::Passphrase;
use nanoprobe_remote::transport::Person;

use crate::{
    environment::{Environment, SECRETS},
    log::{Log, lock},
};

/// Whoever sits at the terminal, if anybody does.
pub(crate) struct AtTerminal {
    log: &'static Log,
    /// Asks in the terminal's place.
    program: Option<OsString>,
    answers: Mutex<BTreeMap<String, Passphrase>>,
}

impl AtTerminal {
    pub(crate) fn new(environment: &Environment, log: &'static Log) -> Self {
        let program = environment.variable("SSH_ASKPASS").filter(|program| !program.is_empty());
        let is_preferred = match environment.text("SSH_ASKPASS_REQUIRE").as_deref() {
            Some("never") => false,
            Some("force" | "prefer") => true,
            _ => environment.variable("DISPLAY").is_some() && !has_terminal(),
        };
        Self { log, program: program.filter(|_| is_preferred), answers: Mutex::default() }
    }

    fn answer(&self, question: &str) -> Option<String> {
        let Some(program) = &self.program else { return rpassword::prompt_password(question).ok() };
        let mut command = Command::new(program);
        command.arg(question).stdin(Stdio::null()).stderr(Stdio::inherit());
        for secret in SECRETS {
            command.env_remove(secret);
        }
        let output = command.output().ok().filter(|output| output.status.success())?;
        let answer = String::from_utf8(output.stdout).ok()?;
        Some(answer.lines().next().unwrap_or_default().to_owned())
    }
}

impl Person for AtTerminal {
    fn is_there(&self) -> bool {
        self.program.is_some() || has_terminal()
    }

    fn ask(&self, question: &str, attempt: u32) -> Option<String> {
        let mut answers = lock(&self.answers);
        if let (0, Some(answer)) = (attempt, answers.get(question)) {
            return String::from_utf8(answer.reveal().to_vec()).ok();
        }
        let answer = self.answer(question)?;
        answers.insert(question.to_owned(), Passphrase::new(answer.clone().into_bytes()));
        Some(answer)
    }

    fn tell(&self, text: &str) {
        self.log.warning(text, None);
    }
}

fn has_terminal() -> bool {
    File::open("/dev/tty").is_ok()
}
