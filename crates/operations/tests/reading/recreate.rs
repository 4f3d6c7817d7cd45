//! Archives written anew: what stays, what becomes of content, what the new archive says of itself, and what a run that ends
//! early leaves.

use std::{sync::Mutex, time::Duration};

use nanoprobe_archive::{ArchiveMetadata, ItemReader, ItemWriter, ManifestEntry};
use nanoprobe_chunker::Parameters;
use nanoprobe_compress::{Codec, Specification};
use nanoprobe_format::{ChunkRef, Id, item::Item};
use nanoprobe_key::Mode;
use nanoprobe_operations::{
    Budget, Error, Event, Interrupt, Monitor,
    check::{Options as CheckOptions, Outcome, Scope},
    patterns::Rule,
    recreate::{Options, Recompress, Recreate, RecreateError, Recreated},
};

use super::fixture::{Fixture, TIME, file, other};

const CUT: Parameters = Parameters::Fixed { block_bytes: 64, header_bytes: 0 };
const BUZHASH: Parameters = Parameters::Buzhash { minimum_exponent: 7, maximum_exponent: 10, mask_bits: 8, window: 31 };
const CACHE_TAG: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55\n# more";

/// Hears of items, and may interrupt the run at one of them.
#[derive(Default)]
struct Listener {
    lines: Mutex<Vec<String>>,
    interrupt: Interrupt,
    stop_at: Option<&'static str>,
}

impl Monitor for Listener {
    fn event(&self, event: Event<'_>) {
        if let Event::File { status, path } = event {
            let line = format!("{status} {}", String::from_utf8_lossy(path));
            if self.stop_at == Some(&line[2..]) {
                self.interrupt.request();
            }
            self.lines.lock().expect("sound").push(line);
        }
    }
}

fn options() -> Options {
    Options {
        rules: Vec::new(),
        paths: Vec::new(),
        exclude_caches: false,
        exclude_if_present: Vec::new(),
        keep_exclude_tags: false,
        recompress: Recompress::Never,
        compression: Specification::default(),
        chunker: None,
        comment: None,
        timestamp: None,
        checkpoint_interval: Duration::ZERO,
        dry_run: false,
        command_line: vec!["nanoprobe".to_owned(), "recreate".to_owned()],
        hostname: "here".to_owned(),
        username: "somebody".to_owned(),
    }
}

fn excluding(pattern: &str) -> Options {
    Options { rules: vec![Rule::exclude(pattern.as_bytes()).expect("a pattern")], ..options() }
}

/// Writes archives anew, to the end; gives what became of them and the lines.
fn recreate(fixture: &mut Fixture, options: &Options, names: &[&str]) -> (Vec<Recreated>, Vec<String>) {
    let listener = Listener::default();
    let mut run = Recreate::new(&mut fixture.session, options, &listener, &listener.interrupt);
    for name in names {
        assert!(run.archive(name, None).expect("written"), "{name}");
    }
    let recreated = run.finish().expect("replaced");
    (recreated, listener.lines.into_inner().expect("sound"))
}

fn metadata(fixture: &Fixture, name: &str) -> ArchiveMetadata {
    let session = &fixture.session;
    let entry = session.manifest.archive(name).expect("listed");
    ArchiveMetadata::open(&*session.repository, &session.key, &mut session.key.opener(), &entry.id).expect("read")
}

