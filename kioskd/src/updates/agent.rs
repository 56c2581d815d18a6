//! Keeps the journal: one action at a time, what came of it durable before the next.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ota::agent::{Action, Input, Journal, Place, Step};
use ota::trust::sign::PublicKey;
use ota::writer::wire::State;
use protocol::topic::Up;
use protocol::update::UpdateVerdict;
use serde::{Deserialize, Serialize};
use store::UpdateRow;
use tokio::sync::{Mutex, mpsc, watch};

use super::by_hand::{self, Command, Wanted};
use super::hands::{Hands, Progress, Task};
use super::https::Https;
use super::orders::{Orders, Reader, Terms};
use super::parts::{self, OverMqtt};
use super::peers::Peers;
use super::sources::Sources;
use super::stick::Stick;
use super::writer::SlotWriter;
use super::{Ends, Parts, proof, report};
use crate::board::Board;
use crate::clock::ShopClock;
use crate::core::CoreHandle;
use crate::settings;
use crate::supervisor::Shutdown;
use crate::uplink::{Folder, Outgoing, on_core};

/// How often what follows from the time alone is looked at.
const TICK: Duration = Duration::from_secs(30);
/// Pause before the slot writer or the store is tried again.
const AGAIN: Duration = Duration::from_secs(5);
/// Reports of progress that may wait.
const PROGRESS: usize = 16;
/// The fleet is told of progress in steps of so many percent.
const PERCENT_STEP: u8 = 5;

/// The updates' task.
pub(super) struct Agent {
    core: CoreHandle,
    clock: ShopClock,
    board: Board,
    folder: Folder,
    data_dir: PathBuf,
    ca: Option<PathBuf>,
    peers: Option<settings::Peers>,
    /// Whose orders count whatever the fleet said; none: its own.
    keys: Vec<PublicKey>,
    orders: Orders,
    ends: Ends,
    hands: Hands,
    progress: mpsc::Receiver<Progress>,
    terms: watch::Sender<Option<Terms>>,
    tools: Tools,
    /// What somebody at the kiosk wants, once nothing is being done.
    wanted: Option<Command>,
}

/// The ends between updates and the tools of this machine.
pub(super) struct Tools {
    pub(super) told: watch::Sender<serde_json::Value>,
    pub(super) commands: mpsc::Receiver<Command>,
}

/// What is kept in the store's row.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Memory {
    journal: Journal,
    /// Devices that answered before the switch.
    #[serde(default)]
    devices: BTreeSet<String>,
    /// Where the release is that somebody has brought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stick: Option<Stick>,
}

impl Memory {
    fn new(journal: Journal) -> Self {
        Self { journal, devices: BTreeSet::new(), stick: None }
    }

    /// Of what is under way, if somebody has brought that.
    fn stick(&self) -> Option<&Stick> {
        self.stick.as_ref().filter(|_| self.is_by_hand())
    }

    fn is_by_hand(&self) -> bool {
        self.journal.under_way.as_ref().is_some_and(|it| it.wish.is_by_hand())
    }
}

/// What is known while it runs.
struct Known {
    memory: Memory,
    verdict: Option<UpdateVerdict>,
    runs: State,
    place: Place,
    percent: Option<u8>,
    /// What goes wrong, in words for a person at the kiosk.
    trouble: Option<String>,
    /// What it waits for, in words.
    waits_for: Option<String>,
    /// What was told last, and in which connection.
    reported: Option<(u64, Vec<u8>)>,
}

/// The program ends.
struct Ended;

