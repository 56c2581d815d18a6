//! The screen without a display: our own Slint platform, one buffer on the heap, and an event loop that sleeps.
//!
//! One turn of the loop: forget the wake-up, advance timers and animations, run closures, apply inputs, draw what
//! changed, hand the picture to whoever asked, announce the page that was drawn, and compute how long nothing can
//! happen. Between turns the thread sleeps in `ppoll` on its event descriptor and those of the input sources.
//! A [`Display`] is one more sink of frames and one more descriptor.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use slint::platform::{
    EventLoopProxy, Platform, SetPlatformError, WindowAdapter, WindowEvent, duration_until_next_timer_update,
    set_platform, update_timers_and_animations,
};
use slint::{PlatformError, Timer, TimerMode};

use super::clock::Clock;
use super::display::Display;
use super::gate::Gate;
use super::hub::{Frame, FrameHub, ScreenInfo};
use super::input::{Input, Origin, PointerSource};
use super::surface::Surface;
use super::wake::LoopProxy;
use super::{Backend, PageHooks};

/// Frames are at least this far apart: 60 Hz, what panels do.
const FRAME_INTERVAL: Duration = Duration::from_micros(16_667);
/// While nobody watches, an animation only has to arrive at its end in time; it need not be smooth.
const UNWATCHED_INTERVAL: Duration = Duration::from_millis(100);
/// The loop's own sign of life, and its only wake-up when nothing happens.
const BEAT_INTERVAL: Duration = Duration::from_secs(1);

/// The event loop and everything it owns. Lives on the screen's thread.
pub(crate) struct EventLoop {
    proxy: LoopProxy,
    clock: Arc<dyn Clock>,
    hub: Arc<FrameHub>,
    surface: RefCell<Weak<Surface>>,
    gate: RefCell<Gate>,
    sources: RefCell<Vec<Box<dyn PointerSource>>>,
    /// Besides the hub.
    display: RefCell<Option<Box<dyn Display>>>,
    display_due: Cell<Option<Duration>>,
    hooks: RefCell<Option<Rc<dyn PageHooks>>>,
    last_frame: Cell<Option<Duration>>,
    applied: Cell<Option<(Origin, u32)>>,
    /// A page that was drawn or will be, but is not announced yet.
    unannounced: RefCell<Option<ScreenInfo>>,
}

impl EventLoop {
    /// A loop that feeds `hub`, with the sources of input it reads.
    pub(crate) fn new(
        proxy: LoopProxy,
        hub: &Arc<FrameHub>,
        sources: Vec<Box<dyn PointerSource>>,
        display: Option<Box<dyn Display>>,
    ) -> Rc<Self> {
        Rc::new(Self {
            proxy,
            clock: hub.clock(),
            hub: Arc::clone(hub),
            surface: RefCell::default(),
            gate: RefCell::new(Gate::new(hub.panel().size_logical())),
            sources: RefCell::new(sources),
            display: RefCell::new(display),
            display_due: Cell::new(None),
            hooks: RefCell::default(),
            last_frame: Cell::new(None),
            applied: Cell::new(None),
            unannounced: RefCell::default(),
        })
    }

    /// Becomes this thread's Slint platform.
    ///
    /// Slint keeps one door into one event loop per process. A second loop, as tests have, goes without: its own
    /// [`LoopProxy`] works all the same, only `slint::invoke_from_event_loop` leads into the first.
    ///
    /// # Errors
    /// When the thread has a platform already.
    pub(crate) fn install(self: &Rc<Self>) -> Result<(), SetPlatformError> {
        let platform =
            |proxy| Box::new(HeadlessPlatform { event_loop: Rc::clone(self), proxy: Cell::new(proxy) });
        set_platform(platform(Some(self.proxy.clone()))).or_else(|_| set_platform(platform(None)))
    }

