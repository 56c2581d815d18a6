//! Asks a speech program for the words of one utterance.

use std::io::{BufReader, Write};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::address::{Address, Stream};
use super::{Event, WyomingError};
use crate::text::Transcript;

/// What a speech program may take longer than the sound lasts.
const ANSWER: Duration = Duration::from_secs(5);

/// Frames of one chunk: what the reference clients send.
const CHUNK: usize = 1_024;

/// Samples a second.
const RATE: usize = 16_000;

/// One utterance and what helps to recognise it.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Language tag.
    pub language: &'a str,
    /// For our own recogniser: its grammar and words. Others leave it unread.
    pub context: Option<&'a Value>,
    /// Words to expect.
    pub terms: &'a [String],
}

/// What was recognised.
pub struct Heard {
    /// The words.
    pub transcript: Transcript,
    /// What our own recogniser says besides: how likely the words are (see [`crate::Evidence`]).
    pub context: Option<Value>,
}

/// Why there are no words.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// It is not running, or still loading its model.
    #[error("the speech program at {address} does not answer")]
    Absent {
        /// Its socket.
        address: Address,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It broke off, or took too long.
    #[error(transparent)]
    Wyoming(#[from] WyomingError),
    /// It said that it failed. What it said is not repeated: it may quote the customer.
    #[error("the speech program failed")]
    Failed,
    /// It closed without an answer.
    #[error("the speech program gave no answer")]
    NoAnswer,
    /// Without a sound there is nothing to ask: a server may answer nothing or anything.
    #[error("there is no sound to recognise")]
    Silence,
}

/// A speech program of this machine. Servers close after each transcript, so each utterance connects anew.
#[derive(Clone, Debug)]
pub struct Client {
    address: Address,
    answer: Duration,
}

impl Client {
    /// The program behind this Unix socket.
    pub fn new(path: &Path) -> Self {
        Self::at(Address::Unix(path.to_owned()))
    }

    /// The program at this address.
    pub fn at(address: Address) -> Self {
        Self { address, answer: ANSWER }
    }

    /// Where it is.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Waits so much longer than the sound lasts instead: for measuring on a machine that does other things too.
    pub fn with_patience(self, answer: Duration) -> Self {
        Self { answer, ..self }
    }

    /// The words of one utterance: 16 kHz, mono. Blocks for at most five seconds more than the sound lasts.
    ///
    /// # Errors
    /// As [`ClientError`] says; the next utterance may succeed.
    pub fn transcribe(&self, request: Request<'_>, samples: &[i16]) -> Result<Heard, ClientError> {
        if samples.is_empty() {
            return Err(ClientError::Silence);
        }
        let limit = self.answer
            + Duration::from_millis(u64::try_from(samples.len() * 1_000 / RATE).unwrap_or(u64::MAX));
        let mut reader = BufReader::new(self.connect(limit)?);
        send(reader.get_mut(), request, samples).map_err(WyomingError::from)?;
        while let Some(event) = Event::read(&mut reader)? {
            match event.kind.as_str() {
                "transcript" => {
                    let text = event.text("text").unwrap_or_default().to_owned();
                    let context = event.data.get("context").cloned().filter(|context| !context.is_null());
                    return Ok(Heard { transcript: Transcript::new(text), context });
                }
                "error" => return Err(ClientError::Failed),
                // Parts of a transcript come again in the whole one; whatever else is new to us.
                _ => {}
            }
        }
        Err(ClientError::NoAnswer)
    }

    /// What the program says about itself: whether it is there and has loaded its model.
    ///
    /// # Errors
    /// As [`ClientError`] says.
    pub fn describe(&self) -> Result<Value, ClientError> {
        let mut reader = BufReader::new(self.connect(ANSWER)?);
        Event::new("describe", json!({})).write(reader.get_mut()).map_err(WyomingError::from)?;
        while let Some(event) = Event::read(&mut reader)? {
            if event.kind == "info" {
                return Ok(Value::Object(event.data.clone()));
            }
        }
        Err(ClientError::NoAnswer)
    }

    fn connect(&self, limit: Duration) -> Result<impl Stream, ClientError> {
        let absent = |source| ClientError::Absent { address: self.address.clone(), source };
        self.address.connect(limit).map_err(absent)
    }
}

fn send(stream: &mut impl Write, request: Request<'_>, samples: &[i16]) -> std::io::Result<()> {
    let mut asked = json!({ "language": request.language, "transcript_terms": request.terms });
    if let Some(context) = request.context {
        asked["context"] = context.clone();
    }
    let format = json!({ "rate": RATE, "width": 2, "channels": 1 });
    Event::new("transcribe", asked).write(stream)?;
    Event::new("audio-start", format.clone()).write(stream)?;
    for chunk in samples.chunks(CHUNK) {
        let mut event = Event::new("audio-chunk", format.clone());
        event.payload = chunk.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        event.write(stream)?;
    }
    Event::new("audio-stop", json!({})).write(stream)
}
