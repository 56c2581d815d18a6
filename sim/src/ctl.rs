//! The control socket: one JSON request per line in, one JSON answer per line out.
//!
//! `sim ctl` speaks it, and so can any test or scenario in any language.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

use crate::device::{Shutdown, VerbError};
use crate::rig::Devices;

/// The socket inside the directory of a run.
const SOCKET: &str = "ctl.sock";
/// A request is a handful of words; a scanner may be given 4 KiB of code.
const REQUEST_BYTES_MAX: u64 = 64 * 1024;
/// Clients at once; more wait in the listen queue.
const CLIENTS_MAX: usize = 32;

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// Every device with its verbs.
    List,
    /// One device with its verbs.
    Verbs {
        /// Which.
        device: String,
    },
    /// The state of one device, or of all by name.
    State {
        /// `None` = all.
        device: Option<String>,
    },
    /// A fault or an action.
    Verb {
        /// The device.
        device: String,
        /// The verb.
        verb: String,
        /// Its arguments.
        args: Vec<String>,
    },
}

/// What comes back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The result; `null` for a verb without one.
    Ok(Value),
    /// One sentence.
    Error(String),
}

/// Why the socket did not work.
#[derive(Debug, thiserror::Error)]
pub enum CtlError {
    /// The socket cannot be made or reached.
    #[error("control socket {path}")]
    Socket {
        /// The socket.
        path: PathBuf,
        #[source]
        /// Why.
        source: io::Error,
    },
    /// The answer was no answer.
    #[error("the control socket answered nonsense")]
    Answer(#[source] serde_json::Error),
}

/// The path of the socket in a run's directory.
#[must_use]
pub fn socket_path(dir: &Path) -> PathBuf {
    dir.join(SOCKET)
}

/// Opens the socket, replacing one that an earlier run left behind.
///
/// # Errors
/// When the directory does not exist or cannot be written.
pub fn listen(dir: &Path) -> Result<UnixListener, CtlError> {
    let path = socket_path(dir);
    if path.exists() && std::os::unix::net::UnixStream::connect(&path).is_err() {
        fs::remove_file(&path).map_err(|source| CtlError::Socket { path: path.clone(), source })?;
    }
    UnixListener::bind(&path).map_err(|source| CtlError::Socket { path, source })
}

/// Serves clients until `shutdown`.
pub async fn serve(listener: UnixListener, devices: Devices, mut shutdown: Shutdown) {
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            () = shutdown.requested() => return,
            Some(_) = clients.join_next() => {}
            accepted = listener.accept(), if clients.len() < CLIENTS_MAX => match accepted {
                Ok((stream, _)) => {
                    let devices = devices.clone();
                    clients.spawn(async move {
                        if let Err(error) = converse(stream, &devices).await {
                            tracing::debug!(%error, "a control client has gone");
                        }
                    });
                }
                Err(error) => {
                    tracing::error!(%error, "the control socket is lost");
                    return;
                }
            },
        }
    }
}

/// Asks the run in `dir`.
///
/// # Errors
/// When nothing runs there.
pub async fn ask(dir: &Path, request: &Request) -> Result<Answer, CtlError> {
    let path = socket_path(dir);
    let broken = |source| CtlError::Socket { path: path.clone(), source };
    let mut stream = UnixStream::connect(&path).await.map_err(broken)?;
    let mut line = serde_json::to_vec(request).map_err(CtlError::Answer)?;
    line.push(b'\n');
    stream.write_all(&line).await.map_err(broken)?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).await.map_err(broken)?;
    serde_json::from_str(&answer).map_err(CtlError::Answer)
}

/// Answers one request.
#[must_use]
pub fn answer(devices: &Devices, request: Request) -> Answer {
    match perform(devices, request) {
        Ok(value) => Answer::Ok(value),
        Err(error) => Answer::Error(error.to_string()),
    }
}

fn perform(devices: &Devices, request: Request) -> Result<Value, VerbError> {
    match request {
        Request::List => {
            Ok(devices.iter().map(|device| (device.name().to_owned(), json!(device.verbs()))).collect())
        }
        Request::Verbs { device } => {
            let verbs = devices.get(&device)?.verbs();
            Ok(json!({device: verbs}))
        }
        Request::State { device: None } => Ok(devices.state()),
        Request::State { device: Some(name) } => Ok(devices.get(&name)?.state()),
        Request::Verb { device, verb, args } => devices.get(&device)?.verb(&verb, &args),
    }
}

async fn converse(stream: UnixStream, devices: &Devices) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    loop {
        let mut line = Vec::new();
        (&mut reader).take(REQUEST_BYTES_MAX).read_until(b'\n', &mut line).await?;
        if line.last() != Some(&b'\n') {
            return Ok(());
        }
        let answer = match serde_json::from_slice(&line) {
            Ok(request) => answer(devices, request),
            Err(error) => Answer::Error(format!("not a request: {error}")),
        };
        let mut line = serde_json::to_vec(&answer)?;
        line.push(b'\n');
        writer.write_all(&line).await?;
    }
}
