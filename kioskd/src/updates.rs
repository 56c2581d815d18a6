//! Updates: the hands of [`ota::agent`].
//!
//! ```text
//!  broker ── assignment, halt, metadata, parts ──► Inbox ──► agent ── Journal ──► store
//!  fleet  ◄── HTTPS ranges ── sources ◄── Want ──┐            │
//!  neighbours ◄── pieces ──────┤                 │            │
//!                                 └──── bytes ──► kiosk-slot-writer ◄── Request
//! ```
//! [`agent`] keeps the journal and does one action after the other; `hands` is how each is done; `orders` opens what
//! the fleet has signed. This process writes no slot: that is the slot writer's, which proves everything anew.

mod agent;
mod by_hand;
mod hands;
mod https;
mod inbox;
mod orders;
mod pace;
mod parts;
mod peers;
mod proof;
mod report;
mod sources;
mod stick;
mod writer;

use std::sync::Arc;

use domain::View;
use ota::trust::sign::PublicKey;
use tokio::sync::{mpsc, oneshot, watch};
use ui::shell::UiHandle;

pub(crate) use by_hand::Wanted;
pub(crate) use inbox::Inbox;

use crate::board::Board;
use crate::clock::ShopClock;
use crate::core::CoreHandle;
use crate::settings::{Settings, WrongValue};
use crate::supervisor::Supervisor;
use crate::uplink::{Machine, Outgoing};

/// Commands that may wait: one person is at the kiosk.
const COMMANDS: usize = 4;

/// What updates are given.
pub struct Parts<'a> {
    /// The settings.
    pub settings: &'a Settings,
    /// The core.
    pub core: CoreHandle,
    /// The clocks.
    pub clock: ShopClock,
    /// How the devices are.
    pub board: Board,
    /// The screen.
    pub screen: UiHandle<View>,
    /// The machine.
    pub machine: Arc<dyn Machine>,
}

/// How tools reach updates.
#[derive(Clone)]
pub struct UpdatesHandle {
    status: watch::Receiver<serde_json::Value>,
    commands: mpsc::Sender<by_hand::Command>,
}

impl UpdatesHandle {
    /// How updates are.
    pub fn status(&self) -> serde_json::Value {
        self.status.borrow().clone()
    }

    /// Has something done; what that is, for a person.
    ///
    /// # Errors
    /// Why not, for a person.
    pub(crate) async fn tell(&self, wanted: Wanted) -> Result<String, String> {
        let (reply, answer) = oneshot::channel();
        let busy = |_| "updates are busy; try again".to_owned();
        self.commands.try_send(by_hand::Command { wanted, reply }).map_err(busy)?;
        answer.await.map_err(|_| "it was not answered; kioskctl updates says how it is".to_owned())?
    }
}

/// The ends between updates and the uplink.
pub(crate) struct Ends {
    /// What came in.
    pub(crate) inbox: Inbox,
    /// What is to be told.
    pub(crate) outgoing: mpsc::Sender<Outgoing>,
}

impl Default for Ends {
    /// Of a kiosk that has no fleet: nothing comes in, and nobody listens.
    fn default() -> Self {
        Self { inbox: Inbox::default(), outgoing: mpsc::channel(1).0 }
    }
}

/// Starts the updates' task, if the settings have updates.
///
/// # Errors
/// A campaign key is none; [`check`] has found that before.
pub(crate) fn start(
    parts: Parts<'_>,
    ends: Ends,
    supervisor: &Supervisor,
) -> anyhow::Result<Option<UpdatesHandle>> {
    let Some(settings) = &parts.settings.update else { return Ok(None) };
    let (told, status) = watch::channel(serde_json::Value::Null);
    let (commands, commands_end) = mpsc::channel(COMMANDS);
    let tools = agent::Tools { told, commands: commands_end };
    let agent = agent::Agent::new(&parts, settings, campaign_keys(settings)?, ends, tools);
    let shutdown = supervisor.shutdown();
    supervisor.task("updates", async move { agent.run(shutdown).await });
    Ok(Some(UpdatesHandle { status, commands }))
}

/// Checks what a start would refuse.
///
/// # Errors
/// What is wrong, with its key.
pub(crate) fn check(settings: &Settings) -> Result<(), WrongValue> {
    settings.update.as_ref().map_or(Ok(()), |update| campaign_keys(update).map(drop))
}

fn campaign_keys(settings: &crate::settings::Update) -> Result<Vec<PublicKey>, WrongValue> {
    let wrong = |text: &String| {
        let message = format!("{text:?} is no public key: 64 hexadecimal digits, from `kiosk-ota keys show`");
        WrongValue::new("update.campaign_keys", message)
    };
    settings.campaign_keys.iter().map(|text| PublicKey::parse(text).ok_or_else(|| wrong(text))).collect()
}
