//! `kiosk-slot-writer`: the one process that may write slots. systemd starts it when `kioskd` connects.

use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use ota::writer::{self, Config};

/// Writes releases into the slot that is not running, for kioskd. See docs/releases.md.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Its configuration.
    #[arg(long, default_value = "/etc/kiosk-slot-writer.toml")]
    config: PathBuf,
    /// Serve nobody; succeed if the running release has not proven itself yet.
    #[arg(long)]
    on_trial: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let config = Config::read(&arguments.config)?;
    if arguments.on_trial {
        return Ok(if config.is_on_trial()? { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let listener = match listenfd::ListenFd::from_env().take_unix_listener(0)? {
        Some(listener) => listener,
        None => bind(&config.socket)?,
    };
    writer::serve(&config, &listener)?;
    Ok(ExitCode::SUCCESS)
}

/// Where systemd gives no socket. One that is left of a process that was killed is replaced.
fn bind(path: &Path) -> anyhow::Result<UnixListener> {
    anyhow::ensure!(UnixStream::connect(path).is_err(), "another one serves at {} already", path.display());
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot replace {}", path.display()));
        }
        _ => {}
    }
    UnixListener::bind(path).with_context(|| format!("cannot listen on {}", path.display()))
}
