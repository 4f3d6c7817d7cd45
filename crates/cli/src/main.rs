//! Borg's command line.

#[allow(dead_code)]
mod output;
#[allow(dead_code)]
mod placeholders;

fn main() {}