    /// Runs until [`LoopProxy::quit`].
    ///
    /// # Errors
    /// When the kernel refuses to wait, which it only does for a descriptor that a source closed.
    pub(crate) fn run(&self) -> Result<(), PlatformError> {
        let (hub, clock) = (Arc::clone(&self.hub), Arc::clone(&self.clock));
        hub.recorder().beat(clock.now());
        let beat = Timer::default();
        beat.start(TimerMode::Repeated, BEAT_INTERVAL, move || hub.recorder().beat(clock.now()));
        let mut result = Ok(());
        while result.is_ok() && !self.proxy.is_quitting() {
            let wait = self.turn();
            result = self.sleep(wait);
        }
        result.map_err(|errno| PlatformError::OtherError(Box::new(errno)))
    }

    /// One turn; returns for how long nothing can happen by itself, `None` if for ever.
    pub(crate) fn turn(&self) -> Option<Duration> {
        self.proxy.clear();
        self.hub.recorder().turn();
        // First, so that what closures and inputs animate starts now and not at the last turn.
        update_timers_and_animations();
        let closures = self.proxy.take_closures();
        let had_closures = !closures.is_empty();
        for closure in closures {
            closure();
        }
        let had_inputs = self.apply_inputs();
        if had_closures || had_inputs {
            // Runs the change handlers of what was just changed, before it is drawn.
            update_timers_and_animations();
        }
        let surface = self.surface.borrow().upgrade();
        if let Some(surface) = &surface {
            self.draw_if_due(surface);
            if self.hub.takes_attention() {
                surface.with_pixels(|pixels| self.hub.service(pixels));
            }
            if let Some(display) = &mut *self.display.borrow_mut() {
                let due = surface.with_pixels(|pixels| display.service(self.clock.now(), pixels));
                self.display_due.set(Some(due));
            }
        }
        self.tell_what_is_plugged();
        let is_dirty = surface.as_ref().is_some_and(|surface| surface.is_dirty());
        self.announce_if_ready(is_dirty);
        self.idle_time(surface.as_deref())
    }

    fn tell_what_is_plugged(&self) {
        let (display, sources) = (self.display.borrow(), self.sources.borrow());
        let touch = sources.iter().find_map(|source| source.plugged());
        self.hub.publish_plugged(display.as_ref().map(|it| it.plugged()), touch);
    }

    fn apply_inputs(&self) -> bool {
        let mut inputs = Vec::new();
        for source in self.sources.borrow_mut().iter_mut() {
            source.drain(&mut inputs);
        }
        let (mut accepted, mut refused) = (0, 0);
        for input in &inputs {
            if self.apply(input) {
                accepted += 1;
            } else {
                refused += 1;
            }
        }
        if !inputs.is_empty() {
            self.hub.recorder().inputs(accepted, refused);
        }
        !inputs.is_empty()
    }

    /// Applies one input; false if the gate refused it.
    fn apply(&self, input: &Input) -> bool {
        let hooks = self.hooks.borrow().clone();
        let wants_text = hooks.as_ref().is_some_and(|hooks| hooks.wants_text());
        let verdict = self.gate.borrow_mut().judge(self.clock.now(), input, wants_text);
        let reaches = !verdict.events.is_empty();
        self.dispatch(verdict.events);
        if let Some(n) = input.n {
            self.applied.set(Some((input.origin, n)));
        }
        if verdict.activity
            && let Some(hooks) = hooks
        {
            hooks.on_activity();
        }
        reaches
    }

    /// Hands events to Slint. No borrow is held: callbacks of the pages may come back to this loop.
    fn dispatch(&self, events: impl IntoIterator<Item = WindowEvent>) {
        let surface = self.surface.borrow().upgrade();
        let Some(surface) = surface else { return };
        for event in events {
            surface.window().dispatch_event(event);
        }
    }

    fn draw_if_due(&self, surface: &Surface) {
        let now = self.clock.now();
        let is_due = self.last_frame.get().is_none_or(|last| now >= last + FRAME_INTERVAL);
        if !(surface.is_dirty() && is_due && surface.window().is_visible()) {
            return;
        }
        self.last_frame.set(Some(now));
        let drawn = surface.draw();
        surface.with_pixels(|pixels| {
            let frame = Frame {
                pixels,
                dirty: &drawn.dirty,
                rendered_at: drawn.started,
                render_time: drawn.took,
                applied: self.applied.get(),
            };
            self.hub.accept(&frame);
            if let Some(display) = &mut *self.display.borrow_mut() {
                display.present(&frame);
            }
        });
    }

