//! When an utterance begins and ends: pure, frame by frame. What scores the frames (a voice activity detector) and
//! what measures their level are somebody else's.

use std::collections::VecDeque;

/// Length of a frame, in ms: 256 samples.
pub const FRAME_MS: u32 = 16;
/// End after the button was released, in ms: the last sound is often still on its way.
pub const RELEASE_TAIL_MS: u32 = 250;
/// Nothing said for so long closes the microphone, in ms.
pub const NO_SPEECH_MS: u32 = 5_000;
/// Longest utterance, in ms: a television never ends by itself.
pub const UTTERANCE_MS_MAX: u32 = 15_000;
/// Silence that ends an utterance where nobody tells whether the sentence is complete, in ms.
pub const END_SILENCE_MS: u32 = 900;
/// The same for a yes or no, in ms.
pub const END_SILENCE_SHORT_MS: u32 = 500;
/// Shortest speech that is sent, in ms.
pub const MIN_SPEECH_MS: u32 = 200;
/// The same where one short word is expected: "yes", "stop".
pub const MIN_SPEECH_SHORT_MS: u32 = 120;
/// Speech has to be so much louder than the room, in dB: who stands further away does not count.
pub const SPEECH_OVER_FLOOR_DB: i16 = 6;

/// Score of speech, in per mille.
const SPEECH_PM: u16 = 500;
/// So many of the last [`START_WINDOW`] frames are speech when it begins.
const START_FRAMES: usize = 3;
const START_WINDOW: usize = 5;
/// The room's level is the tenth part of the last three seconds that is quietest.
const FLOOR_FRAMES: usize = 187;

/// What one frame is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Frame {
    /// How much it is like speech, in per mille.
    pub speech_pm: u16,
    /// Its level, in dB below full scale: negative.
    pub level_db: i16,
}

/// What is expected: a sentence, or one short word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expected {
    /// An order.
    Sentence,
    /// Yes, no, a choice, a command.
    Word,
}

/// Why listening ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// The button was released, and speech was heard.
    Released,
    /// It became silent.
    Silence,
    /// The utterance was too long.
    TooLong,
    /// Nobody spoke, or too short to be a word: nothing is sent to a recogniser.
    NoSpeech,
}

/// One press of the button, from its first frame.
#[derive(Clone, Debug)]
pub struct EndPointer {
    expected: Expected,
    frames: u32,
    /// Frames since the release.
    released: Option<u32>,
    recent: VecDeque<bool>,
    levels: VecDeque<i16>,
    has_begun: bool,
    speech: u32,
    silence: u32,
}

impl EndPointer {
    /// The button was pressed.
    pub fn new(expected: Expected) -> Self {
        Self {
            expected,
            frames: 0,
            released: None,
            recent: VecDeque::with_capacity(START_WINDOW + 1),
            levels: VecDeque::with_capacity(FLOOR_FRAMES + 1),
            has_begun: false,
            speech: 0,
            silence: 0,
        }
    }

    /// The button was released.
    pub fn release(&mut self) {
        self.released.get_or_insert(0);
    }

    /// Whether somebody is speaking: for the screen, which shows what arrives and not what the button says.
    pub fn is_speech(&self) -> bool {
        self.has_begun && self.silence == 0
    }

    /// Takes the next frame; an end is final.
    pub fn frame(&mut self, frame: Frame) -> Option<End> {
        self.frames += 1;
        let is_speech = frame.speech_pm >= SPEECH_PM && frame.level_db >= self.floor() + SPEECH_OVER_FLOOR_DB;
        push(&mut self.levels, frame.level_db, FLOOR_FRAMES);
        push(&mut self.recent, is_speech, START_WINDOW);
        self.has_begun |= self.recent.iter().filter(|is_speech| **is_speech).count() >= START_FRAMES;
        self.speech += u32::from(is_speech);
        self.silence = if is_speech { 0 } else { self.silence + 1 };
        if let Some(frames) = &mut self.released {
            *frames += 1;
        }
        self.end()
    }

