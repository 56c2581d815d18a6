//! Births, heartbeats and wills: how each kiosk is now.

use std::collections::BTreeMap;

use bytes::Bytes;
use deadpool_postgres::Object;
use protocol::fleet::Status;
use protocol::topic::KioskId;

use crate::database::{DatabaseError, Trying, begin, storable, storable_json};

/// Longest name of a version that is kept, in characters.
const VERSION_MAX: usize = 64;

/// Largest status that is read, in bytes: a kiosk with every fault there is sends less than a tenth.
const STATUS_MAX: usize = 16 * 1024;

/// What came of a kiosk.
pub(super) struct Heard {
    pub kiosk: KioskId,
    pub payload: Bytes,
    /// The broker had it before anybody listened: it is as old as it may be, and no sign of life.
    pub is_kept: bool,
}

/// Stores the newest status of each kiosk in one statement. A will with older counters than the stored birth
/// tells of a connection that was replaced, and says nothing.
pub(super) async fn store(
    connection: &mut Object,
    tenant: &str,
    messages: &[Heard],
) -> Result<(), DatabaseError> {
    let newest = newest(messages);
    if newest.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = newest.keys().copied().collect();
    let kept: Vec<bool> = newest.values().map(|(_, is_kept)| *is_kept).collect();
    let on: Vec<bool> = newest.values().map(|(status, _)| status.on).collect();
    let boots: Vec<i64> = newest.values().map(|(status, _)| status.boot.into()).collect();
    let conns: Vec<i64> = newest.values().map(|(status, _)| status.conn.into()).collect();
    let versions: Vec<String> = newest.values().map(|(status, _)| storable(&status.ver)).collect();
    let documents: Vec<serde_json::Value> = newest
        .values()
        .map(|(status, _)| storable_json(serde_json::to_value(status).unwrap_or_default()))
        .collect();
    let transaction = begin(connection, tenant).await?;
    let update = transaction
        .prepare_cached(
            "UPDATE kiosk SET is_on = o, boot = b, conn = c,
                    version = CASE WHEN v = '' THEN version ELSE v END,
                    status = CASE WHEN o THEN d ELSE status END,
                    last_seen = CASE WHEN o THEN now() ELSE last_seen END,
                    went_off = CASE WHEN o THEN NULL ELSE coalesce(went_off, now()) END
             FROM unnest($2::text[], $3::boolean[], $4::bigint[], $5::bigint[], $6::text[], $7::jsonb[], $8::boolean[])
               AS new (i, o, b, c, v, d, k)
             WHERE tenant = $1 AND id = i
               AND ((b, c) > (boot, conn) OR ((b, c) = (boot, conn) AND NOT (k AND o)))",
        )
        .await
        .trying("prepare")?;
    transaction
        .execute(&update, &[&tenant, &ids, &on, &boots, &conns, &versions, &documents, &kept])
        .await
        .trying("store how kiosks are")?;
    transaction.commit().await.trying("store how kiosks are")
}

/// The last one of each kiosk by its counters, and whether the broker had kept it; of equal ones the one that came last.
fn newest(messages: &[Heard]) -> BTreeMap<&str, (Status, bool)> {
    let mut newest: BTreeMap<&str, (Status, bool)> = BTreeMap::new();
    for Heard { kiosk, payload, is_kept } in messages {
        // An empty payload clears what the broker retains.
        let read = serde_json::from_slice::<Status>(payload).ok().filter(|_| payload.len() <= STATUS_MAX);
        let Some(mut status) = read else {
            if !payload.is_empty() {
                tracing::warn!(%kiosk, "a status that cannot be read");
            }
            continue;
        };
        status.ver = status.ver.chars().take(VERSION_MAX).collect();
        match newest.get(kiosk.as_str()) {
            Some((known, _)) if !status.is_newer_than(known.boot, known.conn) => {}
            _ => {
                newest.insert(kiosk.as_str(), (status, *is_kept));
            }
        }
    }
    newest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kiosk: &str, text: &str) -> Heard {
        Heard { kiosk: KioskId::new(kiosk).unwrap(), payload: Bytes::from(text.to_owned()), is_kept: false }
    }

    #[test]
    fn no_status_is_longer_than_what_is_shown() {
        let long = "v".repeat(STATUS_MAX);
        let short = format!(r#"{{"on":true,"boot":1,"conn":1,"ver":"{}"}}"#, &long[..1000]);
        let messages = [
            message("k1", &short),
            message("k2", &format!(r#"{{"on":true,"boot":1,"conn":1,"ver":"{long}"}}"#)),
        ];
        let newest = newest(&messages);
        assert_eq!((newest.len(), newest["k1"].0.ver.len()), (1, VERSION_MAX));
    }

    #[test]
    fn the_will_of_a_connection_that_was_replaced_says_nothing() {
        let messages = [
            message("k1", r#"{"on":true,"boot":2,"conn":2}"#),
            message("k1", r#"{"on":false,"boot":2,"conn":1}"#),
            message("k2", r#"{"on":true,"boot":2,"conn":1}"#),
            message("k2", r#"{"on":false,"boot":2,"conn":1}"#),
            message("k3", "nonsense"),
            message("k3", ""),
        ];
        let on: Vec<(&str, bool)> =
            newest(&messages).into_iter().map(|(kiosk, (status, _))| (kiosk, status.on)).collect();
        assert_eq!(on, [("k1", true), ("k2", false)]);
    }
}
