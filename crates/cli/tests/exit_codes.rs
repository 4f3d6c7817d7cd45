//! Every error that a front end tells apart: text, message id, and both kinds of exit code. Recorded from Borg 1.4.5.

mod harness;

use harness::Place;

struct Case<'a> {
    words: &'a [&'a str],
    variables: &'a [(&'a str, &'a str)],
    message: String,
    class: &'a str,
    modern: i32,
}

fn check(place: &Place, case: &Case<'_>) {
    let text = place.run_with(case.words, case.variables).expect(2);
    assert_eq!(text.stderr, format!("{}\n", case.message), "{:?}", case.words);

    let mut variables = case.variables.to_vec();
    variables.push(("BORG_EXIT_CODES", "modern"));
    let words: Vec<&str> = case.words.iter().copied().chain(["--log-json"]).collect();
    let json = place.run_with(&words, &variables).expect(case.modern);
    let lines = json.json_lines();
    let last = lines.last().unwrap_or_else(|| panic!("{:?}: nothing on standard error", case.words));
    assert_eq!(last["type"], "log_message");
    assert_eq!(last["levelname"], "ERROR");
    assert_eq!(last["name"], "borg.archiver");
    assert_eq!(last["msgid"], case.class);
    assert_eq!(last["message"], case.message);
    assert!(last["time"].is_f64());
}

#[test]
fn repositories_that_are_none() {
    let place = Place::new();
    std::fs::write(place.path("file"), "x").unwrap();
    for (name, message, class, modern) in [
        ("nothing", "Repository PATH does not exist.", "Repository.DoesNotExist", 13),
        ("input", "PATH is not a valid repository. Check repo config.", "Repository.InvalidRepository", 15),
        ("file", "PATH is not a valid repository. Check repo config.", "Repository.InvalidRepository", 15),
    ] {
        let archive = format!("{name}::a");
        let message = message.replace("PATH", &place.shown(name));
        let commands: [&[&str]; 5] = [
            &["list", name],
            &["info", name],
            &["extract", &archive],
            &["create", &archive, "input"],
            &["check", name],
        ];
        for words in commands {
            check(&place, &Case { words, variables: &[], message: message.clone(), class, modern });
        }
    }
}

#[test]
fn keys_and_passphrases() {
    let place = Place::with_archive();
    let wrong = "Passphrase supplied in BORG_PASSPHRASE, by BORG_PASSCOMMAND, or via BORG_PASSPHRASE_FD is incorrect.";
    let case =
        |variables, message: String, class, modern| Case { words: &["list", "r"], variables, message, class, modern };
    check(&place, &case(&[("BORG_PASSPHRASE", "y")], wrong.to_owned(), "PassphraseWrong", 52));
    place.run(&["init", "-e", "keyfile", "k"]).expect(0);
    std::fs::remove_dir_all(place.path("base/.config/borg/keys")).unwrap();
    let words: &[&str] = &["list", "k"];
    let (location, keys) = (place.shown("k"), place.shown("base/.config/borg/keys"));
    let message = format!("No key file for repository {location} found in {keys}.");
    check(&place, &Case { words, variables: &[], message, class: "KeyfileNotFoundError", modern: 42 });
}

#[test]
fn passphrases_from_elsewhere() {
    let place = Place::with_archive();
    let list = |variables: &[(&str, &str)], code| {
        let mut command = harness::command(&place.path(""));
        command.args(["list", "--short", "r"]).env_remove("BORG_PASSPHRASE").envs(variables.iter().copied());
        harness::finish(command).expect(code)
    };
    assert_eq!(list(&[("BORG_PASSCOMMAND", "printf 'x\\n'")], 0).stdout, "a\n");
    let failed = list(&[("BORG_PASSCOMMAND", "false --why 'not this'")], 2);
    assert_eq!(
        failed.stderr,
        "Passcommand supplied in BORG_PASSCOMMAND failed: \
         Command '['false', '--why', 'not this']' returned non-zero exit status 1.\n"
    );
    let missing = list(&[("BORG_PASSCOMMAND", "no-such-program")], 2);
    assert_eq!(
        missing.stderr,
        "Passcommand supplied in BORG_PASSCOMMAND failed: [Errno 2] No such file or directory: 'no-such-program'\n"
    );
    let mut command = std::process::Command::new("sh");
    let script = format!("printf x | '{}' list --short r 3<&0", env!("CARGO_BIN_EXE_nanoprobe"));
    command.args(["-c", &script]).current_dir(place.path("")).env("BORG_PASSPHRASE_FD", "3");
    command.env_remove("BORG_PASSPHRASE").env("BORG_BASE_DIR", place.shown("base"));
    assert_eq!(harness::finish(command).expect(0).stdout, "a\n");
}

#[test]
fn locks() {
    let place = Place::with_archive();
    // Held by a process of another machine: nobody can tell whether it lives.
    std::fs::create_dir(place.path("r/lock.exclusive")).unwrap();
    std::fs::write(place.path("r/lock.exclusive/elsewhere@1.1-0"), "").unwrap();
    let message = format!("Failed to create/acquire the lock {} (timeout).", place.shown("r/lock.exclusive"));
    let words: &[&str] = &["--lock-wait", "0", "list", "r"];
    let case = Case { words, variables: &[], message, class: "LockTimeout", modern: 73 };
    check(&place, &case);
    assert_eq!(place.run(&["list", "--short", "--bypass-lock", "r"]).expect(0).stdout, "a\n");
    let refused = place.run(&["create", "--bypass-lock", "r::b", "input"]).expect(2);
    assert_eq!(refused.stderr, "Error: Not allowed to bypass locking mechanism for chosen command\n");
    place.run(&["break-lock", "r"]).expect(0);
    assert_eq!(place.run(&["list", "--short", "r"]).expect(0).stdout, "a\n");
}

