//! Every decision of the real Borg's PatternMatcher, recorded by `patterns/record.py`.

use nanoprobe_operations::patterns::{PatternError, PatternMatcher, Rule, read_excludes, read_patterns};
use serde_json::Value;

#[test]
fn decides_as_borg_does() {
    let mut lines = include_str!("patterns/decisions.jsonl").lines();
    let probes = texts(&serde_json::from_str(lines.next().unwrap()).unwrap());
    let mut cases = 0;
    let mut differences = Vec::new();
    for line in lines {
        let case: Value = serde_json::from_str(line).unwrap();
        let found = decisions(&case, &probes);
        let expected = match case.get("error") {
            Some(_) => None,
            None => Some(Outcome {
                decisions: case["decisions"].as_str().unwrap().to_owned(),
                roots: texts(&case["roots"]),
                unmatched: texts(&case["unmatched"]),
            }),
        };
        if found.as_ref().ok() != expected.as_ref() {
            differences.push(format!("{line}\n  expected {expected:?}\n  found    {found:?}"));
        }
        cases += 1;
    }
    assert!(cases > 500, "only {cases} cases");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[derive(Debug, PartialEq)]
struct Outcome {
    decisions: String,
    roots: Vec<Vec<u8>>,
    unmatched: Vec<Vec<u8>>,
}

fn decisions(case: &Value, probes: &[Vec<u8>]) -> Result<Outcome, PatternError> {
    let mut roots = Vec::new();
    let mut rules: Vec<Rule> = Vec::new();
    read_patterns(&texts(&case["lines"]).join(&b'\n'), &mut roots, &mut rules)?;
    for exclude in texts(&case["excludes"]) {
        read_excludes(&exclude, &mut rules)?;
    }
    let mut matcher = PatternMatcher::for_paths(&rules, &texts(&case["paths"]))?;
    let decisions = probes.iter().map(|probe| {
        let decision = matcher.matches(probe);
        match (decision.include, decision.recurse) {
            (true, _) => '+',
            (false, true) => '-',
            (false, false) => '!',
        }
    });
    let decisions = decisions.collect();
    Ok(Outcome { decisions, roots, unmatched: matcher.unmatched().map(<[u8]>::to_vec).collect() })
}

/// Undoes the percent encoding.
fn texts(values: &Value) -> Vec<Vec<u8>> {
    let decode = |text: &str| {
        let mut parts = text.split('%');
        let mut bytes = parts.next().unwrap().as_bytes().to_vec();
        for part in parts {
            bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
            bytes.extend_from_slice(&part.as_bytes()[2..]);
        }
        bytes
    };
    values.as_array().unwrap().iter().map(|value| decode(value.as_str().unwrap())).collect()
}
