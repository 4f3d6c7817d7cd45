//! What a server says to the user: log lines and progress in JSON from Borg 1.1 on, anything else from whatever runs before it.
//!
//! Everything is marked as coming from the other end; nothing of it can move the cursor or pass for our own.

use serde_json::Value;

use crate::{
    log::{Format, Level, Log},
    output::json::Json,
};

const MARK: &str = "Remote: ";

/// Shows a line, which ends in a line feed or a carriage return; `progress`: progress is wanted.
pub(crate) fn tell(line: &[u8], log: &Log, progress: bool) {
    let parsed = if line.starts_with(b"{") { serde_json::from_slice::<Value>(line).ok() } else { None };
    let kind = parsed.as_ref().and_then(|message| message.get("type")?.as_str()).unwrap_or_default();
    match (&parsed, kind) {
        (Some(message), "log_message") => log_message(message, log),
        (Some(message), "progress_message" | "progress_percent") if progress => progress_message(message, log),
        (Some(_), "progress_message" | "progress_percent") => {}
        (Some(_), _) => {
            let shown = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
            log.warning(format!("Dropped remote log message with unknown type '{kind}': {shown}"), None);
        }
        (None, _) => plain(line, log),
    }
}

fn log_message(message: &Value, log: &Log) {
    let text = |name| message.get(name).and_then(Value::as_str).unwrap_or_default();
    let level = level_of(text("levelname"));
    if !log.wants(level) {
        return;
    }
    match log.format() {
        Format::Json => log.json(&marked(message)),
        Format::Text => log.text_line(format!("{MARK}{}", text("message")).as_bytes(), "\n"),
    }
}

fn level_of(name: &str) -> Level {
    match name {
        "DEBUG" => Level::Debug,
        "INFO" => Level::Info,
        "WARNING" => Level::Warning,
        "ERROR" => Level::Error,
        _ => Level::Critical,
    }
}

fn progress_message(message: &Value, log: &Log) {
    match (log.format(), message.get("message").and_then(Value::as_str)) {
        (Format::Json, _) => log.json(&marked(message)),
        (Format::Text, Some(text)) => log.text_line(format!("{MARK}{text}").as_bytes(), "\r"),
        (Format::Text, None) => {}
    }
}

/// `$LOG LEVEL LOGGER Remote: text` comes from servers that have not negotiated yet, anything else from anybody.
fn plain(line: &[u8], log: &Log) {
    let mut fields = line.trim_ascii_end().splitn(4, |&byte| byte == b' ');
    if let (Some(b"$LOG"), Some(level), Some(name), Some(text)) =
        (fields.next(), fields.next(), fields.next(), fields.next())
    {
        let name = String::from_utf8_lossy(name).into_owned();
        return log.message(level_of(&String::from_utf8_lossy(level)), &name, None, text);
    }
    let text = [MARK.as_bytes(), line.trim_ascii_end()].concat();
    match log.format() {
        Format::Json => log.message(Level::Warning, "root", None, text),
        Format::Text => log.text_line(&text, if line.ends_with(b"\r") { "\r" } else { "\n" }),
    }
}

/// The message as it came, with its text marked.
fn marked(message: &Value) -> Json {
    let mut marked = converted(message);
    if let Some(text) = message.get("message").and_then(Value::as_str) {
        marked.set("message", Json::text(format!("{MARK}{text}")));
    }
    marked
}

fn converted(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Boolean(*value),
        Value::Number(number) => match number.as_i128() {
            Some(number) => Json::Integer(number),
            None => Json::Float(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => Json::text(text),
        Value::Array(values) => Json::List(values.iter().map(converted).collect()),
        Value::Object(pairs) => Json::Map(pairs.iter().map(|(name, value)| (name.clone(), converted(value))).collect()),
    }
}