/// An archive that says of itself what `says` says.
fn archive(fixture: &mut Fixture, name: &str, items: &[Item<'_>], says: ArchiveMetadata) {
    let session = &mut fixture.session;
    let specification = Specification::default();
    let mut writer = ItemWriter::new(&session.key, session.sealer.clone(), &specification);
    items.iter().for_each(|item| writer.write(item, &*session.repository).expect("written"));
    let items = writer.flush(&*session.repository).expect("flushed").to_vec();
    let time = TIME.to_owned();
    let says = ArchiveMetadata { name: name.to_owned(), time: time.clone(), items, ..says };
    let id = says.store(&*session.repository, &session.key, &session.sealer).expect("stored").id;
    session.manifest.insert(ManifestEntry { name: name.to_owned(), id, time });
    session.commit_manifest().expect("committed");
}

/// What a test wants to know of every item.
fn items(fixture: &Fixture, name: &str) -> Vec<(String, Option<String>, Option<Vec<ChunkRef>>, Option<Vec<ChunkRef>>)> {
    let session = &fixture.session;
    let metadata = metadata(fixture, name);
    let mut reader = ItemReader::new(&*session.repository, session.key.opener(), &metadata.items);
    let mut items = Vec::new();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    while let Some(item) = reader.next().expect("an item") {
        let [chunks, healthy] =
            [item.chunks, item.chunks_healthy].map(|list| list.map(|list| list.iter().collect::<Vec<_>>()));
        items.push((text(item.path), item.source.map(text), chunks, healthy));
    }
    items
}

fn paths(fixture: &Fixture, name: &str) -> Vec<String> {
    items(fixture, name).into_iter().map(|item| item.0).collect()
}

/// The object as it is stored, and its codec.
fn object(fixture: &Fixture, id: &Id) -> (Vec<u8>, Option<Codec>) {
    let (mut object, mut opened) = (Vec::new(), Vec::new());
    fixture.session.repository.get(id, &mut object).expect("there");
    opened.clone_from(&object);
    let codec = Codec::of(fixture.session.key.opener().unseal_in_place(id, &mut opened).expect("sound"));
    (object, codec)
}

fn content(fixture: &Fixture, chunks: &[ChunkRef]) -> Vec<u8> {
    let (mut object, mut data, mut content) = (Vec::new(), Vec::new(), Vec::new());
    for chunk in chunks {
        fixture.session.repository.get(&chunk.id, &mut object).expect("there");
        fixture.session.key.opener().open(Some(&chunk.id), &object, &mut data).expect("sound");
        assert_eq!((data.len(), object.len()), (chunk.size as usize, chunk.csize as usize));
        content.extend_from_slice(&data);
    }
    content
}

/// Every object.
fn objects(fixture: &Fixture) -> Vec<(Id, Vec<u8>)> {
    let (mut ids, mut object) = (Vec::new(), Vec::new());
    let repository = &fixture.session.repository;
    repository.list(None, usize::MAX, &mut ids).expect("listed");
    ids.sort_unstable();
    let mut read = |id: &Id| {
        repository.get(id, &mut object).expect("there");
        object.clone()
    };
    ids.iter().map(|id| (*id, read(id))).collect()
}

/// Nothing is missing and nothing is left over.
fn sound(fixture: &Fixture) {
    let (outcome, heard) = fixture.check(&CheckOptions { scope: Scope::All, ..CheckOptions::default() });
    assert_eq!(outcome, Outcome::Sound, "{:?}", heard.defects);
}

fn lengthy(number: u32) -> Vec<u8> {
    (0..300 + number).flat_map(|place| (place * place * (7 + number)).to_le_bytes()).collect()
}

#[test]
fn what_would_change_nothing_is_left_alone() {
    let mut fixture = Fixture::new(Mode::Repokey);
    let chunk = fixture.chunk(b"content");
    let says = ArchiveMetadata { chunker_params: Some(CUT), ..ArchiveMetadata::default() };
    archive(&mut fixture, "one", &[file(b"file", &[chunk])], says);
    let before = objects(&fixture);
    // The same way of cutting is nothing to do, nor are tags that nothing has.
    let same = Options { chunker: Some(CUT), exclude_caches: true, ..options() };
    let tags = Options { exclude_if_present: vec![b".nobackup".to_vec()], ..options() };
    for options in [options(), same, tags] {
        let listener = Listener::default();
        let mut run = Recreate::new(&mut fixture.session, &options, &listener, &listener.interrupt);
        assert!(!run.archive("one", None).expect("looked at"));
        assert!(run.finish().expect("nothing to replace").is_empty());
        assert!(listener.lines.into_inner().expect("sound").is_empty());
    }
    assert_eq!(objects(&fixture), before);
}

#[test]
fn what_is_left_out_leaves_links_and_health_behind() {
    let mut fixture = Fixture::new(Mode::Repokey);
    let [first, zeros, small] = [&b"first"[..], &[0; 5], b"small"].map(|data| fixture.chunk(data));
    let lost = ChunkRef { id: Id([7; 32]), ..zeros };
    let (broken, healthy) = ([first, zeros], [first, lost]);
    let health = Some(nanoprobe_format::item::Chunks::Refs(&healthy));
    let link = |path, source| Item { hardlink_master: Some(false), ..other(path, 0o100_644, Some(source)) };
    fixture.archive(
        "one",
        &[
            other(b"d", 0o040_755, None),
            Item { hardlink_master: Some(true), chunks_healthy: health, size: Some(10), ..file(b"d/a", &broken) },
            Item { part: Some(1), ..file(b"d/a.borg_part_1", &[first]) },
            Item { hardlink_master: Some(true), ..other(b"d/fifo", 0o010_644, None) },
            file(b"d/gone", &[small]),
            other(b"s", 0o120_777, Some(b"d/a")),
            link(b"x", b"d/a"),
            link(b"y", b"d/a"),
            Item { chunks_healthy: health, ..file(b"z", &broken) },
            file(b"zz", &[small, small]),
        ],
    );
    let (recreated, lines) = recreate(&mut fixture, &excluding("d"), &["one"]);
    assert_eq!(
        lines,
        ["x d", "x d/a", "x d/fifo", "x d/gone", "s s", "A x", "- y", "A z", "A zz"].map(|line| {
            // A link without content has the letter of its kind.
            if line == "- y" { "A y".to_owned() } else { line.to_owned() }
        })
    );
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        items(&fixture, "one"),
        [
            ("s".to_owned(), text("d/a"), None, None),
            ("x".to_owned(), None, Some(broken.to_vec()), Some(healthy.to_vec())),
            ("y".to_owned(), text("x"), None, None),
            ("z".to_owned(), None, Some(broken.to_vec()), Some(healthy.to_vec())),
            ("zz".to_owned(), None, Some(vec![small, small]), None),
        ]
    );
    let (statistics, name) = (recreated[0].statistics, recreated[0].name.as_str());
    assert_eq!((name, statistics.files, statistics.original_bytes, statistics.deduplicated_bytes), ("one", 3, 30, 0));
    let says = metadata(&fixture, "one");
    assert_eq!((says.size_bytes, says.files, says.files_parts), (Some(30), Some(3), Some(0)));
    sound(&fixture);
    // Only some of it.
    let some = Options { paths: vec![b"zz".to_vec()], ..options() };
    recreate(&mut fixture, &some, &["one"]);
    assert_eq!(paths(&fixture, "one"), ["zz"]);
    sound(&fixture);
    assert_eq!(objects(&fixture).len(), 4, "manifest, archive, items, one chunk");
}

