//! How far kiosks are with their jobs.

use std::collections::BTreeMap;

use bytes::Bytes;
use deadpool_postgres::Object;
use protocol::fleet::JobProgress;
use protocol::text::wire_name;
use protocol::topic::KioskId;
use uuid::Uuid;

use crate::database::{DatabaseError, Trying, begin, storable};

/// Longest explanation that is kept.
const WHY_MAX: usize = 2000;

/// Longest path that is kept.
const RESULT_MAX: usize = 500;

/// Stores how far jobs are, never backwards; returns those that changed. A kiosk that did a job which the fleet
/// believed expired is right.
pub(super) async fn store(
    connection: &mut Object,
    tenant: &str,
    messages: &[(KioskId, Bytes)],
) -> Result<Vec<String>, DatabaseError> {
    let furthest = furthest(messages);
    if furthest.is_empty() {
        return Ok(Vec::new());
    }
    let jobs: Vec<Uuid> = furthest.keys().map(|(job, _)| *job).collect();
    let kiosks: Vec<&str> = furthest.keys().map(|(_, kiosk)| *kiosk).collect();
    let states: Vec<String> = furthest.values().map(|progress| wire_name(&progress.s)).collect();
    let percents: Vec<Option<i16>> =
        furthest.values().map(|p| p.pct.map(|pct| i16::from(pct.min(100)))).collect();
    let whys: Vec<String> = furthest.values().map(|progress| short(&progress.why, WHY_MAX)).collect();
    let results: Vec<Option<String>> =
        furthest.values().map(|p| p.result.as_deref().map(|result| short(result, RESULT_MAX))).collect();
    let transaction = begin(connection, tenant).await?;
    let sql = transaction
        .prepare_cached(
            "UPDATE job SET state = s, pct = p, why = w, result = coalesce(r, result), due = false, changed_at = now()
             FROM unnest($1::uuid[], $2::text[], $3::text[], $4::smallint[], $5::text[], $6::text[])
               AS new (j, k, s, p, w, r)
             WHERE id = j AND kiosk = k AND state NOT IN ('done', 'failed')
               AND (job_rank(s) >= job_rank(state) OR (state = 'expired' AND s IN ('done', 'failed')))
             RETURNING id::text",
        )
        .await
        .trying("prepare")?;
    let doing = "store how far jobs are";
    let rows = transaction
        .query(&sql, &[&jobs, &kiosks, &states, &percents, &whys, &results])
        .await
        .trying(doing)?;
    transaction.commit().await.trying(doing)?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// The furthest that each job came; of equal ones what was said last.
fn furthest(messages: &[(KioskId, Bytes)]) -> BTreeMap<(Uuid, &str), JobProgress> {
    let mut furthest: BTreeMap<(Uuid, &str), JobProgress> = BTreeMap::new();
    for (kiosk, payload) in messages {
        let Ok(progress) = serde_json::from_slice::<JobProgress>(payload) else {
            tracing::warn!(%kiosk, "a progress that cannot be read");
            continue;
        };
        let key = (Uuid::from_bytes(progress.job.bytes()), kiosk.as_str());
        match furthest.get(&key) {
            Some(known) if known.s > progress.s => {}
            _ => {
                furthest.insert(key, progress);
            }
        }
    }
    furthest
}

fn short(text: &str, longest: usize) -> String {
    storable(&text.chars().take(longest).collect::<String>())
}
