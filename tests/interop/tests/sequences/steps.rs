//! The kinds of steps: what is run, and what must have become of the archives.

use nanoprobe_interop::{Program, read_tree, without};

use super::{
    files::Gone,
    sequence::{Archive, Sequence},
};

struct Kind {
    name: &'static str,
    /// How often it comes, beside the others.
    weight: u64,
    /// Archives that must be there.
    archives: usize,
    run: fn(&mut Sequence, Program),
}

const KINDS: [Kind; 17] = [
    Kind { name: "create", weight: 30, archives: 0, run: create },
    Kind { name: "delete one", weight: 6, archives: 1, run: delete_one },
    Kind { name: "delete several", weight: 9, archives: 2, run: delete_several },
    Kind { name: "delete by pattern", weight: 7, archives: 1, run: delete_by_pattern },
    Kind { name: "prune", weight: 10, archives: 2, run: prune },
    Kind { name: "rename", weight: 7, archives: 1, run: rename },
    Kind { name: "compact", weight: 10, archives: 1, run: compact },
    Kind { name: "recreate --exclude", weight: 5, archives: 1, run: recreate_without },
    Kind { name: "recreate --recompress", weight: 5, archives: 1, run: recompress },
    Kind { name: "recreate --comment", weight: 4, archives: 1, run: comment },
    Kind { name: "recreate --chunker-params", weight: 4, archives: 1, run: cut_anew },
    Kind { name: "recreate --target", weight: 4, archives: 1, run: recreate_beside },
    Kind { name: "recreate of all", weight: 4, archives: 1, run: recreate_all },
    Kind { name: "check", weight: 5, archives: 0, run: check },
    Kind { name: "lose and heal", weight: 4, archives: 1, run: lose_and_heal },
    Kind { name: "info", weight: 5, archives: 1, run: info },
    Kind { name: "list", weight: 5, archives: 1, run: list },
];

/// The names of all.
pub(crate) fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|kind| kind.name)
}

/// Does what comes, and tells what it was.
pub(crate) fn any(sequence: &mut Sequence, program: Program) -> &'static str {
    let possible: Vec<&Kind> = KINDS.iter().filter(|kind| kind.archives <= sequence.archives.len()).collect();
    let mut place = sequence.random.below(possible.iter().map(|kind| kind.weight).sum());
    let kind = possible.into_iter().find(|kind| {
        let found = place < kind.weight;
        place = place.saturating_sub(kind.weight);
        found
    });
    let kind = kind.expect("a step");
    (kind.run)(sequence, program);
    kind.name
}

fn new_name(sequence: &mut Sequence) -> String {
    sequence.named += 1;
    format!("{}-{}", sequence.random.of(&["x", "y", "z"]), sequence.named)
}

fn create(sequence: &mut Sequence, program: Program) {
    if sequence.named > 0 {
        sequence.files.change(&mut sequence.random);
    }
    let (name, tree) = (new_name(sequence), sequence.world.path("tree"));
    let random = &mut sequence.random;
    let number = random.below(1000);
    let (comment, time) = (format!("comment {number}"), moment(number));
    let mut arguments = vec!["create", "-C", random.of(&["none", "lz4", "zstd,3", "zlib,1", "auto,lzma,1"])];
    arguments.extend(["--chunker-params", random.of(&["buzhash,10,14,12,1023", "buzhash,11,15,13,1023"])]);
    if random.once_in(3) {
        arguments.extend(["--files-cache", random.of(&["mtime,size", "ctime,size", "rechunk,ctime", "disabled"])]);
    }
    let (with_time, with_comment) = (!random.once_in(4), random.once_in(3));
    if with_time {
        arguments.extend(["--timestamp", &time]);
    }
    if with_comment {
        arguments.extend(["--comment", &comment]);
    }
    let archive = sequence.world.archive(&name);
    arguments.extend([archive.as_str(), "."]);
    sequence.remember(program, &arguments);
    sequence.world.run_in(&tree, program, &arguments).success();
    let comment = if with_comment { comment } else { String::new() };
    let archive = Archive { tree: read_tree(&tree), comment, number: sequence.named };
    sequence.archives.insert(name, archive);
}

/// Days, hours and years that the rules of prune keep apart or not.
fn moment(number: u64) -> String {
    let (year, month, day) = (2020 + number % 3, 1 + number / 3 % 4 * 3, 1 + number / 12 % 9 * 3);
    format!("{year}-{month:02}-{day:02}T{:02}:{:02}:07", number % 24, number % 60)
}

fn delete_one(sequence: &mut Sequence, program: Program) {
    let name = sequence.any_archive().expect("one");
    let archive = sequence.world.archive(&name);
    sequence.run_command(program, &["delete", "--stats", &archive]).success();
    sequence.archives.remove(&name);
}

fn delete_several(sequence: &mut Sequence, program: Program) {
    let (one, other) = (sequence.any_archive().expect("one"), sequence.any_archive().expect("one"));
    let repository = sequence.world.repository();
    let mut arguments = vec!["delete", &repository, &one];
    if other != one {
        arguments.push(&other);
    }
    sequence.run_command(program, &arguments).success();
    sequence.archives.retain(|name, _| *name != one && *name != other);
}

