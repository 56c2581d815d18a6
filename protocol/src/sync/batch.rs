//! A run of events of one epoch.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::event::{BODY_MAX, Envelope, Hash};
use crate::text::{Hex16, Hex32, Id};
use crate::topic::KioskId;

/// Most events of one batch.
pub const BATCH_EVENTS_MAX: usize = 1000;

/// Most bytes of one batch, encoded. Brokers take more; a kiosk's line and the fleet's memory should not
/// have to.
pub const BATCH_BYTES_MAX: usize = 256 * 1024;

/// Longest name of a kind.
const KIND_MAX: usize = 64;

/// What an event has besides its body, at most, when encoded.
const EVENT_OVERHEAD: usize = 400;

/// What a batch has besides its events, at most, when encoded.
const BATCH_OVERHEAD: usize = 400;

/// A run of events of one epoch, without gaps.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Batch")]
pub struct Batch {
    /// Format; 1.
    pub v: u32,
    /// Names this batch in its acknowledgement. UUID.
    pub b: Id,
    /// Epoch of all its events.
    pub ep: u64,
    /// Sequence number of the first event.
    pub from: u64,
    /// Number of events.
    pub n: u32,
    /// Hash of the event before the first; zeros before seq 1.
    pub ph: Hex32,
    /// The name that the hashes of this epoch cover, where it is not the sender's: events from before the
    /// kiosk was enrolled.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub written_as: Option<String>,
    /// The events, in order.
    pub ev: Vec<WireEvent>,
}

/// An event as it travels.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct WireEvent {
    /// Sequence number inside the epoch.
    pub s: u64,
    /// UUIDv7.
    pub id: Id,
    /// Kind, for example `order.placed`.
    pub k: String,
    /// Version of the body's format for this kind.
    pub v: u16,
    /// Wall clock, ms since 1970.
    pub t: i64,
    /// Hybrid logical clock.
    pub h: Hex16,
    /// Boot counter.
    pub bt: u32,
    /// Monotonic clock of that boot, ms.
    pub m: u64,
    /// Quality of the wall clock: 0 untrusted, 1 battery-backed, 2 network time.
    pub q: u8,
    /// The body, in exactly the bytes that the hash covers.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub body: Box<RawValue>,
    /// SHA-256 that chains this event to the one before.
    pub hash: Hex32,
}

/// A batch that cannot be one.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BatchError {
    /// Larger than [`BATCH_BYTES_MAX`].
    #[error("the batch has {0} bytes, more than {BATCH_BYTES_MAX}")]
    TooLarge(usize),
    /// Not JSON, or not of this form.
    #[error("the batch cannot be read: {0}")]
    Json(String),
    /// A format of the future.
    #[error("the batch has format {0}; 1 is known")]
    Version(u32),
    /// The head does not fit its events.
    #[error("the batch's head does not fit its events: {0}")]
    Head(&'static str),
}

impl WireEvent {
    /// An event on its way out.
    ///
    /// # Errors
    /// The body is no JSON.
    pub fn new(envelope: &Envelope, hash: &Hash) -> Result<Self, serde_json::Error> {
        Ok(Self {
            s: envelope.seq,
            id: Id::from(envelope.id),
            k: envelope.kind.clone(),
            v: envelope.version,
            t: envelope.wall_ms,
            h: Hex16(envelope.hlc),
            bt: envelope.boot,
            m: envelope.mono_ms,
            q: envelope.clock,
            body: RawValue::from_string(envelope.body.clone())?,
            hash: Hex32(*hash),
        })
    }

    /// What its hash covers.
    pub fn envelope(&self, written_as: &str, epoch: u64) -> Envelope {
        Envelope {
            kiosk: written_as.to_owned(),
            epoch,
            seq: self.s,
            id: self.id.bytes(),
            kind: self.k.clone(),
            version: self.v,
            wall_ms: self.t,
            hlc: self.h.0,
            boot: self.bt,
            mono_ms: self.m,
            clock: self.q,
            body: self.body.get().to_owned(),
        }
    }
}

impl Batch {
    /// Puts events of one epoch, in order, into a batch. `previous` is the hash of the event before them.
    pub fn new(b: Id, epoch: u64, previous: Hash, written_as: Option<String>, ev: Vec<WireEvent>) -> Self {
        Self {
            v: 1,
            b,
            ep: epoch,
            from: ev.first().map_or(0, |e| e.s),
            n: u32::try_from(ev.len()).unwrap_or(u32::MAX),
            ph: Hex32(previous),
            written_as,
            ev,
        }
    }
}

