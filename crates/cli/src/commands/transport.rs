//! By which transport a server is reached. The system's `ssh` is used where there is one, because its configuration, agent and jump
//! hosts then just work; SSH of our own where there is none, or where the user says so.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStringExt,
    path::Path,
    sync::Arc,
};

use nanoprobe_remote::transport::{Command, Transport};

use super::Context;
use crate::{Failure, environment::SECRETS, location::Place, placeholders::BORG_VERSION, shell_words};
#[cfg(feature = "builtin-ssh")]
use crate::{person::AtTerminal, placeholders::account_name};

/// The first word of BORG_RSH that means ours.
const BUILT_IN: &str = "builtin";

impl Context<'_> {
    /// `--rsh`, else BORG_RSH, else `ssh`, else ours.
    pub(super) fn transport(&self, place: &Place, server: Vec<OsString>) -> Result<Arc<dyn Transport>, Failure> {
        let rsh = self.common.rsh.clone().or_else(|| self.environment.variable("BORG_RSH"));
        let mut words = match rsh {
            Some(line) => self.words(&line)?,
            None if cfg!(feature = "builtin-ssh") && !Command::finds(Path::new("ssh")) => vec![BUILT_IN.into()],
            None => vec!["ssh".into()],
        };
        let Place::Remote { user, host, port, .. } = place else {
            return Err(Failure::unforeseen("a local repository is not reached over a line"));
        };
        let host = host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]")).unwrap_or(host);
        if words.first().is_some_and(|word| word == BUILT_IN) {
            return self.built_in(&words[1..], user.as_deref(), host, *port, &server);
        }
        if let Some(port) = port {
            words.extend(["-p".into(), port.to_string().into()]);
        }
        let user = user.iter().flat_map(|user| [&user[..], b"@"]);
        words.push(OsString::from_vec(user.chain([host]).collect::<Vec<_>>().concat()));
        words.extend(server);
        self.log.debug(format!("SSH command line: {words:?}"));
        Ok(Arc::new(Command { words, without: SECRETS.to_vec(), with: vec![("BORG_VERSION", BORG_VERSION)] }))
    }

    #[cfg(feature = "builtin-ssh")]
    fn built_in(
        &self,
        options: &[OsString],
        user: Option<&[u8]>,
        host: &[u8],
        port: Option<u32>,
        server: &[OsString],
    ) -> Result<Arc<dyn Transport>, Failure> {
        use nanoprobe_remote::transport::{BuiltIn, Destination};

        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec());
        let not_text = |_| Failure::command("SSH takes only names and commands in UTF-8");
        let options: Vec<String> = options.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let port =
            port.map(|port| u16::try_from(port).map_err(|_| Failure::command(format_args!("{port} is no port"))));
        let destination = Destination {
            user: user.map(text).transpose().map_err(not_text)?,
            host: text(host).map_err(not_text)?,
            port: port.transpose()?,
            local_user: account_name(),
            home: self.environment.home_directory(),
        };
        let command = text(server.join(OsStr::new(" ")).as_encoded_bytes()).map_err(not_text)?;
        self.log.debug(format!("Built-in SSH: {options:?} {}: {command}", destination.host));
        let person = Arc::new(AtTerminal::new(self.environment, self.log));
        Ok(Arc::new(BuiltIn::new(&options, destination, command, person)?))
    }

    #[cfg(not(feature = "builtin-ssh"))]
    fn built_in(
        &self,
        _: &[OsString],
        _: Option<&[u8]>,
        _: &[u8],
        _: Option<u32>,
        _: &[OsString],
    ) -> Result<Arc<dyn Transport>, Failure> {
        Err(Failure::error("this program was built without SSH of its own (the cargo feature builtin-ssh)"))
    }

    fn words(&self, line: &OsStr) -> Result<Vec<OsString>, Failure> {
        let words = line.to_str().and_then(shell_words::split).filter(|words| !words.is_empty());
        let shown = line.to_string_lossy();
        let words = words.ok_or_else(|| Failure::command(format_args!("--rsh or BORG_RSH is no command: {shown}")))?;
        Ok(words.into_iter().map(OsString::from).collect())
    }
}
