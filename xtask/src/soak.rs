//! `./dev soak`: builds the programs and breaks things for a long time.

use crate::run;

pub(crate) fn soak(arguments: &[String]) -> anyhow::Result<()> {
    let mut build = run::cargo();
    build.args(["build", "--package", "fleet", "--package", "ota", "--package", "sim"]);
    build.args(["--package", "tests", "--bins"]);
    run::step("build", &mut build)?;
    let status = run::program(run::build_dir().join("debug/soak")).args(arguments).status()?;
    anyhow::ensure!(status.success(), "the soak ended with {status}");
    Ok(())
}
