//! Screen backends: everything between the pages and the glass.
//!
//! ```text
//!   touch panel ─┐                                            ┌─► display (`kms`)
//!   mirror ──────┤ PointerSource ─► gate ─► Slint ─► renderer ─┤ Frame
//!   script ──────┘                                 (1 shadow) └─► FrameHub ─► mirror, screenshots, counters
//! ```
//! There is one renderer (Slint's software renderer), one shadow buffer and one event loop on the main thread. What
//! differs between backends is where inputs come from and where frames go, and that is chosen at run time:
//! [`BackendKind::Headless`] shows the frames to the [`FrameHub`] only, [`BackendKind::Kms`] to the machine's own display
//! besides and reads its touch panels, [`BackendKind::Window`] lets Slint's own
//! desktop backend do the work for people who look at pages on their own machine.
//!
//! [`mirror`] serves the hub's picture to a browser and turns what is done there into inputs.

mod clock;
pub(crate) mod display;
mod gate;
pub(crate) mod headless;
mod hub;
mod input;
mod keys;
pub(crate) mod kms;
mod manual;
pub mod mirror;
mod panel;
mod pixel;
mod plugged;
mod region;
mod rotation;
mod snapshot;
mod stats;
mod surface;
mod touch;
pub(crate) mod wake;
#[cfg(feature = "window")]
pub(crate) mod window;

pub use clock::{Clock, ManualClock, SystemClock};
pub use hub::{Frame, FrameCopy, FrameHub, MAX_WATCHERS, Part, ScreenInfo, Subscription, TooManyWatchers};
pub use input::{Input, InputEvent, InputSender, KeyAction, Origin, PointerSource, QueueFull, TouchPhase};
pub(crate) use input::{InputQueue, input_queue};
pub use keys::{Key, NamedKey};
pub use kms::DisplayOptions;
pub use manual::ManualPlatform;
pub use panel::{Panel, PanelError};
pub use pixel::Xrgb8888;
pub use plugged::{Plugged, PluggedParts};
pub use region::{Rect, Region};
pub use rotation::Rotation;
pub use snapshot::{Snapshot, SnapshotError};
pub use stats::{Liveness, RenderStats};
pub use touch::{TouchOptions, TouchPanels};

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
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum BackendKind {
    /// Nowhere but in memory: for the mirror, for tests, for machines without a display.
    #[default]
    Headless,
    /// On the display of the machine, through the kernel's display controller. Lives on without one until it comes.
    Kms(DisplayOptions),
    /// In a window of the desktop; not in a device build (without the feature `window`).
    Window,
}
