//! Everything that leaves the screen besides the display itself: pictures for watchers and screenshots, what page
//! is shown, counters and signs of life.
//!
//! The hub owns a second copy of the picture, but only while somebody watches. Each watcher has one *stale*
//! region: what changed since it last looked. A slow watcher therefore gets newer pixels later, never a queue.
//! The screen's thread never waits for a watcher: under the lock there are only copies of pixels.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::clock::Clock;
use super::input::Origin;
use super::panel::Panel;
use super::pixel::Xrgb8888;
use super::plugged::{Plugged, PluggedParts};
use super::region::{Rect, Region};
use super::snapshot::{Snapshot, SnapshotError};
use super::stats::{FrameCost, Liveness, Recorder, RenderStats};

mod subscription;

pub use subscription::{FrameCopy, Part, Subscription};

/// One controller, four viewers, and room for a screenshot stream or two.
pub const MAX_WATCHERS: usize = 8;
/// Screenshots that may wait at once; each costs a full copy.
const MAX_WAITING_SNAPSHOTS: usize = 8;

/// What page the customer sees, in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScreenInfo {
    /// Name of the page, for example `menu`. Touches are held off for a moment when it changes.
    pub id: String,
    /// Revision of the View; changes with every View that was drawn.
    pub rev: u64,
    /// What a voice would say about the page.
    pub say: String,
}

/// A finished frame, as the renderer hands it to everybody who shows it.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// The whole shadow buffer, row by row without padding.
    pub pixels: &'a [Xrgb8888],
    /// What differs from the frame before.
    pub dirty: &'a Region,
    /// When the renderer started to draw it.
    pub rendered_at: Duration,
    /// How long drawing took.
    pub render_time: Duration,
    /// The last numbered input that was applied before it was drawn.
    pub applied: Option<(Origin, u32)>,
}

/// More watchers than [`MAX_WATCHERS`].
#[derive(Debug, thiserror::Error)]
#[error("the screen already has {MAX_WATCHERS} watchers")]
pub struct TooManyWatchers;

/// See the module's description.
pub struct FrameHub {
    panel: Panel,
    clock: Arc<dyn Clock>,
    recorder: Recorder,
    state: Mutex<State>,
    /// Set when the screen's thread has to hand out its buffer: a first watcher, a screenshot.
    attention: AtomicBool,
    watchers: AtomicUsize,
    wake: Box<dyn Fn() + Send + Sync>,
    screen: watch::Sender<ScreenInfo>,
    plugged: watch::Sender<PluggedParts>,
}

#[derive(Default)]
struct State {
    /// Empty while nobody watches.
    picture: Vec<Xrgb8888>,
    /// The picture was asked for but the screen's thread has not filled it yet.
    awaits_fill: bool,
    closed: bool,
    watchers: Vec<Watcher>,
    next_watcher: u64,
    snapshots: Vec<SyncSender<Snapshot>>,
    rendered_at: Duration,
    applied: Option<(Origin, u32)>,
}

struct Watcher {
    id: u64,
    stale: Region,
    notify: Arc<Notify>,
}

