//! `help`: commands and topics.

use std::io::Write;

use crate::{
    Failure,
    arguments::{self, Help},
    commands::Context,
};

const TOPICS: [(&str, &str); 5] = [
    ("compression", include_str!("../help/compression.txt")),
    ("environment", include_str!("../help/environment.txt")),
    ("formats", include_str!("../help/formats.txt")),
    ("patterns", include_str!("../help/patterns.txt")),
    ("placeholders", include_str!("../help/placeholders.txt")),
];

pub(super) fn run(arguments: &Help, context: &Context<'_>) -> Result<(), Failure> {
    let mut definition = arguments::definition(context.name);
    definition.build();
    let text = match arguments.topic.as_deref() {
        None => definition.render_long_help().to_string(),
        Some(topic) => match TOPICS.iter().find(|(name, _)| *name == topic) {
            Some((_, text)) => (*text).to_owned(),
            None => match definition.find_subcommand_mut(topic) {
                Some(command) => command.render_long_help().to_string(),
                None => return Err(unknown(topic, &definition)),
            },
        },
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

fn unknown(topic: &str, definition: &clap::Command) -> Failure {
    let mut commands: Vec<&str> = definition.get_subcommands().map(clap::Command::get_name).collect();
    commands.sort_unstable();
    let topics = TOPICS.map(|(name, _)| name).join(", ");
    arguments::usage_error(format_args!(
        "No help available on {topic}.\nTry one of the following:\n    Commands: {}\n    Topics: {topics}",
        commands.join(", ")
    ))
    .into()
}
