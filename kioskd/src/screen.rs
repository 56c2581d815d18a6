//! The screen as the settings want it.

use anyhow::Context as _;
use domain::View;
use hal::status::{DeviceState, DeviceStatus};
use ui::backend::{
    BackendKind, DisplayOptions, Panel, Plugged, PointerSource, Rotation, TouchOptions, TouchPanels,
};
use ui::shell::UiHandle;

use crate::board::Board;
use crate::clock::ShopClock;
use crate::settings::{Backend, Settings};
use crate::supervisor::Shutdown;

/// Where the pages are shown.
pub(crate) fn backend(settings: &Settings) -> BackendKind {
    match settings.screen.backend {
        Backend::Headless => BackendKind::Headless,
        Backend::Kms => BackendKind::Kms(DisplayOptions {
            node: settings.screen.node.clone(),
            rotation: rotation(settings),
        }),
        Backend::Window => BackendKind::Window,
    }
}

/// Its geometry.
///
/// # Errors
/// No panel is so.
pub(crate) fn panel(settings: &Settings) -> anyhow::Result<Panel> {
    let screen = &settings.screen;
    Ok(Panel::new(screen.width, screen.height, screen.mm_per_px)?)
}

/// What is touched: panels of the machine where it has a display of its own.
///
/// # Errors
/// The machine has no input devices.
pub(crate) fn pointers(settings: &Settings) -> anyhow::Result<Vec<Box<dyn PointerSource>>> {
    if settings.screen.backend != Backend::Kms {
        return Ok(Vec::new());
    }
    let options =
        TouchOptions { rotation: rotation(settings), calibration: settings.screen.touch_calibration };
    let panels =
        TouchPanels::open(options, &panel(settings)?).context("touch panels cannot be looked for")?;
    Ok(vec![Box::new(panels)])
}

/// Tells the board of display and touch panels, where the screen has its own, until the program ends.
pub(crate) async fn watch(
    screen: UiHandle<View>,
    board: Board,
    clock: ShopClock,
    mut shutdown: Shutdown,
) -> anyhow::Result<()> {
    let mut plugged = screen.hub().plugged();
    let mut statuses = ["display", "touch"].map(|name| (name, DeviceStatus::absent("", clock.now().wall.0)));
    loop {
        let parts = plugged.borrow_and_update().clone();
        for ((name, status), part) in statuses.iter_mut().zip([parts.display, parts.touch]) {
            if let Some(part) = part {
                take(status, part, clock.now().wall.0);
                board.device(name, status.clone());
            }
        }
        tokio::select! {
            changed = plugged.changed() => if changed.is_err() { return Ok(()) },
            () = shutdown.wait() => return Ok(()),
        }
    }
}

fn take(status: &mut DeviceStatus, part: Plugged, now_ms: i64) {
    let state = if part.is_there { DeviceState::Ready } else { DeviceState::Absent };
    if status.enter(state, now_ms) && part.is_there {
        status.counters.reconnects += u64::from(status.counters.opened > 0);
        status.counters.opened += 1;
    }
    status.last_error = if part.is_there { status.last_error.take() } else { Some(part.what.clone()) };
    status.detail = part.what;
}

/// Checked when the settings were read.
fn rotation(settings: &Settings) -> Rotation {
    Rotation::from_degrees(settings.screen.rotation).unwrap_or_default()
}
