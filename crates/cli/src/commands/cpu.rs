//! `cpu`: what this CPU offers, which implementation of each primitive that lets run, and the mode that suits.

use std::{
    env::consts,
    io::{self, Write},
};

use nanoprobe_chunker::BuzhashForm;
use nanoprobe_cpu::{Features, Form, FormVisitor, Standing, allowed, detected};
use nanoprobe_key::{Mode, recommend::Speeds};

use super::Context;
use crate::{
    Failure,
    arguments::Cpu,
    output::json::{Indent, Json},
};

/// A way to compute a primitive.
struct Implementation {
    primitive: &'static str,
    name: &'static str,
    standing: Standing,
}

struct Implementations(Vec<Implementation>);

impl FormVisitor for Implementations {
    fn visit<F: Form>(&mut self, primitive: &'static str) {
        let forms = F::ALL.iter();
        self.0.extend(forms.map(|form| Implementation { primitive, name: form.name(), standing: form.standing() }));
    }
}

pub(super) fn run(arguments: &Cpu, context: &Context<'_>) -> Result<(), Failure> {
    let mut implementations = Implementations(Vec::new());
    nanoprobe_crypto::visit_forms(&mut implementations);
    implementations.visit::<BuzhashForm>("buzhash");
    let Implementations(implementations) = implementations;
    let speeds = Speeds::measure();
    let mut out = io::stdout().lock();
    if arguments.json {
        let indent = Indent::from_environment(context.environment.text("BORG_JSON_INDENT").as_deref());
        return Ok(json(&implementations, speeds).write_document(&mut out, &indent)?);
    }
    Ok(text(&implementations, speeds, &mut out)?)
}

fn text(implementations: &[Implementation], speeds: Speeds, out: &mut dyn Write) -> io::Result<()> {
    let withdrawn = detected().without(allowed());
    writeln!(out, "{:<13}{}", consts::ARCH, or_none(allowed()))?;
    if !withdrawn.is_empty() {
        writeln!(out, "{:<13}{withdrawn} (NANOPROBE_CPU_MASK)", "not used")?;
    }
    writeln!(out)?;
    let mut before = "";
    for Implementation { primitive, name, standing } in implementations {
        let primitive = if *primitive == before { "" } else { *primitive };
        writeln!(out, "{primitive:<13}{name:<16}{}", reason(*standing))?;
        before = if primitive.is_empty() { before } else { primitive };
    }
    let [repokey, keyfile] = speeds.modes().map(Mode::name);
    writeln!(out, "\nMeasured     {speeds}.")?;
    writeln!(out, "Suits        --encryption={repokey}, or {keyfile} (init --encryption=auto, auto-keyfile)")
}

fn or_none(features: Features) -> String {
    if features.is_empty() { "nothing beyond its architecture".to_owned() } else { features.to_string() }
}

fn reason(standing: Standing) -> String {
    match standing {
        Standing::Chosen => "used".to_owned(),
        Standing::Slower => "would run, but is slower".to_owned(),
        Standing::Missing(features) => format!("needs {features}"),
        Standing::Withdrawn(features) => format!("needs {features}, which is masked"),
        _ => "computes wrongly on this machine".to_owned(),
    }
}

fn json(implementations: &[Implementation], speeds: Speeds) -> Json {
    let names = |features: Features| Json::List(features.iter().map(|feature| Json::text(feature.name())).collect());
    let forms = implementations.iter().map(|implementation| {
        let (standing, needs) = match implementation.standing {
            Standing::Chosen => ("used", Features::NONE),
            Standing::Slower => ("slower", Features::NONE),
            Standing::Missing(features) => ("missing", features),
            Standing::Withdrawn(features) => ("masked", features),
            _ => ("wrong", Features::NONE),
        };
        Json::map([
            ("primitive", Json::text(implementation.primitive)),
            ("name", Json::text(implementation.name)),
            ("standing", Json::text(standing)),
            ("lacks", names(needs)),
        ])
    });
    let [repokey, keyfile] = speeds.modes().map(Mode::name);
    Json::map([
        ("architecture", Json::text(consts::ARCH)),
        ("features", names(detected())),
        ("masked", names(detected().without(allowed()))),
        ("implementations", Json::List(forms.collect())),
        ("hmac_sha256_bytes_per_second", Json::integer(speeds.sha256)),
        ("blake2b_bytes_per_second", Json::integer(speeds.blake2b)),
        ("encryption", Json::map([("repokey", Json::text(repokey)), ("keyfile", Json::text(keyfile))])),
    ])
}