/// A batch as it came in: its head fits, its events may still be anything.
#[derive(Clone, Debug)]
pub struct Received {
    /// Names this batch in its acknowledgement.
    pub b: Id,
    /// Epoch of all its events.
    pub epoch: u64,
    /// Sequence number of the first event.
    pub from: u64,
    /// Hash of the event before the first, as the sender claims.
    pub previous: Hash,
    /// The name that the hashes cover.
    pub written_as: String,
    /// The events, in order; the first has the number `from`, the next one more.
    pub events: Vec<Result<WireEvent, Malformed>>,
}

/// Something in the place of an event.
#[derive(Clone, Debug)]
pub struct Malformed {
    /// Its id, if that much can be read: the answer names it.
    pub id: Option<Id>,
    /// Verbatim.
    pub raw: String,
    /// What is wrong.
    pub why: String,
}

#[derive(Deserialize)]
struct Head<'a> {
    v: u32,
    b: Id,
    ep: u64,
    from: u64,
    n: u32,
    ph: Hex32,
    #[serde(default, rename = "as")]
    written_as: Option<String>,
    #[serde(borrow)]
    ev: Vec<&'a RawValue>,
}

/// The least that an answer needs of an event.
#[derive(Deserialize)]
struct Named {
    id: Id,
}

impl Received {
    /// Reads a batch of `kiosk`. One malformed event spoils neither the others nor the batch.
    ///
    /// # Errors
    /// Too large, no batch, or the head does not fit the events.
    pub fn parse(kiosk: &KioskId, payload: &[u8]) -> Result<Self, BatchError> {
        if payload.len() > BATCH_BYTES_MAX {
            return Err(BatchError::TooLarge(payload.len()));
        }
        let head: Head<'_> = serde_json::from_slice(payload).map_err(|e| BatchError::Json(e.to_string()))?;
        head.check()?;
        let events = head.ev.iter().zip(head.from..).map(|(raw, seq)| read_event(raw.get(), seq)).collect();
        Ok(Self {
            b: head.b,
            epoch: head.ep,
            from: head.from,
            previous: head.ph.0,
            written_as: head.written_as.unwrap_or_else(|| kiosk.to_string()),
            events,
        })
    }

    /// Sequence number of the last event.
    pub fn last(&self) -> u64 {
        self.from + self.events.len() as u64 - 1
    }
}

impl Head<'_> {
    fn check(&self) -> Result<(), BatchError> {
        if self.v != 1 {
            return Err(BatchError::Version(self.v));
        }
        if self.ev.is_empty() || self.ev.len() > BATCH_EVENTS_MAX {
            return Err(BatchError::Head("1 to 1,000 events"));
        }
        if self.from == 0 || u32::try_from(self.ev.len()) != Ok(self.n) {
            return Err(BatchError::Head("from or n"));
        }
        // Databases count with 63 bits.
        let last = self.from.checked_add(u64::from(self.n));
        if i64::try_from(self.ep).is_err() || last.is_none_or(|last| i64::try_from(last).is_err()) {
            return Err(BatchError::Head("numbers beyond 2^63"));
        }
        if self.written_as.as_ref().is_some_and(|name| KioskId::new(name.as_str()).is_err()) {
            return Err(BatchError::Head("the name it was written as"));
        }
        Ok(())
    }
}

fn read_event(raw: &str, seq: u64) -> Result<WireEvent, Malformed> {
    let malformed = |why: String| {
        let id = serde_json::from_str(raw).ok().map(|named: Named| named.id);
        Malformed { id, raw: raw.to_owned(), why }
    };
    let event: WireEvent = serde_json::from_str(raw).map_err(|error| malformed(error.to_string()))?;
    let limits = [
        (event.s == seq, "its number is not the next one"),
        (event.body.get().len() <= BODY_MAX, "its body is larger than 64 KiB"),
        (
            event.k.len() <= KIND_MAX && event.k.is_ascii(),
            "its kind is longer than 64 characters or not ASCII",
        ),
        (i64::try_from(event.h.0).is_ok() && i64::try_from(event.m).is_ok(), "a clock beyond 2^63"),
        (i32::try_from(event.bt).is_ok() && i16::try_from(event.v).is_ok(), "a counter out of range"),
    ];
    match limits.into_iter().find(|(holds, _)| !holds) {
        Some((_, why)) => Err(malformed(why.to_owned())),
        None => Ok(event),
    }
}

/// How many of these events, from the first on, fit into one batch; at least one, if there is one.
pub fn cut<'a>(bodies: impl Iterator<Item = &'a str>, bytes_max: usize) -> usize {
    let mut bytes = BATCH_OVERHEAD;
    let fitting = bodies
        .take(BATCH_EVENTS_MAX)
        .take_while(|body| {
            bytes += body.len() + EVENT_OVERHEAD;
            bytes <= bytes_max
        })
        .count();
    fitting.max(1)
}
