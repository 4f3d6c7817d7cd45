//! What ran, a line for each run: what the status page draws and lists.
//!
//! ```text
//! HASH {"job": "backup home", "began": 1795440401, "seconds": 12, "outcome": "success", …}\n
//! ```
//! The hash is of what follows the space. A line is appended durably when a run has ended; one that a cut left half, or that is
//! damaged, is passed over, and the others count. A file that has grown too long is replaced by its newer half.

use std::{
    collections::{BTreeMap, VecDeque},
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{Figures, Outcome};
use crate::{Trouble, durable, hash::hash, lines::Lines};

/// One run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The name of the job.
    pub job: String,
    /// When it began.
    pub began: i64,
    /// How long it took; unknown of one that was cut off.
    pub seconds: Option<i64>,
    /// How it ended.
    pub outcome: Outcome,
    /// What it ran into.
    pub trouble: Option<Trouble>,
    /// Its last words, when they were not good.
    pub message: Option<String>,
    /// What a backup stored.
    pub figures: Option<Figures>,
    /// What its repository held then.
    pub totals: Option<Totals>,
}

/// What a repository holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Bytes of all files of all archives.
    pub original: u64,
    /// Bytes that they take: deduplicated, compressed.
    pub stored: u64,
}

/// Runs of one job that are kept, and given.
pub const MOST_RUNS: usize = 400;
/// The file becomes its newer half when it would be longer.
const MOST_BYTES: u64 = 1 << 20;
/// A line is not longer than that.
const MOST_LINE_BYTES: usize = 4096;
/// Of last words.
const MOST_MESSAGE_CHARACTERS: usize = 300;

/// The newest runs of a job, the oldest first.
pub fn runs(directory: &Path, job: &str) -> io::Result<Vec<Run>> {
    let mut runs = VecDeque::new();
    each_line(&file(directory), &mut |line| {
        if let Some(run) = Run::of_line(line).filter(|run| run.job == job) {
            if runs.len() == MOST_RUNS {
                runs.pop_front();
            }
            runs.push_back(run);
        }
    })?;
    Ok(runs.into())
}

/// Adds a run, durably.
pub(crate) fn append(directory: &Path, run: &Run) -> io::Result<()> {
    let (path, line) = (file(directory), run.line());
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&path)?;
    let length = file.metadata()?.len();
    if length + line.len() as u64 > MOST_BYTES {
        return durable::replace(&path, &(newer_half(&path)? + &line).into_bytes(), 0o600);
    }
    let mut last = [b'\n'];
    if length > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    // What a cut left half must not swallow this line.
    let start = if last == [b'\n'] { "" } else { "\n" };
    file.write_all(format!("{start}{line}").as_bytes())?;
    file.sync_all()?;
    if length == 0 { File::open(directory)?.sync_all() } else { Ok(()) }
}

fn file(directory: &Path) -> PathBuf {
    directory.join("history")
}

/// Of each job at most the newest [`MOST_RUNS`], and of all what fits into half of the room.
fn newer_half(path: &Path) -> io::Result<String> {
    let mut lines = Vec::new();
    each_line(path, &mut |line| {
        if let Some(run) = Run::of_line(line) {
            lines.push((run.job, line.to_vec()));
        }
    })?;
    let (mut counts, mut kept, mut room) = (BTreeMap::<String, usize>::new(), Vec::new(), MOST_BYTES / 2);
    for (job, line) in lines.into_iter().rev() {
        let count = counts.entry(job).or_default();
        *count += 1;
        if *count <= MOST_RUNS && line.len() as u64 <= room {
            room -= line.len() as u64;
            kept.push(String::from_utf8_lossy(&line).into_owned());
        }
    }
    Ok(kept.into_iter().rev().collect())
}

/// Tells the lines that have an end; no file is no lines.
fn each_line(path: &Path, tell: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    let mut file = match File::open(path) {
        Ok(file) => file.take(2 * MOST_BYTES),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let (mut lines, mut piece) = (Lines::new(MOST_LINE_BYTES), [0; 4096]);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(()),
            length => lines.take(&piece[..length], &mut *tell),
        }
    }
}

