//! What one replica at a time does: signs what is newest, says what is halted, goes on with rollouts, tells kiosks.
//! What is due is in the tables and in the folder, so the next runner goes on where this one ended.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use deadpool_postgres::Transaction;
use futures_util::future::join_all;
use ota::orders::{Action, Assignment, HaltOrder, OrderError, Window, seal};
use protocol::topic::{Broadcast, Down, KioskId, Topic, UPDATE_STATES_FILTER, Up};
use rumqttc::PublishOptions;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v5::Publish;
use uuid::Uuid;

use super::keys::Keys;
use super::store::{Metadata, Store, StoreError};
use super::{rollouts, states, try_lock_store};
use crate::clock::now_s;
use crate::counters::COUNTERS;
use crate::database::{self, Database, DatabaseError, Server, Trying, begin};
use crate::hub::{Hub, Subject};
use crate::jobs;
use crate::link::{Broker, Link, LinkError};

/// Held by the runner for as long as its connection to the database is.
const RUNNER_LOCK: i64 = 0x6b69_6f73_6b05;
/// How often another replica looks whether the runner is gone.
const STANDBY: Duration = Duration::from_secs(5);
/// How often is looked without news.
const LOOK: Duration = Duration::from_secs(2);
/// Pause after broker or database were lost.
const RETRY: Duration = Duration::from_secs(1);
/// The halt document and the metadata are told again so often: a kiosk switches by no halt document that is older than
/// a day, and a broker may have lost what it kept.
const TOLD_AGAIN_S: i64 = 3600;
/// Assignments sent at once, under one lock.
const AT_ONCE: i64 = 200;
/// How long the broker may take with them.
const BROKER_LIMIT: Duration = Duration::from_secs(10);
/// States of kiosks that are stored in one transaction.
const STATES_AT_ONCE: usize = 1000;
/// An assignment is good for so long, and is signed anew when half of it is over.
const ASSIGNMENT_S: i64 = 28 * 86_400;
/// Larger metadata is fetched over HTTPS: no kiosk takes a larger message.
const METADATA_MAX: usize = 256 * 1024;

#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a document cannot be signed")]
    Order(#[from] OrderError),
    #[error("the broker does not answer")]
    Silent,
    #[error("the thread for the disk is gone")]
    Thread,
}

/// What the runner works with.
pub(crate) struct Runner {
    pub database: Database,
    /// For the connection that holds the lock.
    pub server: Server,
    pub broker: Broker,
    pub store: Store,
    pub keys: Arc<Keys>,
    pub hub: Hub,
}

/// What this session has told the broker.
#[derive(Default)]
struct Told {
    metadata: Vec<(Metadata, Vec<u8>)>,
    metadata_s: i64,
    halted: Option<BTreeSet<String>>,
    halted_s: i64,
    tidied_s: i64,
}

impl Runner {
    /// Runs, or stands by while another replica does, for ever.
    pub(crate) async fn run(self) {
        loop {
            let lost = match self.session().await {
                Ok(never) => match never {},
                Err(lost) => lost,
            };
            tracing::warn!(error = super::told(&lost), "updates begin anew");
            tokio::time::sleep(RETRY).await;
        }
    }

    async fn session(&self) -> Result<std::convert::Infallible, Lost> {
        let lock = database::connect(&self.server).await?;
        let sql = "SELECT pg_try_advisory_lock($1)";
        while !lock.query_one(sql, &[&RUNNER_LOCK]).await.trying("become the runner")?.get::<_, bool>(0) {
            tokio::time::sleep(STANDBY).await;
        }
        let mut news = self.hub.listen();
        let name = format!("fleetd-updates-{}", Uuid::now_v7());
        let mut link = Link::open(&self.broker, &name, UPDATE_STATES_FILTER).await?;
        tracing::info!("this replica looks after updates");
        let mut told = Told::default();
        loop {
            lock.execute("SELECT 1", &[]).await.trying("stay the runner")?;
            self.metadata(&link, &mut told).await?;
            let mut connection = self.database.connection().await?;
            while rollouts::tick_all(&mut connection, now_s()).await? {
                // Before anything else goes out.
                self.halts(&link, &mut told).await?;
                while self.assignments(&link).await? {}
            }
            self.halts(&link, &mut told).await?;
            while self.assignments(&link).await? {}
            self.tidy(&mut told).await?;
            drop(connection);
            let first = tokio::select! {
                message = link.receive() => Some(message?),
                _ = tokio::time::timeout(LOOK, jobs::due(&mut news)) => None,
            };
            self.hear(&mut link, first).await?;
        }
    }

