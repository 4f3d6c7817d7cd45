//! Files that cannot be read, that change, vanish, or are no ordinary files; names that are no text; streams, lists of paths
//! and commands that fail. Both programs get the same input: exit codes (legacy and modern), status letters, warnings and
//! the items that real Borg then finds have to be equal.

use std::{
    ffi::OsStr,
    fs::{self, File, OpenOptions, Permissions},
    io::Write,
    os::unix::{
        ffi::OsStrExt,
        fs::{FileExt, PermissionsExt, symlink},
    },
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use nanoprobe_interop::{Outcome, Program, World, assert_same_tree, read_tree};
use rustix::fs::{CWD, FileType, Mode, mknodat};

/// What is compared of each item.
const ITEM: &str = "{type} {mode} {uid}:{gid} {user}:{group} {size} {mtime} {source} {xxh64} {path}{NL}";

/// Items of streams have the time of the run.
const STREAM_ITEM: &str = "{type} {mode} {uid}:{gid} {user}:{group} {size} {xxh64} {path}{NL}";

/// One repository that both programs write to.
struct Stage {
    world: World,
    item: &'static str,
}

impl Stage {
    fn new(item: &'static str) -> Self {
        let world = World::with_repository(Program::Borg, "none");
        fs::create_dir(world.path("tree")).expect("a tree");
        Self { world, item }
    }

    fn tree(&self, name: impl AsRef<Path>) -> std::path::PathBuf {
        self.world.path("tree").join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::create_dir_all(self.tree(name).parent().expect("a folder")).expect("a folder");
        fs::write(self.tree(name), content).expect("a file");
    }

    /// `create` with these words, `ARCHIVE` among them, by both.
    fn same<S: AsRef<str>>(&mut self, wrapper: &[S], arguments: &[&str]) -> Outcome {
        // Whoever waits for ever is a failure, too.
        let wrapper = ["timeout", "30"].into_iter().chain(wrapper.iter().map(AsRef::as_ref));
        let wrapper: Vec<String> = wrapper.map(str::to_owned).collect();
        self.same_with(|world, program, archive| {
            let arguments = arguments.iter().map(|word| word.replace("ARCHIVE", archive));
            Outcome::of(world.command_under(&wrapper, program, ["create".to_owned()].into_iter().chain(arguments)))
        })
    }

    /// Runs both and compares all that they say and store; gives ours, with modern codes where it is not 0.
    fn same_with(&mut self, run: impl Fn(&World, Program, &str) -> Outcome) -> Outcome {
        let mut last = None;
        for codes in ["legacy", "modern"] {
            self.world.set("BORG_EXIT_CODES", codes);
            let [borg, ours] = Program::BOTH.map(|program| {
                let archive = format!("repo::{program}-{codes}");
                let outcome = run(&self.world, program, &archive);
                let _ = fs::remove_dir_all(self.world.path("home/.cache"));
                let messages = sorted(&timeless(&outcome.messages.replace(&archive, "ARCHIVE")));
                (outcome, messages)
            });
            let context = format!("{}\n--- borg\n{}\n--- ours\n{}", ours.0.command, borg.1, ours.1);
            assert_eq!(ours.0.code, borg.0.code, "exit codes ({codes}): {context}");
            assert_eq!(ours.1, borg.1, "messages ({codes}): {context}");
            if codes == "modern" {
                last = Some(ours.0);
                break;
            }
            let [borg_items, our_items] = Program::BOTH.map(|program| self.items(&format!("{program}-{codes}")));
            assert_eq!(our_items, borg_items, "items ({codes}): {context}");
            let code = ours.0.code;
            last = Some(ours.0);
            if code == 0 {
                break;
            }
        }
        self.world.run(Program::Nanoprobe, ["check", "repo"]).success();
        fs::remove_dir_all(self.world.path("repo")).expect("the repository");
        self.world.run(Program::Nanoprobe, ["init", "-e", "none", "repo"]).success();
        last.expect("a run")
    }

    /// What real Borg finds in an archive; nothing where there is none.
    fn items(&self, archive: &str) -> String {
        let archive = self.world.archive(archive);
        let listed = self.world.run(Program::Borg, ["list", "--format", self.item, &archive]);
        sorted(&listed.output)
    }
}

/// Without what differs from run to run: the time, and numbers of open files.
fn timeless(messages: &str) -> String {
    let mut text = messages.to_owned();
    for (before, after) in [("\"time\": ", ","), ("<FD ", ">")] {
        let mut pieces = text.split(before);
        let first = pieces.next().unwrap_or_default().to_owned();
        let rest = pieces.map(|piece| piece.split_once(after).map_or(piece, |(_, rest)| rest));
        text = rest.fold(first, |text, piece| text + before + after + piece);
    }
    text
}

/// Both walk directories in different orders.
fn sorted(text: &(impl AsRef<[u8]> + ?Sized)) -> String {
    let text = text.as_ref().escape_ascii().to_string().replace("\\n", "\n");
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

const PLAIN: [&str; 0] = [];

/// A wrapper that makes one system call on one path fail, as a broken disk or another process would.
fn failing(path: &str, calls: &str, error: &str) -> Vec<String> {
    let inject = format!("inject={calls}:error={error}");
    ["strace", "-f", "-qq", "-o", "/dev/null", "-P", path, "-e", &inject].map(str::to_owned).to_vec()
}

/// Runs `program` with something on its standard input.
fn fed(world: &World, program: Program, arguments: &[&str], input: &[u8]) -> Outcome {
    let place = world.path("input");
    fs::write(&place, input).expect("the input");
    let mut command = world.command(program, arguments);
    command.stdin(File::open(place).expect("the input"));
    Outcome::of(command)
}

/// Permissions count for root too; nothing where that cannot be had.
fn without_privilege() -> Option<Vec<String>> {
    if !rustix::process::geteuid().is_root() {
        return Some(Vec::new());
    }
    let wrapper = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"].map(str::to_owned).to_vec();
    let works = Command::new(&wrapper[0]).arg(&wrapper[1]).arg("true").stderr(Stdio::null()).status();
    if works.is_ok_and(|status| status.success()) {
        return Some(wrapper);
    }
    println!("skipped: files without permissions (root cannot give its capabilities up here)");
    None
}

#[test]
fn files_without_permissions() {
    let Some(wrapper) = without_privilege() else { return };
    let mut stage = Stage::new(ITEM);
    stage.write("readable", "content");
    stage.write("closed", "content");
    stage.write("folder/file", "content");
    stage.write("listed/file", "content");
    let modes = [("closed", 0o000), ("folder", 0o000), ("listed", 0o600)];
    let set = |open: bool| {
        for (name, mode) in modes {
            let mode = if open { 0o755 } else { mode };
            fs::set_permissions(stage.tree(name), Permissions::from_mode(mode)).expect("permissions");
        }
    };
    set(false);
    let ours = stage.same(&wrapper, &["--list", "ARCHIVE", "tree"]);
    assert_eq!(ours.code, 105, "{}", ours.messages);
    stage.same(&wrapper, &["--log-json", "--list", "--filter=E", "ARCHIVE", "tree/closed", "tree/nowhere"]);
    stage.same(&wrapper, &["--dry-run", "--list", "ARCHIVE", "tree"]);
}

#[test]
fn calls_that_fail() {
    let mut stage = Stage::new(ITEM);
    stage.write("good", "content");
    stage.write("victim", vec![7; 100_000]);
    stage.write("folder/below", "content");
    symlink("target", stage.tree("link")).expect("a link");
    let path = stage.tree("victim").display().to_string();
    for (path, calls, error, code) in [
        // Gone between the listing and stat, or between stat and open.
        ("victim", "?statx,?newfstatat,?fstatat64", "ENOENT", 107),
        ("victim", "openat", "ENOENT", 107),
        ("folder", "openat", "ENOENT", 107),
        ("link", "?readlinkat,?readlink", "EINVAL", 104),
        (&path, "read", "EIO", 106),
        (&path, "read", "ESTALE", 104),
    ] {
        let ours = stage.same(&failing(path, calls, error), &["--list", "ARCHIVE", "tree"]);
        assert_eq!(ours.code, code, "{path} {calls}: {}", ours.messages);
    }
    let ours = stage.same(&PLAIN, &["--list", "ARCHIVE", "tree/good", "tree/nowhere", "nowhere/at/all"]);
    assert_eq!(ours.code, 107, "{}", ours.messages);
    let ours = stage.same(&PLAIN, &["ARCHIVE", "tree/nowhere"]);
    assert_eq!(ours.code, 107, "{}", ours.messages);
}

#[test]
fn attributes_that_cannot_be_read() {
    let mut stage = Stage::new(ITEM);
    stage.write("good", "content");
    stage.write("victim", "content");
    let (victim, value) = (stage.tree("victim"), b"value");
    if rustix::fs::setxattr(&victim, "user.name", value, rustix::fs::XattrFlags::empty()).is_err() {
        println!("skipped: extended attributes that cannot be read (the file system has none)");
        return;
    }
    let path = victim.display().to_string();
    for (calls, error) in
        [("fgetxattr", "EACCES"), ("fgetxattr", "ENODATA"), ("flistxattr", "EACCES"), ("flistxattr", "EPERM")]
    {
        // The first call only: Borg asks for ACLs whether there are any or not.
        let wrapper = failing(&path, calls, &format!("{error}:when=1"));
        stage.same(&wrapper, &["--list", "ARCHIVE", "tree"]);
    }
}

#[test]
fn names_that_are_no_text() {
    let mut stage = Stage::new(ITEM);
    for name in [
        &b"latin-\xe9"[..],
        b"\xff\xfe",
        b"half-\xc3",
        b"line\nbreak",
        b"quote'\"\\",
        b"tab\tbell\x07",
        "ä €".as_bytes(),
    ] {
        fs::write(stage.tree(OsStr::from_bytes(name)), name).expect("a file");
    }
    fs::create_dir(stage.tree(OsStr::from_bytes(b"folder-\x80"))).expect("a folder");
    fs::write(stage.tree(OsStr::from_bytes(b"folder-\x80/below")), "below").expect("a file");
    symlink(OsStr::from_bytes(b"to-\xf0"), stage.tree("link")).expect("a link");
    stage.same(&PLAIN, &["--list", "ARCHIVE", "tree"]);
    stage.same(&PLAIN, &["--list", "--log-json", "ARCHIVE", "tree"]);
    // Warnings name them too. (On its command line Borg takes no such name.)
    for option in ["--list", "--log-json"] {
        stage.same_with(|world, program, archive| {
            let names = b"gone-\xe9\0gone-\n'\0tree/\xff\0tree/line\nbreak\0tree/latin-\xe9/below";
            fed(world, program, &["create", option, "--paths-from-stdin", "--paths-delimiter=\\0", archive], names)
        });
    }
}

#[test]
fn files_that_change_while_they_are_read() {
    let mut stage = Stage::new("{type} {mode} {path}{NL}");
    stage.write("good", "content");
    stage.write("growing", vec![1; 300_000]);
    let path = stage.tree("growing").display().to_string();
    let slowly = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", &path, "-e", "inject=read:delay_exit=400000:when=1"];
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut file = OpenOptions::new().append(true).open(&path).expect("the file");
            while !over.load(Ordering::Relaxed) {
                file.write_all(b"more").expect("room");
                thread::sleep(Duration::from_millis(20));
            }
        });
        let ours = stage.same(&slowly, &["--list", "ARCHIVE", "tree"]);
        over.store(true, Ordering::Relaxed);
        assert_eq!(ours.code, 100, "{}", ours.messages);
    });
    // The run that follows does not believe what it knows of the file.
    for option in ["--files-changed=mtime", "--files-changed=disabled"] {
        stage.same(&PLAIN, &["--list", option, "ARCHIVE", "tree"]);
    }
}

