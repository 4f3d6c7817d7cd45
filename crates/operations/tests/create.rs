//! `create` on real trees into real repositories, read back item by item.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use nanoprobe_archive::{ArchiveMetadata, FeatureOperation, ItemReader, RepositoryTotals};
use nanoprobe_key::{AccessQuestions, Directories, Error as KeyError, Mode, Passphrase, PassphraseSource};
use nanoprobe_operations::{
    Budget, Error, Event, Interrupt, Monitor, Places, Session,
    create::{self, AttributeOptions, FilesCacheMode, FilesChanged, Options, Outcome, Sources, StdinFile},
    info::{known_totals, repository_totals},
    patterns::PatternMatcher,
};
use nanoprobe_repository::{CreateOptions, LocalRepository, OpenOptions};

struct Answers;

impl PassphraseSource for Answers {
    fn given(&mut self) -> Result<Option<Passphrase>, KeyError> {
        self.new_passphrase().map(Some)
    }
    fn ask(&mut self, _target: &str, _attempt: u32) -> Result<Passphrase, KeyError> {
        self.new_passphrase()
    }
    fn new_passphrase(&mut self) -> Result<Passphrase, KeyError> {
        Ok(Passphrase::new(b"secret".to_vec()))
    }
}

impl AccessQuestions for Answers {
    fn unknown_unencrypted(&mut self) -> bool {
        true
    }
    fn relocated(&mut self, _location: &str, _previous: &str) -> bool {
        true
    }
}

/// Keeps status lines and warnings; may ask for an interrupt when a file begins.
#[derive(Default)]
struct Lines {
    statuses: Mutex<Vec<(char, String)>>,
    warnings: Mutex<Vec<(String, u8)>>,
    remarks: Mutex<usize>,
    interrupt: Interrupt,
    interrupt_at: Option<&'static str>,
}

impl Monitor for Lines {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::File { status, path } => {
                let path = String::from_utf8_lossy(path).into_owned();
                if self.interrupt_at.is_some_and(|end| path.ends_with(end)) {
                    self.interrupt.request();
                }
                self.statuses.lock().unwrap().push((status, path));
            }
            Event::Warning { message, exit_code } => {
                self.warnings.lock().unwrap().push((message.to_owned(), exit_code));
            }
            Event::Remark(_) => *self.remarks.lock().unwrap() += 1,
            _ => {}
        }
    }
}

impl Lines {
    fn status(&self, end: &str) -> Vec<char> {
        let statuses = self.statuses.lock().unwrap();
        statuses.iter().filter(|(_, path)| path.ends_with(end)).map(|(status, _)| *status).collect()
    }
}

/// A repository and a tree in a temporary directory.
struct Place {
    directory: tempfile::TempDir,
    budget: Budget,
}

