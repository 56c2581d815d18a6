//! What kiosks say of their updates. The runner alone hears it, over one connection: a state that came before must not
//! take the place of one that came after, as it could among workers. What was said while nobody ran is retained.

use std::collections::BTreeMap;

use bytes::Bytes;
use deadpool_postgres::Object;
use protocol::topic::KioskId;
use protocol::update::UpdateState;
use serde_json::Value;

use crate::database::{DatabaseError, Trying, begin, storable, storable_json};

/// Largest state that is read, in bytes.
const STATE_MAX: usize = 8 * 1024;
/// Longest name of a model or version that is kept, in characters.
const NAME_MAX: usize = 64;

/// Stores the last state of each kiosk. What was taken back is emptied when nothing is under way any more.
pub(super) async fn store(
    connection: &mut Object,
    tenant: &str,
    messages: &[(KioskId, Bytes)],
) -> Result<(), DatabaseError> {
    let states = readable(messages);
    if states.is_empty() {
        return Ok(());
    }
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let name = |text: &str| storable(&text.chars().take(NAME_MAX).collect::<String>());
    let document = |value: Result<Value, serde_json::Error>| match value {
        Ok(Value::Null) | Err(_) => None,
        Ok(value) => Some(storable_json(value)),
    };
    let ids: Vec<&str> = states.keys().copied().collect();
    let models: Vec<String> = states.values().map(|it| name(&it.model)).collect();
    let running: Vec<i64> = states.values().map(|it| number(it.running)).collect();
    let versions: Vec<String> = states.values().map(|it| name(&it.version)).collect();
    let confirmed: Vec<i64> = states.values().map(|it| number(it.confirmed)).collect();
    let under_way: Vec<Option<Value>> =
        states.values().map(|it| document(serde_json::to_value(&it.under_way))).collect();
    let last: Vec<Option<Value>> =
        states.values().map(|it| document(serde_json::to_value(&it.last))).collect();
    let held_by: Vec<Option<String>> = states.values().map(|it| it.held_by.as_deref().map(name)).collect();
    let doing = "store what kiosks say of their updates";
    let transaction = begin(connection, tenant).await?;
    let sql = transaction
        .prepare_cached(
            "INSERT INTO update_state (kiosk, tenant, model, running, version, confirmed, under_way, last, held_by)
             SELECT k, $1, m, r, v, c, u, l, h
             FROM unnest($2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::jsonb[], $8::jsonb[],
                         $9::text[])
               AS new (k, m, r, v, c, u, l, h) ORDER BY k
             ON CONFLICT (kiosk) DO UPDATE SET model = excluded.model, running = excluded.running,
               version = excluded.version, confirmed = excluded.confirmed, under_way = excluded.under_way,
               last = excluded.last, held_by = excluded.held_by, at = now()",
        )
        .await
        .trying("prepare")?;
    transaction
        .execute(
            &sql,
            &[&tenant, &ids, &models, &running, &versions, &confirmed, &under_way, &last, &held_by],
        )
        .await
        .trying(doing)?;
    let sql = "UPDATE assignment a SET action = 'none', due = true FROM update_state u
               WHERE u.kiosk = a.kiosk AND a.kiosk = ANY ($1) AND a.action = 'cancel' AND u.under_way IS NULL";
    transaction.execute(sql, &[&ids]).await.trying(doing)?;
    transaction.commit().await.trying(doing)
}

fn readable(messages: &[(KioskId, Bytes)]) -> BTreeMap<&str, UpdateState> {
    let mut states = BTreeMap::new();
    for (kiosk, payload) in messages {
        match serde_json::from_slice::<UpdateState>(payload) {
            Ok(state) if payload.len() <= STATE_MAX => {
                states.insert(kiosk.as_str(), state);
            }
            // An empty payload clears what the broker retains.
            Err(_) if payload.is_empty() => {}
            _ => tracing::warn!(%kiosk, bytes = payload.len(), "a state of an update that cannot be read"),
        }
    }
    states
}
