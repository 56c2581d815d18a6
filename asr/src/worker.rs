//! Two decoders for one utterance: one that can hear only the menu, and one that hears any sounds. How much
//! likelier the first is than the second says whether it was an order at all.

use crate::sphinx::{Decoder, Models, SphinxError};

/// Most samples of an utterance: fifteen seconds and what stands around them.
const SAMPLES_MAX: usize = 16 * 16_000;

/// Fewer samples than this are not even one word.
const SAMPLES_MIN: usize = 1_600;

/// What can be said.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Grammar {
    /// JSGF.
    pub jsgf: String,
    /// Its words with their phones: `for`, and `for(2)` for another way to say it.
    pub words: Vec<(String, String)>,
}

/// What was recognised. It cannot be printed.
pub struct Recognised {
    /// The words; empty when nothing of the grammar fits.
    pub text: String,
    /// How much likelier a frame is as these words than as any sounds, in units of the library.
    pub llr: Option<i32>,
    /// Frames of 10 ms.
    pub frames: u32,
}

/// A recogniser of one menu at a time.
pub struct Recogniser {
    models: Models,
    menu: Option<(Grammar, Decoder)>,
    phones: Decoder,
}

impl Recogniser {
    /// Loads the models: some 50 ms.
    ///
    /// # Errors
    /// They are missing.
    pub fn new(models: Models) -> Result<Self, SphinxError> {
        let phones = Decoder::of_phones(&models)?;
        Ok(Self { models, menu: None, phones })
    }

    /// Takes another menu; the same again costs nothing.
    ///
    /// # Errors
    /// The grammar cannot be read; then there is none.
    pub fn set_grammar(&mut self, grammar: Grammar) -> Result<(), SphinxError> {
        if self.menu.as_ref().is_some_and(|(known, _)| *known == grammar) {
            return Ok(());
        }
        self.menu = None;
        let mut decoder = Decoder::of_grammar(&self.models)?;
        decoder.set_grammar(&grammar.words, &grammar.jsgf)?;
        self.menu = Some((grammar, decoder));
        Ok(())
    }

    /// Recognises one utterance of 16 kHz mono; both decoders work at the same time. What is longer than fifteen
    /// seconds, or too short for a word, is nothing.
    ///
    /// # Errors
    /// There is no grammar, or the library failed.
    pub fn recognise(&mut self, samples: &[i16]) -> Result<Recognised, SphinxError> {
        let Some((_, menu)) = &mut self.menu else { return Err(SphinxError::Grammar) };
        if !(SAMPLES_MIN..=SAMPLES_MAX).contains(&samples.len()) {
            return Ok(Recognised { text: String::new(), llr: None, frames: 0 });
        }
        let sound = dithered(samples);
        let phones = &mut self.phones;
        let (words, any) = std::thread::scope(|scope| {
            let any = scope.spawn(|| phones.decode(&sound));
            (menu.decode(&sound), any.join().unwrap_or(Err(SphinxError::Sound)))
        });
        let (words, any) = (words?, any?);
        let frames = words.frames;
        let llr = any.text.as_ref().and_then(|_| {
            let difference = words.score.saturating_sub(any.score);
            difference.checked_div(i32::try_from(frames).ok()?)
        });
        let text = words.text.unwrap_or_default();
        let llr = llr.filter(|_| !text.is_empty());
        Ok(Recognised { text, llr, frames })
    }
}

/// Stretches of digital silence break the front end: the last bit is made to move, the same way each time.
fn dithered(samples: &[i16]) -> Vec<i16> {
    let mut state = 0x2545_F491_u32;
    let moved = samples.iter().map(|sample| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        sample.saturating_add(if state >> 31 == 0 { -1 } else { 1 })
    });
    moved.collect()
}