impl Place {
    fn new(mode: Mode) -> Self {
        let place = Self { directory: tempfile::tempdir().unwrap(), budget: Budget::new(Budget::DEFAULT_BYTES) };
        fs::create_dir(place.tree()).unwrap();
        let repository = LocalRepository::create(&place.path("repository"), &CreateOptions::default(), options());
        let repository = Arc::new(repository.unwrap());
        Session::create(repository, mode, "key", &place.places(), place.budget, &mut Answers).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn tree(&self) -> PathBuf {
        self.path("tree")
    }

    fn places(&self) -> Places {
        let [keys, security] = ["keys", "security"].map(|name| self.path(name));
        Places { directories: Directories { keys, security, key_file: None }, caches: self.path("caches") }
    }

    fn session(&self) -> Session {
        let repository = Arc::new(LocalRepository::open(&self.path("repository"), options()).unwrap());
        Session::open(repository, &self.places(), self.budget, FeatureOperation::Write, &mut Answers).unwrap()
    }

    fn create(&self, name: &str, lines: &Lines, change: impl FnOnce(&mut Options)) -> Result<Outcome, Error> {
        let mut options = Options {
            name: name.into(),
            comment: "a comment".into(),
            timestamp: None,
            sources: Sources::Roots(vec![self.tree()]),
            one_file_system: false,
            exclude_caches: false,
            exclude_if_present: Vec::new(),
            keep_exclude_tags: false,
            exclude_nodump: false,
            read_special: false,
            sparse: false,
            attributes: AttributeOptions::default(),
            files_cache: FilesCacheMode::default(),
            files_cache_lifetime: nanoprobe_archive::FILES_CACHE_LIFETIME,
            files_cache_suffix: String::new(),
            files_changed: FilesChanged::default(),
            checkpoint_interval: Duration::ZERO,
            chunker: "buzhash,10,14,12,1023".parse().unwrap(),
            compression: "zstd,1".parse().unwrap(),
            stdin: StdinFile::default(),
            skip: Vec::new(),
            command_line: vec!["borg".into(), "create".into()],
            hostname: "host".into(),
            username: "user".into(),
        };
        change(&mut options);
        let mut matcher = PatternMatcher::new(&[]).unwrap();
        create::create(&mut self.session(), &options, &mut matcher, lines, &lines.interrupt)
    }

    /// The totals that are kept, and those that a pass counts.
    fn totals(&self) -> (Option<RepositoryTotals>, RepositoryTotals) {
        let session = self.session();
        let kept = RepositoryTotals::load(&session.cache, &session.key, session.manifest.archives());
        let _ = fs::remove_file(session.cache.join("totals"));
        (kept, repository_totals(&session, &Lines::default(), &Interrupt::default()).unwrap())
    }

    /// The names of each file's chunks.
    fn chunk_ids(&self, name: &str) -> Vec<(Vec<u8>, Vec<nanoprobe_format::Id>)> {
        let session = self.session();
        let id = session.manifest.archive(name).unwrap_or_else(|| panic!("no archive {name}")).id;
        let repository = &*session.repository;
        let metadata = ArchiveMetadata::open(repository, &session.key, &mut session.key.opener(), &id).unwrap();
        let mut reader = ItemReader::new(repository, session.key.opener(), &metadata.items);
        let mut files = Vec::new();
        while let Some(item) = reader.next().unwrap() {
            let ids = item.chunks.iter().flat_map(|chunks| chunks.iter()).map(|chunk| chunk.id).collect();
            files.push((item.path.to_vec(), ids));
        }
        files
    }

    /// Path below the tree, content, and the item in words.
    fn archive(&self, name: &str) -> BTreeMap<String, (Vec<u8>, String)> {
        let session = self.session();
        let id = session.manifest.archive(name).unwrap_or_else(|| panic!("no archive {name}")).id;
        let repository = &*session.repository;
        let metadata = ArchiveMetadata::open(repository, &session.key, &mut session.key.opener(), &id).unwrap();
        let mut reader = ItemReader::new(repository, session.key.opener(), &metadata.items);
        let root = self.tree().to_str().unwrap()[1..].to_owned();
        let mut files = BTreeMap::new();
        let mut order = Vec::new();
        while let Some(item) = reader.next().unwrap() {
            let path =
                String::from_utf8_lossy(item.path).strip_prefix(&root).unwrap().trim_start_matches('/').to_owned();
            let content = content(&session, item.chunks.iter().flat_map(|chunks| chunks.iter()));
            assert_eq!(item.size.unwrap_or(0), content.len() as u64, "{path}");
            order.push(path.clone());
            let words = format!(
                "{:o} {:?} {:?} {:?}",
                item.mode,
                item.hardlink_master,
                item.source.map(|source| String::from_utf8_lossy(source).trim_start_matches(&root).to_owned()),
                item.part,
            );
            files.insert(path, (content, words));
        }
        assert_eq!(order.len(), files.len());
        files
    }
}

fn content(session: &Session, chunks: impl Iterator<Item = nanoprobe_format::ChunkRef>) -> Vec<u8> {
    let (mut object, mut data, mut content) = (Vec::new(), Vec::new(), Vec::new());
    for chunk in chunks {
        session.repository.get(&chunk.id, &mut object).unwrap();
        assert_eq!(object.len(), chunk.csize as usize);
        session.key.opener().open(Some(&chunk.id), &object, &mut data).unwrap();
        assert_eq!(data.len(), chunk.size as usize);
        content.extend_from_slice(&data);
    }
    content
}

fn options() -> OpenOptions {
    OpenOptions { lock_wait: Some(Duration::from_secs(20)), ..OpenOptions::default() }
}

/// Bytes that do not repeat.
fn noise(bytes: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..bytes).map(|_| next()).collect()
}

