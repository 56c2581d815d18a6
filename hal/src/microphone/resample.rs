//! From a card's rate to 16 kHz.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler as _};
use zeroize::Zeroize as _;

use super::{MicrophoneError, RATE};

/// Samples that are converted at a time, at the card's rate: 20 ms of 48 kHz.
const CHUNK: usize = 960;

/// Takes one of several channels, and converts its rate. What it holds between two calls is less than a chunk.
pub(super) struct Converter {
    channels: usize,
    channel: usize,
    rate: Option<Rate>,
    /// Samples of an incomplete frame, all channels.
    rest: Vec<i16>,
}

struct Rate {
    fft: Fft<f32>,
    waiting: Vec<f32>,
    converted: Vec<f32>,
}

impl Converter {
    /// For sound of this rate with so many channels, of which the one at `channel`, from 0, is kept.
    pub(super) fn new(rate: u32, channels: u16, channel: u16) -> Result<Self, MicrophoneError> {
        let rate = if rate == RATE { None } else { Some(Rate::new(rate)?) };
        Ok(Self {
            channels: usize::from(channels.max(1)),
            channel: usize::from(channel),
            rate,
            rest: Vec::new(),
        })
    }

    /// Appends the converted sound to `out` and overwrites what it was given.
    pub(super) fn convert(&mut self, sound: &mut Vec<i16>, out: &mut Vec<i16>) {
        self.rest.append(sound);
        sound.zeroize();
        let whole = self.rest.len() / self.channels * self.channels;
        let channel =
            self.rest[..whole].chunks_exact(self.channels).filter_map(|frame| frame.get(self.channel));
        match &mut self.rate {
            None => out.extend(channel),
            Some(rate) => {
                rate.waiting.extend(channel.map(|sample| f32::from(*sample)));
                rate.convert(out);
            }
        }
        self.rest[..whole].zeroize();
        self.rest.drain(..whole);
    }
}

impl Rate {
    fn new(rate: u32) -> Result<Self, MicrophoneError> {
        let wrong = || MicrophoneError::Rate { rate };
        let (from, to) = (usize::try_from(rate).map_err(|_| wrong())?, 16_000);
        if !(8_000..=192_000).contains(&from) {
            return Err(wrong());
        }
        let fft = Fft::new(from, to, CHUNK, 1, FixedSync::Input).map_err(|_| wrong())?;
        let converted = vec![0.0; fft.output_frames_max()];
        Ok(Self { fft, waiting: Vec::new(), converted })
    }

    fn convert(&mut self, out: &mut Vec<i16>) {
        loop {
            let needed = self.fft.input_frames_next();
            if self.waiting.len() < needed {
                return;
            }
            let room = self.converted.len();
            let from = InterleavedSlice::new(&self.waiting[..needed], 1, needed);
            let to = InterleavedSlice::new_mut(&mut self.converted, 1, room);
            let (Ok(from), Ok(mut to)) = (from, to) else { return };
            let written =
                self.fft.process_into_buffer(&from, &mut to, None).map_or(0, |(_, written)| written);
            out.extend(self.converted[..written].iter().map(|sample| sample_of(*sample)));
            self.waiting[..needed].zeroize();
            self.waiting.drain(..needed);
        }
    }
}

/// The nearest sample; what is louder than full scale is cut.
#[expect(clippy::cast_possible_truncation, reason = "within the range of the type")]
fn sample_of(value: f32) -> i16 {
    value.round().clamp(f32::from(i16::MIN), f32::from(i16::MAX)) as i16
}

impl Drop for Converter {
    fn drop(&mut self) {
        self.rest.zeroize();
        if let Some(rate) = &mut self.rate {
            rate.waiting.zeroize();
            rate.converted.zeroize();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tone of so many Hz, at the rate.
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a test tone")]
    fn tone(hz: f32, rate: u32, ms: u32) -> Vec<i16> {
        let count = rate * ms / 1_000;
        (0..count)
            .map(|at| ((at as f32 * hz * std::f32::consts::TAU / rate as f32).sin() * 10_000.0) as i16)
            .collect()
    }

    fn converted(rate: u32, mut sound: Vec<i16>) -> Vec<i16> {
        let mut converter = Converter::new(rate, 1, 0).unwrap();
        let mut out = Vec::new();
        converter.convert(&mut sound, &mut out);
        out
    }

    fn power(sound: &[i16]) -> i64 {
        sound.iter().map(|sample| i64::from(*sample).pow(2)).sum::<i64>()
            / i64::try_from(sound.len().max(1)).unwrap()
    }

    #[test]
    fn what_has_the_rate_already_goes_through_untouched() {
        let sound = tone(440.0, RATE, 100);
        assert_eq!(converted(RATE, sound.clone()), sound);
    }

    #[test]
    fn a_voice_keeps_its_loudness_and_what_cannot_be_heard_at_16_khz_is_gone() {
        for rate in [48_000, 44_100, 22_050] {
            let voice = converted(rate, tone(1_000.0, rate, 1_000));
            let seconds = voice.len().abs_diff(16_000);
            assert!(seconds < 1_600, "{rate}: {} samples of a second", voice.len());
            let full = 50_000_000;
            assert!(power(&voice[2_000..12_000]).abs_diff(full) < 2_000_000, "{rate}");
        }
        let hiss = converted(48_000, tone(15_000.0, 48_000, 1_000));
        assert!(power(&hiss[2_000..12_000]) < 5_000, "{}", power(&hiss[2_000..12_000]));
    }

    #[test]
    fn the_channel_that_was_asked_for_is_kept_over_torn_frames() {
        let mut converter = Converter::new(RATE, 3, 1).unwrap();
        let mut out = Vec::new();
        for part in [vec![1, 10, 100, 2], vec![20], vec![200, 3, 30, 300]] {
            converter.convert(&mut part.clone(), &mut out);
        }
        assert_eq!(out, [10, 20, 30]);
    }

    #[test]
    fn rates_that_no_card_has_are_refused() {
        for rate in [0, 1, 7_999, 1_000_000] {
            assert!(Converter::new(rate, 1, 0).is_err(), "{rate}");
        }
    }
}
