//! Feeds systemd's watchdog with evidence: the core's loop and the screen's loop both moved since the last
//! time. Without systemd it only says when the first frame was shown.

use std::time::Duration;

use domain::View;
use ui::shell::UiHandle;

use crate::heartbeat::Heartbeat;
use crate::supervisor::Shutdown;

/// How often evidence is looked for; well below the unit's `WatchdogSec=`.
const INTERVAL: Duration = Duration::from_secs(2);

/// How often the first frame is looked for.
const FIRST_FRAME_INTERVAL: Duration = Duration::from_millis(20);

/// Runs until the program ends.
pub async fn run(core: Heartbeat, screen: UiHandle<View>, mut shutdown: Shutdown) -> anyhow::Result<()> {
    while screen.hub().stats().first_frame.is_none() {
        tokio::select! {
            () = tokio::time::sleep(FIRST_FRAME_INTERVAL) => {}
            () = shutdown.wait() => return Ok(()),
        }
    }
    tracing::info!("first frame shown");
    notify(&[sd_notify::NotifyState::Ready]);
    let mut last = core.count();
    loop {
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            () = shutdown.wait() => break,
        }
        let count = core.count();
        let screen_alive = screen.hub().liveness().is_alive(screen.hub().clock().now());
        if count != last && screen_alive {
            notify(&[sd_notify::NotifyState::Watchdog]);
        } else {
            tracing::warn!(core_moved = count != last, screen_alive, "no sign of life");
        }
        last = count;
    }
    notify(&[sd_notify::NotifyState::Stopping]);
    Ok(())
}

fn notify(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd was not told");
    }
}
