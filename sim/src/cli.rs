//! The subcommands.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use sim::ctl::{self, Answer, Request};
use sim::device::Shutdown;
use sim::printer::{Config, PaperWidth, render};
use sim::run::{self, Options};
use tokio::signal::unix::{SignalKind, signal};

/// Emulated devices of a kiosk.
#[derive(Debug, clap::Parser)]
#[command(version)]
pub enum Cli {
    /// Start the devices; prints one JSON line with their endpoints when ready, stops on SIGINT or SIGTERM
    Run(Box<Options>),
    /// Ask a running set of devices: `list`, `state [DEVICE]`, or `DEVICE VERB [ARGS…]`
    Ctl {
        /// The directory given to `sim run`
        #[arg(long)]
        dir: PathBuf,
        /// list | state [DEVICE] | DEVICE VERB [ARGS…]
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
    /// Print a file of raw ESC/POS bytes to a PNG, and its meaning to standard output
    Render {
        /// Raw bytes
        file: PathBuf,
        /// The picture; further receipts in the file get -2, -3 … added
        #[arg(long)]
        out: PathBuf,
        /// Dots of the print head: 384, 512, 576 or 640
        #[arg(long, default_value = "576")]
        dots: PaperWidth,
    },
}

impl Cli {
    /// Does what was asked.
    pub fn run(self) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .context("cannot start the runtime")?;
        match self {
            Self::Run(options) => runtime.block_on(serve(&options)),
            Self::Ctl { dir, words } => runtime.block_on(ask(&dir, &words)),
            Self::Render { file, out, dots } => render_file(&file, &out, dots),
        }
    }
}

async fn serve(options: &Options) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (switch, shutdown) = Shutdown::channel();
    let rig = run::start(options, shutdown).await?;
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{}", rig.ready())
        .and_then(|()| stdout.flush())
        .context("cannot say that we are ready")?;
    drop(stdout);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    switch.send_replace(true);
    rig.join().await;
    Ok(())
}

async fn ask(dir: &Path, words: &[String]) -> anyhow::Result<()> {
    let request = match words {
        [list] if list == "list" => Request::List,
        [state] if state == "state" => Request::State { device: None },
        [state, device] if state == "state" => Request::State { device: Some(device.clone()) },
        [device, verb, args @ ..] => {
            Request::Verb { device: device.clone(), verb: verb.clone(), args: args.to_vec() }
        }
        _ => bail!("give list, state [DEVICE], or DEVICE VERB [ARGS…]"),
    };
    let answer = ctl::ask(dir, &request)
        .await
        .with_context(|| format!("is `sim run --dir {}` running?", dir.display()))?;
    match (request, answer) {
        (_, Answer::Error(error)) => bail!(error),
        (Request::List, Answer::Ok(devices)) => print_verbs(&devices),
        (_, Answer::Ok(serde_json::Value::Null)) => {}
        (_, Answer::Ok(value)) => println!("{value:#}"),
    }
    Ok(())
}

fn print_verbs(devices: &serde_json::Value) {
    for (device, verbs) in devices.as_object().into_iter().flatten() {
        println!("{device}");
        for verb in verbs.as_array().into_iter().flatten() {
            let word = |key: &str| verb[key].as_str().unwrap_or_default().to_owned();
            println!("  {:<32} {}", format!("{} {}", word("name"), word("args")), word("help"));
        }
    }
}

fn render_file(file: &Path, out: &Path, dots: PaperWidth) -> anyhow::Result<()> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let receipts = render(Config { width: dots, ..Config::default() }, &bytes);
    if receipts.is_empty() {
        bail!("{} prints nothing", file.display());
    }
    let stem = out.file_stem().context("--out names no file")?.to_string_lossy().into_owned();
    for (index, receipt) in receipts.iter().enumerate() {
        let name =
            if index == 0 { out.to_owned() } else { out.with_file_name(format!("{stem}-{}.png", index + 1)) };
        fs::write(&name, &receipt.png).with_context(|| format!("cannot write {}", name.display()))?;
        print!("{}", receipt.dump);
    }
    Ok(())
}