/// Writes into a FIFO when somebody reads from it.
fn feed(fifo: &Path) -> std::process::Child {
    let script = "printf 'what went through' > \"$1\"";
    Command::new("sh").args(["-c", script, "sh"]).arg(fifo).spawn().expect("a shell")
}

#[test]
fn special_files_that_are_read() {
    let mut stage = Stage::new(STREAM_ITEM);
    stage.write("good", "content");
    mknodat(CWD, stage.tree("fifo"), FileType::Fifo, Mode::from_raw_mode(0o640), 0).expect("a FIFO");
    symlink("good", stage.tree("to-good")).expect("a link");
    symlink("nowhere", stage.tree("broken")).expect("a link");
    symlink("/dev/null", stage.tree("to-device")).expect("a link");
    let run = |world: &World, program, fifo: &str, archive: &str| {
        let mut feeder = feed(&world.path(fifo));
        let arguments = ["create", "--list", "--read-special", archive, "tree"];
        let outcome = Outcome::of(world.command_under(&["timeout", "30"], program, arguments));
        let _ = feeder.kill();
        let _ = feeder.wait();
        outcome
    };
    stage.same_with(|world, program, archive| run(world, program, "tree/fifo", archive));
    fs::rename(stage.tree("fifo"), stage.world.path("fifo")).expect("a move");
    symlink("../fifo", stage.tree("to-fifo")).expect("a link");
    stage.same_with(|world, program, archive| run(world, program, "fifo", archive));
    // Without the option nobody waits for a writer.
    stage.same(&PLAIN, &["--list", "ARCHIVE", "tree", "fifo"]);
}

