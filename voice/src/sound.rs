//! Sound in memory: 16 kHz, one channel, 16 bit.

use std::path::{Path, PathBuf};

use zeroize::Zeroize as _;

/// Samples a second.
pub const RATE: u32 = 16_000;

/// Longest file that is read, in samples: ten minutes.
const SAMPLES_MAX: u32 = 600 * RATE;

/// Samples that are overwritten when they are dropped. They can be neither printed nor stored.
#[derive(Clone, Default)]
pub struct Sound(pub Vec<i16>);

impl Drop for Sound {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// A sound file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SoundError {
    /// It cannot be read, or is no WAV file.
    #[error("cannot read the sound file {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: hound::Error,
    },
    /// It has another form.
    #[error("{path} has {rate} Hz, {channels} channels, {bits} bit: 16000 Hz, 1 channel, 16 bit are needed")]
    Form {
        /// The file.
        path: PathBuf,
        /// Samples a second.
        rate: u32,
        /// Channels.
        channels: u16,
        /// Bits of a sample.
        bits: u16,
    },
    /// It is longer than ten minutes.
    #[error("{0} is longer than ten minutes")]
    Long(PathBuf),
}

impl Sound {
    /// Reads a WAV file.
    ///
    /// # Errors
    /// As [`SoundError`] says.
    pub fn read_wav(path: &Path) -> Result<Self, SoundError> {
        let fault = |source| SoundError::Read { path: path.to_owned(), source };
        let mut reader = hound::WavReader::open(path).map_err(fault)?;
        let form = reader.spec();
        if (form.sample_rate, form.channels, form.bits_per_sample) != (RATE, 1, 16) {
            let (rate, channels, bits) = (form.sample_rate, form.channels, form.bits_per_sample);
            return Err(SoundError::Form { path: path.to_owned(), rate, channels, bits });
        }
        if reader.duration() > SAMPLES_MAX {
            return Err(SoundError::Long(path.to_owned()));
        }
        reader.samples().collect::<Result<Vec<i16>, _>>().map(Self).map_err(fault)
    }
}