fn delete_by_pattern(sequence: &mut Sequence, program: Program) {
    let (repository, letter) = (sequence.world.repository(), sequence.random.of(&["x", "y", "z"]));
    sequence.run_command(program, &["delete", "-a", &format!("{letter}-*"), &repository]).success();
    sequence.archives.retain(|name, _| !name.starts_with(letter));
}

fn prune(sequence: &mut Sequence, program: Program) {
    let (repository, random) = (sequence.world.repository(), &mut sequence.random);
    let mut rules = Vec::new();
    for _ in 0..1 + random.below(3) {
        let rule = random.of(&["last", "minutely", "hourly", "daily", "weekly", "monthly", "3monthly", "yearly"]);
        rules.push(format!("--keep-{rule}={}", 1 + random.below(3)));
    }
    if random.once_in(3) {
        rules.push(format!("--keep-within={}", random.of(&["1H", "7d", "60m"])));
    }
    if random.once_in(3) {
        rules.push(format!("--glob-archives={}-*", random.of(&["x", "y", "z"])));
    }
    // Borg brings its cache up to date even where it changes nothing, so that it is not always asked.
    let asked = if random.once_in(2) { &Program::BOTH[..] } else { &[Program::Nanoprobe] };
    let dry = ["prune", "--dry-run", "--list"];
    let arguments: Vec<&str> = dry.into_iter().chain(rules.iter().map(String::as_str)).chain([&*repository]).collect();
    let lists: Vec<_> =
        asked.iter().map(|program| sequence.run_command(*program, &arguments).success().messages).collect();
    lists.iter().for_each(|list| assert_eq!(*list, lists[0]));
    let gone = lists[0].lines().filter(|line| line.starts_with("Would prune:"));
    let gone: Vec<&str> = gone.map(|line| line[45..].split_whitespace().next().expect("a name")).collect();

    let arguments: Vec<&str> = ["prune"].into_iter().chain(arguments[3..].iter().copied()).collect();
    sequence.run_command(program, &arguments).success();
    let before = sequence.archives.len();
    sequence.archives.retain(|name, _| !gone.contains(&name.as_str()));
    assert_eq!(before - sequence.archives.len(), gone.len());
}

fn rename(sequence: &mut Sequence, program: Program) {
    let (old, new) = (sequence.any_archive().expect("one"), new_name(sequence));
    let archive = sequence.world.archive(&old);
    sequence.run_command(program, &["rename", &archive, &new]).success();
    let archive = sequence.archives.remove(&old).expect("known");
    sequence.archives.insert(new, archive);
}

fn compact(sequence: &mut Sequence, program: Program) {
    let repository = sequence.world.repository();
    let threshold = format!("--threshold={}", sequence.random.of(&[0, 5, 10, 30, 60, 95]));
    let mut arguments = vec!["compact", &threshold, &repository];
    if sequence.random.once_in(3) {
        arguments.push("--cleanup-commits");
    }
    sequence.run_command(program, &arguments).success();
}

fn recreate_without(sequence: &mut Sequence, program: Program) {
    let (name, gone) = (sequence.any_archive().expect("one"), Gone::any(&mut sequence.random));
    let archive = sequence.world.archive(&name);
    sequence.run_command(program, &["recreate", "--exclude", &gone.pattern(), &archive]).success();
    let archive = sequence.archives.get_mut(&name).expect("known");
    archive.tree = without(&archive.tree, |path| gone.matches(path));
}

fn recompress(sequence: &mut Sequence, program: Program) {
    let name = sequence.any_archive().expect("one");
    let archive = sequence.world.archive(&name);
    let mode = sequence.random.of(&["--recompress=if-different", "--recompress=always"]);
    let compression = sequence.random.of(&["none", "zstd,1", "zlib,9", "lz4"]);
    sequence.run_command(program, &["recreate", mode, "-C", compression, &archive]).success();
    sequence.recompressed = true;
}

fn comment(sequence: &mut Sequence, program: Program) {
    let (name, comment) = (sequence.any_archive().expect("one"), format!("other {}", sequence.random.below(100)));
    let archive = sequence.world.archive(&name);
    sequence.run_command(program, &["recreate", "--comment", &comment, &archive]).success();
    sequence.archives.get_mut(&name).expect("known").comment = comment;
}

fn cut_anew(sequence: &mut Sequence, program: Program) {
    let name = sequence.any_archive().expect("one");
    let archive = sequence.world.archive(&name);
    let parameters = sequence.random.of(&["buzhash,10,14,12,1023", "buzhash,11,15,13,1023", "fixed,4096"]);
    let outcome = sequence.run_command(program, &["recreate", "--chunker-params", parameters, &archive]);
    // It may be cut so already.
    assert!(outcome.code == 0 || outcome.messages.contains("Nothing to do"), "{}", outcome.messages);
}