impl FrameHub {
    /// A hub for a screen of this geometry. `wake` makes the screen's thread call [`FrameHub::service`] soon.
    pub(crate) fn new(
        panel: Panel,
        clock: Arc<dyn Clock>,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            panel,
            clock,
            recorder: Recorder::default(),
            state: Mutex::default(),
            attention: AtomicBool::new(false),
            watchers: AtomicUsize::new(0),
            wake: Box::new(wake),
            screen: watch::Sender::new(ScreenInfo::default()),
            plugged: watch::Sender::default(),
        })
    }

    /// Geometry of the picture.
    #[must_use]
    pub fn panel(&self) -> Panel {
        self.panel
    }

    /// The clock that stamps frames and beats.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// Counters since the start.
    #[must_use]
    pub fn stats(&self) -> RenderStats {
        self.recorder.stats()
    }

    /// Evidence for the watchdog; judge it with [`Liveness::is_alive`] and this hub's clock.
    #[must_use]
    pub fn liveness(&self) -> Liveness {
        self.recorder.liveness()
    }

    /// The page that is shown and takes touches. Changes after the page's first frame was drawn and the guard
    /// against stray touches is over, so a script that waits for it can press at once.
    #[must_use]
    pub fn screen(&self) -> watch::Receiver<ScreenInfo> {
        self.screen.subscribe()
    }

    /// What of the screen is plugged in.
    #[must_use]
    pub fn plugged(&self) -> watch::Receiver<PluggedParts> {
        self.plugged.subscribe()
    }

    /// A copy of the screen. Blocks until the screen's thread has answered: never call it on that thread, and wrap
    /// it in `spawn_blocking` in async code.
    ///
    /// # Errors
    /// When the screen does not answer within `timeout`, is shut down, or too many others are waiting.
    pub fn snapshot(&self, timeout: Duration) -> Result<Snapshot, SnapshotError> {
        let (sender, receiver) = sync_channel(1);
        {
            let mut state = self.state();
            if state.closed {
                return Err(SnapshotError::Closed);
            }
            if state.snapshots.len() >= MAX_WAITING_SNAPSHOTS {
                return Err(SnapshotError::Busy);
            }
            state.snapshots.push(sender);
        }
        self.call_for_attention();
        receiver.recv_timeout(timeout).map_err(|error| match error {
            RecvTimeoutError::Timeout => SnapshotError::Timeout(timeout),
            RecvTimeoutError::Disconnected => SnapshotError::Closed,
        })
    }

    /// Starts to watch. The first picture is a full one. Inputs of `origin` are confirmed in the frames.
    ///
    /// # Errors
    /// When there are too many watchers already.
    pub fn subscribe(self: &Arc<Self>, origin: Origin) -> Result<Subscription, TooManyWatchers> {
        let notify = Arc::new(Notify::new());
        let id = {
            let mut state = self.state();
            if state.watchers.len() >= MAX_WATCHERS {
                return Err(TooManyWatchers);
            }
            let first = state.watchers.is_empty();
            if first {
                state.picture = vec![Xrgb8888::BLACK; self.panel.pixel_count()];
                state.awaits_fill = true;
            }
            let stale = if state.awaits_fill { Region::default() } else { self.everything() };
            let id = state.next_watcher;
            state.next_watcher += 1;
            state.watchers.push(Watcher { id, stale, notify: Arc::clone(&notify) });
            self.watchers.store(state.watchers.len(), Ordering::Release);
            id
        };
        self.call_for_attention();
        Ok(Subscription { hub: Arc::clone(self), id, origin, notify })
    }

    /// True while somebody watches; an animation is then worth its full rate.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.watchers.load(Ordering::Acquire) > 0
    }

    pub(crate) fn publish_plugged(&self, display: Option<&Plugged>, touch: Option<&Plugged>) {
        self.plugged.send_if_modified(|told| {
            let differs = told.display.as_ref() != display || told.touch.as_ref() != touch;
            if differs {
                *told = PluggedParts { display: display.cloned(), touch: touch.cloned() };
            }
            differs
        });
    }

    pub(crate) fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Takes over what a frame changed. Called on the screen's thread.
    pub(crate) fn accept(&self, frame: &Frame<'_>) {
        self.recorder.frame(FrameCost {
            at: frame.rendered_at + frame.render_time,
            render: frame.render_time,
            dirty_px: frame.dirty.area(),
        });
        let mut state = self.state();
        state.rendered_at = frame.rendered_at;
        state.applied = frame.applied;
        if state.watchers.is_empty() || state.awaits_fill {
            return;
        }
        for rect in frame.dirty.rects() {
            copy_rect(&mut state.picture, frame.pixels, self.panel, *rect);
        }
        state.mark_stale(frame.dirty);
    }

    /// True once after something asked for the screen's buffer.
    pub(crate) fn takes_attention(&self) -> bool {
        self.attention.swap(false, Ordering::AcqRel)
    }

    /// Hands out the buffer to whoever asked for it. Called on the screen's thread.
    pub(crate) fn service(&self, pixels: &[Xrgb8888]) {
        {
            let mut state = self.state();
            if std::mem::take(&mut state.awaits_fill) && !state.watchers.is_empty() {
                state.picture.copy_from_slice(pixels);
                state.mark_stale(&self.everything());
            }
        }
        self.answer_snapshots(|| Some(Snapshot::of_pixels(&self.panel, pixels)));
    }

    /// Hands pictures to those who wait for one. Called on the screen's thread.
    pub(crate) fn answer_snapshots(&self, take: impl Fn() -> Option<Snapshot>) {
        let waiting = std::mem::take(&mut self.state().snapshots);
        for asker in waiting {
            if let Some(snapshot) = take() {
                // Whoever asked may have given up in the meantime; then nobody misses the picture.
                asker.try_send(snapshot).ok();
            }
        }
    }

    pub(crate) fn publish_screen(&self, info: ScreenInfo) {
        self.screen.send_replace(info);
    }

    /// The screen's thread ends: nobody may wait for it any more.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.snapshots.clear();
    }

    fn call_for_attention(&self) {
        self.attention.store(true, Ordering::Release);
        (self.wake)();
    }

    fn everything(&self) -> Region {
        let (w, h) = self.panel.size_px();
        Region::from_iter([Rect { x: 0, y: 0, w, h }])
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic under the lock can only leave an old picture behind; watchers then see old pixels.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn mark_stale(&mut self, dirty: &Region) {
        for watcher in &mut self.watchers {
            watcher.stale.add_all(dirty);
            watcher.notify.notify_one();
        }
    }
}

fn rows(panel: Panel, rect: Rect) -> impl Iterator<Item = std::ops::Range<usize>> {
    let stride = usize::from(panel.size_px().0);
    (usize::from(rect.y)..usize::from(rect.y) + usize::from(rect.h)).map(move |y| {
        let start = y * stride + usize::from(rect.x);
        start..start + usize::from(rect.w)
    })
}

fn copy_rect(to: &mut [Xrgb8888], from: &[Xrgb8888], panel: Panel, rect: Rect) {
    for row in rows(panel, rect) {
        to[row.clone()].copy_from_slice(&from[row]);
    }
}

#[cfg(test)]
#[path = "hub/tests.rs"]
mod tests;
