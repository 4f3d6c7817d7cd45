//! An archive's own metadata: what `info` shows, and where the item metadata stream is.
//!
//! RAM: the object, twice while it is opened or stored; it holds 34 bytes for every metadata chunk (100 to 150 KB of
//! stream), so some 300 KB for a million files.

use nanoprobe_chunker::Parameters;
use nanoprobe_compress::Specification;
use nanoprobe_format::Id;
use nanoprobe_format::archive::{Archive, ChunkerParams};
use nanoprobe_format::packed::List;
use nanoprobe_format::tam::Tam;
use nanoprobe_key::{Key, Opener, Sealer, TamContext};
use nanoprobe_repository::Repository;

use crate::authenticate::{self, Verdict};
use crate::object::ObjectWriter;
use crate::{Error, text};

/// An archive's own metadata object. For texts that are not UTF-8 see [`text`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ArchiveMetadata {
    /// The name; after a repair the manifest may list the archive under another.
    pub name: String,
    /// What the user says about it.
    pub comment: String,
    /// The command that made it.
    pub command_line: Vec<String>,
    /// The command that rewrote it, if one did.
    pub recreate_command_line: Option<Vec<String>>,
    /// Where that ran; absent in old archives.
    pub working_directory: Option<String>,
    /// On which machine.
    pub hostname: String,
    /// By whom.
    pub username: String,
    /// When it was begun: `%Y-%m-%dT%H:%M:%S.%f`, UTC.
    pub time: String,
    /// When it was complete; the beginning where old archives do not say.
    pub time_end: String,
    /// How file data was cut. `None` is not stored, FastCDC neither: Borg's `info` would fail over it.
    pub chunker_params: Option<Parameters>,
    /// The item metadata stream's chunks.
    pub items: Vec<Id>,
    /// Plain sizes of all files; absent, like the next five, in archives older than Borg 1.2.
    pub size_bytes: Option<u64>,
    /// Stored sizes of all files' chunks.
    pub csize_bytes: Option<u64>,
    /// Number of files.
    pub files: Option<u64>,
    /// The same three for part files.
    pub size_parts_bytes: Option<u64>,
    /// Stored sizes of all part files' chunks.
    pub csize_parts_bytes: Option<u64>,
    /// Number of part files.
    pub files_parts: Option<u64>,
    /// True when it was opened with a TAM that verified.
    pub authentic: bool,
}

/// A metadata object that was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub id: Id,
    /// Plain bytes.
    pub plain_bytes: u32,
    /// Stored bytes.
    pub stored_bytes: u32,
}

impl ArchiveMetadata {
    /// Fetches, opens, verifies the archive's TAM (as Borg does): one that does not verify is an error, a missing one is
    /// not, because archives made before Borg 1.2.5 have none. See [`Self::require_authentic`].
    pub fn open(repository: &dyn Repository, key: &Key, opener: &mut Opener, id: &Id) -> Result<Self, Error> {
        match Self::open_or_invalid(repository, key, opener, id)? {
            (_, Verdict::Invalid) => Err(Error::ArchiveTamInvalid),
            (metadata, _) => Ok(metadata),
        }
    }

    /// The same, where a TAM that does not verify is as good as none: for who replaces it (`upgrade --archives-tam`).
    pub fn open_without_tam(
        repository: &dyn Repository,
        key: &Key,
        opener: &mut Opener,
        id: &Id,
    ) -> Result<Self, Error> {
        Ok(Self::open_or_invalid(repository, key, opener, id)?.0)
    }

    fn open_or_invalid(
        repository: &dyn Repository,
        key: &Key,
        opener: &mut Opener,
        id: &Id,
    ) -> Result<(Self, Verdict), Error> {
        let (mut object, mut data) = (Vec::new(), Vec::new());
        repository.get(id, &mut object)?;
        opener.open(Some(id), &object, &mut data)?;
        drop(object);
        let tam = Archive::parse(&data).map_err(Error::MalformedArchive)?.tam;
        let verdict = authenticate::verify(key, TamContext::Archive, &tam, &mut data);
        let view = Archive::parse(&data).map_err(Error::MalformedArchive)?;
        Ok((Self::from_view(&view, matches!(verdict, Verdict::Authentic)), verdict))
    }

    /// Refuses an archive without TAM where the key demands one, as Borg's check does.
    pub fn require_authentic(&self, key: &Key) -> Result<(), Error> {
        if self.authentic || !key.is_tam_required() {
            return Ok(());
        }
        Err(Error::ArchiveUnauthenticated(text::displayable(&self.name).into_owned()))
    }

