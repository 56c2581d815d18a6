//! Running other programs.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Context as _;

/// Runs a program to its end; what it says is shown only if it fails.
///
/// # Errors
/// It is not there, or fails.
pub fn quietly(command: &mut Command) -> anyhow::Result<()> {
    output(command).map(drop)
}

/// What a program prints.
///
/// # Errors
/// It is not there, or fails.
pub fn output(command: &mut Command) -> anyhow::Result<String> {
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {command:?}"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let wrong = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "{command:?}: {}\n{said}{wrong}", output.status);
    Ok(said)
}

/// Runs a program that reads `input`.
///
/// # Errors
/// It is not there, or fails.
pub fn with_input(command: &mut Command, input: &str) -> anyhow::Result<()> {
    let started = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut child = started.with_context(|| format!("cannot start {command:?}"))?;
    let mut pipe = child.stdin.take().context("it was given a pipe")?;
    pipe.write_all(input.as_bytes())?;
    drop(pipe);
    let status = child.wait()?;
    anyhow::ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}

/// Does a step, says what it is and how long it took.
///
/// # Errors
/// Those of the step.
pub fn step<T>(what: &str, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    eprintln!("▶ {what}");
    let started = Instant::now();
    let result = work().with_context(|| what.to_owned())?;
    eprintln!("  {what}: {:.1} s", started.elapsed().as_secs_f32());
    Ok(result)
}

/// Writes a file and the folders above it.
///
/// # Errors
/// The disk refuses.
pub fn write(path: &Path, bytes: impl AsRef<[u8]>) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    std::fs::write(path, bytes).with_context(|| path.display().to_string())
}
