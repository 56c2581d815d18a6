//! The gate between raw input and the pages: decides which inputs reach Slint, and as what.
//!
//! ```text
//!            Down, inside, guard over          Up: Released + Exited
//!   Free ───────────────────────────► Pressing ─────────────────────► Free
//!     │                                  │ page changes: Exited         ▲
//!     │ Down, outside or guarded         ▼                              │ Up, Cancel
//!     └──────────────────────────────► Swallowed ───────────────────────┘
//! ```
//! Only the first finger counts; others are ignored until it lifts. A press that began on one page never ends on
//! another. What a mis-programmed scanner types goes nowhere unless a text field has the focus.

use std::time::Duration;

use slint::LogicalPosition;
use slint::platform::{PointerEventButton, WindowEvent};

use super::input::{Input, InputEvent, KeyAction, Origin, TouchPhase};
use super::keys::{Key, NamedKey};

/// Presses this soon after a page change were meant for the page before: nobody reads and aims that fast.
pub const PAGE_GUARD: Duration = Duration::from_millis(150);
/// Activity is reported at most this often: the core only resets its idle time with it.
pub const ACTIVITY_INTERVAL: Duration = Duration::from_secs(1);
/// A scanner that types ends with Enter or Tab within a few milliseconds; a person needs longer than this to move
/// from a character key to Enter.
const SCANNER_SUFFIX: Duration = Duration::from_millis(100);
/// Keys held at once; a keypad has fewer, a cat on a keyboard may have more.
const MAX_HELD_KEYS: usize = 16;

/// What the gate made of one input.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Verdict {
    /// To be dispatched to the window, in this order.
    pub events: Vec<WindowEvent>,
    /// A person did something; at most one in [`ACTIVITY_INTERVAL`].
    pub activity: bool,
}

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Gate {
    width: f32,
    height: f32,
    finger: Finger,
    page: Option<String>,
    guard_until: Duration,
    last_activity: Option<Duration>,
    last_stray_char: Option<Duration>,
    held_keys: Vec<Key>,
}

/// The finger that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finger {
    /// None is down.
    Free,
    /// It presses something on the page.
    Pressing(Contact),
    /// It is down, but the page does not know.
    Swallowed(Contact),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Contact {
    origin: Origin,
    id: u32,
}

impl Gate {
    /// A gate for a window of this logical size.
    pub(crate) fn new((width, height): (f32, f32)) -> Self {
        Self {
            width,
            height,
            finger: Finger::Free,
            page: None,
            guard_until: Duration::ZERO,
            last_activity: None,
            last_stray_char: None,
            held_keys: Vec::new(),
        }
    }

    /// Judges an input. `wants_text`: a text field has the focus.
    pub(crate) fn judge(&mut self, now: Duration, input: &Input, wants_text: bool) -> Verdict {
        match input.event {
            InputEvent::Touch { contact, phase, x, y } => {
                let contact = Contact { origin: input.origin, id: contact };
                self.judge_touch(now, contact, phase, (x, y))
            }
            InputEvent::Key { key, action: KeyAction::Press } => self.judge_key_press(now, key, wants_text),
            InputEvent::Key { key, action: KeyAction::Release } => self.judge_key_release(key),
        }
    }

    /// Another page may be shown: if it is another one, presses are held off for [`PAGE_GUARD`] and a press that is
    /// going on is cancelled with the returned event.
    pub(crate) fn page_shown(&mut self, now: Duration, id: &str) -> Option<WindowEvent> {
        if self.page.as_deref() == Some(id) {
            return None;
        }
        if self.page.replace(id.to_owned()).is_some() {
            self.guard_until = now + PAGE_GUARD;
        }
        let Finger::Pressing(contact) = self.finger else { return None };
        self.finger = Finger::Swallowed(contact);
        Some(WindowEvent::PointerExited)
    }

    /// Since when presses reach the page.
    pub(crate) fn open_from(&self) -> Duration {
        self.guard_until
    }

    fn judge_touch(
        &mut self,
        now: Duration,
        contact: Contact,
        phase: TouchPhase,
        (x, y): (f32, f32),
    ) -> Verdict {
        if phase == TouchPhase::Cancel {
            return Verdict { events: self.cancel(contact.origin), activity: false };
        }
        if !(x.is_finite() && y.is_finite()) {
            return Verdict::default();
        }
        let inside = (0.0..self.width).contains(&x) && (0.0..self.height).contains(&y);
        // A finger that slid off the edge still ends its press; the page gets the nearest place.
        let position = LogicalPosition::new(x.clamp(0.0, self.width), y.clamp(0.0, self.height));
        match phase {
            TouchPhase::Down => self.finger_down(now, contact, inside.then_some(position)),
            TouchPhase::Move => self.finger_moved(now, contact, position),
            TouchPhase::Up => Verdict { events: self.finger_up(contact, position), activity: false },
            TouchPhase::Cancel => unreachable!("returned above"),
        }
    }

