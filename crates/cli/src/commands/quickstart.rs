//! `nanoprobe quickstart [PATH]`: a whole backup and restore in a folder of its own, proved byte by byte.
//!
//! It runs this very program, one command after another, and shows each line before it runs: what is typed here is
//! what a person types later. Nothing outside the new folder is written; no server, configuration or root is needed.

use std::{
    env, fs, io,
    io::Read,
    path::{Path, PathBuf},
    process::Command,
};

use nanoprobe_operations::compare::compare;

use crate::{Failure, arguments};

/// Runs every step; an error when the restored tree does not equal the source.
pub(super) fn run(arguments: &arguments::Quickstart) -> Result<(), Failure> {
    let quickstart = Quickstart::prepare(arguments.source.clone()).map_err(Failure::error)?;
    if quickstart.run().map_err(Failure::error)? {
        Ok(())
    } else {
        Err(Failure::error("the restored tree is not the original"))
    }
}

struct Quickstart {
    program: PathBuf,
    source: PathBuf,
    folder: PathBuf,
    passphrase: String,
}

impl Quickstart {
    fn prepare(source: Option<PathBuf>) -> io::Result<Self> {
        let source = source.map_or_else(env::current_dir, Ok)?.canonicalize()?;
        let folder = env::temp_dir().join(format!("nanoprobe-quickstart-{}", std::process::id()));
        fs::create_dir(&folder)?;
        Ok(Self { program: env::current_exe()?, source, folder, passphrase: passphrase()? })
    }

    fn run(&self) -> io::Result<bool> {
        let restored = self.folder.join("restored");
        fs::create_dir(&restored)?;
        let source = self.source.to_string_lossy();
        println!("Backing up {source} and restoring it in {}\n", self.folder.display());
        println!("  export BORG_BASE_DIR={}", self.folder.display());
        println!("  export BORG_REPO={}", self.folder.join("repository").display());
        println!("  export BORG_PASSPHRASE={}", self.passphrase);

        self.step(&self.folder, &["init", "--encryption", "repokey-blake2"])?;
        self.step(
            &self.folder,
            &["create", "--stats", "--exclude-caches", "--compression", "zstd", "::first", &source],
        )?;
        self.step(
            &self.folder,
            &["create", "--stats", "--exclude-caches", "--compression", "zstd", "::second", &source],
        )?;
        self.step(&self.folder, &["list"])?;
        self.step(&self.folder, &["list", "--short", "--last", "1"])?;
        self.step(&self.folder, &["check", "--verbose"])?;
        self.step(&restored, &["extract", "::second"])?;

        let copy = restored.join(self.source.strip_prefix("/").unwrap_or(&self.source));
        println!("\nComparing every byte and attribute of {} with the original", copy.display());
        let comparison = compare(&self.source, &copy, &is_cache)?;
        for difference in &comparison.differences {
            println!("  {difference}");
        }
        println!(
            "{} entries, {} bytes of content: {}",
            comparison.entries,
            comparison.content_bytes,
            if comparison.differences.is_empty() { "all equal" } else { "NOT EQUAL" }
        );
        self.step(&self.folder, &["info", "::second"])?;
        self.say_how_to_go_on();
        Ok(comparison.differences.is_empty())
    }

    fn step(&self, folder: &Path, arguments: &[&str]) -> io::Result<()> {
        println!("\n$ nanoprobe {}", arguments.join(" "));
        let status = Command::new(&self.program)
            .args(arguments)
            .current_dir(folder)
            .env("BORG_BASE_DIR", &self.folder)
            .env("BORG_REPO", self.folder.join("repository"))
            .env("BORG_PASSPHRASE", &self.passphrase)
            .status()?;
        // 1 is a warning (an unreadable file, say): shown above, and the comparison decides.
        if matches!(status.code(), Some(0 | 1)) {
            Ok(())
        } else {
            Err(io::Error::other(format!("{} ended with {status}", arguments[0])))
        }
    }

    fn say_how_to_go_on(&self) {
        println!(
            "\nGo on with your own data:\n\
             \n  export BORG_REPO=/path/to/repository\
             \n  nanoprobe init --encryption repokey-blake2\
             \n  nanoprobe create --stats --progress ::{{hostname}}-{{now}} ~/Documents\
             \n  nanoprobe list\
             \n  nanoprobe extract ::ARCHIVE\n\
             \nUpstream Borg reads the same repository with the same commands. Remove this trial with\n\
             \n  rm -r {}\n",
            self.folder.display()
        );
    }
}

/// What `create --exclude-caches` leaves out.
fn is_cache(path: &Path) -> bool {
    const SIGNATURE: &[u8; 43] = b"Signature: 8a477f597d28d172789f06886806bc55";
    let mut start = [0; 43];
    fs::File::open(path.join("CACHEDIR.TAG")).and_then(|mut tag| tag.read_exact(&mut start)).is_ok()
        && start == *SIGNATURE
}

/// 128 random bits, as a person would never choose.
fn passphrase() -> io::Result<String> {
    let mut bytes = [0; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
