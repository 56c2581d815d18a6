//! News between replicas: one LISTEN connection each, and one NOTIFY for all that changed in a quarter of a
//! second. A NOTIFY takes a lock of the whole database at commit, so no transaction of ingest sends one.
//!
//! News may be lost: who listens reads the tables again after [`News::Resync`], and the work that must be done
//! is in the tables, where it is looked for also without news.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, broadcast};
use tokio_postgres::AsyncMessage;

use crate::database::{Database, DatabaseError, Server, Trying};

/// News wait so long for company.
const DEBOUNCE: Duration = Duration::from_millis(250);

/// Pause before listening again.
const RETRY: Duration = Duration::from_secs(1);

/// News that a slow listener may be behind; then it is told [`News::Resync`].
const BACKLOG: usize = 256;

/// More ids than this are told as "many": a payload has at most 7,999 bytes, an id 64.
const IDS_MAX: usize = 100;

/// What is there to be read again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Subject {
    /// How kiosks are.
    Kiosk,
    /// Orders.
    Order,
    /// Jobs.
    Job,
    /// Tasks.
    Task,
}

/// Something that happened somewhere in the fleet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum News {
    /// These changed; no ids: many did.
    Changed { tenant: String, subject: Subject, ids: BTreeSet<String> },
    /// The list of revoked kiosks is to be made anew.
    Revoked,
    /// There is something to send to kiosks.
    Due,
    /// News were lost.
    Resync,
}

#[derive(Default)]
struct Pending {
    changed: BTreeMap<(String, Subject), BTreeSet<String>>,
    many: BTreeSet<(String, Subject)>,
    revoked: bool,
    due: bool,
}

/// Where news are told and heard.
#[derive(Clone)]
pub(crate) struct Hub {
    news: broadcast::Sender<Arc<News>>,
    pending: Arc<Mutex<Pending>>,
    wake: Arc<Notify>,
}

impl Hub {
    pub(crate) fn new() -> Self {
        Self { news: broadcast::channel(BACKLOG).0, pending: Arc::default(), wake: Arc::default() }
    }

    /// Hears what is told from now on.
    pub(crate) fn listen(&self) -> broadcast::Receiver<Arc<News>> {
        self.news.subscribe()
    }

    /// Tells that many changed, or that it is not known which.
    pub(crate) fn many(&self, tenant: &str, subject: Subject) {
        self.add(|pending| {
            let key = (tenant.to_owned(), subject);
            pending.changed.entry(key.clone()).or_default();
            pending.many.insert(key);
        });
    }

    /// Tells that these changed; none: nothing did.
    pub(crate) fn changed(&self, tenant: &str, subject: Subject, ids: impl IntoIterator<Item = String>) {
        let ids: Vec<String> = ids.into_iter().collect();
        if ids.is_empty() {
            return;
        }
        self.add(|pending| {
            let key = (tenant.to_owned(), subject);
            let known = pending.changed.entry(key.clone()).or_default();
            known.extend(ids);
            if known.len() > IDS_MAX {
                pending.many.insert(key);
                known.clear();
            }
        });
    }

    /// Tells that a kiosk was revoked.
    pub(crate) fn revoked(&self) {
        self.add(|pending| pending.revoked = true);
    }

    /// Tells that there is something to send.
    pub(crate) fn due(&self) {
        self.add(|pending| pending.due = true);
    }

    fn add(&self, change: impl FnOnce(&mut Pending)) {
        change(&mut self.pending.lock().unwrap_or_else(PoisonError::into_inner));
        self.wake.notify_one();
    }

    fn take(&self) -> Vec<News> {
        let pending = std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner));
        let Pending { changed, many, revoked, due } = pending;
        let changed = changed.into_iter().map(|(key, mut ids)| {
            if many.contains(&key) {
                ids.clear();
            }
            News::Changed { tenant: key.0, subject: key.1, ids }
        });
        let rest = [(revoked, News::Revoked), (due, News::Due)];
        changed.chain(rest.into_iter().filter(|(is, _)| *is).map(|(_, news)| news)).collect()
    }

    /// Sends what was told, for ever.
    pub(crate) async fn tell(self, database: Database) {
        loop {
            self.wake.notified().await;
            tokio::time::sleep(DEBOUNCE).await;
            if let Err(error) = send(&database, &self.take()).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "other replicas cannot be told");
            }
        }
    }

    /// Hears what all replicas tell, for ever; `address` is that of the database.
    pub(crate) async fn hear(self, server: Server) {
        loop {
            let error = self.hear_once(&server).await.err();
            tracing::warn!(
                error = error.as_ref().map(|e| e as &dyn std::error::Error),
                "listens for news again"
            );
            tokio::time::sleep(RETRY).await;
        }
    }

    async fn hear_once(&self, server: &Server) -> Result<(), DatabaseError> {
        let (client, mut messages) = server.connect().await?;
        let listen = client.batch_execute("LISTEN fleet");
        tokio::pin!(listen);
        let mut listening = false;
        loop {
            tokio::select! {
                done = &mut listen, if !listening => {
                    done.trying("listen for news")?;
                    listening = true;
                    self.pass_on(News::Resync);
                }
                message = messages.next() => match message {
                    Some(Ok(AsyncMessage::Notification(told))) => {
                        self.pass_on(serde_json::from_str(told.payload()).unwrap_or(News::Resync));
                    }
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error).trying("listen for news"),
                    None => return Ok(()),
                },
            }
        }
    }

    fn pass_on(&self, news: News) {
        // Nobody may be listening.
        self.news.send(Arc::new(news)).ok();
    }
}

async fn send(database: &Database, news: &[News]) -> Result<(), DatabaseError> {
    if news.is_empty() {
        return Ok(());
    }
    let texts: Vec<String> = news.iter().filter_map(|news| serde_json::to_string(news).ok()).collect();
    let connection = database.connection().await?;
    connection
        .execute("SELECT pg_notify('fleet', n) FROM unnest($1::text[]) AS n", &[&texts])
        .await
        .trying("tell other replicas")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_wait_for_each_other_and_many_are_told_as_many() {
        let hub = Hub::new();
        hub.changed("t1", Subject::Kiosk, ["b".to_owned(), "a".to_owned()]);
        hub.changed("t1", Subject::Kiosk, ["a".to_owned()]);
        hub.changed("t1", Subject::Order, (0..IDS_MAX + 1).map(|n| n.to_string()));
        hub.changed("t1", Subject::Order, ["later".to_owned()]);
        hub.due();
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        let wanted = [
            News::Changed { tenant: "t1".into(), subject: Subject::Kiosk, ids: ids(&["a", "b"]) },
            News::Changed { tenant: "t1".into(), subject: Subject::Order, ids: ids(&[]) },
            News::Due,
        ];
        assert_eq!(hub.take(), wanted);
        assert_eq!(hub.take(), []);
        let most: BTreeSet<String> = (0..IDS_MAX).map(|n| format!("{n:064}")).collect();
        let news = News::Changed { tenant: "t".repeat(16), subject: Subject::Kiosk, ids: most };
        assert!(serde_json::to_string(&news).unwrap().len() < 8000);
    }
}
