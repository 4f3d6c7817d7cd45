//! The status page: a real browser, with scripts and without, on a repository that the real Borg made; and strangers.

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    process::Stdio,
    thread,
    time::Duration,
};

use nanoprobe_interop::{Browser, Outcome, Scripts, children, noise, wait_until};

use crate::{
    appliance::{Appliance, SECRET},
    processes::{Resident, is_alive, kill, largest_file, resident_kib},
};

/// A status page with its process.
struct Page {
    process: Resident,
    /// Host and port.
    host: String,
    token: String,
}

const SCRIPT: &str = "<img src=x onerror=alert(1)><script>alert(2)&amp;";
const SPACES: &str = "zwei Wörter + 100%.txt";
const STRAY: &[u8] = b"stray-\xff\xe2.bin";

fn appliance() -> Appliance {
    let appliance = Appliance::new("", "", "");
    let world = &appliance.world;
    let token_file = world.path("token");
    let rest = format!(
        "[web]\nlisten = \"127.0.0.1:0\"\nnames = [\"nas.local\"]\ntoken_file = \"{}\"\n",
        token_file.display()
    );
    appliance.configure("", "", &rest);
    for (name, content) in [(SCRIPT.as_bytes(), 10), (SPACES.as_bytes(), 20), (STRAY, 300_000)] {
        fs::write(world.path("tree").join(OsStr::from_bytes(name)), noise(content, content as usize)).expect("a file");
    }
    let tree = world.path("tree");
    appliance.run_borg(&["create", &world.archive("by-borg"), tree.to_str().expect("text")]).success();
    appliance
}

impl Page {
    fn start(appliance: &Appliance) -> Self {
        let mut process = appliance.agent(&["web"]).stdout(Stdio::piped()).spawn().expect("a page");
        let lines = BufReader::new(process.stdout.take().expect("a pipe")).lines().map(|line| line.expect("a line"));
        let said: Vec<String> = lines.take(2).collect();
        let token = fs::read_to_string(appliance.world.path("token")).expect("a token").trim().to_owned();
        assert!(said[0].contains("a token was made") && !said.concat().contains(&token), "{said:?}");
        let host = said[1].strip_prefix("http://").and_then(|rest| rest.split('/').next()).expect("an address");
        Self { host: host.to_owned(), process: Resident(process), token }
    }

    /// Sends a request; gives all that came back until the connection ended.
    fn send(&self, request: &str) -> Vec<u8> {
        let mut stream = TcpStream::connect(&self.host).expect("a connection");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = Vec::new();
        // A connection that is cut may end in an error.
        let _ = stream.read_to_end(&mut answer);
        answer
    }

    fn with_token(&self, method: &str, path: &str, more: &str) -> Vec<u8> {
        let (host, token) = (&self.host, &self.token);
        self.send(&format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n{more}\r\n"))
    }

    fn status(&self, request: &str) -> u16 {
        status(&self.send(request))
    }

    fn to(&self, path: &str) -> String {
        format!("http://{}{path}", self.host)
    }
}

fn status(answer: &[u8]) -> u16 {
    let line = String::from_utf8_lossy(&answer[..answer.len().min(12)]).into_owned();
    line.strip_prefix("HTTP/1.1 ").and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("{line:?}"))
}

fn body(answer: &[u8]) -> &[u8] {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    &answer[end + 4..]
}

/// The pieces of a stream, joined, and whether its end mark came.
fn joined(mut stream: &[u8]) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    while let Some(end) = stream.windows(2).position(|window| window == b"\r\n") {
        let length = usize::from_str_radix(str::from_utf8(&stream[..end]).expect("a length"), 16).expect("a length");
        if length == 0 {
            return (bytes, true);
        }
        let piece = &stream[end + 2..];
        bytes.extend_from_slice(&piece[..length.min(piece.len())]);
        let Some(rest) = piece.get(length + 2..) else { break };
        stream = rest;
    }
    (bytes, false)
}

