//! Extract, check and info without the command line, for measuring the operations themselves.
//!
//! ```text
//! read extract REPOSITORY ARCHIVE DIRECTORY [--stdout|--dry-run|--sparse|--list|--continue|--numeric-ids|--strip N] [PATH…]
//! read check REPOSITORY [--verify-data|--repository-only|--archives-only]
//! read info REPOSITORY [ARCHIVE…]
//! read list REPOSITORY [ARCHIVE]
//! ```
//!
//! The passphrase comes from `BORG_PASSPHRASE`, the directories from `BORG_BASE_DIR`.

use std::{error::Error as StdError, io::Write, path::Path, path::PathBuf, process::ExitCode, sync::Arc};

use nanoprobe_archive::FeatureOperation;
use nanoprobe_key::{AccessQuestions, Directories, Error as KeyError, Key, Passphrase, PassphraseSource};
use nanoprobe_operations::{
    Budget, Event, Interrupt, Monitor, Places, Session,
    check::{self, Outcome, Scope, Subject},
    extract::{self, AttributeOptions, Target},
    info,
    patterns::PatternMatcher,
    select::{self, PartFiles, Selection},
};
use nanoprobe_repository::{LocalRepository, Locking, OpenOptions, Repository};

struct Screen(std::sync::atomic::AtomicU8);

impl Monitor for Screen {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::File { path, .. } => println!("{}", String::from_utf8_lossy(path)),
            Event::Warning { message, .. } => {
                self.0.store(1, std::sync::atomic::Ordering::Relaxed);
                eprintln!("{message}");
            }
            Event::Information(text) | Event::Remark(text) | Event::Defect(text) => eprintln!("{text}"),
            _ => {}
        }
    }
}

struct Environment;

impl PassphraseSource for Environment {
    fn given(&mut self) -> Result<Option<Passphrase>, KeyError> {
        Ok(std::env::var("BORG_PASSPHRASE").ok().map(|text| Passphrase::new(text.into_bytes())))
    }
    fn ask(&mut self, target: &str, _: u32) -> Result<Passphrase, KeyError> {
        Err(KeyError::NoPassphrase(target.to_owned()))
    }
    fn new_passphrase(&mut self) -> Result<Passphrase, KeyError> {
        Err(KeyError::NoPassphrase(String::new()))
    }
}

impl AccessQuestions for Environment {
    fn unknown_unencrypted(&mut self) -> bool {
        true
    }
    fn relocated(&mut self, _: &str, _: &str) -> bool {
        true
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<ExitCode, Box<dyn StdError>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (flags, words): (Vec<String>, Vec<String>) = words.into_iter().partition(|word| word.starts_with("--"));
    let has = |flag: &str| flags.iter().any(|word| word == flag);
    let [command, repository, rest @ ..] = words.as_slice() else { return Err("see the head of this example".into()) };
    let base = PathBuf::from(std::env::var("BORG_BASE_DIR")?);
    let directories = Directories {
        keys: base.join(".config/borg/keys"),
        security: base.join(".config/borg/security"),
        key_file: None,
    };
    let places = Places { directories: directories.clone(), caches: base.join(".cache/nanoprobe") };
    let lock = if command == "check" { Locking::Exclusive } else { Locking::Shared };
    let repository: Arc<dyn Repository> =
        Arc::new(LocalRepository::open(Path::new(repository), OpenOptions { lock, ..OpenOptions::default() })?);
    let screen = Screen(0.into());
    let interrupt = Interrupt::new();
    let budget = Budget::new(Budget::DEFAULT_BYTES);
    if command == "check" {
        let scope = match (has("--repository-only"), has("--archives-only")) {
            (true, _) => Scope::Repository,
            (_, true) => Scope::Archives,
            _ => Scope::All,
        };
        let options = check::Options { scope, verify_data: has("--verify-data"), ..check::Options::default() };
        let unlock = &mut |object: &[u8]| Ok(Key::unlock(&*repository, object, &directories, &mut Environment)?);
        std::fs::create_dir_all(&places.caches)?;
        let subject = Subject { repository: Arc::clone(&repository), unlock, places: &places, budget };
        let outcome = check::check(subject, &options, &screen, &interrupt)?;
        return Ok(ExitCode::from(u8::from(outcome == Outcome::Defective)));
    }
    let session = Session::open(repository, &places, budget, FeatureOperation::Read, &mut Environment)?;
    let archive = |name: &String| session.manifest.archive(name).ok_or(format!("no archive {name}"));
    match command.as_str() {
        "list" => {
            let Some(name) = rest.first() else {
                for entry in session.manifest.archives() {
                    println!("{} {} {}", entry.name, entry.time, entry.id);
                }
                return Ok(ExitCode::SUCCESS);
            };
            let mut selection = Selection::new(PatternMatcher::new(&[])?, 0, PartFiles::Skip);
            let mut out = std::io::BufWriter::new(std::io::stdout().lock());
            select::for_each_item(&session, archive(name)?, &mut selection, &mut |item| {
                let _ = writeln!(out, "{:o} {}", item.mode, String::from_utf8_lossy(item.path));
                Ok(())
            })?;
        }
        "info" => {
            let names: Vec<&str> = rest.iter().map(String::as_str).collect();
            let totals = info::totals(&session, &names, &screen, &interrupt)?;
            let repository = totals.repository;
            println!(
                "{{\"total_size\":{},\"total_csize\":{},\"unique_size\":{},\"unique_csize\":{},\
                 \"total_unique_chunks\":{},\"total_chunks\":{}}}",
                repository.size_bytes,
                repository.csize_bytes,
                repository.unique_size_bytes,
                repository.unique_csize_bytes,
                repository.unique_chunks,
                repository.chunks
            );
            for (name, archive) in names.iter().zip(totals.archives) {
                println!(
                    "{{\"name\":\"{name}\",\"original_size\":{},\"compressed_size\":{},\"deduplicated_size\":{},\
                     \"nfiles\":{}}}",
                    archive.size_bytes, archive.csize_bytes, archive.deduplicated_bytes, archive.files
                );
            }
        }
        "extract" => {
            let [name, directory, paths @ ..] = rest else { return Err("extract needs archive and directory".into()) };
            let strip = flags.iter().find_map(|word| word.strip_prefix("--strip=")?.parse().ok()).unwrap_or(0);
            let paths: Vec<Vec<u8>> = paths.iter().map(|path| path.clone().into_bytes()).collect();
            let mut selection = Selection::new(PatternMatcher::for_paths(&[], &paths)?, strip, PartFiles::Skip);
            let options = extract::Options {
                list: has("--list"),
                sparse: has("--sparse"),
                skip_present: has("--continue"),
                progress: has("--progress"),
                attributes: AttributeOptions { numeric_ids: has("--numeric-ids"), ..AttributeOptions::default() },
            };
            let mut stdout = std::io::stdout();
            let target = match (has("--stdout"), has("--dry-run")) {
                (true, _) => Target::Stream(&mut stdout),
                (_, true) => Target::Nothing,
                _ => Target::Directory(Path::new(directory)),
            };
            extract::extract(&session, archive(name)?, &mut selection, target, &options, &screen, &interrupt)?;
        }
        _ => return Err("unknown command".into()),
    }
    if std::env::var_os("SHOW_MEMORY").is_some() {
        let status = std::fs::read_to_string("/proc/self/status")?;
        eprintln!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default());
    }
    Ok(ExitCode::from(screen.0.into_inner()))
}
