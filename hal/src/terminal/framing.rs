//! Messages in, bytes out and the other way round, without I/O.
//!
//! Over TCP a message is its own frame, and noise in front of it (some terminals greet with a banner) is skipped.
//! On a serial line each frame is checked, answered by the link itself and repeated when the answer is missing; that
//! answer also tells when a message has been delivered.

mod check;
mod serial;
mod stream;

use std::time::Duration;

use super::codec::apdu::Apdu;
use super::profile::{Framing, Timers};

/// A moment, counted from any start that stays the same for one session.
pub(crate) type At = Duration;

/// Names a message that was handed over for sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

/// What comes out of the framing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Inbound {
    /// A message arrived.
    Message(Apdu),
    /// The other side has this message, or nobody can know more (TCP).
    Delivered(Ticket),
    /// The line answers nothing or refuses every repetition.
    LineFault,
}

/// One connection's framing.
pub(crate) enum Framer {
    /// TCP.
    Stream(stream::StreamFramer),
    /// Serial line.
    Serial(serial::SerialFramer),
}

impl Framer {
    /// The framing for a fresh connection.
    pub(crate) fn new(framing: Framing, timers: &Timers) -> Self {
        match framing {
            Framing::Stream => Self::Stream(stream::StreamFramer::new(false, timers)),
            Framing::LengthPrefixed => Self::Stream(stream::StreamFramer::new(true, timers)),
            Framing::SerialCrc => Self::Serial(serial::SerialFramer::new(check::Check::Crc, timers)),
            Framing::SerialLrc => Self::Serial(serial::SerialFramer::new(check::Check::Lrc, timers)),
        }
    }

    /// Queues a message.
    pub(crate) fn send(&mut self, at: At, message: &Apdu) -> Ticket {
        match self {
            Self::Stream(framer) => framer.send(message),
            Self::Serial(framer) => framer.send(at, message),
        }
    }

    /// The other side answered what is on its way, so it has it, even if the link's own answer was lost.
    pub(crate) fn answered(&mut self, at: At) {
        match self {
            Self::Stream(_) => {}
            Self::Serial(framer) => framer.answered(at),
        }
    }

    /// Takes bytes from the link.
    pub(crate) fn on_bytes(&mut self, at: At, bytes: &[u8]) {
        match self {
            Self::Stream(framer) => framer.on_bytes(at, bytes),
            Self::Serial(framer) => framer.on_bytes(at, bytes),
        }
    }

    /// What arrived.
    pub(crate) fn next(&mut self) -> Option<Inbound> {
        match self {
            Self::Stream(framer) => framer.next(),
            Self::Serial(framer) => framer.next(),
        }
    }

    /// When [`Framer::on_deadline`] wants to be called.
    pub(crate) fn deadline(&self) -> Option<At> {
        match self {
            Self::Stream(framer) => framer.deadline(),
            Self::Serial(framer) => framer.deadline(),
        }
    }

    /// Acts on every deadline that has passed.
    pub(crate) fn on_deadline(&mut self, at: At) {
        match self {
            Self::Stream(framer) => framer.on_deadline(at),
            Self::Serial(framer) => framer.on_deadline(at),
        }
    }

    /// Bytes to write.
    pub(crate) fn output(&self) -> &[u8] {
        match self {
            Self::Stream(framer) => framer.output(),
            Self::Serial(framer) => framer.output(),
        }
    }

    /// So many of them were written.
    pub(crate) fn written(&mut self, count: usize) {
        match self {
            Self::Stream(framer) => framer.written(count),
            Self::Serial(framer) => framer.written(count),
        }
    }

    /// How much may have been lost so far: whoever compares two readings knows whether a message can have got lost
    /// in between. On a stream every senseless byte may be a piece of one; a serial line repeats what was broken.
    pub(crate) fn losses(&self) -> u64 {
        match self {
            Self::Stream(framer) => framer.garbage_bytes(),
            Self::Serial(framer) => framer.unread_frames(),
        }
    }

    /// Bytes that made no sense since the connection began. They are counted and never kept: they may hold anything.
    pub(crate) fn garbage_bytes(&self) -> u64 {
        match self {
            Self::Stream(framer) => framer.garbage_bytes(),
            Self::Serial(framer) => framer.garbage_bytes(),
        }
    }
}

#[cfg(test)]
mod tests;
