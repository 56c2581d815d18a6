//! Between messages and bytes: the framing of the port, link answers and repeats, and how bytes are dealt out.

use std::collections::VecDeque;
use std::time::Duration;

use super::apdu::{Apdu, LengthForm, Split};
use super::faults::{Fault, Faults};
use super::framing::{Checksum, Decoder, LinkAnswer, Received};

/// T2: how long a frame waits for its link answer.
const T2: Duration = Duration::from_secs(5);
/// A frame is sent so often before the line counts as dead.
const TRIES_MAX: u32 = 3;
/// A pause within a frame ends it. T1 is 0.2 s on a real line; a pseudo terminal's writer can be kept waiting longer.
const FRAME_PAUSE_MAX: Duration = Duration::from_secs(1);
/// `split-bytes` sends one byte at a time with this pause.
const SPLIT_PAUSE: Duration = Duration::from_millis(2);
/// What the till may leave unread; beyond it the oldest frames wait in the queue.
const QUEUE_MAX: usize = 256;

/// How messages travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Framing {
    /// One message after the other, as over TCP.
    Stream,
    /// Two bytes of length, high byte first, before each message; an option of some network terminals.
    LengthPrefixed,
    /// Serial with CRC.
    Crc,
    /// Serial with LRC, an option of some terminals.
    Lrc,
}

impl Framing {
    fn checksum(self) -> Option<Checksum> {
        match self {
            Self::Stream | Self::LengthPrefixed => None,
            Self::Crc => Some(Checksum::Crc),
            Self::Lrc => Some(Checksum::Lrc),
        }
    }

    /// Whether frames are answered on the link.
    pub fn is_serial(self) -> bool {
        self.checksum().is_some()
    }
}

/// How one message is sent.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub length: LengthForm,
    /// The end is missing and never comes.
    pub truncated: bool,
}

impl Shape {
    pub const PLAIN: Self = Self { length: LengthForm::Shortest, truncated: false };
}

/// The line of one connection.
#[derive(Debug)]
pub struct Channel {
    framing: Framing,
    decoder: Option<Decoder>,
    inbound: Vec<u8>,
    /// When the last byte came.
    heard_at: Duration,
    /// Frames that wait for the one before them.
    queue: VecDeque<Vec<u8>>,
    flight: Option<Flight>,
    outbound: VecDeque<u8>,
    /// Bytes are dealt out one by one.
    pub split: bool,
    next_byte_at: Duration,
    /// Frames are written without waiting for link answers, and together.
    corked: Option<Vec<u8>>,
    failed: bool,
}

/// A frame that waits for its link answer.
#[derive(Debug)]
struct Flight {
    frame: Vec<u8>,
    tries: u32,
    until: Duration,
}

impl Channel {
    pub fn new(framing: Framing) -> Self {
        Self {
            framing,
            decoder: framing.checksum().map(Decoder::new),
            inbound: Vec::new(),
            heard_at: Duration::ZERO,
            queue: VecDeque::new(),
            flight: None,
            outbound: VecDeque::new(),
            split: false,
            next_byte_at: Duration::ZERO,
            corked: None,
            failed: false,
        }
    }

    /// A new connection: what was on the way is gone.
    pub fn reset(&mut self) {
        *self = Self::new(self.framing);
    }

