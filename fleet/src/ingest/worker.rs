//! A worker: takes what the broker hands it, a group at a time, and answers after the commit.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use deadpool_postgres::Object;
use protocol::fleet::{QUOTA_GOODS_MAX, Quota, Reserve};
use protocol::sync::{Ack, Answered, Received};
use protocol::topic::{Down, KioskId, Topic, Up};
use rumqttc::PublishOptions;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v5::Publish;

use super::apply::{Incoming, apply_group};
use super::decide::full;
use super::status::Heard;
use super::{STANDING, job, refuse, status, twin};
use crate::clock::now_ms;
use crate::counters::COUNTERS;
use crate::database::{Database, DatabaseError, Trying};
use crate::hub::{Hub, Subject};
use crate::link::{Broker, Link, LinkError};
use crate::quota;
use crate::updates::parts::Parts;
use crate::updates::store::Store;

/// Events of one transaction, about. More wait for the next one.
const GROUP_EVENTS: usize = 4000;

/// Pause before the next attempt after the broker or the database was lost: doubled up to a limit.
const RETRY: Duration = Duration::from_millis(200);
const RETRY_MAX: Duration = Duration::from_secs(5);

/// Why a worker has to begin anew.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Where a kiosk belongs.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    pub tenant: String,
    pub site: String,
}

/// Where a worker's messages come from.
pub(crate) struct Source {
    /// The broker.
    pub broker: Broker,
    /// [`protocol::topic::ingest_filter`], the same for all workers of a fleet.
    pub filter: String,
    /// The worker's client id: two clients of one name evict each other.
    pub client_id: String,
}

/// Works until it is dropped. Without a database it leaves the broker, so that kiosks notice and keep their
/// events; nothing is kept in memory.
pub(crate) async fn run(database: Database, source: Source, hub: Hub, lease_s: i32, store: Store) {
    let mut worker = Worker { database, hub, lease_s, parts: Parts::new(store, Instant::now()) };
    let mut pause = RETRY;
    loop {
        let lost = match session(&mut worker, &source, &mut pause).await {
            Ok(never) => match never {},
            Err(lost) => lost,
        };
        tracing::warn!(
            error = &lost as &dyn std::error::Error,
            worker = source.client_id,
            "ingest begins anew"
        );
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(RETRY_MAX);
    }
}

async fn session(
    worker: &mut Worker,
    source: &Source,
    pause: &mut Duration,
) -> Result<std::convert::Infallible, Lost> {
    // First the database: who subscribes without it takes messages away from those who could store them.
    worker.database.connection().await?.execute("SELECT 1", &[]).await.trying("ask the database")?;
    let mut link = Link::open(&source.broker, &source.client_id, &source.filter).await?;
    tracing::info!(worker = source.client_id, "ingest works");
    *pause = RETRY;
    let _connected = Connected::new();
    loop {
        let group = collect(&mut link).await?;
        let answers = worker.group(&group).await.inspect_err(note_trouble)?;
        for (kiosk, answer) in answers.told {
            let (topic, payload, options) = answer.message(kiosk);
            link.publish(topic, payload, options).await?;
        }
        for (topic, part) in answers.parts {
            link.publish(topic, part, PublishOptions::new(QoS::AtMostOnce)).await?;
        }
        for message in &group {
            link.acknowledge(message).await?;
        }
    }
}

/// A lost broker is told elsewhere.
fn note_trouble(lost: &Lost) {
    if let Lost::Database(error) = lost {
        STANDING.failed(full(error));
    }
}

/// What has come in by now; waits for the first message.
async fn collect(link: &mut Link) -> Result<Vec<Publish>, Lost> {
    // A batch of one sale is a few kilobytes; events are not counted before they are read.
    const GROUP_BYTES: usize = 2 * 1024 * 1024;
    let first = link.receive().await?;
    let mut bytes = first.payload.len();
    let mut group = vec![first];
    while bytes < GROUP_BYTES && group.len() < GROUP_EVENTS {
        let Some(message) = link.try_receive() else { break };
        bytes += message.payload.len();
        group.push(message);
    }
    Ok(group)
}

/// Counts a worker for as long as it is connected.
struct Connected;

impl Connected {
    fn new() -> Self {
        COUNTERS.links.add(1);
        Self
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        COUNTERS.links.take_away(1);
    }
}

/// What a kiosk is told.
enum Told {
    Ack(Ack),
    /// It asked for more. Sent again by `jobs` until the broker has it for certain.
    Quota(Quota),
}

