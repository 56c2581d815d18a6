//! The shell around the pages: owns the main thread, brings Views in and Intents out.
//!
//! ```text
//!   core thread ── UiHandle::publish(View) ──► newest-wins slot ──► Screen::apply   (main thread)
//!   core queue  ◄── IntentSink::send(Intent) ── callbacks of the pages              (main thread)
//! ```
//! A View is a level, not an event: only the newest is kept and at most one closure waits for the main thread,
//! however fast Views are published. An Intent that does not fit into the core's queue is dropped and counted: the
//! customer presses again, and the page never blocks.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use slint::PlatformError;

use crate::backend::display::Display;
use crate::backend::headless::EventLoop;
use crate::backend::kms::Kms;
use crate::backend::wake::LoopProxy;
use crate::backend::{
    Backend, BackendKind, Clock, FrameHub, InputQueue, InputSender, PageHooks, Panel, PointerSource,
    ScreenInfo, input_queue,
};

/// The pages, as the shell sees them. Lives on the main thread.
pub trait Screen: 'static {
    /// What it draws.
    type View: Send + Sync + 'static;

    /// The window of the page component.
    fn window(&self) -> &slint::Window;

    /// Draws a View and says what page it is.
    fn apply(&self, view: &Self::View) -> ScreenInfo;

    /// True while a text field has the focus; only then do characters reach the pages.
    fn wants_text(&self) -> bool;

    /// A person did something; called at most once a second.
    fn on_activity(&self);
}

/// What the screen is built with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the pages are shown.
    pub backend: BackendKind,
    /// Geometry of the panel.
    pub panel: Panel,
    /// Time for animations, stamps and guards.
    pub clock: Arc<dyn Clock>,
}

/// What the screen is connected to.
pub struct Ports<I> {
    /// Takes an Intent to the core without waiting.
    pub intents: Box<dyn Fn(I) -> Result<(), IntentRefused>>,
    /// Touch panels and keypads, read on the main thread. The mirror and scripts need none: they have
    /// [`UiHandle::input`].
    pub pointers: Vec<Box<dyn PointerSource>>,
}

/// The core's queue is full or gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the core does not take Intents")]
pub struct IntentRefused;

