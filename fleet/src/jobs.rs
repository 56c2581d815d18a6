//! The way down: jobs, twins and quotas that are due go to the broker. Every replica does it; who has a row locked
//! sends it. What is due is in the tables, so nothing is forgotten when a replica dies in between: it is sent
//! again, and kiosks do a job once by its id and take a twin or a quota once by its revision.

use std::time::Duration;

use deadpool_postgres::Transaction;
use futures_util::future::join_all;
use protocol::fleet::{DesiredTwin, Job, TWIN_BYTES_MAX};
use protocol::topic::{Down, KioskId, Topic};
use rumqttc::PublishOptions;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v5::PublishProperties;
use serde_json::json;
use tokio::sync::broadcast;
use uuid::Uuid;

use crate::database::{Database, DatabaseError, Trying, begin};
use crate::hub::{Hub, News, Subject};
use crate::link::{Broker, Delivered, Link, LinkError};
use crate::quota;

/// How often is looked without news.
const LOOK: Duration = Duration::from_secs(2);

/// How often jobs are looked through for those whose time is over.
const SWEEP: Duration = Duration::from_secs(10);

/// Pause after broker or database were lost.
const RETRY: Duration = Duration::from_secs(1);

/// Messages sent at once, under one lock.
const AT_ONCE: i64 = 100;

/// How long the broker may take with them.
const BROKER_LIMIT: Duration = Duration::from_secs(10);

/// One sweep at a time.
const SWEEP_LOCK: i64 = 0x6b69_6f73_6b03;

#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("the broker does not answer")]
    Silent,
}

/// Sends what is due, for ever.
pub(crate) async fn run(database: Database, broker: Broker, hub: Hub) {
    loop {
        let name = format!("fleetd-down-{}", Uuid::now_v7());
        let lost = match session(&database, &broker, &name, &hub).await {
            Ok(never) => match never {},
            Err(lost) => lost,
        };
        tracing::warn!(error = &lost as &dyn std::error::Error, "sending to kiosks begins anew");
        tokio::time::sleep(RETRY).await;
    }
}

async fn session(
    database: &Database,
    broker: &Broker,
    name: &str,
    hub: &Hub,
) -> Result<std::convert::Infallible, Lost> {
    let mut news = hub.listen();
    let link = Link::open_to_send(broker, name).await?;
    loop {
        while send_due(database, &link, hub).await? {}
        drop(tokio::time::timeout(LOOK, due(&mut news)).await);
    }
}

