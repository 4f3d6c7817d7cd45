//! The file that `agent init` writes: what was answered, and everything else commented, with what it would be.

/// What a person was asked.
#[derive(Clone, Debug)]
pub struct Answers {
    /// Where archives go.
    pub location: String,
    /// The file with its passphrase; none for a repository without encryption, or one that is unlocked otherwise.
    pub passphrase_file: Option<String>,
    /// What is backed up.
    pub sources: Vec<String>,
    /// When: `daily 02:30`.
    pub schedule: String,
    /// Told of each run.
    pub ping: Option<String>,
}

/// The file.
pub fn text(answers: &Answers) -> String {
    let sources: Vec<String> = answers.sources.iter().map(|source| quoted(source)).collect();
    let optional = |key: &str, value: &Option<String>, sample: &str| match value {
        Some(value) => format!("{key} = {}", quoted(value)),
        None => format!("# {key} = {}", quoted(sample)),
    };
    include_str!("sample.toml")
        .replace("@location@", &quoted(&answers.location))
        .replace("@sources@", &sources.join(", "))
        .replace("@schedule@", &quoted(&answers.schedule))
        .replace("@passphrase@", &optional("passphrase_file", &answers.passphrase_file, "/etc/nanoprobe/passphrase"))
        .replace("@ping@", &optional("ping", &answers.ping, "https://hc-ping.com/your-uuid"))
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(control))),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
