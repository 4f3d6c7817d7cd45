//! `config`: shows and changes what is in a repository's `config`. What may be set to what is Borg's rule.

use std::io::Write;

use nanoprobe_format::Id;
use nanoprobe_repository::{
    LocalRepository, Locking,
    config::{self, SECTION, SEGMENT_BYTES_LIMIT},
};

use super::{Context, context::Archive};
use crate::{Failure, arguments::Config};

/// What `--list` always shows, in this order.
const LISTED: [&str; 7] =
    ["version", "segments_per_dir", "max_segment_size", "storage_quota", "additional_free_space", "append_only", "id"];
/// Where a partial check goes on; shown when it is there.
const LAST_CHECKED: &str = "last_segment_checked";
/// Smaller amounts are taken for a mistake.
const AMOUNT_LEAST: u64 = 10_000_000;

pub(super) fn run(arguments: &Config, context: &Context<'_>) -> Result<(), Failure> {
    let location = context.location(&arguments.location, Archive::Refused, None)?;
    let repository = LocalRepository::open(&Context::only_local(&location)?, context.open_options(Locking::Exclusive))?;
    if arguments.cache {
        return Err(Failure::command(
            "the cache of nanoprobe has no settings; borg's own cache is borg's to configure",
        ));
    }
    if arguments.list {
        return list(&repository);
    }
    let name = arguments.name.as_deref().ok_or_else(|| Failure::command("No config key name was provided."))?;
    let (section, name) = match name.split_once('.') {
        Some((section, name)) if !name.contains('.') => (section, name),
        _ => (SECTION, name),
    };
    // As Python's configparser, which does not tell capitals from small letters.
    let option = name.to_lowercase();
    match arguments.value.as_deref().filter(|value| !value.is_empty()) {
        _ if arguments.delete => {
            validate(section, name, None)?;
            repository.change_config(|config| {
                config.remove(&option);
            })?;
        }
        Some(value) => {
            validate(section, name, Some(value))?;
            repository.change_config(|config| config.set(&option, value))?;
        }
        None if section != SECTION => return Err(Failure::error(format_args!("No section: '{section}'"))),
        None => match repository.config().value(&option) {
            Some(value) => writeln!(std::io::stdout(), "{value}")?,
            None => return Err(Failure::error(format_args!("No option '{option}' in section: '{section}'"))),
        },
    }
    Ok(repository.close()?)
}

fn list(repository: &LocalRepository) -> Result<(), Failure> {
    let config = repository.config();
    let mut text = format!("[{SECTION}]\n");
    for name in LISTED {
        text.push_str(&format!("{name} = {}\n", config.value(name).unwrap_or("False")));
    }
    if let Some(segment) = config.value(LAST_CHECKED) {
        text.push_str(&format!("{LAST_CHECKED} = {segment}\n"));
    }
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

/// Refuses what Borg refuses; without a value, the name alone is looked at.
fn validate(section: &str, name: &str, value: Option<&str>) -> Result<(), Failure> {
    let refuse = |reason: &str| Err(Failure::unforeseen(format_args!("ValueError: {reason}")));
    if section != SECTION {
        return refuse("Invalid section");
    }
    let Some(value) = value else {
        let is_known = name != "version" && (LISTED.contains(&name) || name == LAST_CHECKED);
        return if is_known { Ok(()) } else { refuse("Invalid name") };
    };
    match name {
        "segments_per_dir" | LAST_CHECKED if value.trim().parse::<i64>().is_err() => refuse("Invalid value"),
        "segments_per_dir" | LAST_CHECKED => Ok(()),
        "max_segment_size" | "additional_free_space" | "storage_quota" => match config::parse_size(value) {
            None => refuse("Invalid value"),
            Some(bytes) if name == "max_segment_size" && bytes >= SEGMENT_BYTES_LIMIT => {
                refuse(&format!("Invalid value: max_segment_size >= {SEGMENT_BYTES_LIMIT}"))
            }
            Some(bytes) if name != "max_segment_size" && bytes != 0 && bytes < AMOUNT_LEAST => {
                refuse(&format!("Invalid value: {name} < 10M"))
            }
            Some(_) => Ok(()),
        },
        "append_only" if !["0", "1"].contains(&value) => refuse("Invalid value"),
        "append_only" => Ok(()),
        "id" if Id::from_hex(value).is_none() => refuse("Expected 32 bytes hex string"),
        "id" => Ok(()),
        _ => refuse("Invalid name"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borgs_rules_hold() {
        let allowed = |name, value| validate(SECTION, name, value).is_ok();
        for (name, good, bad) in [
            ("segments_per_dir", "2000", "many"),
            ("last_segment_checked", "123", ""),
            ("max_segment_size", "500M", "4.3G"),
            ("additional_free_space", "2G", "1M"),
            ("storage_quota", "0", "9M"),
            ("append_only", "1", "yes"),
            ("id", "5450feca057ca8924e2e08a139bfb64eae73a69bde7152c1c2c20f84d2e2902a", "5450"),
        ] {
            assert!(allowed(name, Some(good)) && !allowed(name, Some(bad)) && allowed(name, None), "{name}");
        }
        assert!(!allowed("version", Some("1")) && !allowed("key", None) && !allowed("any", None));
        assert!(validate("cache", "append_only", Some("1")).is_err());
    }
}
