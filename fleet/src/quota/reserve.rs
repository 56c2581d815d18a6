//! A customer wants more than the kiosk may sell, and waits.

use std::collections::BTreeMap;

use deadpool_postgres::{Object, Transaction};
use protocol::fleet::{QUOTA_GOODS_MAX, Quota, Reserve};

use super::offer::{COLUMNS, offers};
use super::part::MOST;
use super::row::{self, PART};
use crate::database::{DatabaseError, Trying, begin, storable};

/// So long nobody takes back what was asked for, unsold as it is: a customer who takes long has paid by then.
const KEPT_S: i32 = 600;

/// Raises a kiosk's ceilings to what it asks for, as far as there is something free, and returns its new quota,
/// which is `due` until it is sent. An answer that gives nothing is one, too; `None`: the question is about
/// another epoch than the kiosk's quota, or too long, and nobody waits for an answer.
///
/// # Errors
/// The database refuses.
pub async fn reserve(
    connection: &mut Object,
    tenant: &str,
    kiosk: &str,
    asked: &Reserve,
    lease_s: i32,
) -> Result<Option<Quota>, DatabaseError> {
    let Ok(epoch) = i64::try_from(asked.epoch) else { return Ok(None) };
    if asked.goods.len() > QUOTA_GOODS_MAX {
        return Ok(None);
    }
    let doing = "reserve goods";
    let transaction = begin(connection, tenant).await?;
    let wanted: BTreeMap<String, i64> =
        asked.goods.iter().map(|(variation, upto)| (storable(variation), (*upto).clamp(0, MOST))).collect();
    let raised = raise(&transaction, kiosk, asked.epoch, &wanted).await?;
    let sql = format!(
        "UPDATE quota q SET rev = rev + 1, lease_s = $4::integer, until = now() + $4::integer * interval '1 s',
                renew_at = now() + $4::integer * interval '0.5 s', answers = $3, due = true
         WHERE kiosk = $1 AND epoch = $2 RETURNING {COLUMNS}"
    );
    let question = uuid::Uuid::from_bytes(asked.question.bytes());
    let rows = transaction.query(&sql, &[&kiosk, &epoch, &question, &lease_s]).await.trying(doing)?;
    let Some(offer) = offers(&transaction, &rows).await?.pop() else {
        // Nothing of it was meant: dropped without a commit.
        return Ok(None);
    };
    transaction.commit().await.trying(doing)?;
    tracing::debug!(kiosk, raised, rev = offer.quota.rev, "answered a reservation");
    Ok(Some(offer.quota))
}

/// Returns how many goods it could raise.
async fn raise(
    transaction: &Transaction<'_>,
    kiosk: &str,
    epoch: u64,
    wanted: &BTreeMap<String, i64>,
) -> Result<usize, DatabaseError> {
    let doing = "raise a kiosk's part";
    let variations: Vec<&str> = wanted.keys().map(String::as_str).collect();
    let lock = transaction
        .prepare_cached(
            "SELECT s.variation, s.on_hand - s.held FROM stock s
             WHERE s.site = (SELECT site FROM kiosk WHERE id = $1 AND state = 'active') AND s.variation = ANY ($2)
             ORDER BY s.site, s.variation FOR UPDATE",
        )
        .await
        .trying("prepare")?;
    let rows = transaction.query(&lock, &[&kiosk, &variations]).await.trying("lock the stock")?;
    let mut free: BTreeMap<String, i64> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let select = transaction
        .prepare_cached(&format!(
            "SELECT variation, {PART} FROM allowance WHERE kiosk = $1 AND epoch = $3 AND variation = ANY ($2)"
        ))
        .await
        .trying("prepare")?;
    let rows = transaction
        .query(&select, &[&kiosk, &variations, &epoch.cast_signed()])
        .await
        .trying("load a kiosk's parts")?;
    let mut raised = 0;
    for row in rows {
        let variation: &str = row.get(0);
        let (Some(upto), Some(free)) = (wanted.get(variation), free.get_mut(variation)) else { continue };
        let before = row::part(&row, 1);
        let mut part = before;
        part.raise(*upto, free);
        if part.offered == before.offered {
            continue;
        }
        raised += 1;
        let sql = "WITH more AS (UPDATE allowance SET ceiling = $3, offered = $4,
                                        kept_until = now() + $6 * interval '1 s'
                                 WHERE kiosk = $1 AND variation = $2 RETURNING tenant, site, variation)
                   UPDATE stock s SET held = held + $5 FROM more m
                   WHERE s.tenant = m.tenant AND s.site = m.site AND s.variation = m.variation";
        let more = part.outstanding() - before.outstanding();
        transaction
            .execute(sql, &[&kiosk, &variation, &part.ceiling, &part.offered, &more, &f64::from(KEPT_S)])
            .await
            .trying(doing)?;
    }
    Ok(raised)
}
