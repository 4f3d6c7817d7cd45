//! Reaching a repository on another machine: what the conversation may use, and the server's command line, as Borg builds it.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    sync::Arc,
};

use nanoprobe_remote::{Creation, Limits, OpenOptions, RemoteRepository, Retries};
use nanoprobe_repository::Locking;

use super::Context;
use crate::{
    Failure,
    arguments::{self, Verbosity},
    location::{Location, Place},
    log::SERVER,
    server_lines,
    signals::INTERRUPT,
};

/// A repository that is to be made.
pub(crate) struct New {
    pub(crate) creation: Creation,
    /// In bytes; 0: none.
    pub(crate) storage_quota: u64,
}

impl Context<'_> {
    /// Reaches a remote repository and opens or makes it.
    pub(super) fn remote(
        &self,
        location: &Location,
        lock: Locking,
        new: Option<New>,
    ) -> Result<RemoteRepository, Failure> {
        let Place::Remote { path, .. } = &location.place else {
            return Err(Failure::unforeseen("a local repository is not reached over a line"));
        };
        let transport = self.transport(&location.place, self.server(new.as_ref())?)?;
        let (log, progress) = (self.log, self.common.progress);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let options = OpenOptions {
            path: path.clone(),
            location: text(&location.canonical()),
            processed: text(&location.without_archive()),
            lock: if self.common.bypass_lock { Locking::None } else { lock },
            lock_wait: self.common.lock_wait(),
            creation: new.map(|new| new.creation),
            limits: self.limits()?,
            caches: self.environment.cache_directory(),
            listener: Arc::new(move |line| server_lines::tell(line, log, progress)),
            retries: self.retries()?,
        };
        Ok(RemoteRepository::open(transport, options)?)
    }

    /// What happens when the line drops: NANOPROBE_RETRIES.
    fn retries(&self) -> Result<Retries, Failure> {
        let (log, unless_said) = (self.log, Retries::default());
        let attempts = match self.environment.text("NANOPROBE_RETRIES") {
            Some(text) => text
                .trim()
                .parse()
                .map_err(|_| Failure::command(format_args!("NANOPROBE_RETRIES: not a number: {text}")))?,
            None => unless_said.attempts,
        };
        Ok(Retries {
            attempts,
            is_interrupted: Arc::new(|| INTERRUPT.requested()),
            warn: Arc::new(move |message| log.message(Verbosity::Warning, SERVER, None, message)),
            ..unless_said
        })
    }

    /// What is run at the other end.
    fn server(&self, new: Option<&New>) -> Result<Vec<OsString>, Failure> {
        let program = self.common.remote_path.clone().or_else(|| self.environment.variable("BORG_REMOTE_PATH"));
        let program = self.replace(program.as_deref().unwrap_or(OsStr::new("borg")).as_bytes(), None)?;
        let mut words = vec![OsString::from_vec(program), "serve".into()];
        words.extend(match self.common.verbosity() {
            Verbosity::Debug => Some("--debug".into()),
            Verbosity::Info => Some("--info".into()),
            Verbosity::Warning => None,
            Verbosity::Error => Some("--error".into()),
            Verbosity::Critical => Some("--critical".into()),
        });
        for topic in &self.common.debug_topics {
            let topic = if topic.contains('.') { topic.clone() } else { format!("borg.debug.{topic}") };
            if topic.contains("repository") {
                words.push(format!("--debug-topic={topic}").into());
            }
        }
        if let Some(New { storage_quota: 1.., .. }) = new {
            words.push(format!("--storage-quota={}", new.map_or(0, |new| new.storage_quota)).into());
        }
        Ok(words)
    }

    fn limits(&self) -> Result<Limits, Failure> {
        let positive =
            |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok()).filter(|&number| number > 0);
        let plan = self.budget()?.remote_plan();
        let wanted = positive(self.common.upload_buffer).map_or(0, |mebibytes| mebibytes.saturating_mul(1 << 20));
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        Ok(Limits {
            upload_bytes: wanted.clamp(plan.upload_bytes, plan.most_upload_bytes),
            ahead_bytes: plan.ahead_bytes,
            requested_bytes: plan.requested_bytes,
            upload_bytes_per_second: positive(self.common.upload_ratelimit)
                .map(|kibibytes| kibibytes.saturating_mul(1024)),
            journal_bytes: match self.environment.text("NANOPROBE_JOURNAL") {
                Some(text) => arguments::bytes(&text)
                    .map_err(|reason| Failure::command(format_args!("NANOPROBE_JOURNAL: {reason}")))?,
                None => plan.journal_bytes,
            },
        })
    }
}
