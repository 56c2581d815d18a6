//! The fleet's daemon.

use std::io::IsTerminal as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use fleet::embedded::{self, Embedded};
use fleet::serve::{Serving, Surroundings, serve};
use fleet::settings::{Http, Settings};
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

/// Where the API listens, if not told otherwise.
const HTTP_PORT: u16 = 8480;
const HTTPS_PORT: u16 = 8443;

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
    /// Writes what a broker and a database that are there already need, and the settings to serve with.
    #[command(
        after_help = "What to do with them: docs/fleetd.md\nExample: fleetd init --dir /var/lib/fleetd --name fleet.example"
    )]
    Init(InitArguments),
    /// Makes one more tenant, with a site and a token of its administrator: nothing of one is seen by another. Without
    /// --name it makes one more token for a tenant that is there and whose administrators are all gone.
    #[command(
        after_help = "Example: fleetd tenant acme --name 'Acme Burgers' --config /var/lib/fleetd/fleetd.toml \\\n         \
                            --token-file acme-token"
    )]
    Tenant {
        /// Its id, the beginning of its kiosks' ids: 1 to 16 lower-case letters and digits.
        id: String,
        /// What a new one is called.
        #[arg(long)]
        name: Option<String>,
        /// The settings of a replica; of `fleetd embedded`, which has to run: DATA/fleetd.toml.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Where its administrator's token goes; the file must not be there.
        #[arg(long, value_name = "FILE")]
        token_file: PathBuf,
    },
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
    /// Port of the API on this machine (HTTP); 0 picks a free one and keeps it. 8480, or 0 with --kiosk-port 0.
    #[arg(long)]
    http_port: Option<u16>,
    /// Port of the API for everybody (HTTPS); 0 picks a free one and keeps it. 8443, or 0 with --kiosk-port 0.
    #[arg(long)]
    https_port: Option<u16>,
    /// A name or address under which kiosks reach this machine; may be given more than once.
    #[arg(long = "name", value_name = "NAME")]
    names: Vec<String>,
}

#[derive(clap::Args)]
struct InitArguments {
    /// The folder: authorities, configurations, settings. What is there stays, but for the certificates of the
    /// broker and of fleetd, which are made anew: they are good for a year.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// A name or address under which kiosks reach this machine; may be given more than once.
    #[arg(long = "name", value_name = "NAME", required = true)]
    names: Vec<String>,
    /// Port of the broker for kiosks (MQTT over TLS).
    #[arg(long, default_value_t = embedded::KIOSK_PORT)]
    kiosk_port: u16,
    /// Port of the broker for fleetd, on this machine only.
    #[arg(long, default_value_t = embedded::INTERNAL_PORT)]
    internal_port: u16,
    /// Port of the API on this machine (HTTP).
    #[arg(long, default_value_t = HTTP_PORT)]
    http_port: u16,
    /// Port of the API for everybody (HTTPS).
    #[arg(long, default_value_t = HTTPS_PORT)]
    https_port: u16,
    /// Where PostgreSQL is.
    #[arg(long, value_name = "HOST", default_value = "127.0.0.1")]
    postgres_host: String,
    /// Its port.
    #[arg(long, value_name = "PORT", default_value_t = 5432)]
    postgres_port: u16,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).init();
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
                    ended = serve(settings, Surroundings::default(), ready) => ended,
                    signal = stop_signal() => signal,
                }
            }
            Command::Init(arguments) => init(arguments),
            Command::Tenant { id, name, config, token_file } => {
                let settings = Settings::load(&config)?;
                fleet::serve::add_tenant(&settings, &id, name.as_deref(), &token_file).await?;
                let file = token_file.display();
                eprintln!("fleetd: {id} is there; its administrator: fleetctl login URL --token-file {file}");
                Ok(())
            }
            Command::Embedded(arguments) => embedded(arguments).await,
        }
    })
}

fn init(arguments: InitArguments) -> anyhow::Result<()> {
    let online = arguments.dir.join("ca/online.pub");
    let written = fleet::init::init(&fleet::init::Options {
        dir: arguments.dir,
        names: arguments.names,
        kiosk_port: arguments.kiosk_port,
        internal_port: arguments.internal_port,
        http_port: arguments.http_port,
        https_port: arguments.https_port,
        postgres_host: arguments.postgres_host,
        postgres_port: arguments.postgres_port,
    })?;
    for path in written {
        println!("{}", path.display());
    }
    eprintln!("fleetd: for the makers of releases: kiosk-ota root --online-key {}", public(&online)?);
    Ok(())
}

