//! Running other programs, with progress for whoever waits.

use std::fs;
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

/// Where everything goes that a fresh clone on the same machine should find.
pub(crate) fn cache() -> anyhow::Result<PathBuf> {
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or(home);
    Ok(cache.context("neither XDG_CACHE_HOME nor HOME is set")?.join("kioskd"))
}

/// The Python of a virtual environment below [`cache`] with what this requirements file lists; it is made anew when that
/// changes.
pub(crate) fn python(name: &str, requirements: &Path) -> anyhow::Result<PathBuf> {
    let wanted = fs::read_to_string(requirements).with_context(|| requirements.display().to_string())?;
    let venv = cache()?.join(name);
    let (python, installed) = (venv.join("bin/python"), venv.join("requirements.txt"));
    if fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
        return Ok(python);
    }
    step("a virtual environment", Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    step("Python packages", pip.arg(requirements))?;
    fs::copy(requirements, &installed).with_context(|| installed.display().to_string())?;
    Ok(python)
}
