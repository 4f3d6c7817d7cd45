//! Questions to a person: passphrases, and yes or no. Each has variables that answer ahead of time.
//!
//! Passphrases are read from the terminal without echo, or from standard input where there is none.

use std::{
    fs,
    io::{self, BufRead, Write},
    process::{Command, Stdio},
};

use nanoprobe_key::{AccessQuestions, Error, Passphrase, PassphraseSource};

use crate::{
    environment::{Environment, SECRETS},
    log::{Format, Log},
    output::{
        json::Json,
        text::{Alphabet, literal},
    },
    shell_words,
};

/// Asks a person, unless the environment knows the answer.
pub(crate) struct Prompt<'a> {
    pub(crate) environment: &'a Environment,
    pub(crate) log: &'a Log,
}

const TRUISH: [&str; 6] = ["Yes", "YES", "yes", "Y", "y", "1"];
const FALSISH: [&str; 6] = ["No", "NO", "no", "N", "n", "0"];
const DEFAULTISH: [&str; 6] = ["Default", "DEFAULT", "default", "D", "d", ""];
/// How often two new passphrases may differ.
const MOST_NEW_ATTEMPTS: usize = 10;

/// One yes-or-no question.
struct Question<'a> {
    text: &'a str,
    /// The variable that answers it; also its message id.
    variable: Option<&'static str>,
    invalid: Option<&'static str>,
    refused: Option<&'static str>,
    retry: bool,
    truish: &'static [&'static str],
}

impl Prompt<'_> {
    /// Whether a repository, described in the question, may be deleted.
    pub(crate) fn delete_repository(&self, text: &str) -> bool {
        self.yes(&Question {
            text,
            variable: Some("BORG_DELETE_I_KNOW_WHAT_I_AM_DOING"),
            invalid: Some("Invalid answer, aborting."),
            refused: Some("Aborting."),
            retry: false,
            truish: &["YES"],
        })
    }

    /// Whether a repository may be repaired.
    pub(crate) fn repair_repository(&self) -> bool {
        self.yes(&Question {
            text: "This is a potentially dangerous function.\n\
                   check --repair might lead to data loss (for kinds of corruption it is not\n\
                   capable of dealing with). BE VERY CAREFUL!\n\
                   \n\
                   Type 'YES' if you understand this and want to continue: ",
            variable: Some("BORG_CHECK_I_KNOW_WHAT_I_AM_DOING"),
            invalid: Some("Invalid answer, aborting."),
            refused: Some("Aborting."),
            retry: false,
            truish: &["YES"],
        })
    }

    fn yes(&self, question: &Question<'_>) -> bool {
        self.say(question, "prompt", question.text, None);
        let mut given = question.variable.and_then(|variable| Some((variable, self.environment.text(variable)?)));
        loop {
            let answer = match given.take() {
                Some((variable, answer)) => {
                    self.say(question, "env_answer", &format!("{answer} (from {variable})"), Some(variable));
                    Some(answer)
                }
                None => read_line(),
            };
            // The end of input means no.
            let answer = answer.as_deref().unwrap_or(FALSISH[0]);
            if question.truish.contains(&answer) {
                return true;
            }
            if FALSISH.contains(&answer) {
                if let Some(refused) = question.refused {
                    self.say(question, "accepted_false", refused, None);
                }
                return false;
            }
            if DEFAULTISH.contains(&answer) {
                return false;
            }
            if let Some(invalid) = question.invalid {
                self.say(question, "invalid_answer", invalid, None);
            }
            if !question.retry {
                return false;
            }
            self.say(question, "prompt_retry", question.text, None);
        }
    }

    fn say(&self, question: &Question<'_>, kind: &str, text: &str, variable: Option<&str>) {
        match self.log.format() {
            Format::Text => self.log.text_line(text.as_bytes(), if kind.contains("prompt") { "" } else { "\n" }),
            Format::Json => {
                let mut line = Json::map([]);
                if let Some(variable) = variable {
                    line.set("env_var", Json::text(variable));
                }
                line.set("type", Json::text(format!("question_{kind}")));
                line.set("msgid", question.variable.map_or(Json::Null, Json::text));
                line.set("message", Json::text(text));
                self.log.json(&line);
            }
        }
    }

    /// Whether a key on paper shall not be typed to its end.
    pub(crate) fn abort_import(&self) -> bool {
        self.yes(&Question {
            text: "Abort import? [yN]:",
            variable: None,
            invalid: None,
            refused: None,
            retry: true,
            truish: &TRUISH,
        })
    }

    fn hidden(&self, prompt: &str) -> Result<Passphrase, Error> {
        let answer = match rpassword::prompt_password(prompt) {
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                // No terminal: as Python does, take a line from standard input.
                if self.log.format() == Format::Text {
                    self.log.text_line(prompt.as_bytes(), "");
                }
                read_line().ok_or(error)
            }
            answer => answer,
        };
        answer.map(|answer| Passphrase::new(answer.into_bytes())).map_err(|_| {
            let state = |variable| match self.environment.variable(variable) {
                Some(_) => "set",
                None => "not set",
            };
            Error::NoPassphrase(format!(
                "BORG_PASSPHRASE is {}. BORG_PASSCOMMAND is {}. Interactive password query failed.",
                state("BORG_PASSPHRASE"),
                state("BORG_PASSCOMMAND")
            ))
        })
    }

    /// Shows a new passphrase to who wants to see it (`BORG_DISPLAY_PASSPHRASE`).
    fn display(&self, passphrase: &Passphrase) {
        let question = Question {
            text: "Do you want your passphrase to be displayed for verification? [yN]: ",
            variable: Some("BORG_DISPLAY_PASSPHRASE"),
            invalid: Some("Invalid answer, try again."),
            refused: None,
            retry: true,
            truish: &TRUISH,
        };
        if !self.yes(&question) {
            return;
        }
        let mut text = b"Your passphrase (between double-quotes): \"".to_vec();
        text.extend_from_slice(passphrase.reveal());
        text.extend_from_slice(b"\"\nMake sure the passphrase displayed above is exactly what you wanted.");
        if !passphrase.reveal().is_ascii() {
            text.extend_from_slice(b"\nYour passphrase (UTF-8 encoding in hex): ");
            passphrase.reveal().iter().for_each(|byte| text.extend_from_slice(format!("{byte:02x}").as_bytes()));
            text.extend_from_slice(b"\nIt is not all ASCII: keep these digits together with it at a safe place.");
        }
        self.log.text_line(&text, "\n");
    }

    fn ask_command(&self, command: &str) -> Result<Passphrase, Error> {
        let words = shell_words::split(command).unwrap_or_default();
        let Some((program, arguments)) = words.split_first() else {
            return Err(Error::PasscommandFailed("an empty command line is not permitted".to_owned()));
        };
        let mut child = Command::new(program);
        child.args(arguments).stdin(Stdio::inherit()).stderr(Stdio::inherit());
        SECRETS.iter().for_each(|secret| {
            child.env_remove(secret);
        });
        let output = child.output().map_err(|error| {
            Error::PasscommandFailed(match error.raw_os_error() {
                Some(2) => {
                    format!("[Errno 2] No such file or directory: {}", literal(program.as_bytes(), Alphabet::Unicode))
                }
                _ => error.to_string(),
            })
        })?;
        if !output.status.success() {
            let words: Vec<String> = words.iter().map(|word| literal(word.as_bytes(), Alphabet::Unicode)).collect();
            let code = output.status.code().unwrap_or(-1);
            return Err(Error::PasscommandFailed(format!(
                "Command '[{}]' returned non-zero exit status {code}.",
                words.join(", ")
            )));
        }
        Ok(without_line_ends(output.stdout))
    }
}

