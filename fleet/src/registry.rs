//! Which kiosks a filter means, and how a kiosk leaves the fleet.

use std::time::Duration;

use deadpool_postgres::Transaction;
use protocol::topic::{Down, KioskId, Topic, Up};
use rumqttc::PublishOptions;
use rumqttc::mqttbytes::QoS;

use crate::database::{Database, DatabaseError, Trying, begin};
use crate::filter::{Filter, Sql};
use crate::link::{Broker, Link, LinkError};
use crate::quota;

/// Kiosk and twin under the names that filters use.
pub(crate) const FROM: &str = "kiosk k LEFT JOIN twin t ON t.kiosk = k.id";

/// Whether a twin is not what it should be: the kiosk is at another revision, or refused a part of this one.
/// A macro, because parts of statements are put together when this is compiled.
macro_rules! drift {
    () => {
        "coalesce(t.rev <> t.reported_rev OR t.errors <> '{}', false)"
    };
}
pub(crate) use drift;

/// How often, and after which pauses, a machine that left is thrown out: the broker needs a moment to read the
/// list of the revoked, and a kiosk that is quick comes back in between.
const KICKS: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// The active kiosks that a filter lets through, by id.
pub(crate) async fn matching(
    transaction: &Transaction<'_>,
    filter: &Filter,
) -> Result<Vec<String>, DatabaseError> {
    let mut sql = Sql::default();
    sql.push("SELECT k.id FROM ").push(FROM).push(" WHERE k.state = 'active' AND ");
    filter.to_sql(&mut sql);
    sql.push(" ORDER BY k.id");
    let rows = transaction.query(sql.text(), &sql.parameters()).await.trying("find kiosks")?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Marks a kiosk as decommissioned and revokes its certificates. Returns whether it was active.
pub(crate) async fn decommission(
    transaction: &Transaction<'_>,
    kiosk: &str,
    reason: &str,
) -> Result<bool, DatabaseError> {
    let doing = "decommission a kiosk";
    let sql = "UPDATE kiosk SET state = 'decommissioned', is_on = false WHERE id = $1 AND state = 'active'";
    if transaction.execute(sql, &[&kiosk]).await.trying(doing)? == 0 {
        return Ok(false);
    }
    let sql =
        "UPDATE certificate SET revoked_at = now(), reason = $2 WHERE kiosk = $1 AND revoked_at IS NULL";
    transaction.execute(sql, &[&kiosk, &reason]).await.trying(doing)?;
    let sql = "UPDATE job SET state = 'expired', due = false, why = 'the kiosk was decommissioned', changed_at = now()
               WHERE kiosk = $1 AND state IN ('queued', 'sent', 'accepted', 'running')";
    transaction.execute(sql, &[&kiosk]).await.trying(doing)?;
    transaction.execute("UPDATE twin SET due = false WHERE kiosk = $1", &[&kiosk]).await.trying(doing)?;
    transaction.execute("DELETE FROM assignment WHERE kiosk = $1", &[&kiosk]).await.trying(doing)?;
    quota::give_back(transaction, kiosk).await?;
    Ok(true)
}

/// Ends the connection of a kiosk that left by taking its name at the broker, and clears what the broker keeps
/// of it.
pub(crate) async fn throw_out(broker: Broker, kiosk: KioskId) {
    kicks(&broker, &kiosk, &kept(&kiosk)).await;
    tracing::info!(%kiosk, "thrown out");
}

/// Ends the connection of a machine whose place another one takes. The other may be thrown out with it, and
/// comes back: only the old certificate is refused. What the broker keeps is the kiosk's.
pub(crate) async fn replace(database: Database, broker: Broker, tenant: String, kiosk: KioskId) {
    kicks(&broker, &kiosk, &[]).await;
    match forget_counters(&database, &tenant, &kiosk).await {
        Ok(()) => tracing::info!(%kiosk, "the machine before is thrown out"),
        Err(error) => {
            tracing::warn!(%kiosk, error = &error as &dyn std::error::Error, "the old machine's counters stay");
        }
    }
}

/// The old machine's last heartbeat or will may have come after the new one was taken in, which counts its
/// starts from the beginning: its status would be taken for an old one. The last that is heard of the old one is
/// that it is off.
async fn forget_counters(database: &Database, tenant: &str, kiosk: &KioskId) -> Result<(), DatabaseError> {
    let doing = "forget a machine's counters";
    let mut connection = database.connection().await?;
    let transaction = begin(&mut connection, tenant).await?;
    let sql = "UPDATE kiosk SET boot = 0, conn = 0 WHERE id = $1 AND state = 'active' AND NOT is_on";
    transaction.execute(sql, &[&kiosk.as_str()]).await.trying(doing)?;
    transaction.commit().await.trying(doing)
}

/// What the broker keeps of a kiosk.
fn kept(kiosk: &KioskId) -> [Topic; 6] {
    [
        Topic::Up(kiosk.clone(), Up::Status),
        Topic::Up(kiosk.clone(), Up::Twin),
        Topic::Up(kiosk.clone(), Up::Update),
        Topic::Down(kiosk.clone(), Down::Twin),
        Topic::Down(kiosk.clone(), Down::Quota),
        Topic::Down(kiosk.clone(), Down::Update),
    ]
}

async fn kicks(broker: &Broker, kiosk: &KioskId, cleared: &[Topic]) {
    for pause in KICKS {
        tokio::time::sleep(pause).await;
        if let Err(error) = kick(broker, kiosk, cleared).await {
            tracing::warn!(%kiosk, error = &error as &dyn std::error::Error, "cannot be thrown out");
        }
    }
}

async fn kick(broker: &Broker, kiosk: &KioskId, cleared: &[Topic]) -> Result<(), LinkError> {
    let link = Link::open_to_send(broker, kiosk.as_str()).await?;
    for topic in cleared {
        let options = PublishOptions::new(QoS::AtLeastOnce).retained();
        link.publish_confirmed(topic.to_string(), Vec::new(), options).await?;
    }
    Ok(())
}
