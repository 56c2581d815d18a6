//! One press of the button, as it is heard: how loud, whether it is speech, when it is over. Pure: sound in, an end
//! out. A kept detector ([`earshot`]) scores the frames, [`EndPointer`] decides.

use earshot::Detector;

use crate::endpoint::{End, EndPointer, Expected, Frame, UTTERANCE_MS_MAX};
use crate::sound::{RATE, Sound};

/// Samples of a frame: 16 ms.
const FRAME: usize = 256;

/// The greatest value of [`Listener::level`].
pub const LEVEL_MAX: u8 = 8;

/// The level that shows nothing, and what each step of the meter adds, in dB.
const LEVEL_FROM_DB: i16 = -60;
const LEVEL_STEP_DB: i16 = 6;

/// What is kept before and behind the speech, in samples: 300 and 200 ms. A recogniser takes longer silence for words.
const BEFORE: usize = 4_800;
const BEHIND: usize = 3_200;

/// Level of digital silence, in dB.
const SILENCE_DB: i16 = -96;

/// Listens from the press of the button to the end of the utterance.
pub struct Listener {
    detector: Box<Detector>,
    pointer: EndPointer,
    /// Everything heard, at its whole length from the start: growing would leave copies behind.
    sound: Sound,
    /// Samples of it that were looked at.
    looked_at: usize,
    loudest_db: i16,
    /// Samples before the first speech, and up to the last.
    speech: Option<(usize, usize)>,
}

impl Listener {
    /// The button was pressed.
    pub fn new(expected: Expected) -> Self {
        let samples = usize::try_from(RATE / 1_000 * UTTERANCE_MS_MAX).unwrap_or(0) + FRAME;
        Self {
            detector: Detector::default_boxed(),
            pointer: EndPointer::new(expected),
            sound: Sound(Vec::with_capacity(samples)),
            looked_at: 0,
            loudest_db: SILENCE_DB,
            speech: None,
        }
    }

    /// The button was released.
    pub fn release(&mut self) {
        self.pointer.release();
    }

    /// Takes the next samples, of any number; what comes behind an end is left out. An end is final.
    pub fn hear(&mut self, samples: &[i16]) -> Option<End> {
        let room = self.sound.0.capacity() - self.sound.0.len();
        self.sound.0.extend_from_slice(&samples[..samples.len().min(room)]);
        while let Some(frame) = self.sound.0.get(self.looked_at..self.looked_at + FRAME) {
            let level_db = level_db(frame);
            self.loudest_db = self.loudest_db.max(level_db);
            let speech_pm = per_mille(self.detector.predict_i16(frame));
            self.looked_at += FRAME;
            let end = self.pointer.frame(Frame { speech_pm, level_db });
            if self.pointer.is_speech() {
                let (_, last) = self.speech.get_or_insert((self.looked_at, 0));
                *last = self.looked_at;
            }
            if end.is_some() {
                return end;
            }
        }
        None
    }

    /// How loud it was since this was asked last: 0 to [`LEVEL_MAX`].
    pub fn level(&mut self) -> u8 {
        let db = std::mem::replace(&mut self.loudest_db, SILENCE_DB);
        let steps = (db - LEVEL_FROM_DB) / LEVEL_STEP_DB;
        u8::try_from(steps.clamp(0, i16::from(LEVEL_MAX))).unwrap_or(0)
    }

    /// Whether frames have arrived at all: a microphone that delivers nothing must not look as if it listened.
    pub fn has_heard(&self) -> bool {
        self.looked_at > 0
    }

    /// What was heard, without the silence around it.
    pub fn into_sound(mut self) -> Sound {
        let (first, last) = self.speech.unwrap_or((0, self.sound.0.len()));
        // What is cut off stays in the same memory and is overwritten with the rest.
        self.sound.0.truncate(last + BEHIND);
        self.sound.0.drain(..first.saturating_sub(BEFORE).min(self.sound.0.len()));
        self.sound
    }
}

/// Mean power of a frame, in dB below full scale.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a level in whole dB")]
fn level_db(frame: &[i16]) -> i16 {
    let power: i64 = frame.iter().map(|sample| i64::from(*sample).pow(2)).sum();
    let share = power as f64 / (frame.len().max(1) as f64 * 32_768.0 * 32_768.0);
    if share <= 0.0 { SILENCE_DB } else { (10.0 * share.log10()).round().max(f64::from(SILENCE_DB)) as i16 }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0 to 1000")]
fn per_mille(score: f32) -> u16 {
    (score.clamp(0.0, 1.0) * 1_000.0) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Something between noise and a hum, as loud as asked for.
    fn hum(ms: u32, amplitude: i16) -> Vec<i16> {
        (0..ms * 16).map(|at| if at / 40 % 2 == 0 { amplitude } else { -amplitude }).collect()
    }

    #[test]
    fn levels_are_decibels_below_full_scale() {
        assert_eq!(level_db(&[0; FRAME]), SILENCE_DB);
        assert_eq!(level_db(&[i16::MIN; FRAME]), 0);
        assert_eq!(level_db(&[3_277; FRAME]), -20);
        let mut listener = Listener::new(Expected::Sentence);
        listener.hear(&hum(160, 3_277));
        assert_eq!(listener.level(), 6);
        assert_eq!(listener.level(), 0, "what was shown is over");
        listener.hear(&hum(160, 3));
        assert_eq!(listener.level(), 0);
    }

    #[test]
    fn a_silent_room_is_no_speech_however_the_samples_arrive() {
        for chunk in [7, 256, 5_000] {
            let mut listener = Listener::new(Expected::Sentence);
            assert!(!listener.has_heard());
            let ends: Vec<End> = hum(6_000, 2).chunks(chunk).filter_map(|part| listener.hear(part)).collect();
            assert_eq!(ends.first(), Some(&End::NoSpeech), "chunks of {chunk}");
            assert!(listener.has_heard());
        }
    }

    #[test]
    fn what_was_heard_never_moves_in_memory_nor_grows_beyond_the_cap() {
        let mut listener = Listener::new(Expected::Sentence);
        let at = listener.sound.0.as_ptr();
        for _ in 0..40 {
            listener.hear(&hum(1_000, 5));
        }
        assert_eq!(listener.sound.0.as_ptr(), at);
        assert!(listener.into_sound().0.len() <= 16 * 15_000 + FRAME);
    }
}
