//! From a connection to its answer: who asks, for what, and which page that is.

use std::{
    net::{IpAddr, TcpStream},
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{
    addresses::{field, unquoted},
    answer::Answer,
    gate,
    listing::{Kind, Listing, Place},
    pages::{self, Shown, Situation},
    reading::{Failed, Reader, Wanted},
    request::{self, COOKIE, Method, Refusal, Request},
    sessions::{Refused, Session, Sessions},
};
use crate::{
    Error, Trouble,
    clock::Clock,
    configuration::{InUse, Repository, in_use},
    plan::{Job, jobs},
    state::{
        self,
        history::{self, Run},
        requests::{self, Heard},
    },
};

/// Everything that answers go by.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) program: PathBuf,
    pub(super) configuration: PathBuf,
    pub(super) state: PathBuf,
    pub(super) clock: Clock,
    pub(super) token: String,
    pub(super) names: Vec<String>,
    pub(super) sessions: Mutex<Sessions>,
    pub(super) reader: Reader,
}

/// Who asks.
enum Who {
    /// A browser that is logged in.
    Session(Session),
    /// A program that sends the token along.
    Token,
    Nobody,
}

/// Somebody who takes nothing is let go.
const WRITE_PATIENCE: Duration = Duration::from_secs(60);
/// A page of something that goes on is asked for again.
const AGAIN: u32 = 5;
const STYLE: &[u8] = include_bytes!("style.css");
const ICON: &[u8] = include_bytes!("icon.svg");

impl Site {
    /// Answers one request.
    pub(super) fn serve(&self, mut stream: TcpStream) {
        let answer = match (request::read(&mut stream), stream.local_addr()) {
            (Ok(request), Ok(local)) => {
                let _ = stream.set_write_timeout(Some(WRITE_PATIENCE));
                self.answer(&request, local.ip(), &stream)
            }
            (Err(Refusal::Status(status)), _) => Some(Answer::words(status, "this request is not understood")),
            _ => None,
        };
        // Who is gone does not miss it.
        let _ = answer.map(|answer| answer.send(&mut stream));
    }