#[test]
fn streams() {
    let mut stage = Stage::new(STREAM_ITEM);
    stage.write("good", "content");
    let named = ["--stdin-name=a/../../name", "--stdin-user=daemon", "--stdin-group=bin", "--stdin-mode=4751"];
    for options in [&["--list"][..], &named, &["--stdin-user=nobody-of-this-name"], &["--dry-run", "--list"]] {
        stage.same_with(|world, program, archive| {
            let arguments = [&["create"], options, &[archive, "tree/good", "-"]].concat();
            fed(world, program, &arguments, b"what comes in")
        });
    }
    for (options, script, code) in [
        (&["--list", "--stdin-name=dump"][..], "printf content", 0),
        (&["--list"], "printf part; exit 3", 4),
        (&["--list"], "kill -9 $$", 4),
        (&["--dry-run", "--list"], "exit 3", 0),
    ] {
        let words = [options, &["--content-from-command", "ARCHIVE", "--", "sh", "-c", script]].concat();
        let ours = stage.same(&PLAIN, &words);
        assert_eq!(ours.code, code, "{}", ours.messages);
    }
    stage.same(&PLAIN, &["--content-from-command", "ARCHIVE", "--", "no-such-command"]);
    stage.same(&PLAIN, &["--content-from-command", "ARCHIVE", "--", "tree"]);
}