fn settle() {
    std::thread::sleep(Duration::from_millis(120));
}

#[test]
fn a_tree_is_stored_whole_and_then_known() {
    let place = Place::new(Mode::RepokeyBlake2);
    let tree = place.tree();
    fs::create_dir_all(tree.join("b/deep")).unwrap();
    for (name, bytes) in [("a", 0), ("b.txt", 1), ("b/one", 999), ("b/deep/many", 300_000), ("c", 40_000)] {
        fs::write(tree.join(name), noise(bytes, bytes as u64 + 1)).unwrap();
    }
    fs::hard_link(tree.join("c"), tree.join("d")).unwrap();
    symlink("no/where", tree.join("link")).unwrap();
    fs::set_permissions(tree.join("b/one"), fs::Permissions::from_mode(0o640)).unwrap();
    settle();
    // The newest file is never believed, as with Borg.
    fs::write(tree.join("newest"), b"x").unwrap();
    settle();

    let lines = Lines::default();
    let outcome = place.create("first", &lines, |_| ()).unwrap();
    assert!(lines.warnings.lock().unwrap().is_empty());
    assert_eq!(outcome.statistics.files, 6);
    assert_eq!(outcome.statistics.original_bytes, 341_001);
    let files = place.archive("first");
    assert_eq!(files["b/deep/many"].0, noise(300_000, 300_001));
    assert_eq!(files["c"].1, "100644 Some(true) None None");
    assert_eq!(files["d"].1, "100644 None Some(\"/c\") None");
    assert_eq!(files["b/one"].1, "100640 Some(false) None None");
    assert_eq!(files["link"].1, "120777 None Some(\"no/where\") None");
    assert_eq!((lines.status("/b/one"), lines.status("/d"), lines.status("/b")), (vec!['A'], vec!['h'], vec!['d']));

    fs::write(tree.join("b/one"), b"something else").unwrap();
    settle();
    let lines = Lines::default();
    let outcome = place.create("second", &lines, |_| ()).unwrap();
    assert_eq!(lines.status("/b/deep/many"), ['U']);
    assert_eq!(lines.status("/b/one"), ['M']);
    assert_eq!(lines.status("/newest"), ['A']);
    assert!(outcome.statistics.deduplicated_bytes < 200, "{:?}", outcome.statistics);
    let again = place.archive("second");
    assert_eq!(again["b/one"].0, b"something else");
    assert!(files.iter().filter(|(path, _)| *path != "b/one").all(|(path, file)| again[path] == *file));
}

