//! What the broker has brought for updates: the newest of each kind.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use protocol::topic::Broadcast;
use tokio::sync::{Notify, mpsc};

/// Parts of files that may wait. More were not asked for; what is lost is asked for again.
const PARTS: usize = 2 * protocol::update::RANGES_MAX;

/// New roots that are held: two a year, and a kiosk may have been off for long.
const ROOTS_MAX: usize = 32;

/// Where the uplink puts what came in. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Inbox {
    heard: Arc<Mutex<Heard>>,
    changed: Arc<Notify>,
    parts: mpsc::Sender<Vec<u8>>,
    parts_end: Arc<Mutex<Option<mpsc::Receiver<Vec<u8>>>>>,
}

/// The newest of each kind.
#[derive(Clone, Default)]
pub(super) struct Heard {
    /// The signed assignment; `None`: there is none.
    pub(super) assignment: Option<Vec<u8>>,
    /// The signed halt document.
    pub(super) halt: Option<Vec<u8>>,
    /// How often the broker has taken us: the state is told each time.
    pub(super) connections: u64,
    metadata: BTreeMap<String, Vec<u8>>,
}

impl Default for Inbox {
    fn default() -> Self {
        let (parts, parts_end) = mpsc::channel(PARTS);
        let parts_end = Arc::new(Mutex::new(Some(parts_end)));
        Self { heard: Arc::default(), changed: Arc::default(), parts, parts_end }
    }
}

impl Inbox {
    /// The broker has us.
    pub(crate) fn connected(&self) {
        self.change(|heard| heard.connections += 1);
    }

    /// An assignment, or nothing any more.
    pub(crate) fn assignment(&self, payload: &[u8]) {
        let payload = (!payload.is_empty()).then(|| payload.to_owned());
        self.change(|heard| heard.assignment = payload);
    }

    /// What is said to every kiosk. A topic that was emptied takes nothing back.
    pub(crate) fn broadcast(&self, broadcast: Broadcast, payload: &[u8]) {
        if payload.is_empty() {
            return;
        }
        self.change(|heard| match broadcast {
            Broadcast::Halt => heard.halt = Some(payload.to_owned()),
            Broadcast::Root(version) => {
                if heard.metadata.len() < ROOTS_MAX {
                    heard.metadata.insert(format!("{version}.root"), payload.to_owned());
                }
            }
            Broadcast::Timestamp => drop(heard.metadata.insert("timestamp".into(), payload.to_owned())),
            Broadcast::Snapshot => drop(heard.metadata.insert("snapshot".into(), payload.to_owned())),
            Broadcast::Targets => drop(heard.metadata.insert("targets".into(), payload.to_owned())),
        });
    }

    /// A part of a file. One too many is dropped.
    pub(crate) fn part(&self, payload: Vec<u8>) {
        drop(self.parts.try_send(payload));
    }

    /// Returns when something has come since the last call. Cancel-safe.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    pub(super) fn heard(&self) -> Heard {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The parts, for the one who asks for them.
    pub(super) fn parts(&self) -> Option<mpsc::Receiver<Vec<u8>>> {
        self.parts_end.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// A file of `metadata/`, if it was said to every kiosk.
    pub(super) fn metadata(&self, name: &str) -> Option<Vec<u8>> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let name = name.strip_suffix(".json")?;
        let kind = name.rsplit('.').next()?;
        heard.metadata.get(if kind == "root" { name } else { kind }).cloned()
    }

    fn change(&self, change: impl FnOnce(&mut Heard)) {
        change(&mut self.heard.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emptied_halt_topic_keeps_the_last_halt_and_an_emptied_assignment_is_none() {
        let inbox = Inbox::default();
        for payload in [b"1".as_slice(), b""] {
            inbox.broadcast(Broadcast::Halt, payload);
            inbox.assignment(payload);
        }
        assert_eq!(inbox.heard().halt.as_deref(), Some(b"1".as_slice()));
        assert_eq!(inbox.heard().assignment, None);
    }

    #[test]
    fn metadata_is_found_by_the_names_that_it_has_in_the_repository() {
        let inbox = Inbox::default();
        inbox.broadcast(Broadcast::Timestamp, b"t");
        inbox.broadcast(Broadcast::Snapshot, b"s");
        inbox.broadcast(Broadcast::Root(3), b"r");
        let found = |name: &str| inbox.metadata(name);
        assert_eq!(found("timestamp.json").as_deref(), Some(b"t".as_slice()));
        assert_eq!(found("17.snapshot.json").as_deref(), Some(b"s".as_slice()));
        assert_eq!(found("3.root.json").as_deref(), Some(b"r".as_slice()));
        assert_eq!((found("4.root.json"), found("5.targets.json")), (None, None));
    }
}
