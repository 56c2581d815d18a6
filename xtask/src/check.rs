//! `./dev check`: stages of `./dev test` by themselves. The Yocto layers are checked as far as that is possible without
//! openembedded-core.

use std::process::Command;

use crate::image;
use crate::run::{self, step};

pub(crate) fn check(arguments: &[String]) -> anyhow::Result<()> {
    match arguments {
        [what] if what == "yocto" => yocto(),
        [what] if what == "guest" => {
            run::step("build", run::cargo().args(["build", "--workspace", "--bins"]))?;
            image::in_guest(&["order"])
        }
        _ => anyhow::bail!("check what? There are: ./dev check yocto, ./dev check guest"),
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
