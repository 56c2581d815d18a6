//! The fleet's daemon.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use fleet::embedded::{self, Embedded};
use fleet::settings::{Http, Settings};
use tracing_subscriber::EnvFilter;

/// Takes in what kiosks sell, and keeps kiosks in order.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// One command for everything: a private Mosquitto and PostgreSQL in one folder, nothing to configure.
    Embedded(EmbeddedArguments),
    /// A replica on a broker and a database that are there already.
    Serve {
        /// Settings, TOML.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

#[derive(clap::Args)]
struct EmbeddedArguments {
    /// The folder of everything: database, broker, authorities. Made if it is not there.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Port for kiosks (MQTT over TLS); 0 picks a free one and keeps it.
    #[arg(long, default_value_t = embedded::KIOSK_PORT)]
    kiosk_port: u16,
    /// Port for fleetd itself, on this machine only; 0 picks a free one and keeps it.
    #[arg(long, default_value_t = embedded::INTERNAL_PORT)]
    internal_port: u16,
    /// A name or address under which kiosks reach this machine; may be given more than once.
    #[arg(long = "name", value_name = "NAME")]
    names: Vec<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fleetd: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    runtime.block_on(async {
        match command {
            Command::Serve { config } => {
                let settings = Settings::load(&config)?;
                tokio::select! {
                    ended = fleet::serve::serve(settings, ready) => ended,
                    signal = stop_signal() => signal,
                }
            }
            Command::Embedded(arguments) => embedded(arguments).await,
        }
    })
}

async fn embedded(arguments: EmbeddedArguments) -> anyhow::Result<()> {
    let config = arguments.data.join("fleetd.toml");
    let mut options = embedded::Options::new(arguments.data);
    options.kiosk_port = arguments.kiosk_port;
    options.internal_port = arguments.internal_port;
    options.names = arguments.names;
    let engines = Embedded::start(options).await?;
    let settings = Settings::for_engines(engines.engines(), Http::default());
    settings.save(&config)?;
    eprintln!("fleetd: kiosks connect to port {}", engines.engines().broker_kiosks.port());
    eprintln!("fleetd: another replica: fleetd serve --config {}", config.display());
    let ended = tokio::select! {
        ended = fleet::serve::serve(settings, ready) => ended,
        gave_up = engines.failure() => Err(gave_up.into()),
        signal = stop_signal() => signal,
    };
    engines.stop().await?;
    ended
}

/// One line on standard output, for whoever waits for us.
fn ready() {
    println!("{{\"ready\":true}}");
}

/// Resolves when somebody asks to end.
async fn stop_signal() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
