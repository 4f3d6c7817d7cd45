//! What is measured, described once for whoever measures it: criterion here, `nanoprobe-bench` on the boards.

use std::{fmt, hint::black_box};

use serde::{Deserialize, Serialize};

/// The stage that a case belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// id and MAC.
    Hash,
    /// Encryption, which is also decryption.
    Cipher,
    /// CRC-32 of log entries, XXH64 of index files.
    Checksum,
    /// Cutting.
    Chunk,
    /// Compressing.
    Compress,
    /// The way back.
    Decompress,
    /// chunk → id → compress → encrypt, together.
    Pipeline,
}

/// What is worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Data {
    /// Nothing compresses it.
    Noise,
    /// Compresses as logs do.
    Text,
}

/// How many threads share the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Threads {
    /// One: a figure of one core.
    One,
    /// As many as there are cores, at most [`MOST_THREADS`].
    EachCore,
}

/// More do not fit the program's memory.
pub const MOST_THREADS: usize = 4;

/// One thing to be measured.
pub struct Case {
    /// Its stage.
    pub group: Group,
    /// The primitive with its parameters, as users write it where they do.
    pub name: String,
    /// The implementation's name; empty where there is only one.
    pub form: String,
    /// Whether it is the implementation that this machine uses.
    pub chosen: bool,
    /// What is worked on.
    pub data: Data,
    /// Bytes of one pass.
    pub bytes: usize,
    /// How many threads work.
    pub threads: Threads,
    prepare: Box<dyn Fn() -> Pass + Sync>,
}

/// Work that can be repeated; what it needs has been made before.
pub struct Pass(Box<dyn FnMut() -> Done>);

/// What one pass has dealt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// Bytes of data.
    pub bytes: usize,
    /// What of them would be stored, where something would.
    pub stored_bytes: Option<usize>,
}

impl Pass {
    /// Of work on so many bytes.
    pub fn new<Result>(bytes: usize, mut work: impl FnMut() -> Result + 'static) -> Self {
        Self(Box::new(move || {
            black_box(work());
            Done { bytes, stored_bytes: None }
        }))
    }

    /// Of work that tells what it has done.
    pub fn telling(work: impl FnMut() -> Done + 'static) -> Self {
        Self(Box::new(work))
    }

    /// Does it once.
    pub fn run(&mut self) -> Done {
        self.0()
    }
}

impl Case {
    /// A case of one thread on noise, of one implementation. `prepare` is called in the thread that works.
    pub fn new(
        group: Group,
        name: impl Into<String>,
        bytes: usize,
        prepare: impl Fn() -> Pass + Sync + 'static,
    ) -> Self {
        Self {
            group,
            name: name.into(),
            form: String::new(),
            chosen: true,
            data: Data::Noise,
            bytes,
            threads: Threads::One,
            prepare: Box::new(prepare),
        }
    }

    pub(crate) fn form(self, form: impl Into<String>, chosen: bool) -> Self {
        Self { form: form.into(), chosen, ..self }
    }

    pub(crate) fn data(self, data: Data) -> Self {
        Self { data, ..self }
    }

    pub(crate) fn threads(self, threads: Threads) -> Self {
        Self { threads, ..self }
    }

    /// Makes what a pass needs.
    pub fn prepare(&self) -> Pass {
        (self.prepare)()
    }

    /// What is done, without its stage and size: `zstd,3 text`, `sha256 (sha_ni)`.
    pub fn label(&self) -> String {
        let form = if self.form.is_empty() { String::new() } else { format!(" ({})", self.form) };
        let data = if self.group >= Group::Compress { format!(" {}", self.data) } else { String::new() };
        let threads = if self.threads == Threads::EachCore { " on each core" } else { "" };
        format!("{}{form}{data}{threads}", self.name)
    }

    /// What `--only` and `cargo bench` look for words in.
    pub fn path(&self) -> String {
        format!("{}/{}/{}", self.group, self.label(), Size(self.bytes))
    }
}

impl fmt::Display for Group {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Hash => "hash",
            Self::Cipher => "cipher",
            Self::Checksum => "checksum",
            Self::Chunk => "chunk",
            Self::Compress => "compress",
            Self::Decompress => "decompress",
            Self::Pipeline => "pipeline",
        })
    }
}

impl fmt::Display for Data {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Noise => "noise",
            Self::Text => "text",
        })
    }
}

/// A number of bytes, in words: `64 KiB`.
pub struct Size(pub usize);

impl fmt::Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes if bytes >= 1 << 20 => write!(formatter, "{} MiB", bytes >> 20),
            bytes if bytes >= 1 << 10 => write!(formatter, "{} KiB", bytes >> 10),
            bytes => write!(formatter, "{bytes} B"),
        }
    }
}
