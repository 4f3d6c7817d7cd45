//! Splits a command line as a POSIX shell does (`BORG_PASSCOMMAND`, `--rsh`): quotes and backslashes, nothing else.

/// The words, or `None` when a quote is never closed.
pub(crate) fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next()? {
                        '\'' => break,
                        quoted => word.push(quoted),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next()? {
                        '"' => break,
                        '\\' => match characters.next()? {
                            escaped @ ('"' | '\\') => word.push(escaped),
                            other => word.extend(['\\', other]),
                        },
                        quoted => word.push(quoted),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(characters.next()?),
            plain => word.get_or_insert_default().push(plain),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn words() {
        let words = |line| split(line).map(|words| words.join("|"));
        assert_eq!(words("pass show 'my backup'").as_deref(), Some("pass|show|my backup"));
        assert_eq!(words(r#"a"b c"d\ e ''"#).as_deref(), Some("ab cd e|"));
        assert_eq!(words(r#""\a\"\\""#).as_deref(), Some(r#"\a"\"#));
        assert_eq!(words("  ").as_deref(), Some(""));
        assert_eq!(words("'open"), None);
    }
}
