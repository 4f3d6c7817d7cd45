//! What a box should use: mode, compression, chunker.
//!
//! The mode follows the rule that `init` has (`nanoprobe_key::recommend`). Compression: of new data as text is, what is stored
//! must pass the line or the disk and what is read must pass the processor; the slower of both counts, and of settings that
//! are nearly as quick as the quickest, the one that stores least. The chunker: Borg's, unless FastCDC gives the whole much.

use nanoprobe_key::{Storage, recommend::Speeds};
use serde::{Deserialize, Serialize};

use super::{Of, Report};
use crate::{
    case::{Data, Group},
    cases,
};

/// The recommendation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Advice {
    /// For `init --encryption`.
    pub mode: String,
    /// Why.
    pub mode_reason: String,
    /// What keeps up with the line and with the disk.
    pub keeping: Vec<Keeping>,
    /// For `create --chunker-params`.
    pub chunker: String,
    /// Why.
    pub chunker_reason: String,
}

/// The compression that suits what data goes to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Keeping {
    /// What data goes to: `network`, `disk`, or nothing that would be slower than the processor.
    pub limit: String,
    /// What it takes; nothing where it is without a limit.
    pub limit_megabytes_per_second: Option<f64>,
    /// For `create --compression`.
    pub compression: String,
    /// New data that then passes, on all cores.
    pub megabytes_per_second: f64,
    /// Stored bytes for each byte of it.
    pub stored: f64,
    /// Whether the processor is what limits it.
    pub processor_bound: bool,
}

impl Advice {
    /// Of a report whose pipelines and hashes were measured.
    pub fn of(report: &Report) -> Option<Self> {
        let speed = |name| Some((report.largest(Group::Hash, name, Data::Noise)?.rate() * 1e6) as u64);
        let speeds = Speeds { sha256: speed(cases::HMAC_SHA256_PAIR)?, blake2b: speed(cases::BLAKE2B_PAIR)? };
        let family = speeds.family();
        let network = report.network.as_ref().map(|network| ("network", network.megabytes_per_second));
        let disk = report.storage.as_ref().map(|storage| ("disk", storage.write));
        let limits: Vec<_> = network.into_iter().chain(disk).map(|(name, rate)| (name, Some(rate))).collect();
        let limits = if limits.is_empty() { vec![("nothing slower", None)] } else { limits };
        let name = |compression: &str| cases::pipeline_name(family, compression);
        let keeping: Vec<_> =
            limits.into_iter().filter_map(|(limit, rate)| keeping(report, limit, rate, name)).collect();
        let (chunker, chunker_reason) = chunker(report, &keeping, name)?;
        Some(Self {
            mode: family.mode(Storage::Repository).name().to_owned(),
            mode_reason: speeds.to_string(),
            keeping,
            chunker,
            chunker_reason,
        })
    }
}

/// Nearly as quick as the quickest: this much of it.
const NEARLY: f64 = 0.95;

fn keeping(report: &Report, limit: &str, rate: Option<f64>, name: impl Fn(&str) -> String) -> Option<Keeping> {
    let each = cases::COMPRESSIONS.iter().filter_map(|compression| {
        let pipeline = |of| report.pipeline(&name(compression), Data::Text, of);
        let figure = pipeline(Of::EachCore).or_else(|| pipeline(Of::OneCore))?;
        let stored = figure.measured.stored?;
        let passes = rate.map_or(f64::INFINITY, |rate| rate / stored);
        Some(Keeping {
            limit: limit.to_owned(),
            limit_megabytes_per_second: rate,
            compression: (*compression).to_owned(),
            megabytes_per_second: figure.rate().min(passes),
            stored,
            processor_bound: figure.rate() < passes,
        })
    });
    let each: Vec<_> = each.collect();
    let quickest = each.iter().map(|keeping| keeping.megabytes_per_second).max_by(f64::total_cmp)?;
    let nearly = each.into_iter().filter(|keeping| keeping.megabytes_per_second >= quickest * NEARLY);
    nearly.min_by(|left, right| left.stored.total_cmp(&right.stored))
}

/// What the whole must gain before FastCDC is worth that its chunks are no other program's.
const GAIN: f64 = 1.15;

fn chunker(report: &Report, keeping: &[Keeping], name: impl Fn(&str) -> String) -> Option<(String, String)> {
    let rate = |name| Some(report.largest(Group::Chunk, name, Data::Noise)?.rate());
    let (buzhash, fastcdc) = (rate(cases::BUZHASH)?, rate(cases::FASTCDC)?);
    let compression = keeping.iter().find(|keeping| keeping.processor_bound).map(|keeping| &keeping.compression[..]);
    let Some(compression) = compression else {
        return Some((cases::BUZHASH.to_owned(), "the processor is not what limits this box".to_owned()));
    };
    let whole = report.pipeline(&name(compression), Data::Text, Of::OneCore)?.rate();
    let gain = 1.0 / (1.0 - whole * (1.0 / buzhash - 1.0 / fastcdc)).max(0.1);
    let percent = (gain - 1.0) * 100.0;
    Some(if gain >= GAIN {
        let reason = format!(
            "with {compression} the whole gains {percent:.0} %; only where no other program writes to the repository: \
             its chunks are like nobody else's, else {}",
            cases::BUZHASH
        );
        (cases::FASTCDC.to_owned(), reason)
    } else {
        let percent = percent.max(0.0);
        let reason = format!("FastCDC would gain {percent:.0} % of the whole and share chunks with no other program");
        (cases::BUZHASH.to_owned(), reason)
    })
}
