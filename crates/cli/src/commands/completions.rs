//! `completions`: commands and options come from their definition; archive names are asked for when `::` has been typed.
//!
//! They hold for both names of the program. Nobody is asked for a passphrase while completing: without one given ahead of
//! time there are no names. Names are data, which no shell may run: they are read line by line and quoted.

use std::io::{self, Write};

use clap_complete::{Shell, generate};

use crate::{
    Failure,
    arguments::{self, CompletionShell, Completions},
};

const NAME: &str = "nanoprobe";

const BASH: &str = r#"
_nanoprobe_or_archives() {
    local word=${COMP_LINE:0:COMP_POINT} name repository start
    word=${word##*[[:space:]]}
    if [[ $word != *::* ]]; then
        _nanoprobe "$@"
        return
    fi
    repository=${word%%::*} start=${word#*::} COMPREPLY=()
    while IFS= read -r name; do
        [[ $name == "$start"* ]] && COMPREPLY+=("$(printf %q "$name")")
    done < <(BORG_PASSCOMMAND=${BORG_PASSCOMMAND:-false} "$1" list --short --lock-wait 1 "$repository" </dev/null 2>/dev/null)
    [[ $COMP_WORDBREAKS == *:* ]] || COMPREPLY=("${COMPREPLY[@]/#/$repository::}")
}
complete -o bashdefault -o default -F _nanoprobe_or_archives nanoprobe borg
"#;

const ZSH: &str = r#"
_nanoprobe_or_archives() {
    if [[ $PREFIX != *::* ]]; then
        _nanoprobe_words "$@"
        return
    fi
    local repository=${PREFIX%%::*}
    local -a names
    names=("${(@f)$(BORG_PASSCOMMAND=${BORG_PASSCOMMAND:-false} $words[1] list --short --lock-wait 1 "${(Q)repository}" </dev/null 2>/dev/null)}")
    compset -P '*::'
    compadd -a names
}

if [ "$funcstack[1]" = "_nanoprobe" ]; then
    _nanoprobe_or_archives "$@"
else
    compdef _nanoprobe_or_archives nanoprobe borg
fi
"#;

const FISH: &str = r#"
function __nanoprobe_archives
    set -l repository (string replace -r '::.*' '' -- (commandline -ct))
    set -q BORG_PASSCOMMAND; or set -lx BORG_PASSCOMMAND false
    nanoprobe list --short --lock-wait 1 $repository </dev/null 2>/dev/null | string replace -r '^' -- "$repository"::
end
complete -c nanoprobe -n 'string match -q "*::*" -- (commandline -ct)' -f -a '(__nanoprobe_archives)'
complete -c borg -w nanoprobe
"#;

pub(super) fn run(arguments: &Completions) -> Result<(), Failure> {
    let (shell, addition) = match arguments.shell {
        CompletionShell::Bash => (Shell::Bash, BASH),
        CompletionShell::Zsh => (Shell::Zsh, ZSH),
        CompletionShell::Fish => (Shell::Fish, FISH),
    };
    let mut script = Vec::new();
    generate(shell, &mut arguments::definition(NAME), NAME, &mut script);
    let mut script = String::from_utf8_lossy(&script).into_owned();
    if shell == Shell::Zsh {
        // The function that the file is loaded as must be the one that knows archives too.
        script = script
            .replace("#compdef nanoprobe", "#compdef nanoprobe borg")
            .replace("_nanoprobe() {", "_nanoprobe_words() {");
        if let Some(end) = script.find("if [ \"$funcstack[1]\"") {
            script.truncate(end);
        }
    }
    script.push_str(addition);
    Ok(io::stdout().write_all(script.as_bytes())?)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    /// Without completions of another name no script would be run by what its shell calls.
    #[test]
    fn names_stand_where_they_are_replaced() {
        let mut script = Vec::new();
        super::generate(super::Shell::Zsh, &mut crate::arguments::definition("nanoprobe"), "nanoprobe", &mut script);
        let script = String::from_utf8(script).unwrap();
        for text in ["#compdef nanoprobe\n", "\n_nanoprobe() {", "\nif [ \"$funcstack[1]\""] {
            assert!(script.contains(text), "{text}");
        }
    }

    #[test]
    fn archive_names_are_never_run() {
        let place = tempfile::tempdir().unwrap();
        let program = place.path().join("program");
        std::fs::write(&program, "#!/bin/sh\nprintf '%s\\n' 'one' '$(touch bad)' 'on two'\n").unwrap();
        let script = format!(
            "_nanoprobe() {{ :; }}\n{}\nCOMP_LINE='x list r::on' COMP_POINT=12\n\
             _nanoprobe_or_archives 'sh {}' 2>/dev/null || true\nx() {{ sh {} ; }}\n_nanoprobe_or_archives x\n\
             printf '%s|' \"${{COMPREPLY[@]}}\"",
            super::BASH,
            program.display(),
            program.display()
        );
        let done = Command::new("bash").args(["-c", &script]).current_dir(place.path()).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&done.stdout), "one|on\\ two|", "{done:?}");
        assert!(!place.path().join("bad").exists());
    }
}
