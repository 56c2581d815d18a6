//! Somebody who speaks: a synthesiser writes what the kiosk's microphone hears when its button is pressed next.
//!
//! The kiosk reads a WAV file in place of a microphone; this writes it anew for each sentence.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::device::{Device, Revision, Verb, VerbError, VerbKind};

/// The file in the directory of a run.
const FILE: &str = "said.wav";
/// Longest sentence, in characters: about fifteen seconds.
const WORDS_MAX: usize = 200;

/// Sentences for the demo, by the words that the panel shows.
const PHRASES: [(&str, &str); 9] = [
    ("two-cappuccinos", "can i get two cappuccinos"),
    ("a-latte", "a latte please"),
    ("a-burger", "can i get an alder classic with extra bacon"),
    ("large", "large"),
    ("apple-pie", "i'd like an apple pie and a flat white"),
    ("make-that-three", "make that three"),
    ("what-is-in-it", "what's in the latte"),
    ("what-did-i-order", "what did i order"),
    ("small-talk", "my neighbour has painted his fence yellow again"),
];

const VERBS: &[Verb] = &[
    Verb::new(
        "phrase",
        "two-cappuccinos|a-latte|a-burger|large|apple-pie|make-that-three|what-is-in-it|what-did-i-order|small-talk",
        "What the customer says the next time the button is held.",
        VerbKind::Action,
    ),
    Verb::new("say", "WORDS", "Other words, in English.", VerbKind::Action),
];

/// A synthesiser in front of the microphone.
#[derive(Debug)]
pub struct Microphone {
    file: PathBuf,
    said: Mutex<String>,
    revision: Revision,
}

impl Microphone {
    /// Speaks into a file of this directory; the first sentence is ready at once.
    ///
    /// # Errors
    /// The synthesiser is missing.
    pub fn new(dir: &Path) -> Result<Arc<Self>, VerbError> {
        let it = Self { file: dir.join(FILE), said: Mutex::default(), revision: Revision::new() };
        it.say(PHRASES[0].1)?;
        Ok(Arc::new(it))
    }

    /// The file that the kiosk takes for its microphone.
    pub fn file(&self) -> &Path {
        &self.file
    }

    fn say(&self, words: &str) -> Result<(), VerbError> {
        let refused = |why: &dyn std::fmt::Display| VerbError::Refused(format!("espeak-ng: {why}"));
        let made = self.file.with_extension("new");
        let mut synthesiser = Command::new("espeak-ng");
        synthesiser.args(["-v", "en-us", "-s", "140", "-w"]).arg(&made).arg("--").arg(words);
        let output = synthesiser.output().map_err(|error| refused(&error))?;
        if !output.status.success() {
            return Err(refused(&String::from_utf8_lossy(&output.stderr)));
        }
        // Whoever listens reads the old file or the new one, never a half.
        std::fs::rename(&made, &self.file).map_err(|error| refused(&error))?;
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = words.to_owned();
        self.revision.bump();
        Ok(())
    }
}

impl Device for Microphone {
    fn name(&self) -> &'static str {
        "microphone"
    }

    fn state(&self) -> Value {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let phrase = PHRASES.iter().find(|(_, words)| *words == said).map(|(name, _)| *name);
        json!({
            "says": said,
            "faults": [],
            "in_force": phrase.map_or_else(|| json!({}), |name| json!({"phrase": name})),
        })
    }

    fn verbs(&self) -> &'static [Verb] {
        VERBS
    }

    fn verb(&self, name: &str, args: &[String]) -> Result<Value, VerbError> {
        let verb = Verb::find(VERBS, name)?;
        let words = args.join(" ");
        let words = match verb.name {
            "phrase" => PHRASES.iter().find(|(name, _)| *name == words).map(|(_, words)| (*words).to_owned()),
            _ => Some(words.trim().to_owned()),
        };
        let words = words.filter(|words| !words.is_empty() && words.chars().count() <= WORDS_MAX);
        self.say(&words.ok_or_else(|| verb.usage())?).map(|()| Value::Null)
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sentence_becomes_a_sound_file_of_its_own_length() {
        let dir = tempfile::tempdir().unwrap();
        let microphone = Microphone::new(dir.path()).unwrap();
        let length = || std::fs::metadata(microphone.file()).unwrap().len();
        let first = length();
        assert!(first > 20_000, "{first} bytes");
        microphone.verb("say", &["large".to_owned()]).unwrap();
        assert!(length() < first, "one word is shorter than three");
        assert_eq!(microphone.state()["says"], "large");
        assert_eq!(microphone.state()["in_force"]["phrase"], "large");
        for args in [vec![], vec![String::new()], vec!["x".repeat(WORDS_MAX + 1)]] {
            assert!(matches!(microphone.verb("say", &args), Err(VerbError::Usage(_))), "{args:?}");
        }
        assert!(microphone.verb("phrase", &["no-such".to_owned()]).is_err());
    }

    #[test]
    fn the_panel_offers_every_phrase_there_is() {
        let offered: Vec<&str> = VERBS[0].args.split('|').collect();
        assert_eq!(offered, PHRASES.map(|(name, _)| name));
    }
}