#[test]
fn a_file_that_changed_is_cut_as_if_it_had_not_been_known() {
    let mut place = Place::new(Mode::RepokeyBlake2);
    // Room for one worker: what a file held is expected to be met again.
    place.budget = Budget::new(33 << 19);
    let chunker = |options: &mut Options| {
        options.chunker = "buzhash,10,20,12,1023".parse().unwrap();
        options.compression = "none".parse().unwrap();
    };
    let old = noise(400_000, 3);
    let changes: [(&str, fn(&mut Vec<u8>)); 8] = [
        ("appended", |bytes| bytes.extend(noise(50_000, 4))),
        ("changed", |bytes| [20_000, 20_001, 150_000, 399_990].into_iter().for_each(|place| bytes[place] ^= 1)),
        ("cleared", |bytes| bytes.clear()),
        ("filled", |bytes| bytes[100_000..300_000].fill(0)),
        ("inserted", |bytes| drop(bytes.splice(90_000..90_000, noise(3000, 5)))),
        ("lost", |bytes| drop(bytes.drain(30_000..60_000))),
        ("other", |bytes| bytes.iter_mut().for_each(|byte| *byte ^= 0x55)),
        ("shortened", |bytes| bytes.truncate(321_000)),
    ];
    for (name, _) in changes {
        fs::write(place.tree().join(name), &old).unwrap();
    }
    settle();
    fs::write(place.tree().join("newest"), b"x").unwrap();
    settle();
    place.create("before", &Lines::default(), chunker).unwrap();
    for (name, change) in changes {
        let mut bytes = old.clone();
        change(&mut bytes);
        fs::write(place.tree().join(name), bytes).unwrap();
    }
    settle();
    let lines = Lines::default();
    place.create("after", &lines, chunker).unwrap();
    place
        .create("anew", &Lines::default(), |options| {
            chunker(options);
            options.files_cache.rechunk = true;
        })
        .unwrap();
    assert_eq!(place.chunk_ids("after"), place.chunk_ids("anew"));
    let files = place.archive("after");
    for (name, change) in changes {
        let mut bytes = old.clone();
        change(&mut bytes);
        assert_eq!(lines.status(&format!("/{name}")), ['M'], "{name}");
        assert!(files[name].0 == bytes, "{name}");
    }
}

#[test]
fn trouble_with_a_file_is_a_warning_in_borgs_words() {
    let place = Place::new(Mode::None);
    fs::write(place.tree().join("file"), b"content").unwrap();
    let lines = Lines::default();
    let gone = place.path("gone");
    let tree = place.tree();
    place.create("archive", &lines, |options| options.sources = Sources::Roots(vec![gone.clone(), tree])).unwrap();
    let name = gone.display();
    let expected = format!("{name}: stat: [Errno 2] No such file or directory: '{name}'");
    assert_eq!(*lines.warnings.lock().unwrap(), [(expected, 107)]);
    assert_eq!(place.archive("archive")["file"].0, b"content");
    assert!(matches!(place.create("archive", &lines, |_| ()), Err(Error::ArchiveExists(name)) if name == "archive"));
}

#[test]
fn a_damaged_files_cache_costs_time_only() {
    let place = Place::new(Mode::Repokey);
    fs::write(place.tree().join("file"), noise(10_000, 3)).unwrap();
    settle();
    fs::write(place.tree().join("newest"), b"x").unwrap();
    settle();
    place.create("first", &Lines::default(), |_| ()).unwrap();
    let mut caches: Vec<PathBuf> = walk_files(&place.path("caches"));
    caches.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("files-")));
    assert_eq!(caches.len(), 1, "{caches:?}");
    let mut bytes = fs::read(&caches[0]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&caches[0], bytes).unwrap();
    let lines = Lines::default();
    let outcome = place.create("second", &lines, |_| ()).unwrap();
    assert_eq!((lines.status("/file"), outcome.statistics.deduplicated_bytes), (vec!['A'], 0));
    assert_eq!((lines.warnings.lock().unwrap().len(), *lines.remarks.lock().unwrap()), (0, 1));
    assert_eq!(place.archive("second"), place.archive("first"));
}