    fn finger_down(&mut self, now: Duration, contact: Contact, inside: Option<LogicalPosition>) -> Verdict {
        let mut events = Vec::new();
        match self.finger {
            Finger::Free => (),
            // The panel lost the lift: the same finger cannot come down twice.
            Finger::Pressing(old) if old == contact => events.push(WindowEvent::PointerExited),
            Finger::Swallowed(old) if old == contact => (),
            Finger::Pressing(_) | Finger::Swallowed(_) => return Verdict::default(),
        }
        let Some(position) = inside else {
            self.finger = Finger::Swallowed(contact);
            return Verdict { events, activity: false };
        };
        if now < self.guard_until {
            self.finger = Finger::Swallowed(contact);
        } else {
            self.finger = Finger::Pressing(contact);
            events.push(WindowEvent::PointerPressed { position, button: PointerEventButton::Left });
        }
        Verdict { events, activity: self.is_activity(now) }
    }

    fn finger_moved(&mut self, now: Duration, contact: Contact, position: LogicalPosition) -> Verdict {
        if self.finger != Finger::Pressing(contact) {
            return Verdict::default();
        }
        Verdict { events: vec![WindowEvent::PointerMoved { position }], activity: self.is_activity(now) }
    }

    fn finger_up(&mut self, contact: Contact, position: LogicalPosition) -> Vec<WindowEvent> {
        match self.finger {
            Finger::Pressing(down) if down == contact => {
                self.finger = Finger::Free;
                let button = PointerEventButton::Left;
                // Without the exit the place under the lifted finger would look hovered for ever.
                vec![WindowEvent::PointerReleased { position, button }, WindowEvent::PointerExited]
            }
            Finger::Swallowed(down) if down == contact => {
                self.finger = Finger::Free;
                Vec::new()
            }
            Finger::Free | Finger::Pressing(_) | Finger::Swallowed(_) => Vec::new(),
        }
    }

    fn cancel(&mut self, origin: Origin) -> Vec<WindowEvent> {
        match self.finger {
            Finger::Pressing(contact) if contact.origin == origin => {
                self.finger = Finger::Free;
                vec![WindowEvent::PointerExited]
            }
            Finger::Swallowed(contact) if contact.origin == origin => {
                self.finger = Finger::Free;
                Vec::new()
            }
            Finger::Free | Finger::Pressing(_) | Finger::Swallowed(_) => Vec::new(),
        }
    }

    fn judge_key_press(&mut self, now: Duration, key: Key, wants_text: bool) -> Verdict {
        if !wants_text && self.is_stray_key(now, key) {
            return Verdict::default();
        }
        let text = key.to_slint();
        let event = if self.held_keys.contains(&key) {
            WindowEvent::KeyPressRepeated { text }
        } else if self.held_keys.len() < MAX_HELD_KEYS {
            self.held_keys.push(key);
            WindowEvent::KeyPressed { text }
        } else {
            return Verdict::default();
        };
        Verdict { events: vec![event], activity: self.is_activity(now) }
    }

    /// Text without a field that takes it, the end mark of such text, and keys struck during a page change.
    fn is_stray_key(&mut self, now: Duration, key: Key) -> bool {
        match key {
            // Space presses the focused button, unless it is part of what a scanner types.
            Key::Char(' ') => now < self.guard_until || self.follows_stray_char(now),
            Key::Char(_) => {
                self.last_stray_char = Some(now);
                true
            }
            Key::Named(NamedKey::Enter | NamedKey::Tab) if self.follows_stray_char(now) => true,
            Key::Named(_) => now < self.guard_until,
        }
    }

    fn follows_stray_char(&self, now: Duration) -> bool {
        self.last_stray_char.is_some_and(|at| now.saturating_sub(at) < SCANNER_SUFFIX)
    }

    fn judge_key_release(&mut self, key: Key) -> Verdict {
        let held = self.held_keys.iter().position(|held| *held == key);
        let events =
            held.map(|at| WindowEvent::KeyReleased { text: self.held_keys.swap_remove(at).to_slint() });
        Verdict { events: events.into_iter().collect(), activity: false }
    }

    /// True if something that a person did now is to be reported.
    pub(crate) fn is_activity(&mut self, now: Duration) -> bool {
        let due = self.last_activity.is_none_or(|last| now.saturating_sub(last) >= ACTIVITY_INTERVAL);
        if due {
            self.last_activity = Some(now);
        }
        due
    }
}

#[cfg(test)]
#[path = "gate/tests.rs"]
mod tests;
