//! Options that include and exclude paths. Their order counts across options, so they are gathered in the order typed.

use std::ffi::OsString;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};

/// As typed, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PatternOptions(pub(crate) Vec<PatternOption>);

/// One of the four options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PatternOption {
    Exclude(OsString),
    ExcludeFrom(OsString),
    Pattern(OsString),
    PatternsFrom(OsString),
}

/// How one of them is spelt.
struct Spelling {
    name: &'static str,
    short: Option<char>,
    value: &'static str,
    help: &'static str,
    make: fn(OsString) -> PatternOption,
}

const OPTIONS: [Spelling; 4] = [
    Spelling {
        name: "exclude",
        short: Some('e'),
        value: "PATTERN",
        help: "Leave out paths that match",
        make: PatternOption::Exclude,
    },
    Spelling {
        name: "exclude-from",
        short: None,
        value: "EXCLUDEFILE",
        help: "Read patterns to leave out from a file, one a line",
        make: PatternOption::ExcludeFrom,
    },
    Spelling {
        name: "pattern",
        short: None,
        value: "PATTERN",
        help: "Include or leave out paths that match (+, -, !, R, P)",
        make: PatternOption::Pattern,
    },
    Spelling {
        name: "patterns-from",
        short: None,
        value: "PATTERNFILE",
        help: "Read such patterns from a file, one a line",
        make: PatternOption::PatternsFrom,
    },
];

impl Args for PatternOptions {
    fn augment_args(command: Command) -> Command {
        OPTIONS.iter().fold(command, |command, spelling| {
            let option = Arg::new(spelling.name)
                .long(spelling.name)
                .value_name(spelling.value)
                .help(spelling.help)
                .help_heading("Include/Exclude options")
                .action(ArgAction::Append)
                .allow_hyphen_values(true)
                .value_parser(value_parser!(OsString));
            command.arg(match spelling.short {
                Some(short) => option.short(short),
                None => option,
            })
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for PatternOptions {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut options: Vec<(usize, PatternOption)> = Vec::new();
        for Spelling { name, make, .. } in OPTIONS {
            let places = matches.indices_of(name).into_iter().flatten();
            let values = matches.get_many::<OsString>(name).into_iter().flatten();
            options.extend(places.zip(values).map(|(place, value)| (place, make(value.clone()))));
        }
        options.sort_by_key(|(place, _)| *place);
        Ok(Self(options.into_iter().map(|(_, option)| option).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
