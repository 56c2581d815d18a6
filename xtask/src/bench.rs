//! `./dev bench`: builds with optimisation and lets `bench` (in `tests/`) measure.

use crate::run;

pub(crate) fn bench(arguments: &[String]) -> anyhow::Result<()> {
    let mut build = run::cargo();
    build.args([
        "build",
        "--release",
        // The device build is measured.
        "--no-default-features",
        "--package",
        "kioskd",
        "--package",
        "sim",
        "--package",
        "fleet",
        "--package",
        "ota",
        "--package",
        "tests",
        "--bins",
    ]);
    run::step("build", &mut build)?;
    let mut bench = run::program(run::build_dir().join("release/bench"));
    let status = bench.args(arguments).current_dir(std::env::current_dir()?).status()?;
    anyhow::ensure!(status.success(), "the bench ended with {status}");
    Ok(())
}
