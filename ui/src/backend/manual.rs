//! One window in memory whose time is turned by hand, for tests, benches and screenshots.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use slint::PlatformError;
use slint::platform::software_renderer::MinimalSoftwareWindow;
use slint::platform::{Platform, WindowAdapter};

use super::clock::{Clock, ManualClock};

/// The platform of a thread that has no event loop: whoever set it draws the window and turns the clock.
pub struct ManualPlatform {
    /// Every component is shown in this window.
    pub window: Rc<MinimalSoftwareWindow>,
    /// What animations go by.
    pub clock: Arc<ManualClock>,
}

impl Platform for ManualPlatform {
    fn create_window_adapter(&self) -> Result<Rc<dyn WindowAdapter>, PlatformError> {
        Ok(Rc::<MinimalSoftwareWindow>::clone(&self.window))
    }

    fn duration_since_start(&self) -> Duration {
        self.clock.now()
    }
}
