//! How each action is done. Nothing here decides; what came of it goes back to the journal.

use std::sync::Arc;
use std::time::Duration;

use domain::View;
use domain::input::MachineInput;
use domain::kiosk::UpdateGate;
use ota::agent::{Action, Input, Reason};
use ota::chooser::Slot;
use ota::writer::wire::{Reply, Request};
use store::Outbox as _;
use tokio::sync::{Mutex, mpsc, watch};
use ui::shell::UiHandle;

use super::orders::Terms;
use super::proof::Proof;
use super::sources::{Piece, Sources};
use super::stick::Stick;
use super::writer::{Conversation, SlotWriter, WriterError};
use crate::board::Board;
use crate::clock::ShopClock;
use crate::core::CoreHandle;
use crate::uplink::{Machine, on_core};

/// How often a gate is tried.
const GATE_INTERVAL: Duration = Duration::from_secs(1);
/// How long to wait before something that failed for a passing reason is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// How long the screen says that it restarts before it does.
const SHOWN: Duration = Duration::from_secs(2);

/// How long a stick may be away: time to put it in again.
const STICK_PATIENCE_S: u32 = 120;

/// Pause after the slot writer was lost.
const WRITER_AGAIN: Duration = Duration::from_secs(1);

/// What actions are done with.
#[derive(Clone)]
pub(super) struct Hands {
    pub(super) writer: SlotWriter,
    pub(super) sources: Arc<Mutex<Sources>>,
    /// How the wish that is in force wants to be done.
    pub(super) terms: watch::Receiver<Option<Terms>>,
    pub(super) progress: mpsc::Sender<Progress>,
    pub(super) core: CoreHandle,
    pub(super) clock: ShopClock,
    pub(super) board: Board,
    pub(super) screen: UiHandle<View>,
    pub(super) machine: Arc<dyn Machine>,
    pub(super) prove_within: Duration,
    /// Payments that the fleet does not know yet hold a restart up.
    pub(super) has_fleet: bool,
    /// Where the release of this task is, if somebody has brought it.
    pub(super) stick: Option<Stick>,
}

/// How far it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Progress {
    /// Operations that survive a power cut, of so many.
    Flushed { done: usize, of: usize },
    /// In percent.
    Read(u8),
    /// What it waits for, in words.
    WaitsFor(String),
    /// What goes wrong, for a person; `None`: nothing any more.
    Trouble(Option<String>),
}

/// For which release, and by which devices it is judged.
pub(super) struct Task {
    pub(super) action: Action,
    pub(super) release: u64,
    pub(super) devices: std::collections::BTreeSet<String>,
    /// Where it is, if somebody has brought it.
    pub(super) stick: Option<Stick>,
}

impl Hands {
    /// Does an action, for as long as it takes; `None`: it has to begin anew. May be dropped at any moment.
    pub(super) async fn perform(mut self, task: Task) -> Option<Input> {
        let Task { action, release, devices, stick } = task;
        self.stick = stick;
        Some(match action {
            Action::Rest => std::future::pending().await,
            Action::Examine(_) => self.examine(release).await,
            Action::AwaitDownload => {
                self.until_window().await;
                Input::Open
            }
            Action::Write { slot, from } => self.work(self.write(slot, release, from)).await?,
            Action::ReadBack(slot) => self.work(Request::ReadBack { slot, release }).await?,
            Action::AwaitTurn => {
                self.tell(Progress::WaitsFor("its turn in the fleet".into())).await;
                let mut terms = self.terms.clone();
                // The sender lives as long as the agent.
                drop(terms.wait_for(|terms| terms.is_some_and(|terms| terms.turn)).await);
                Input::Open
            }
            Action::AwaitGate => {
                self.until_window().await;
                while !(self.is_in_window() && self.is_gate_open().await) {
                    tokio::time::sleep(GATE_INTERVAL).await;
                }
                Input::Open
            }
            Action::Switch(slot) => self.work(Request::Activate { slot, release }).await?,
            Action::Restart => {
                while !(self.is_gate_open().await && self.announce(MachineInput::Restarting).await) {
                    tokio::time::sleep(GATE_INTERVAL).await;
                }
                self.restart().await
            }
            Action::Prove { boot } => self.prove(boot, devices).await,
            Action::Leave(_) => {
                while let Err(error) = self.writer.tell(Request::MarkBad).await {
                    tracing::error!(%error, "the release that failed cannot be marked bad");
                    tokio::time::sleep(AGAIN).await;
                }
                self.announce(MachineInput::Restarting).await;
                self.restart().await
            }
        })
    }

