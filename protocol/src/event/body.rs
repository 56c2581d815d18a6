//! From a domain event to its kind and canonical body, and back.

mod decode;
mod encode;

use domain::event::{DrawerEvent, Event, ServiceEvent};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::BODY_MAX;
use super::misc::{By, Reason};

/// Largest integer that every JSON reader keeps exactly.
const INTEGER_MAX: u64 = (1 << 53) - 1;

/// An event ready for its envelope.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Encoded {
    /// For example `order.placed`.
    pub kind: &'static str,
    /// Version of the body.
    pub version: u16,
    /// Canonical JSON.
    pub body: String,
}

/// Why an event cannot be encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// Its body would be larger than [`BODY_MAX`].
    #[error("the body of {kind} has {bytes} bytes, more than {BODY_MAX}")]
    TooLarge {
        /// Kind.
        kind: &'static str,
        /// Bytes it would have.
        bytes: usize,
    },
    /// It has a number that JSON cannot carry exactly.
    #[error("the body of {kind} has an integer beyond 2^53 - 1")]
    Integer {
        /// Kind.
        kind: &'static str,
    },
    /// The serialiser refused.
    #[error("cannot write the body of {kind}")]
    Json {
        /// Kind.
        kind: &'static str,
        /// Why.
        source: serde_json::Error,
    },
}

/// Why a stored event cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Neither this version nor an older one knows this.
    #[error("unknown event {kind} version {version}")]
    Unknown {
        /// Kind.
        kind: String,
        /// Version.
        version: u16,
    },
    /// The body does not have the form of its kind.
    #[error("the body of {kind} is malformed")]
    Json {
        /// Kind.
        kind: String,
        /// Where.
        source: serde_json::Error,
    },
    /// The body has the form, but not the meaning.
    #[error("the body of {kind} makes no sense: {why}")]
    Meaning {
        /// Kind.
        kind: String,
        /// What is wrong.
        why: String,
    },
}

/// `epoch.started`: the first event of every epoch. Written by the store, not by the domain.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EpochStarted {
    /// The last event of the epoch before, if there was one.
    pub anchor: Option<EpochAnchor>,
    /// Why a new epoch began.
    pub reason: EpochReason,
}

/// Where the epoch before ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EpochAnchor {
    /// That epoch.
    pub epoch: u64,
    /// Its last known event.
    pub seq: u64,
    /// That event's hash, lower-case hex.
    pub hash: String,
}

/// Why a new epoch began.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EpochReason {
    /// A new store.
    Provisioned,
    /// A backup was restored.
    Restored,
    /// Factory reset.
    Reset,
    /// The store was damaged and moved aside.
    Damaged,
    /// Two machines had used one identity.
    Fork,
}

/// Kind and body of `epoch.started`.
///
/// # Errors
/// As [`encode`].
pub fn encode_epoch(started: &EpochStarted) -> Result<Encoded, EncodeError> {
    body("epoch.started", started)
}

/// Kind and canonical body of a domain event.
///
/// # Errors
/// The body is too large, or carries an integer that JSON cannot.
pub fn encode(event: &Event) -> Result<Encoded, EncodeError> {
    match event {
        Event::Order(event) => encode::order(event),
        Event::Payment(event) => encode::payment(event),
        Event::Receipt(event) => encode::receipt(event),
        Event::Kitchen(event) => encode::kitchen(event),
        Event::Catalog(event) => encode::catalog(event),
        Event::Service(ServiceEvent::Closed { by }) => body("service.closed", &By { by: by.to_string() }),
        Event::Service(ServiceEvent::Opened { by }) => body("service.opened", &By { by: by.to_string() }),
        Event::Drawer(DrawerEvent::Kicked { reason }) => {
            body("drawer.kicked", &Reason { reason: reason.to_string() })
        }
        Event::Task(event) => encode::task(event),
        Event::Stock(event) => encode::stock(event),
    }
}

/// Every kind is at version 1. A later version gets a decoder of its own beside the old one.
const VERSION: u16 = 1;

fn body<T: Serialize>(kind: &'static str, wire: &T) -> Result<Encoded, EncodeError> {
    let mut value = serde_json::to_value(wire).map_err(|source| EncodeError::Json { kind, source })?;
    if !canonicalise(&mut value) {
        return Err(EncodeError::Integer { kind });
    }
    // serde_json's map keeps keys sorted and its compact writer escapes as RFC 8785 asks.
    let body = value.to_string();
    if body.len() > BODY_MAX {
        return Err(EncodeError::TooLarge { kind, bytes: body.len() });
    }
    Ok(Encoded { kind, version: VERSION, body })
}

/// Normalises text to NFC; false if a number cannot be carried.
fn canonicalise(value: &mut Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => true,
        Value::Number(number) => number
            .as_u64()
            .map_or_else(|| number.as_i64().map(i64::unsigned_abs), Some)
            .is_some_and(|n| n <= INTEGER_MAX),
        Value::String(text) => {
            if !is_nfc(text) {
                *text = text.nfc().collect();
            }
            true
        }
        Value::Array(values) => values.iter_mut().all(canonicalise),
        Value::Object(fields) => fields.values_mut().all(canonicalise),
    }
}

/// The domain event of a stored kind, version and body. `None` for `epoch.started`, which is the store's.
///
/// # Errors
/// The kind or version is unknown, or the body is not of its form.
pub fn decode(kind: &str, version: u16, body: &str) -> Result<Option<Event>, DecodeError> {
    if version != VERSION {
        return Err(DecodeError::Unknown { kind: kind.to_owned(), version });
    }
    let Some((subject, _)) = kind.split_once('.') else {
        return Err(DecodeError::Unknown { kind: kind.to_owned(), version });
    };
    let event = match subject {
        "epoch" => None,
        "order" => decode::order(kind, body)?.map(Event::Order),
        "payment" => decode::payment(kind, body)?.map(Event::Payment),
        "receipt" => decode::receipt(kind, body)?.map(Event::Receipt),
        _ => decode::other(kind, body)?,
    };
    match event {
        None if kind != "epoch.started" => Err(DecodeError::Unknown { kind: kind.to_owned(), version }),
        event => Ok(event),
    }
}