impl PassphraseSource for Prompt<'_> {
    fn given(&mut self) -> Result<Option<Passphrase>, Error> {
        if let Some(passphrase) = self.environment.variable("BORG_PASSPHRASE") {
            return Ok(Some(Passphrase::new(passphrase.into_encoded_bytes())));
        }
        if let Some(command) = self.environment.text("BORG_PASSCOMMAND") {
            return self.ask_command(&command).map(Some);
        }
        let number = self.environment.text("BORG_PASSPHRASE_FD").and_then(|number| number.trim().parse::<u32>().ok());
        match number {
            Some(number) => {
                let path = format!("/proc/self/fd/{number}");
                let text = fs::read(&path).map_err(|source| Error::File { path: path.into(), source })?;
                Ok(Some(without_line_ends(text)))
            }
            None => Ok(None),
        }
    }

    fn ask(&mut self, target: &str, _attempt: u32) -> Result<Passphrase, Error> {
        self.hidden(&format!("Enter passphrase for key {target}: "))
    }

    fn new_passphrase(&mut self) -> Result<Passphrase, Error> {
        if let Some(passphrase) = self.environment.variable("BORG_NEW_PASSPHRASE") {
            return Ok(Passphrase::new(passphrase.into_encoded_bytes()));
        }
        if let Some(passphrase) = self.given()? {
            return Ok(passphrase);
        }
        for _ in 0..MOST_NEW_ATTEMPTS {
            let passphrase = self.hidden("Enter new passphrase: ")?;
            if self.hidden("Enter same passphrase again: ")? == passphrase {
                self.display(&passphrase);
                self.log.info("Remember your passphrase. Your data will be inaccessible without it.");
                return Ok(passphrase);
            }
            self.log.text_line(b"Passphrases do not match", "\n");
        }
        Err(Error::PassphraseRetriesExceeded)
    }
}

impl AccessQuestions for Prompt<'_> {
    fn unknown_unencrypted(&mut self) -> bool {
        self.yes(&Question {
            text: "Warning: Attempting to access a previously unknown unencrypted repository!\n\
                   Do you want to continue? [yN] ",
            variable: Some("BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK"),
            invalid: Some("Invalid answer, aborting."),
            refused: Some("Aborting."),
            retry: false,
            truish: &TRUISH,
        })
    }

    fn relocated(&mut self, location: &str, previous: &str) -> bool {
        let text = format!(
            "Warning: The repository at location {location} was previously located at {previous}\n\
             Do you want to continue? [yN] "
        );
        self.yes(&Question {
            text: &text,
            variable: Some("BORG_RELOCATED_REPO_ACCESS_IS_OK"),
            invalid: Some("Invalid answer, aborting."),
            refused: Some("Aborting."),
            retry: false,
            truish: &TRUISH,
        })
    }

    fn noticed(&mut self, what: &str) {
        self.log.debug(what);
    }
}

/// A line from standard input, `None` at its end.
pub(crate) fn read_line() -> Option<String> {
    let _ = io::stderr().flush();
    let mut line = String::new();
    match io::stdin().lock().read_line(&mut line) {
        Ok(1..) => Some(line.trim_end_matches('\n').to_owned()),
        _ => None,
    }
}

fn without_line_ends(mut text: Vec<u8>) -> Passphrase {
    while text.last() == Some(&b'\n') {
        text.pop();
    }
    Passphrase::new(text)
}
