//! The core loop: one thread that owns the store and the [`Kiosk`].
//!
//! ```text
//!  devices, screen, tools ──► bounded queue ──► decide ─► append ─► apply ─► effects ─► view
//! ```
//! No effect leaves before its events are durable. If the append fails nothing was applied and nothing
//! left: the screen says so, and the loop begins anew from the disk.

mod answers;
mod failure;
mod recorder;
mod standing;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use domain::catalog::Catalog;
use domain::config::KioskConfig;
use domain::event::Change;
use domain::input::{Action, Command, Input, MachineInput, Origin};
use domain::kiosk::{Kiosk, Obstacle, Refusal, Replay, UpdateGate};
use domain::{Effect, Now, View};
use protocol::event::EpochReason;
use store::{Acknowledged, CatalogDocument, Damage, Options, Outbox as _, Store, StoreError};

use crate::clock::ShopClock;
use crate::heartbeat::Heartbeat;
use crate::ids::UuidSource;
pub use failure::Failure;
pub use recorder::Recorder;
pub use standing::Standing;

/// Inputs that may wait. A burst of touches and device reports is tens; a full queue means that the core
/// hangs, and then the watchdog is what helps.
const QUEUE: usize = 1024;

/// The loop wakes at least this often, so that the watchdog sees it alive.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// Pause before the store is opened again after it failed.
const STORE_RETRY: Duration = Duration::from_secs(5);

/// What the core asks of the outside.
pub trait Outside {
    /// Does an effect soon, without waiting. What cannot be done becomes an input of the next turn.
    fn dispatch(&mut self, effect: Effect) -> Option<Input>;
    /// Shows a view.
    fn show(&mut self, view: Arc<View>);
}

/// How other threads reach the core.
#[derive(Clone)]
pub struct CoreHandle {
    queue: SyncSender<Message>,
}

/// The core does not take inputs: its queue is full, or it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the core does not take inputs")]
pub struct CoreBusy;