#[test]
fn archives() {
    let place = Place::with_archive();
    let case = |words, message: &str, class, modern| Case {
        words,
        variables: &[],
        message: message.to_owned(),
        class,
        modern,
    };
    let missing = "Archive b does not exist";
    check(&place, &case(&["list", "r::b"], missing, "Archive.DoesNotExist", 31));
    check(&place, &case(&["extract", "r::b"], missing, "Archive.DoesNotExist", 31));
    check(&place, &case(&["info", "r::b"], missing, "Archive.DoesNotExist", 31));
    check(&place, &case(&["create", "r::a", "input"], "Archive a already exists", "Archive.AlreadyExists", 30));
    let json = "Command Error: The --json option is only valid for listing archives, not archive contents.";
    check(&place, &case(&["list", "--json", "r::a"], json, "CommandError", 4));
}

#[test]
fn options_of_check_that_contradict() {
    let place = Place::with_archive();
    let case = |words, message: &str| Case {
        words,
        variables: &[],
        message: message.to_owned(),
        class: "CommandError",
        modern: 4,
    };
    let contradicts = "Command Error: --repository-only contradicts --first, --last, --glob-archives, --prefix and \
                       --verify-data arguments.";
    check(&place, &case(&["check", "--repository-only", "--verify-data", "r"], contradicts));
    check(&place, &case(&["check", "--repository-only", "--last", "1", "r"], contradicts));
    let partial = "Command Error: --repository-only is required for --max-duration support.";
    check(&place, &case(&["check", "--max-duration", "5", "r"], partial));
    place.run(&["check", "--archives-only", "--verify-data", "--max-duration", "5", "r"]).expect(0);
}

#[test]
fn new_repositories() {
    let place = Place::with_archive();
    let case = |words, message: String, class, modern| Case { words, variables: &[], message, class, modern };
    let exists = format!("A repository already exists at {}.", place.shown("r"));
    check(&place, &case(&["init", "-e", "none", "r"], exists, "Repository.AlreadyExists", 10));
    let occupied = format!("There is already something at {}.", place.shown("input"));
    check(&place, &case(&["init", "-e", "none", "input"], occupied, "Repository.PathAlreadyExists", 19));
    let parent = format!("The parent path of the repo directory [{}] does not exist.", place.shown("no/r"));
    check(&place, &case(&["init", "-e", "none", "no/r"], parent, "Repository.ParentPathDoesNotExist", 18));
    place.run(&["init", "-e", "none", "--make-parent-dirs", "no/r"]).expect(0);
}

#[test]
fn questions_are_answered_by_variables() {
    let place = Place::new();
    place.run(&["init", "-e", "none", "r"]).expect(0);
    std::fs::remove_dir_all(place.path("base/.config")).unwrap();
    let refused = place.run(&["list", "r"]).expect(2);
    assert!(refused.stderr.ends_with("Aborting.\nCache initialization aborted\n"), "{refused:?}");
    let answer = [("BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK", "yes")];
    place.run_with(&["list", "r"], &answer).expect(0);
    place.run(&["list", "r"]).expect(0);
    std::fs::rename(place.path("r"), place.path("moved")).unwrap();
    let refused = place.run_with(&["list", "--log-json", "moved"], &[("BORG_EXIT_CODES", "modern")]).expect(62);
    let lines = refused.json_lines();
    assert_eq!(lines[0]["type"], "question_prompt");
    assert_eq!(lines[0]["msgid"], "BORG_RELOCATED_REPO_ACCESS_IS_OK");
    assert_eq!(lines.last().unwrap()["msgid"], "Cache.RepositoryAccessAborted");
    let json =
        place.run_with(&["list", "--log-json", "moved"], &[("BORG_RELOCATED_REPO_ACCESS_IS_OK", "yes")]).expect(0);
    assert_eq!(json.json_lines()[1]["type"], "question_env_answer");
}

#[test]
fn warnings_set_the_exit_code() {
    let place = Place::with_archive();
    let run = place.run(&["extract", "r::a", "nowhere"]).expect(1);
    assert_eq!(run.stderr, "Include pattern 'nowhere' never matched.\n");
    let run =
        place.run_with(&["extract", "r::a", "nowhere", "--show-rc"], &[("BORG_EXIT_CODES", "modern")]).expect(101);
    assert!(run.stderr.ends_with("terminating with warning status, rc 101\n"));
    let run = place
        .run_with(&["create", "r::b", "input", "nowhere", "--log-json"], &[("BORG_EXIT_CODES", "modern")])
        .expect(107);
    let lines = run.json_lines();
    assert_eq!(lines.last().unwrap()["msgid"], "BackupFileNotFoundError");
    assert_eq!(lines.last().unwrap()["message"], "nowhere: stat: [Errno 2] No such file or directory: 'nowhere'");
}
