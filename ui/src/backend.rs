//! Screen backends: everything between the pages and the glass.
//!
//! ```text
//!   touch panel ─┐                                            ┌─► display (`kms`, later)
//!   mirror ──────┤ PointerSource ─► gate ─► Slint ─► renderer ─┤ FrameSink
//!   script ──────┘                                 (1 shadow) └─► FrameHub ─► mirror, screenshots, counters
//! ```
//! There is one renderer (Slint's software renderer), one shadow buffer and one event loop on the main thread. What
//! differs between backends is where inputs come from and where frames go, and that is chosen at run time:
//! [`BackendKind::Headless`] shows the frames to the [`FrameHub`] only, [`BackendKind::Window`] lets Slint's own
//! desktop backend do the work for people who look at pages on their own machine.
//!
//! [`mirror`] serves the hub's picture to a browser and turns what is done there into inputs.

mod clock;
mod gate;
pub(crate) mod headless;
mod hub;
mod input;
mod keys;
mod manual;
pub mod mirror;
mod panel;
mod pixel;
mod region;
mod snapshot;
mod stats;
mod surface;
pub(crate) mod wake;
#[cfg(feature = "window")]
pub(crate) mod window;

pub use clock::{Clock, ManualClock, SystemClock};
pub use hub::{
    Frame, FrameCopy, FrameHub, FrameSink, MAX_WATCHERS, Part, ScreenInfo, Subscription, TooManyWatchers,
};
pub use input::{Input, InputEvent, InputSender, KeyAction, Origin, PointerSource, QueueFull, TouchPhase};
pub(crate) use input::{InputQueue, input_queue};
pub use keys::{Key, NamedKey};
pub use manual::ManualPlatform;
pub use panel::{Panel, PanelError};
pub use pixel::Xrgb8888;
pub use region::{Rect, Region};
pub use snapshot::{Snapshot, SnapshotError};
pub use stats::{Liveness, RenderStats};

/// What a backend asks the pages. Lives on the screen's thread.
pub(crate) trait PageHooks {
    /// The window of the pages.
    #[cfg(feature = "window")]
    fn window(&self) -> &slint::Window;
    /// True while a text field has the focus.
    fn wants_text(&self) -> bool;
    /// A person did something.
    fn on_activity(&self);
}

/// What the shell tells a backend. Lives on the screen's thread.
pub(crate) trait Backend {
    /// Connects the pages, which are visible now.
    fn attach(&self, hooks: std::rc::Rc<dyn PageHooks>);
    /// Lets go of the pages: the loop has ended.
    fn detach(&self);
    /// A View was applied: guard the page against presses meant for the one before, and announce it once it is
    /// drawn and takes presses.
    fn screen_changed(&self, info: ScreenInfo);
}

/// Where the pages are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BackendKind {
    /// Nowhere but in memory: for the mirror, for tests, for machines without a display.
    #[default]
    Headless,
    /// In a window of the desktop; not in a device build (without the feature `window`).
    Window,
}

impl std::str::FromStr for BackendKind {
    type Err = UnknownBackend;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "headless" => Ok(Self::Headless),
            "window" => Ok(Self::Window),
            _ => Err(UnknownBackend(name.to_owned())),
        }
    }
}

/// A backend of this name does not exist.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("no screen backend is called {0:?}; there are `headless` and `window`")]
pub struct UnknownBackend(String);
