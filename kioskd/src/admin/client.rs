//! The other end of the socket, for `kioskctl` and tests.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::wire::{Answer, Request};

/// How long an answer may take: an import of the largest catalog takes seconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens.
    #[error("cannot reach the daemon at {socket}; is kioskd running?")]
    Connect {
        /// Where.
        socket: String,
        /// Why.
        source: std::io::Error,
    },
    /// The connection broke.
    #[error("the daemon did not answer: it ended, or was stopped")]
    Talk(#[from] std::io::Error),
    /// The answer makes no sense.
    #[error("the daemon's answer cannot be read")]
    Answer(#[from] serde_json::Error),
    /// The daemon says no.
    #[error("{0}")]
    Refused(String),
}

/// Asks and waits for the answer.
///
/// # Errors
/// The daemon cannot be reached, does not answer, or says no.
pub fn ask(socket: &Path, request: &Request) -> Result<Value, ClientError> {
    let mut stream = UnixStream::connect(socket)
        .map_err(|source| ClientError::Connect { socket: socket.display().to_string(), source })?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_string(request)?;
    line.push('\n');
    stream.write_all(line.as_bytes())?;
    let mut answer = String::new();
    if BufReader::new(stream).read_line(&mut answer)? == 0 {
        return Err(ClientError::Talk(std::io::ErrorKind::UnexpectedEof.into()));
    }
    match serde_json::from_str(&answer)? {
        Answer::Ok { ok } => Ok(ok),
        Answer::Error { error } => Err(ClientError::Refused(error)),
    }
}