#[test]
fn a_browser_sees_and_fetches_everything() {
    let appliance = appliance();
    let world = &appliance.world;
    // The agent that stays: a first backup at once.
    let _agent = Resident(appliance.agent(&[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("an agent"));
    let runs = |job: &str| {
        let history = fs::read_to_string(world.path("state/history")).unwrap_or_default();
        history.matches(&format!("\"job\":\"{job}\"")).count()
    };
    wait_until("a backup is made, and what follows it", || runs("compact disk") == 1);
    let page = Page::start(&appliance);
    for (round, scripts) in [Scripts::Off, Scripts::On].into_iter().enumerate() {
        let browser = Browser::start(scripts);
        browser.visit(&page.to("/"));
        if scripts == Scripts::Off {
            browser.enter("#token", "not the token at all");
            browser.click("button.main");
            browser.wait_for(".critical", "This is not the token.");
            browser.enter("#token", &page.token);
            browser.click("button.main");
            browser.wait_for(".critical", "There was a wrong token: wait");
            // The browser says of each of these that it failed.
            assert_eq!(browser.complaints().len(), 2);
            thread::sleep(Duration::from_secs(2));
        }
        browser.enter("#token", &page.token);
        browser.click("button.main");
        browser.wait_for("h1", "All is well");
        assert_eq!(browser.address(), page.to("/"));
        let jobs = browser.text("table.jobs");
        let all = ["backup tree", "prune tree", "compact disk", "check disk", "drill tree"];
        assert!(all.iter().all(|job| jobs.contains(job)), "{jobs}");
        assert!(browser.text(".card").contains("stored for"), "{}", browser.text(".card"));

        browser.follow("backup tree");
        browser.wait_for("h1", "backup tree");
        assert_eq!((browser.count("svg[role=img]"), browser.count("table.runs tbody tr")), (4, round + 1));
        assert!(browser.text("figure").contains("files of the backup"), "{}", browser.text("figure"));

        browser.follow("Browse archives");
        browser.wait_for("h1", "Archives in disk");
        browser.follow("by-borg");
        // From the root down to the tree.
        let tree = world.path("tree");
        for name in tree.components().skip(1) {
            let name = name.as_os_str().to_str().expect("text");
            browser.wait_for("table.files", name);
            browser.follow(name);
            browser.wait_for(".path", name);
        }
        let names = browser.text("table.files");
        assert!(names.contains(SCRIPT) && names.contains(SPACES) && names.contains("stray-\u{fffd}"), "{names}");
        assert_eq!(browser.count("main img, main script"), 0);
        browser.follow(SPACES);
        browser.click("a[href$='stray-%FF%E2.bin']");
        for (name, saved) in [(SPACES.as_bytes(), SPACES), (STRAY, "stray-\u{fffd}\u{fffd}.bin")] {
            wait_until("the file is saved", || browser.saved(saved).is_some());
            let original = fs::read(tree.join(OsStr::from_bytes(name))).expect("a file");
            assert!(browser.saved(saved).expect("a file") == original, "{saved}");
        }

        // Another archive comes of a click, and Borg sees it.
        browser.visit(&page.to("/job/backup/tree"));
        browser.click(".title button");
        wait_until("it ran, and what follows it", || runs("compact disk") == round + 2);
        assert_eq!(appliance.archives().len(), round + 3);
        browser.visit(&page.to("/job/backup/tree"));
        assert_eq!(browser.count("table.runs tbody tr"), round + 2);
        browser.click("header button");
        browser.wait_for("label", "Token");
        browser.visit(&page.to("/job/backup/tree"));
        assert_eq!(browser.count("table"), 0, "it is over");
        let complaints = browser.complaints();
        assert!(complaints.iter().all(|text| text.contains("401")), "{complaints:#?}");
    }
}

#[test]
fn strangers_get_nothing_and_what_breaks_is_cut() {
    let appliance = appliance();
    let world = &appliance.world;
    fs::write(world.path("tree/large"), noise(7, 24 << 20)).expect("a file");
    appliance.round(0).success();
    let page = Page::start(&appliance);
    let (host, port) = (page.host.clone(), page.host.rsplit(':').next().expect("a port"));
    assert_eq!(fs::metadata(world.path("token")).expect("a file").permissions().mode() & 0o777, 0o600);

    // Names, tokens, forms.
    let ask =
        |line: &str, host: &str, more: &str| page.status(&format!("{line} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n"));
    assert_eq!(ask("GET /", &host, ""), 303);
    assert_eq!(ask("GET /", &format!("nas.local:{port}"), ""), 303);
    assert_eq!(ask("GET /", &format!("evil.example:{port}"), ""), 421);
    assert_eq!(ask("GET /job/backup/tree", &host, ""), 401);
    assert_eq!(ask("POST /job/backup/tree/run", &host, "Content-Length: 0\r\n"), 401);
    assert_eq!(ask("GET /", &host, "Cookie: nanoprobe-session=00000000000000000000000000000000\r\n"), 303);
    assert_eq!(ask("GET /style.css", &host, ""), 200);
    assert_eq!(ask("BREW /", &host, ""), 405);
    assert_eq!(page.status("nonsense\r\n\r\n"), 400);
    assert_eq!(page.status(&format!("GET /{} HTTP/1.1\r\n", "x".repeat(40_000))), 431);
    let form = |origin: &str, cookie: &str, path: &str, body: &str| {
        page.send(&format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nCookie: {cookie}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    };
    let ours = format!("http://{host}");
    assert_eq!(status(&form("http://evil.example", "", "/login", &format!("token={}", page.token))), 403);
    let answer = String::from_utf8(form(&ours, "", "/login", &format!("token={}", page.token))).expect("text");
    let cookie = answer.split("Set-Cookie: ").nth(1).and_then(|rest| rest.split(';').next()).expect("a cookie");
    assert!(answer.contains("; Path=/; HttpOnly; SameSite=Strict"), "{answer}");
    assert_eq!(ask("GET /job/backup/tree", &host, &format!("Cookie: {cookie}\r\n")), 200);
    for (origin, body) in
        [(ours.as_str(), "form=x"), (ours.as_str(), ""), ("http://evil.example", "form=x"), ("null", "")]
    {
        assert_eq!(status(&form(origin, cookie, "/job/backup/tree/run", body)), 403, "{origin} {body}");
    }
    assert!(!world.path("state/requests/backup tree").exists());
    // Those who say nothing keep nobody out.
    let silent: Vec<TcpStream> = (0..6).map(|_| TcpStream::connect(&host).expect("a connection")).collect();
    assert_eq!(status(&page.with_token("GET", "/", "")), 200);
    drop(silent);
    // A program with the token: nobody stays here, so that the next round runs it.
    let asked = page.with_token("POST", "/job/backup/tree/run", "Content-Length: 0\r\n");
    assert!(status(&asked) == 303 && String::from_utf8_lossy(&asked).contains("?unheard"));
    assert!(world.path("state/requests/backup tree").exists());
    for path in ["/job/prune/tree/run", "/job/backup/none/run", "/nothing"] {
        assert_eq!(status(&page.with_token("POST", path, "Content-Length: 0\r\n")), 404, "{path}");
    }
    for path in ["/job/backup/none", "/file/disk/by-borg/nothing/here", "/archive/none/x", "/a%2fb", "/%00", "//"] {
        assert_eq!(status(&page.with_token("GET", path, "")), 404, "{path}");
    }
    assert_eq!(status(&page.with_token("GET", "/archive/disk/no-such-archive", "")), 503);

    // A directory as tar, which tar believes.
    let tree = world.path("tree");
    let tree = tree.to_str().expect("text");
    let (tar, is_whole) = joined(body(&page.with_token("GET", &format!("/tar/disk/by-borg{tree}/deep"), "")));
    fs::write(world.path("deep.tar"), tar).expect("a file");
    let mut list = std::process::Command::new("tar");
    list.args(["tf", world.path("deep.tar").to_str().expect("text")]);
    assert!(is_whole && Outcome::of(list).success().text().contains("deep/er/and/deeper still/"));

    // Somebody who goes away takes the command along.
    let newest = appliance.archives().pop().expect("an archive");
    let large = format!("/file/disk/{newest}{tree}/large");
    let mut stream = TcpStream::connect(&host).expect("a connection");
    let request = format!("GET {large} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\n\r\n", page.token);
    stream.write_all(request.as_bytes()).expect("sent");
    stream.read_exact(&mut [0; 4096]).expect("a beginning");
    let extract = *children(page.process.0.id()).first().expect("extract");
    // There is one at a time.
    let busy = page.with_token("GET", &format!("/archive/disk/{newest}"), "");
    assert!(status(&busy) == 503 && String::from_utf8_lossy(&busy).contains("Retry-After: "));
    drop(stream);
    wait_until("the command is gone", || !is_alive(extract));
    let (whole, is_whole) = joined(body(&page.with_token("GET", &large, "")));
    assert!(is_whole && whole == noise(7, 24 << 20));

    // While somebody writes, nobody waits.
    let mut lock =
        appliance.world.command(nanoprobe_interop::Program::Borg, ["with-lock", &world.repository(), "sleep", "30"]);
    let mut lock = lock.env("BORG_PASSPHRASE", format!("{SECRET} & more")).spawn().expect("a lock");
    wait_until("it is locked", || world.path("repo/lock.exclusive").exists());
    let locked = page.with_token("GET", "/repository/disk", "");
    assert!(status(&locked) == 503 && String::from_utf8_lossy(&locked).contains("locked"));
    kill(lock.id(), rustix::process::Signal::INT);
    lock.wait().expect("it is over");
    let _ = fs::remove_dir_all(world.path("repo/lock.exclusive"));

    // A byte of the repository turns: what came before it is sent, but no end.
    let segment = largest_file(&world.path("repo/data"));
    let mut bytes = fs::read(&segment).expect("a segment");
    let place = bytes.len() - (1 << 20);
    bytes[place] ^= 1;
    fs::write(&segment, &bytes).expect("a segment");
    let (part, is_whole) = joined(body(&page.with_token("GET", &large, "")));
    assert!(!is_whole && part.len() < 24 << 20, "{}", part.len());

    let kib = resident_kib(page.process.0.id());
    assert!(kib <= 8 << 10, "{kib} KiB");
    // Without its section there is no page.
    appliance.configure("", "", "");
    let told = Outcome::of(appliance.agent(&["web"])).expect(2).messages;
    assert!(told.contains("there is no status page: write [web] into"), "{told}");
}
