//! A WAV file in place of a microphone, for demos and tests: as fast as somebody speaks, by the clock handed in.

use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroize as _;

use super::pace::Pace;
use super::resample::Converter;
use super::{Losses, Microphone, MicrophoneError};

/// Longest file: no utterance is longer than fifteen seconds.
pub(super) const SECONDS_MAX: u32 = 60;
/// Most channels of a file.
pub(super) const CHANNELS_MAX: u16 = 8;

/// A WAV file, read anew each time it is opened; behind its end it is silent. Its first channel counts.
pub struct Recording {
    path: PathBuf,
    playing: Option<Playing>,
}

struct Playing {
    /// Interleaved, as in the file.
    samples: Vec<i16>,
    at: usize,
    channels: usize,
    pace: Pace,
    converter: Converter,
    /// Silence of a card is never all zeros, which some recognisers stumble over.
    dither: Dither,
}

impl Recording {
    /// This file.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), playing: None }
    }

    fn load(&self, now: Duration) -> Result<Playing, MicrophoneError> {
        let fault = |source| MicrophoneError::File { path: self.path.clone(), source };
        let wrong = || MicrophoneError::FileForm { path: self.path.clone() };
        let mut reader = hound::WavReader::open(&self.path).map_err(fault)?;
        let form = reader.spec();
        let is_pcm = form.bits_per_sample == 16 && form.sample_format == hound::SampleFormat::Int;
        let is_short = reader.duration() <= SECONDS_MAX.saturating_mul(form.sample_rate);
        if !is_pcm || !is_short || !(1..=CHANNELS_MAX).contains(&form.channels) {
            return Err(wrong());
        }
        Ok(Playing {
            samples: reader.samples().collect::<Result<_, _>>().map_err(fault)?,
            at: 0,
            channels: usize::from(form.channels),
            pace: Pace::new(form.sample_rate, now),
            converter: Converter::new(form.sample_rate, form.channels, 0)?,
            dither: Dither(1),
        })
    }
}

impl Microphone for Recording {
    fn name(&self) -> String {
        format!("the file {}", self.path.display())
    }

    fn look(&mut self) -> Result<(), MicrophoneError> {
        let fault = |source| MicrophoneError::File { path: self.path.clone(), source };
        hound::WavReader::open(&self.path).map(drop).map_err(fault)
    }

    fn open(&mut self, now: Duration) -> Result<(), MicrophoneError> {
        self.close();
        self.playing = Some(self.load(now)?);
        Ok(())
    }

    fn read(&mut self, now: Duration, sound: &mut Vec<i16>) -> Result<(), MicrophoneError> {
        let playing = self.playing.as_mut().ok_or(MicrophoneError::Closed)?;
        let frames = usize::try_from(playing.pace.due(now)).unwrap_or(usize::MAX);
        let wanted = frames.saturating_mul(playing.channels);
        let end = playing.at.saturating_add(wanted).min(playing.samples.len());
        let mut due = playing.samples[playing.at..end].to_vec();
        let silent = (wanted - due.len()).min(most(playing.channels));
        due.extend((0..silent).map(|_| playing.dither.next()));
        playing.at = end;
        playing.converter.convert(&mut due, sound);
        Ok(())
    }

    fn close(&mut self) {
        self.playing = None;
    }

    fn losses(&self) -> Losses {
        Losses::default()
    }
}

impl Drop for Playing {
    fn drop(&mut self) {
        self.samples.zeroize();
    }
}

/// Silence of one call at most: a caller that slept for an hour does not get an hour of it.
fn most(channels: usize) -> usize {
    48_000 * channels
}

/// Values of −1, 0 and 1, the same in every run.
struct Dither(u32);

impl Dither {
    fn next(&mut self) -> i16 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        match self.0 >> 30 {
            0 => -1,
            1 => 1,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wav(dir: &Path, rate: u32, channels: u16, frames: &[i16]) -> PathBuf {
        let path = dir.join("said.wav");
        let spec = hound::WavSpec {
            channels,
            sample_rate: rate,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(&path, spec).unwrap();
        frames.iter().for_each(|sample| writer.write_sample(*sample).unwrap());
        writer.finalize().unwrap();
        path
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_file_comes_as_fast_as_somebody_speaks_and_then_it_is_silent() {
        let dir = tempfile::tempdir().unwrap();
        let said: Vec<i16> = (0..1_600).map(|at| 1_000 + at).collect();
        let mut microphone = Recording::new(&wav(dir.path(), 16_000, 1, &said));
        let mut sound = Vec::new();
        microphone.open(ms(500)).unwrap();
        microphone.read(ms(500), &mut sound).unwrap();
        assert!(sound.is_empty());
        microphone.read(ms(540), &mut sound).unwrap();
        assert_eq!(sound, said[..640]);
        microphone.read(ms(700), &mut sound).unwrap();
        assert_eq!(sound.len(), 3_200);
        assert_eq!(sound[..1_600], said);
        let silence = &sound[1_600..];
        assert!(silence.iter().all(|sample| sample.abs() <= 1) && silence.contains(&1));
    }

    #[test]
    fn each_opening_plays_it_from_the_start_and_a_closed_one_gives_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut microphone = Recording::new(&wav(dir.path(), 16_000, 2, &[5, 50, 6, 60, 7, 70]));
        for _ in 0..2 {
            let mut sound = Vec::new();
            microphone.open(ms(0)).unwrap();
            microphone.read(Duration::from_micros(190), &mut sound).unwrap();
            assert_eq!(sound, [5, 6, 7]);
        }
        microphone.close();
        assert!(matches!(microphone.read(ms(9), &mut Vec::new()), Err(MicrophoneError::Closed)));
    }

    #[test]
    fn what_is_no_sound_file_or_not_there_is_refused_with_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let mut microphone = Recording::new(&dir.path().join("said.wav"));
        assert!(microphone.look().is_err());
        std::fs::write(dir.path().join("said.wav"), b"not a sound").unwrap();
        let error = microphone.open(ms(0)).unwrap_err();
        assert!(error.to_string().contains("said.wav"), "{error}");
        let long = vec![0; 61 * 8_000];
        let mut microphone = Recording::new(&wav(dir.path(), 8_000, 1, &long));
        assert!(matches!(microphone.open(ms(0)), Err(MicrophoneError::FileForm { .. })));
    }
}
