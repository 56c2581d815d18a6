//! The Wyoming protocol: what speech programs of Home Assistant talk. An event is a line of JSON, then so many
//! bytes of JSON, then so many bytes of sound. There is no secret in it, so it is spoken within one machine only.

mod address;
mod client;

use std::io::{BufRead, Read as _, Write};

use serde_json::{Map, Value};
use zeroize::Zeroize as _;

pub use address::{Address, AddressError};
pub use client::{Client, ClientError, Heard, Request};

/// Longest header line, in bytes: what the reference implementation reads.
pub const HEADER_BYTES_MAX: usize = 65_536;
/// Largest data part, in bytes: a grammar of 2,000 items has half of it.
pub const DATA_BYTES_MAX: usize = 1 << 20;
/// Largest payload, in bytes: half a minute of sound.
pub const PAYLOAD_BYTES_MAX: usize = 1 << 20;

const VERSION: &str = "1.10.2";

/// One message. What it says cannot be printed: it may hold what a customer said.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Event {
    /// What it is: `transcribe`, `audio-chunk`, `transcript`…
    pub kind: String,
    /// Its fields.
    pub data: Map<String, Value>,
    /// Sound.
    pub payload: Vec<u8>,
}

impl Drop for Event {
    fn drop(&mut self) {
        self.payload.zeroize();
    }
}

/// The peer sent something that is no event.
#[derive(Debug, thiserror::Error)]
pub enum WyomingError {
    /// The connection broke, ended inside an event, or took too long.
    #[error("the connection to the speech program broke")]
    Io(#[from] std::io::Error),
    /// A part is larger than anything that is sent here.
    #[error("the speech program announced a {part} of {bytes} bytes, {max} are the most")]
    TooLong {
        /// Which part.
        part: &'static str,
        /// How long it would be.
        bytes: usize,
        /// How long it may be.
        max: usize,
    },
    /// Not the JSON that it has to be.
    #[error("the speech program sent a {0} that cannot be read")]
    Malformed(&'static str),
}

impl Event {
    /// An event with fields, `{}` for none.
    pub fn new(kind: &str, data: Value) -> Self {
        let data = match data {
            Value::Object(data) => data,
            _ => Map::new(),
        };
        Self { kind: kind.to_owned(), data, payload: Vec::new() }
    }

    /// A field that is a text.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.data.get(field).and_then(Value::as_str)
    }

    /// Writes it; the fields always stand behind the header, whose line is short.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write(&self, to: &mut impl Write) -> std::io::Result<()> {
        let mut header = Map::from_iter([("type".to_owned(), self.kind.clone().into())]);
        header.insert("version".to_owned(), VERSION.into());
        let data = if self.data.is_empty() { Vec::new() } else { serde_json::to_vec(&self.data)? };
        for (name, part) in [("data_length", &data), ("payload_length", &self.payload)] {
            if !part.is_empty() {
                header.insert(name.to_owned(), part.len().into());
            }
        }
        let mut bytes = serde_json::to_vec(&header)?;
        bytes.push(b'\n');
        bytes.extend(data);
        bytes.extend(&self.payload);
        to.write_all(&bytes)?;
        bytes.zeroize();
        to.flush()
    }

    /// Reads the next one; `None` when the peer has closed between two events. Blocks as the reader does.
    ///
    /// # Errors
    /// As [`WyomingError`] says; the connection is of no use afterwards.
    pub fn read(from: &mut impl BufRead) -> Result<Option<Self>, WyomingError> {
        let mut line = Vec::new();
        let limit = u64::try_from(HEADER_BYTES_MAX + 1).unwrap_or(u64::MAX);
        from.by_ref().take(limit).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        if line.pop() != Some(b'\n') {
            let bytes = line.len() + 1;
            return Err(match bytes > HEADER_BYTES_MAX {
                true => WyomingError::TooLong { part: "header", bytes, max: HEADER_BYTES_MAX },
                false => std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into(),
            });
        }
        let mut header: Map<String, Value> =
            serde_json::from_slice(&line).map_err(|_| WyomingError::Malformed("header"))?;
        let Some(Value::String(kind)) = header.remove("type") else {
            return Err(WyomingError::Malformed("header without a type"));
        };
        let mut data = match header.remove("data") {
            Some(Value::Object(data)) => data,
            None | Some(Value::Null) => Map::new(),
            Some(_) => return Err(WyomingError::Malformed("data part")),
        };
        let apart = part(from, &header, "data_length", "data part", DATA_BYTES_MAX)?;
        if !apart.is_empty() {
            let fields: Map<String, Value> =
                serde_json::from_slice(&apart).map_err(|_| WyomingError::Malformed("data part"))?;
            data.extend(fields);
        }
        let payload = part(from, &header, "payload_length", "payload", PAYLOAD_BYTES_MAX)?;
        Ok(Some(Self { kind, data, payload }))
    }
}

