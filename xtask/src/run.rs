//! Running other programs, with progress for whoever waits.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::Context as _;

/// The checkout. Asked at run time, because all checkouts on a machine share what was built.
pub(crate) fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let root = package.as_deref().and_then(Path::parent).map(Path::to_owned);
    root.unwrap_or_else(|| PathBuf::from("."))
}

/// One of our programs that needs files of the checkout.
pub(crate) fn program(path: PathBuf) -> Command {
    let mut command = Command::new(path);
    command.env("KIOSKD_CHECKOUT", root());
    command
}

/// Where cargo puts what it builds.
pub(crate) fn build_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The cargo that runs us.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    // What cargo tells us about xtask is nothing about what we build: build scripts would run again.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs one step, says what it is and how long it took.
pub(crate) fn step(what: &str, command: &mut Command) -> anyhow::Result<()> {
    eprintln!("\x1b[1m▶ {what}\x1b[0m");
    let started = Instant::now();
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    anyhow::ensure!(status.success(), "{what} failed: {status}");
    eprintln!("  {what}: {:.1} s", started.elapsed().as_secs_f32());
    Ok(())
}

/// Builds what runs on a kiosk with optimisation: the device build of all programs of these packages.
pub(crate) fn release(what: &str, packages: &[&str]) -> anyhow::Result<()> {
    let mut build = cargo();
    build.args(["build", "--release", "--no-default-features", "--bins"]);
    for package in packages {
        build.args(["--package", package]);
    }
    step(what, &mut build)
}
