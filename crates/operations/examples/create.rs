//! `create` without the command line, for measurements and for tests by hand beside Borg.
//!
//! ```text
//! create init MODE REPOSITORY                       passphrase: BORG_PASSPHRASE, places below BORG_BASE_DIR
//! create run REPOSITORY NAME COMPRESSION PATH…      environment: CHECKPOINT=seconds, LIST=1
//! ```

use std::{env, error::Error, path::Path, path::PathBuf, sync::Arc, time::Duration, time::Instant};

use nanoprobe_archive::FeatureOperation;
use nanoprobe_chunker::Parameters;
use nanoprobe_key::{AccessQuestions, Directories, Mode, Passphrase, PassphraseSource};
use nanoprobe_operations::{
    Budget, Event, Interrupt, Monitor, Places, Session,
    create::{self, AttributeOptions, FilesCacheMode, FilesChanged, Options, Sources, StdinFile},
    patterns::PatternMatcher,
};
use nanoprobe_repository::{CreateOptions, LocalRepository, OpenOptions};

struct FromEnvironment;

impl PassphraseSource for FromEnvironment {
    fn given(&mut self) -> Result<Option<Passphrase>, nanoprobe_key::Error> {
        Ok(Some(Passphrase::new(env::var("BORG_PASSPHRASE").unwrap_or_default().into_bytes())))
    }
    fn ask(&mut self, _target: &str, _attempt: u32) -> Result<Passphrase, nanoprobe_key::Error> {
        Err(nanoprobe_key::Error::PassphraseWrong)
    }
    fn new_passphrase(&mut self) -> Result<Passphrase, nanoprobe_key::Error> {
        Ok(Passphrase::new(env::var("BORG_PASSPHRASE").unwrap_or_default().into_bytes()))
    }
}

impl AccessQuestions for FromEnvironment {
    fn unknown_unencrypted(&mut self) -> bool {
        true
    }
    fn relocated(&mut self, _location: &str, _previous: &str) -> bool {
        true
    }
}

struct Lines {
    list: bool,
}

impl Monitor for Lines {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::File { status, path } if self.list => println!("{status} {}", String::from_utf8_lossy(path)),
            Event::Warning { message, .. } => eprintln!("warning: {message}"),
            Event::Remark(message) | Event::Information(message) => eprintln!("{message}"),
            _ => {}
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().collect();
    let base = PathBuf::from(env::var_os("BORG_BASE_DIR").ok_or("BORG_BASE_DIR is not set")?);
    let configuration = base.join(".config/borg");
    let directories =
        Directories { keys: configuration.join("keys"), security: configuration.join("security"), key_file: None };
    let places = Places { directories, caches: base.join(".cache/nanoprobe") };
    let budget = env::var("MEMORY_LIMIT").ok().and_then(|limit| limit.parse().ok()).unwrap_or(Budget::DEFAULT_BYTES);
    let budget = Budget::new(budget);
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[1..] {
        ["init", mode, repository] => {
            let mode = Mode::from_name(mode).ok_or("no such mode")?;
            let path = Path::new(repository);
            let repository = LocalRepository::create(path, &CreateOptions::default(), OpenOptions::default())?;
            Session::create(Arc::new(repository), mode, "key", &places, budget, &mut FromEnvironment)?;
            Ok(())
        }
        ["run", repository, name, compression, ref paths @ ..] => {
            let started = Instant::now();
            let opened = LocalRepository::open(Path::new(repository), OpenOptions::default())?;
            let operation = FeatureOperation::Write;
            let mut session = Session::open(Arc::new(opened), &places, budget, operation, &mut FromEnvironment)?;
            let options = Options {
                name: name.to_owned(),
                comment: String::new(),
                timestamp: None,
                sources: Sources::Roots(paths.iter().map(PathBuf::from).collect()),
                one_file_system: false,
                exclude_caches: false,
                exclude_if_present: Vec::new(),
                keep_exclude_tags: false,
                exclude_nodump: false,
                read_special: false,
                sparse: env::var_os("SPARSE").is_some(),
                attributes: AttributeOptions::default(),
                files_cache: FilesCacheMode::default(),
                files_cache_lifetime: nanoprobe_archive::FILES_CACHE_LIFETIME,
                files_cache_suffix: String::new(),
                files_changed: FilesChanged::default(),
                checkpoint_interval: Duration::from_secs_f64(env::var("CHECKPOINT").map_or(Ok(1800.0), |s| s.parse())?),
                chunker: env::var("CHUNKER").map_or(Ok(Parameters::DEFAULT), |text| text.parse())?,
                compression: compression.parse()?,
                stdin: StdinFile::default(),
                skip: vec![repository.into()],
                command_line: arguments.clone(),
                hostname: "host".into(),
                username: "user".into(),
            };
            let monitor = Lines { list: env::var_os("LIST").is_some() };
            let mut matcher = PatternMatcher::new(&[])?;
            let outcome = create::create(&mut session, &options, &mut matcher, &monitor, &Interrupt::new())?;
            println!("{:?} in {:.3} s", outcome.statistics, started.elapsed().as_secs_f64());
            Ok(())
        }
        _ => Err("create init MODE REPOSITORY | create run REPOSITORY NAME COMPRESSION PATH…".into()),
    }
}
