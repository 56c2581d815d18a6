//! The connection to the fleet.
//!
//! ```text
//!  core ── news ──► driver ── Link ──► broker          MQTT 5, mutual TLS, CN = kiosk id
//!   ▲  cursor, jobs   │  ▲              │
//!   └─────────────────┘  └── LinkEvent ─┘ poll
//!                     errands ── HTTPS ──► fleetd       catalogs, files, certificates
//!  no identity yet: claim ── HTTPS ──► fleetd           a code for the screen, until somebody claims us
//! ```
//! [`sync`] decides, without touching anything, when which events are sent and what an answer means; `driver` does
//! it. `link` is the only file that knows the MQTT library. `errands` does what the fleet wants done.

pub mod backoff;
mod claim;
mod driver;
mod enrol;
mod errands;
mod floored_clock;
mod http;
mod identity;
mod link;
mod report;
pub mod sync;
mod twin;

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::claim::FleetAnswer;
use domain::ids::{Uuid, VariationId};
use domain::input::UplinkInput;
use domain::money::Quantity;
use domain::{Input, View};
use protocol::fleet::Reserve;
use protocol::text::Id;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use ui::shell::UiHandle;

pub(crate) use driver::on_core;
pub use errands::Machine;
pub(crate) use errands::Outgoing;
pub(crate) use http::{Driven, Http};
pub use identity::{Folder, Identity};

use crate::admin::AdminContext;
use crate::board::Board;
use crate::clock::ShopClock;
use crate::core::{CoreHandle, Standing};
use crate::settings::{Settings, WrongValue};
use crate::supervisor::Supervisor;
use crate::updates::{self, Inbox};

/// Requests of tools that may wait: one person enrols one kiosk.
const COMMANDS: usize = 4;

/// Questions for more goods that may wait: there is one customer.
const RESERVATIONS: usize = 4;

/// Messages of the errands that may wait for the connection.
const OUTGOING: usize = 64;

/// What the uplink is given.
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
    /// Told whenever the core has stored events.
    pub news: Arc<Notify>,
    /// The machine.
    pub machine: Arc<dyn Machine>,
}

/// How tools reach the uplink.
#[derive(Clone)]
pub struct UplinkHandle {
    commands: mpsc::Sender<driver::Command>,
    reservations: mpsc::Sender<Reserve>,
    state: driver::Shared,
    fleet: String,
}

/// What a tool is told of the connection.
#[derive(Clone, Debug)]
pub struct UplinkStatus {
    /// The fleet's address, from the settings.
    pub fleet: String,
    /// Who we are there; `None`: not enrolled.
    pub identity: Option<Identity>,
    /// What it can be claimed by now: the code, the link, and when it ends, ms since 1970.
    pub claim: Option<(String, String, i64)>,
    /// Whether the broker has us.
    pub connected: bool,
    /// Number of the start and of the connection.
    pub connection: Option<(u32, u32)>,
    /// When the fleet acknowledged events last, ms since 1970.
    pub last_ack_ms: Option<i64>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
}

impl UplinkHandle {
    /// How the connection is.
    pub fn status(&self) -> UplinkStatus {
        let state = self.state.get();
        UplinkStatus {
            fleet: self.fleet.clone(),
            identity: state.identity,
            claim: state.claim.map(|open| (open.code.clone(), open.link(), open.ends_ms)),
            connected: state.connected,
            connection: state.connection,
            last_ack_ms: state.last_ack_ms,
            last_error: state.last_error,
        }
    }

    /// Asks for more of scarce goods, by variation and the sum of sales. A question that cannot go out now is
    /// dropped: the core waits for no answer for long.
    pub fn reserve(&self, question: Uuid, epoch: u64, goods: &BTreeMap<VariationId, Quantity>) {
        let goods = goods.iter().map(|(variation, upto)| (variation.to_string(), upto.0)).collect();
        let reserve = Reserve { question: Id(question), epoch, goods };
        if let Err(error) = self.reservations.try_send(reserve) {
            tracing::debug!(%error, "the fleet is not asked for more");
        }
    }

    /// Enrols with a one-time code.
    ///
    /// # Errors
    /// Why not, for a person.
    pub async fn enrol(&self, code: String) -> Result<Identity, String> {
        let (reply, answer) = oneshot::channel();
        let busy = |_| "the uplink is busy; try again".to_owned();
        self.commands.try_send(driver::Command::Enrol { code, reply }).map_err(busy)?;
        answer.await.map_err(|_| "the uplink ended".to_owned())?
    }
}