impl Run {
    fn line(&self) -> String {
        let message = self.message.as_ref().map(|text| text.chars().take(MOST_MESSAGE_CHARACTERS).collect::<String>());
        let body = json!({
            "job": self.job,
            "began": self.began,
            "seconds": self.seconds,
            "outcome": self.outcome.word(),
            "trouble": self.trouble.map(Trouble::name),
            "message": message,
            "figures": self.figures.as_ref().map(Figures::value),
            "totals": self.totals.map(|totals| json!({ "original": totals.original, "stored": totals.stored })),
        });
        let body = body.to_string();
        format!("{:016x} {body}\n", hash(body.as_bytes()))
    }

    fn of_line(line: &[u8]) -> Option<Self> {
        let (sum, body) = str::from_utf8(line).ok()?.strip_suffix('\n')?.split_once(' ')?;
        if sum.len() != 16 || u64::from_str_radix(sum, 16).ok()? != hash(body.as_bytes()) {
            return None;
        }
        let body: Value = serde_json::from_str(body).ok()?;
        let totals = &body["totals"];
        Some(Self {
            job: body["job"].as_str()?.to_owned(),
            began: body["began"].as_i64()?,
            seconds: body["seconds"].as_i64(),
            outcome: Outcome::of_word(body["outcome"].as_str()?)?,
            trouble: body["trouble"].as_str().map(Trouble::named),
            message: body["message"].as_str().map(str::to_owned),
            figures: Figures::of_value(&body["figures"]),
            totals: totals["original"]
                .as_u64()
                .zip(totals["stored"].as_u64())
                .map(|(original, stored)| Totals { original, stored }),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn run(job: &str, began: i64) -> Run {
        let figures = Figures { archive: "größe".into(), files: 3, original: 4, added: 5 };
        Run {
            job: job.to_owned(),
            began,
            seconds: Some(7),
            outcome: Outcome::Warning,
            trouble: Some(Trouble::Quota),
            message: Some("two\nlines".into()),
            figures: Some(figures),
            totals: Some(Totals { original: 9, stored: 8 }),
        }
    }

    #[test]
    fn runs_come_back_in_order_and_those_of_others_do_not() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(runs(folder.path(), "a").expect("none"), []);
        let bare = Run { seconds: None, trouble: None, message: None, figures: None, totals: None, ..run("a", 3) };
        for run in [&run("a", 1), &run("b", 2), &bare] {
            append(folder.path(), run).expect("written");
        }
        assert_eq!(runs(folder.path(), "a").expect("runs"), [run("a", 1), bare]);
    }

    #[test]
    fn a_cut_or_a_flipped_bit_costs_its_line_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = file(folder.path());
        let all: Vec<Run> = (0..3).map(|began| run("a", began)).collect();
        all.iter().for_each(|run| append(folder.path(), run).expect("written"));
        let whole = fs::read(&path).expect("a file");
        let line = whole.len() / 3;
        for place in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[place] ^= 1 << (place % 8);
            fs::write(&path, &damaged).expect("written");
            let found = runs(folder.path(), "a").expect("runs");
            // A line's end holds two together. A digit of a hash has two cases.
            let lost = if place % line == line - 1 { 2 } else { 1 };
            assert!(found.iter().all(|run| all.contains(run)) && found.len() >= 3 - lost, "flipped at {place}");
            // A cut, and then another run.
            fs::write(&path, &whole[..place]).expect("written");
            append(folder.path(), &run("a", 9)).expect("written");
            let mut expected = all[..place / line].to_vec();
            // Nothing but the end was missing.
            expected.extend((place % line == line - 1).then(|| all[place / line].clone()));
            expected.push(run("a", 9));
            assert_eq!(runs(folder.path(), "a").expect("runs"), expected, "cut at {place}");
        }
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = file(folder.path());
        let text: String = (0..2000).map(|began| run("often", began).line() + &run("b", began).line()).collect();
        fs::write(&path, run("seldom", 1).line() + &text + &"x".repeat((1 << 20) - text.len())).expect("written");
        append(folder.path(), &run("often", 5000)).expect("written");
        assert!(fs::metadata(&path).expect("a file").len() <= MOST_BYTES / 2 + 400);
        let often = runs(folder.path(), "often").expect("runs");
        assert_eq!((often.len(), often.last().map(|run| run.began)), (MOST_RUNS, Some(5000)));
        assert_eq!(runs(folder.path(), "seldom").expect("runs").len(), 1);
        append(folder.path(), &run("often", 5001)).expect("written");
        assert_eq!(runs(folder.path(), "often").expect("runs").last().map(|run| run.began), Some(5001));
    }
}
