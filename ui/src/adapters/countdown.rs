//! The seconds that run down between two Views. A View tells how much is left at the moment it was made; the screen
//! counts on from there, and the domain decides what happens at the end.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use domain::View;
use domain::view::{Overlay, Page};
use slint::{ComponentHandle, Global, Timer, TimerMode, Weak};

use crate::backend::Clock;
use crate::pages::{
    CartAdapter, ClaimAdapter, DoneAdapter, MainWindow, OverlayAdapter, TerminalAdapter, UnknownAdapter,
};

/// How often the screen looks at the clock while something runs down. Only what changed is repainted.
const TICK: Duration = Duration::from_millis(250);

/// Steps of the undo ring; the others move once a second.
const UNDO_STEPS_PER_SECOND: f32 = 4.0;

/// What runs down.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Idle,
    Undo,
    Terminal,
    Unknown,
    Done,
    Claim,
}

struct Running {
    kind: Kind,
    ends_at: Duration,
    total: Duration,
}

/// Everything that runs down on the page shown.
pub(super) struct Countdowns {
    window: Weak<MainWindow>,
    clock: Arc<dyn Clock>,
    running: RefCell<Vec<Running>>,
    timer: Timer,
    /// The longest wait of this stay on the page, for waits whose whole length the View does not tell.
    longest: Cell<(Option<Kind>, Duration)>,
}

impl Countdowns {
    pub fn new(window: &MainWindow, clock: Arc<dyn Clock>) -> Rc<Self> {
        Rc::new(Self {
            window: window.as_weak(),
            clock,
            running: RefCell::default(),
            timer: Timer::default(),
            longest: Cell::new((None, Duration::ZERO)),
        })
    }

    /// Takes over what the View tells.
    pub fn apply(self: &Rc<Self>, view: &View) {
        let now = self.clock.now();
        let running: Vec<Running> = told(view)
            .into_iter()
            .map(|(kind, remaining_ms, total_ms)| {
                let remaining = Duration::from_millis(remaining_ms.into());
                let total = total_ms
                    .map_or_else(|| self.longest_of(kind, remaining), |ms| Duration::from_millis(ms.into()));
                Running { kind, ends_at: now + remaining, total }
            })
            .collect();
        let idle = running.is_empty();
        *self.running.borrow_mut() = running;
        if let Some(window) = self.window.upgrade() {
            forget(&window, view);
        }
        self.show();
        if idle {
            self.timer.stop();
        } else if !self.timer.running() {
            let countdowns = Rc::downgrade(self);
            self.timer.start(TimerMode::Repeated, TICK, move || {
                if let Some(countdowns) = countdowns.upgrade() {
                    countdowns.show();
                }
            });
        }
    }

    fn longest_of(&self, kind: Kind, remaining: Duration) -> Duration {
        let (before, longest) = self.longest.get();
        let longest = if before == Some(kind) { longest.max(remaining) } else { remaining };
        self.longest.set((Some(kind), longest));
        longest
    }

    fn show(&self) {
        let Some(window) = self.window.upgrade() else { return };
        let now = self.clock.now();
        for running in self.running.borrow().iter() {
            let left = running.ends_at.saturating_sub(now);
            show_one(&window, running.kind, left, running.total);
        }
    }
}

/// What runs down on this View: remaining and whole milliseconds.
fn told(view: &View) -> Vec<(Kind, u32, Option<u32>)> {
    let mut told = Vec::new();
    if let Some(Overlay::Idle { remaining_ms, total_ms, .. }) = view.overlay {
        told.push((Kind::Idle, remaining_ms, Some(total_ms)));
    }
    match &view.page {
        Page::Cart(cart) => {
            told.extend(cart.undo.as_ref().map(|undo| (Kind::Undo, undo.remaining_ms, Some(undo.total_ms))));
        }
        Page::AtTerminal(terminal) => told.extend(terminal.remaining_ms.map(|ms| (Kind::Terminal, ms, None))),
        Page::PayUnknown(unknown) => told.extend(unknown.next_ms.map(|ms| (Kind::Unknown, ms, None))),
        Page::Done(done) => told.extend(done.closes_ms.map(|ms| (Kind::Done, ms, Some(done.total_ms)))),
        Page::Claim(claim) => {
            told.extend(
                claim.code.as_ref().map(|code| (Kind::Claim, code.remaining_ms, Some(code.total_ms))),
            );
        }
        Page::Starting
        | Page::Attract(_)
        | Page::Service(_)
        | Page::Menu(_)
        | Page::Item(_)
        | Page::Meal(_)
        | Page::PayChoose(_)
        | Page::PayFailed(_)
        | Page::OutOfService(_) => {}
    }
    told
}

/// Below zero where the View tells that nothing runs down.
fn forget(window: &MainWindow, view: &View) {
    match &view.page {
        Page::AtTerminal(terminal) if terminal.remaining_ms.is_none() => {
            TerminalAdapter::get(window).set_seconds(-1)
        }
        Page::PayUnknown(unknown) if unknown.next_ms.is_none() => UnknownAdapter::get(window).set_seconds(-1),
        Page::Done(done) if done.closes_ms.is_none() => DoneAdapter::get(window).set_seconds(-1),
        Page::Starting
        | Page::Attract(_)
        | Page::Claim(_)
        | Page::Service(_)
        | Page::Menu(_)
        | Page::Item(_)
        | Page::Meal(_)
        | Page::Cart(_)
        | Page::PayChoose(_)
        | Page::AtTerminal(_)
        | Page::PayFailed(_)
        | Page::PayUnknown(_)
        | Page::Done(_)
        | Page::OutOfService(_) => {}
    }
}

fn show_one(window: &MainWindow, kind: Kind, left: Duration, total: Duration) {
    let total = total.as_secs_f32().max(0.001);
    let seconds = left.as_secs_f32().ceil();
    let share = (seconds / total).min(1.0);
    match kind {
        Kind::Idle => {
            let page = OverlayAdapter::get(window);
            page.set_seconds(whole(seconds));
            page.set_share(share);
        }
        Kind::Undo => {
            let steps = (left.as_secs_f32() * UNDO_STEPS_PER_SECOND).ceil();
            CartAdapter::get(window).set_undo_share((steps / UNDO_STEPS_PER_SECOND / total).min(1.0));
        }
        Kind::Terminal => {
            let page = TerminalAdapter::get(window);
            page.set_seconds(whole(seconds));
            page.set_share(share);
        }
        Kind::Unknown => {
            let page = UnknownAdapter::get(window);
            page.set_seconds(whole(seconds));
            page.set_share(share);
        }
        Kind::Claim => {
            let page = ClaimAdapter::get(window);
            page.set_seconds(whole(seconds));
            page.set_share(share);
        }
        Kind::Done => {
            let page = DoneAdapter::get(window);
            page.set_seconds(whole(seconds));
            page.set_share(share);
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "seconds of a countdown; `as` saturates")]
fn whole(seconds: f32) -> i32 {
    seconds as i32
}
