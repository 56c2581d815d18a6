//! What kiosks report about themselves.

use std::collections::BTreeMap;

use bytes::Bytes;
use deadpool_postgres::Object;
use protocol::fleet::{ReportedTwin, TWIN_BYTES_MAX};
use protocol::topic::KioskId;

use crate::database::{DatabaseError, Trying, begin, storable_json};

/// Stores the last report of each kiosk.
pub(super) async fn store(
    connection: &mut Object,
    tenant: &str,
    messages: &[(KioskId, Bytes)],
) -> Result<(), DatabaseError> {
    let reports = readable(messages);
    if reports.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = reports.keys().copied().collect();
    let revs: Vec<i64> = reports.values().map(|twin| i64::try_from(twin.rev).unwrap_or(i64::MAX)).collect();
    let document = |value: Result<serde_json::Value, _>| storable_json(value.unwrap_or_default());
    let reported: Vec<_> =
        reports.values().map(|twin| document(serde_json::to_value(&twin.reported))).collect();
    let errors: Vec<_> = reports.values().map(|twin| document(serde_json::to_value(&twin.errors))).collect();
    let transaction = begin(connection, tenant).await?;
    let sql = transaction
        .prepare_cached(
            "INSERT INTO twin (kiosk, tenant, reported_rev, reported, errors, reported_at)
             SELECT k, $1, r, d, e, now()
             FROM unnest($2::text[], $3::bigint[], $4::jsonb[], $5::jsonb[]) AS new (k, r, d, e) ORDER BY k
             ON CONFLICT (kiosk) DO UPDATE SET reported_rev = excluded.reported_rev, reported = excluded.reported,
                errors = excluded.errors, reported_at = now()",
        )
        .await
        .trying("prepare")?;
    let doing = "store what kiosks report";
    transaction.execute(&sql, &[&tenant, &ids, &revs, &reported, &errors]).await.trying(doing)?;
    transaction.commit().await.trying(doing)
}

fn readable(messages: &[(KioskId, Bytes)]) -> BTreeMap<&str, ReportedTwin> {
    let mut reports = BTreeMap::new();
    for (kiosk, payload) in messages {
        match serde_json::from_slice::<ReportedTwin>(payload) {
            Ok(twin) if payload.len() <= TWIN_BYTES_MAX => {
                reports.insert(kiosk.as_str(), twin);
            }
            // An empty payload clears what the broker retains.
            Err(_) if payload.is_empty() => {}
            _ => tracing::warn!(%kiosk, bytes = payload.len(), "a report that cannot be taken"),
        }
    }
    reports
}
