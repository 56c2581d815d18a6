//! `./dev demo`: the ordinary kiosk with emulated devices, and a fleet that it belongs to.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use nix::sys::signal::{SigHandler, Signal, signal};
use tests::rig::{Rig, RigOptions};
use tests::{Fleet, Hearing, script};

/// Runs the kiosk with emulated devices and a fleet, and says what to open.
#[derive(Parser)]
struct Arguments {
    /// Keep the data of kiosk and fleet in this folder; without it everything is thrown away at the end.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Show the screen in a window of this desktop besides the browser.
    #[arg(long)]
    window: bool,
    /// Landscape, 1920 × 1080.
    #[arg(long)]
    landscape: bool,
    /// Perform whole orders through the mirror, as a browser would, and end.
    #[arg(long, requires = "out")]
    script: bool,
    /// Where the script saves its screenshots and the receipt.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

static STOP: AtomicBool = AtomicBool::new(false);

/// How often the demo looks whether it should end.
const LOOK_EVERY: Duration = Duration::from_millis(200);

fn main() -> std::process::ExitCode {
    match run() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let temporary = tempfile::Builder::new().prefix("kioskd-demo-").tempdir()?;
    // The fleet's database, started by root, runs as somebody else and has to come through.
    std::fs::set_permissions(temporary.path(), std::fs::Permissions::from_mode(0o711))?;
    let dir = arguments.data.clone().unwrap_or_else(|| temporary.path().to_owned());
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot make the folder {}", dir.display()))?;
    let dir = dir.canonicalize()?;
    let lock = std::fs::File::create(dir.join("demo.lock"))?;
    if lock.try_lock().is_err() {
        anyhow::bail!("a demo runs with {} already", dir.display());
    }
    if arguments.script {
        let out = arguments.out.as_deref().expect("clap asks for --out");
        return script::run(&dir, out);
    }
    let fleet = Fleet::start(&dir)?;
    let mut screen = String::new();
    if arguments.landscape {
        screen.push_str("width = 1920\nheight = 1080\n");
    }
    if arguments.window {
        screen.push_str("backend = 'window'\n");
    }
    let hearing = Hearing::start(&dir)?;
    let rig = Rig::start(RigOptions {
        sim: ["--panel", "127.0.0.1:0", "--terminal-mode", "manual", "--microphone"]
            .map(str::to_owned)
            .to_vec(),
        screen,
        settings: format!("{}\n{}", fleet.uplink(), hearing.settings(&dir.join("sim/said.wav"))),
        dir,
        quiet: true,
        ..RigOptions::default()
    })?;
    fleet.admit(&rig)?;
    stop_on_signals()?;
    say(&rig, &fleet)?;
    wait(rig, fleet, hearing)
}

fn say(rig: &Rig, fleet: &Fleet) -> anyhow::Result<()> {
    let dir = rig.dir.display();
    let mut out = std::io::stdout().lock();
    writeln!(out, "\nThe kiosk is ready. Open in a browser on this machine:\n")?;
    writeln!(out, "  Screen     {}", rig.mirror_url()?)?;
    writeln!(out, "             (the address works once; `kioskctl mirror` gives another)")?;
    writeln!(out, "  Devices    {}", rig.endpoints["panel"].as_str().unwrap_or("-"))?;
    writeln!(
        out,
        "             (the receipt as it prints, the card terminal with its buttons, the scanner, faults)"
    )?;
    writeln!(
        out,
        "  Voice      choose a sentence at the microphone of the devices, then hold Speak on the menu\n"
    )?;
    writeln!(out, "  Tools      {} --socket {dir}/admin.sock status", rig.program("kioskctl")?.display())?;
    writeln!(out, "  Receipts   {dir}/sim/receipts\n")?;
    let fleetctl = fleet.fleetctl().display();
    writeln!(out, "The fleet that it belongs to. What the kiosk sells appears there:\n")?;
    writeln!(out, "  {fleetctl} login --data {}", fleet.data.display())?;
    writeln!(out, "  {fleetctl} orders           (also: status, ls, show, shot, logs, doctor; --help)\n")?;
    writeln!(out, "Logs: {dir}/kioskd.log, {dir}/sim.log, {dir}/fleetd.log")?;
    writeln!(out, "Ctrl+C ends it.")?;
    out.flush()?;
    Ok(())
}

fn wait(mut rig: Rig, mut fleet: Fleet, mut hearing: Hearing) -> anyhow::Result<()> {
    while !STOP.load(Ordering::Relaxed) {
        if rig.is_to_be_started() {
            rig.start_kiosk()?;
            println!("\nThe fleet wanted the kiosk to start anew. Its screen: {}", rig.mirror_url()?);
        }
        let logs = rig.dir.display().to_string();
        anyhow::ensure!(rig.is_running(), "a program ended; see kioskd.log and sim.log in {logs}");
        anyhow::ensure!(fleet.is_running(), "the fleet ended; see fleetd.log in {logs}");
        anyhow::ensure!(hearing.is_running(), "the recogniser ended; see kiosk-asr.log in {logs}");
        std::thread::sleep(LOOK_EVERY);
    }
    println!("\nEnding.");
    rig.stop_kiosk()
}

#[expect(unsafe_code, reason = "a signal handler that sets one flag")]
fn stop_on_signals() -> anyhow::Result<()> {
    extern "C" fn stop(_: i32) {
        STOP.store(true, Ordering::Relaxed);
    }
    for kind in [Signal::SIGINT, Signal::SIGTERM] {
        // SAFETY: the handler only stores into an atomic, which is async-signal-safe.
        unsafe { signal(kind, SigHandler::Handler(stop)) }?;
    }
    Ok(())
}
