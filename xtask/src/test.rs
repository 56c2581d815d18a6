//! `./dev test`: every check and every test, quick ones first.

use std::process::Command;

use crate::run::{cargo, python, root, step};
use crate::{check, image, tidy};

/// What runs each test program: one that hangs fails after twenty minutes, and the others still run.
const RUNNER: &str = "target.'cfg(all())'.runner=['timeout','--foreground','--kill-after=10','1200']";

pub(crate) fn test(arguments: &[String]) -> anyhow::Result<()> {
    if let [name] = arguments {
        build()?;
        return step("test", tests()?.args(["--", name]));
    }
    tidy::tidy()?;
    step("format", cargo().args(["fmt", "--all", "--check"]))?;
    build()?;
    step("test", tests()?.arg("--no-fail-fast"))?;
    check::yocto()?;
    image::in_guest(&["order"])?;
    let lint = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    step("lint", cargo().args(lint))?;
    let device = ["clippy", "--package", "kioskd", "--no-default-features", "--", "-D", "warnings"];
    step("lint of the device build", cargo().args(device))
}

/// All tests, with what some of them need from elsewhere.
fn tests() -> anyhow::Result<Command> {
    let s3 = python("s3-server", &root().join("fleet/tests/s3-requirements.txt"))?;
    let mut tests = cargo();
    tests.args(["test", "--workspace", "--config", RUNNER]).env("KIOSKD_S3_PYTHON", s3);
    Ok(tests)
}

/// The integration tests start the real programs, so those are built first; with the same features as the tests,
/// so that nothing is built twice.
fn build() -> anyhow::Result<()> {
    step("build", cargo().args(["build", "--workspace", "--bins", "--lib", "--tests", "--examples"]))
}