#[test]
fn lists_of_paths() {
    let mut stage = Stage::new(ITEM);
    for name in ["a", "b b", "folder/below", "d;e"] {
        stage.write(name, name);
    }
    fs::write(stage.tree(OsStr::from_bytes(b"latin-\xe9")), "x").expect("a file");
    for (options, input) in [
        (&["--list"][..], &b"tree/a\ntree/folder\ntree/nowhere\ntree/b b\ntree/latin-\xe9"[..]),
        (&["--list", "--paths-delimiter=\\0"], b"tree/a\0tree/b b\0./tree//folder/../d;e\0"),
        (&["--list", "--paths-delimiter=;;"], b"tree/a;;tree/d;e;;tree/./folder/below"),
        (&["--list", "--dry-run"], b"tree/a\ntree/nowhere\n"),
        (&["--list", "--exclude=tree/a"], b"tree/a\n\ntree/b b\n"),
    ] {
        stage.same_with(|world, program, archive| {
            fed(world, program, &[&["create", "--paths-from-stdin"], options, &[archive]].concat(), input)
        });
    }
    for (script, code) in [("echo tree/a; echo tree/folder", 0), ("echo tree/a; exit 5", 4)] {
        let words = ["--list", "--paths-from-command", "ARCHIVE", "--", "sh", "-c", script];
        let ours = stage.same(&PLAIN, &words);
        assert_eq!(ours.code, code, "{}", ours.messages);
    }
    stage.same(&PLAIN, &["--paths-from-command", "ARCHIVE", "--", "no-such-command"]);
}

#[test]
fn holes() {
    let mut stage = Stage::new(ITEM);
    for (name, size, data) in [
        ("all-hole", 9 << 20, &[][..]),
        ("middle", 12 << 20, &[(5 << 20) + 4096_u64]),
        ("ends", (8 << 20) + 77, &[0, 8 << 20]),
        ("odd", 5_000_001, &[3_000_003]),
    ] {
        let file = File::create(stage.tree(name)).expect("a file");
        file.set_len(size).expect("a size");
        data.iter().for_each(|place| file.write_all_at(b"data", *place).expect("room"));
    }
    for parameters in ["fixed,1048576", "fixed,4194304,4096", "buzhash,10,16,12,4095"] {
        let option = format!("--chunker-params={parameters}");
        stage.same(&PLAIN, &["--sparse", &option, "ARCHIVE", "tree"]);
    }
    let world = &stage.world;
    world.run(Program::Nanoprobe, ["create", "--sparse", "--chunker-params=fixed,65536", "repo::a", "tree"]).success();
    let blocks = Program::BOTH.map(|program| {
        let folder = world.path(&format!("holes-{program}"));
        fs::create_dir(&folder).expect("a folder");
        world.run_in(&folder, program, ["extract", "--sparse", &world.archive("a")]).success();
        assert_same_tree(&world.path("tree"), &folder.join("tree"));
        let blocks = |name| std::os::unix::fs::MetadataExt::blocks(&fs::metadata(folder.join(name)).expect("a file"));
        ["all-hole", "middle", "ends", "odd"].map(|name| blocks(format!("tree/{name}")))
    });
    assert_eq!(blocks[1], blocks[0], "blocks on the disk");
}

