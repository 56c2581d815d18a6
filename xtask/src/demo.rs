//! `./dev demo`: builds the ordinary programs and lets `demo` (in `tests/`, which knows how to start the
//! kiosk with its emulators) run them.

use crate::run;

pub(crate) fn demo(arguments: &[String]) -> anyhow::Result<()> {
    let mut build = run::cargo();
    build.args([
        "build",
        "--package",
        "kioskd",
        "--package",
        "fleet",
        "--package",
        "sim",
        "--package",
        "tests",
        "--bins",
    ]);
    run::step("build", &mut build)?;
    let mut demo = run::program(run::build_dir().join("debug/demo"));
    let status = demo.args(arguments).current_dir(std::env::current_dir()?).status()?;
    anyhow::ensure!(status.success(), "the demo ended with {status}");
    Ok(())
}
