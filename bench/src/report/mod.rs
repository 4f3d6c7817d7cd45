//! What is known of a box when its cases have run: one JSON file, and what is read from it.

mod advice;
mod page;
mod table;

pub use advice::{Advice, Keeping};
pub use page::page;
pub(crate) use table::number;
pub use table::table;

use serde::{Deserialize, Serialize};

use crate::{
    case::{Case, Data, Group},
    machine::Machine,
    sampler::Measured,
    storage::Storage,
};

/// Of the layout of `report.json`.
pub const FORMAT: u32 = 1;

/// One box.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`FORMAT`].
    pub format: u32,
    /// The program's version.
    pub version: String,
    /// The box.
    pub machine: Machine,
    /// What the run took.
    pub seconds: f64,
    /// The most memory that it took.
    pub peak_memory_bytes: Option<u64>,
    /// What data goes to over a line.
    pub network: Option<Network>,
    /// What data goes to here.
    pub storage: Option<Storage>,
    /// One a case, in their order.
    pub figures: Vec<Figure>,
    /// What follows; nothing where too little was measured.
    pub advice: Option<Advice>,
}

/// The line to the repository.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// What it carries.
    pub megabytes_per_second: f64,
    /// Who says so; it is never measured.
    pub source: String,
}

/// A case and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Its stage.
    pub group: Group,
    /// The primitive with its parameters.
    pub name: String,
    /// The implementation's name; empty where there is only one.
    pub form: String,
    /// Whether it is the implementation that this machine uses.
    pub chosen: bool,
    /// What was worked on.
    pub data: Data,
    /// Bytes of one pass.
    pub bytes: usize,
    /// What came of it.
    #[serde(flatten)]
    pub measured: Measured,
}

impl Figure {
    /// Of a case.
    pub fn new(case: &Case, measured: Measured) -> Self {
        let Case { group, ref name, ref form, chosen, data, bytes, .. } = *case;
        Self { group, name: name.clone(), form: form.clone(), chosen, data, bytes, measured }
    }

    /// Megabytes a second.
    pub fn rate(&self) -> f64 {
        self.measured.megabytes_per_second()
    }

    /// Name and implementation.
    pub fn title(&self) -> String {
        if self.form.is_empty() { self.name.clone() } else { format!("{} ({})", self.name, self.form) }
    }
}

/// How many threads a figure is wanted of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// One.
    OneCore,
    /// The most that were measured.
    EachCore,
}

impl Report {
    /// The figures of a stage.
    pub fn of(&self, group: Group) -> impl Iterator<Item = &Figure> {
        self.figures.iter().filter(move |figure| figure.group == group)
    }

    /// What the implementation in use does with the largest pass of it.
    pub fn largest(&self, group: Group, name: &str, data: Data) -> Option<&Figure> {
        let found = self.of(group).filter(|figure| figure.chosen && figure.name == name && figure.data == data);
        found.filter(|figure| figure.measured.threads == 1).max_by_key(|figure| figure.bytes)
    }

    /// A pipeline.
    pub fn pipeline(&self, name: &str, data: Data, of: Of) -> Option<&Figure> {
        let mut found = self.of(Group::Pipeline).filter(|figure| figure.chosen && figure.name == name);
        match of {
            Of::OneCore => found.find(|figure| figure.data == data && figure.measured.cpu.is_some()),
            Of::EachCore => found.find(|figure| figure.data == data && figure.measured.cpu.is_none()),
        }
    }
}
