//! The subcommands.

mod fleet;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use sim::ctl::{self, Answer, Request};
use sim::device::Shutdown;
use sim::printer::{Config, PaperWidth, render};
use sim::run::{self, Options};
use tokio::signal::unix::{SignalKind, signal};

const CTL_HELP: &str = "\
Words:
  list                        every device and its verbs
  DEVICE                      the verbs of one device, each in one sentence
  state [DEVICE]              what a bystander would see, and the ledger, as JSON
  DEVICE VERB [ARGS…]         does something to it

In the arguments of verbs [ ] may be left out, | stands between alternatives, CAPITALS are to be filled in; \
off ends a fault, N = so many times, always = until it is switched off. A fault strikes once unless told otherwise.

Examples:
  sim ctl --dir DIR printer paper-out                       the roll ends
  sim ctl --dir DIR printer paper-ok                        a new one is loaded
  sim ctl --dir DIR terminal decline 51 2                   the bank declines twice, code 51
  sim ctl --dir DIR terminal lose-link before-ack 3000      the link breaks before the acknowledge, for 3 s
  sim ctl --dir DIR scanner scan 2000000000015              a bar code is read
  sim ctl --dir DIR state terminal                          its ledger, its display, its faults";

/// Emulated devices of a kiosk.
#[derive(Debug, clap::Parser)]
#[command(version)]
pub enum Cli {
    /// Start the devices; prints one JSON line with their endpoints when ready, stops on SIGINT or SIGTERM
    Run(Box<Options>),
    /// Look at the devices of a run, break them and mend them
    ///
    /// Devices: printer, drawer, terminal, scanner, display, microphone. A verb is silent when all went well; a wrong one is
    /// explained on standard error, and the exit code is 1.
    #[command(after_help = CTL_HELP)]
    Ctl {
        /// The directory given to `sim run`
        #[arg(long)]
        dir: PathBuf,
        /// list | DEVICE | state [DEVICE] | DEVICE VERB [ARGS…]
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
    /// A crowd of kiosks at a fleet's broker: own client, own logs, faults; ends with a report
    ///
    /// Exit code 1 when anything was not handed over in time.
    #[command(after_help = fleet::help())]
    Fleet(Box<fleet::Options>),
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
            Self::Fleet(options) => runtime.block_on(fleet::serve(*options)),
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
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let request = match words.as_slice() {
        ["list"] => Request::List,
        ["list", device] | [device, "help" | "--help" | "-h"] => {
            Request::Verbs { device: (*device).to_owned() }
        }
        ["state"] => Request::State { device: None },
        ["state", device] => Request::State { device: Some((*device).to_owned()) },
        ["list" | "state", ..] => bail!("give list [DEVICE], state [DEVICE], or DEVICE VERB [ARGS…]"),
        [device] => Request::Verbs { device: (*device).to_owned() },
        [device, verb, args @ ..] => Request::Verb {
            device: (*device).to_owned(),
            verb: (*verb).to_owned(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        },
        [] => bail!("no words"),
    };
    let answer = ctl::ask(dir, &request)
        .await
        .with_context(|| format!("is `sim run --dir {}` running?", dir.display()))?;
    match (request, answer) {
        (_, Answer::Error(error)) => bail!(error),
        (Request::List | Request::Verbs { .. }, Answer::Ok(devices)) => {
            print_verbs(&devices).or_else(unread)?
        }
        (_, Answer::Ok(serde_json::Value::Null)) => {}
        (_, Answer::Ok(value)) => writeln!(std::io::stdout(), "{value:#}").or_else(unread)?,
    }
    Ok(())
}

/// A reader like `head` has had enough: no error.
fn unread(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}

/// Verbs with longer arguments get their sentence on a line of its own.
const HEAD_COLUMNS: usize = 36;

fn print_verbs(devices: &serde_json::Value) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    for (device, verbs) in devices.as_object().into_iter().flatten() {
        writeln!(stdout, "{device}")?;
        for verb in verbs.as_array().into_iter().flatten() {
            let word = |key: &str| verb[key].as_str().unwrap_or_default();
            let head = format!("{} {}", word("name"), word("args"));
            if head.len() > HEAD_COLUMNS {
                writeln!(stdout, "  {head}\n  {:HEAD_COLUMNS$} {}", "", word("help"))?;
            } else {
                writeln!(stdout, "  {head:HEAD_COLUMNS$} {}", word("help"))?;
            }
        }
    }
    Ok(())
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