    fn announce_if_ready(&self, is_dirty: bool) {
        let is_open = self.clock.now() >= self.gate.borrow().open_from();
        if is_dirty || !is_open {
            return;
        }
        let info = self.unannounced.borrow_mut().take();
        if let Some(info) = info {
            self.hub.publish_screen(info);
        }
    }

    fn idle_time(&self, surface: Option<&Surface>) -> Option<Duration> {
        let now = self.clock.now();
        let after_frame = |interval| {
            self.last_frame.get().map_or(Duration::ZERO, |last| (last + interval).saturating_sub(now))
        };
        let drawing = surface.filter(|surface| surface.window().is_visible()).and_then(|surface| {
            if surface.is_dirty() {
                Some(after_frame(FRAME_INTERVAL))
            } else if surface.is_animating() {
                let interval = if self.hub.is_watched() { FRAME_INTERVAL } else { UNWATCHED_INTERVAL };
                Some(after_frame(interval))
            } else {
                None
            }
        });
        let announcing = self.unannounced.borrow().is_some();
        let opening = announcing.then(|| self.gate.borrow().open_from().saturating_sub(now));
        let display = self.display_due.get().map(|due| due.saturating_sub(now));
        [drawing, opening, display, duration_until_next_timer_update()].into_iter().flatten().min()
    }

    /// Sleeps until something happens or `wait` is over.
    fn sleep(&self, wait: Option<Duration>) -> Result<(), Errno> {
        let sources = self.sources.borrow();
        let mut fds = vec![PollFd::new(self.proxy.fd(), PollFlags::POLLIN)];
        fds.extend(
            sources.iter().filter_map(|source| source.poll_fd()).map(|fd| PollFd::new(fd, PollFlags::POLLIN)),
        );
        let display = self.display.borrow();
        let flips = display.as_ref().and_then(|display| display.fd());
        fds.extend(flips.map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
        match ppoll(&mut fds, wait.map(TimeSpec::from_duration), None) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(errno),
        }
    }
}

impl Backend for EventLoop {
    fn attach(&self, hooks: Rc<dyn PageHooks>) {
        *self.hooks.borrow_mut() = Some(hooks);
    }

    fn detach(&self) {
        self.hooks.take();
    }

    fn screen_changed(&self, info: ScreenInfo) {
        let cancelled = self.gate.borrow_mut().page_shown(self.clock.now(), &info.id);
        *self.unannounced.borrow_mut() = Some(info);
        self.dispatch(cancelled);
    }
}

/// Slint's view of the loop.
struct HeadlessPlatform {
    event_loop: Rc<EventLoop>,
    proxy: Cell<Option<LoopProxy>>,
}

impl Platform for HeadlessPlatform {
    fn create_window_adapter(&self) -> Result<Rc<dyn WindowAdapter>, PlatformError> {
        let event_loop = &self.event_loop;
        if event_loop.surface.borrow().strong_count() > 0 {
            return Err(PlatformError::Other("a kiosk has one window".to_owned()));
        }
        let surface = Surface::new(event_loop.hub.panel(), Arc::clone(&event_loop.hub));
        *event_loop.surface.borrow_mut() = Rc::downgrade(&surface);
        Ok(surface)
    }

    fn run_event_loop(&self) -> Result<(), PlatformError> {
        self.event_loop.run()
    }

    fn new_event_loop_proxy(&self) -> Option<Box<dyn EventLoopProxy>> {
        self.proxy.take().map(|proxy| Box::new(proxy) as Box<dyn EventLoopProxy>)
    }

    fn duration_since_start(&self) -> Duration {
        self.event_loop.clock.now()
    }
}

#[cfg(test)]
#[path = "headless/tests.rs"]
mod tests;
