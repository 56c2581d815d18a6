//! The voice actor: a thread that owns the microphone, and one that asks the recogniser and reads its words.
//!
//! ```text
//!  core ── Listen, Release, Close ──► ear (microphone, end of speech) ── sound ──► mind (recogniser, matcher)
//!   ▲            sound arrives ◄───────┘                                             │
//!   └───────────────────────────────── what was understood: ids and numbers ◄────────┘
//! ```
//! The microphone is open from a Listen to the end of its utterance and at no other time; when that may be, the core
//! decides. Sound and words live in the memory of these two threads, are overwritten after use, and are neither logged,
//! stored nor told to anybody but the recogniser.

mod ear;
mod meaning;
mod mind;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use domain::Input;
use domain::catalog::Catalog;
use domain::effect::VoiceEffect;
use domain::ids::ItemId;
use domain::input::VoiceInput;
use domain::spoken::Scene;
use domain::text::Lang;
use hal::microphone::{AlsaMicrophone, Microphone, Recording};
use voice::wyoming::{Address, Client};

use super::Context;
use super::life::Life;
use crate::settings::{Voice, WrongValue};
use crate::supervisor::Supervisor;

/// Orders of the core that may wait: of one utterance there are three.
const ORDERS: usize = 8;

/// Utterances that may wait for the recogniser, with what can be said next. The core waits for one at a time.
const JOBS: usize = 2;

/// Languages that the matcher reads.
const LANGUAGES: [&str; 1] = ["en"];

/// Most channels of a microphone array.
const CHANNELS_MAX: u16 = 32;

/// What has to be known before anything is opened.
pub(crate) struct Actor {
    microphone: Box<dyn Microphone + Send>,
    client: Client,
    lang: Lang,
    dictionary: PathBuf,
}

/// What can be said: a scene of a catalog, without what is sold out.
#[derive(Clone)]
struct Subject {
    scene: Scene,
    catalog: Arc<Catalog>,
    hidden: Arc<BTreeSet<ItemId>>,
}

impl Subject {
    /// Whether the same can be said of both.
    fn is_same(&self, other: &Self) -> bool {
        self.scene == other.scene && Arc::ptr_eq(&self.catalog, &other.catalog) && self.hidden == other.hidden
    }
}

impl Actor {
    /// Checks the settings and opens nothing.
    pub(crate) fn new(settings: &Voice) -> Result<Self, WrongValue> {
        let client: Address = settings
            .recogniser
            .parse()
            .map_err(|error: voice::wyoming::AddressError| WrongValue::because("voice.recogniser", error))?;
        if !LANGUAGES.contains(&settings.language.as_str()) {
            let known = LANGUAGES.map(str::to_owned);
            return Err(WrongValue::unknown("voice.language", &settings.language, &known));
        }
        if !(1..=CHANNELS_MAX).contains(&settings.channel) {
            return Err(WrongValue::new("voice.channel", format!("must be between 1 and {CHANNELS_MAX}")));
        }
        let microphone: Box<dyn Microphone + Send> = match &settings.wav {
            Some(path) => Box::new(Recording::new(path)),
            None => Box::new(AlsaMicrophone::new(&settings.device, settings.channel)),
        };
        Ok(Self {
            microphone,
            client: Client::at(client),
            lang: Lang::new(&settings.language),
            dictionary: settings.dictionary.clone(),
        })
    }

    /// Starts both threads.
    pub(super) fn start(
        self,
        context: &Context,
        supervisor: &Supervisor,
    ) -> anyhow::Result<SyncSender<VoiceEffect>> {
        let (orders, from_core) = sync_channel(ORDERS);
        let (jobs, from_ear) = sync_channel(JOBS);
        let presence = Presence::new(context.clone());
        let life = |name| Life::new(name, context.clone(), supervisor.shutdown());
        let (ear, mind) = (life("microphone"), life("recogniser"));
        let ear = ear::Ear::new(self.microphone, ear, presence.clone(), jobs);
        let mind = mind::Mind::new(self.client, self.lang, self.dictionary, mind, presence);
        supervisor.thread("microphone", move || {
            ear.run(&from_core);
            Ok(())
        })?;
        supervisor.thread("recogniser", move || {
            mind.run(&from_ear);
            Ok(())
        })?;
        Ok(orders)
    }
}

/// Whether microphone and recogniser are there; the core hears of it when both are, or no longer.
#[derive(Clone)]
struct Presence {
    context: Context,
    parts: Arc<Mutex<Parts>>,
}

#[derive(Default)]
struct Parts {
    microphone: bool,
    recogniser: bool,
    told: bool,
}

impl Presence {
    fn new(context: Context) -> Self {
        Self { context, parts: Arc::default() }
    }

    fn microphone(&self, is_there: bool) {
        self.set(|parts| parts.microphone = is_there);
    }

    fn recogniser(&self, is_there: bool) {
        self.set(|parts| parts.recogniser = is_there);
    }

    fn set(&self, change: impl FnOnce(&mut Parts)) {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut parts);
        let both = parts.microphone && parts.recogniser;
        if both != parts.told {
            // Told while it is held: the other thread must not overtake.
            if self.context.core.send(Input::Voice(VoiceInput::Available(both))).is_ok() {
                parts.told = both;
            }
        }
    }
}
