//! Which directory a client's path means, and whether it may be there.
//!
//! Links are resolved first, as far as there is something; then the result is compared with what is allowed; then the
//! directory is opened name by name without following any link, so that it is the one that was compared.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::{Attendant, Policy};
use crate::Error;

/// As many links as Linux follows.
const LINKS_MOST: usize = 40;

/// The directory that a client's path means.
pub(super) fn resolve(path: &[u8], attendant: &dyn Attendant) -> io::Result<PathBuf> {
    let path = match path {
        [b'/', b'~', b'/', rest @ ..] | [b'~', b'/', rest @ ..] => home(None, rest, attendant),
        [b'/', b'~', rest @ ..] | [b'~', rest @ ..] => {
            let end = rest.iter().position(|&byte| byte == b'/').unwrap_or(rest.len());
            let (user, below) = rest.split_at(end);
            let user = Some(OsStr::from_bytes(user)).filter(|user| !user.is_empty());
            match attendant.home(user) {
                Some(home) => home.join(OsStr::from_bytes(without_slashes(below))),
                None => PathBuf::from(OsStr::from_bytes(&[b"~", rest].concat())),
            }
        }
        [b'/', b'.', b'/', rest @ ..] => PathBuf::from(OsStr::from_bytes(without_slashes(rest))),
        path => PathBuf::from(OsStr::from_bytes(path)),
    };
    real_path(&path)
}

impl Policy {
    /// `path` must be resolved.
    pub(super) fn require_allowed(&self, path: &Path) -> Result<(), Error> {
        let refused = || Error::PathNotAllowed(path.display().to_string());
        let any = |allowed: &[PathBuf], matches: fn(&Path, &Path) -> bool| {
            allowed.is_empty()
                || allowed.iter().any(|allowed| real_path(allowed).is_ok_and(|allowed| matches(path, &allowed)))
        };
        let allowed = any(&self.restrict_to_paths, |path, allowed| path.starts_with(allowed))
            && any(&self.restrict_to_repositories, |path, allowed| path == allowed);
        if allowed { Ok(()) } else { Err(refused()) }
    }
}

fn home(user: Option<&OsStr>, below: &[u8], attendant: &dyn Attendant) -> PathBuf {
    attendant.home(user).unwrap_or_default().join(OsStr::from_bytes(without_slashes(below)))
}

/// Joining must not begin at the root again.
fn without_slashes(path: &[u8]) -> &[u8] {
    let slashes = path.iter().take_while(|&&byte| byte == b'/').count();
    path.get(slashes..).unwrap_or_default()
}

/// The path without links and `..`; from the first name on that does not exist, by its text alone.
fn real_path(path: &Path) -> io::Result<PathBuf> {
    let mut real = if path.is_absolute() { PathBuf::from("/") } else { std::env::current_dir()?.canonicalize()? };
    let mut names: VecDeque<OsString> = parts(path).collect();
    let mut links = 0;
    while let Some(name) = names.pop_front() {
        if name == ".." {
            real.pop();
            continue;
        }
        real.push(&name);
        let target = match fs::read_link(&real) {
            Ok(target) => target,
            // No link, or nothing there.
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotFound) => continue,
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => continue,
            Err(error) => return Err(error),
        };
        links += 1;
        if links > LINKS_MOST {
            return Err(rustix::io::Errno::LOOP.into());
        }
        real.pop();
        if target.is_absolute() {
            real = PathBuf::from("/");
        }
        let mut before: VecDeque<OsString> = parts(&target).collect();
        before.append(&mut names);
        names = before;
    }
    Ok(real)
}

fn parts(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::serve::Event;

    struct Nobody;

    impl Attendant for Nobody {
        fn event(&self, _: Event<'_>) {}
        fn home(&self, user: Option<&OsStr>) -> Option<PathBuf> {
            match user {
                None => Some("/nowhere/of us".into()),
                Some(user) => (user == "guest").then(|| "/nowhere/guest".into()),
            }
        }
        fn scratch(&self) -> io::Result<PathBuf> {
            Ok(std::env::temp_dir())
        }

        fn system(&self) -> String {
            String::new()
        }
        fn leave(&self) -> ! {
            panic!()
        }
    }

    #[test]
    fn spellings_of_paths() {
        let here = std::env::current_dir().unwrap().canonicalize().unwrap();
        for (path, expected) in [
            ("/nowhere/a", PathBuf::from("/nowhere/a")),
            ("/nowhere/a/../b/./c//d/", "/nowhere/b/c/d".into()),
            ("/~/a", "/nowhere/of us/a".into()),
            ("~/a/../../x", "/nowhere/x".into()),
            ("/~", "/nowhere/of us".into()),
            ("~guest/a", "/nowhere/guest/a".into()),
            ("/~guest", "/nowhere/guest".into()),
            ("~//a", "/nowhere/of us/a".into()),
            ("~stranger/a", here.join("~stranger/a")),
            ("/./a/b", here.join("a/b")),
            ("/.//a", here.join("a")),
            ("a", here.join("a")),
        ] {
            assert_eq!(resolve(path.as_bytes(), &Nobody).unwrap(), expected, "{path}");
        }
    }

    #[test]
    fn links_are_resolved_before_paths_are_compared() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("allowed/inner")).unwrap();
        fs::create_dir_all(root.join("allowed2")).unwrap();
        symlink("/etc", root.join("allowed/out")).unwrap();
        symlink("../allowed2/deep", root.join("allowed/relative")).unwrap();
        symlink("loop", root.join("allowed/loop")).unwrap();
        symlink("allowed", root.join("alias")).unwrap();
        let allowed = |policy: &Policy, path: &str| {
            let path = resolve(root.join(path).as_os_str().as_bytes(), &Nobody).unwrap();
            policy.require_allowed(&path).is_ok()
        };
        let policy = Policy { restrict_to_paths: vec![root.join("alias"), root.join("missing")], ..Policy::default() };
        for path in ["allowed", "allowed/", "allowed/inner/new/repo", "alias/inner", "missing/x", "allowed2/../allowed"]
        {
            assert!(allowed(&policy, path), "{path}");
        }
        for path in ["", "allowed2", "allowed/../x", "allowed/out", "allowed/out/x", "allowed/relative/x", "missing2"] {
            assert!(!allowed(&policy, path), "{path}");
        }
        assert!(resolve(root.join("allowed/loop").as_os_str().as_bytes(), &Nobody).is_err());
        let only = Policy { restrict_to_repositories: vec![root.join("alias/inner")], ..Policy::default() };
        assert!(allowed(&only, "allowed/inner") && allowed(&only, "alias/inner/"));
        assert!(!allowed(&only, "allowed") && !allowed(&only, "allowed/inner/x"));
        let both = Policy { restrict_to_paths: vec![root.join("allowed2")], ..only };
        assert!(!allowed(&both, "allowed/inner") && !allowed(&both, "allowed2"));
    }
}