    /// `None`: it is sent already.
    fn answer(&self, request: &Request, local: IpAddr, client: &TcpStream) -> Option<Answer> {
        if !gate::is_our_name(&request.host, local, &self.names) {
            return Some(Answer::words(421, "this name is not known here: [web] names = [\"…\"] in the configuration"));
        }
        let Some(path) = path(&request.path) else { return Some(nothing(None)) };
        let parts: Vec<&[u8]> = path.iter().map(Vec::as_slice).collect();
        match (request.method, parts.as_slice()) {
            (Method::Get, [b"style.css"]) => return Some(Answer::file("text/css; charset=utf-8", STYLE)),
            (Method::Get, [b"icon.svg"]) => return Some(Answer::file("image/svg+xml", ICON)),
            (Method::Get, [b"login"]) => return Some(Answer::page(200, pages::login(""))),
            (Method::Post, [b"login"]) => return Some(self.log_in(request)),
            _ => {}
        }
        let who = match self.who(request) {
            Ok(who) => who,
            Err(refused) => return Some(refusal(refused, Answer::words)),
        };
        match (request.method, &who) {
            (Method::Get, Who::Nobody) if parts.is_empty() => Some(Answer::see("/login")),
            (_, Who::Nobody) => Some(Answer::page(401, pages::login("")).with("WWW-Authenticate", "Bearer".to_owned())),
            (Method::Get, _) => self.page(&parts, request, who.session(), client),
            (Method::Post, _) => Some(self.act(&parts, request, &who)),
        }
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn who(&self, request: &Request) -> Result<Who, Refused> {
        let now = Instant::now();
        if let Some(token) = &request.token {
            return self.sessions().check(token, &self.token, now).map(|()| Who::Token);
        }
        let session = request.session.as_ref().and_then(|id| self.sessions().find(id, now));
        Ok(session.map_or(Who::Nobody, Who::Session))
    }

    fn log_in(&self, request: &Request) -> Answer {
        if !gate::is_from_our_page(request) {
            return Answer::words(403, "this form is not one of ours");
        }
        let typed = field(&request.body, "token").unwrap_or_default();
        match self.sessions().begin(typed.trim_ascii(), &self.token, Instant::now()) {
            Ok(session) => {
                let cookie = format!("{COOKIE}={}; Path=/; HttpOnly; SameSite=Strict", session.id);
                Answer::see("/").with("Set-Cookie", cookie)
            }
            Err(refused) => refusal(refused, |status, words| Answer::page(status, pages::login(words))),
        }
    }

    /// What changes something.
    fn act(&self, parts: &[&[u8]], request: &Request, who: &Who) -> Answer {
        if let Who::Session(session) = who {
            let form = field(&request.body, "form").unwrap_or_default();
            if !gate::is_from_our_page(request) || !session.has_form(&form) {
                return Answer::words(403, "this form is not one of this session's");
            }
        }
        match (parts, who) {
            ([b"logout"], Who::Session(session)) => {
                self.sessions().end(&session.id);
                Answer::see("/login")
                    .with("Set-Cookie", format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"))
            }
            ([b"job", kind, name, b"run"], _) => self.run_now(kind, name, who.session()),
            _ => nothing(who.session()),
        }
    }

    fn run_now(&self, kind: &[u8], name: &[u8], who: Option<&Session>) -> Answer {
        let situation = match self.situation() {
            Ok(situation) => situation,
            Err(error) => return sorry(503, &error.to_string(), who),
        };
        let Some(job) = named(&situation, kind, name).filter(|job| job.schedule().is_some()) else {
            return nothing(who);
        };
        let name = job.name();
        let address = format!("/job/{}", name.replace(' ', "/"));
        match requests::ask(&self.state, &name) {
            Ok(Heard::AtOnce) => Answer::see(&address),
            Ok(Heard::Later) => Answer::see(&format!("{address}?unheard")),
            Err(error) => sorry(503, &error.to_string(), who),
        }
    }

    fn page(&self, parts: &[&[u8]], request: &Request, who: Option<&Session>, client: &TcpStream) -> Option<Answer> {
        let situation = match self.situation() {
            Ok(situation) => situation,
            Err(error) => return Some(sorry(503, &error.to_string(), who)),
        };
        let runs = |job: &str| history::runs(&self.state, job).unwrap_or_default();
        let alive = |html| {
            let answer = Answer::page(200, html);
            if situation.is_moving() { answer.again(AGAIN) } else { answer }
        };
        let wanted = |name: &[u8]| {
            let name = str::from_utf8(name).ok()?;
            let repository: &Repository = situation.configuration.repository(name)?;
            let limits = &situation.configuration.limits;
            Some(Wanted { program: &self.program, limits, repository, client })
        };
        let shown = match parts {
            [] => return Some(alive(pages::overview(&situation, who, &runs))),
            [b"job", kind, name] => {
                let status = situation.status();
                let job = named(&situation, kind, name).map(|job| job.name());
                let Some(row) = status.rows().into_iter().find(|row| Some(row.job.name()) == job) else {
                    return Some(nothing(who));
                };
                let (shown, heard) = match request.query.as_slice() {
                    b"all" => (Shown::All, None),
                    b"unheard" => (Shown::Few, Some(Heard::Later)),
                    _ => (Shown::Few, None),
                };
                return Some(alive(pages::job(&row, &runs(&row.job.name()), &situation, who, shown, heard)));
            }
            [b"repository", name] => wanted(name).map(|wanted| self.repository(&wanted, request, &situation, who)),
            [b"archive", name, archive, path @ ..] => {
                wanted(name).map(|wanted| self.directory(&wanted, archive, &path.join(&b'/'), request, &situation, who))
            }
            [b"file", name, archive, path @ .., last] => wanted(name).map(|wanted| {
                let path = [path, &[last]].concat().join(&b'/');
                self.reader.file(&wanted, archive, &path, Answer::attachment(last)).map(|()| None)
            }),
            [b"tar", name, archive, path @ .., last] => wanted(name).map(|wanted| {
                let path = [path, &[last]].concat().join(&b'/');
                let head = Answer::attachment(&[last, &b".tar"[..]].concat());
                self.reader.tar(&wanted, archive, &path, head).map(|()| None)
            }),
            _ => None,
        };
        match shown {
            Some(Ok(answer)) => answer,
            Some(Err(failed)) => Some(why_not(&failed, &situation, who)),
            None => Some(nothing(who)),
        }
    }

    fn repository(
        &self,
        wanted: &Wanted<'_>,
        request: &Request,
        situation: &Situation,
        who: Option<&Session>,
    ) -> Result<Option<Answer>, Failed> {
        let skip = field(&request.query, "skip").and_then(|text| str::from_utf8(&text).ok()?.parse::<u16>().ok());
        let skipped = usize::from(skip.unwrap_or(0));
        let archives = self.reader.archives(wanted, skipped)?;
        let repository = wanted.repository;
        let backups = situation.configuration.backups.iter().filter(|backup| backup.repository == repository.name);
        let of = |job: Job<'_>| history::runs(&self.state, &job.name()).unwrap_or_default();
        let runs: Vec<Run> = backups.flat_map(|backup| of(Job::Backup(backup))).collect();
        let html = pages::repository(repository, &archives, &runs, situation, who);
        Ok(Some(Answer::page(200, html)))
    }

    fn directory(
        &self,
        wanted: &Wanted<'_>,
        archive: &[u8],
        path: &[u8],
        request: &Request,
        situation: &Situation,
        who: Option<&Session>,
    ) -> Result<Option<Answer>, Failed> {
        let place = |key, kind| field(&request.query, key).map(|name| Place { kind, name });
        let after = place("directory", Kind::Directory).or_else(|| place("other", Kind::Other));
        let listing = self.reader.directory(wanted, archive, path, Listing::new(path, after))?;
        Ok(Some(Answer::page(200, pages::archive(wanted.repository, archive, path, &listing, situation, who))))
    }

    fn situation(&self) -> Result<Situation, Error> {
        let InUse { configuration, problems, .. } = in_use(&self.configuration, &state::last_good(&self.state))?;
        let trouble = (!problems.is_empty()).then(|| Error::Configuration { problems }.to_string());
        let state = state::peek(&self.state)?;
        let names = jobs(&configuration).into_iter().map(|job| job.name());
        let asked = names.filter(|name| requests::is_asked(&self.state, name)).collect();
        let (now, zone) = (self.clock.now(), self.clock.zone().clone());
        Ok(Situation { configuration, state, trouble, asked, now, zone })
    }
}

impl Who {
    fn session(&self) -> Option<&Session> {
        match self {
            Self::Session(session) => Some(session),
            Self::Token | Self::Nobody => None,
        }
    }
}

/// The names between slashes; `None` where one is not written as names are.
fn path(typed: &[u8]) -> Option<Vec<Vec<u8>>> {
    let typed = typed.strip_prefix(b"/")?;
    if typed.is_empty() {
        return Some(Vec::new());
    }
    let names = typed.split(|&byte| byte == b'/').map(unquoted);
    names.map(|name| name.filter(|name| !name.is_empty() && !name.contains(&b'/'))).collect()
}

fn named<'s>(situation: &'s Situation, kind: &[u8], name: &[u8]) -> Option<Job<'s>> {
    let wanted = [kind, name].join(&b' ');
    jobs(&situation.configuration).into_iter().find(|job| job.name().as_bytes() == wanted)
}