    /// Stores what kiosks have said by now, in their order.
    async fn hear(&self, link: &mut Link, first: Option<Publish>) -> Result<(), Lost> {
        let mut group: Vec<Publish> = first.into_iter().collect();
        while group.len() < STATES_AT_ONCE
            && let Some(message) = link.try_receive()
        {
            group.push(message);
        }
        if group.is_empty() {
            return Ok(());
        }
        let said: Vec<(KioskId, Bytes)> = group.iter().filter_map(state_of).collect();
        let ids: Vec<&str> = said.iter().map(|(kiosk, _)| kiosk.as_str()).collect();
        let mut connection = self.database.connection().await?;
        // Asked every time: a certificate that was revoked keeps its connection.
        let sql = "SELECT id, tenant FROM kiosk_owner($1) WHERE state = 'active'";
        let rows = connection.query(sql, &[&ids]).await.trying("look up kiosks")?;
        let owners: BTreeMap<String, String> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let mut tenants: BTreeMap<&str, Vec<(KioskId, Bytes)>> = BTreeMap::new();
        for (kiosk, payload) in said {
            match owners.get(kiosk.as_str()) {
                Some(tenant) => tenants.entry(tenant).or_default().push((kiosk, payload)),
                None => COUNTERS.refused.add(1),
            }
        }
        for (tenant, said) in tenants {
            states::store(&mut connection, tenant, &said).await?;
            self.hub.changed(tenant, Subject::Kiosk, said.iter().map(|(kiosk, _)| kiosk.to_string()));
        }
        for message in &group {
            link.acknowledge(message).await?;
        }
        Ok(())
    }

    /// Signs and tells what is newest.
    async fn metadata(&self, link: &Link, told: &mut Told) -> Result<(), Lost> {
        let now_s = now_s();
        let mut connection = self.database.connection().await?;
        let transaction = connection.transaction().await.trying("begin")?;
        // A release that is being proven takes its time, and nobody waits for it with a halt.
        if !try_lock_store(&transaction).await? {
            return Ok(());
        }
        let store = self.store.clone();
        let read = tokio::task::spawn_blocking(move || {
            match store.renew(now_s) {
                Ok(true) => tracing::info!("snapshot and timestamp are signed anew"),
                Ok(false) => {}
                // Half of the timestamp's time is left for the bucket to come back; halts do not wait for it.
                Err(error @ StoreError::Bucket { .. }) => {
                    tracing::warn!(
                        error = super::told(&error),
                        "snapshot and timestamp cannot be signed anew"
                    );
                }
                Err(error) => return Err(error),
            }
            store.metadata()
        });
        let metadata = read.await.map_err(|_| Lost::Thread)??;
        transaction.commit().await.trying("leave the store of releases")?;
        if metadata == told.metadata && now_s - told.metadata_s < TOLD_AGAIN_S {
            return Ok(());
        }
        for (what, bytes) in &metadata {
            let topic = match what {
                Metadata::Root(version) => Broadcast::Root(*version),
                Metadata::Targets => Broadcast::Targets,
                Metadata::Snapshot => Broadcast::Snapshot,
                Metadata::Timestamp => Broadcast::Timestamp,
            };
            if bytes.len() > METADATA_MAX {
                tracing::info!(%topic, bytes = bytes.len(), "kiosks fetch it over HTTPS only");
                continue;
            }
            self.retain(link, topic.to_string(), bytes.clone()).await?;
        }
        told.metadata = metadata;
        told.metadata_s = now_s;
        Ok(())
    }

    /// Says what is halted, when it changes and every hour.
    async fn halts(&self, link: &Link, told: &mut Told) -> Result<(), Lost> {
        let doing = "look for halted rollouts";
        let now_s = now_s();
        let connection = self.database.connection().await?;
        let rows = connection.query("SELECT id FROM halted_rollouts()", &[]).await.trying(doing)?;
        let mut halted: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
        let frozen = connection.query_opt("SELECT reason FROM update_freeze", &[]).await.trying(doing)?;
        if frozen.is_some() {
            halted.insert("*".to_owned());
        }
        if told.halted.as_ref() == Some(&halted) && now_s - told.halted_s < TOLD_AGAIN_S {
            return Ok(());
        }
        let row = connection.query_one("SELECT next_update_generation()", &[]).await.trying(doing)?;
        let order = HaltOrder {
            v: 1,
            generation: row.get::<_, i64>(0).unsigned_abs(),
            issued: now_s,
            halted: halted.iter().cloned().collect(),
            reason: frozen.map(|row| row.get(0)).unwrap_or_default(),
        };
        self.retain(link, Broadcast::Halt.to_string(), seal(&order, &self.keys.campaign)?).await?;
        told.halted = Some(halted);
        told.halted_s = now_s;
        Ok(())
    }

    async fn retain(&self, link: &Link, topic: String, payload: Vec<u8>) -> Result<(), Lost> {
        let options = PublishOptions::new(QoS::AtLeastOnce).retained();
        let sending = link.publish_confirmed(topic, payload, options);
        tokio::time::timeout(BROKER_LIMIT, sending).await.map_err(|_| Lost::Silent)??;
        Ok(())
    }

