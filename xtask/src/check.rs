//! `./dev check yocto`: the Yocto layers, as far as they can be checked without openembedded-core.

use std::process::Command;

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
    let python = run::python("yocto-check", &folder.join("requirements.txt"))?;
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