impl Agent {
    pub(super) fn new(
        parts: &Parts<'_>,
        settings: &settings::Update,
        keys: Vec<PublicKey>,
        ends: Ends,
        tools: Tools,
    ) -> Self {
        let folder = Folder::below(&parts.settings.kiosk.data_dir);
        let uplink = parts.settings.uplink.as_ref();
        let https = uplink.map(|it| Https::new(it.fleet.clone(), it.ca.clone(), folder.clone()));
        let over_mqtt = |parts| OverMqtt::new(ends.outgoing.clone(), parts, parts::PATIENCE);
        let over_mqtt = ends.inbox.parts().map(over_mqtt);
        let sources = Sources::new(https, over_mqtt, ends.inbox.clone(), parts.clock.clone());
        let (terms, terms_end) = watch::channel(None);
        let (progress, progress_end) = mpsc::channel(PROGRESS);
        let hands = Hands {
            writer: SlotWriter(settings.slot_writer.clone()),
            sources: Arc::new(Mutex::new(sources)),
            terms: terms_end,
            progress,
            core: parts.core.clone(),
            clock: parts.clock.clone(),
            board: parts.board.clone(),
            screen: parts.screen.clone(),
            machine: Arc::clone(&parts.machine),
            prove_within: Duration::from_secs(settings.prove_s.into()),
            has_fleet: uplink.is_some(),
            stick: None,
        };
        Self {
            core: parts.core.clone(),
            clock: parts.clock.clone(),
            board: parts.board.clone(),
            folder,
            data_dir: parts.settings.kiosk.data_dir.clone(),
            peers: settings.peers.clone(),
            ca: uplink.map(|it| it.ca.clone()),
            keys,
            orders: Orders::default(),
            ends,
            hands,
            progress: progress_end,
            terms,
            tools,
            wanted: None,
        }
    }

    /// Runs until the program ends.
    pub(super) async fn run(mut self, mut shutdown: Shutdown) -> anyhow::Result<()> {
        let neighbourhood = self.join_peers().await;
        tokio::select! {
            _ = self.live() => {}
            () = neighbourhood => {}
            () = shutdown.wait() => {}
        }
        Ok(())
    }

    async fn live(&mut self) -> Ended {
        let mut known = self.begin().await;
        self.take(&mut known, &Input::Started).await;
        loop {
            self.hear(&mut known).await;
            if let Some(Command { wanted, reply }) = self.wanted.take() {
                // Whoever asked may have gone.
                reply.send(self.obey(&mut known, wanted).await).ok();
            }
            self.report(&mut known).await;
            let action = known.memory.journal.action(&known.place);
            let release = known.memory.journal.under_way.as_ref().map_or(0, |it| it.wish.release);
            let devices = known.memory.devices.clone();
            let stick = known.memory.stick().cloned();
            let task = Task { action: action.clone(), release, devices, stick };
            let input = self.perform(&mut known, task).await;
            // Halts are heard again before what was waited for counts.
            self.hear(&mut known).await;
            if let Some(input) = input
                && is_same(&known.memory.journal.action(&known.place), &action)
            {
                self.take(&mut known, &input).await;
            }
        }
    }

    /// What has to run for other kiosks of the site. Updates go without them, if need be.
    async fn join_peers(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        if let Some(settings) = &self.peers {
            match Peers::start(settings, self.data_dir.join("peers"), self.clock.clone()).await {
                Ok((peers, running)) => {
                    self.hands.sources.lock().await.join(peers);
                    return Box::pin(running);
                }
                Err(error) => tracing::warn!("releases are not shared with other kiosks: {error:#}"),
            }
        }
        Box::pin(std::future::pending())
    }

    /// Asks the slot writer what runs, and the store what is remembered.
    async fn begin(&self) -> Known {
        let runs = self.runs().await;
        let place = self.place(&runs);
        let row = loop {
            match on_core(&self.core, |core| core.store().update_row()).await {
                Ok(row) => break row,
                Err(_) => tokio::time::sleep(AGAIN).await,
            }
        };
        let memory = row.as_ref().and_then(|row| {
            let memory = serde_json::from_str::<Memory>(&row.journal);
            memory.inspect_err(|error| tracing::error!(%error, "the journal of updates cannot be read")).ok()
        });
        let memory = memory.unwrap_or_else(|| Memory::new(Journal::new(&place)));
        let verdict = row.and_then(|row| serde_json::from_str(&row.verdict?).ok());
        Known { memory, verdict, runs, place, percent: None, trouble: None, waits_for: None, reported: None }
    }