/// Why the screen could not start or ended.
#[derive(Debug, thiserror::Error)]
pub enum ShellError {
    /// The kernel has no event descriptor left.
    #[error("cannot create the event descriptor of the screen")]
    Wake(#[source] std::io::Error),
    /// The thread already has a screen.
    #[error("this thread already has a screen")]
    Platform(#[source] slint::platform::SetPlatformError),
    /// The backend is not compiled in.
    #[error("the backend {0:?} is not part of this program: build it with the feature `window`")]
    Unavailable(BackendKind),
    /// The pages could not be created or shown, or the event loop broke.
    #[error("the screen failed")]
    Screen(#[source] PlatformError),
}

/// A screen that does not run yet.
pub struct Shell<V> {
    options: Options,
    handle: UiHandle<V>,
    queue: InputQueue,
}

/// The screen as seen from other threads; cheap to clone.
pub struct UiHandle<V> {
    shared: Arc<Shared<V>>,
}

struct Shared<V> {
    hub: Arc<FrameHub>,
    input: InputSender,
    proxy: LoopProxy,
    newest: Mutex<Option<Arc<V>>>,
    is_pending: AtomicBool,
}

/// Where the pages put the customer's wishes; cheap to clone, stays on the main thread.
pub struct IntentSink<I> {
    port: Rc<dyn Fn(I) -> Result<(), IntentRefused>>,
    hub: Arc<FrameHub>,
}

/// Runs a screen: builds it, shows it, and returns when it was told to quit.
///
/// For programs that need the [`UiHandle`] before the screen runs, which is every program with more than one thread:
/// use [`Shell::new`], [`Shell::handle`] and [`Shell::run`].
///
/// # Errors
/// See [`Shell::new`] and [`Shell::run`].
pub fn run<I, S>(
    options: Options,
    ports: Ports<I>,
    build: impl FnOnce(IntentSink<I>) -> Result<S, PlatformError>,
) -> Result<(), ShellError>
where
    I: 'static,
    S: Screen,
{
    Shell::new(options)?.run(ports, build)
}

impl<V: Send + Sync + 'static> Shell<V> {
    /// Prepares a screen. Nothing is drawn yet; what is published waits.
    ///
    /// # Errors
    /// When the backend is not compiled in or the kernel has no descriptor left.
    pub fn new(options: Options) -> Result<Self, ShellError> {
        let also = match options.backend {
            BackendKind::Headless | BackendKind::Kms(_) => None,
            #[cfg(feature = "window")]
            BackendKind::Window => Some(crate::backend::window::wake as fn()),
            #[cfg(not(feature = "window"))]
            BackendKind::Window => return Err(ShellError::Unavailable(options.backend)),
        };
        let proxy = LoopProxy::new(also).map_err(|errno| ShellError::Wake(errno.into()))?;
        let wake_for_hub = proxy.clone();
        let hub = FrameHub::new(options.panel, Arc::clone(&options.clock), move || wake_for_hub.wake());
        let wake_for_input = proxy.clone();
        let (input, queue) = input_queue(move || wake_for_input.wake());
        let shared =
            Shared { hub, input, proxy, newest: Mutex::default(), is_pending: AtomicBool::new(false) };
        Ok(Self { options, handle: UiHandle { shared: Arc::new(shared) }, queue })
    }

    /// The screen as seen from other threads.
    #[must_use]
    pub fn handle(&self) -> UiHandle<V> {
        self.handle.clone()
    }

    /// Builds the pages, shows them, and owns the calling thread until [`UiHandle::quit`]. It must be the main
    /// thread for [`BackendKind::Window`].
    ///
    /// # Errors
    /// When the thread already has a screen, the pages cannot be built or shown, or the event loop breaks.
    pub fn run<I, S>(
        self,
        ports: Ports<I>,
        build: impl FnOnce(IntentSink<I>) -> Result<S, PlatformError>,
    ) -> Result<(), ShellError>
    where
        I: 'static,
        S: Screen<View = V>,
    {
        let Ports { intents, mut pointers } = ports;
        let sink = IntentSink { port: intents.into(), hub: Arc::clone(self.handle.hub()) };
        pointers.push(Box::new(self.queue));
        let proxy = self.handle.shared.proxy.clone();
        let display: Option<Box<dyn Display>> = match &self.options.backend {
            BackendKind::Kms(options) => {
                Some(Box::new(Kms::new(options.clone(), self.options.panel.size_px())))
            }
            BackendKind::Headless | BackendKind::Window => None,
        };
        let backend: Rc<dyn Backend> = match self.options.backend {
            BackendKind::Headless | BackendKind::Kms(_) => {
                let event_loop = EventLoop::new(proxy, self.handle.hub(), pointers, display);
                event_loop.install().map_err(ShellError::Platform)?;
                event_loop
            }
            #[cfg(feature = "window")]
            BackendKind::Window => crate::backend::window::open(proxy, self.handle.hub(), pointers)
                .map_err(ShellError::Screen)?,
            #[cfg(not(feature = "window"))]
            BackendKind::Window => return Err(ShellError::Unavailable(self.options.backend)),
        };
        let result = build(sink).and_then(|screen| Pages::run(screen, &self.handle, backend));
        self.handle.shared.proxy.end();
        self.handle.hub().close();
        result.map_err(ShellError::Screen)
    }
}

impl<V: Send + Sync + 'static> UiHandle<V> {
    /// Shows a View soon. An older View that was not shown yet is skipped. Never blocks; may be called before the
    /// screen runs, and is ignored after it ended.
    pub fn publish(&self, view: Arc<V>) {
        *self.shared.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(view);
        if self.shared.is_pending.swap(true, Ordering::AcqRel) {
            return;
        }
        if self.shared.proxy.invoke(Box::new(show_newest_view)).is_err() {
            // The loop has ended, so nobody looks; or it hangs, and then the next View tries again.
            self.shared.is_pending.store(false, Ordering::Release);
        }
    }

    /// Ends the screen; [`Shell::run`] returns. May be called before it runs.
    pub fn quit(&self) {
        self.shared.proxy.quit();
    }

    /// Pictures, counters and signs of life.
    #[must_use]
    pub fn hub(&self) -> &Arc<FrameHub> {
        &self.shared.hub
    }

    /// Input from other threads.
    #[must_use]
    pub fn input(&self) -> InputSender {
        self.shared.input.clone()
    }

    /// The newest View that was not shown yet.
    fn take_newest(&self) -> Option<Arc<V>> {
        // Cleared first: a View published from here on gets a closure of its own.
        self.shared.is_pending.store(false, Ordering::Release);
        self.shared.newest.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<V> Clone for UiHandle<V> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<I> IntentSink<I> {
    /// Sends an Intent to the core, or drops and counts it when the core's queue is full.
    pub fn send(&self, intent: I) {
        if (self.port)(intent).is_err() {
            self.hub.recorder().intent_dropped();
            tracing::warn!("an Intent was dropped: the core does not take more");
        }
    }
}

impl<I> Clone for IntentSink<I> {
    fn clone(&self) -> Self {
        Self { port: Rc::clone(&self.port), hub: Arc::clone(&self.hub) }
    }
}

/// The pages and what they are connected to.
struct Pages<S: Screen> {
    screen: S,
    handle: UiHandle<S::View>,
    backend: Rc<dyn Backend>,
}

thread_local! {
    /// How the closures of [`UiHandle::publish`], which carry nothing, find the pages of their thread.
    static SHOW_NEWEST_VIEW: RefCell<Option<Rc<dyn Fn()>>> = const { RefCell::new(None) };
}

fn show_newest_view() {
    let show = SHOW_NEWEST_VIEW.with_borrow(Clone::clone);
    if let Some(show) = show {
        show();
    }
}

impl<S: Screen> Pages<S> {
    /// Shows the pages and runs the event loop until it is told to quit.
    fn run(screen: S, handle: &UiHandle<S::View>, backend: Rc<dyn Backend>) -> Result<(), PlatformError> {
        let pages = Rc::new(Self { screen, handle: handle.clone(), backend });
        let result = pages.open().and_then(|()| slint::run_event_loop_until_quit());
        pages.close();
        result
    }

    /// Shows the pages, with the newest View if there is one already.
    fn open(self: &Rc<Self>) -> Result<(), PlatformError> {
        let pages = Rc::clone(self);
        SHOW_NEWEST_VIEW.set(Some(Rc::new(move || pages.show_newest())));
        self.show_newest();
        self.screen.window().show()?;
        self.backend.attach(Rc::clone(self) as Rc<dyn PageHooks>);
        Ok(())
    }

    /// Breaks the circles, so that the pages are gone before the thread's Slint state is.
    fn close(&self) {
        SHOW_NEWEST_VIEW.take();
        self.backend.detach();
        if let Err(error) = self.screen.window().hide() {
            tracing::debug!(%error, "the window could not be hidden");
        }
    }

    fn show_newest(&self) {
        if let Some(view) = self.handle.take_newest() {
            let info = self.screen.apply(&view);
            self.backend.screen_changed(info);
        }
    }
}

impl<S: Screen> PageHooks for Pages<S> {
    #[cfg(feature = "window")]
    fn window(&self) -> &slint::Window {
        self.screen.window()
    }

    fn wants_text(&self) -> bool {
        self.screen.wants_text()
    }

    fn on_activity(&self) {
        self.screen.on_activity();
    }
}
