//! A real browser without a window: Chromium, driven over WebDriver (JSON over HTTP) by its own driver program.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// A browser with a profile of its own; ended with it.
pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
    downloads: PathBuf,
    _profile: tempfile::TempDir,
}

/// Whether pages may run scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scripts {
    /// As usual.
    On,
    /// Switched off in the browser's settings.
    Off,
}

const BROWSER: &str = "/usr/bin/chromium";
const DRIVER: &str = "/usr/bin/chromedriver";

impl Browser {
    /// Starts it with an empty profile.
    pub fn start(scripts: Scripts) -> Self {
        for path in [BROWSER, DRIVER] {
            assert!(Path::new(path).exists(), "there is no {path}: run tests/ci.sh interop");
        }
        let profile = tempfile::Builder::new().prefix("browser-").tempdir().expect("a folder");
        let downloads = profile.path().join("downloads");
        fs::create_dir(&downloads).expect("a folder");
        let mut command = Command::new(DRIVER);
        command.args(["--port=0", "--log-level=WARNING"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut driver = command.spawn().expect("a driver");
        let lines = BufReader::new(driver.stdout.take().expect("a pipe")).lines();
        let port = lines
            .map(|line| line.expect("a line"))
            .find_map(|line| line.rsplit_once("successfully on port ")?.1.trim_end_matches('.').parse().ok())
            .expect("a port");
        let mut browser = Self { driver, port, session: String::new(), downloads, _profile: profile };
        browser.open(scripts);
        browser
    }

    fn open(&mut self, scripts: Scripts) {
        let folder = self._profile.path().join("profile");
        let mut arguments: Vec<String> = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
        ]
        .map(str::to_owned)
        .to_vec();
        arguments.push(format!("--user-data-dir={}", folder.display()));
        let mut settings = json!({
            "download.default_directory": self.downloads, "download.prompt_for_download": false,
            "safebrowsing.enabled": false,
        });
        if scripts == Scripts::Off {
            settings["profile.managed_default_content_settings.javascript"] = json!(2);
        }
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": { "binary": BROWSER, "args": arguments, "prefs": settings },
        } } });
        let opened = self.call("POST", "/session", &wanted).expect("a browser");
        self.session = opened["sessionId"].as_str().expect("a session").to_owned();
    }

    /// Goes to an address.
    #[track_caller]
    pub fn visit(&self, address: &str) {
        self.ask("POST", "/url", &json!({ "url": address }));
    }

    /// Where it is.
    #[track_caller]
    pub fn address(&self) -> String {
        self.ask("GET", "/url", &Value::Null).as_str().expect("an address").to_owned()
    }

    /// What is to be read in the first element that a CSS selector finds.
    #[track_caller]
    pub fn text(&self, selector: &str) -> String {
        let element = self.element(selector);
        self.ask("GET", &format!("/element/{element}/text"), &Value::Null).as_str().expect("text").to_owned()
    }

    /// Waits until this is to be read there: a click does not always wait for the page that it leads to.
    #[track_caller]
    pub fn wait_for(&self, selector: &str, text: &str) {
        let began = Instant::now();
        loop {
            let read =
                self.call("POST", &self.place("/element"), &json!({ "using": "css selector", "value": selector }));
            let read = read.and_then(|found| {
                let element = reference(&found);
                self.call("GET", &self.place(&format!("/element/{element}/text")), &Value::Null)
            });
            if read.as_ref().is_ok_and(|read| read.as_str().is_some_and(|read| read.contains(text))) {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "{selector}: {text} is awaited, not {read:?}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// How many elements a CSS selector finds.
    #[track_caller]
    pub fn count(&self, selector: &str) -> usize {
        let found = self.ask("POST", "/elements", &json!({ "using": "css selector", "value": selector }));
        found.as_array().expect("elements").len()
    }

    /// Types into a field.
    #[track_caller]
    pub fn enter(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        self.ask("POST", &format!("/element/{element}/value"), &json!({ "text": text }));
    }

    /// Clicks.
    #[track_caller]
    pub fn click(&self, selector: &str) {
        let element = self.element(selector);
        self.ask("POST", &format!("/element/{element}/click"), &json!({}));
    }

    /// Clicks a link by what is to be read on it.
    #[track_caller]
    pub fn follow(&self, text: &str) {
        let element = self.find("link text", text);
        self.ask("POST", &format!("/element/{element}/click"), &json!({}));
    }

    /// A file that was saved, when it is whole.
    pub fn saved(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.downloads.join(name)).ok()
    }

    /// What the browser complains of: failed requests, what the page's policy forbids.
    #[track_caller]
    pub fn complaints(&self) -> Vec<String> {
        let entries = self.ask("POST", "/se/log", &json!({ "type": "browser" }));
        let entries = entries.as_array().expect("a log").iter();
        entries.filter(|entry| entry["level"] != "DEBUG").map(|entry| entry["message"].to_string()).collect()
    }

    #[track_caller]
    fn element(&self, selector: &str) -> String {
        self.find("css selector", selector)
    }

    #[track_caller]
    fn find(&self, using: &str, value: &str) -> String {
        let found = self.call("POST", &self.place("/element"), &json!({ "using": using, "value": value }));
        let found = found.unwrap_or_else(|error| {
            let page = self.ask("GET", "/source", &Value::Null);
            panic!("{value}: {error}\n{}", page.as_str().unwrap_or_default())
        });
        reference(&found)
    }

    #[track_caller]
    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        self.call(method, &self.place(path), body).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn place(&self, path: &str) -> String {
        format!("/session/{}{path}", self.session)
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let told = |error: std::io::Error| error.to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).map_err(told)?;
        stream.set_read_timeout(Some(Duration::from_secs(60))).map_err(told)?;
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).map_err(told)?;
        let (mut answer, mut head, mut length) = (BufReader::new(stream), String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            let start = head.len();
            if answer.read_line(&mut head).map_err(told)? == 0 {
                return Err("no answer".to_owned());
            }
            if let Some(typed) = head[start..].to_lowercase().strip_prefix("content-length:") {
                length = typed.trim().parse().map_err(|_| "no length")?;
            }
        }
        let mut body = vec![0; length];
        answer.read_exact(&mut body).map_err(told)?;
        let mut value: Value = serde_json::from_slice(&body).map_err(|error| format!("{error}: {head}"))?;
        if head.contains(" 200 ") { Ok(value["value"].take()) } else { Err(value["value"]["message"].to_string()) }
    }
}

fn reference(found: &Value) -> String {
    let reference = found.as_object().and_then(|found| found.values().next()).and_then(Value::as_str);
    reference.expect("an element").to_owned()
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It takes the browser with it.
        let _ = self.call("DELETE", &self.place(""), &Value::Null);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