    fn write(&self, slot: Slot, release: u64, from: usize) -> Request {
        match &self.stick {
            Some(Stick::Bundle(path)) => Request::InstallBundle { slot, release, path: path.clone() },
            Some(Stick::Folder(_)) | None => Request::Write { slot, release, from },
        }
    }

    async fn examine(&self, release: u64) -> Input {
        let request = match &self.stick {
            Some(Stick::Bundle(path)) => Request::Bundle { path: path.clone() },
            Some(Stick::Folder(_)) | None => Request::Believe { release },
        };
        loop {
            match self.converse(request.clone()).await {
                Ok(Reply::Believed { floor, .. }) => return Input::Believed { floor },
                // A floor comes with signed metadata alone.
                Ok(Reply::Bundle { release: found, .. }) if found == release => {
                    return Input::Believed { floor: 0 };
                }
                Ok(other) => tracing::error!(?other, "the slot writer believes nothing"),
                // Whether it is to be believed is not known yet.
                Err(WriterError::Failed { reason: Reason::Source, why }) if self.stick.is_none() => {
                    tracing::warn!(%why, "no metadata");
                    self.trouble(why).await;
                }
                Err(WriterError::Failed { reason, why }) => {
                    self.trouble(why.clone()).await;
                    tracing::warn!(release, ?reason, %why, "a release is not believed");
                    return Input::Failed(reason);
                }
                Err(error) => tracing::error!(error = ?error, "the slot writer cannot be asked"),
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Has the slot writer do something that ends in `Done`. `None`: it cannot be reached; then it begins anew,
    /// at the newest watermark, as it does when it was lost in the middle.
    async fn work(&self, request: Request) -> Option<Input> {
        let conversation = match self.writer.begin(request.clone()).await {
            Ok(conversation) => conversation,
            Err(error) => {
                tracing::warn!(?error, ?request, "the slot writer cannot be reached");
                tokio::time::sleep(WRITER_AGAIN).await;
                return None;
            }
        };
        match self.talk(conversation).await {
            Ok(Reply::Done) => return Some(Input::Done),
            Ok(other) => tracing::error!(?other, ?request, "the slot writer does something else"),
            Err(WriterError::Failed { reason, why }) => {
                tracing::warn!(?request, ?reason, %why, "an update goes wrong");
                self.trouble(why).await;
                return Some(Input::Failed(reason));
            }
            Err(error) => tracing::warn!(?error, ?request, "the slot writer is gone"),
        }
        tokio::time::sleep(WRITER_AGAIN).await;
        Some(Input::Lost)
    }

    /// Gives the slot writer what it wants until it is done.
    async fn converse(&self, request: Request) -> Result<Reply, WriterError> {
        self.talk(self.writer.begin(request).await?).await
    }

    async fn talk(&self, mut conversation: Conversation) -> Result<Reply, WriterError> {
        self.sources.lock().await.begin();
        loop {
            match conversation.next().await? {
                Reply::Want { path, at, length, ahead, wrong } => {
                    let piece = Piece { path: &path, at, length, ahead };
                    self.give(&mut conversation, piece, wrong).await?;
                }
                Reply::Flushed { done, of } => self.tell(Progress::Flushed { done, of }).await,
                Reply::Working { percent } => self.tell(Progress::Read(percent)).await,
                reply => {
                    self.sources.lock().await.rest().await;
                    return Ok(reply);
                }
            }
        }
    }

    async fn give(&self, to: &mut Conversation, piece: Piece<'_>, wrong: bool) -> Result<(), WriterError> {
        if piece.path.starts_with("images/") {
            self.until_window().await;
        }
        if let Some(stick) = &self.stick {
            return to.give(self.read_stick(stick, piece).await).await;
        }
        let terms = || *self.terms.borrow();
        let bytes = self.sources.lock().await.piece(piece, wrong, terms).await;
        to.give(bytes).await
    }

    /// A piece of what somebody has brought; `None`: it is not there. A stick that was pulled out may come back.
    async fn read_stick(&self, stick: &Stick, piece: Piece<'_>) -> Option<Vec<u8>> {
        for waited in 0..STICK_PATIENCE_S {
            match stick.read(&piece).await {
                Ok(found) => {
                    if waited > 0 {
                        self.tell(Progress::Trouble(None)).await;
                    }
                    return found;
                }
                Err(error) if waited == 0 => {
                    tracing::warn!(%error, "what was brought cannot be read");
                    self.trouble(format!("{error}; is the stick still in?")).await;
                }
                Err(_) => {}
            }
            tokio::time::sleep(GATE_INTERVAL).await;
        }
        None
    }

    async fn trouble(&self, why: String) {
        self.tell(Progress::Trouble(Some(why))).await;
    }

    async fn tell(&self, progress: Progress) {
        // The receiver lives as long as the agent.
        self.progress.send(progress).await.ok();
    }

    async fn until_window(&self) {
        while !self.is_in_window() {
            let window = self.terms.borrow().and_then(|terms| terms.window);
            let words =
                window.map_or_else(|| "the word of the fleet".to_owned(), |it| format!("its time, {it}"));
            self.tell(Progress::WaitsFor(words)).await;
            tokio::time::sleep(GATE_INTERVAL).await;
        }
    }

    /// Whether the wish that is in force allows something now. Without one nothing is allowed.
    fn is_in_window(&self) -> bool {
        let minute = self.clock.now().local.minute;
        self.terms.borrow().is_some_and(|terms| terms.window.is_none_or(|window| window.holds(minute)))
    }

    async fn is_gate_open(&self) -> bool {
        // Whoever stands there has decided; what the fleet does not know yet stays in the store.
        let has_fleet = self.has_fleet && self.stick.is_none();
        let gate = on_core(&self.core, move |core| {
            let unsynced = if has_fleet { core.store().unsynced()?.payments } else { 0 };
            Ok(core.kiosk().update_gate(unsynced))
        });
        match gate.await {
            Ok(UpdateGate::Open) => true,
            Ok(UpdateGate::Closed(obstacles)) => {
                let words: Vec<String> = obstacles.iter().map(crate::admin::obstacle).collect();
                self.tell(Progress::WaitsFor(words.join(", "))).await;
                false
            }
            Err(_) => false,
        }
    }

    /// Says on the screen what the machine is about to do. Whether it is to restart.
    async fn announce(&self, input: MachineInput) -> bool {
        on_core(&self.core, move |core| core.machine(input)).await.unwrap_or(false)
    }

    async fn restart(&self) -> Input {
        // Whoever touches the screen until it is dark finds out why.
        tokio::time::sleep(SHOWN).await;
        loop {
            match self.machine.reboot() {
                Ok(()) => std::future::pending::<()>().await,
                Err(error) => tracing::error!("the machine cannot be restarted: {error:#}"),
            }
            self.announce(MachineInput::Staying).await;
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn prove(&self, boot: u8, devices: std::collections::BTreeSet<String>) -> Input {
        tracing::info!(boot, ?devices, "the new release has to prove itself");
        let (core, board) = (self.core.clone(), self.board.clone());
        let proof = Proof { core, board, screen: self.screen.clone(), devices };
        if let Err(reason) = proof.shown_within(self.prove_within).await {
            tracing::error!(?reason, "the new release has not proven itself");
            return Input::Failed(reason);
        }
        while let Err(error) = self.writer.tell(Request::MarkGood).await {
            tracing::error!(%error, "the release that has proven itself cannot be marked good");
            tokio::time::sleep(AGAIN).await;
        }
        Input::Proven
    }
}