#[test]
fn what_asks_to_be_left_out() {
    let mut stage = Stage::new(ITEM);
    let tag = "Signature: 8a477f597d28d172789f06886806bc55 and more";
    stage.write("cache/CACHEDIR.TAG", tag);
    stage.write("cache/content", "x");
    stage.write("no-cache/CACHEDIR.TAG", "something else");
    stage.write("tagged/.nobackup", "");
    stage.write("tagged/below/content", "x");
    stage.write("tagged-folder/.nobackup/inside", "x");
    stage.write("flagged", "x");
    let flagged = Command::new("chattr").arg("+d").arg(stage.tree("flagged")).stderr(Stdio::null()).status();
    if !flagged.is_ok_and(|status| status.success()) {
        println!("skipped: a file flagged NODUMP (the file system has no flags)");
    }
    let tags = ["--exclude-caches", "--exclude-if-present=.nobackup", "--exclude-nodump"];
    for more in [&[][..], &["--keep-exclude-tags"], &["--keep-exclude-tags", "--dry-run"]] {
        let words = [&["--list"], &tags[..], more, &["ARCHIVE", "tree"]].concat();
        stage.same(&PLAIN, &words);
    }
    let place = stage.tree("mounted");
    fs::create_dir(&place).expect("a mount point");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "none"]).arg(&place).stderr(Stdio::null()).status();
    if !mounted.is_ok_and(|status| status.success()) {
        println!("skipped: --one-file-system (nothing can be mounted here)");
        return;
    }
    fs::write(place.join("there"), "x").expect("a file");
    stage.same(&PLAIN, &["--list", "-x", "ARCHIVE", "tree"]);
    stage.same(&PLAIN, &["--list", "-x", "ARCHIVE", "tree", "tree/mounted"]);
    assert!(Command::new("umount").arg(&place).status().is_ok_and(|status| status.success()));
}

/// Not even a repository has to be there, and none is opened that is: no passphrase, no lock, nothing written.
#[test]
fn dry_runs_open_nothing() {
    let world = World::with_repository(Program::Borg, "repokey");
    fs::create_dir_all(world.path("tree/folder")).expect("a tree");
    fs::write(world.path("tree/file"), "content").expect("a file");
    fs::create_dir(world.path("repo/lock.exclusive")).expect("a lock");
    fs::write(world.path("repo/lock.exclusive/elsewhere@1.4711-0"), "").expect("a holder");
    let written = || ["repo", "home"].map(|place| read_tree(&world.path(place)));
    let before = written();
    for words in [
        &["repo::a", "tree"][..],
        &["nowhere::a", "tree"],
        &["repo::a", "tree", "gone"],
        &["--stats", "-x", "repo::a", "tree/file"],
        &["--json", "repo::a", "tree"],
        &["--files-cache=nonsense", "repo::a", "tree"],
        &["repo", "tree"],
    ] {
        let [borg, ours] = Program::BOTH.map(|program| {
            let words = [&["create", "--dry-run", "--list"], words].concat();
            let mut command = world.command(program, words);
            command.env_remove("BORG_PASSPHRASE");
            Outcome::of(command)
        });
        assert_eq!(
            (ours.code, &ours.output),
            (borg.code, &borg.output),
            "{words:?}\n{}\n{}",
            borg.messages,
            ours.messages
        );
        if ours.code != 2 {
            assert_eq!(sorted(&ours.messages), sorted(&borg.messages), "{words:?}");
        }
    }
    assert_eq!(written(), before);
}

/// What is known of a file that then cannot be opened is not taken for the next one's content.
#[test]
fn known_files_that_cannot_be_opened_any_more() {
    let Some(wrapper) = without_privilege() else { return };
    let stage = Stage::new(ITEM);
    for name in ["a", "b", "c", "z"] {
        stage.write(name, name.repeat(5000));
        thread::sleep(Duration::from_millis(70));
    }
    let world = &stage.world;
    let create = |name: &str| {
        let archive = world.archive(name);
        let words = ["create", "--list", "--files-cache=mtime,size,inode", &archive, "tree"];
        Outcome::of(world.command_under(&wrapper, Program::Nanoprobe, words))
    };
    create("before").success();
    fs::set_permissions(stage.tree("a"), Permissions::from_mode(0o0)).expect("permissions");
    let after = create("after").expect(1);
    assert!(after.messages.contains("E tree/a\nU tree/b\nU tree/c\n"), "{}", after.messages);
    fs::remove_file(stage.tree("a")).expect("a file");
    assert_same_tree(&world.path("tree"), &world.extract(Program::Borg, "after", "found", &[]).join("tree"));
}
