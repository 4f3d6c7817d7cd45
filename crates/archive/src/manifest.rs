//! The manifest: which archives there are. Read once at the start of every command, written at every commit that changes
//! an archive.
//!
//! RAM: its object, twice while it is opened or stored, and some 150 bytes an archive (a thousand archives: 150 KB; Borg's
//! limit of 400,000: 60 MB).

use std::borrow::Cow;

use nanoprobe_compress::Specification;
use nanoprobe_format::Id;
use nanoprobe_format::manifest::{
    MAX_ARCHIVE_NAME, MAX_ARCHIVES, Manifest as View, ManifestArchive, NewManifest, config_requires_tam,
    emit_config_with_tam_required, mandatory_features,
};
use nanoprobe_format::msgpack::{self, Reader, Writer};
use nanoprobe_format::packed::Packed;
use nanoprobe_key::{Key, Opener, Sealer, TamContext};
use nanoprobe_repository::Repository;

use crate::authenticate::{self, Verdict};
use crate::object::ObjectWriter;
use crate::{Error, text, timestamp};

/// The list of archives, verified. What it does not understand (`config`, `item_keys`) it keeps as it was.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Ascending by name as stored.
    archives: Vec<ManifestEntry>,
    /// A packed map.
    config: Vec<u8>,
    /// A packed array.
    item_keys: Vec<u8>,
    timestamp: String,
    id: Option<Id>,
    authentic: bool,
}

/// One archive in the manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestEntry {
    /// Its name; see [`text`] for names that are not UTF-8.
    pub name: String,
    /// Its metadata object.
    pub id: Id,
    /// When it was begun, `%Y-%m-%dT%H:%M:%S.%f`, UTC.
    pub time: String,
}

/// Borg's operations that feature flags speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureOperation {
    /// List and extract.
    Read,
    /// Check, and whatever needs every detail.
    Check,
    /// Add archives.
    Write,
    /// Remove archives.
    Delete,
    /// None of them: whoever asks wants to see what is there, known or not.
    Unchecked,
}

impl Manifest {
    /// An empty manifest for a new repository.
    pub fn create() -> Self {
        Self {
            archives: Vec::new(),
            config: vec![0x80],
            item_keys: vec![0x90],
            timestamp: String::new(),
            id: None,
            authentic: true,
        }
    }

    /// Opens, verifies the TAM; `object` is what `Repository::get(Id::MANIFEST)` gave.
    pub fn open(object: &[u8], key: &Key, opener: &mut Opener) -> Result<Self, Error> {
        Self::open_where(object, key, opener, key.is_tam_required())
    }

    /// The same without demanding a TAM, for who is about to put a manifest right (`upgrade --force`). One that does not
    /// verify is refused all the same.
    pub fn open_without_tam(object: &[u8], key: &Key, opener: &mut Opener) -> Result<Self, Error> {
        Self::open_where(object, key, opener, false)
    }

    fn open_where(object: &[u8], key: &Key, opener: &mut Opener, required: bool) -> Result<Self, Error> {
        let mut data = Vec::new();
        opener.open(None, object, &mut data)?;
        let id = key.id(&data);
        let tam = View::parse(&data).map_err(malformed)?.tam;
        let authentic = match authenticate::verify(key, TamContext::Manifest, &tam, &mut data) {
            Verdict::Authentic => true,
            Verdict::Invalid => return Err(Error::ManifestTamInvalid),
            Verdict::Absent if required => return Err(Error::ManifestUnauthenticated),
            Verdict::Unsupported(suite) if required => return Err(Error::TamUnsupportedSuite(suite)),
            Verdict::Absent | Verdict::Unsupported(_) => false,
        };
        let view = View::parse(&data).map_err(malformed)?;
        Ok(Self {
            archives: entries(&view),
            config: view.config.to_vec(),
            item_keys: packed_array(view.item_keys),
            timestamp: view.timestamp.map(text::decode).unwrap_or_default(),
            id: Some(id),
            authentic,
        })
    }

    /// Timestamp as stored, for the rollback check of the security directory; empty before the first `store`.
    pub fn timestamp(&self) -> &str {
        &self.timestamp
    }

    /// The id hash of its plain bytes, by which caches know the state they belong to (its object's name is all zero).
    pub fn id(&self) -> Option<Id> {
        self.id
    }

    /// False for a manifest without TAM, which only a repository without encryption may have.
    pub fn is_authentic(&self) -> bool {
        self.authentic
    }

    /// True where the manifest itself says that manifests must be authenticated.
    pub fn requires_tam(&self) -> bool {
        config_requires_tam(&self.config)
    }