    /// Signs, compresses, seals, puts.
    pub fn store(&self, repository: &dyn Repository, key: &Key, sealer: &Sealer) -> Result<Stored, Error> {
        self.store_compressed(repository, key, sealer, &Specification::default())
    }

    /// The same, compressed as the user wishes.
    pub fn store_compressed(
        &self,
        repository: &dyn Repository,
        key: &Key,
        sealer: &Sealer,
        compression: &Specification,
    ) -> Result<Stored, Error> {
        let packed = self.sign(key)?;
        let id = key.id(&packed);
        let stored_bytes = ObjectWriter::new(compression, sealer.clone()).store(repository, &id, &packed)?;
        // What was stored is shorter than 20 MiB.
        Ok(Stored { id, plain_bytes: packed.len() as u32, stored_bytes })
    }

    fn sign(&self, key: &Key) -> Result<Vec<u8>, Error> {
        let command_line: Vec<_> = self.command_line.iter().map(|word| text::encode(word)).collect();
        let command_line: Vec<&[u8]> = command_line.iter().map(|word| &**word).collect();
        let recreate = self.recreate_command_line.as_deref().unwrap_or_default();
        let recreate: Vec<_> = recreate.iter().map(|word| text::encode(word)).collect();
        let recreate: Vec<&[u8]> = recreate.iter().map(|word| &**word).collect();
        let working_directory = self.working_directory.as_deref().map(text::encode);
        let [name, comment, hostname, username] =
            [&self.name, &self.comment, &self.hostname, &self.username].map(|value| text::encode(value));
        let archive = Archive {
            chunker_params: self.chunker_params.and_then(chunker_params),
            cmdline: List::Slice(&command_line),
            comment: Some(&comment),
            csize: self.csize_bytes,
            csize_parts: self.csize_parts_bytes,
            cwd: working_directory.as_deref(),
            hostname: Some(&hostname),
            items: List::Slice(&self.items),
            name: &name,
            nfiles: self.files,
            nfiles_parts: self.files_parts,
            recreate_cmdline: self.recreate_command_line.is_some().then_some(List::Slice(&recreate)),
            size: self.size_bytes,
            size_parts: self.size_parts_bytes,
            tam: Tam::Absent,
            time: self.time.as_bytes(),
            time_end: Some(self.time_end.as_bytes()),
            username: Some(&username),
        };
        authenticate::sign(key, TamContext::Archive, |salt, writer| archive.emit(salt, writer))
    }

    fn from_view(view: &Archive<'_>, authentic: bool) -> Self {
        let optional = |value: Option<&[u8]>| value.map(text::decode).unwrap_or_default();
        Self {
            name: text::decode(view.name),
            comment: optional(view.comment),
            command_line: view.cmdline.iter().map(text::decode).collect(),
            recreate_command_line: view.recreate_cmdline.map(|words| words.iter().map(text::decode).collect()),
            working_directory: view.cwd.map(text::decode),
            hostname: optional(view.hostname),
            username: optional(view.username),
            time: text::decode(view.time),
            time_end: text::decode(view.time_end.unwrap_or(view.time)),
            chunker_params: view.chunker_params.and_then(parameters),
            items: view.items.iter().collect(),
            size_bytes: view.size,
            csize_bytes: view.csize,
            files: view.nfiles,
            size_parts_bytes: view.size_parts,
            csize_parts_bytes: view.csize_parts,
            files_parts: view.nfiles_parts,
            authentic,
        }
    }
}

fn parameters(stored: ChunkerParams<'_>) -> Option<Parameters> {
    match stored {
        ChunkerParams::Buzhash { minimum_exponent, maximum_exponent, mask_bits, window } => {
            Some(Parameters::Buzhash { minimum_exponent, maximum_exponent, mask_bits, window })
        }
        ChunkerParams::Fixed { block_bytes, header_bytes } => Some(Parameters::Fixed { block_bytes, header_bytes }),
        ChunkerParams::Other(_) => None,
    }
}

fn chunker_params(parameters: Parameters) -> Option<ChunkerParams<'static>> {
    match parameters {
        Parameters::Buzhash { minimum_exponent, maximum_exponent, mask_bits, window } => {
            Some(ChunkerParams::Buzhash { minimum_exponent, maximum_exponent, mask_bits, window })
        }
        Parameters::Fixed { block_bytes, header_bytes } => Some(ChunkerParams::Fixed { block_bytes, header_bytes }),
        _ => None,
    }
}
