//! `./dev bench`: builds with optimisation and lets `bench` (in `tests/`) measure.

use crate::run;

pub(crate) fn bench(arguments: &[String]) -> anyhow::Result<()> {
    run::release("build", &["kioskd", "sim", "fleet", "ota", "tests"])?;
    let mut bench = run::program(run::build_dir().join("release/bench"));
    let status = bench.args(arguments).current_dir(std::env::current_dir()?).status()?;
    anyhow::ensure!(status.success(), "the bench ended with {status}");
    Ok(())
}
