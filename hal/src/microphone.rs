//! Where speech comes from: one channel, 16 kHz, 16 bit, in memory only.
//!
//! ```text
//!   card ── callback ──► ring (bounded, no lock) ──► channel ──► 16 kHz ──► Microphone::read
//!   file ── clock ────────────────────────────────► channel ──► 16 kHz ──► Microphone::read
//! ```
//! A microphone is open between [`Microphone::open`] and [`Microphone::close`] and at no other time: what nobody asked
//! for is never captured. Samples are overwritten when they were handed over and when a buffer is dropped.

mod alsa;
mod pace;
mod recording;
mod resample;
mod ring;

use std::path::PathBuf;
use std::time::Duration;

pub use alsa::AlsaMicrophone;
pub use recording::Recording;

/// Samples a second that a microphone hands over.
pub const RATE: u32 = 16_000;

/// Sound in, from a card or a file. It blocks nowhere longer than opening a card takes.
pub trait Microphone {
    /// What it is, for status pages.
    fn name(&self) -> String;

    /// Whether it could be opened now. No sample is taken.
    ///
    /// # Errors
    /// Why it could not.
    fn look(&mut self) -> Result<(), MicrophoneError>;

    /// Begins to capture. `now`: the caller's clock, from whatever start; it never goes back.
    ///
    /// # Errors
    /// It is not there, busy, or has no rate that is understood.
    fn open(&mut self, now: Duration) -> Result<(), MicrophoneError>;

    /// Appends what has arrived, at [`RATE`]. Never waits.
    ///
    /// # Errors
    /// It was unplugged, or is not open. It is closed afterwards.
    fn read(&mut self, now: Duration, sound: &mut Vec<i16>) -> Result<(), MicrophoneError>;

    /// Ends capturing; what was not read is overwritten. Closing a closed one does nothing.
    fn close(&mut self);

    /// What went wrong without ending anything.
    fn losses(&self) -> Losses;
}

/// Counts since the program started; they never go down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Times the card had samples and nobody fetched them in time.
    pub xruns: u64,
    /// Samples that did not fit into the ring.
    pub dropped: u64,
}

/// Why a microphone cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MicrophoneError {
    /// There is no sound system on this machine.
    #[error("this machine has no ALSA")]
    NoHost(#[source] cpal::Error),
    /// No device of this name, or unplugged.
    #[error("there is no microphone {0}")]
    Absent(String),
    /// It is there and cannot be opened now.
    #[error("the microphone {device} cannot be opened")]
    Open {
        /// Which.
        device: String,
        /// Why.
        #[source]
        source: cpal::Error,
    },
    /// It captures at no rate and in no form that is understood.
    #[error(
        "the microphone {0} has neither 16, 48 nor 44.1 kHz with 16 bits; \"plughw:\" before its name converts"
    )]
    Form(String),
    /// It has fewer channels than the settings ask for.
    #[error("the microphone {device} has {channels} channels, no channel {wanted}")]
    Channel {
        /// Which.
        device: String,
        /// How many it has.
        channels: u16,
        /// Which was wanted, from 1.
        wanted: u16,
    },
    /// It broke off, because it was unplugged or the machine slept.
    #[error("the microphone {0} broke off")]
    Lost(String),
    /// It is closed.
    #[error("the microphone is not open")]
    Closed,
    /// A file cannot be read, or is no WAV file.
    #[error("cannot read the sound file {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: hound::Error,
    },
    /// A file has another form.
    #[error(
        "{path} is no WAV file of 16 bits with at most {channels_max} channels and {seconds_max} s",
        channels_max = recording::CHANNELS_MAX,
        seconds_max = recording::SECONDS_MAX
    )]
    FileForm {
        /// The file.
        path: PathBuf,
    },
    /// Its rate cannot be converted.
    #[error("sound of {rate} Hz cannot be converted to 16 kHz")]
    Rate {
        /// Samples a second.
        rate: u32,
    },
}
