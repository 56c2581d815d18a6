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

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, VecDeque};
    use std::sync::mpsc::sync_channel;
    use std::sync::{Arc, Mutex};

    use domain::effect::VoiceEffect;
    use hal::microphone::Losses;
    use jiff::tz::TimeZone;

    use super::super::super::Context;
    use super::*;
    use crate::board::Board;
    use crate::clock::ShopClock;
    use crate::core::{self, CoreQueue};
    use crate::supervisor::Supervisor;

    /// For whatever a thread has to do.
    const SOON: Duration = Duration::from_secs(10);

    /// What the microphone does, in order; when nothing is left it is there and silent.
    #[derive(Default)]
    struct Script {
        looks: VecDeque<bool>,
        reads: VecDeque<bool>,
        is_open: bool,
        opened: u32,
    }

    struct Scripted(Arc<Mutex<Script>>);

    fn lost() -> MicrophoneError {
        MicrophoneError::Lost("the one of the test".into())
    }

    impl Microphone for Scripted {
        fn name(&self) -> String {
            "scripted".into()
        }

        fn look(&mut self) -> Result<(), MicrophoneError> {
            let is_there = self.0.lock().unwrap().looks.pop_front().unwrap_or(true);
            if is_there { Ok(()) } else { Err(lost()) }
        }

        fn open(&mut self, _now: Duration) -> Result<(), MicrophoneError> {
            let mut script = self.0.lock().unwrap();
            (script.is_open, script.opened) = (true, script.opened + 1);
            Ok(())
        }

        fn read(&mut self, _now: Duration, sound: &mut Vec<i16>) -> Result<(), MicrophoneError> {
            let mut script = self.0.lock().unwrap();
            assert!(script.is_open, "it is read while it is closed");
            sound.resize(1_024, 1);
            if script.reads.pop_front().unwrap_or(true) { Ok(()) } else { Err(lost()) }
        }

        fn close(&mut self) {
            self.0.lock().unwrap().is_open = false;
        }

        fn losses(&self) -> Losses {
            Losses::default()
        }
    }

    /// A running thread with what it is connected to. The recogniser is there.
    struct Bench {
        orders: SyncSender<VoiceEffect>,
        core: CoreQueue,
        script: Arc<Mutex<Script>>,
        _jobs: Receiver<Job>,
        supervisor: Supervisor,
        _runtime: tokio::runtime::Runtime,
    }

    impl Bench {
        fn start(script: Script) -> Self {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let supervisor = Supervisor::new(runtime.handle().clone());
            let (core, queue) = core::channel();
            let clock = ShopClock::new(TimeZone::UTC, 4);
            let context = Context { core, board: Board::default(), clock };
            let presence = Presence::new(context.clone());
            presence.recogniser(true);
            let script = Arc::new(Mutex::new(script));
            let life = Life::new("microphone", context, supervisor.shutdown());
            let (jobs, taken) = sync_channel(4);
            let ear = Ear::new(Box::new(Scripted(Arc::clone(&script))), life, presence, jobs);
            let (orders, from_core) = sync_channel(4);
            let run = move || {
                ear.run(&from_core);
                Ok(())
            };
            supervisor.thread("microphone", run).unwrap();
            Self { orders, core: queue, script, _jobs: taken, supervisor, _runtime: runtime }
        }

        fn listen(&self, turn: u32) {
            let parts = protocol_catalog();
            let hidden = Arc::new(BTreeSet::new());
            let listen = VoiceEffect::Listen { turn, scene: Scene::Menu, catalog: parts, hidden };
            self.orders.send(listen).unwrap();
        }

        /// The next report that is no level.
        fn told(&self) -> VoiceInput {
            loop {
                match self.core.next(SOON).expect("it tells something") {
                    Input::Voice(VoiceInput::Level { .. }) => {}
                    Input::Voice(told) => return told,
                    other => panic!("{other:?}"),
                }
            }
        }

        fn is_open(&self) -> bool {
            self.script.lock().unwrap().is_open
        }
    }

    impl Drop for Bench {
        fn drop(&mut self) {
            self.supervisor.stop();
        }
    }

    fn protocol_catalog() -> Arc<domain::catalog::Catalog> {
        let text = std::fs::read_to_string("../catalog/alder-and-rye/catalog.json").unwrap();
        Arc::new(protocol::catalog::parse_json(&text, "catalog").unwrap().into_domain().unwrap())
    }

    #[test]
    fn a_microphone_that_breaks_off_is_told_and_looked_for_until_it_is_back() {
        let looks = VecDeque::from([true, false, false]);
        let reads = VecDeque::from([true, true, false]);
        let bench = Bench::start(Script { looks, reads, ..Script::default() });
        assert_eq!(bench.told(), VoiceInput::Available(true));
        bench.listen(7);
        assert_eq!(bench.told(), VoiceInput::Available(false));
        assert_eq!(bench.told(), VoiceInput::Failed { turn: 7, why: Failure::Gone });
        assert_eq!(bench.told(), VoiceInput::Available(true), "after two looks in vain");
        assert!(!bench.is_open(), "looking opens nothing");
    }

    #[test]
    fn a_release_without_speech_is_silence_and_closes_the_microphone() {
        let bench = Bench::start(Script::default());
        assert_eq!(bench.told(), VoiceInput::Available(true));
        bench.listen(3);
        bench.orders.send(VoiceEffect::Release { turn: 2 }).unwrap();
        bench.orders.send(VoiceEffect::Release { turn: 3 }).unwrap();
        assert_eq!(bench.told(), VoiceInput::Failed { turn: 3, why: Failure::Silence });
        assert!(!bench.is_open());
    }

    #[test]
    fn a_closed_utterance_tells_nothing_and_the_next_one_is_listened_to() {
        let bench = Bench::start(Script::default());
        assert_eq!(bench.told(), VoiceInput::Available(true));
        bench.listen(1);
        bench.orders.send(VoiceEffect::Close { turn: 1 }).unwrap();
        bench.listen(2);
        bench.listen(4);
        bench.orders.send(VoiceEffect::Release { turn: 4 }).unwrap();
        assert_eq!(bench.told(), VoiceInput::Failed { turn: 4, why: Failure::Silence });
        assert_eq!((bench.is_open(), bench.script.lock().unwrap().opened), (false, 3));
    }
}
