//! `./dev demo`: builds the ordinary programs and lets `demo` (in `tests/`, which knows how to start the
//! kiosk with its emulators) run them.

use crate::run;

pub(crate) fn demo(arguments: &[String]) -> anyhow::Result<()> {
    build()?;
    let mut demo = run::program(run::build_dir().join("debug/demo"));
    let status = demo.args(arguments).current_dir(std::env::current_dir()?).status()?;
    anyhow::ensure!(status.success(), "the demo ended with {status}");
    Ok(())
}

/// The programs that run the kiosk with its emulators.
pub(crate) fn build() -> anyhow::Result<()> {
    let packages =
        ["kioskd", "asr", "fleet", "sim", "tests"].into_iter().flat_map(|name| ["--package", name]);
    run::step("build", run::cargo().arg("build").args(packages).arg("--bins"))
}
