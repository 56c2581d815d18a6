//! `./dev image` and `./dev vm`: builds the programs of a kiosk and lets `kiosk-image` (in `image/`) do the rest.

use std::path::{Path, PathBuf};
use std::process::Command;

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
        run::release("programs of a kiosk", &["kioskd", "asr", "ota"])?;
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
    let status = run::program(built("guest")).args(arguments).status()?;
    anyhow::ensure!(status.success(), "the script in the guest ended with {status}");
    Ok(())
}

/// Makes the image with the programs that the tests use, and performs these scripts in guests that boot it.
pub(crate) fn in_guest(scripts: &[&str]) -> anyhow::Result<()> {
    let out = run::build_dir().join("guest");
    let programs = out.join("programs");
    std::fs::create_dir_all(&programs)?;
    for name in ["kioskd", "kioskctl", "kiosk-asr", "kiosk-ota", "kiosk-slot-writer", "grub-editenv"] {
        let strip = ["--strip-all", "-o"];
        let mut strip =
            Command::new("strip").args(strip).arg(programs.join(name)).arg(built(name)).spawn()?;
        anyhow::ensure!(strip.wait()?.success(), "cannot strip {name}");
    }
    let text = |path: &Path| path.display().to_string();
    let build = ["--dev", "--programs", &text(&programs), "--out", &text(&out)].map(str::to_owned);
    kiosk_image("build", &build)?;
    let disk = newest(&out).context("no disk was made")?;
    for script in scripts {
        let mut guest = run::program(built("guest"));
        guest.arg(&disk).args(["--script", script, "--limit-s", "900"]);
        guest.arg("--dir").arg(out.join("vm")).arg("--out").arg(out.join("pictures"));
        guest.arg("--programs").arg(&programs);
        run::step(&format!("in the guest: {script}"), &mut guest)?;
    }
    Ok(())
}

fn built(name: &str) -> PathBuf {
    run::build_dir().join("debug").join(name)
}

fn given(option: &str, arguments: &[String]) -> bool {
    arguments
        .iter()
        .any(|it| it.strip_prefix(option).is_some_and(|rest| rest.is_empty() || rest.starts_with('=')))
}

fn kiosk_image(command: &str, arguments: &[String]) -> anyhow::Result<()> {
    run::step("image tools", run::cargo().args(["build", "--package", "image"]))?;
    let mut tool = run::program(built("kiosk-image"));
    let status = tool.arg("--checkout").arg(run::root()).arg(command).args(arguments).status()?;
    anyhow::ensure!(status.success(), "kiosk-image {command} ended with {status}");
    Ok(())
}

fn newest(folder: &Path) -> Option<PathBuf> {
    let disks = std::fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let disks = disks.filter(|path| path.extension().is_some_and(|it| it == "img"));
    disks.max_by_key(|path| path.metadata().and_then(|it| it.modified()).ok())
}
