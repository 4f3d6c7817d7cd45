use super::{sample::Answers, *};

fn problems(text: &str) -> Vec<String> {
    parse("f", text).expect_err("something is wrong").iter().map(ToString::to_string).collect()
}

fn answers() -> Answers {
    Answers {
        location: "ssh://me@\"box\"/./r".to_owned(),
        passphrase_file: Some("/etc/p".to_owned()),
        sources: vec!["/home".to_owned(), "/with \\ and \"".to_owned()],
        schedule: "daily 02:30".to_owned(),
        ping: None,
    }
}

#[test]
fn the_sample_is_right_and_so_is_each_line_of_it() {
    let text = sample::text(&answers());
    assert!(
        !text.contains('@') || text.replace("me@", "").replace("you@", "").replace("backup@", "").find('@').is_none()
    );
    let configuration = parse("sample", &text).expect("a configuration");
    assert_eq!(configuration.repositories[0].location, answers().location);
    assert_eq!(configuration.backups[0].sources[1], Path::new("/with \\ and \""));
    assert_eq!(configuration.backups[0].too_old, 3 * 86_400);
    // What is commented is what holds, or could: all of it together is a configuration too.
    let commented = |line: &str| {
        let bare = line.strip_prefix("# ")?;
        let key = bare.split(" = ").next()?;
        let plain = key.chars().all(|character| character.is_ascii_lowercase() || character == '_');
        (bare.starts_with('[') || (plain && bare.contains(" = "))).then(|| bare.to_owned())
    };
    let all: Vec<String> = text.lines().map(|line| commented(line).unwrap_or_else(|| line.to_owned())).collect();
    let all = all.join("\n").replace("passphrase_command", "#");
    let configuration = parse("all", &all).unwrap_or_else(|problems| panic!("{problems:#?}\n{all}"));
    assert_eq!(configuration.reports.mail.expect("mail").to, "you@example.org");
    assert_eq!(configuration.limits.upload, Some(2000));
    assert_eq!(
        configuration.backups[0].keep,
        Some(Keep(
            ["within", "hourly", "daily", "weekly", "monthly", "yearly", "last"]
                .into_iter()
                .zip(["2d", "24", "7", "4", "6", "2", "3"].map(str::to_owned))
                .collect()
        ))
    );
}

#[test]
fn each_problem_has_its_line() {
    let text = "[limits]\nnice = 20\nmemmory = \"1M\"\n[repository.r]\npassphrase = \"secret\"\n[backup.b]\nrepository = \"x\"\n\
                sources = [\"home\"]\nschedule = \"nightly\"\narchive = \"{hostname}\"\nkeep = {}\nping = \"http://u:secret@h/\"\n\
                [web]\nlisten = \"nas:80\"\nnames = [\"a/b\"]\n";
    let found = problems(text);
    for expected in [
        "f:2: nice: a whole number from 0 to 19 is expected",
        "f:3: \"memmory\" means nothing here; known are memory, nice,",
        "f:4: [repository.r] has no \"location\"",
        "f:5: a passphrase does not belong here",
        "f:7: there is no sound [repository.x]",
        "f:8: sources: home is no absolute path",
        "f:9: schedule: \"nightly\" is no schedule",
        "f:10: archive: {now} or {utcnow} must stand in it",
        "f:11: keep: without a rule nothing would be kept",
        "f:12: ping: an address such as",
        "f:14: listen: \"nas:80\" is no address and port",
        "f:15: names: \"a/b\" is no name of a machine",
    ] {
        assert!(found.iter().any(|problem| problem.starts_with(expected)), "{expected} is not in {found:#?}");
    }
    assert!(found.is_sorted_by_key(|problem| problem.split(':').nth(1).and_then(|line| line.parse::<u32>().ok())));
    assert!(!found.concat().contains("secret@"), "{found:?}");
    assert_eq!(problems("[limits]\nnice = \n").len(), 1);
    assert!(problems("[limits]\nnice = \n")[0].starts_with("f:2: "));
    assert!(problems("")[0].contains("nothing to do"));
    assert!(
        load(Path::new("/nowhere/config.toml")).expect_err("no file")[0]
            .to_string()
            .starts_with("/nowhere/config.toml:0: ")
    );
}

#[test]
fn one_backups_prune_must_not_meet_anothers_archives() {
    let backup = |name: &str, archive: &str| {
        format!(
            "[backup.{name}]\nrepository=\"r\"\nsources=[\"/a\"]\nschedule=\"hourly\"\nkeep={{daily=1}}\n{archive}\n"
        )
    };
    let head = "[repository.r]\nlocation=\"/r\"\n";
    let names = |first: &str, second: &str| format!("{head}{}{}", backup("web", first), backup("web-logs", second));
    assert!(parse("f", &names("", "")).is_ok());
    let clash = names("archive=\"{hostname}-web-{now}\"", "archive=\"{hostname}-web-logs-{now}\"");
    assert!(problems(&clash)[0].contains("prune of [backup.web] would delete archives of [backup.web-logs]"));
    assert!(parse("f", &names("archive=\"web-{now}\"", "archive=\"logs-{utcnow:%Y}\"")).is_ok());
}
