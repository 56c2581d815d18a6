//! How every device and the kiosk are doing, for local tools, the technician and the fleet.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::kiosk::KioskStatus;
use hal::status::DeviceStatus;

/// The newest status of everything. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Board(Arc<Mutex<Newest>>);

#[derive(Debug, Default)]
struct Newest {
    kiosk: Option<KioskStatus>,
    devices: BTreeMap<&'static str, DeviceStatus>,
}

impl Board {
    /// A device tells how it is.
    pub fn device(&self, name: &'static str, status: DeviceStatus) {
        let mut newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = newest.devices.insert(name, status.clone());
        drop(newest);
        if before.map(|b| b.state) != Some(status.state.clone()) {
            tracing::info!(device = name, state = ?status.state, detail = %status.detail, "device");
        }
    }

    /// The kiosk tells how it is.
    pub fn kiosk(&self, status: KioskStatus) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).kiosk = Some(status);
    }

    /// How the devices are, by name.
    pub fn devices(&self) -> BTreeMap<&'static str, DeviceStatus> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).devices.clone()
    }

    /// How the kiosk is, once it has told.
    pub fn newest_kiosk(&self) -> Option<KioskStatus> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).kiosk.clone()
    }
}
