//! The world's repository by the name that it has at the other end of a line (BORG_RSH and BORG_REMOTE_PATH say which).

use crate::{Outcome, Program, World};

/// The repository.
pub fn location(world: &World) -> String {
    format!("ssh://user@host:22/{}", world.repository().trim_start_matches('/'))
}

/// One of its archives.
pub fn archive(world: &World, name: &str) -> String {
    format!("{}::{name}", location(world))
}

/// Backs the world's tree up to it with ours.
pub fn create(world: &World, name: &str, options: &[&str]) -> Outcome {
    let archive = archive(world, name);
    let arguments = ["create"].iter().chain(options).copied().chain([archive.as_str(), "."]);
    world.run_in(&world.path("tree"), Program::Nanoprobe, arguments)
}
