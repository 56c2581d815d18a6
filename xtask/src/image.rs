//! `./dev image` and `./dev vm`: builds the programs of a kiosk and lets `kiosk-image` (in `image/`) do the rest.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::demo;
use crate::run;

/// Where disks go, in the folder of what was built.
fn out() -> PathBuf {
    run::build_dir().join("image")
}

pub(crate) fn image(arguments: &[String]) -> anyhow::Result<()> {
    let mut arguments = arguments.to_vec();
    if !given("--programs", &arguments) {
        run::release("programs of a kiosk", &["kioskd", "ota"])?;
        arguments.extend(["--programs".to_owned(), run::build_dir().join("release").display().to_string()]);
    }
    if !given("--out", &arguments) {
        arguments.extend(["--out".to_owned(), out().display().to_string()]);
    }
    kiosk_image("build", &arguments)
}

pub(crate) fn vm(arguments: &[String]) -> anyhow::Result<()> {
    let mut arguments = arguments.to_vec();
    if !arguments.iter().any(|it| it.ends_with(".img")) {
        let newest =
            newest(&out()).context("there is no disk yet: ./dev image --dev makes one for a bench")?;
        arguments.insert(0, newest.display().to_string());
    }
    if !given("--dir", &arguments) {
        arguments.extend(["--dir".to_owned(), run::build_dir().join("vm").display().to_string()]);
    }
    if !given("--script", &arguments) {
        return kiosk_image("vm", &arguments);
    }
    demo::build()?;
    let status = run::program(run::build_dir().join("debug/guest")).args(arguments).status()?;
    anyhow::ensure!(status.success(), "the script in the guest ended with {status}");
    Ok(())
}

fn given(option: &str, arguments: &[String]) -> bool {
    arguments
        .iter()
        .any(|it| it.strip_prefix(option).is_some_and(|rest| rest.is_empty() || rest.starts_with('=')))
}

fn kiosk_image(command: &str, arguments: &[String]) -> anyhow::Result<()> {
    run::step("image tools", run::cargo().args(["build", "--package", "image"]))?;
    let mut tool = run::program(run::build_dir().join("debug/kiosk-image"));
    let status = tool.arg("--checkout").arg(run::root()).arg(command).args(arguments).status()?;
    anyhow::ensure!(status.success(), "kiosk-image {command} ended with {status}");
    Ok(())
}

fn newest(folder: &Path) -> Option<PathBuf> {
    let disks = std::fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let disks = disks.filter(|path| path.extension().is_some_and(|it| it == "img"));
    disks.max_by_key(|path| path.metadata().and_then(|it| it.modified()).ok())
}