    async fn runs(&self) -> State {
        loop {
            match self.hands.writer.state().await {
                Ok(state) => return state,
                Err(error) => tracing::warn!(?error, "the slot writer does not say what runs"),
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    fn place(&self, runs: &State) -> Place {
        let clock = self.ca.as_ref().and_then(|ca| self.folder.clock(ca).ok());
        let now_s = clock.map_or_else(|| self.clock.now().wall.0 / 1000, |clock| clock.now_s().cast_signed());
        Place {
            boot: runs.boot.clone(),
            slot: runs.slot,
            release: runs.release,
            good: runs.good,
            primary: runs.primary,
            now_s: now_s.max(runs.built_s),
        }
    }

    /// Until the action is done, or another one is due; then there is no input.
    async fn perform(&mut self, known: &mut Known, task: Task) -> Option<Input> {
        let action = task.action.clone();
        known.waits_for = report::held_up(&known.memory.journal, &known.place);
        // What an earlier attempt has told is not of this one.
        while self.progress.try_recv().is_ok() {}
        let work = self.hands.clone().perform(task);
        tokio::pin!(work);
        let mut tick = tokio::time::interval_at(tokio::time::Instant::now() + TICK, TICK);
        let inbox = self.ends.inbox.clone();
        loop {
            tokio::select! {
                input = &mut work => {
                    // What it said last may be why it came to nothing.
                    while let Ok(progress) = self.progress.try_recv() {
                        self.progressed(known, progress).await;
                    }
                    return input;
                }
                Some(progress) = self.progress.recv() => self.progressed(known, progress).await,
                () = inbox.changed() => self.hear(known).await,
                Some(command) = self.tools.commands.recv() => {
                    let Some(command) = by_hand::in_time(command, &known.memory.journal) else { continue };
                    self.wanted = Some(command);
                    return None;
                }
                _ = tick.tick() => self.hear(known).await,
            }
            self.report(known).await;
            if !is_same(&known.memory.journal.action(&known.place), &action) {
                return None;
            }
        }
    }

    async fn progressed(&mut self, known: &mut Known, progress: Progress) {
        let percent = match progress {
            Progress::Read(percent) => percent,
            Progress::WaitsFor(what) => {
                known.waits_for = Some(what);
                return;
            }
            Progress::Trouble(why) => {
                known.trouble = why;
                return;
            }
            Progress::Flushed { done, of } => {
                self.take(known, &Input::Flushed(done)).await;
                u8::try_from(done * 100 / of.max(1)).unwrap_or(100)
            }
        };
        known.percent = Some(percent / PERCENT_STEP * PERCENT_STEP);
    }

    /// Takes what the fleet has said since: halts first.
    async fn hear(&mut self, known: &mut Known) {
        known.place = self.place(&known.runs);
        let Ok(Some(identity)) = self.folder.identity() else {
            return self.agree(known, None);
        };
        let told: Vec<PublicKey> =
            identity.campaign_keys.iter().filter_map(|text| PublicKey::parse(text)).collect();
        let reader = Reader {
            keys: if self.keys.is_empty() { &told } else { &self.keys },
            kiosk: identity.kiosk.as_str(),
            enrolled_s: identity.enrolled_s,
            now_s: known.place.now_s,
        };
        let opened = self.orders.open(&self.ends.inbox.heard(), reader);
        for input in opened.inputs {
            self.take(known, &input).await;
        }
        self.agree(known, opened.terms);
    }

    /// How what is under way wants to be done: as the fleet says, if it is the fleet's wish.
    fn agree(&self, known: &Known, fleets: Option<Terms>) {
        let under_way = known.memory.journal.under_way.as_ref().map(|it| &it.wish);
        let terms = under_way.and_then(|wish| {
            if wish.is_by_hand() {
                return Some(Terms::of_a_person(wish.generation));
            }
            fleets.filter(|terms| terms.generation == wish.generation)
        });
        self.terms.send_if_modified(|now| std::mem::replace(now, terms) != terms);
    }

    /// Does what somebody at the kiosk wants, while nothing else is done.
    async fn obey(&mut self, known: &mut Known, wanted: Wanted) -> Result<String, String> {
        let (path, release) = match wanted {
            Wanted::Install { path, release } => (path, release),
            Wanted::Hold { by } => {
                self.take(known, &Input::Held(Some(by))).await;
                return Ok("updates stop here; go on with: kioskctl updates resume".into());
            }
            Wanted::GoOn => {
                self.take(known, &Input::Held(None)).await;
                return Ok("updates go on".into());
            }
        };
        by_hand::may_install(&known.memory.journal)?;
        let found = by_hand::find(&self.hands.writer, &path, &known.runs.model, release).await?;
        by_hand::is_newer(&known.memory.journal, found.release)?;
        known.memory.stick = Some(found.stick);
        known.trouble = None;
        self.take(known, &Input::Brought(found.release)).await;
        self.hear(known).await;
        Ok(format!("release {} is being installed; kioskctl updates says how far it is", found.release))
    }

    /// Takes an input, and makes what follows from it durable.
    async fn take(&mut self, known: &mut Known, input: &Input) {
        if matches!(input, Input::Started | Input::Done | Input::Proven) {
            known.runs = self.runs().await;
            known.place = self.place(&known.runs);
        }
        let turn = known.memory.journal.after(input, &known.place);
        let verdict = report::verdict(&turn.reports, &turn.journal, self.clock.now().wall.0);
        for report in &turn.reports {
            tracing::info!(release = report.release, campaign = %report.campaign, news = ?report.what, "update");
        }
        let step = turn.journal.under_way.as_ref().map(|it| it.step);
        let mut memory = Memory { journal: turn.journal, ..known.memory.clone() };
        if step == Some(Step::Switching) && known.memory.journal != memory.journal {
            memory.devices = proof::answering(&self.board);
        }
        if memory == known.memory && verdict.is_none() {
            return;
        }
        if !memory.is_by_hand() {
            memory.stick = None;
        }
        known.memory = memory;
        known.verdict = verdict.or(known.verdict.take());
        self.keep(known).await;
    }

    /// Nothing is done about a journal that is not kept: waits for the store for as long as it takes.
    async fn keep(&self, known: &Known) {
        let verdict = known.verdict.as_ref().and_then(|verdict| serde_json::to_string(verdict).ok());
        let journal = serde_json::to_string(&known.memory).unwrap_or_default();
        let row = UpdateRow { journal, verdict };
        loop {
            let row = row.clone();
            if on_core(&self.core, move |core| core.store_mut().set_update_row(&row)).await.is_ok() {
                return;
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Tells the fleet, and tools, how things are, if that has changed.
    async fn report(&self, known: &mut Known) {
        let journal = &known.memory.journal;
        let state = report::state(journal, &known.runs, known.verdict.as_ref(), known.percent);
        let mut shown = serde_json::to_value(&state).unwrap_or_default();
        shown["halted"] = serde_json::json!(journal.halt.campaigns);
        shown["never_again"] = serde_json::json!(journal.bad);
        shown["trouble"] = serde_json::json!(known.trouble);
        shown["waits_for"] = serde_json::json!(known.waits_for);
        shown["floor"] = journal.floor.into();
        self.tools.told.send_replace(shown);
        let connection = self.ends.inbox.heard().connections;
        let payload = serde_json::to_vec(&state).unwrap_or_default();
        if connection == 0 || known.reported.as_ref().is_some_and(|it| *it == (connection, payload.clone())) {
            return;
        }
        let outgoing = Outgoing { up: Up::Update, payload: payload.clone() };
        if self.ends.outgoing.send(outgoing).await.is_ok() {
            known.reported = Some((connection, payload));
        }
    }
}

/// Whether what is being done is what is to be done; how far a slot is written makes no difference.
fn is_same(due: &Action, doing: &Action) -> bool {
    match (due, doing) {
        (Action::Write { slot, .. }, Action::Write { slot: same, .. }) => slot == same,
        _ => due == doing,
    }
}