/// Resolves when there may be something to send.
pub(crate) async fn due(news: &mut broadcast::Receiver<std::sync::Arc<News>>) {
    loop {
        match news.recv().await.as_deref() {
            Ok(News::Due | News::Resync) | Err(broadcast::error::RecvError::Lagged(_)) => return,
            Ok(News::Changed { .. } | News::Revoked) => {}
            // The hub lives as long as this does.
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Sends some of what is due; whether there may be more.
async fn send_due(database: &Database, link: &Link, hub: &Hub) -> Result<bool, Lost> {
    let mut connection = database.connection().await?;
    let rows =
        connection.query("SELECT tenant FROM tenants_with_due()", &[]).await.trying("look for work")?;
    let mut more = false;
    for row in rows {
        let tenant: String = row.get(0);
        let transaction = begin(&mut connection, &tenant).await?;
        let quotas = send_quotas(&transaction, link).await?;
        let twins = send_twins(&transaction, link).await?;
        let jobs = send_jobs(&transaction, link).await?;
        transaction.commit().await.trying("note what was sent")?;
        more |= quotas || twins || jobs.len() as i64 == AT_ONCE;
        hub.changed(&tenant, Subject::Job, jobs.iter().map(Uuid::to_string));
    }
    Ok(more)
}

async fn send_twins(transaction: &Transaction<'_>, link: &Link) -> Result<bool, Lost> {
    let sql = "SELECT t.kiosk, t.rev, t.desired, t.docs FROM twin t JOIN kiosk k ON k.id = t.kiosk
               WHERE t.due AND k.state = 'active' ORDER BY t.kiosk LIMIT $1 FOR UPDATE OF t SKIP LOCKED";
    let rows = transaction.query(sql, &[&AT_ONCE]).await.trying("look for twins")?;
    let mut sending = Vec::new();
    let mut sent: Vec<String> = Vec::new();
    for row in &rows {
        let kiosk: String = row.get(0);
        let (desired, docs): (serde_json::Value, serde_json::Value) = (row.get(2), row.get(3));
        let twin = json!({ "rev": row.get::<_, i64>(1), "desired": desired, "docs": docs });
        sent.push(kiosk.clone());
        let (Ok(twin), Ok(id)) = (serde_json::from_value::<DesiredTwin>(twin), KioskId::new(kiosk)) else {
            tracing::error!(kiosk = row.get::<_, &str>(0), "a twin that cannot be sent");
            continue;
        };
        let payload = serde_json::to_vec(&twin).unwrap_or_default();
        debug_assert!(payload.len() <= TWIN_BYTES_MAX, "checked when it was changed");
        let options = PublishOptions::new(QoS::AtLeastOnce).retained();
        sending.push(link.publish_confirmed(Topic::Down(id, Down::Twin).to_string(), payload, options));
    }
    together(sending).await?;
    let sql = "UPDATE twin SET due = false WHERE kiosk = ANY ($1)";
    transaction.execute(sql, &[&sent]).await.trying("note what was sent")?;
    Ok(rows.len() as i64 == AT_ONCE)
}

async fn send_quotas(transaction: &Transaction<'_>, link: &Link) -> Result<bool, Lost> {
    let sql = format!(
        "SELECT {} FROM quota q JOIN kiosk k ON k.id = q.kiosk
         WHERE q.due AND k.state = 'active' ORDER BY q.kiosk LIMIT $1 FOR UPDATE OF q SKIP LOCKED",
        quota::COLUMNS
    );
    let rows = transaction.query(&sql, &[&AT_ONCE]).await.trying("look for quotas")?;
    if rows.is_empty() {
        return Ok(false);
    }
    let offers = quota::offers(transaction, &rows).await?;
    let mut sending = Vec::new();
    for offer in &offers {
        let Ok(id) = KioskId::new(offer.kiosk.as_str()) else {
            tracing::error!(kiosk = offer.kiosk, "a quota that cannot be sent");
            continue;
        };
        let (topic, payload, options) = offer.message(id);
        sending.push(link.publish_confirmed(topic, payload, options));
    }
    together(sending).await?;
    let sent: Vec<&str> = offers.iter().map(|offer| offer.kiosk.as_str()).collect();
    let sql = "UPDATE quota SET due = false WHERE kiosk = ANY ($1)";
    transaction.execute(sql, &[&sent]).await.trying("note what was sent")?;
    Ok(rows.len() as i64 == AT_ONCE)
}

async fn send_jobs(transaction: &Transaction<'_>, link: &Link) -> Result<Vec<Uuid>, Lost> {
    let sql =
        "SELECT j.id, j.kiosk, j.kind, j.args, j.idle, (extract(epoch FROM j.expires_at) * 1000)::bigint,
                      ceil(extract(epoch FROM j.expires_at - now()))::bigint
               FROM job j JOIN kiosk k ON k.id = j.kiosk
               WHERE j.due AND j.expires_at > now() AND k.state = 'active'
               ORDER BY j.id LIMIT $1 FOR UPDATE OF j SKIP LOCKED";
    let rows = transaction.query(sql, &[&AT_ONCE]).await.trying("look for jobs")?;
    let mut sending = Vec::new();
    let (mut ids, mut unfit) = (Vec::new(), Vec::new());
    for row in &rows {
        let id: Uuid = row.get(0);
        let (kind, args): (&str, serde_json::Value) = (row.get(2), row.get(3));
        let job = json!({ "job": id, "kind": kind, "args": args, "idle": row.get::<_, bool>(4), "exp": row.get::<_, i64>(5) });
        let (Ok(job), Ok(kiosk)) = (serde_json::from_value::<Job>(job), KioskId::new(row.get::<_, &str>(1)))
        else {
            tracing::error!(%id, "a job that cannot be sent");
            unfit.push(id);
            continue;
        };
        let properties = PublishProperties {
            message_expiry_interval: Some(u32::try_from(row.get::<_, i64>(6)).unwrap_or(1).max(1)),
            ..PublishProperties::default()
        };
        let options = PublishOptions::new(QoS::AtLeastOnce).properties(properties);
        let payload = serde_json::to_vec(&job).unwrap_or_default();
        sending.push(link.publish_confirmed(Topic::Down(kiosk, Down::Job).to_string(), payload, options));
        ids.push(id);
    }
    let delivered = together(sending).await?;
    let taken: Vec<Uuid> =
        ids.iter().zip(&delivered).filter(|(_, d)| **d == Delivered::Taken).map(|(id, _)| *id).collect();
    // Nobody there: its birth makes the job due again.
    let sql = "UPDATE job SET due = false, changed_at = now(),
                      state = CASE WHEN state = 'queued' AND id = ANY ($2) THEN 'sent'
                                   WHEN id = ANY ($3) THEN 'failed' ELSE state END,
                      why = CASE WHEN id = ANY ($3) THEN 'the fleet cannot send it' ELSE why END
               WHERE id = ANY ($1) OR id = ANY ($3)";
    transaction.execute(sql, &[&ids, &taken, &unfit]).await.trying("note what was sent")?;
    Ok(ids)
}

async fn together(
    sending: Vec<impl Future<Output = Result<Delivered, LinkError>>>,
) -> Result<Vec<Delivered>, Lost> {
    let all = tokio::time::timeout(BROKER_LIMIT, join_all(sending)).await.map_err(|_| Lost::Silent)?;
    Ok(all.into_iter().collect::<Result<_, _>>()?)
}

/// Ends jobs whose time is over, for ever; one replica at a time.
pub(crate) async fn sweep(database: Database) {
    loop {
        if let Err(error) = sweep_once(&database).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "cannot look for jobs whose time is over"
            );
        }
        tokio::time::sleep(SWEEP).await;
    }
}

async fn sweep_once(database: &Database) -> Result<(), DatabaseError> {
    let doing = "end jobs whose time is over";
    let mut connection = database.connection().await?;
    let transaction = connection.transaction().await.trying("begin")?;
    let sql = "SELECT pg_try_advisory_xact_lock($1)";
    let ours: bool = transaction.query_one(sql, &[&SWEEP_LOCK]).await.trying(doing)?.get(0);
    if ours {
        let gone: i64 = transaction.query_one("SELECT expire_jobs()", &[]).await.trying(doing)?.get(0);
        if gone > 0 {
            tracing::info!(jobs = gone, "time is over");
        }
    }
    transaction.commit().await.trying(doing)
}
