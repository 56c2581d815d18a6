//! RAUC over D-Bus: `de.pengutronix.rauc.Installer`, as of RAUC 1.8
//! (<https://rauc.readthedocs.io/en/latest/reference.html#d-bus-api>).
//!
//! During a trial boot RAUC calls the running slot bad, and names the other one as primary. What runs is therefore
//! read from the state of the slots, never from `GetPrimary`.

use std::collections::HashMap;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use protocol::text::{Hex32, from_hex};
use zbus::blocking::connection::Builder;
use zbus::blocking::{Connection, Proxy};
use zbus::zvariant::{OwnedValue, Value};

use super::{BootChooser, Booted, Bundle, BundleError, ChooserError, Written};
use crate::chooser::Slot;

const NAME: &str = "de.pengutronix.rauc";
const INTERFACE: &str = "de.pengutronix.rauc.Installer";
/// How often it is told how far an installation is.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// The RAUC service of this machine.
pub struct Rauc {
    installer: Proxy<'static>,
}

/// A slot, as RAUC tells it.
struct Told {
    name: String,
    boot_name: String,
    device: String,
    is_booted: bool,
    is_good: bool,
    bundle_version: String,
    size: Option<u64>,
    sha256: Option<Hex32>,
}

impl Rauc {
    /// Over a bus at this D-Bus address; without one over the system bus.
    ///
    /// # Errors
    /// There is no bus. Whether RAUC is there is seen when it is asked.
    pub fn over(bus: Option<&str>) -> zbus::Result<Self> {
        let connection = match bus {
            Some(address) => Builder::address(address)?.build()?,
            None => Connection::system()?,
        };
        Ok(Self { installer: Proxy::new(&connection, NAME, "/", INTERFACE)? })
    }

    fn slots(&self) -> zbus::Result<Vec<Told>> {
        let told: Vec<(String, HashMap<String, OwnedValue>)> = self.installer.call("GetSlotStatus", &())?;
        let text = |status: &HashMap<String, OwnedValue>, key: &str| -> String {
            status.get(key).and_then(|value| <&str>::try_from(value).ok()).unwrap_or_default().to_owned()
        };
        let slot = |(name, status): (String, HashMap<String, OwnedValue>)| Told {
            name,
            boot_name: text(&status, "bootname"),
            device: text(&status, "device"),
            bundle_version: text(&status, "bundle.version"),
            size: status.get("size").and_then(|value| u64::try_from(value).ok()),
            sha256: from_hex(&text(&status, "sha256")).and_then(|it| it.try_into().ok()).map(Hex32),
            is_booted: text(&status, "state") == "booted",
            is_good: text(&status, "boot-status") == "good",
        };
        Ok(told.into_iter().map(slot).collect())
    }

    fn mark(&self, state: &str, slot: Slot) -> Result<(), ChooserError> {
        let slots = self.slots()?;
        let told = slots.iter().find(|it| named(&it.boot_name) == Some(slot));
        let name = &told.ok_or(ChooserError::NoSlot(slot))?.name;
        let (marked, message): (String, String) = self.installer.call("Mark", &(state, name.as_str()))?;
        if marked == *name { Ok(()) } else { Err(ChooserError::Running(message)) }
    }

    /// What RAUC says of the last installation, as soon as it says it.
    fn completed(&self) -> Result<mpsc::Receiver<i32>, BundleError> {
        let (ended, end) = mpsc::channel();
        let mut completed = self.installer.receive_signal("Completed")?;
        let wait = move || {
            let result = completed.next().and_then(|signal| signal.body().deserialize::<i32>().ok());
            // Nobody waits any more.
            ended.send(result.unwrap_or(-1)).ok();
        };
        let thread = std::thread::Builder::new().name("rauc".into()).spawn(wait);
        thread.map_err(|error| BundleError::Failed(error.to_string()))?;
        Ok(end)
    }

    fn percent(&self) -> u8 {
        let progress: zbus::Result<(i32, String, i32)> = self.installer.get_property("Progress");
        progress.ok().and_then(|(percent, ..)| percent.try_into().ok()).unwrap_or(0)
    }
}

fn version_of(bundle: &Bundle) -> String {
    format!("{}+{}", bundle.version, bundle.release)
}

fn named(boot_name: &str) -> Option<Slot> {
    match boot_name {
        "A" => Some(Slot::A),
        "B" => Some(Slot::B),
        _ => None,
    }
}

impl BootChooser for Rauc {
    fn booted(&mut self) -> Result<Booted, ChooserError> {
        let slots = self.slots()?;
        let running = slots.iter().find_map(|it| Some((it, named(&it.boot_name).filter(|_| it.is_booted)?)));
        let (told, slot) =
            running.ok_or_else(|| ChooserError::Running("RAUC knows no booted slot A or B".into()))?;
        let primary: Option<String> = self.installer.call("GetPrimary", &()).ok();
        let primary = slots.iter().find(|it| Some(&it.name) == primary.as_ref());
        let primary = primary.and_then(|it| named(&it.boot_name)).unwrap_or(slot);
        Ok(Booted { slot, good: told.is_good, primary })
    }

    fn mark_bad(&mut self, slot: Slot) -> Result<(), ChooserError> {
        self.mark("bad", slot)
    }

    fn mark_good(&mut self, slot: Slot) -> Result<(), ChooserError> {
        self.mark("good", slot)
    }

    fn activate(&mut self, slot: Slot) -> Result<(), ChooserError> {
        self.mark("active", slot)
    }

    fn bundle(&mut self, path: &Path) -> Result<Bundle, BundleError> {
        let path = path.to_string_lossy();
        let told: zbus::Result<(String, String)> = self.installer.call("Info", &(&*path));
        let (found, version) = told.map_err(|error| match error {
            zbus::Error::MethodError(_, Some(why), _) => BundleError::Unbelieved(why),
            error => error.into(),
        })?;
        let wanted: String = self.installer.get_property("Compatible")?;
        if found != wanted {
            return Err(BundleError::Foreign { found, wanted });
        }
        let numbered = version.rsplit_once('+').and_then(|(name, number)| Some((name, number.parse().ok()?)));
        let (name, release) = numbered.ok_or_else(|| BundleError::Unnumbered(version.clone()))?;
        Ok(Bundle { release, version: name.to_owned() })
    }

    fn install(&mut self, path: &Path, told: &mut dyn FnMut(u8)) -> Result<(), BundleError> {
        let path = path.to_string_lossy();
        let end = self.completed()?;
        let options: HashMap<&str, Value<'_>> = HashMap::new();
        let () = self.installer.call("InstallBundle", &(&*path, options))?;
        loop {
            match end.recv_timeout(TELL_EVERY) {
                Ok(0) => return Ok(()),
                Err(RecvTimeoutError::Timeout) => told(self.percent()),
                Ok(_) | Err(RecvTimeoutError::Disconnected) => {
                    let why = self.installer.get_property("LastError");
                    return Err(BundleError::Failed(why.unwrap_or_default()));
                }
            }
        }
    }

    fn written(&mut self, device: &Path, bundle: &Bundle) -> Result<Written, BundleError> {
        let same = |it: &&Told| match (std::fs::canonicalize(&it.device), std::fs::canonicalize(device)) {
            (Ok(one), Ok(other)) => one == other,
            _ => false,
        };
        let slots = self.slots()?;
        let told = slots.iter().find(same).filter(|it| it.bundle_version == version_of(bundle));
        let written = told.and_then(|it| Some(Written { size: it.size?, sha256: it.sha256? }));
        written.ok_or_else(|| BundleError::Untold(device.display().to_string()))
    }
}