#[test]
fn tagged_directories_are_left_out() {
    let mut fixture = Fixture::new(Mode::None);
    let [tag, forged, data] = [CACHE_TAG, b"Signature: forged", b"data"].map(|data| fixture.chunk(data));
    let directory = |path| other(path, 0o040_755, None);
    fixture.archive(
        "one",
        &[
            Item { hardlink_master: Some(true), ..file(b"any", &[tag]) },
            directory(b"cache"),
            file(b"cache/CACHEDIR.TAG", &[tag]),
            file(b"cache/data", &[data]),
            directory(b"forged"),
            file(b"forged/CACHEDIR.TAG", &[forged]),
            directory(b"linked"),
            other(b"linked/CACHEDIR.TAG", 0o100_644, Some(b"any")),
            file(b"linked/data", &[data]),
            directory(b"no"),
            file(b"no/.nobackup", &[data]),
            directory(b"no/deep"),
            file(b"no/deep/data", &[data]),
            file(b"note", &[data]),
        ],
    );
    let caches = Options { exclude_caches: true, ..options() };
    let tags = Options { exclude_if_present: vec![b".nobackup".to_vec()], ..caches.clone() };
    let kept = Options { keep_exclude_tags: true, ..tags.clone() };
    for (name, options, expected) in [
        ("caches", caches, &["no", "no/.nobackup", "no/deep", "no/deep/data"][..]),
        ("kept", kept, &["cache", "cache/CACHEDIR.TAG", "linked", "linked/CACHEDIR.TAG", "no", "no/.nobackup"]),
        ("tags", tags, &[]),
    ] {
        let listener = Listener::default();
        let mut run = Recreate::new(&mut fixture.session, &options, &listener, &listener.interrupt);
        assert!(run.archive("one", Some(name)).expect("written"));
        run.finish().expect("nothing to replace");
        let mut expected = [&["any", "forged", "forged/CACHEDIR.TAG", "note"], expected].concat();
        expected.sort_unstable();
        assert_eq!(paths(&fixture, name), expected, "{name}");
    }
    assert_eq!(fixture.session.manifest.archives().len(), 4);
    sound(&fixture);
}

