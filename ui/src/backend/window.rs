//! The screen in a window of the desktop, for people who look at pages on their own machine.
//!
//! Slint's own backend (winit, software renderer) draws and takes the mouse; it keeps its buffer to itself, so
//! screenshots are drawn anew and there is no mirror. Everything else is as on the device: Views, Intents, scripted
//! input through the gate, the guard after a page change, activity, signs of life.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use slint::platform::WindowEvent;
use slint::winit_030::winit::event::{ElementState, TouchPhase, WindowEvent as WinitEvent};
use slint::winit_030::{EventResult, WinitWindowAccessor};
use slint::{PhysicalSize, PlatformError, Timer, TimerMode, Window};

use super::gate::Gate;
use super::hub::{FrameHub, ScreenInfo};
use super::input::PointerSource;
use super::snapshot::Snapshot;
use super::stats::FrameCost;
use super::wake::LoopProxy;
use super::{Backend, PageHooks};

const BEAT_INTERVAL: Duration = Duration::from_secs(1);

/// A turn is already on its way through winit's unbounded queue; one is enough.
static TURN_IS_PENDING: AtomicBool = AtomicBool::new(false);

thread_local! {
    static OPEN_WINDOW: RefCell<Option<Rc<WindowLoop>>> = const { RefCell::new(None) };
}

/// Makes the window's thread look at what waits for it. Without a running loop nothing happens: the loop looks by
/// itself when it starts.
pub(crate) fn wake() {
    if !TURN_IS_PENDING.swap(true, Ordering::AcqRel) && slint::invoke_from_event_loop(turn).is_err() {
        TURN_IS_PENDING.store(false, Ordering::Release);
    }
}

fn turn() {
    TURN_IS_PENDING.store(false, Ordering::Release);
    let window = OPEN_WINDOW.with_borrow(Clone::clone);
    if let Some(window) = window {
        window.turn();
    }
}

/// What happens around Slint's own event loop.
pub(crate) struct WindowLoop {
    proxy: LoopProxy,
    hub: Arc<FrameHub>,
    gate: RefCell<Gate>,
    sources: RefCell<Vec<Box<dyn PointerSource>>>,
    hooks: RefCell<Option<Rc<dyn PageHooks>>>,
    beat: Timer,
}

/// Chooses Slint's desktop backend for this thread.
///
/// # Errors
/// When there is no desktop, or the thread has a backend already.
pub(crate) fn open(
    proxy: LoopProxy,
    hub: &Arc<FrameHub>,
    sources: Vec<Box<dyn PointerSource>>,
) -> Result<Rc<dyn Backend>, PlatformError> {
    slint::BackendSelector::new().backend_name("winit".into()).renderer_name("software".into()).select()?;
    let window = Rc::new(WindowLoop {
        proxy,
        hub: Arc::clone(hub),
        gate: RefCell::new(Gate::new(hub.panel().size_logical())),
        sources: RefCell::new(sources),
        hooks: RefCell::default(),
        beat: Timer::default(),
    });
    OPEN_WINDOW.set(Some(Rc::clone(&window)));
    Ok(window)
}

impl WindowLoop {
    fn turn(&self) {
        self.hub.recorder().turn();
        for closure in self.proxy.take_closures() {
            closure();
        }
        let hooks = self.hooks.borrow().clone();
        if let Some(hooks) = hooks {
            self.apply_inputs(hooks.as_ref());
            self.hand_out_picture(hooks.window());
        }
        if self.proxy.is_quitting() {
            // Fails only when the loop has ended by itself, which is what is wanted.
            slint::quit_event_loop().ok();
        }
    }

    fn apply_inputs(&self, hooks: &dyn PageHooks) {
        let mut inputs = Vec::new();
        for source in self.sources.borrow_mut().iter_mut() {
            source.drain(&mut inputs);
        }
        let now = self.hub.clock().now();
        for input in inputs {
            let verdict = self.gate.borrow_mut().judge(now, &input, hooks.wants_text());
            let refused = u64::from(verdict.events.is_empty());
            self.hub.recorder().inputs(1 - refused, refused);
            for event in verdict.events {
                hooks.window().dispatch_event(event);
            }
            if verdict.activity {
                hooks.on_activity();
            }
        }
    }

    fn hand_out_picture(&self, window: &Window) {
        if !self.hub.takes_attention() {
            return;
        }
        self.hub.answer_snapshots(|| {
            let picture = window.take_snapshot().ok()?;
            let rgba = picture.as_bytes().to_vec();
            Some(Snapshot { width_px: picture.width(), height_px: picture.height(), rgba })
        });
    }

    /// Looks at what the desktop reports before Slint does.
    fn observe(&self, event: &WinitEvent) -> EventResult {
        let now = self.hub.clock().now();
        let is_press = match event {
            WinitEvent::MouseInput { state, .. } => *state == ElementState::Pressed,
            WinitEvent::Touch(touch) => touch.phase == TouchPhase::Started,
            WinitEvent::KeyboardInput { event, .. } => event.state == ElementState::Pressed,
            WinitEvent::CloseRequested => {
                self.proxy.quit();
                return EventResult::Propagate;
            }
            WinitEvent::RedrawRequested => {
                self.hub.recorder().frame(FrameCost { at: now, render: Duration::ZERO, dirty_px: 0 });
                return EventResult::Propagate;
            }
            // The desktop has many events, and all others are Slint's alone.
            _ => return EventResult::Propagate,
        };
        if !is_press {
            return EventResult::Propagate;
        }
        let (is_activity, is_open) = {
            let mut gate = self.gate.borrow_mut();
            (gate.is_activity(now), now >= gate.open_from())
        };
        let hooks = self.hooks.borrow().clone();
        if let Some(hooks) = hooks.filter(|_| is_activity) {
            hooks.on_activity();
        }
        if is_open { EventResult::Propagate } else { EventResult::PreventDefault }
    }
}

impl Backend for WindowLoop {
    fn attach(&self, hooks: Rc<dyn PageHooks>) {
        let (width, height) = self.hub.panel().size_px();
        let window = hooks.window();
        window.dispatch_event(WindowEvent::ScaleFactorChanged { scale_factor: self.hub.panel().scale() });
        window.set_size(PhysicalSize::new(width.into(), height.into()));
        window.on_winit_window_event(|_, event| {
            let window = OPEN_WINDOW.with_borrow(Clone::clone);
            window.map_or(EventResult::Propagate, |window| window.observe(event))
        });
        let (hub, clock) = (Arc::clone(&self.hub), self.hub.clock());
        hub.recorder().beat(clock.now());
        self.beat.start(TimerMode::Repeated, BEAT_INTERVAL, move || hub.recorder().beat(clock.now()));
        *self.hooks.borrow_mut() = Some(hooks);
        // What was published or asked for before the loop existed could not wake it.
        wake();
    }

    fn detach(&self) {
        self.beat.stop();
        self.hooks.take();
        OPEN_WINDOW.take();
    }

    fn screen_changed(&self, info: ScreenInfo) {
        let cancelled = self.gate.borrow_mut().page_shown(self.hub.clock().now(), &info.id);
        let hooks = self.hooks.borrow().clone();
        if let (Some(event), Some(hooks)) = (cancelled, hooks) {
            hooks.window().dispatch_event(event);
        }
        self.hub.publish_screen(info);
    }
}