/// A part whose length the header states.
fn part(
    from: &mut impl BufRead,
    header: &Map<String, Value>,
    field: &str,
    part: &'static str,
    max: usize,
) -> Result<Vec<u8>, WyomingError> {
    let bytes = match header.get(field) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(length) => length.as_u64().ok_or(WyomingError::Malformed("length"))?,
    };
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    if bytes > max {
        return Err(WyomingError::TooLong { part, bytes, max });
    }
    let mut out = vec![0; bytes];
    from.read_exact(&mut out)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// As wyoming-faster-whisper 3.8.1 sends it.
    const REPLY: &str = concat!(
        "{\"type\": \"transcript\", \"version\": \"1.10.2\", \"data_length\": 62}\n",
        "{\"text\": \" two cheeseburgers without onions in a large coat.\"}"
    );

    fn read(bytes: &[u8]) -> Result<Option<Event>, WyomingError> {
        Event::read(&mut Cursor::new(bytes))
    }

    #[test]
    fn a_real_reply_is_read() {
        let event = read(REPLY.as_bytes()).ok().flatten().unwrap();
        assert_eq!(event.kind, "transcript");
        assert_eq!(event.text("text"), Some(" two cheeseburgers without onions in a large coat."));
    }

    #[test]
    fn data_apart_wins_and_null_is_nothing() {
        let event = read(b"{\"type\":\"x\",\"data\":{\"a\":1,\"b\":2},\"data_length\":7}\n{\"a\":3}")
            .ok()
            .flatten()
            .unwrap();
        assert_eq!(Value::from(event.data.clone()), json!({"a": 3, "b": 2}));
        let event = read(b"{\"type\":\"x\",\"data\":null,\"payload_length\":null}\n").ok().flatten().unwrap();
        assert!(event.data.is_empty() && event.payload.is_empty());
        assert!(read(b"").unwrap_or(Some(Event::default())).is_none());
    }

    #[test]
    fn lengths_are_bytes_not_letters() {
        let mut bytes = Vec::new();
        Event::new("transcript", json!({"text": "Käse"})).write(&mut bytes).unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(text.contains("\"data_length\":16") && text.ends_with("{\"text\":\"Käse\"}"), "{text}");
        assert_eq!(read(&bytes).ok().flatten().unwrap().text("text"), Some("Käse"));
    }

    #[test]
    fn what_is_too_long_or_cut_is_refused_before_it_is_stored() {
        let error = |bytes: &[u8]| read(bytes).err().unwrap().to_string();
        assert!(error(&vec![b' '; 10_000_000]).contains("header of 65537 bytes"));
        assert!(
            error(b"{\"type\":\"x\",\"data_length\":99999999999}\n").contains("data part of 99999999999")
        );
        assert!(error(b"{\"type\":\"x\",\"payload_length\":1048577}\n").contains("payload of 1048577"));
        for bytes in
            [&b"{\"type\":\"x\",\"data_length\":-1}\n"[..], b"{}\n", b"[]\n", b"{\"type\":1}\n", b"x\n"]
        {
            assert!(error(bytes).contains("cannot be read"));
        }
        for at in 1..REPLY.len() {
            assert!(read(&REPLY.as_bytes()[..at]).is_err(), "cut at {at}");
        }
    }

    proptest! {
        #[test]
        fn random_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _read = read(&bytes);
        }

        #[test]
        fn changed_events_are_read_without_a_panic(at in 0..REPLY.len(), byte: u8) {
            let mut bytes = REPLY.as_bytes().to_vec();
            bytes[at] = byte;
            let _read = read(&bytes);
        }

        #[test]
        fn what_we_write_is_read_back(kind in "[a-z-]{1,20}", text in "\\PC{0,60}", payload in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut event = Event::new(&kind, json!({"text": text, "nested": {"a": [1, null]}}));
            event.payload = payload;
            let mut bytes = Vec::new();
            event.write(&mut bytes).unwrap();
            event.write(&mut bytes).unwrap();
            let mut reader = Cursor::new(bytes);
            prop_assert!(Event::read(&mut reader).ok().flatten() == Some(event.clone()));
            prop_assert!(Event::read(&mut reader).ok().flatten() == Some(event));
            prop_assert!(matches!(Event::read(&mut reader), Ok(None)));
        }
    }
}
