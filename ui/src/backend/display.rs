//! What the event loop asks of something that shows frames in its own time.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use super::hub::Frame;
use super::pixel::Xrgb8888;
use super::plugged::Plugged;

/// A display. Lives on the screen's thread.
pub(crate) trait Display {
    /// Takes note of what differs from the frame before. Must not block.
    fn present(&mut self, frame: &Frame<'_>);

    /// A descriptor that is readable when [`Display::service`] has something to do.
    fn fd(&self) -> Option<BorrowedFd<'_>>;

    /// Takes what has happened and brings the display up to date with the shadow buffer, as far as it can be now. Called
    /// in every turn of the loop; must not block. Returns when it wants to be called again at the latest.
    fn service(&mut self, now: Duration, pixels: &[Xrgb8888]) -> Duration;

    /// Whether there is one.
    fn plugged(&self) -> &Plugged;
}
