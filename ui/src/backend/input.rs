//! Input on its way to the pages: what can arrive, from where, and the bounded queue for sources on other threads.

use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::keys::Key;
use super::plugged::Plugged;

/// Inputs that may wait for the screen's thread. A finger makes at most some 200 events a second and the thread
/// takes all of them at least 60 times a second, so a full queue means that the thread hangs.
pub const QUEUE_LIMIT: usize = 256;

/// Who an input came from: a touch panel, a mirror session. Never reused within a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Origin(u64);

impl Origin {
    /// A fresh origin.
    #[must_use]
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl Default for Origin {
    fn default() -> Self {
        Self::new()
    }
}

/// One thing that happened at the screen.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// Who reports it.
    pub origin: Origin,
    /// A growing number that the frames confirm; `None` when the source does not ask.
    pub n: Option<u32>,
    /// What happened.
    pub event: InputEvent,
}

impl Input {
    /// The end of everything that the fingers of `origin` are doing.
    #[must_use]
    pub fn cancel(origin: Origin) -> Self {
        let event = InputEvent::Touch { contact: 0, phase: TouchPhase::Cancel, x: 0.0, y: 0.0 };
        Self { origin, n: None, event }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum InputEvent {
    /// A finger.
    Touch {
        /// Which one; the panel's slot or tracking id.
        contact: u32,
        /// What it does.
        phase: TouchPhase,
        /// Distance from the left edge in logical pixels, unrotated. Ignored for `Cancel`.
        x: f32,
        /// Distance from the top edge in logical pixels, unrotated. Ignored for `Cancel`.
        y: f32,
    },
    /// A key.
    Key {
        /// Which one.
        key: Key,
        /// What it does.
        action: KeyAction,
    },
}

/// What a finger does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TouchPhase {
    /// It touched the panel.
    Down,
    /// It moved.
    Move,
    /// It left the panel.
    Up,
    /// No finger of this origin may count: the panel was unplugged, events were lost, the person at the mirror left.
    Cancel,
}

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyAction {
    /// It went down, or repeats while it is held.
    Press,
    /// It came up.
    Release,
}

/// A source of input that the screen's thread reads. Lives on that thread.
pub trait PointerSource {
    /// A descriptor that is readable when [`PointerSource::drain`] has something to do. `None` for a source that
    /// wakes the thread by itself. A source that lost its device must stop returning the dead descriptor.
    fn poll_fd(&self) -> Option<BorrowedFd<'_>>;

    /// Moves everything that is there to `into`. Must not block.
    fn drain(&mut self, into: &mut Vec<Input>);

    /// Whether the devices that it reads are there; `None` for a source without devices.
    fn plugged(&self) -> Option<&Plugged> {
        None
    }
}

/// The writing end of the screen's input queue; cheap to clone, usable on any thread.
#[derive(Clone)]
pub struct InputSender {
    queue: Arc<Queue>,
}

/// The reading end, a [`PointerSource`].
pub(crate) struct InputQueue {
    queue: Arc<Queue>,
}

struct Queue {
    waiting: Mutex<Waiting>,
    wake: Box<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct Waiting {
    inputs: VecDeque<Input>,
    /// Origins that lost an input since the last time the queue was emptied.
    cut_off: Vec<Origin>,
}

/// The screen's thread does not take inputs any more: the queue is full.
#[derive(Debug, thiserror::Error)]
#[error("the screen has not taken {QUEUE_LIMIT} inputs")]
pub struct QueueFull;

/// A queue whose `wake` is called after each input.
pub(crate) fn input_queue(wake: impl Fn() + Send + Sync + 'static) -> (InputSender, InputQueue) {
    let queue = Arc::new(Queue { waiting: Mutex::default(), wake: Box::new(wake) });
    (InputSender { queue: Arc::clone(&queue) }, InputQueue { queue })
}

impl InputSender {
    /// Queues an input. A move replaces a waiting move of the same finger: only the newest place matters.
    ///
    /// # Errors
    /// When the queue is full. The fingers of this origin are then cancelled as soon as the screen's thread takes
    /// inputs again, so a lost `Up` cannot leave a button pressed.
    pub fn send(&self, input: Input) -> Result<(), QueueFull> {
        let result = self.queue.waiting().push(input);
        (self.queue.wake)();
        result
    }
}

impl PointerSource for InputQueue {
    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn drain(&mut self, into: &mut Vec<Input>) {
        let mut waiting = self.queue.waiting();
        into.extend(waiting.inputs.drain(..));
        into.extend(waiting.cut_off.drain(..).map(Input::cancel));
    }
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn push(&mut self, input: Input) -> Result<(), QueueFull> {
        if let Some(last) = self.inputs.back_mut()
            && is_newer_move(last, &input)
        {
            *last = input;
            return Ok(());
        }
        if self.inputs.len() < QUEUE_LIMIT {
            self.inputs.push_back(input);
            return Ok(());
        }
        if self.cut_off.len() < QUEUE_LIMIT && !self.cut_off.contains(&input.origin) {
            self.cut_off.push(input.origin);
        }
        Err(QueueFull)
    }
}

fn is_newer_move(old: &Input, new: &Input) -> bool {
    let moved = |input: &Input| match input.event {
        InputEvent::Touch { contact, phase: TouchPhase::Move, .. } => Some(contact),
        InputEvent::Touch { .. } | InputEvent::Key { .. } => None,
    };
    old.origin == new.origin && moved(old).is_some() && moved(old) == moved(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(origin: Origin, phase: TouchPhase, x: f32) -> Input {
        Input { origin, n: None, event: InputEvent::Touch { contact: 1, phase, x, y: 0.0 } }
    }

    #[test]
    fn only_the_newest_of_waiting_moves_is_kept() {
        let (sender, mut queue) = input_queue(|| ());
        let (finger, other) = (Origin::new(), Origin::new());
        let sent = [
            touch(finger, TouchPhase::Down, 0.0),
            touch(finger, TouchPhase::Move, 1.0),
            touch(finger, TouchPhase::Move, 2.0),
            touch(other, TouchPhase::Move, 3.0),
            touch(finger, TouchPhase::Up, 4.0),
        ];
        for input in sent.clone() {
            sender.send(input).unwrap();
        }
        let mut taken = Vec::new();
        queue.drain(&mut taken);
        let kept = [&sent[..1], &sent[2..]].concat();
        assert_eq!(taken, kept);
    }

    #[test]
    fn a_full_queue_refuses_and_cancels_the_contact_it_can_no_longer_follow() {
        let (sender, mut queue) = input_queue(|| ());
        let finger = Origin::new();
        for n in 0..QUEUE_LIMIT {
            let phase = if n % 2 == 0 { TouchPhase::Down } else { TouchPhase::Up };
            sender.send(touch(finger, phase, 0.0)).unwrap();
        }
        assert!(sender.send(touch(finger, TouchPhase::Down, 9.0)).is_err());
        let mut taken = Vec::new();
        queue.drain(&mut taken);
        assert_eq!(taken.len(), QUEUE_LIMIT + 1);
        assert_eq!(taken.pop(), Some(Input::cancel(finger)));
    }
}
