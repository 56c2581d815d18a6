//! `./dev soak`: builds the programs and breaks things for a long time.

use crate::{image, run};

pub(crate) fn soak(arguments: &[String]) -> anyhow::Result<()> {
    if let [what] = arguments
        && what == "vm"
    {
        run::step("build", run::cargo().args(["build", "--workspace", "--bins"]))?;
        return image::in_guest(&["order", "mishaps", "trials", "update", "fallbacks", "cuts"]);
    }
    let mut build = run::cargo();
    build.arg("build");
    for package in ["fleet", "sim", "tests", "kioskd", "ota"] {
        build.args(["--package", package]);
    }
    build.arg("--bins");
    run::step("build", &mut build)?;
    let status = run::program(run::build_dir().join("debug/soak")).args(arguments).status()?;
    anyhow::ensure!(status.success(), "the soak ended with {status}");
    Ok(())
}
