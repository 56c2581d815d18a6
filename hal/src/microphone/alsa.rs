//! A microphone of the machine, through ALSA.
//!
//! The host is named, because another one that happens to be compiled in would go first. Whether there is a microphone
//! is not whether one is listed: without a card ALSA still lists its plugins, and only opening one tells.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use cpal::traits::{DeviceTrait as _, HostTrait as _, StreamTrait as _};
use cpal::{BufferSize, DeviceId, ErrorKind, HostId, StreamConfig};

use super::resample::Converter;
use super::ring::{Taker, ring};
use super::{Losses, Microphone, MicrophoneError, RATE};

/// How much sound the ring holds, in ms: longer than the thread that empties it ever sleeps.
const RING_MS: u32 = 500;

/// How long a card may take to begin.
const OPEN_WITHIN: Duration = Duration::from_secs(2);

/// What is asked of a card, the best first: rate and channels. Sixteen bits always.
const FORMS: [(u32, u16); 8] =
    [(RATE, 1), (RATE, 2), (48_000, 1), (48_000, 2), (44_100, 1), (44_100, 2), (RATE, 6), (48_000, 6)];

/// A card by its name in ALSA.
pub struct AlsaMicrophone {
    device: String,
    /// From 0.
    channel: u16,
    open: Option<Open>,
    losses: Losses,
}

struct Open {
    stream: cpal::Stream,
    taker: Taker,
    converter: Converter,
    state: Arc<State>,
    raw: Vec<i16>,
}

/// What the card's thread tells.
#[derive(Default)]
struct State {
    is_lost: AtomicBool,
    xruns: AtomicU64,
}

impl AlsaMicrophone {
    /// The device of this name, `default` or as `arecord -L` lists it; `channel`, from 1, of those that it has.
    pub fn new(device: &str, channel: u16) -> Self {
        let channel = channel.saturating_sub(1);
        Self { device: device.to_owned(), channel, open: None, losses: Losses::default() }
    }

    fn device(&self) -> Result<cpal::Device, MicrophoneError> {
        let host = cpal::host_from_id(HostId::Alsa).map_err(MicrophoneError::NoHost)?;
        let absent = || MicrophoneError::Absent(self.device.clone());
        if self.device == "default" {
            return host.default_input_device().ok_or_else(absent);
        }
        host.device_by_id(&DeviceId::new(HostId::Alsa, &self.device)).ok_or_else(absent)
    }

    fn failed(&self, source: cpal::Error) -> MicrophoneError {
        match source.kind() {
            ErrorKind::DeviceNotAvailable => MicrophoneError::Absent(self.device.clone()),
            ErrorKind::UnsupportedConfig => MicrophoneError::Form(self.device.clone()),
            _ => MicrophoneError::Open { device: self.device.clone(), source },
        }
    }

    fn build(&self, device: &cpal::Device, rate: u32, channels: u16) -> Result<Open, cpal::Error> {
        let samples = usize::try_from(rate * u32::from(channels) * RING_MS / 1_000).unwrap_or(usize::MAX);
        let (mut pusher, taker) = ring(samples);
        let state = Arc::new(State::default());
        let told = Arc::clone(&state);
        let config = StreamConfig { channels, sample_rate: rate, buffer_size: BufferSize::Default };
        let stream = device.build_input_stream(
            config,
            move |sound: &[i16], _: &cpal::InputCallbackInfo| pusher.push(sound),
            move |error| match error.kind() {
                ErrorKind::Xrun => drop(told.xruns.fetch_add(1, Ordering::Relaxed)),
                ErrorKind::RealtimeDenied | ErrorKind::DeviceChanged => {}
                _ => told.is_lost.store(true, Ordering::Relaxed),
            },
            Some(OPEN_WITHIN),
        )?;
        let converter = Converter::new(rate, channels, self.channel)
            .map_err(|_| cpal::Error::from(ErrorKind::UnsupportedConfig))?;
        Ok(Open { stream, taker, converter, state, raw: Vec::new() })
    }
}

/// ALSA tells what it could not open on standard error, for each place where it looked. While this lives, and on this
/// thread, it does not.
fn quiet() -> impl Drop {
    struct Quiet(
        #[expect(dead_code, reason = "held")] Option<std::rc::Rc<std::cell::RefCell<::alsa::Output>>>,
    );
    impl Drop for Quiet {
        fn drop(&mut self) {}
    }
    Quiet(::alsa::Output::local_error_handler().ok())
}

impl Microphone for AlsaMicrophone {
    fn name(&self) -> String {
        self.device.clone()
    }

    fn look(&mut self) -> Result<(), MicrophoneError> {
        let _quiet = quiet();
        let config = self.device()?.default_input_config();
        config.map(drop).map_err(|error| self.failed(error))
    }

    fn open(&mut self, _now: Duration) -> Result<(), MicrophoneError> {
        let _quiet = quiet();
        self.close();
        let device = self.device()?;
        let mut most = None;
        for (rate, channels) in FORMS {
            let built = match self.build(&device, rate, channels) {
                Ok(_) if channels <= self.channel => {
                    most = most.max(Some(channels));
                    continue;
                }
                built => built.and_then(|open| open.stream.play().map(|()| open)),
            };
            match built {
                Ok(open) => {
                    self.open = Some(open);
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::UnsupportedConfig => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
        Err(match most {
            Some(channels) => {
                MicrophoneError::Channel { device: self.device.clone(), channels, wanted: self.channel + 1 }
            }
            None => MicrophoneError::Form(self.device.clone()),
        })
    }

    fn read(&mut self, _now: Duration, sound: &mut Vec<i16>) -> Result<(), MicrophoneError> {
        let open = self.open.as_mut().ok_or(MicrophoneError::Closed)?;
        open.taker.take(&mut open.raw);
        open.converter.convert(&mut open.raw, sound);
        if open.state.is_lost.load(Ordering::Relaxed) {
            self.close();
            return Err(MicrophoneError::Lost(self.device.clone()));
        }
        Ok(())
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            self.losses.xruns += open.state.xruns.load(Ordering::Relaxed);
            self.losses.dropped += open.taker.dropped();
        }
    }

    fn losses(&self) -> Losses {
        let open = self.open.as_ref();
        Losses {
            xruns: self.losses.xruns + open.map_or(0, |open| open.state.xruns.load(Ordering::Relaxed)),
            dropped: self.losses.dropped + open.map_or(0, |open| open.taker.dropped()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_no_card_has_is_told() {
        let mut microphone = AlsaMicrophone::new("hw:CARD=nothing-of-that-name,DEV=0", 1);
        for error in [microphone.look().unwrap_err(), microphone.open(Duration::ZERO).unwrap_err()] {
            assert!(matches!(error, MicrophoneError::Absent(_)), "{error:?}");
        }
        assert!(matches!(microphone.read(Duration::ZERO, &mut Vec::new()), Err(MicrophoneError::Closed)));
        assert_eq!(microphone.losses(), Losses::default());
    }
}
