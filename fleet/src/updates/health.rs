//! Whether kiosks with a release do worse than those without: over the same time, from the first verdict on.

use deadpool_postgres::Transaction;

use super::rollouts::Record;
use crate::database::{DatabaseError, Trying};
use crate::rollout::statistics::{Exposure, is_worse};

/// A good release is halted by chance with at most this probability, over all looks and all that is looked at.
const ALPHA: f64 = 0.001;
/// Looks of a wave that is watched for a day, and what is looked at.
const LOOKS: f64 = 24.0 * 3.0;

/// What is compared: its name, and per kiosk how often it happened and out of how much, since a time. A kiosk with the
/// release counts from its own verdict on.
const MEASURES: [(&str, &str); 3] = [
    (
        "payments fail",
        "SELECT count(*) FILTER (WHERE p.state IN ('declined', 'timed_out', 'unknown', 'needs_staff', 'reversal_unknown')),
                count(*)::float8
         FROM payment p JOIN sale s ON s.id = p.sale WHERE p.kiosk = g.kiosk AND s.placed_at >= g.since",
    ),
    (
        "the daemon starts anew",
        "SELECT (SELECT count(*) FROM kiosk_start b WHERE b.kiosk = g.kiosk AND b.boot AND b.at > g.since),
                extract(epoch FROM now() - g.since)::float8",
    ),
    (
        "the connection is lost",
        "SELECT (SELECT count(*) FROM kiosk_start b WHERE b.kiosk = g.kiosk AND NOT b.boot AND b.at > g.since),
                extract(epoch FROM now() - g.since)::float8",
    ),
];

/// What is worse with the release, if anything is.
pub(super) async fn regression(
    transaction: &Transaction<'_>,
    record: &Record,
) -> Result<Option<String>, DatabaseError> {
    for (name, per_kiosk) in MEASURES {
        let sql = format!(
            "WITH first AS (SELECT min(since) AS at FROM rollout_member WHERE rollout = $1 AND phase = 'good'),
                  g AS (SELECT m.kiosk, m.phase = 'good' AS updated,
                               CASE WHEN m.phase = 'good' THEN m.since ELSE first.at END AS since
                        FROM rollout_member m, first
                        WHERE m.rollout = $1 AND m.phase IN ('good', 'waiting', 'assigned') AND first.at IS NOT NULL)
             SELECT g.updated, sum(e.events)::bigint, sum(e.exposure)::float8
             FROM g, LATERAL ({per_kiosk}) AS e (events, exposure) GROUP BY 1"
        );
        let rows = transaction.query(&sql, &[&record.id]).await.trying("compare the health of kiosks")?;
        let of = |updated: bool| {
            let row = rows.iter().find(|row| row.get::<_, bool>(0) == updated)?;
            let events = u32::try_from(row.get::<_, i64>(1)).ok()?;
            Some(Exposure { events, exposure: row.get(2) })
        };
        if let (Some(updated), Some(control)) = (of(true), of(false))
            && is_worse(updated, control, ALPHA / LOOKS)
        {
            return Ok(Some(format!(
                "{name} more often: {} with the release, {} without it",
                updated.events, control.events
            )));
        }
    }
    Ok(None)
}