    /// Sends some of the assignments that are due; whether there may be more.
    async fn assignments(&self, link: &Link) -> Result<bool, Lost> {
        let mut connection = self.database.connection().await?;
        let sql = "SELECT tenant FROM tenants_with_assignments()";
        let tenants = connection.query(sql, &[]).await.trying("look for assignments")?;
        let mut more = false;
        for row in &tenants {
            let tenant: String = row.get(0);
            let transaction = begin(&mut connection, &tenant).await?;
            let sent = self.send(&transaction, link).await?;
            transaction.commit().await.trying("note what was sent")?;
            more |= sent.len() as i64 == AT_ONCE;
            self.hub.changed(&tenant, Subject::Kiosk, sent);
        }
        Ok(more)
    }

    async fn send(&self, transaction: &Transaction<'_>, link: &Link) -> Result<Vec<String>, Lost> {
        let now_s = now_s();
        let sql = "SELECT a.kiosk, a.rollout, a.generation, a.action, a.number, a.turn, r.win_from, r.win_to, r.rate_kb,
                          EXISTS (SELECT FROM hawkbit_device d WHERE d.kiosk = a.kiosk)
                   FROM assignment a JOIN rollout r ON r.id = a.rollout JOIN kiosk k ON k.id = a.kiosk
                   WHERE (a.due OR (a.action = 'install' AND a.sealed_at < now() - interval '14 days'))
                     AND k.state = 'active' ORDER BY a.kiosk LIMIT $1 FOR UPDATE OF a SKIP LOCKED";
        let rows = transaction.query(sql, &[&AT_ONCE]).await.trying("look for assignments")?;
        let mut sending = Vec::new();
        let mut sent: Vec<String> = Vec::new();
        for row in &rows {
            let kiosk: String = row.get(0);
            sent.push(kiosk.clone());
            // These ask.
            if row.get(9) {
                continue;
            }
            let Ok(id) = KioskId::new(kiosk) else { continue };
            let payload = match order(row, now_s) {
                Some(order) => seal(&order, &self.keys.campaign)?,
                None => Vec::new(),
            };
            let options = PublishOptions::new(QoS::AtLeastOnce).retained();
            sending.push(link.publish_confirmed(Topic::Down(id, Down::Update).to_string(), payload, options));
        }
        let all = tokio::time::timeout(BROKER_LIMIT, join_all(sending)).await.map_err(|_| Lost::Silent)?;
        all.into_iter().collect::<Result<Vec<_>, _>>()?;
        COUNTERS.assignments.add(sent.len() as u64);
        let doing = "note what was sent";
        let sql = "DELETE FROM assignment WHERE kiosk = ANY ($1) AND action = 'none'";
        transaction.execute(sql, &[&sent]).await.trying(doing)?;
        let sql = "UPDATE assignment SET due = false, sealed_at = now() WHERE kiosk = ANY ($1)";
        transaction.execute(sql, &[&sent]).await.trying(doing)?;
        Ok(sent)
    }

    async fn tidy(&self, told: &mut Told) -> Result<(), Lost> {
        if now_s() - told.tidied_s >= TOLD_AGAIN_S {
            let connection = self.database.connection().await?;
            connection.execute("SELECT forget_old_starts()", &[]).await.trying("forget old starts")?;
            told.tidied_s = now_s();
        }
        Ok(())
    }
}

/// Whose state a message is.
fn state_of(message: &Publish) -> Option<(KioskId, Bytes)> {
    match std::str::from_utf8(&message.topic).ok().and_then(Topic::parse) {
        Some(Topic::Up(kiosk, Up::Update)) => Some((kiosk, message.payload.clone())),
        _ => None,
    }
}

/// What a row tells its kiosk; `None`: nothing any more.
fn order(row: &tokio_postgres::Row, now_s: i64) -> Option<Assignment> {
    let minute = |column: usize| row.get::<_, Option<i32>>(column).and_then(|it| u16::try_from(it).ok());
    let action = match row.get::<_, &str>(3) {
        "install" => Action::Install {
            release: row.get::<_, i64>(4).unsigned_abs(),
            turn: row.get(5),
            window: minute(6).zip(minute(7)).map(|(from, to)| Window { from, to }),
            rate_kb: row.get::<_, Option<i32>>(8).map(i32::unsigned_abs),
        },
        "cancel" => Action::Cancel,
        _ => return None,
    };
    Some(Assignment {
        v: 1,
        aud: row.get(0),
        campaign: row.get(1),
        generation: row.get::<_, i64>(2).unsigned_abs(),
        action,
        issued: now_s,
        expires: now_s + ASSIGNMENT_S,
    })
}