fn refusal(refused: Refused, answer: impl FnOnce(u16, &str) -> Answer) -> Answer {
    match refused {
        Refused::Wrong => answer(401, "This is not the token."),
        Refused::TooSoon(seconds) => {
            answer(429, &format!("There was a wrong token: wait {seconds} s.")).with("Retry-After", seconds.to_string())
        }
        Refused::NoChance => answer(503, "The system gives no random bytes."),
    }
}

fn nothing(who: Option<&Session>) -> Answer {
    Answer::page(404, pages::notice("Nothing here", "There is no such page, job, archive or file.", who))
}

fn sorry(status: u16, words: &str, who: Option<&Session>) -> Answer {
    Answer::page(status, pages::notice("Not now", words, who))
}

/// Why a repository cannot be looked at; what passes by itself is tried again.
fn why_not(failed: &Failed, situation: &Situation, who: Option<&Session>) -> Answer {
    match failed {
        Failed::Nothing => nothing(who),
        Failed::Busy => {
            let words =
                "Another page is reading a repository, and there is memory for one. This one tries again by itself.";
            sorry(503, words, who).again(AGAIN).with("Retry-After", AGAIN.to_string())
        }
        Failed::Because(Trouble::Locked, words) => {
            let status = situation.status();
            let running = status.rows().into_iter().find(|row| row.record.running_since.is_some());
            let words = match running {
                Some(row) => {
                    format!("The repository is busy: {} is running. This page tries again by itself.", row.job.name())
                }
                None => format!("The repository is locked: {words}. This page tries again by itself."),
            };
            sorry(503, &words, who).again(AGAIN).with("Retry-After", AGAIN.to_string())
        }
        Failed::Because(trouble, words) => sorry(503, &format!("{}: {words}", trouble.name()), who),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assets_are_small_and_ask_nobody_else() {
        assert!(STYLE.len() + ICON.len() <= 100 << 10);
        for asset in [STYLE, ICON] {
            let text = str::from_utf8(asset).expect("text").replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains("//") && !text.contains("@import") && !text.contains("url("), "{text}");
        }
    }

    #[test]
    fn names_are_taken_apart_before_they_are_understood() {
        assert_eq!(path(b"/"), Some(Vec::new()));
        assert_eq!(path(b"/a%20b/%ff"), Some(vec![b"a b".to_vec(), vec![0xff]]));
        for wrong in ["a", "//", "/a//b", "/a/", "/a%2fb", "/%00", "/%2"] {
            assert_eq!(path(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