impl Told {
    fn message(&self, kiosk: KioskId) -> (String, Vec<u8>, PublishOptions) {
        match self {
            Self::Ack(ack) => {
                let payload = serde_json::to_vec(ack).unwrap_or_default();
                let topic = Topic::Down(kiosk, Down::Ack).to_string();
                (topic, payload, PublishOptions::new(QoS::AtLeastOnce))
            }
            Self::Quota(quota) => quota::message(kiosk, quota),
        }
    }
}

/// What is to be sent when everything is committed.
struct Answers {
    told: Vec<(KioskId, Told)>,
    /// Parts of files with their topics.
    parts: Vec<(String, Vec<u8>)>,
}

struct Worker {
    database: Database,
    hub: Hub,
    lease_s: i32,
    parts: Parts,
}

impl Worker {
    /// Deals with a group of messages. What is returned is to be sent after that: everything is committed.
    async fn group(&mut self, group: &[Publish]) -> Result<Answers, Lost> {
        let mut messages = Vec::with_capacity(group.len());
        for message in group {
            match std::str::from_utf8(&message.topic).ok().and_then(Topic::parse) {
                Some(Topic::Up(kiosk, up)) => {
                    messages.push((kiosk, up, message.payload.clone(), message.retain));
                }
                _ => tracing::warn!(topic = ?message.topic, "a message on no topic of ours"),
            }
        }
        let owners = self.owners(messages.iter().map(|(kiosk, ..)| kiosk)).await?;
        let mut by_tenant: BTreeMap<String, Tenant> = BTreeMap::new();
        let mut parts = Vec::new();
        for (kiosk, up, payload, is_kept) in messages {
            let Some(owner) = owners.get(kiosk.as_str()) else {
                COUNTERS.refused.add(1);
                tracing::warn!(%kiosk, "a message of a kiosk that is not (or no longer) ours");
                continue;
            };
            let tenant = by_tenant.entry(owner.tenant.clone()).or_default();
            match up {
                Up::Events => tenant.events(kiosk, owner, payload),
                Up::Status => tenant.status.push(Heard { kiosk, payload, is_kept }),
                Up::Twin => tenant.twins.push((kiosk, payload)),
                Up::Job => tenant.jobs.push((kiosk, payload)),
                Up::Reserve => tenant.questions.push((kiosk, payload)),
                Up::PartsWanted => parts.extend(self.parts.answer(&kiosk, &payload, Instant::now())),
                // States of updates are heard by the runner, in their order.
                Up::Metrics | Up::Log | Up::Update => {
                    tracing::debug!(%kiosk, ?up, "not stored");
                }
            }
        }
        let mut answers = Vec::new();
        for (name, tenant) in by_tenant {
            answers.extend(self.tenant(&name, tenant).await?);
        }
        Ok(Answers { told: answers, parts })
    }

    async fn tenant(&mut self, name: &str, tenant: Tenant) -> Result<Vec<(KioskId, Told)>, Lost> {
        let mut connection = self.database.connection().await?;
        let now_ms = now_ms();
        let anything_to_store = tenant.has_something_to_store();
        let mut answers = Vec::new();
        for group in split(tenant.batches) {
            let acks = apply_group(&mut connection, name, &group, now_ms).await?;
            self.count(name, &group, &acks);
            let kiosks = group.into_iter().map(|incoming| incoming.kiosk);
            answers.extend(kiosks.zip(acks.into_iter().map(Told::Ack)));
        }
        for unreadable in &tenant.unreadable {
            COUNTERS.unreadable.add(1);
            let refused = refuse::keep(&mut connection, name, unreadable, now_ms).await?;
            answers.extend(refused.into_iter().map(|(kiosk, ack)| (kiosk, Told::Ack(ack))));
        }
        for (kiosk, payload) in tenant.questions {
            let answer = self.question(&mut connection, name, &kiosk, &payload).await?;
            answers.extend(answer.map(|quota| (kiosk, Told::Quota(quota))));
        }
        status::store(&mut connection, name, &tenant.status).await?;
        COUNTERS.statuses.add(tenant.status.len() as u64);
        twin::store(&mut connection, name, &tenant.twins).await?;
        let heard = tenant.status.iter().map(|heard| &heard.kiosk);
        let heard = heard.chain(tenant.twins.iter().map(|(kiosk, _)| kiosk)).map(KioskId::to_string);
        self.hub.changed(name, Subject::Kiosk, heard);
        let jobs = job::store(&mut connection, name, &tenant.jobs).await?;
        self.hub.changed(name, Subject::Job, jobs);
        if anything_to_store {
            STANDING.stored();
        }
        Ok(answers)
    }

