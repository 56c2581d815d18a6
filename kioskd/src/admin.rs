//! The socket for local tools: one JSON line asks, one JSON line answers. Whoever may open the socket may
//! ask; who it was is read from the socket, never from the request.

mod answer;
pub mod client;
pub mod wire;

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use domain::View;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use ui::backend::mirror::Mirror;
use ui::shell::UiHandle;

use crate::board::Board;
use crate::core::{CoreHandle, Recorder};
use crate::settings;
use crate::supervisor::Supervisor;
use wire::{Answer, Request};

/// Largest request: a catalog document with its frame.
const REQUEST_MAX: u64 = 20 * 1024 * 1024;

/// Requests served at the same time; a tool sends one.
const CONNECTIONS: usize = 8;

/// A connection that says nothing for so long is closed.
const SILENCE: Duration = Duration::from_secs(30);

/// What the tools can reach.
#[derive(Clone)]
pub struct AdminContext {
    /// The core.
    pub core: CoreHandle,
    /// How everything is.
    pub board: Board,
    /// The screen.
    pub screen: UiHandle<View>,
    /// The mirror, if it is on.
    pub mirror: Option<MirrorDoor>,
    /// The last inputs.
    pub recorder: Recorder,
}

/// The mirror and where it listens.
#[derive(Clone)]
pub struct MirrorDoor {
    /// The mirror.
    pub mirror: Mirror,
    /// Where.
    pub address: SocketAddr,
}

/// Looks whether another daemon serves this socket.
///
/// # Errors
/// It does; two would fight over the devices.
pub fn refuse_second(settings: &settings::Admin) -> anyhow::Result<()> {
    let path = &settings.socket;
    let answers = std::os::unix::net::UnixStream::connect(path).is_ok();
    anyhow::ensure!(!answers, "another kioskd runs here: it answers at {}", path.display());
    Ok(())
}

/// Opens the socket.
///
/// # Errors
/// It cannot be created.
pub fn start(
    settings: &settings::Admin,
    context: AdminContext,
    supervisor: &Supervisor,
    runtime: &Runtime,
) -> anyhow::Result<()> {
    let path = &settings.socket;
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    }
    // Left by a killed daemon: a living one was looked for by [`refuse_second`].
    if path.exists() {
        std::fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    let guard = runtime.enter();
    let listener =
        UnixListener::bind(path).with_context(|| format!("cannot listen on {}", path.display()))?;
    drop(guard);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
    let mut shutdown = supervisor.shutdown();
    supervisor.task("admin", async move {
        tokio::select! {
            served = serve(listener, context) => served,
            () = shutdown.wait() => Ok(()),
        }
    });
    Ok(())
}

async fn serve(listener: UnixListener, context: AdminContext) -> anyhow::Result<()> {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let (stream, _) = listener.accept().await?;
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            tracing::warn!("too many tools at the admin socket");
            continue;
        };
        let context = context.clone();
        #[expect(clippy::disallowed_methods, reason = "ends by itself after one request, within limits")]
        tokio::spawn(async move {
            if let Err(error) = tokio::time::timeout(SILENCE, one_request(stream, context)).await {
                tracing::debug!(%error, "a tool was too slow");
            }
            drop(place);
        });
    }
}

async fn one_request(stream: UnixStream, context: AdminContext) {
    let user = stream.peer_cred().map_or_else(|_| "unknown".into(), |peer| user_name(peer.uid()));
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let result = BufReader::new(read.take(REQUEST_MAX)).read_line(&mut line).await;
    let answer = match result.map_err(|e| e.to_string()).and_then(|_| parse(&line)) {
        Ok(request) => answer::answer(request, &user, &context).await,
        Err(message) => Answer::error(message),
    };
    let mut text = serde_json::to_string(&answer).unwrap_or_else(|e| format!("{{\"error\":\"{e}\"}}"));
    text.push('\n');
    if let Err(error) = write.write_all(text.as_bytes()).await {
        tracing::debug!(%error, "a tool went away");
    }
}

fn parse(line: &str) -> Result<Request, String> {
    serde_json::from_str(line).map_err(|error| format!("the request cannot be read: {error}"))
}

fn user_name(uid: u32) -> String {
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(uid)).ok().flatten();
    user.map_or_else(|| format!("uid {uid}"), |user| user.name)
}
