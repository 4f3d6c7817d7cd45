//! `[web]`: the status page, which is off where this is missing.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use toml::de::DeValue;

use super::reader::{Problems, Section, path, text, texts};

/// The status page.
#[derive(Clone, Debug)]
pub struct Web {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The file that holds the token.
    pub token_file: PathBuf,
    /// Names by which browsers may call this machine, beside its address and `localhost`.
    pub names: Vec<String>,
}

const PORT: u16 = 8475;

impl Default for Web {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, PORT)),
            token_file: "/etc/nanoprobe/web-token".into(),
            names: Vec::new(),
        }
    }
}

pub(super) fn read(mut section: Section<'_>, problems: &mut Problems<'_>) -> Web {
    let mut web = Web::default();
    web.listen = section.read("listen", problems, listen).unwrap_or(web.listen);
    web.token_file = section.read("token_file", problems, path).unwrap_or(web.token_file);
    web.names = section.read("names", problems, names).unwrap_or_default();
    section.finish(problems);
    web
}

fn listen(value: &DeValue<'_>) -> Result<SocketAddr, String> {
    let text = text(value)?;
    text.parse().map_err(|_| format!("\"{text}\" is no address and port such as 127.0.0.1:{PORT}"))
}

fn names(value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let names = texts(value)?;
    let plain = |name: &String| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    match names.iter().find(|name| !plain(name)) {
        Some(wrong) => Err(format!("\"{wrong}\" is no name of a machine such as nas.local")),
        None => Ok(names),
    }
}