enum Message {
    Input(Input),
    /// A question or a command from a local tool, answered on the core's thread.
    Ask(Box<dyn FnOnce(Asked<'_>) + Send>),
    Stop,
}

/// What a question gets to see.
pub enum Asked<'a> {
    /// The kiosk works.
    Working(&'a mut Core),
    /// The store cannot be used.
    Failed(&'a Failure),
}

impl CoreHandle {
    /// Hands an input over without waiting.
    ///
    /// # Errors
    /// The queue is full or the core has ended.
    pub fn send(&self, input: Input) -> Result<(), CoreBusy> {
        self.push(Message::Input(input))
    }

    /// Runs `question` on the core's thread between two turns; its answer comes back through whatever it
    /// captured.
    ///
    /// # Errors
    /// As [`CoreHandle::send`].
    pub fn ask(&self, question: impl FnOnce(Asked<'_>) + Send + 'static) -> Result<(), CoreBusy> {
        self.push(Message::Ask(Box::new(question)))
    }

    /// Ends the loop after the inputs before it.
    pub fn stop(&self) {
        // If the queue is full the loop hangs and the supervisor's time limit ends the process.
        drop(self.queue.try_send(Message::Stop));
    }

    fn push(&self, message: Message) -> Result<(), CoreBusy> {
        self.queue.try_send(message).map_err(|error| match error {
            TrySendError::Full(_) => {
                tracing::error!("the core's queue is full");
                CoreBusy
            }
            TrySendError::Disconnected(_) => CoreBusy,
        })
    }
}

#[cfg(test)]
impl CoreQueue {
    /// The next input, for tests of what reports to the core.
    pub(crate) fn next(&self, limit: Duration) -> Option<Input> {
        loop {
            if let Message::Input(input) = self.0.recv_timeout(limit).ok()? {
                return Some(input);
            }
        }
    }
}

/// What the loop is made of.
pub struct CoreParts {
    /// What the shop decided.
    pub config: Arc<KioskConfig>,
    /// The store.
    pub store: Options,
    /// The clocks.
    pub clock: ShopClock,
    /// The catalog to begin with when the store has none.
    pub seed: Option<crate::catalog::Seed>,
    /// How a stored document becomes a catalog.
    pub parse: fn(&[u8]) -> anyhow::Result<Catalog>,
    /// Signs of life for the watchdog.
    pub heartbeat: Heartbeat,
    /// Where the last inputs are kept.
    pub recorder: Recorder,
    /// What the devices last said of themselves.
    pub standing: Standing,
    /// Told whenever events were stored.
    pub news: Arc<tokio::sync::Notify>,
}

/// The queue's two ends.
pub fn channel() -> (CoreHandle, CoreQueue) {
    let (queue, receiver) = sync_channel(QUEUE);
    (CoreHandle { queue }, CoreQueue(receiver))
}

/// The receiving end.
pub struct CoreQueue(Receiver<Message>);

/// A core that works.
pub struct Core {
    parts: CoreParts,
    kiosk: Kiosk,
    store: Store,
    ids: UuidSource,
    outside: Box<dyn Outside + Send>,
    shown: Option<Arc<View>>,
    anew: Option<Anew>,
}

/// Why and how a core that works begins anew: between two customers, from the disk, as after a restart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Anew {
    /// The fleet gave the kiosk a name.
    Named(String),
    /// The epoch cannot go on.
    Epoch(EpochReason),
}

/// How a core that works ended.
enum End {
    Stopped,
    Anew,
}

/// Runs until told to stop. Belongs on a thread of its own.
///
/// # Errors
/// Another process has the store.
pub fn run(
    mut parts: CoreParts,
    queue: &CoreQueue,
    mut outside: Box<dyn Outside + Send>,
) -> Result<(), StoreError> {
    let mut known = None;
    loop {
        let error = match Core::open(parts, outside, &mut known) {
            Ok(mut core) => match core.serve(queue) {
                Ok(End::Stopped) => return Ok(()),
                Ok(End::Anew) => {
                    (parts, outside) = (core.parts, core.outside);
                    continue;
                }
                Err(error) => {
                    known =
                        core.kiosk.session().menu.as_ref().map(|menu| Arc::clone(&menu.catalog)).or(known);
                    (parts, outside) = (core.parts, core.outside);
                    error
                }
            },
            Err((_, _, error @ StoreError::Locked { .. })) => return Err(error),
            Err((back, out, error)) => {
                (parts, outside) = (back, out);
                error
            }
        };
        tracing::error!(error = &error as &dyn std::error::Error, "the store failed; out of service");
        let failure = Failure::new(error, &parts.store.path);
        known = known.or_else(|| parts.seed.as_ref().and_then(|seed| seed()).map(|(catalog, _)| catalog));
        outside.show(Arc::new(failure.view(&parts.config, known.as_ref(), &parts.clock.now())));
        if wait_failed(&mut parts, queue, &failure).is_break() {
            return Ok(());
        }
    }
}

impl Core {
    #[expect(clippy::result_large_err, reason = "the parts come back so that the loop can try again")]
    fn open(
        parts: CoreParts,
        outside: Box<dyn Outside + Send>,
        known: &mut Option<Arc<Catalog>>,
    ) -> Result<Self, (CoreParts, Box<dyn Outside + Send>, StoreError)> {
        let now = parts.clock.now();
        let mut ids = UuidSource;
        let mut replaced = None;
        let opened = Store::open_or_quarantine(parts.store.clone(), ShopClock::clocks(&now), &mut ids)
            .and_then(|(store, damage)| {
                if let Some(damage) = damage {
                    tracing::error!(
                        error = &damage.error as &dyn std::error::Error,
                        moved_to = %damage.moved_to.display(),
                        "the store was damaged, moved aside and begun anew"
                    );
                    replaced = Some(damage);
                }
                let (mut replay, mut events) = (Replay::new(store.epoch()), 0_u64);
                store.replay(|epoch, event| {
                    replay.apply(epoch, &event);
                    events += 1;
                })?;
                Ok((store, replay, events))
            });
        let (store, replay, events) = match opened {
            Ok(opened) => opened,
            Err(error) => return Err((parts, outside, error)),
        };
        tracing::info!(events, epoch = store.epoch(), boot = store.boot(), "store opened");
        let kiosk = replay.finish(Arc::clone(&parts.config));
        let mut core = Self { parts, kiosk, store, ids, outside, shown: None, anew: None };
        match core.start(known, replaced) {
            Ok(()) => Ok(core),
            Err(error) => Err((core.parts, core.outside, error)),
        }
    }

    /// The first turns. `known` learns the catalog even if nothing can be written.
    fn start(
        &mut self,
        known: &mut Option<Arc<Catalog>>,
        replaced: Option<Damage>,
    ) -> Result<(), StoreError> {
        // The catalog first, so that what `Started` shows can name things.
        match self.store.active_catalog()? {
            Some(active) => match (self.parts.parse)(&active.document.bytes) {
                Ok(catalog) => {
                    let catalog = Arc::new(catalog);
                    *known = Some(Arc::clone(&catalog));
                    self.take(activate(Origin::Kiosk, catalog, active.sha256))?;
                }
                Err(error) => tracing::error!(?error, "the stored catalog cannot be read"),
            },
            None => self.seed_catalog()?,
        }
        self.take(Input::Started)?;
        if let Some(Damage { moved_to, error }) = replaced {
            let moved_to = moved_to.display().to_string().into();
            let action = Action::StoreReplaced { moved_to, why: error.to_string().into() };
            self.take(Input::Command(Command { origin: Origin::Kiosk, action }))?;
        }
        self.parts.standing.inputs().into_iter().try_for_each(|input| self.take(input))
    }

    fn seed_catalog(&mut self) -> Result<(), StoreError> {
        if let Some((catalog, document)) = self.parts.seed.as_ref().and_then(|seed| seed())
            && let Err(refusal) = self.activate_catalog(Origin::Kiosk, catalog, &document)?
        {
            tracing::error!(?refusal, "the seed catalog was refused");
        }
        Ok(())
    }

    fn serve(&mut self, queue: &CoreQueue) -> Result<End, StoreError> {
        loop {
            self.parts.heartbeat.beat();
            if self.begins_anew()? {
                return Ok(End::Anew);
            }
            let message = match queue.0.recv_timeout(self.patience()) {
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return Ok(End::Stopped),
                Ok(Message::Input(input)) => Message::Input(input),
                Ok(Message::Ask(question)) => {
                    question(Asked::Working(self));
                    if self.store.is_poisoned() {
                        return Err(StoreError::Poisoned);
                    }
                    continue;
                }
                Err(RecvTimeoutError::Timeout) => Message::Input(Input::Tick),
            };
            if let Message::Input(input) = message {
                self.parts.standing.note(&input);
                self.take(input)?;
            }
        }
    }

    fn patience(&self) -> Duration {
        let now = self.parts.clock.now().mono;
        self.kiosk
            .next_deadline()
            .map_or(HEARTBEAT, |deadline| Duration::from_millis(deadline.since(now)).min(HEARTBEAT))
    }

    /// One turn, and the turns that follow from effects that could not be done.
    fn take(&mut self, input: Input) -> Result<(), StoreError> {
        let mut next = Some(input);
        let mut follow_ups = std::collections::VecDeque::new();
        while let Some(input) = next.take().or_else(|| follow_ups.pop_front()) {
            self.turn(input, &mut follow_ups)?;
        }
        self.publish();
        Ok(())
    }

    fn turn(
        &mut self,
        input: Input,
        follow_ups: &mut std::collections::VecDeque<Input>,
    ) -> Result<Option<Refusal>, StoreError> {
        let now = self.parts.clock.now();
        self.parts.recorder.record(&now, &input);
        let step = self.kiosk.decide(&now, &mut self.ids, input);
        let events: Vec<_> = step.events().cloned().collect();
        if !events.is_empty() {
            self.store.append(&events, ShopClock::clocks(&now), &mut self.ids)?;
            self.parts.news.notify_one();
        }
        for change in &step.changes {
            if let Change::Event(event) = change {
                tracing::debug!(?event, "event");
            }
            self.kiosk.apply(change);
        }
        for effect in step.effects {
            follow_ups.extend(self.outside.dispatch(effect));
        }
        if let Some(refusal) = &step.refusal {
            tracing::debug!(?refusal, "an input was refused");
        }
        self.check(&now);
        Ok(step.refusal)
    }

    /// Takes the wish to begin anew, if there is one and nothing would be interrupted.
    fn begins_anew(&mut self) -> Result<bool, StoreError> {
        if self.anew.is_none() || self.is_busy() {
            return Ok(false);
        }
        let Some(anew) = self.anew.take() else { return Ok(false) };
        let clocks = ShopClock::clocks(&self.parts.clock.now());
        tracing::info!(?anew, "the core begins anew");
        match anew {
            Anew::Named(kiosk) => {
                self.store.adopt(&kiosk, clocks, &mut self.ids)?;
                self.parts.store.formerly.push(std::mem::replace(&mut self.parts.store.kiosk, kiosk.clone()));
                Arc::make_mut(&mut self.parts.config).kiosk_id = kiosk.into();
            }
            Anew::Epoch(reason) => self.store.start_epoch(reason, clocks, &mut self.ids)?,
        }
        self.parts.news.notify_one();
        Ok(true)
    }

    /// Whether a customer is there, or something of theirs is under way.
    pub(crate) fn is_busy(&self) -> bool {
        match self.kiosk.update_gate(0) {
            UpdateGate::Open => false,
            // A ticket that the kitchen does not confirm may wait for hours, and waits as well after a new beginning.
            UpdateGate::Closed(obstacles) => obstacles.iter().any(|it| *it != Obstacle::KitchenTicket),
        }
    }

    /// Begins anew as soon as nothing is interrupted by it.
    pub(crate) fn begin_anew(&mut self, anew: Anew) {
        // A new name brings a new epoch with it, whatever else the epoch was to be changed for.
        if !matches!((&self.anew, &anew), (Some(Anew::Named(_)), Anew::Epoch(_))) {
            self.anew = Some(anew);
        }
    }

    /// A violated invariant is our bug: better to stop selling than to sell wrongly.
    fn check(&mut self, now: &Now) {
        if let Err(violation) = self.kiosk.verify_invariants() {
            tracing::error!(?violation, ?now, "an invariant is violated");
            self.parts.recorder.dump();
            debug_assert!(false, "{violation:?}");
        }
    }

    fn publish(&mut self) {
        let now = self.parts.clock.now();
        let view = self.kiosk.view(&now);
        if self.shown.as_deref() != Some(&view) {
            let view = Arc::new(view);
            self.shown = Some(Arc::clone(&view));
            self.outside.show(view);
        }
    }

    /// The kiosk, for questions.
    pub fn kiosk(&self) -> &Kiosk {
        &self.kiosk
    }

    /// The store, for questions.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The store, for what is no event: jobs, counters, the twin.
    pub(crate) fn store_mut(&mut self) -> &mut Store {
        &mut self.store
    }

    /// What the fleet said to a batch: cursor, verdicts, and what follows from them, in one transaction.
    ///
    /// # Errors
    /// As [`Core::command`].
    pub(crate) fn acknowledge(&mut self, said: &Acknowledged<'_>) -> Result<(), StoreError> {
        let now = self.parts.clock.now();
        let mut kiosk = self.kiosk.clone();
        let (mut events, mut effects) = (Vec::new(), Vec::new());
        for answer in self.store.unheard(said.answers)? {
            let Some(input) = answers::denial(&self.store, said.epoch, &answer)? else { continue };
            self.parts.recorder.record(&now, &input);
            let step = kiosk.decide(&now, &mut self.ids, input);
            events.extend(step.events().cloned());
            step.changes.iter().for_each(|change| kiosk.apply(change));
            effects.extend(step.effects);
        }
        self.store.acknowledge(said, &events, ShopClock::clocks(&now), &mut self.ids)?;
        self.kiosk = kiosk;
        if !events.is_empty() {
            self.parts.news.notify_one();
        }
        let follow_ups: Vec<Input> = effects.into_iter().filter_map(|e| self.outside.dispatch(e)).collect();
        self.check(&now);
        follow_ups.into_iter().try_for_each(|input| self.take(input))?;
        self.publish();
        Ok(())
    }

    /// Tells what the machine is about to do. Whether it restarts: not if a customer has come in between.
    ///
    /// # Errors
    /// As [`Core::command`].
    pub(crate) fn machine(&mut self, input: MachineInput) -> Result<bool, StoreError> {
        self.take(Input::Machine(input))?;
        Ok(self.kiosk.session().restarting)
    }

    /// What an error of the store means to whoever asked for what failed.
    pub(crate) fn failure(&self, error: StoreError) -> Failure {
        Failure::new(error, &self.parts.store.path)
    }

    /// The clocks.
    pub fn clock(&self) -> &ShopClock {
        &self.parts.clock
    }

    /// Follows a command and says whether it was refused.
    ///
    /// # Errors
    /// The store failed; the loop begins anew after the question.
    pub fn command(&mut self, command: Command) -> Result<Result<(), Refusal>, StoreError> {
        let mut follow_ups = std::collections::VecDeque::new();
        let refusal = self.turn(Input::Command(command), &mut follow_ups)?;
        while let Some(input) = follow_ups.pop_front() {
            self.turn(input, &mut follow_ups)?;
        }
        self.publish();
        Ok(refusal.map_or(Ok(()), Err))
    }

    /// Makes a checked catalog the active one, in the store and on the screen. `false`: it was that already.
    ///
    /// # Errors
    /// As [`Core::command`].
    pub fn activate_catalog(
        &mut self,
        origin: Origin,
        catalog: Arc<Catalog>,
        document: &CatalogDocument,
    ) -> Result<Result<bool, Refusal>, StoreError> {
        let now = self.parts.clock.now();
        let sha256 = store::sha256(&document.bytes);
        if self.kiosk.session().menu.as_ref().is_some_and(|menu| menu.catalog == catalog) {
            return Ok(Ok(false));
        }
        // Asked first, so that a refused catalog never becomes the stored one.
        let Input::Command(command) = activate(origin, catalog, sha256) else {
            unreachable!("activate makes a command")
        };
        let step = self.kiosk.decide(&now, &mut self.ids, Input::Command(command.clone()));
        if let Some(refusal) = step.refusal {
            return Ok(Err(refusal));
        }
        self.store.activate_catalog(document, ShopClock::clocks(&now))?;
        Ok(self.command(command)?.map(|()| true))
    }
}

fn activate(origin: Origin, catalog: Arc<Catalog>, sha256: [u8; 32]) -> Input {
    Input::Command(Command { origin, action: Action::ActivateCatalog { catalog, sha256 } })
}

/// Waits until the store may be tried again. Nothing can be recorded, so nothing may happen: of the inputs only
/// what devices say of themselves is kept; they hold their results and are asked afterwards.
fn wait_failed(parts: &mut CoreParts, queue: &CoreQueue, failure: &Failure) -> std::ops::ControlFlow<()> {
    let until = parts.clock.now().mono.plus(u64::try_from(STORE_RETRY.as_millis()).unwrap_or(u64::MAX));
    loop {
        parts.heartbeat.beat();
        let left = Duration::from_millis(until.since(parts.clock.now().mono)).min(HEARTBEAT);
        if left.is_zero() {
            return std::ops::ControlFlow::Continue(());
        }
        match queue.0.recv_timeout(left) {
            Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => {
                return std::ops::ControlFlow::Break(());
            }
            Ok(Message::Ask(question)) => question(Asked::Failed(failure)),
            Ok(Message::Input(input)) => parts.standing.note(&input),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}