#[test]
fn checkpoints_leave_parts_that_together_are_the_file() {
    let place = Place::new(Mode::RepokeyBlake2);
    let large = noise(3_000_000, 9);
    fs::write(place.tree().join("large"), &large).unwrap();
    place
        .create("archive", &Lines::default(), |options| options.checkpoint_interval = Duration::from_millis(5))
        .unwrap();
    let files = place.archive("archive");
    assert_eq!(files["large"].0, large);
    let parts = files.len() - 2;
    assert!(parts > 1, "{parts} parts");
    let joined: Vec<u8> = (1..=parts).flat_map(|part| files[&format!("large.borg_part_{part}")].0.clone()).collect();
    assert_eq!(joined, large);
    let (kept, counted) = place.totals();
    assert_eq!(kept, Some(counted));
    assert_eq!(place.session().manifest.archives().len(), 1);
}

#[test]
fn an_interrupt_leaves_a_checkpoint_and_the_next_run_stores_only_the_rest() {
    let place = Place::new(Mode::RepokeyBlake2);
    let contents: Vec<Vec<u8>> = (0..60).map(|seed| noise(200_000, seed + 1)).collect();
    for (number, content) in contents.iter().enumerate() {
        fs::write(place.tree().join(format!("file-{number:02}")), content).unwrap();
    }
    let lines = Lines { interrupt_at: Some("file-03"), ..Lines::default() };
    assert!(matches!(place.create("archive", &lines, |_| ()), Err(Error::Interrupted)));
    let names: Vec<String> = place.session().manifest.archives().iter().map(|entry| entry.name.clone()).collect();
    assert_eq!(names, ["archive.checkpoint"]);
    let kept: usize = place.archive("archive.checkpoint").values().map(|(content, _)| content.len()).sum();
    assert!((200_000..12_000_000).contains(&kept), "{kept}");
    let (totals, counted) = place.totals();
    assert_eq!(totals, Some(counted));

    let outcome = place.create("archive", &Lines::default(), |_| ()).unwrap();
    assert_eq!(outcome.statistics.original_bytes, 12_000_000);
    let new = outcome.statistics.deduplicated_bytes as usize;
    assert!(new < 12_100_000 - kept, "{new} new bytes beside {kept}");
    let files = place.archive("archive");
    assert!(contents.iter().enumerate().all(|(number, content)| files[&format!("file-{number:02}")].0 == *content));
}

#[test]
fn totals_are_carried_on_while_nothing_is_left_behind() {
    let place = Place::new(Mode::RepokeyBlake2);
    let known = |place: &Place| known_totals(&place.session(), &Interrupt::default()).unwrap();
    for (name, bytes) in [("empty", 0), ("one", 100_000), ("same", 100_000)] {
        fs::write(place.tree().join(name), noise(bytes, 1)).unwrap();
    }
    for (turn, name) in ["first", "second", "third"].into_iter().enumerate() {
        place.create(name, &Lines::default(), |_| ()).unwrap();
        fs::write(place.tree().join(name), noise(50_000 * turn, 2)).unwrap();
    }
    let (kept, counted) = place.totals();
    assert_eq!(kept, Some(counted));
    assert_eq!(known(&place), counted.into());
    assert_eq!((counted.size_bytes, counted.chunks > counted.unique_chunks), (3 * 200_000 + 50_000, true));

    // A chunk that no archive refers to could come into use without being stored.
    let mut session = place.session();
    session.repository.put(&nanoprobe_format::Id([9; 32]), b"left behind").unwrap();
    session.commit_manifest().unwrap();
    drop(session);
    place.create("fourth", &Lines::default(), |_| ()).unwrap();
    let known = known(&place);
    let (kept, counted) = place.totals();
    assert_eq!((kept, known.chunks, known.unique_size_bytes), (None, None, None));
    assert_eq!((known.size_bytes, known.csize_bytes), (Some(counted.size_bytes), Some(counted.csize_bytes)));
    assert_eq!(known.unique_chunks, Some(counted.unique_chunks + 1));
}

fn walk_files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.metadata().unwrap().mode() & 0o40_000 != 0 { walk_files(&path) } else { vec![path] })
        .collect()
}