#[test]
fn chunks_are_compressed_anew_where_that_is_asked() {
    let mut fixture = Fixture::new(Mode::RepokeyBlake2);
    let data = [lengthy(0), lengthy(1), b"incompressible".to_vec()];
    let chunks = [0, 1, 0, 2].map(|place: usize| fixture.chunk(&data[place]));
    let healthy = [chunks[0], ChunkRef { id: Id([9; 32]), size: 3, csize: 4 }];
    let health = Some(nanoprobe_format::item::Chunks::Refs(&healthy));
    fixture.archive("one", &[file(b"a", &chunks), Item { chunks_healthy: health, ..file(b"b", &chunks[..2]) }]);
    assert_eq!(object(&fixture, &chunks[0].id).1, Some(Codec::Lz4));

    let zstd = Options { compression: "zstd,3".parse().expect("valid"), ..options() };
    let different = Options { recompress: Recompress::IfDifferent, ..zstd.clone() };
    let (recreated, lines) = recreate(&mut fixture, &different, &["one"]);
    assert_eq!(lines, ["A a", "A b"]);
    let found = items(&fixture, "one");
    let [new, short] = [&found[0], &found[1]].map(|item| item.2.clone().expect("chunks"));
    let plain = [&data[0][..], &data[1], &data[0], &data[2]].concat();
    assert_eq!(content(&fixture, &new), plain, "stored sizes are the new ones");
    assert!(new.iter().zip(&chunks).all(|(new, old)| (new.id, new.size) == (old.id, old.size)));
    assert_eq!((&short[..], found[1].3.as_deref()), (&new[..2], Some(&healthy[..])));
    let codecs: Vec<_> = new.iter().map(|chunk| object(&fixture, &chunk.id).1).collect();
    assert_eq!(codecs, [Codec::Zstd, Codec::Zstd, Codec::Zstd, Codec::None].map(Some));
    let csizes: u64 = new.iter().chain(&short).map(|chunk| u64::from(chunk.csize)).sum();
    assert_eq!((recreated[0].statistics.compressed_bytes, recreated[0].statistics.deduplicated_bytes), (csizes, 0));
    sound(&fixture);

    // What has the codec already is not touched, whatever its level; always is always.
    let stored = [0, 3].map(|place| object(&fixture, &new[place].id).0);
    let level = Options { compression: "zstd,9".parse().expect("valid"), ..different.clone() };
    recreate(&mut fixture, &level, &["one"]);
    assert_eq!([0, 3].map(|place| object(&fixture, &new[place].id).0), stored);
    recreate(&mut fixture, &Options { recompress: Recompress::Always, ..zstd }, &["one"]);
    let again = [0, 3].map(|place| object(&fixture, &new[place].id).0);
    assert!(again[0] != stored[0] && again[1] != stored[1]);
    sound(&fixture);
}

