//! Bytes to and from one printer at the same time.
//!
//! Everything a printer may say can come while we are still writing, and a stuck printer says why only to those who
//! listen. So writing and reading advance together, one [`Step`] at a time, and every step is cancel-safe: what is
//! still to be written and what was read but not yet taken lives here, not in a future.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::codec::commands;
use super::codec::inbound::{Answer, Inbound};
use super::profile::StatusDialect;
use crate::link::{Link, LinkError};

/// Most bytes given to the link at once, so that progress is seen while a long picture goes out.
const WRITE_CHUNK: usize = 4 * 1024;
/// A status answer later than this is not ours any more.
const ANSWER_EXPIRES: Duration = Duration::from_secs(2);

/// A printer's link with what is on its way in both directions.
#[derive(Debug)]
pub(super) struct Session {
    link: Link,
    dialect: StatusDialect,
    inbound: Inbound,
    unread: VecDeque<u8>,
    outbox: Vec<u8>,
    written: usize,
    asked: VecDeque<Asked>,
    serial: u64,
    answered: u64,
    prefer_writing: bool,
}

/// An unanswered `DLE EOT n`.
#[derive(Clone, Copy, Debug)]
struct Asked {
    serial: u64,
    n: u8,
    at: Instant,
}

/// Something that happened on the link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The link took this many bytes of the outbox.
    Wrote(usize),
    /// The printer answered `DLE EOT n`.
    Status {
        /// Which status.
        n: u8,
        /// Its bits.
        byte: u8,
    },
    /// The printer said something else.
    Answer(Answer),
}

impl Session {
    pub(super) fn new(link: Link, dialect: StatusDialect) -> Self {
        Self {
            link,
            dialect,
            inbound: Inbound::default(),
            unread: VecDeque::new(),
            outbox: Vec::new(),
            written: 0,
            asked: VecDeque::new(),
            serial: 0,
            answered: 0,
            prefer_writing: false,
        }
    }

    pub(super) fn link(&self) -> &Link {
        &self.link
    }

    pub(super) fn garbage_bytes(&self) -> u64 {
        self.inbound.garbage_bytes()
    }

    /// Adds to what is to be written.
    pub(super) fn queue(&mut self, bytes: &[u8]) {
        self.outbox.extend_from_slice(bytes);
    }

    /// Bytes still to be written.
    pub(super) fn pending(&self) -> usize {
        self.outbox.len() - self.written
    }

    /// Bytes of the present outbox that the link took.
    pub(super) fn written(&self) -> usize {
        self.written
    }

    /// Forgets what is still to be written, and the count of what was.
    pub(super) fn clear_outbox(&mut self) {
        self.outbox.clear();
        self.written = 0;
    }

    /// Queues `DLE EOT n`; gives a number to ask [`Session::is_unanswered`] with.
    pub(super) fn ask(&mut self, n: u8) -> u64 {
        let now = Instant::now();
        self.asked.retain(|asked| now.duration_since(asked.at) < ANSWER_EXPIRES);
        self.serial += 1;
        self.asked.push_back(Asked { serial: self.serial, n, at: now });
        self.queue(&commands::real_time_status(n));
        self.serial
    }

    /// Whether the status request with this number still waits for its answer.
    pub(super) fn is_unanswered(&self, serial: u64) -> bool {
        self.asked.iter().any(|asked| asked.serial == serial)
    }

    /// Whether the status request with this number, or a later one, was answered.
    pub(super) fn was_answered(&self, serial: u64) -> bool {
        self.answered >= serial
    }

    /// The next thing that happens, or `None` at `until`. Cancel-safe.
    pub(super) async fn step(&mut self, until: Instant) -> Result<Option<Step>, LinkError> {
        loop {
            while let Some(byte) = self.unread.pop_front() {
                if let Some(step) = self.take(byte) {
                    return Ok(Some(step));
                }
            }
            match tokio::time::timeout_at(until, poll_fn(|cx| self.poll(cx))).await {
                Err(_) => return Ok(None),
                Ok(Err(error)) => return Err(error),
                Ok(Ok(Some(written))) => return Ok(Some(Step::Wrote(written))),
                Ok(Ok(None)) => {}
            }
        }
    }

    /// One byte from the printer.
    fn take(&mut self, byte: u8) -> Option<Step> {
        if self.dialect == StatusDialect::Hmk830
            && let Some(asked) = self.asked.pop_front()
        {
            // This dialect has no fixed bits to know a status byte by; it says nothing but what it was asked.
            self.answered = asked.serial;
            return Some(Step::Status { n: asked.n, byte });
        }
        match self.inbound.push(byte)? {
            Answer::RealTime(byte) => {
                let now = Instant::now();
                self.asked.retain(|asked| now.duration_since(asked.at) < ANSWER_EXPIRES);
                let asked = self.asked.pop_front()?;
                self.answered = asked.serial;
                Some(Step::Status { n: asked.n, byte })
            }
            answer => Some(Step::Answer(answer)),
        }
    }

    /// Writes or reads, in turns so that neither direction starves: bytes written, or `None` after reading.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<usize>, LinkError>> {
        self.prefer_writing = !self.prefer_writing;
        let first = if self.prefer_writing { self.poll_write(cx) } else { self.poll_read(cx) };
        if first.is_ready() {
            return first;
        }
        if self.prefer_writing { self.poll_read(cx) } else { self.poll_write(cx) }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<usize>, LinkError>> {
        if self.pending() == 0 {
            return Poll::Pending;
        }
        let end = self.outbox.len().min(self.written + WRITE_CHUNK);
        let polled = Pin::new(&mut self.link).poll_write(cx, &self.outbox[self.written..end]);
        polled.map(|result| match result {
            Ok(0) => Err(self.link.closed()),
            Ok(n) => {
                self.written += n;
                Ok(Some(n))
            }
            Err(source) => Err(self.link.write_error(self.written, source)),
        })
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<usize>, LinkError>> {
        let mut bytes = [0; 256];
        let mut buffer = ReadBuf::new(&mut bytes);
        Pin::new(&mut self.link).poll_read(cx, &mut buffer).map(|result| match result {
            Ok(()) if buffer.filled().is_empty() => Err(self.link.closed()),
            Ok(()) => {
                self.unread.extend(buffer.filled());
                Ok(None)
            }
            Err(source) => Err(self.link.read_error(source)),
        })
    }
}
