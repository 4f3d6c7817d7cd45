//! What reads archives — extract, check and recreate — on real repositories.

#[path = "reading/check.rs"]
mod check;
#[path = "reading/extract.rs"]
mod extract;
#[path = "reading/fixture.rs"]
mod fixture;
#[path = "reading/hostile.rs"]
mod hostile;
#[path = "reading/recreate.rs"]
mod recreate;
#[path = "reading/repair.rs"]
mod repair;