#[test]
fn files_are_cut_anew() {
    let mut fixture = Fixture::new(Mode::Repokey);
    let (one, other_half, short) = (lengthy(0), lengthy(40), b"short".to_vec());
    let chunks = [&one, &other_half].map(|data| fixture.chunk(data));
    let last = [fixture.chunk(&short), chunks[0]];
    let health = Some(nanoprobe_format::item::Chunks::Refs(&chunks));
    let says = ArchiveMetadata { chunker_params: Some(Parameters::DEFAULT), ..ArchiveMetadata::default() };
    let files = [Item { chunks_healthy: health, ..file(b"a", &chunks) }, file(b"empty", &[]), file(b"z", &last)];
    archive(&mut fixture, "one", &files, says);
    for parameters in [BUZHASH, CUT, Parameters::DEFAULT, "fastcdc,7,9,11".parse().expect("valid")] {
        // Compressing anew at once finds chunks of this very run.
        for recompress in [Recompress::Never, Recompress::IfDifferent] {
            let target = format!("{parameters:?} {recompress:?}");
            let options = Options { chunker: Some(parameters), recompress, ..options() };
            let listener = Listener::default();
            let mut run = Recreate::new(&mut fixture.session, &options, &listener, &listener.interrupt);
            assert!(run.archive("one", Some(&target)).expect("written"));
            run.finish().expect("nothing to replace");
            let found = items(&fixture, &target);
            let contents: Vec<_> =
                found.iter().map(|item| content(&fixture, item.2.as_ref().expect("chunks"))).collect();
            assert_eq!(contents[0], [one.clone(), other_half.clone()].concat());
            assert_eq!((&contents[1][..], &contents[2]), (&b""[..], &[short.clone(), one.clone()].concat()));
            assert!(parameters == Parameters::DEFAULT || found[0].3.is_none(), "health is of the old chunks");
            if parameters == CUT {
                let sizes: Vec<u32> = found[2].2.iter().flatten().map(|chunk| chunk.size).collect();
                assert!(sizes[..sizes.len() - 1].iter().all(|&size| size == 64), "cut across old ends");
            }
            let recorded = Some(parameters).filter(|kind| !matches!(kind, Parameters::FastCdc { .. }));
            assert_eq!(metadata(&fixture, &target).chunker_params, recorded);
        }
    }
    // In its own place, with everything that only the old chunks were for gone.
    recreate(&mut fixture, &Options { chunker: Some(BUZHASH), ..options() }, &["one"]);
    sound(&fixture);
}

