//! The one window: Slint's window adapter, the software renderer and the shadow buffer they draw into.
//!
//! There is exactly one buffer and it is never shown directly, so the renderer may always repaint only what
//! changed (`ReusedBuffer`), read what it blends with from cached memory, and skip frames nobody needs.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use slint::platform::software_renderer::{PhysicalRegion, RepaintBufferType, SoftwareRenderer};
use slint::platform::{Renderer, WindowAdapter, WindowEvent};
use slint::{LogicalSize, PhysicalSize, PlatformError, Window, WindowSize};

use super::hub::FrameHub;
use super::panel::Panel;
use super::pixel::Xrgb8888;
use super::region::{Rect, Region};

/// See the module's description.
pub(crate) struct Surface {
    window: Window,
    renderer: SoftwareRenderer,
    panel: Panel,
    hub: Arc<FrameHub>,
    is_dirty: Cell<bool>,
    shadow: RefCell<Vec<Xrgb8888>>,
}

/// What one call of the renderer did.
pub(crate) struct Drawn {
    pub dirty: Region,
    pub started: Duration,
    pub took: Duration,
}

impl Surface {
    /// A window as large as the panel. Slint learns scale and size before it draws the first frame.
    pub(crate) fn new(panel: Panel, hub: Arc<FrameHub>) -> Rc<Self> {
        let surface = Rc::new_cyclic(|weak: &Weak<Self>| Self {
            window: Window::new(weak.clone() as Weak<dyn WindowAdapter>),
            renderer: SoftwareRenderer::new_with_repaint_buffer_type(RepaintBufferType::ReusedBuffer),
            panel,
            hub,
            is_dirty: Cell::new(true),
            shadow: RefCell::new(vec![Xrgb8888::BLACK; panel.pixel_count()]),
        });
        surface.window.dispatch_event(WindowEvent::ScaleFactorChanged { scale_factor: panel.scale() });
        surface
    }

    /// True when something changed since the last frame.
    pub(crate) fn is_dirty(&self) -> bool {
        self.is_dirty.get()
    }

    pub(crate) fn is_animating(&self) -> bool {
        self.window.has_active_animations()
    }

    /// Draws what changed into the shadow buffer.
    pub(crate) fn draw(&self) -> Drawn {
        let clock = self.hub.clock();
        let started = clock.now();
        // Cleared first: what changes while drawing belongs to the next frame.
        self.is_dirty.set(false);
        let stride = usize::from(self.panel.size_px().0);
        let region = self.renderer.render(self.shadow.borrow_mut().as_mut_slice(), stride);
        Drawn { dirty: to_region(&region, self.panel), started, took: clock.now().saturating_sub(started) }
    }

    /// Looks at the shadow buffer.
    pub(crate) fn with_pixels<R>(&self, look: impl FnOnce(&[Xrgb8888]) -> R) -> R {
        look(&self.shadow.borrow())
    }
}

impl WindowAdapter for Surface {
    fn window(&self) -> &Window {
        &self.window
    }

    fn set_visible(&self, visible: bool) -> Result<(), PlatformError> {
        if visible {
            let (width, height) = self.panel.size_logical();
            let size = LogicalSize::new(width, height);
            self.window.dispatch_event(WindowEvent::Resized { size });
            self.window.dispatch_event(WindowEvent::WindowActiveChanged(true));
            self.request_redraw();
        }
        Ok(())
    }

    /// The panel has the size that it has: pages cannot resize it.
    fn set_size(&self, _size: WindowSize) {}

    fn size(&self) -> PhysicalSize {
        let (width, height) = self.panel.size_px();
        PhysicalSize::new(width.into(), height.into())
    }

    fn request_redraw(&self) {
        if !self.is_dirty.replace(true) {
            self.hub.recorder().dirty(self.hub.clock().now());
        }
    }

    fn renderer(&self) -> &dyn Renderer {
        &self.renderer
    }
}

/// Slint's region may hold empty rectangles; ours never does.
fn to_region(region: &PhysicalRegion, panel: Panel) -> Region {
    region
        .iter()
        .filter_map(|(at, size)| Rect::clipped(at.x, at.y, size.width, size.height, panel.size_px()))
        .collect()
}
