//! The screen as the settings want it.

use anyhow::Context as _;
use ui::backend::{BackendKind, DisplayOptions, Panel, PointerSource, Rotation, TouchOptions, TouchPanels};

use crate::settings::{Backend, Settings};

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

/// Checked when the settings were read.
fn rotation(settings: &Settings) -> Rotation {
    Rotation::from_degrees(settings.screen.rotation).unwrap_or_default()
}
