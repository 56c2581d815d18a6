//! The thread of the recogniser: keeps what can be said compiled, has utterances recognised, reads their words.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use domain::Input;
use domain::input::VoiceInput;
use domain::spoken::{Failure, Scene};
use domain::text::Lang;
use hal::status::DeviceState;
use voice::wyoming::{Client, ClientError, Request};
use voice::{Evidence, Lexicon, Matcher, Menu, Sayings, Screen, Sound, Thresholds};

use super::super::life::Life;
use super::meaning::{Meaning, meaning};
use super::{Presence, Subject};

/// How often a recogniser that is there is asked whether it still is, and one that is not whether it has come back.
const ASK_EVERY: Duration = Duration::from_secs(3);

/// The end of the program is noticed within this.
const WAKE_EVERY: Duration = Duration::from_millis(500);

/// Words that a recogniser without a grammar is told to expect.
const TERMS: usize = 100;

/// What the thread of the microphone wants.
pub(super) enum Job {
    /// This is going to be said.
    Prepare(Subject),
    /// This was.
    Hear {
        /// Number of the utterance.
        turn: u32,
        /// What it can be.
        subject: Subject,
        /// Its sound.
        sound: Sound,
    },
}

pub(super) struct Mind {
    client: Client,
    lang: Lang,
    dictionary: PathBuf,
    life: Life,
    presence: Presence,
    lexicon: Option<Lexicon>,
    compiled: Option<(Subject, Matcher)>,
    ask_at: Duration,
}

/// Why an utterance was not understood, when it is not the customer's doing.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Menu(#[from] voice::MenuTooLarge),
    #[error(transparent)]
    Net(#[from] voice::NetTooLarge),
    #[error("there is no dictionary")]
    Dictionary,
}

impl Mind {
    pub(super) fn new(
        client: Client,
        lang: Lang,
        dictionary: PathBuf,
        life: Life,
        presence: Presence,
    ) -> Self {
        Self {
            client,
            lang,
            dictionary,
            life,
            presence,
            lexicon: None,
            compiled: None,
            ask_at: Duration::ZERO,
        }
    }

    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        let shutdown = self.life.shutdown();
        self.life.status().detail = self.client.address().to_string();
        while !shutdown.is_set() {
            self.look();
            match jobs.recv_timeout(WAKE_EVERY) {
                Ok(Job::Prepare(subject)) => drop(self.compile(&subject)),
                Ok(Job::Hear { turn, subject, sound }) => self.hear(turn, &subject, &sound),
                Err(RecvTimeoutError::Timeout) => {}
                // The microphone's thread has ended, and the program with it.
                Err(RecvTimeoutError::Disconnected) => std::thread::sleep(WAKE_EVERY),
            }
        }
    }

    /// Looks after dictionary and recogniser, now and then.
    fn look(&mut self) {
        let now = self.life.mono();
        if now < self.ask_at {
            return;
        }
        self.ask_at = now + ASK_EVERY;
        if self.lexicon.is_none() {
            match Lexicon::read(&self.dictionary) {
                Ok(lexicon) => self.lexicon = Some(lexicon),
                Err(error) => return self.is_gone(&error),
            }
        }
        match self.client.describe() {
            Ok(_) => self.is_there(),
            Err(error) => self.is_gone(&error),
        }
    }

    fn is_there(&mut self) {
        self.life.enter(DeviceState::Ready);
        self.presence.recogniser(true);
    }

    fn is_gone(&mut self, error: &dyn std::error::Error) {
        self.life.failed(error);
        self.life.enter(DeviceState::Absent);
        self.presence.recogniser(false);
    }

    /// The matcher of a subject, compiled when it is another one than before.
    fn compile(&mut self, subject: &Subject) -> Result<&Matcher, Broken> {
        let is_same = self.compiled.as_ref().is_some_and(|(known, _)| known.is_same(subject));
        if !is_same {
            let lexicon = self.lexicon.as_ref().ok_or(Broken::Dictionary)?;
            let can_sell = |item: &domain::catalog::Item| !subject.hidden.contains(&item.id);
            let menu = Menu::of(&subject.catalog, &self.lang, &Sayings::default(), &can_sell)?;
            let matcher = Matcher::compile(lexicon, &menu, screen(subject.scene), Thresholds::default())?;
            self.compiled = Some((subject.clone(), matcher));
        }
        self.compiled.as_ref().map(|(_, matcher)| matcher).ok_or(Broken::Dictionary)
    }

    fn hear(&mut self, turn: u32, subject: &Subject, sound: &Sound) {
        self.life.status().counters.jobs += 1;
        let began = self.life.mono();
        let understood = self.understand(subject, sound);
        let ms = self.life.mono().saturating_sub(began).as_millis();
        let told = match understood {
            Ok(Meaning::Said(said)) => {
                self.life.status().counters.ok += 1;
                tracing::debug!(turn, ms, acts = said.acts.len(), sure = said.doubt.is_none(), "understood");
                VoiceInput::Heard { turn, said }
            }
            Ok(Meaning::Nothing(why)) => {
                tracing::debug!(turn, ms, ?why, "not understood");
                VoiceInput::Failed { turn, why }
            }
            Err(broken) => {
                self.life.status().counters.failed += 1;
                self.is_gone(&broken);
                VoiceInput::Failed { turn, why: Failure::Gone }
            }
        };
        self.life.publish();
        self.life.tell(Input::Voice(told));
    }

    fn understand(&mut self, subject: &Subject, sound: &Sound) -> Result<Meaning, Broken> {
        let (client, lang) = (self.client.clone(), self.lang.clone());
        let matcher = self.compile(subject)?;
        let (context, terms) = (matcher.recogniser_context(), matcher.bias(TERMS));
        let request = Request { language: lang.as_str(), context: Some(&context), terms: &terms };
        let heard = client.transcribe(request, &sound.0)?;
        let frame = matcher.hear(&heard.transcript, Evidence::of(heard.context.as_ref()));
        Ok(meaning(&frame, matcher.menu()))
    }
}

fn screen(scene: Scene) -> Screen {
    match scene {
        Scene::Menu => Screen::Menu,
        Scene::Item => Screen::Item,
        Scene::Chips(count) => Screen::Chips(count),
    }
}
