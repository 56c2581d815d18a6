//! `kiosk-slot-writer`: the one process that may write slots. systemd starts it when `kioskd` connects.

use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

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
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let config = Config::read(&arguments.config)?;
    let listener = match listenfd::ListenFd::from_env().take_unix_listener(0)? {
        Some(listener) => listener,
        None => bind(&config.socket)?,
    };
    Ok(writer::serve(&config, &listener)?)
}

/// Where systemd gives no socket. One that is left of a process that was killed is replaced.
fn bind(path: &Path) -> anyhow::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot replace {}", path.display()));
        }
        _ => {}
    }
    UnixListener::bind(path).with_context(|| format!("cannot listen on {}", path.display()))
}
