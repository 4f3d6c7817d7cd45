use nanoprobe_operations::select::SortKey;

use super::*;

fn parsed(line: &str) -> Arguments {
    let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
    parse("borg", &words).unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn refused(line: &str) -> String {
    let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
    parse("borg", &words).expect_err(line).to_string()
}

fn create(line: &str) -> (Create, CommonOptions) {
    let arguments = parsed(line);
    let Some(mut command) = arguments.command else { panic!("{line}") };
    let common = command.common().over(arguments.common);
    let Command::Create(create) = command else { panic!("{line}") };
    (*create, common)
}

#[test]
fn definition_is_sound() {
    Arguments::command().debug_assert();
}

#[test]
fn common_options_stand_anywhere() {
    for line in [
        "-p --lock-wait 5 --info create r::a x",
        "create -p --lock-wait 5 --info r::a x",
        "create r::a x -p --lock-wait 5 -v",
        "--info create r::a --progress x --lock-wait=5",
        "--debug --lock-wait 9 create --info --lock-wait 5 -p r::a x",
        "--verbose --prog --lock-w 5 create r::a x",
        "create --warning --debug --info -p --lock-wait 3 --lock-wait 5 r::a x",
    ] {
        let (_, common) = create(line);
        assert!(common.progress, "{line}");
        assert_eq!(common.lock_wait(), 5, "{line}");
        assert_eq!(common.verbosity(), Verbosity::Info, "{line}");
    }
    let (_, common) = create("create r::a x");
    assert_eq!((common.verbosity(), common.lock_wait(), common.umask()), (Verbosity::Warning, 1, 0o077));
}

#[test]
fn options_of_create() {
    let (create, _) = create(
        "create -s --list --filter AME -x -C zstd,3 -c 60 --exclude-caches --exclude-if-present .nobackup \
         --comment -x- --numeric-owner --files-cache ctime,size r::a -- -a - b",
    );
    assert!(create.stats && create.output_list && create.tags.exclude_caches);
    assert!(create.file_system.one_file_system && create.file_system.attributes.numeric_ids);
    assert_eq!(create.archive.compression, "zstd,3");
    assert_eq!(create.archive.checkpoint_interval, 60);
    assert_eq!(create.archive.comment, "-x-");
    assert_eq!(create.paths, ["-a", "-", "b"]);
    assert_eq!(create.location, "r::a");
}

#[test]
fn patterns_keep_their_order() {
    use super::patterns::PatternOption::{Exclude, ExcludeFrom, Pattern, PatternsFrom};
    let line = "create -e a --pattern +b --exclude-from c -e d --patterns-from e --pattern=-f r::a x";
    let (create, _) = create(line);
    let expected = [
        Exclude("a".into()),
        Pattern("+b".into()),
        ExcludeFrom("c".into()),
        Exclude("d".into()),
        PatternsFrom("e".into()),
        Pattern("-f".into()),
    ];
    assert_eq!(create.patterns.0, expected);
}

#[test]
fn archive_filters() {
    let Some(Command::List(list)) = parsed("list --sort-by name,timestamp --last 3 -P x- r").command else { panic!() };
    assert_eq!(list.filters.sort_by, [SortKey::Name, SortKey::Timestamp]);
    assert_eq!(list.filters.last, Some(3));
    assert_eq!(list.filters.glob().unwrap(), Some("x-*".into()));
    let Some(Command::List(list)) = parsed("list -a x -a y r").command else { panic!() };
    assert!(list.filters.glob().is_err(), "there can be only one");
}

#[test]
fn usage_errors() {
    for line in [
        "init -e foo r",
        "create",
        "list --foo r",
        "list --last 0 r",
        "list --sort-by size r",
        "list --first 1 --last 1 r",
        "list -a x -P y r",
        "create --stats --quick-stats r::a x",
        "init -e none --storage-quota 5M r",
        "create --umask 9 r::a x",
        "--memory-limit 1M list r",
        "create --js --stat --p r::a x",
    ] {
        assert!(!refused(line).is_empty());
    }
}

#[test]
fn sizes() {
    assert_eq!(values::storage_quota("5G"), Ok(5_000_000_000));
    assert_eq!(values::storage_quota("1.5T"), Ok(1_500_000_000_000));
    assert_eq!(values::storage_quota("0"), Ok(0));
    assert_eq!(memory("32M"), Ok(32 << 20));
    assert_eq!(memory("48MiB"), Ok(48 << 20));
    assert_eq!(memory("50331648"), Ok(48 << 20));
}
