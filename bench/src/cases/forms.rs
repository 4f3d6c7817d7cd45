//! The implementations that this machine can run.

use nanoprobe_cpu::{Form, Standing};

/// Every form that runs here and is right, the fastest first, and whether it is the one in use.
pub(super) fn usable<F: Form>() -> impl Iterator<Item = (F, bool)> {
    F::ALL.iter().filter_map(|&form| match form.standing() {
        Standing::Chosen => Some((form, true)),
        Standing::Slower => Some((form, false)),
        _ => None,
    })
}

/// Those that would run.
pub(super) fn slower<F: Form>() -> impl Iterator<Item = F> {
    usable().filter_map(|(form, chosen)| (!chosen).then_some(form))
}

/// The one that runs everywhere.
pub(super) fn last<F: Form>() -> F {
    F::ALL[F::ALL.len() - 1]
}