    /// A customer wants more than the kiosk may sell, and waits for the answer.
    async fn question(
        &self,
        connection: &mut Object,
        tenant: &str,
        kiosk: &KioskId,
        payload: &[u8],
    ) -> Result<Option<Quota>, DatabaseError> {
        match serde_json::from_slice::<Reserve>(payload) {
            Ok(asked) if asked.goods.len() <= QUOTA_GOODS_MAX => {
                COUNTERS.questions.add(1);
                quota::reserve(connection, tenant, kiosk.as_str(), &asked, self.lease_s).await
            }
            _ => {
                COUNTERS.unreadable.add(1);
                tracing::warn!(%kiosk, bytes = payload.len(), "a question for more that cannot be read");
                Ok(None)
            }
        }
    }

    /// Counts what was answered, and tells of it.
    fn count(&self, tenant: &str, group: &[Incoming], acks: &[Ack]) {
        COUNTERS.transactions.add(1);
        COUNTERS.batches.add(group.len() as u64);
        COUNTERS.events.add(group.iter().map(|incoming| incoming.batch.events.len() as u64).sum());
        let mut denied = false;
        for answer in acks.iter().flat_map(|ack| &ack.x) {
            match answer.r {
                Answered::Duplicate => COUNTERS.repeated.add(1),
                Answered::Quarantine { .. } => COUNTERS.quarantined.add(1),
                Answered::Deny { .. } => {
                    COUNTERS.denied.add(1);
                    denied = true;
                }
                Answered::Ack | Answered::Conflict { .. } => {}
            }
        }
        let forked = acks.iter().filter(|ack| ack.fork.is_some()).count();
        COUNTERS.forked.add(forked as u64);
        let has = |kinds: &str| {
            let mut events = group.iter().flat_map(|incoming| incoming.batch.events.iter().flatten());
            events.any(|event| event.k.starts_with(kinds))
        };
        if has("order.") {
            // Which orders exactly is in the bodies; who looks at orders reads the list again.
            self.hub.many(tenant, Subject::Order);
        }
        if denied || forked > 0 || has("task.") {
            self.hub.many(tenant, Subject::Task);
        }
    }

    /// The tenants of these kiosks, asked every time: a certificate that was revoked keeps its connection.
    async fn owners(
        &self,
        kiosks: impl Iterator<Item = &KioskId>,
    ) -> Result<BTreeMap<String, Owner>, DatabaseError> {
        let ids: Vec<&str> = kiosks.map(KioskId::as_str).collect();
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let connection = self.database.connection().await?;
        let select = connection
            .prepare_cached("SELECT id, tenant, site FROM kiosk_owner($1) WHERE state = 'active'")
            .await
            .trying("prepare")?;
        let rows = connection.query(&select, &[&ids]).await.trying("look up kiosks")?;
        Ok(rows.iter().map(|row| (row.get(0), Owner { tenant: row.get(1), site: row.get(2) })).collect())
    }
}

/// What came in for one tenant.
#[derive(Default)]
struct Tenant {
    batches: Vec<Incoming>,
    unreadable: Vec<refuse::Unreadable>,
    status: Vec<Heard>,
    twins: Vec<(KioskId, Bytes)>,
    jobs: Vec<(KioskId, Bytes)>,
    questions: Vec<(KioskId, Bytes)>,
}

impl Tenant {
    /// Questions aside: of nothing counted they store nothing.
    fn has_something_to_store(&self) -> bool {
        let Self { batches, unreadable, status, twins, jobs, questions: _ } = self;
        !(batches.is_empty()
            && unreadable.is_empty()
            && status.is_empty()
            && twins.is_empty()
            && jobs.is_empty())
    }

    fn events(&mut self, kiosk: KioskId, owner: &Owner, payload: Bytes) {
        match Received::parse(&kiosk, &payload) {
            Ok(batch) => self.batches.push(Incoming { kiosk, site: owner.site.clone(), batch }),
            Err(error) => self.unreadable.push(refuse::Unreadable { kiosk, payload, why: error.to_string() }),
        }
    }
}

/// Groups of about [`GROUP_EVENTS`] events.
fn split(batches: Vec<Incoming>) -> Vec<Vec<Incoming>> {
    let mut groups: Vec<Vec<Incoming>> = Vec::new();
    let mut events = GROUP_EVENTS;
    for incoming in batches {
        let more = incoming.batch.events.len();
        match groups.last_mut() {
            Some(group) if events + more <= GROUP_EVENTS => {
                events += more;
                group.push(incoming);
            }
            _ => {
                events = more;
                groups.push(vec![incoming]);
            }
        }
    }
    groups
}