fn recreate_beside(sequence: &mut Sequence, program: Program) {
    let (old, new) = (sequence.any_archive().expect("one"), new_name(sequence));
    let (archive, gone) = (sequence.world.archive(&old), Gone::any(&mut sequence.random));
    sequence.run_command(program, &["recreate", "--target", &new, "--exclude", &gone.pattern(), &archive]).success();
    let mut archive = sequence.archives[&old].clone();
    archive.tree = without(&archive.tree, |path| gone.matches(path));
    archive.number = sequence.named;
    sequence.archives.insert(new, archive);
}

fn recreate_all(sequence: &mut Sequence, program: Program) {
    let (repository, gone) = (sequence.world.repository(), Gone::any(&mut sequence.random));
    let pattern = gone.pattern();
    let mut arguments = vec!["recreate", "--exclude", &pattern, &repository];
    if sequence.random.once_in(2) {
        arguments.extend(["--recompress", "-C", "zstd,2"]);
        sequence.recompressed = true;
    }
    sequence.run_command(program, &arguments).success();
    for archive in sequence.archives.values_mut() {
        archive.tree = without(&archive.tree, |path| gone.matches(path));
    }
}

fn check(sequence: &mut Sequence, program: Program) {
    let repository = sequence.world.repository();
    let options = sequence.random.of(&[
        &["-v"][..],
        &["-v", "--verify-data"],
        &["-v", "--repository-only", "--repair"],
        &["-v", "--repair"],
        &["--archives-only"],
    ]);
    sequence.world.set("BORG_CHECK_I_KNOW_WHAT_I_AM_DOING", "YES");
    let arguments: Vec<&str> = ["check"].into_iter().chain(options.iter().copied()).chain([&*repository]).collect();
    let checked = sequence.run_command(program, &arguments).success();
    assert!(!checked.messages.contains("orphan"), "{}", checked.messages);
}

/// A chunk is lost and its files get zeros; it comes back and they are as they were, one program after the other.
fn lose_and_heal(sequence: &mut Sequence, program: Program) {
    let (repository, name) = (sequence.world.repository(), sequence.any_archive().expect("one"));
    let (archive, kept) = (sequence.world.archive(&name), sequence.world.path("kept-object"));
    let kept = kept.to_str().expect("UTF-8").to_owned();
    let dump = sequence.run_command(Program::Nanoprobe, &["debug", "dump-archive", &archive, "-"]).success().json();
    let items = dump["_items"].as_array().expect("items");
    let chunks: Vec<&str> = items
        .iter()
        .filter_map(|item| item.get("chunks")?.as_array())
        .flatten()
        .map(|chunk| chunk[0].as_str().expect("an id").trim_start_matches(|letter: char| !letter.is_ascii_hexdigit()))
        .collect();
    if chunks.is_empty() {
        return;
    }
    let lost = sequence.random.of(&chunks);
    sequence.world.set("BORG_CHECK_I_KNOW_WHAT_I_AM_DOING", "YES");
    let repair = ["check", "-v", "--repair", &repository];
    sequence.run_command(Program::Borg, &["debug", "get-obj", &repository, lost, &kept]).success();
    sequence.run_command(Program::Borg, &["debug", "delete-obj", &repository, lost]).success();
    let found = sequence.run_command(program, &repair).success().messages;
    sequence.look_at_counters(program, "repair");
    assert!(found.contains("New missing file chunk detected"), "{found}");
    sequence.run_command(Program::Borg, &["debug", "put-obj", &repository, lost, &kept]).success();
    // Zeros that were lost are back already; else what heals says so.
    sequence.run_command(program.other(), &repair).success();
    sequence.look_at_counters(program.other(), "repair");
    let whole = sequence.run_command(program, &["check", "-v", "--archives-only", &repository]).success().messages;
    assert!(whole.contains("no problems found"), "{whole}");
}

fn info(sequence: &mut Sequence, program: Program) {
    let name = sequence.any_archive().expect("one");
    let place = match sequence.random.below(2) {
        0 => sequence.world.repository(),
        _ => sequence.world.archive(&name),
    };
    let told = sequence.run_command(program, &["info", "--json", &place]).success().json();
    // Asking brings the other's cache up to date too, so that it is not always asked.
    if sequence.random.once_in(2) {
        let other = sequence.run_command(program.other(), &["info", "--json", &place]).success().json();
        sequence.assert_same_figures(&told["cache"]["stats"], &other["cache"]["stats"]);
        sequence.assert_same_figures(&told["archives"][0]["stats"], &other["archives"][0]["stats"]);
    }
}

fn list(sequence: &mut Sequence, program: Program) {
    let name = sequence.any_archive().expect("one");
    let place = match sequence.random.below(2) {
        0 => sequence.world.repository(),
        _ => sequence.world.archive(&name),
    };
    let [told, other] =
        [program, program.other()].map(|program| sequence.run_command(program, &["list", &place]).success().text());
    assert_eq!(told, other);
}
