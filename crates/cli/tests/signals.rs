//! Signals end a run with Borg's exit codes, and leave the repository as it was, or with a checkpoint.

mod harness;

use std::{
    io::Write,
    process::{Child, Stdio},
    time::Duration,
};

use harness::{Place, Run, command};

/// A backup that waits for more of its standard input.
fn waiting_backup(place: &Place, words: &[&str]) -> Child {
    let mut command = command(&place.path(""));
    command.args(words).stdin(Stdio::piped()).stderr(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&vec![7; 100_000]).unwrap();
    child.stdin = Some(stdin);
    // Until the signal handlers are in place and the repository is open.
    while !place.path("r/lock.exclusive").exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(500));
    child
}

fn signal(child: &Child, name: &str) {
    let done = std::process::Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
    assert!(done.success());
}

fn end(child: Child) -> Run {
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    Run { code: output.status.code().unwrap_or(-1), stdout: String::new(), stderr }
}

#[test]
fn each_signal_has_its_exit_code() {
    let place = Place::with_archive();
    for (name, code, message, class) in [
        ("INT", 2, "Error: Got Ctrl-C / SIGINT.", Some("Error")),
        ("TERM", 143, "Received SIGTERM", Some("Signal.SIGTERM")),
        ("HUP", 129, "Received SIGHUP.", Some("Signal.SIGHUP")),
    ] {
        let mut child = waiting_backup(&place, &["create", "--log-json", "r::stdin", "-"]);
        let stdin = child.stdin.take();
        signal(&child, name);
        // The read that waits ends with the input at the latest.
        std::thread::sleep(Duration::from_millis(200));
        drop(stdin);
        let run = end(child).expect(code);
        let lines = run.json_lines();
        let last = lines.last().unwrap();
        assert_eq!(last["message"], message);
        assert_eq!(last.get("msgid").and_then(|class| class.as_str()), class);
        assert!(!place.path("r/lock.exclusive").exists(), "{name}: the lock is left");
        assert!(!place.run(&["list", "--short", "r"]).expect(0).stdout.contains("stdin\n"), "{name}");
    }
}

#[test]
fn a_second_signal_ends_at_once() {
    let place = Place::with_archive();
    let mut child = waiting_backup(&place, &["create", "r::stdin", "-"]);
    let stdin = child.stdin.take();
    signal(&child, "INT");
    signal(&child, "INT");
    // The first ends the run in Borg's way within a blink of its own: which of the two was quicker does not matter.
    let run = end(child);
    assert!([2, 130].contains(&run.code), "{run:?}");
    drop(stdin);
    // The lock of a process that is gone does not hold anybody up.
    place.run(&["create", "r::after", "input"]).expect(0);
}
