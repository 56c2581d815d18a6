//! The socket for local tools: one JSON line asks, one JSON line answers. Whoever may open the socket may
//! ask; who it was is read from the socket, never from the request.

mod answer;
pub mod client;
mod door;
pub mod wire;

pub(crate) use answer::{diagnostics, obstacle, refused};

use anyhow::Context as _;
use domain::View;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use tokio::net::UnixListener;
use tokio::runtime::Runtime;
use ui::backend::mirror::Mirror;
use ui::shell::UiHandle;

use crate::board::Board;
use crate::core::{CoreHandle, Recorder};
use crate::settings;
use crate::supervisor::Supervisor;
use crate::updates::UpdatesHandle;
use crate::uplink::{Machine, UplinkHandle};

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
    /// The connection to the fleet, if the settings name one.
    pub uplink: Option<UplinkHandle>,
    /// Updates, if the settings have them.
    pub updates: Option<UpdatesHandle>,
    /// What the daemon runs on.
    pub machine: Arc<dyn Machine>,
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
            served = door::serve(listener, move |request, user| {
                let context = context.clone();
                async move { answer::answer(request, &user, &context).await }
            }) => served,
            () = shutdown.wait() => Ok(()),
        }
    });
    Ok(())
}