fn public(path: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text.trim().to_owned())
}

async fn embedded(arguments: EmbeddedArguments) -> anyhow::Result<()> {
    let data = arguments.data;
    let mut options = embedded::Options::new(&data);
    options.kiosk_port = arguments.kiosk_port;
    options.internal_port = arguments.internal_port;
    options.names.clone_from(&arguments.names);
    let engines = Embedded::start(options).await?;
    let names = embedded::server_names(&arguments.names);
    let host = names.first().map_or("localhost", String::as_str);
    let broker_for_kiosks = format!("{host}:{}", engines.engines().broker_kiosks.port());
    let http = Http { names: names.clone(), broker_for_kiosks, ..Http::default() };
    let mut settings = Settings::for_engines(engines.engines(), http);
    // Without our own addresses, which another replica on this machine cannot have.
    let config = data.join("fleetd.toml");
    settings.save(&config)?;
    let picks = arguments.kiosk_port == 0;
    let known = Known::read(&data);
    let http_port = known.port(arguments.http_port, picks, HTTP_PORT, known.http).await;
    let https_port = known.port(arguments.https_port, picks, HTTPS_PORT, known.https).await;
    settings.http.listen = Some((Ipv4Addr::LOCALHOST, http_port).into());
    settings.http.tls_listen = Some((Ipv4Addr::UNSPECIFIED, https_port).into());

    let (reload_broker, mut reloads) = tokio::sync::mpsc::channel(1);
    let around =
        Surroundings { reload_broker: Some(reload_broker), admin_token: Some(data.join("admin-token")) };
    let kiosk_port = engines.engines().broker_kiosks.port();
    let told = |serving: Serving| {
        eprintln!("fleetd: kiosks connect to port {kiosk_port}");
        if let Some(http) = serving.http {
            eprintln!(
                "fleetd: the API is at http://{http} for this machine; its description: /v1/openapi.json"
            );
        }
        if let Some(https) = serving.https {
            eprintln!("fleetd: and at https://{host}:{} for kiosks and everybody", https.port());
        }
        eprintln!("fleetd: another replica: fleetd serve --config {}", config.display());
        Known { http: serving.http, https: serving.https }.write(&data);
        ready(serving);
    };
    let ended = tokio::select! {
        ended = serve(settings, around, told) => ended,
        gave_up = engines.failure() => Err(gave_up.into()),
        signal = stop_signal() => signal,
        () = async { while reloads.recv().await.is_some() { engines.reload_broker().await } } => Ok(()),
    };
    engines.stop().await?;
    ended
}

/// Where the API was: `DATA/api.toml`, also for tools on this machine.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Known {
    http: Option<SocketAddr>,
    https: Option<SocketAddr>,
}

impl Known {
    fn read(data: &Path) -> Self {
        let text = std::fs::read_to_string(data.join("api.toml")).unwrap_or_default();
        toml::from_str(&text).unwrap_or_default()
    }

    fn write(self, data: &Path) {
        let path = data.join("api.toml");
        let text = toml::to_string(&self).unwrap_or_default();
        let text = format!("# Written by fleetd embedded at every start: where the API is.\n{text}");
        if let Err(error) = std::fs::write(&path, text) {
            tracing::warn!(%error, path = %path.display(), "cannot be written");
        }
    }

    /// The port given, or the usual one; for 0 the one of the last time, if it is free.
    async fn port(self, given: Option<u16>, picks: bool, usual: u16, last: Option<SocketAddr>) -> u16 {
        let wanted = given.unwrap_or(if picks { 0 } else { usual });
        match last {
            Some(last) if wanted == 0 && tokio::net::TcpListener::bind(last).await.is_ok() => last.port(),
            _ => wanted,
        }
    }
}

/// One line on standard output, for whoever waits for us.
fn ready(serving: Serving) {
    let told = serde_json::json!({ "ready": true, "http": serving.http, "https": serving.https });
    println!("{told}");
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
