//! `./dev demo`: the ordinary kiosk with emulated devices.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Parser;
use nix::sys::signal::{SigHandler, Signal, signal};
use tests::rig::{Rig, RigOptions};
use tests::script;

/// Runs the kiosk with emulated devices and says what to open.
#[derive(Parser)]
struct Arguments {
    /// Keep the kiosk's data in this folder; without it everything is thrown away at the end.
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
    let dir = arguments.data.clone().unwrap_or_else(|| temporary.path().to_owned());
    if arguments.script {
        let out = arguments.out.as_deref().expect("clap asks for --out");
        return script::run(&dir, out);
    }
    std::fs::create_dir_all(&dir)?;
    let dir = dir.canonicalize()?;
    let mut screen = String::new();
    if arguments.landscape {
        screen.push_str("width = 1920\nheight = 1080\n");
    }
    if arguments.window {
        screen.push_str("backend = 'window'\n");
    }
    let rig = Rig::start(RigOptions {
        dir,
        sim: ["--panel", "127.0.0.1:0", "--terminal-mode", "manual"].map(str::to_owned).to_vec(),
        screen,
        quiet: true,
        ..RigOptions::default()
    })?;
    stop_on_signals()?;
    say(&rig)?;
    wait(rig)
}

fn say(rig: &Rig) -> anyhow::Result<()> {
    let dir = rig.dir.display();
    let mut out = std::io::stdout().lock();
    writeln!(out, "\nThe kiosk is ready. Open in a browser on this machine:\n")?;
    writeln!(out, "  Screen     {}", rig.mirror_url()?)?;
    writeln!(out, "             (the address works once; `kioskctl mirror` gives another)")?;
    writeln!(out, "  Devices    {}", rig.endpoints["panel"].as_str().unwrap_or("-"))?;
    writeln!(
        out,
        "             (the receipt as it prints, the card terminal with its buttons, the scanner, faults)\n"
    )?;
    writeln!(out, "  Tools      {} --socket {dir}/admin.sock status", rig.program("kioskctl")?.display())?;
    writeln!(out, "  Receipts   {dir}/sim/receipts")?;
    writeln!(out, "  Logs       {dir}/kioskd.log, {dir}/sim.log\n")?;
    writeln!(out, "Ctrl+C ends it.")?;
    out.flush()?;
    Ok(())
}

fn wait(mut rig: Rig) -> anyhow::Result<()> {
    while !STOP.load(Ordering::Relaxed) {
        anyhow::ensure!(rig.is_running(), "a program ended; see {}", rig.dir.join("kioskd.log").display());
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
