//! The devices of one run: their tasks, their endpoints, and a shared view for those who look at them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::device::{Device, Port, Shutdown, VerbError, Wired};

/// Under construction: devices are added one by one.
#[derive(Debug)]
pub struct Rig {
    devices: Vec<Arc<dyn Device>>,
    endpoints: BTreeMap<String, String>,
    tasks: JoinSet<()>,
    shutdown: Shutdown,
}

impl Rig {
    /// Empty; `shutdown` stops every device that is wired later.
    #[must_use]
    pub fn new(shutdown: Shutdown) -> Self {
        Self { devices: Vec::new(), endpoints: BTreeMap::new(), tasks: JoinSet::new(), shutdown }
    }

    /// Adds a device without a wire.
    pub fn add(&mut self, device: Arc<dyn Device>) {
        self.devices.push(device);
    }

    /// Adds a device and starts serving its port; must be called inside the runtime.
    pub fn wire(&mut self, device: Arc<impl Wired>, port: Port) {
        self.endpoints.insert(device.name().to_owned(), port.endpoint());
        self.tasks.spawn(Arc::clone(&device).run(port, self.shutdown.clone()));
        self.devices.push(device);
    }

    /// Names a further address for the line that is printed when everything is ready.
    pub fn announce(&mut self, name: &str, endpoint: String) {
        self.endpoints.insert(name.to_owned(), endpoint);
    }

    /// Starts a task that serves the whole rig; it should end on shutdown.
    pub fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// The devices so far, for the panel and the control socket.
    #[must_use]
    pub fn devices(&self) -> Devices {
        Devices(self.devices.as_slice().into())
    }

    /// The receiver to hand to a task.
    #[must_use]
    pub fn shutdown(&self) -> Shutdown {
        self.shutdown.clone()
    }

    /// The line for whoever started us: `{"ready":true,"printer":"…",…}`.
    #[must_use]
    pub fn ready(&self) -> Value {
        let mut ready = json!({"ready": true});
        for (name, endpoint) in &self.endpoints {
            ready[name] = json!(endpoint);
        }
        ready
    }

    /// Waits until every task has ended.
    pub async fn join(mut self) {
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a device has died");
            }
        }
    }
}

impl std::fmt::Debug for dyn Device {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The closed list of devices.
#[derive(Debug, Clone)]
pub struct Devices(Arc<[Arc<dyn Device>]>);

impl Devices {
    /// In the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Device>> {
        self.0.iter()
    }

    /// One device by name.
    ///
    /// # Errors
    /// [`VerbError::UnknownDevice`].
    pub fn get(&self, name: &str) -> Result<&Arc<dyn Device>, VerbError> {
        let found = self.0.iter().find(|device| device.name() == name);
        found.ok_or_else(|| VerbError::UnknownDevice {
            name: name.to_owned(),
            known: self.0.iter().map(|device| device.name()).collect::<Vec<_>>().join(", "),
        })
    }

    /// The state of all devices by name.
    #[must_use]
    pub fn state(&self) -> Value {
        self.0.iter().map(|device| (device.name().to_owned(), device.state())).collect()
    }
}