    /// Bytes that belong to no message, at once.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.outbound.extend(bytes);
    }

    pub fn send(&mut self, message: &Apdu, shape: Shape) {
        let mut bytes = message.encode(shape.length);
        if shape.truncated {
            bytes.truncate(bytes.len() / 2);
        }
        let frame = match self.framing {
            Framing::Stream => bytes,
            Framing::LengthPrefixed => {
                let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
                [length.to_be_bytes().as_slice(), &bytes].concat()
            }
            Framing::Crc => Checksum::Crc.frame(&bytes),
            Framing::Lrc => Checksum::Lrc.frame(&bytes),
        };
        if let Some(corked) = &mut self.corked {
            corked.extend(frame);
        } else if !self.framing.is_serial() {
            self.outbound.extend(frame);
        } else if self.queue.len() < QUEUE_MAX {
            self.queue.push_back(frame);
        }
    }

    /// From now on messages are collected.
    pub fn cork(&mut self) {
        self.corked.get_or_insert_default();
    }

    /// What was collected goes out in one piece.
    pub fn uncork(&mut self) {
        self.outbound.extend(self.corked.take().unwrap_or_default());
    }

    /// Bytes from the till; the messages among them.
    pub fn receive(&mut self, now: Duration, bytes: &[u8], faults: &mut Faults) -> Vec<Apdu> {
        let paused = now.saturating_sub(self.heard_at) > FRAME_PAUSE_MAX;
        self.heard_at = now;
        let Some(mut decoder) = self.decoder.take() else {
            self.inbound.extend(bytes);
            return self.split_messages();
        };
        if paused && decoder.in_frame() {
            decoder.reset();
        }
        let mut messages = Vec::new();
        for received in bytes.iter().filter_map(|byte| decoder.push(*byte)) {
            messages.extend(self.handle(now, received, faults));
        }
        self.decoder = Some(decoder);
        messages
    }

    fn split_messages(&mut self) -> Vec<Apdu> {
        let prefix = if self.framing == Framing::LengthPrefixed { 2 } else { 0 };
        let mut messages = Vec::new();
        while let Split::Message(message, count) =
            Apdu::split_off(self.inbound.get(prefix..).unwrap_or_default())
        {
            self.inbound.drain(..prefix + count);
            messages.push(message);
        }
        messages
    }

    fn handle(&mut self, now: Duration, received: Received, faults: &mut Faults) -> Option<Apdu> {
        match received {
            Received::Answer(LinkAnswer::Ack) => {
                self.flight = None;
                None
            }
            Received::Answer(LinkAnswer::Nak) => {
                if let Some(flight) = &mut self.flight {
                    flight.until = now;
                }
                None
            }
            Received::Damaged => {
                self.answer(LinkAnswer::Nak);
                None
            }
            Received::Message(_) if faults.strike(Fault::Nak) => {
                self.answer(LinkAnswer::Nak);
                None
            }
            Received::Message(bytes) => {
                self.answer(LinkAnswer::Ack);
                match Apdu::split_off(&bytes) {
                    Split::Message(message, count) if count == bytes.len() => Some(message),
                    // The line says it is right and it is no message: nothing to answer.
                    Split::Message(..) | Split::Incomplete => None,
                }
            }
        }
    }

    fn answer(&mut self, answer: LinkAnswer) {
        if let Some(checksum) = self.framing.checksum() {
            let bytes = checksum.answer(answer);
            self.outbound.extend(bytes);
        }
    }

    /// Sends what is due, again if need be; the next deadline.
    pub fn advance(&mut self, now: Duration, faults: &mut Faults) -> Option<Duration> {
        if let Some(flight) = &mut self.flight
            && flight.until <= now
        {
            if flight.tries == TRIES_MAX {
                self.failed = true;
                self.flight = None;
                self.queue.clear();
            } else {
                flight.tries += 1;
                flight.until = now + T2;
                self.outbound.extend(&flight.frame);
            }
        }
        if self.flight.is_none()
            && let Some(frame) = self.queue.pop_front()
        {
            let mut bytes = frame.clone();
            if faults.strike(Fault::BadCrc)
                && let Some(last) = bytes.last_mut()
            {
                *last ^= 0xFF;
            }
            self.outbound.extend(bytes);
            self.flight = Some(Flight { frame, tries: 1, until: now + T2 });
        }
        let split = Some(self.next_byte_at).filter(|_| self.split && !self.outbound.is_empty());
        self.flight.as_ref().map(|flight| flight.until).into_iter().chain(split).min()
    }

    /// What to write now.
    pub fn take_output(&mut self, now: Duration) -> Vec<u8> {
        if !self.split {
            return self.outbound.drain(..).collect();
        }
        if now < self.next_byte_at {
            return Vec::new();
        }
        self.next_byte_at = now + SPLIT_PAUSE;
        self.outbound.pop_front().into_iter().collect()
    }

    /// Whether everything has reached the other side, as far as the link can tell.
    pub fn is_drained(&self) -> bool {
        self.outbound.is_empty() && self.flight.is_none() && self.queue.is_empty() && self.corked.is_none()
    }

    /// Everything that waits here, in bytes.
    #[cfg(test)]
    pub fn held_bytes(&self) -> usize {
        let queued: usize = self.queue.iter().map(Vec::len).sum();
        self.inbound.len() + self.outbound.len() + queued + self.corked.as_ref().map_or(0, Vec::len)
    }

    /// Whether the till has stopped answering on the link since the last question.
    pub fn take_failure(&mut self) -> bool {
        std::mem::take(&mut self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::faults::Times;

    const ACK: Apdu = Apdu { class: 0x80, instruction: 0x00, data: Vec::new() };

    /// A channel with its faults, driven as the engine drives it.
    struct Line {
        channel: Channel,
        faults: Faults,
        now: Duration,
    }

    impl Line {
        fn new(framing: Framing) -> Self {
            Self { channel: Channel::new(framing), faults: Faults::default(), now: Duration::ZERO }
        }

        fn armed(fault: Fault) -> Self {
            let mut line = Self::new(Framing::Crc);
            line.faults.arm(fault, Times::Count(1));
            line
        }

        fn receive(&mut self, bytes: &[u8]) -> Vec<Apdu> {
            self.channel.receive(self.now, bytes, &mut self.faults)
        }

        fn advance(&mut self) -> Option<Duration> {
            self.channel.advance(self.now, &mut self.faults)
        }

        fn output(&mut self) -> Vec<u8> {
            self.advance();
            self.channel.take_output(self.now)
        }
    }

    #[test]
    fn a_frame_is_repeated_until_it_is_acknowledged_and_the_next_one_waits() {
        let frame = Checksum::Crc.frame(&[0x80, 0, 0]);
        let mut line = Line::new(Framing::Crc);
        line.channel.send(&ACK, Shape::PLAIN);
        line.channel.send(&Apdu::new(0x06, 0x0F, []), Shape::PLAIN);
        assert_eq!(line.output(), frame);
        assert_eq!(line.advance(), Some(T2));
        line.now = Duration::from_secs(1);
        line.receive(&[0x15]);
        assert_eq!(line.output(), frame, "repeated at once after a refusal");
        line.receive(&[0x06]);
        assert_eq!(line.output(), Checksum::Crc.frame(&[0x06, 0x0F, 0]));
    }

    #[test]
    fn a_line_without_link_answers_counts_as_dead_after_three_tries() {
        let mut line = Line::new(Framing::Crc);
        line.channel.send(&ACK, Shape::PLAIN);
        let mut tries = 0;
        while let Some(deadline) = line.advance() {
            assert!(!line.channel.take_failure());
            tries += u32::from(!line.output().is_empty());
            line.now = deadline;
        }
        assert_eq!((tries, line.now), (TRIES_MAX, T2 * TRIES_MAX));
        assert!(line.channel.take_failure());
    }

    #[test]
    fn a_damaged_frame_of_ours_is_whole_when_repeated() {
        let mut line = Line::armed(Fault::BadCrc);
        line.channel.send(&ACK, Shape::PLAIN);
        let right = Checksum::Crc.frame(&[0x80, 0, 0]);
        let damaged = line.output();
        assert_eq!(damaged.len(), right.len());
        assert_ne!(damaged, right);
        line.receive(&[0x15]);
        assert_eq!(line.output(), right);
    }

    #[test]
    fn refused_frames_of_the_till_are_not_read() {
        let mut line = Line::armed(Fault::Nak);
        let frame = Checksum::Crc.frame(&[0x06, 0xB0, 0]);
        assert_eq!(line.receive(&frame), []);
        assert_eq!(line.receive(&frame), [Apdu::new(0x06, 0xB0, [])]);
        assert_eq!(line.output(), [0x15, 0x06]);
    }

    #[test]
    fn a_frame_that_stops_half_way_does_not_swallow_the_next() {
        let mut line = Line::new(Framing::Crc);
        let frame = Checksum::Crc.frame(&[0x06, 0xB0, 0]);
        line.receive(&frame[..4]);
        line.now = Duration::from_secs(2);
        assert_eq!(line.receive(&frame), [Apdu::new(0x06, 0xB0, [])]);
    }

    #[test]
    fn the_length_prefix_is_written_and_read_high_byte_first() {
        let mut line = Line::new(Framing::LengthPrefixed);
        line.channel.send(&ACK, Shape::PLAIN);
        assert_eq!(line.output(), [0, 3, 0x80, 0, 0]);
        assert_eq!(line.receive(&[0, 3, 0x06]), []);
        assert_eq!(line.receive(&[0xB0, 0, 0]), [Apdu::new(0x06, 0xB0, [])]);
        assert_eq!(line.receive(&[3, 0x80, 0, 0]), [ACK]);
    }

    #[test]
    fn split_bytes_come_one_at_a_time() {
        let mut line = Line::new(Framing::Stream);
        line.channel.split = true;
        line.channel.send(&ACK, Shape::PLAIN);
        let mut seen = Vec::new();
        while let Some(deadline) = line.advance() {
            line.now = deadline;
            let bytes = line.channel.take_output(line.now);
            assert_eq!(bytes.len(), 1);
            seen.extend(bytes);
        }
        assert_eq!((seen, line.now), (vec![0x80, 0, 0], SPLIT_PAUSE * 2));
    }
}
