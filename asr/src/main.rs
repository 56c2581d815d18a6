//! `kiosk-asr`: recognises what is on the menu, for one kiosk, over a Unix socket.

use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use anyhow::Context as _;
use asr::{Models, Recogniser, serve};
use clap::Parser;

/// Recognises spoken orders with PocketSphinx, over the Wyoming protocol.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// The Unix socket to listen on; what stands there from an earlier run is replaced.
    #[arg(long)]
    socket: PathBuf,
    /// Folder of the English model.
    #[arg(long, default_value_os_t = Models::default().dir)]
    models: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let recogniser = Recogniser::new(Models { dir: options.models })?;
    if let Ok(standing) = std::fs::symlink_metadata(&options.socket) {
        use std::os::unix::fs::FileTypeExt as _;
        anyhow::ensure!(standing.file_type().is_socket(), "{} is no socket", options.socket.display());
        std::fs::remove_file(&options.socket)?;
    }
    // Bound only now: who can connect finds the model loaded.
    let listener = UnixListener::bind(&options.socket)
        .with_context(|| format!("cannot listen on {}", options.socket.display()))?;
    serve(&listener, recogniser).context("cannot accept clients")
}
