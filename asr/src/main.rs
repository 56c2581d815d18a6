//! `kiosk-asr`: recognises what is on the menu, for one kiosk, over a Unix socket.

use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use asr::{Models, Recogniser, serve};
use clap::Parser;

/// Recognises spoken orders with PocketSphinx, over the Wyoming protocol.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// The Unix socket to listen on; what stands there from an earlier run is replaced. Without it: the one that systemd
    /// hands over.
    #[arg(long)]
    socket: Option<PathBuf>,
    /// Folder of the English model.
    #[arg(long, default_value_os_t = Models::default().dir)]
    models: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let recogniser = Recogniser::new(Models { dir: options.models })?;
    let listener = match &options.socket {
        // Bound only now: who can connect finds the model loaded.
        Some(socket) => listen(socket)?,
        None => {
            let given = listenfd::ListenFd::from_env().take_unix_listener(0)?;
            given.context("there is no --socket, and systemd handed none over")?
        }
    };
    serve(&listener, recogniser).context("cannot accept clients")
}

fn listen(socket: &Path) -> anyhow::Result<UnixListener> {
    if let Ok(standing) = std::fs::symlink_metadata(socket) {
        use std::os::unix::fs::FileTypeExt as _;
        anyhow::ensure!(standing.file_type().is_socket(), "{} is no socket", socket.display());
        std::fs::remove_file(socket)?;
    }
    UnixListener::bind(socket).with_context(|| format!("cannot listen on {}", socket.display()))
}