#[test]
fn the_new_archive_says_what_borgs_would() {
    let mut fixture = Fixture::new(Mode::Repokey);
    let chunk = fixture.chunk(b"content");
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let says = ArchiveMetadata {
        comment: "old".to_owned(),
        command_line: words(&["borg", "create"]),
        recreate_command_line: Some(words(&["borg", "recreate", "before"])),
        working_directory: Some("/old".to_owned()),
        hostname: "there".to_owned(),
        username: "else".to_owned(),
        time_end: "2026-01-02T03:04:06.000007".to_owned(),
        chunker_params: Some(CUT),
        size_parts_bytes: Some(5),
        ..ArchiveMetadata::default()
    };
    archive(&mut fixture, "one", &[file(b"a", &[chunk]), file(b"b", &[chunk])], says.clone());
    recreate(&mut fixture, &excluding("b"), &["one"]);
    let kept = metadata(&fixture, "one");
    let here = std::env::current_dir().expect("a folder").display().to_string();
    let expected = ArchiveMetadata {
        name: "one".to_owned(),
        time: TIME.to_owned(),
        recreate_command_line: Some(options().command_line),
        working_directory: Some(here),
        hostname: "here".to_owned(),
        username: "somebody".to_owned(),
        chunker_params: Some(Parameters::DEFAULT),
        items: kept.items.clone(),
        size_bytes: Some(7),
        csize_bytes: Some(chunk.csize.into()),
        files: Some(1),
        size_parts_bytes: Some(0),
        csize_parts_bytes: Some(0),
        files_parts: Some(0),
        authentic: true,
        ..says
    };
    assert_eq!(kept, expected);

    // 2020-02-03T04:05:06.
    let dated = Options { comment: Some("new".to_owned()), timestamp: Some(1_580_702_706_000_000), ..options() };
    recreate(&mut fixture, &dated, &["one"]);
    let dated = metadata(&fixture, "one");
    assert_eq!((dated.comment.as_str(), dated.time.as_str()), ("new", "2020-02-03T04:05:06.000000"));
    assert!(dated.time_end > dated.time && dated.time_end.starts_with("2020-02-03T04:05:"), "{}", dated.time_end);
    assert_eq!(fixture.session.manifest.archive("one").expect("listed").time, dated.time);
    // An archive that did not say how it was cut does not begin to.
    fixture.archive("untold", &[file(b"a", &[chunk])]);
    recreate(&mut fixture, &Options { comment: Some(String::new()), ..options() }, &["untold"]);
    assert_eq!(metadata(&fixture, "untold").chunker_params, None);
    sound(&fixture);
}

#[test]
fn targets_stand_beside_the_old_one() {
    let mut fixture = Fixture::new(Mode::Repokey);
    let chunk = fixture.chunk(b"content");
    fixture.archive("one", &[file(b"a", &[chunk])]);
    // What the new one would be called if it were not a target.
    fixture.archive("new.recreate", &[file(b"b", &[chunk])]);
    let before = fixture.session.manifest.archive("one").cloned();
    let (listener, options) = (Listener::default(), options());
    let mut run = Recreate::new(&mut fixture.session, &options, &listener, &listener.interrupt);
    assert!(run.archive("one", Some("new")).expect("written"));
    for (name, target) in [("one", Some("new")), ("one", Some("one")), ("new", None)] {
        let refused = run.archive(name, target);
        assert!(matches!(&refused, Err(RecreateError::Operation(Error::ArchiveExists(_)))), "{refused:?}");
    }
    let missing = run.archive("none", None);
    assert!(matches!(&missing, Err(RecreateError::Operation(Error::NoSuchArchive(_)))), "{missing:?}");
    assert_eq!(run.finish().expect("nothing to replace").len(), 1);
    assert_eq!(paths(&fixture, "new"), ["a"]);
    assert_eq!(paths(&fixture, "new.recreate"), ["b"]);
    assert_eq!(fixture.session.manifest.archive("one").cloned(), before);
    sound(&fixture);
}

#[test]
fn a_dry_run_changes_nothing() {
    let mut fixture = Fixture::new(Mode::Repokey);
    let chunk = fixture.chunk(&lengthy(0));
    fixture.archive("one", &[other(b"d", 0o040_755, None), file(b"d/a", &[chunk]), file(b"e", &[chunk])]);
    let before = objects(&fixture);
    let rules = excluding("d/a").rules;
    let always = Options { recompress: Recompress::Always, chunker: Some(BUZHASH), rules, ..options() };
    let (_, lines) = recreate(&mut fixture, &Options { dry_run: true, ..always }, &["one"]);
    assert_eq!(lines, ["- d", "x d/a", "- e"]);
    assert_eq!(objects(&fixture), before);
}