    fn end(&self) -> Option<End> {
        let (shortest, silence) = match self.expected {
            Expected::Sentence => (MIN_SPEECH_MS, END_SILENCE_MS),
            Expected::Word => (MIN_SPEECH_SHORT_MS, END_SILENCE_SHORT_MS),
        };
        let is_said = self.has_begun && self.speech * FRAME_MS >= shortest;
        let heard = |end| if is_said { end } else { End::NoSpeech };
        let is_released = self.released.is_some_and(|frames| frames * FRAME_MS >= RELEASE_TAIL_MS);
        if is_released {
            Some(heard(End::Released))
        } else if self.frames * FRAME_MS >= UTTERANCE_MS_MAX {
            Some(heard(End::TooLong))
        } else if is_said && self.silence * FRAME_MS >= silence {
            Some(End::Silence)
        } else if !is_said && self.silence * FRAME_MS >= NO_SPEECH_MS {
            Some(End::NoSpeech)
        } else {
            None
        }
    }

    /// Level of the room; before anything was heard that of a quiet one.
    fn floor(&self) -> i16 {
        const QUIET_DB: i16 = -70;
        let mut sorted: Vec<i16> = self.levels.iter().copied().collect();
        sorted.sort_unstable();
        // The first frames may already be speech: a floor needs a tenth of a second at least.
        if sorted.len() < START_WINDOW { QUIET_DB } else { sorted[sorted.len() / 10].min(LOUD_ROOM_DB) }
    }
}

/// A room is never taken to be louder: speech that fills the window would hide itself.
const LOUD_ROOM_DB: i16 = -35;

fn push<T>(queue: &mut VecDeque<T>, value: T, most: usize) {
    queue.push_back(value);
    if queue.len() > most {
        queue.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Frame = Frame { speech_pm: 20, level_db: -60 };
    const SPEECH: Frame = Frame { speech_pm: 900, level_db: -25 };
    /// The television: speech, but not louder than the room.
    const FAR: Frame = Frame { speech_pm: 900, level_db: -58 };

    /// Frames until the end, with the time that it took, in ms.
    fn run(pointer: &mut EndPointer, parts: &[(Frame, u32)]) -> Option<(End, u32)> {
        let mut ms = 0;
        for (frame, length_ms) in parts {
            for _ in 0..length_ms.div_ceil(FRAME_MS) {
                ms += FRAME_MS;
                if let Some(end) = pointer.frame(*frame) {
                    return Some((end, ms));
                }
            }
        }
        None
    }

    fn pressed(expected: Expected, parts: &[(Frame, u32)]) -> Option<(End, u32)> {
        run(&mut EndPointer::new(expected), parts)
    }

    #[test]
    fn silence_ends_a_sentence_and_a_pause_within_does_not() {
        let parts = [(QUIET, 300), (SPEECH, 600), (QUIET, 700), (SPEECH, 400), (QUIET, 2_000)];
        let (end, ms) = pressed(Expected::Sentence, &parts).unwrap();
        assert_eq!(end, End::Silence);
        assert!((2_900..=3_000).contains(&ms), "{ms}");
    }

    #[test]
    fn a_word_is_waited_for_less_and_may_be_short() {
        let parts = [(QUIET, 200), (SPEECH, 130), (QUIET, 3_000)];
        assert_eq!(pressed(Expected::Word, &parts).map(|(end, _)| end), Some(End::Silence));
        assert_eq!(pressed(Expected::Sentence, &parts), None);
    }

    #[test]
    fn the_release_ends_it_after_its_tail() {
        let mut pointer = EndPointer::new(Expected::Sentence);
        assert_eq!(run(&mut pointer, &[(QUIET, 200), (SPEECH, 500)]), None);
        assert!(pointer.is_speech());
        pointer.release();
        assert_eq!(run(&mut pointer, &[(SPEECH, 1_000)]), Some((End::Released, 256)));
        let mut pointer = EndPointer::new(Expected::Sentence);
        pointer.release();
        assert_eq!(run(&mut pointer, &[(QUIET, 1_000)]), Some((End::NoSpeech, 256)));
    }

    #[test]
    fn nobody_speaking_and_a_far_television_close_the_microphone() {
        assert_eq!(pressed(Expected::Sentence, &[(QUIET, 9_000)]), Some((End::NoSpeech, 5_008)));
        assert_eq!(
            pressed(Expected::Sentence, &[(QUIET, 500), (FAR, 9_000)]).map(|(end, _)| end),
            Some(End::NoSpeech)
        );
    }

    #[test]
    fn a_sentence_without_an_end_is_cut() {
        let (end, ms) = pressed(Expected::Sentence, &[(QUIET, 300), (SPEECH, 30_000)]).unwrap();
        assert_eq!((end, ms.div_ceil(100)), (End::TooLong, 151));
    }
}
