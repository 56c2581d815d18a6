//! The seam between an emulated device and everything around it: rig, control socket, web panel, tests.
//!
//! A device is a passive object behind a lock ([`Device`]) plus, when it has a wire, an asynchronous loop that owns
//! the wire ([`Wired`]). The loop gets its [`Port`] and its [`Shutdown`] from outside.
//!
//! ```text
//!   kiosk == pty or TCP == Port -> Link -> Wired::run ---> inner state <--- Device::verb <--- sim ctl, panel, test
//!                                                                |
//!                                                       Revision::bump -> panel, waiting tests
//! ```

mod link;
mod pty;
mod tcp;

pub use link::{Link, Port, PortError};

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

/// When a cable could not be plugged in again (somebody has taken the address meanwhile), it is tried again after this:
/// no device may stay dead for a moment's bad luck.
pub(crate) const PLUG_AGAIN: Duration = Duration::from_millis(100);

/// A device as seen from outside the wire. Methods are short and never block.
pub trait Device: Send + Sync + 'static {
    /// The name used by `sim ctl` and the panel: lower case, one word, e.g. `printer`.
    fn name(&self) -> &'static str;

    /// What a bystander would see, and the ledger, as JSON. Keys are stable: tests and panel parts read them. Three
    /// are known to the panel: `faults`, the names of the verbs in force (a fault verb with `off` among its arguments
    /// is shown as a switch); `in_force`, the arguments that brought a fault or setting into its present state, by
    /// verb (none = the verb alone); and `connected`, whether the kiosk has the wire open.
    fn state(&self) -> Value;

    /// Every verb this device understands.
    fn verbs(&self) -> &'static [Verb];

    /// Performs a fault or an action; the answer is shown to whoever asked.
    ///
    /// # Errors
    /// [`VerbError`] says which word was wrong; the device is unchanged then.
    fn verb(&self, name: &str, args: &[String]) -> Result<Value, VerbError>;

    /// A counter that moves whenever [`Device::state`] or a picture may have changed.
    fn changes(&self) -> watch::Receiver<u64>;

    /// The part of the web panel this device draws itself. Without one the panel shows the state as a table.
    fn panel(&self) -> Option<PanelPart> {
        None
    }

    /// A picture of the device, served as `/api/devices/<device>/pictures/<name>`.
    fn picture(&self, _name: &str) -> Option<Picture> {
        None
    }
}

/// A device with a wire of its own.
pub trait Wired: Device {
    /// Serves the port until `shutdown`; clients may come and go.
    fn run(self: Arc<Self>, port: Port, shutdown: Shutdown) -> Running;
}

/// The loop of a device, ready to be spawned.
pub type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One verb of a device, as listed by `sim ctl list` and drawn as a switch or button by the panel.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct Verb {
    /// The word itself, e.g. `paper-out`.
    pub name: &'static str,
    /// The arguments in words, e.g. `[mid-line]` or `N`; empty when there are none.
    pub args: &'static str,
    /// One sentence.
    pub help: &'static str,
    /// How the panel groups it.
    pub kind: VerbKind,
}

impl Verb {
    /// A row of a device's table.
    pub(crate) const fn new(
        name: &'static str,
        args: &'static str,
        help: &'static str,
        kind: VerbKind,
    ) -> Self {
        Self { name, args, help, kind }
    }

    /// The verb with this name.
    ///
    /// # Errors
    /// [`VerbError::UnknownVerb`], which names those there are.
    pub fn find<'a>(verbs: &'a [Self], name: &str) -> Result<&'a Self, VerbError> {
        verbs.iter().find(|verb| verb.name == name).ok_or_else(|| VerbError::UnknownVerb {
            name: name.to_owned(),
            known: verbs.iter().map(|verb| verb.name).collect::<Vec<_>>().join(", "),
        })
    }

    /// What to say to arguments that make no sense.
    #[must_use]
    pub fn usage(&self) -> VerbError {
        VerbError::Usage(format!("{}: {}", [self.name, self.args].join(" ").trim_end(), self.help))
    }
}

/// What sort of thing a verb does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum VerbKind {
    /// Something a person does to a healthy device: open, close, insert a card, scan a code.
    Action,
    /// Something goes wrong.
    Fault,
    /// Ends faults.
    Remedy,
}

/// Why a verb was not performed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum VerbError {
    /// No such device.
    #[error("no device is called \"{name}\"; there are {known}")]
    UnknownDevice {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// No such verb.
    #[error("\"{name}\" is not a verb of this device; it knows {known}")]
    UnknownVerb {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// Wrong number or kind of arguments.
    #[error("usage: {0}")]
    Usage(String),
    /// Understood, but impossible in the present state.
    #[error("not possible now: {0}")]
    Refused(String),
}

/// A device's own part of the web panel.
///
/// The script is an ES module served by the panel; it exports `mount(root, api)`, called once with an empty element,
/// and returns a function `update(state)`, called with [`Device::state`] at every change. `api.verb(name, ...args)`
/// performs a verb and resolves to its answer; `api.picture(name)` gives the address of a picture. `update.draws` may name
/// the verbs that the part has buttons for: the panel does not list them again.
#[derive(Debug, Clone, Copy)]
pub struct PanelPart {
    /// Heading over the part, e.g. `Card terminal`.
    pub title: &'static str,
    /// The ES module.
    pub script: &'static str,
    /// Style sheet; its rules should start with a class of the device, e.g. `.terminal`.
    pub style: &'static str,
}

/// A picture served by the panel.
#[derive(Debug, Clone)]
pub struct Picture {
    /// MIME type, e.g. `image/png`.
    pub content_type: &'static str,
    /// The file's bytes.
    pub bytes: Vec<u8>,
}

/// Tells watchers that something changed; the number counts changes and means nothing else.
#[derive(Debug)]
pub struct Revision(watch::Sender<u64>);

impl Revision {
    /// Starts at zero without watchers.
    #[must_use]
    pub fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    /// Announces a change.
    pub fn bump(&self) {
        self.0.send_modify(|revision| *revision = revision.wrapping_add(1));
    }

    /// A receiver that sees every later change (several changes may appear as one).
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

impl Default for Revision {
    fn default() -> Self {
        Self::new()
    }
}

/// The receiving end of "please stop"; clones all see the same request.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    /// A switch and the receiver to hand to device loops. Dropping the switch also means "stop".
    #[must_use]
    pub fn channel() -> (watch::Sender<bool>, Self) {
        let (switch, receiver) = watch::channel(false);
        (switch, Self(receiver))
    }

    /// Resolves when stopping was requested; cancel-safe.
    pub async fn requested(&mut self) {
        if self.0.wait_for(|stop| *stop).await.is_err() {
            tracing::debug!("the shutdown switch was dropped, stopping");
        }
    }
}
