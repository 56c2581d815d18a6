//! Foreign tools, and waiting for conditions.

use std::path::Path;
use std::process::{Command, Output};

/// Runs a tool in `dir`; its arguments are separated by spaces.
pub fn run(dir: &Path, command: &str) -> Output {
    let mut words = command.split(' ');
    let tool = words.next().unwrap();
    Command::new(tool).args(words).current_dir(dir).output().unwrap_or_else(|error| panic!("{tool}: {error}"))
}

/// Standard output of a tool that must succeed.
pub fn output(dir: &Path, command: &str) -> String {
    let output = run(dir, command);
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Everything that a tool says, and that it failed.
pub fn failure(dir: &Path, command: &str) -> String {
    let output = run(dir, command);
    assert!(!output.status.success(), "{command} succeeded");
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