    /// Makes the next manifest say whether manifests must be authenticated.
    pub fn set_requires_tam(&mut self, required: bool) {
        let mut config = Vec::new();
        let Ok(()) = emit_config_with_tam_required(&self.config, required, &mut Writer::new(&mut config));
        self.config = config;
    }

    /// Fails with the feature flags that this program does not know and that forbid `operation`.
    pub fn require(&self, operation: FeatureOperation) -> Result<(), Error> {
        let Some(operation) = operation.name() else { return Ok(()) };
        let features = mandatory_features(&self.config, operation).map_err(Error::MalformedManifest)?;
        if features.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = features.iter().map(|name| format!("'{}'", text::decode(name))).collect();
        Err(Error::MandatoryFeatureUnsupported(format!("[{}]", names.join(", "))))
    }

    /// In manifest order (sorted by name as stored).
    pub fn archives(&self) -> &[ManifestEntry] {
        &self.archives
    }

    /// One by name.
    pub fn archive(&self, name: &str) -> Option<&ManifestEntry> {
        self.position(name).ok().map(|position| &self.archives[position])
    }

    /// Adds or replaces.
    pub fn insert(&mut self, entry: ManifestEntry) {
        match self.position(&entry.name) {
            Ok(position) => self.archives[position] = entry,
            Err(position) => self.archives.insert(position, entry),
        }
    }

    /// Removes by name.
    pub fn remove(&mut self, name: &str) -> Option<ManifestEntry> {
        self.position(name).ok().map(|position| self.archives.remove(position))
    }

    /// Signs with a timestamp that strictly rises, seals, puts (no commit).
    pub fn store(&mut self, repository: &dyn Repository, key: &Key, sealer: &Sealer) -> Result<(), Error> {
        if self.archives.len() > MAX_ARCHIVES {
            return Err(Error::ManifestFull("archives"));
        }
        if self.archives.iter().any(|archive| archive.name.chars().count() > MAX_ARCHIVE_NAME) {
            return Err(Error::ManifestFull("characters in an archive's name"));
        }
        let timestamp = match self.timestamp.as_str() {
            "" => timestamp::now(),
            previous => timestamp::now_after(previous)?,
        };
        if key.is_tam_required() {
            self.set_requires_tam(true);
        }
        let names: Vec<Cow<'_, [u8]>> = self.archives.iter().map(|archive| text::encode(&archive.name)).collect();
        let archives = self.archives.iter().zip(&names).map(|(archive, name)| ManifestArchive {
            name,
            id: archive.id,
            time: archive.time.as_bytes(),
        });
        let item_keys = Packed::read_array(&mut Reader::new(&self.item_keys)).unwrap_or(Packed::EMPTY);
        let packed = authenticate::sign(key, TamContext::Manifest, |salt, writer| {
            NewManifest { config: &self.config, item_keys, timestamp: timestamp.as_bytes(), salt }
                .emit(archives, writer)
        })?;
        ObjectWriter::new(&Specification::default(), sealer.clone()).store(repository, &Id::MANIFEST, &packed)?;
        self.id = Some(key.id(&packed));
        self.timestamp = timestamp;
        self.authentic = true;
        Ok(())
    }

    fn position(&self, name: &str) -> Result<usize, usize> {
        let name = text::encode(name);
        self.archives.binary_search_by(|entry| text::encode(&entry.name).cmp(&name))
    }
}

impl FeatureOperation {
    fn name(self) -> Option<&'static [u8]> {
        match self {
            Self::Read => Some(b"read"),
            Self::Check => Some(b"check"),
            Self::Write => Some(b"write"),
            Self::Delete => Some(b"delete"),
            Self::Unchecked => None,
        }
    }
}

fn malformed(error: msgpack::Error) -> Error {
    match error {
        msgpack::Error::UnknownVersion => Error::UnsupportedManifest,
        error => Error::MalformedManifest(error),
    }
}

/// The archives ascending by name; a name that stands twice counts as its last entry.
fn entries(view: &View<'_>) -> Vec<ManifestEntry> {
    let mut views: Vec<_> = view.archives.iter().enumerate().collect();
    views.sort_unstable_by(|(left_at, left), (right_at, right)| left.name.cmp(right.name).then(right_at.cmp(left_at)));
    views.dedup_by_key(|(_, archive)| archive.name);
    let entry = |(_, archive): (usize, ManifestArchive<'_>)| ManifestEntry {
        name: text::decode(archive.name),
        id: archive.id,
        time: text::decode(archive.time),
    };
    views.into_iter().map(entry).collect()
}

fn packed_array(list: Packed<'_, &[u8]>) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut writer = Writer::new(&mut packed);
    let Ok(()) = writer.array(list.len());
    let Ok(()) = writer.packed(list.bytes());
    packed
}
