//! RAUC over D-Bus: `de.pengutronix.rauc.Installer`, as of RAUC 1.8
//! (<https://rauc.readthedocs.io/en/latest/reference.html#d-bus-api>).
//!
//! During a trial boot RAUC calls the running slot bad, and names the other one as primary. What runs is therefore
//! read from the state of the slots, never from `GetPrimary`.

use std::collections::HashMap;
use std::path::Path;

use zbus::blocking::connection::Builder;
use zbus::blocking::{Connection, Proxy};
use zbus::zvariant::OwnedValue;

use super::{BootChooser, Booted, ChooserError};
use crate::chooser::Slot;

const NAME: &str = "de.pengutronix.rauc";
const INTERFACE: &str = "de.pengutronix.rauc.Installer";

/// The RAUC service of this machine.
pub struct Rauc {
    installer: Proxy<'static>,
}

/// Why a bundle is not installed.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// RAUC cannot be asked.
    #[error("RAUC")]
    Rauc(#[from] zbus::Error),
    /// Its version does not end in `+` and the number of the release.
    #[error("the bundle's version {0:?} tells no release number: 1.4.2+42")]
    Unnumbered(String),
    /// It is older than what is allowed here.
    #[error("release {release} is below {floor}, the lowest that is allowed here")]
    Floor {
        /// Of the bundle.
        release: u64,
        /// The lowest that is allowed.
        floor: u64,
    },
    /// RAUC has not installed it.
    #[error("RAUC: {0}")]
    Failed(String),
}

/// A slot, as RAUC tells it.
struct Told {
    name: String,
    boot_name: String,
    is_booted: bool,
    is_good: bool,
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

    /// Installs a whole bundle from a file of this machine, a USB stick for example, and activates its slot. Returns
    /// when RAUC has done it.
    ///
    /// # Errors
    /// See [`BundleError`].
    pub fn install_bundle(&self, path: &Path, floor: u64) -> Result<u64, BundleError> {
        let path = path.to_string_lossy();
        let (_compatible, version): (String, String) = self.installer.call("Info", &(&*path))?;
        let release = version.rsplit_once('+').and_then(|(_, number)| number.parse().ok());
        let release = release.ok_or(BundleError::Unnumbered(version))?;
        if release < floor {
            return Err(BundleError::Floor { release, floor });
        }
        let mut completed = self.installer.receive_signal("Completed")?;
        let options: HashMap<&str, zbus::zvariant::Value<'_>> = HashMap::new();
        let () = self.installer.call("InstallBundle", &(&*path, options))?;
        let result = completed.next().map(|signal| signal.body().deserialize::<i32>()).transpose()?;
        if result == Some(0) {
            return Ok(release);
        }
        Err(BundleError::Failed(self.installer.get_property("LastError").unwrap_or_default()))
    }
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
}
