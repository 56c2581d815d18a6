//! How each action is done. Nothing here decides; what came of it goes back to the journal.

use std::sync::Arc;
use std::time::Duration;

use domain::View;
use ota::agent::{Action, Input, Reason};
use ota::writer::wire::{Reply, Request};
use store::Outbox as _;
use tokio::sync::{Mutex, mpsc, watch};
use ui::shell::UiHandle;

use super::orders::Terms;
use super::proof::Proof;
use super::sources::{Piece, Sources};
use super::writer::{Conversation, SlotWriter, WriterError};
use crate::board::Board;
use crate::clock::ShopClock;
use crate::core::CoreHandle;
use crate::uplink::{Machine, on_core};

/// How often a gate is tried.
const GATE_INTERVAL: Duration = Duration::from_secs(1);
/// How long to wait before something that failed for a passing reason is tried again.
const AGAIN: Duration = Duration::from_secs(10);

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
}

/// How far it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Progress {
    /// Operations that survive a power cut, of so many.
    Flushed { done: usize, of: usize },
    /// In percent.
    Read(u8),
}

/// For which release, and by which devices it is judged.
pub(super) struct Task {
    pub(super) action: Action,
    pub(super) release: u64,
    pub(super) devices: std::collections::BTreeSet<String>,
}

impl Hands {
    /// Does an action, for as long as it takes; `None`: it has to begin anew. May be dropped at any moment.
    pub(super) async fn perform(self, task: Task) -> Option<Input> {
        let Task { action, release, devices } = task;
        Some(match action {
            Action::Rest => std::future::pending().await,
            Action::Examine(_) => self.examine(release).await,
            Action::AwaitDownload => {
                self.until_window().await;
                Input::Open
            }
            Action::Write { slot, from } => self.work(Request::Write { slot, release, from }).await?,
            Action::ReadBack(slot) => self.work(Request::ReadBack { slot, release }).await?,
            Action::AwaitTurn => {
                let mut terms = self.terms.clone();
                // The sender lives as long as the agent.
                drop(terms.wait_for(|terms| terms.is_some_and(|terms| terms.turn)).await);
                Input::Open
            }
            Action::AwaitGate => {
                while !(self.is_in_window() && self.is_gate_open().await) {
                    tokio::time::sleep(GATE_INTERVAL).await;
                }
                Input::Open
            }
            Action::Switch(slot) => self.work(Request::Activate { slot, release }).await?,
            Action::Restart => {
                while !self.is_gate_open().await {
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
                self.restart().await
            }
        })
    }

    async fn examine(&self, release: u64) -> Input {
        loop {
            match self.converse(Request::Believe { release }).await {
                Ok(Reply::Believed { floor, .. }) => return Input::Believed { floor },
                Ok(other) => tracing::error!(?other, "the slot writer believes nothing"),
                // Whether it is to be believed is not known yet.
                Err(WriterError::Failed { reason: Reason::Source, why }) => {
                    tracing::warn!(%why, "no metadata")
                }
                Err(WriterError::Failed { reason, why }) => {
                    tracing::warn!(release, ?reason, %why, "a release is not believed");
                    return Input::Failed(reason);
                }
                Err(error) => tracing::error!(error = ?error, "the slot writer cannot be asked"),
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Has the slot writer do something that ends in `Done`. `None`: it was lost in the middle, which says nothing of
    /// the release; it begins anew, at the newest watermark.
    async fn work(&self, request: Request) -> Option<Input> {
        match self.converse(request.clone()).await {
            Ok(Reply::Done) => return Some(Input::Done),
            Ok(other) => tracing::error!(?other, ?request, "the slot writer does something else"),
            Err(WriterError::Failed { reason, why }) => {
                tracing::warn!(?request, ?reason, %why, "an update goes wrong");
                return Some(Input::Failed(reason));
            }
            Err(error) => tracing::warn!(?error, ?request, "the slot writer is gone"),
        }
        tokio::time::sleep(WRITER_AGAIN).await;
        None
    }

    /// Gives the slot writer what it wants until it is done.
    async fn converse(&self, request: Request) -> Result<Reply, WriterError> {
        let mut conversation = self.writer.begin(request).await?;
        loop {
            match conversation.next().await? {
                Reply::Want { path, at, length, ahead, wrong } => {
                    let piece = Piece { path: &path, at, length, ahead };
                    self.give(&mut conversation, piece, wrong).await?;
                }
                Reply::Flushed { done, of } => self.tell(Progress::Flushed { done, of }).await,
                Reply::Working { percent } => self.tell(Progress::Read(percent)).await,
                reply => return Ok(reply),
            }
        }
    }

    async fn give(&self, to: &mut Conversation, piece: Piece<'_>, wrong: bool) -> Result<(), WriterError> {
        if piece.path.starts_with("images/") {
            self.until_window().await;
        }
        let terms = || *self.terms.borrow();
        let bytes = self.sources.lock().await.piece(piece, wrong, terms).await;
        to.give(bytes).await
    }

    async fn tell(&self, progress: Progress) {
        // The receiver lives as long as the agent.
        self.progress.send(progress).await.ok();
    }

    async fn until_window(&self) {
        while !self.is_in_window() {
            tokio::time::sleep(GATE_INTERVAL).await;
        }
    }

    /// Whether the wish that is in force allows something now. Without one nothing is allowed.
    fn is_in_window(&self) -> bool {
        let minute = self.clock.now().local.minute;
        self.terms.borrow().is_some_and(|terms| terms.window.is_none_or(|window| window.holds(minute)))
    }

    async fn is_gate_open(&self) -> bool {
        let has_fleet = self.has_fleet;
        let open = on_core(&self.core, move |core| {
            let unsynced = if has_fleet { core.store().unsynced()?.payments } else { 0 };
            Ok(core.kiosk().update_gate(unsynced).is_open())
        });
        open.await.unwrap_or(false)
    }

    async fn restart(&self) -> Input {
        loop {
            match self.machine.reboot() {
                Ok(()) => std::future::pending::<()>().await,
                Err(error) => tracing::error!("the machine cannot be restarted: {error:#}"),
            }
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
