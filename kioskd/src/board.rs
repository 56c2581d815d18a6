//! How every device is doing, for local tools, the technician and the fleet.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use hal::status::DeviceStatus;

/// The newest status of every device, by name. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Board(Arc<Mutex<BTreeMap<&'static str, DeviceStatus>>>);

impl Board {
    /// A device tells how it is.
    pub fn device(&self, name: &'static str, status: DeviceStatus) {
        let mut newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = newest.insert(name, status.clone());
        drop(newest);
        if before.map(|b| b.state) != Some(status.state.clone()) {
            tracing::info!(device = name, state = ?status.state, detail = %status.detail, "device");
        }
    }

    /// How the devices are, by name.
    pub fn devices(&self) -> BTreeMap<&'static str, DeviceStatus> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
