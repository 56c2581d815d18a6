//! The display of the machine, driven through the kernel's display controller without any other program between.
//!
//! ```text
//!  no display ──found──► shows black ──► current ──changed──► flip under way ──arrived──► current
//!      ▲                                    │                      │ 100 ms
//!      └── gone, or three flips lost ───────┴──────────────────────┴──► set anew
//! ```
//! Pages are drawn into the shadow buffer whether there is a display or not, so mirror and screenshots live on without
//! one, and a display that comes later shows them at once.

mod blit;
mod flips;
mod output;

use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::time::Duration;

use super::display::Display;
use super::hub::Frame;
use super::pixel::Xrgb8888;
use super::plugged::Plugged;
use super::region::Rect;
use super::rotation::Rotation;
use blit::Picture;
use flips::Flips;
use output::{Output, OutputError};

/// Pause before a display is looked for again: doubled up to a limit.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(8);

/// How often it is looked whether the display is still plugged in.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// So many lost flips in a row, and the display counts as gone.
const LOST_MAX: u32 = 3;

/// Which display, and how it hangs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DisplayOptions {
    /// Its node, for example `/dev/dri/card0`; none: the first one with a display.
    pub node: Option<PathBuf>,
    /// How far the picture has to be turned.
    pub rotation: Rotation,
}

/// See the module's description.
pub(crate) struct Kms {
    options: DisplayOptions,
    /// Width and height of the picture in pixels.
    size: (u16, u16),
    state: State,
    plugged: Plugged,
}

enum State {
    Without { retry_at: Duration, pause: Duration },
    With(Box<Driven>),
}

struct Driven {
    output: Output,
    flips: Flips,
    look_at: Duration,
    lost: u32,
}

impl Kms {
    pub(crate) fn new(options: DisplayOptions, size: (u16, u16)) -> Self {
        let state = State::Without { retry_at: Duration::ZERO, pause: PAUSE };
        Self { options, size, state, plugged: Plugged::absent("not looked for yet") }
    }

    fn whole(&self) -> Rect {
        Rect { x: 0, y: 0, w: self.size.0, h: self.size.1 }
    }

    /// Looks for a display.
    fn find(&mut self, now: Duration) {
        let State::Without { retry_at, pause } = &mut self.state else { return };
        let wanted = self.options.rotation.size(self.size);
        match Output::open(self.options.node.as_deref(), wanted) {
            Ok(output) => {
                let what = output.describe();
                if output.size() == wanted {
                    tracing::info!(what, "the display is there");
                } else {
                    tracing::warn!(what, ?wanted, "the display has no mode of the size of the pages");
                }
                self.plugged = Plugged::there(what);
                let flips = Flips::new(self.whole());
                let driven = Driven { output, flips, look_at: now + LOOK_INTERVAL, lost: 0 };
                self.state = State::With(Box::new(driven));
            }
            Err(error) => {
                *retry_at = now + *pause;
                *pause = (*pause * 2).min(PAUSE_MAX);
                // Told once, not every few seconds for as long as nobody plugs one in.
                let absent = Plugged::absent(why(&error));
                if self.plugged != absent {
                    tracing::warn!(why = absent.what, "there is no display");
                    self.plugged = absent;
                }
            }
        }
    }

    fn gone(&mut self, now: Duration, why: &str) {
        tracing::warn!(why, "the display is gone");
        self.plugged = Plugged::absent(why);
        self.state = State::Without { retry_at: now + PAUSE, pause: PAUSE };
    }
}

fn why(error: &OutputError) -> String {
    match error {
        OutputError::Refused { source, .. } => format!("{error}: {source}"),
        OutputError::NoDevice | OutputError::NoDisplay(_) => error.to_string(),
    }
}

impl Driven {
    /// Brings the display up to date. Says why the display is of no use any more.
    fn service(&mut self, now: Duration, picture: &Picture<'_>, whole: Rect) -> Result<(), String> {
        let told = |doing: &str, error: &std::io::Error| format!("it refused to {doing}: {error}");
        for _ in 0..self.output.arrivals().map_err(|error| told("tell", &error))? {
            self.flips.arrived();
            self.lost = 0;
        }
        if self.flips.deadline().is_some_and(|deadline| now >= deadline) {
            self.lost += 1;
            if self.lost >= LOST_MAX {
                return Err(format!("{LOST_MAX} frames in a row never arrived"));
            }
            tracing::warn!(lost = self.lost, "a frame never arrived at the display");
            self.flips.lost(whole);
            self.output.show(self.flips.shown()).map_err(|error| told("show a picture", &error))?;
        }
        if now >= self.look_at {
            self.look_at = now + LOOK_INTERVAL;
            if !self.output.is_connected() {
                return Err("it was unplugged".to_owned());
            }
        }
        if let Some((buffer, stale)) = self.flips.next() {
            blit::copy(picture, &stale, &mut self.output.target(buffer));
            match self.output.flip(buffer) {
                Ok(()) => self.flips.begun(now),
                Err(error) => {
                    self.flips.refused(whole);
                    return Err(told("flip", &error));
                }
            }
        }
        Ok(())
    }

    fn next_look(&self) -> Duration {
        self.flips.deadline().map_or(self.look_at, |deadline| deadline.min(self.look_at))
    }
}

impl Display for Kms {
    fn present(&mut self, frame: &Frame<'_>) {
        if let State::With(driven) = &mut self.state {
            driven.flips.damage(frame.dirty);
        }
    }

    fn plugged(&self) -> &Plugged {
        &self.plugged
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        match &self.state {
            State::With(driven) => Some(driven.output.fd()),
            State::Without { .. } => None,
        }
    }

    fn service(&mut self, now: Duration, pixels: &[Xrgb8888]) -> Duration {
        if matches!(self.state, State::Without { retry_at, .. } if now >= retry_at) {
            self.find(now);
        }
        let whole = self.whole();
        let picture = Picture { pixels, size: self.size, rotation: self.options.rotation };
        let next = match &mut self.state {
            State::Without { retry_at, .. } => return *retry_at,
            State::With(driven) => driven.service(now, &picture, whole).map(|()| driven.next_look()),
        };
        next.unwrap_or_else(|why| {
            self.gone(now, &why);
            now + PAUSE
        })
    }
}
