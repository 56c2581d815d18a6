//! A payload that is no batch: kept verbatim, and answered if it has a name to answer to.

use bytes::Bytes;
use deadpool_postgres::Object;
use protocol::sync::Ack;
use protocol::text::Id;
use protocol::topic::KioskId;
use serde_json::Value;

use crate::database::{DatabaseError, Trying, begin, storable};

/// A payload that is no batch.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub kiosk: KioskId,
    pub payload: Bytes,
    pub why: String,
}

/// Stores it and says what is expected instead, so that the kiosk cuts its batches smaller and finds the
/// event that spoils them. The cursor stays: nothing of it was understood.
pub(super) async fn keep(
    connection: &mut Object,
    tenant: &str,
    unreadable: &Unreadable,
    now_ms: i64,
) -> Result<Option<(KioskId, Ack)>, DatabaseError> {
    tracing::warn!(kiosk = %unreadable.kiosk, why = unreadable.why, "a payload that is no batch");
    let transaction = begin(connection, tenant).await?;
    let sql = "INSERT INTO quarantine (tenant, kiosk, topic, reason, detail, raw)
               SELECT $1, $2, 'ev', 'PAYLOAD', $3, $4
               WHERE NOT EXISTS (SELECT FROM quarantine WHERE kiosk = $2 AND reason = 'PAYLOAD' AND raw = $4)";
    let why = storable(&unreadable.why);
    let (kiosk, raw) = (unreadable.kiosk.as_str(), &*unreadable.payload);
    transaction.execute(sql, &[&tenant, &kiosk, &why, &raw]).await.trying("keep a payload")?;
    let answer = match name_of(&unreadable.payload) {
        Some((b, epoch)) => {
            let sql = "SELECT next_seq FROM stream WHERE kiosk = $1 AND epoch = $2";
            let row = transaction
                .query_opt(sql, &[&kiosk, &epoch.cast_signed()])
                .await
                .trying("look up a stream")?;
            let next = row.map_or(1, |row| row.get::<_, i64>(0).cast_unsigned());
            let ack = Ack {
                b,
                ep: epoch,
                thru: next - 1,
                x: Vec::new(),
                exp: Some(next),
                fork: None,
                now: now_ms,
                cat: 0,
                stk: 0,
            };
            Some((unreadable.kiosk.clone(), ack))
        }
        None => None,
    };
    transaction.commit().await.trying("keep a payload")?;
    Ok(answer)
}

/// The batch's id and epoch, if at least these can be read.
fn name_of(payload: &[u8]) -> Option<(Id, u64)> {
    let value: Value = serde_json::from_slice(payload).ok()?;
    let epoch = value.get("ep")?.as_u64().filter(|epoch| i64::try_from(*epoch).is_ok())?;
    Some((value.get("b")?.as_str()?.parse().ok()?, epoch))
}
