//! Letters, through whatever `sendmail` the box has. Everything is on its standard input: nothing shows in a list of processes.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use super::Event;
use crate::configuration::Mail;

pub(super) fn send(mail: &Mail, event: &Event) -> Result<(), String> {
    let mut command = Command::new(&mail.sendmail);
    command.args(["-i", "-t"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| format!("{}: {error}", mail.sendmail.display()))?;
    let written = child.stdin.take().map_or(Ok(()), |mut input| input.write_all(letter(mail, event).as_bytes()));
    let status = child.wait().map_err(|error| error.to_string())?;
    match (written, status.success()) {
        (Ok(()), true) => Ok(()),
        (_, false) => Err(format!("{} ended with {status}", mail.sendmail.display())),
        (Err(error), true) => Err(format!("{}: {error}", mail.sendmail.display())),
    }
}

fn letter(mail: &Mail, event: &Event) -> String {
    let from = mail.from.as_ref().map(|from| format!("From: {}\n", line(from))).unwrap_or_default();
    let subject: String = line(&event.title).chars().take(200).collect();
    format!(
        "To: {}\n{from}Subject: {}\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nAuto-Submitted: auto-generated\n\n{}\n{}",
        line(&mail.to),
        subject_words(&subject),
        event.title,
        event.text
    )
}

/// A header is one line.
fn line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// Headers are ASCII; the letter itself says it in full.
fn subject_words(text: &str) -> String {
    text.chars().map(|character| if character.is_ascii() { character } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::Kind;

    #[test]
    fn a_title_cannot_become_a_header() {
        let mail = Mail { to: "me@box".into(), from: Some("it@box".into()), sendmail: "/bin/true".into() };
        let event = Event::of_job("backup x", Kind::Failed, "größe\nBcc: all@world", "log\n");
        let text = letter(&mail, &event);
        let head = text.split("\n\n").next().expect("a head");
        assert!(head.contains("Subject: ") && head.contains("gr??e Bcc:") && !head.contains("\nBcc"), "{head}");
        let nobody = Mail { sendmail: "/nowhere/sendmail".into(), ..mail };
        assert!(send(&nobody, &event).unwrap_err().contains("/nowhere/sendmail"));
    }
}
