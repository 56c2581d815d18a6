//! The Wyoming server: one utterance a connection, one at a time.

use std::io::BufReader;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use voice::wyoming::Event;

use crate::worker::{Grammar, Recogniser};

/// A client that says nothing for so long is gone.
const IDLE: Duration = Duration::from_secs(30);

/// Most clients at a time: the kiosk is one, a technician another.
const CLIENTS_MAX: usize = 4;

/// Most sound of an utterance, in bytes: fifteen seconds and some.
const SOUND_BYTES_MAX: usize = 2 * 16 * 16_000;

/// Serves until the listener fails. Whatever a client does ends at most its own connection.
///
/// # Errors
/// The socket cannot be accepted from.
pub fn serve(listener: &UnixListener, recogniser: Recogniser) -> std::io::Result<()> {
    let recogniser = Mutex::new(recogniser);
    let clients = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        loop {
            let (stream, _) = listener.accept()?;
            let count = &clients;
            if count.load(std::sync::atomic::Ordering::Relaxed) >= CLIENTS_MAX {
                continue;
            }
            count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let recogniser = &recogniser;
            scope.spawn(move || {
                if talk(&stream, recogniser).is_err() {
                    // The peer knows: its connection is gone. What it had said is not for a log.
                    eprintln!("a client broke off");
                }
                count.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
            });
        }
    })
}

fn talk(stream: &UnixStream, recogniser: &Mutex<Recogniser>) -> Result<(), voice::wyoming::WyomingError> {
    stream.set_read_timeout(Some(IDLE))?;
    stream.set_write_timeout(Some(IDLE))?;
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    let mut sound: Vec<u8> = Vec::new();
    let mut context = Value::Null;
    while let Some(mut event) = Event::read(&mut reader)? {
        match event.kind.as_str() {
            "describe" => Event::new("info", info()).write(&mut writer)?,
            "ping" => Event::new("pong", json!({ "text": event.text("text") })).write(&mut writer)?,
            "transcribe" => context = event.data.remove("context").unwrap_or(Value::Null),
            "audio-start" => sound.clear(),
            "audio-chunk" if !is_format(&event) => {
                return fail(&mut writer, "only 16 kHz, 16 bit, mono is understood");
            }
            "audio-chunk" if sound.len() + event.payload.len() > SOUND_BYTES_MAX => {
                return fail(&mut writer, "more than fifteen seconds of sound");
            }
            "audio-chunk" => sound.append(&mut event.payload),
            "audio-stop" => {
                let answer = answer(&context, &sound, recogniser);
                zero(&mut sound);
                return answer.write(&mut writer).map_err(Into::into);
            }
            _ => {}
        }
    }
    zero(&mut sound);
    Ok(())
}

fn fail(writer: &mut &UnixStream, text: &str) -> Result<(), voice::wyoming::WyomingError> {
    Ok(Event::new("error", json!({ "text": text })).write(writer)?)
}

/// Nothing of what was said stays behind in memory.
fn zero<T: Copy + Default>(sound: &mut Vec<T>) {
    sound.fill(T::default());
    // Memory that is never read again may be left as it is: the compiler has to believe that somebody reads it.
    std::hint::black_box(sound.as_mut_slice());
    sound.clear();
}

fn is_format(event: &Event) -> bool {
    let is = |field: &str, value: u64| event.data.get(field).and_then(Value::as_u64) == Some(value);
    is("rate", 16_000) && is("width", 2) && is("channels", 1)
}

fn answer(context: &Value, sound: &[u8], recogniser: &Mutex<Recogniser>) -> Event {
    let mut samples: Vec<i16> =
        sound.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    let mut recogniser = recogniser.lock().unwrap_or_else(PoisonError::into_inner);
    let recognised = match Grammar::from_context(context) {
        Some(grammar) => recogniser.set_grammar(grammar).and_then(|()| recogniser.recognise(&samples)),
        None => recogniser.recognise(&samples),
    };
    zero(&mut samples);
    match recognised {
        Ok(found) => {
            let context = json!({ "llr": found.llr, "frames": found.frames, "grammar": true });
            Event::new("transcript", json!({ "text": found.text, "context": context }))
        }
        Err(error) => Event::new("error", json!({ "text": error.to_string(), "code": "recognise" })),
    }
}

impl Grammar {
    /// As `voice::Matcher::recogniser_context` writes it and it travels in `transcribe`:
    /// `{"jsgf": "…", "words": [["for", "F AO R"], ["for(2)", "F ER"]]}`.
    pub fn from_context(context: &Value) -> Option<Self> {
        let jsgf = context.get("jsgf")?.as_str()?.to_owned();
        let pair =
            |pair: &Value| Some((pair.get(0)?.as_str()?.to_owned(), pair.get(1)?.as_str()?.to_owned()));
        let words = context.get("words")?.as_array()?.iter().map(pair).collect::<Option<_>>()?;
        Some(Self { jsgf, words })
    }
}

fn info() -> Value {
    let by = json!({ "name": "Carnegie Mellon University", "url": "https://cmusphinx.github.io" });
    let model = json!({ "name": "en-us", "languages": ["en"], "attribution": by, "installed": true, "description": null, "version": null });
    json!({ "asr": [{ "name": "pocketsphinx", "attribution": by, "installed": true, "models": [model],
        "description": "The menu of this kiosk", "version": env!("CARGO_PKG_VERSION"),
        "supports_transcript_streaming": false }],
        "tts": [], "handle": [], "intent": [], "wake": [], "mic": [], "snd": [] })
}
