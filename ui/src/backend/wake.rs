//! Waking the screen's thread from other threads, and running closures on it.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use nix::errno::Errno;
use nix::sys::eventfd::{EfdFlags, EventFd};
use slint::EventLoopError;
use slint::platform::EventLoopProxy;

/// Closures that may wait. The shell queues at most one and Slint's own wakers one per task, so a full queue means
/// that the thread hangs.
const MAX_CLOSURES: usize = 1024;

type Closure = Box<dyn FnOnce() + Send>;

/// The door into the screen's event loop. Clones lead into the same loop.
#[derive(Clone)]
pub(crate) struct LoopProxy {
    shared: Arc<Shared>,
}

struct Shared {
    event: EventFd,
    /// Wakes a loop that is not ours and does not look at `event`.
    also: Option<fn()>,
    closures: Mutex<VecDeque<Closure>>,
    quit: AtomicBool,
    ended: AtomicBool,
}

impl LoopProxy {
    /// A door whose loop does not run yet; closures wait for it. `also` is called at each wake-up, for a loop that
    /// cannot wait for a descriptor.
    pub(crate) fn new(also: Option<fn()>) -> Result<Self, Errno> {
        let event = EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?;
        let shared = Shared {
            event,
            also,
            closures: Mutex::default(),
            quit: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Ends the loop's sleep, or prevents its next one.
    pub(crate) fn wake(&self) {
        // The only failure is EAGAIN: the counter is at its end because the loop was woken 2^64 times already.
        self.shared.event.write(1).ok();
        if let Some(also) = self.shared.also {
            also();
        }
    }

    /// Runs a closure on the screen's thread.
    ///
    /// # Errors
    /// When the loop has ended, or does not move any more: then too many closures are waiting.
    pub(crate) fn invoke(&self, closure: Closure) -> Result<(), EventLoopError> {
        if self.shared.ended.load(Ordering::Acquire) {
            return Err(EventLoopError::EventLoopTerminated);
        }
        {
            let mut closures = self.shared.closures.lock().unwrap_or_else(PoisonError::into_inner);
            if closures.len() >= MAX_CLOSURES {
                return Err(EventLoopError::EventLoopTerminated);
            }
            closures.push_back(closure);
        }
        self.wake();
        Ok(())
    }

    /// Asks the loop to end.
    pub(crate) fn quit(&self) {
        self.shared.quit.store(true, Ordering::Release);
        self.wake();
    }

    pub(crate) fn is_quitting(&self) -> bool {
        self.shared.quit.load(Ordering::Acquire)
    }

    /// The loop has ended: what still waits is dropped.
    pub(crate) fn end(&self) {
        self.shared.ended.store(true, Ordering::Release);
        let waiting = self.take_closures();
        drop(waiting);
    }

    /// Readable when the loop was woken.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.shared.event.as_fd()
    }

    /// Forgets earlier wake-ups. Call it before looking at what they were about.
    pub(crate) fn clear(&self) {
        // EAGAIN: nobody woke the loop. That is as good.
        self.shared.event.read().ok();
    }

    /// What waits now; closures queued by these run in the next turn.
    pub(crate) fn take_closures(&self) -> VecDeque<Closure> {
        std::mem::take(&mut *self.shared.closures.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl EventLoopProxy for LoopProxy {
    fn quit_event_loop(&self) -> Result<(), EventLoopError> {
        self.quit();
        Ok(())
    }

    fn invoke_from_event_loop(&self, event: Closure) -> Result<(), EventLoopError> {
        self.invoke(event)
    }
}
