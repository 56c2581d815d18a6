//! The slot writer: the one process that may write a slot and tell the boot chooser. `kioskd` has no such rights; it
//! says what is wished and carries bytes.
//!
//! ```text
//!  kioskd ── Request ──► kiosk-slot-writer ──► inactive slot, boot chooser
//!         ◄── Want ─────  (metadata, manifest, heads, chunks: whatever it asks for, piece by piece)
//!         ── bytes ────►
//!         ◄── Flushed, Done, Failed
//! ```
//! Nothing that comes over the socket is believed: metadata is followed from a root of its own, the manifest must be
//! among the signed targets, heads and chunks must have the hashes that follow from it, and what was written is read
//! back. Which slots there are, which one runs, and who may speak comes from its own configuration. A slot is
//! activated only while what was read back in it is still there. Memory: that of [`crate::apply`] and one message.

mod config;
mod kept;
mod session;
mod slots;
pub mod wire;

use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};

pub use config::{Config, ConfigError};

/// How long a client may take for one message. It fetches over slow lines, and says so by a message of its own.
const PATIENCE: Duration = Duration::from_secs(600);

/// Serves one client after the other, for ever.
///
/// # Errors
/// The socket fails.
pub fn serve(config: &Config, listener: &UnixListener) -> std::io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        if let Err(error) = admit(config, &stream) {
            eprintln!("kiosk-slot-writer: {error}");
            continue;
        }
        match session::Session::new(config, stream).run() {
            Ok(()) => {}
            Err(error) => eprintln!("kiosk-slot-writer: the client is gone: {error}"),
        }
    }
}

/// Whether the process at the other end runs as the user that may speak here.
fn admit(config: &Config, stream: &UnixStream) -> std::io::Result<()> {
    let uid = getsockopt(stream, PeerCredentials)?.uid();
    if uid != config.client.as_raw() {
        return Err(std::io::Error::other(format!("user {uid} may not speak here")));
    }
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))
}
