//! A watcher's place at the hub.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::Notify;

use super::{FrameHub, rows};
use crate::backend::input::Origin;
use crate::backend::panel::Panel;
use crate::backend::pixel::Xrgb8888;
use crate::backend::region::Rect;

/// A part of the picture, cut out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Where it belongs.
    pub rect: Rect,
    /// `rect.w * rect.h` pixels, row by row.
    pub pixels: Vec<Xrgb8888>,
}

/// What a watcher has not seen yet, copied at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameCopy {
    /// The parts; together they cover the whole picture when `full`.
    pub parts: Vec<Part>,
    /// True when one part is the whole picture.
    pub full: bool,
    /// When the newest frame in it was drawn.
    pub rendered_at: Duration,
    /// Number of the last input of this watcher's origin that was applied before; 0 if none.
    pub applied: u32,
}

/// A watcher's place at the hub; dropping it ends the watch.
pub struct Subscription {
    pub(super) hub: Arc<FrameHub>,
    pub(super) id: u64,
    pub(super) origin: Origin,
    pub(super) notify: Arc<Notify>,
}

impl Subscription {
    /// Waits until there is something new. Cancel-safe.
    pub async fn changed(&self) {
        while !self.is_stale() {
            self.notify.notified().await;
        }
    }

    /// Cuts out what is new, at most about `budget_px` pixels; the rest stays for the next call.
    #[must_use]
    pub fn take(&mut self, budget_px: u64) -> Option<FrameCopy> {
        let panel = self.hub.panel;
        let mut state = self.hub.state();
        let state = &mut *state;
        let watcher = state.watchers.iter_mut().find(|watcher| watcher.id == self.id)?;
        let rects = watcher.stale.take(budget_px);
        if rects.is_empty() {
            return None;
        }
        let full = rects.iter().any(|rect| (rect.w, rect.h) == panel.size_px());
        let parts = rects.into_iter().map(|rect| cut_out(&state.picture, panel, rect)).collect();
        let applied = state.applied.filter(|(origin, _)| *origin == self.origin).map_or(0, |(_, n)| n);
        Some(FrameCopy { parts, full, rendered_at: state.rendered_at, applied })
    }

    /// Makes the next picture a full one.
    pub fn want_full(&mut self) {
        let everything = self.hub.everything();
        let mut state = self.hub.state();
        if state.awaits_fill {
            return;
        }
        if let Some(watcher) = state.watchers.iter_mut().find(|watcher| watcher.id == self.id) {
            watcher.stale = everything;
            watcher.notify.notify_one();
        }
    }

    fn is_stale(&self) -> bool {
        self.hub.state().watchers.iter().any(|watcher| watcher.id == self.id && !watcher.stale.is_empty())
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut state = self.hub.state();
        state.watchers.retain(|watcher| watcher.id != self.id);
        self.hub.watchers.store(state.watchers.len(), Ordering::Release);
        if state.watchers.is_empty() {
            state.picture = Vec::new();
            state.awaits_fill = false;
        }
    }
}

fn cut_out(picture: &[Xrgb8888], panel: Panel, rect: Rect) -> Part {
    let mut pixels = Vec::with_capacity(usize::from(rect.w) * usize::from(rect.h));
    for row in rows(panel, rect) {
        pixels.extend_from_slice(&picture[row]);
    }
    Part { rect, pixels }
}