#[test]
fn an_interrupted_run_keeps_what_was_complete() {
    let mut fixture = Fixture::new(Mode::Repokey);
    let chunks = [0, 1, 2].map(|number| fixture.chunk(&lengthy(number)));
    fixture.archive("one", &[file(b"a", &chunks[..1]), file(b"b", &chunks[1..2])]);
    fixture.archive("two", &[file(b"c", &chunks[..2]), file(b"stop", &chunks[2..]), file(b"z", &chunks[..1])]);
    let before = fixture.session.manifest.archive("two").cloned();
    let zstd = Options {
        recompress: Recompress::IfDifferent,
        compression: "zlib,1".parse().expect("valid"),
        checkpoint_interval: Duration::from_nanos(1),
        comment: Some("new".to_owned()),
        ..options()
    };
    let listener = Listener { stop_at: Some("stop"), ..Listener::default() };
    let mut run = Recreate::new(&mut fixture.session, &zstd, &listener, &listener.interrupt);
    assert!(run.archive("one", None).expect("written"));
    let ended = run.archive("two", None);
    assert!(matches!(&ended, Err(RecreateError::Operation(Error::Interrupted))), "{ended:?}");
    run.finish_failed();
    let mut names: Vec<_> = fixture.session.manifest.archives().iter().map(|entry| entry.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["one", "two", "two.recreate.checkpoint"]);
    assert_eq!((metadata(&fixture, "one").comment.as_str(), metadata(&fixture, "two").comment.as_str()), ("new", ""));
    assert_eq!(fixture.session.manifest.archive("two").cloned(), before);
    let checkpoint = metadata(&fixture, "two.recreate.checkpoint");
    assert_eq!(
        (checkpoint.comment.as_str(), checkpoint.recreate_command_line),
        ("new", Some(zstd.command_line.clone()))
    );
    assert_eq!(paths(&fixture, "two.recreate.checkpoint"), ["c", "stop"]);
    // Objects that are compressed anew have the size that one of the archives says.
    let (_, heard) = fixture.check(&CheckOptions { scope: Scope::All, ..CheckOptions::default() });
    assert!(heard.defects.into_inner().expect("sound").is_empty());
    // The next run goes through, and leaves nothing of the first.
    recreate(&mut fixture, &Options { checkpoint_interval: Duration::ZERO, ..zstd }, &["one", "two"]);
    assert_eq!(metadata(&fixture, "two").comment, "new");
    assert_eq!(fixture.session.manifest.archives().len(), 2);
    sound(&fixture);
}

#[test]
fn what_has_no_room_is_refused_before_anything_changes() {
    let mut fixture = Fixture::new(Mode::Repokey);
    let chunk = fixture.chunk(b"content");
    let large = fixture.chunk(&vec![0; 17 << 20]);
    fixture.archive("one", &[file(b"a", &[chunk])]);
    fixture.archive("large", &[file(b"a", &[chunk]), file(b"b", &[large])]);
    let before = objects(&fixture);
    let refused = |fixture: &mut Fixture, name: &str, options: &Options| {
        let listener = Listener::default();
        let mut run = Recreate::new(&mut fixture.session, options, &listener, &listener.interrupt);
        let refused = run.archive(name, None);
        assert!(matches!(&refused, Err(RecreateError::Operation(Error::MemoryLimit(_)))), "{refused:?}");
        run.finish_failed();
    };
    let always = Options { recompress: Recompress::Always, ..options() };
    // A chunk that is larger than an archive without a word on it lets expect.
    refused(&mut fixture, "large", &always);
    fixture.session.budget = Budget::new(24 << 20);
    refused(&mut fixture, "one", &always);
    assert_eq!(objects(&fixture), before);
    // Where content stays as it is, its size does not matter.
    recreate(&mut fixture, &Options { comment: Some("new".to_owned()), ..options() }, &["one", "large"]);
    fixture.session.budget = Budget::new(Budget::DEFAULT_BYTES * 2);
    recreate(&mut fixture, &always, &["large"]);
    sound(&fixture);
}