/// Makes the handle and the end that [`start`] takes.
pub fn channel(settings: &Settings) -> Option<(UplinkHandle, Ends)> {
    let uplink = settings.uplink.as_ref()?;
    let (commands, commands_end) = mpsc::channel(COMMANDS);
    let (reservations, reservations_end) = mpsc::channel(RESERVATIONS);
    let (outgoing, outgoing_end) = mpsc::channel(OUTGOING);
    let state = driver::Shared::default();
    let handle = UplinkHandle { commands, reservations, state: state.clone(), fleet: uplink.fleet.clone() };
    let inbox = Inbox::default();
    let (commands, reservations) = (commands_end, reservations_end);
    Some((handle, Ends { commands, reservations, state, outgoing, outgoing_end, inbox }))
}

/// The driver's end of a [`UplinkHandle`].
pub struct Ends {
    commands: mpsc::Receiver<driver::Command>,
    reservations: mpsc::Receiver<Reserve>,
    state: driver::Shared,
    outgoing: mpsc::Sender<Outgoing>,
    outgoing_end: mpsc::Receiver<Outgoing>,
    inbox: Inbox,
}

impl Ends {
    /// What updates hear and tell.
    pub(crate) fn for_updates(&self) -> updates::Ends {
        updates::Ends { inbox: self.inbox.clone(), outgoing: self.outgoing.clone() }
    }
}

/// Starts the uplink's tasks.
pub fn start(parts: Parts<'_>, ends: Ends, admin: AdminContext, supervisor: &Supervisor) {
    let Some(settings) = parts.settings.uplink.clone() else { return };
    let folder = Folder::below(&parts.settings.kiosk.data_dir);
    let (poller, links) = mpsc::channel(1);
    let (twin, twin_end) = watch::channel(None);
    let work = Arc::new(Notify::new());
    supervisor.task("uplink-poll", link::poll(links));
    let driver = driver::Driver {
        settings: settings.clone(),
        serial: parts.settings.kiosk.serial.clone(),
        provisional: parts.settings.kiosk.id.clone(),
        folder: folder.clone(),
        core: parts.core.clone(),
        clock: parts.clock.clone(),
        board: parts.board,
        facts: claim::Facts::of(parts.settings),
        news: parts.news,
        poller,
        commands: ends.commands,
        reservations: ends.reservations,
        state: ends.state,
        work: Arc::clone(&work),
        twin,
        outgoing: ends.outgoing_end,
        inbox: ends.inbox,
        shutdown: supervisor.shutdown(),
    };
    supervisor.task("uplink", driver.run());
    let errands = errands::Errands {
        settings,
        in_force: parts.settings.clone(),
        start_anew: false,
        folder,
        core: parts.core,
        clock: parts.clock,
        screen: parts.screen,
        admin,
        machine: parts.machine,
        work,
        twin: twin_end,
        followed: None,
        outgoing: ends.outgoing,
        shutdown: supervisor.shutdown(),
    };
    supervisor.task("uplink-errands", errands.run());
}

/// What the core hears of the uplink before anything else: a kiosk that waits to be claimed never shows another page.
///
/// # Errors
/// The identity cannot be read.
pub fn standing(settings: &Settings) -> anyhow::Result<Standing> {
    let sells = settings.uplink.as_ref().is_none_or(|uplink| uplink.sell_unclaimed);
    if sells || Folder::below(&settings.kiosk.data_dir).identity()?.is_some() {
        return Ok(Standing::default());
    }
    let claim = claim::Facts::of(settings).claim(FleetAnswer::Asking, None);
    Ok(Standing::of(&Input::Uplink(UplinkInput::Claim(Some(Arc::new(claim))))))
}

/// Checks what the uplink would refuse at its start, without touching the network.
///
/// # Errors
/// What is wrong, with its key.
pub(crate) fn check(settings: &Settings) -> Result<(), WrongValue> {
    let Some(uplink) = &settings.uplink else { return Ok(()) };
    let folder = Folder::below(&settings.kiosk.data_dir);
    folder.anonymous_tls(&uplink.ca).map(drop).map_err(|error| WrongValue::because("uplink.ca", error))
}
