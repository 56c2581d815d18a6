//! `./dev check yocto`: the Yocto layers, as far as they can be checked without openembedded-core.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::run::{self, step};

pub(crate) fn check(arguments: &[String]) -> anyhow::Result<()> {
    match arguments {
        [what] if what == "yocto" => yocto(),
        _ => anyhow::bail!("check what? There is: ./dev check yocto"),
    }
}

/// The checks, and the proof that each of them can fail.
pub(crate) fn yocto() -> anyhow::Result<()> {
    let folder = run::root().join("yocto-layer/check");
    let python = python(&folder.join("requirements.txt"))?;
    step("image tools", run::cargo().args(["build", "--package", "image"]))?;
    let tool = run::build_dir().join("debug/kiosk-image");
    let script = |name: &str| {
        let mut command = Command::new(&python);
        command.arg("-B").arg(folder.join(name)).env("KIOSK_IMAGE_TOOL", &tool);
        command
    };
    step("Yocto layers", script("check.py").arg("--image-tool").arg(&tool))?;
    step("Yocto layers, broken on purpose", script("test_checks.py").arg("--failfast"))
}

/// The Python of a virtual environment with these requirements; it is made anew when they change.
fn python(requirements: &Path) -> anyhow::Result<PathBuf> {
    let wanted = fs::read_to_string(requirements).with_context(|| requirements.display().to_string())?;
    let venv = cache()?.join("yocto-check");
    let (python, installed) = (venv.join("bin/python"), venv.join("requirements.txt"));
    if fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
        return Ok(python);
    }
    step("Python for the checks", Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    step("what the checks need", pip.arg(requirements))?;
    fs::copy(requirements, &installed).with_context(|| installed.display().to_string())?;
    Ok(python)
}

fn cache() -> anyhow::Result<PathBuf> {
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or(home);
    Ok(cache.context("neither XDG_CACHE_HOME nor HOME is set")?.join("kioskd"))
}
