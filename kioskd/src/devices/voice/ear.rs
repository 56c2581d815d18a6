//! The thread of the microphone: opens it for one utterance, finds its end, closes it.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use domain::Input;
use domain::effect::VoiceEffect;
use domain::input::VoiceInput;
use domain::spoken::{Failure, LISTEN_MS_MAX, Scene};
use hal::microphone::{Microphone, MicrophoneError};
use hal::status::DeviceState;
use voice::endpoint::{End, Expected};
use voice::listen::Listener;
use zeroize::Zeroize as _;

use super::super::life::Life;
use super::mind::Job;
use super::{Presence, Subject};

/// How often an open microphone is emptied.
const READ_EVERY: Duration = Duration::from_millis(20);

/// How often the screen hears how loud it is.
const LEVEL_EVERY: Duration = Duration::from_millis(120);

/// How often it is looked whether the microphone is still there, while nobody speaks.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The end of the program is noticed within this.
const WAKE_EVERY: Duration = Duration::from_millis(500);

pub(super) struct Ear {
    microphone: Box<dyn Microphone + Send>,
    life: Life,
    presence: Presence,
    mind: SyncSender<Job>,
    look_at: Duration,
}

/// What ended an open microphone.
enum Ended {
    /// The utterance: why, and what was heard.
    Said(End, Listener),
    /// The core wants nothing of it any more; it may want something else.
    Closed(Option<VoiceEffect>),
    /// The microphone broke.
    Lost(MicrophoneError),
    /// The program ends.
    Stopped,
}

impl Ear {
    pub(super) fn new(
        microphone: Box<dyn Microphone + Send>,
        life: Life,
        presence: Presence,
        mind: SyncSender<Job>,
    ) -> Self {
        Self { microphone, life, presence, mind, look_at: Duration::ZERO }
    }

    pub(super) fn run(mut self, orders: &Receiver<VoiceEffect>) {
        let shutdown = self.life.shutdown();
        let mut next = None;
        while !shutdown.is_set() {
            self.look();
            next = match next.take().map_or_else(|| orders.recv_timeout(WAKE_EVERY), Ok) {
                Ok(VoiceEffect::Listen { turn, scene, catalog, hidden }) => {
                    self.listen(turn, Subject { scene, catalog, hidden }, orders)
                }
                // Of an utterance that is over.
                Ok(VoiceEffect::Release { .. } | VoiceEffect::Close { .. }) => None,
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => {
                    // The core has ended, and the program with it.
                    std::thread::sleep(WAKE_EVERY);
                    None
                }
            };
        }
    }

    /// Looks after the microphone without opening it, now and then.
    fn look(&mut self) {
        let now = self.life.mono();
        if now < self.look_at {
            return;
        }
        let wait = match self.microphone.look() {
            Ok(()) => {
                self.is_there();
                LOOK_EVERY
            }
            Err(error) => self.is_gone(&error),
        };
        self.look_at = now + wait;
    }

    fn is_there(&mut self) {
        let losses = self.microphone.losses();
        let name = self.microphone.name();
        self.life.status().detail = match losses.xruns + losses.dropped {
            0 => name,
            _ => format!("{name}; {} gaps, {} samples lost", losses.xruns, losses.dropped),
        };
        self.life.enter(DeviceState::Ready);
        self.presence.microphone(true);
    }

    /// Tells so; returns how long to wait before it is looked for again.
    fn is_gone(&mut self, error: &MicrophoneError) -> Duration {
        self.life.status().detail = self.microphone.name();
        self.life.failed(error);
        self.life.enter(DeviceState::Absent);
        self.presence.microphone(false);
        self.life.pause()
    }

    /// One utterance. Returns an order that came instead of its end.
    fn listen(&mut self, turn: u32, subject: Subject, orders: &Receiver<VoiceEffect>) -> Option<VoiceEffect> {
        self.life.status().counters.jobs += 1;
        if let Err(error) = self.microphone.open(self.life.mono()) {
            self.broke(turn, &error);
            return None;
        }
        self.life.status().counters.opened += 1;
        self.life.mark_opened();
        // While the customer speaks. A full queue prepares it later.
        drop(self.mind.try_send(Job::Prepare(subject.clone())));
        let expected = match subject.scene {
            Scene::Menu => Expected::Sentence,
            Scene::Item | Scene::Chips(_) => Expected::Word,
        };
        let ended = self.hear(turn, Listener::new(expected), orders);
        self.microphone.close();
        match ended {
            Ended::Said(End::NoSpeech, _) => self.failed(turn, Failure::Silence),
            Ended::Said(End::Released | End::Silence | End::TooLong, listener) => {
                self.life.tell(Input::Voice(VoiceInput::Over { turn }));
                let job = Job::Hear { turn, subject, sound: listener.into_sound() };
                if self.mind.try_send(job).is_err() {
                    self.failed(turn, Failure::Gone);
                }
            }
            Ended::Lost(error) => self.broke(turn, &error),
            Ended::Closed(next) => return next,
            Ended::Stopped => {}
        }
        None
    }

    fn hear(&mut self, turn: u32, mut listener: Listener, orders: &Receiver<VoiceEffect>) -> Ended {
        let began = self.life.mono();
        let mut level_at = began;
        // As much as one reading ever brings, so that no copies are left behind as it grows.
        let mut sound = Vec::with_capacity(1 << 15);
        let shutdown = self.life.shutdown();
        loop {
            match orders.recv_timeout(READ_EVERY) {
                Ok(VoiceEffect::Release { turn: released }) if released == turn => listener.release(),
                Ok(VoiceEffect::Close { turn: closed }) if closed == turn => return Ended::Closed(None),
                Ok(next @ VoiceEffect::Listen { .. }) => return Ended::Closed(Some(next)),
                Ok(VoiceEffect::Release { .. } | VoiceEffect::Close { .. }) => {}
                Err(RecvTimeoutError::Timeout) if !shutdown.is_set() => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ended::Stopped,
            }
            let now = self.life.mono();
            let read = self.microphone.read(now, &mut sound);
            let end = listener.hear(&sound);
            sound.zeroize();
            if let Some(end) = end {
                return Ended::Said(end, listener);
            }
            if let Err(error) = read {
                return Ended::Lost(error);
            }
            // A microphone that is open and silent in every sense: the core has given up before.
            if now.saturating_sub(began) > Duration::from_millis(LISTEN_MS_MAX) {
                return Ended::Said(End::NoSpeech, listener);
            }
            if now >= level_at && listener.has_heard() {
                level_at = now + LEVEL_EVERY;
                self.life.tell(Input::Voice(VoiceInput::Level { turn, level: listener.level() }));
            }
        }
    }

    fn broke(&mut self, turn: u32, error: &MicrophoneError) {
        self.life.status().counters.failed += 1;
        let pause = self.is_gone(error);
        self.look_at = self.life.mono() + pause;
        self.failed(turn, Failure::Gone);
    }

    fn failed(&self, turn: u32, why: Failure) {
        self.life.tell(Input::Voice(VoiceInput::Failed { turn, why }));
    }
}
