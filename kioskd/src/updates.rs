//! Updates: the hands of [`ota::agent`].
//!
//! ```text
//!  broker ── assignment, halt, metadata, parts ──► Inbox ──► agent ── Journal ──► store
//!  fleet  ◄── HTTPS ranges ── sources ◄── Want ──┐            │
//!                                 └──── bytes ──► kiosk-slot-writer ◄── Request
//! ```
//! [`agent`] keeps the journal and does one action after the other; `hands` is how each is done; `orders` opens what
//! the fleet has signed. This process writes no slot: that is the slot writer's, which proves everything anew.

mod agent;
mod hands;
mod https;
mod inbox;
mod orders;
mod pace;
mod parts;
mod proof;
mod report;
mod sources;
mod writer;

use std::sync::Arc;

use domain::View;
use ota::trust::sign::PublicKey;
use tokio::sync::{mpsc, watch};
use ui::shell::UiHandle;

pub(crate) use inbox::Inbox;

use crate::board::Board;
use crate::clock::ShopClock;
use crate::core::CoreHandle;
use crate::settings::{Settings, WrongValue};
use crate::supervisor::Supervisor;
use crate::uplink::{Machine, Outgoing};

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

/// What tools are told of updates.
#[derive(Clone)]
pub struct UpdatesHandle(watch::Receiver<serde_json::Value>);

impl UpdatesHandle {
    /// How updates are.
    pub fn status(&self) -> serde_json::Value {
        self.0.borrow().clone()
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
    let agent = agent::Agent::new(&parts, settings, campaign_keys(settings)?, ends, told);
    let shutdown = supervisor.shutdown();
    supervisor.task("updates", async move { agent.run(shutdown).await });
    Ok(Some(UpdatesHandle(status)))
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
