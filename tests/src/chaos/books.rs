//! The fleet's books before and after.

use std::collections::BTreeMap;

use anyhow::ensure;
use tokio_postgres::Client;

use super::cast::{Cast, Report};
use crate::engines::with_database;

/// Ids of the simulated kiosks begin with this.
pub(super) const PREFIX: &str = "t9.sim";

/// What is there of each of the simulated goods, in pieces: of one never enough, so that sales are denied.
const STOCK: [(&str, i64); 4] =
    [("sim-burger", 1_000_000), ("sim-fries", 1_000_000), ("sim-cola", 1_000_000), ("sim-cake", 40)];

/// Parts of a piece.
const PIECE: i64 = 100_000;

/// Writes the kiosks into the registry and fills the shelves.
pub(super) fn open(cast: &Cast, kiosks: u32) -> anyhow::Result<()> {
    with_database(&cast.data, async |client| {
        client
            .batch_execute(
                "INSERT INTO tenant (id, name) VALUES ('t9', 'Chaos') ON CONFLICT DO NOTHING;
                 INSERT INTO site (tenant, id, name) VALUES ('t9', 'chaos', 'Chaos') ON CONFLICT DO NOTHING",
            )
            .await?;
        client
            .execute(
                "INSERT INTO kiosk (id, tenant, site)
                 SELECT $1::text || lpad(n::text, 5, '0'), 't9', 'chaos' FROM generate_series(1, $2::bigint) AS n",
                &[&PREFIX, &i64::from(kiosks)],
            )
            .await?;
        for (variation, pieces) in STOCK {
            client
                .execute(
                    "INSERT INTO stock (tenant, site, variation, on_hand) VALUES ('t9', 'chaos', $1, $2)",
                    &[&variation, &(pieces * PIECE)],
                )
                .await?;
        }
        Ok(())
    })
}

/// Compares the books with what the kiosks know. Returns events and denied sales.
pub(super) fn compare(cast: &Cast, report: &Report) -> anyhow::Result<(u64, u64)> {
    with_database(&cast.data, async |client| {
        let mut events = 0;
        for kiosk in &report.kiosks {
            let id = &kiosk.id;
            ensure!(kiosk.pending == 0, "{id}: {} events were not handed over", kiosk.pending);
            ensure!(!kiosk.forked && kiosk.quarantined == 0, "{id}: forked or quarantined without a reason");
            let row = client
                .query_one(
                    "SELECT count(*), count(DISTINCT seq), min(seq), max(seq) FROM event
                     WHERE kiosk = $1 AND epoch = $2",
                    &[id, &kiosk.epoch],
                )
                .await?;
            let (count, distinct): (i64, i64) = (row.get(0), row.get(1));
            let (first, last): (Option<i64>, Option<i64>) = (row.get(2), row.get(3));
            ensure!(
                (count, distinct, first, last)
                    == (kiosk.last_seq, kiosk.last_seq, Some(1), Some(kiosk.last_seq)),
                "{id}: {count} events in the books, {distinct} different, {first:?} to {last:?}; the kiosk has {}",
                kiosk.last_seq
            );
            let row = client
                .query_one(
                    "SELECT next_seq, encode(last_hash, 'hex') FROM stream WHERE kiosk = $1 AND epoch = $2",
                    &[id, &kiosk.epoch],
                )
                .await?;
            let (next, hash): (i64, String) = (row.get(0), row.get(1));
            ensure!(
                (next - 1, &hash) == (kiosk.last_seq, &kiosk.last_hash),
                "{id}: the streams end differently"
            );
            events += count;
        }
        let all: i64 = client.query_one("SELECT count(*) FROM event WHERE tenant = 't9'", &[]).await?.get(0);
        ensure!(all == events, "{all} events in the books, the kiosks have {events}");
        let denied = compare_stock(client, report).await?;
        check_parts(client).await?;
        Ok((u64::try_from(events)?, denied))
    })
}

/// What is set aside for kiosks. These here sell whatever they like, beyond their quotas too, and their sales are
/// denied for it: also then a part counts exactly what its kiosk sold, what is set aside is the sum of what is
/// missing to the ceilings, and all of it is there.
async fn check_parts(client: &Client) -> anyhow::Result<()> {
    let shelves = client
        .query(
            "SELECT variation, on_hand, held,
                    (SELECT coalesce(sum(greatest(a.ceiling - a.sold, 0)), 0)::bigint FROM allowance a
                     WHERE a.tenant = s.tenant AND a.site = s.site AND a.variation = s.variation)
             FROM stock s WHERE tenant = 't9'",
            &[],
        )
        .await?;
    for row in shelves {
        let (variation, on_hand, held, outstanding): (&str, i64, i64, i64) =
            (row.get(0), row.get(1), row.get(2), row.get(3));
        ensure!(held == outstanding, "{variation}: {held} set aside, but {outstanding} outstanding");
        ensure!(held <= on_hand, "{variation}: {held} of {on_hand} set aside");
    }
    let row = client
        .query_one(
            "WITH sold AS (
                 SELECT s.kiosk, s.fiscal_series AS epoch, l.variation, sum(l.quantity) AS quantity
                 FROM sale s CROSS JOIN LATERAL jsonb_to_recordset(s.lines) AS l (variation text, quantity bigint)
                 WHERE s.tenant = 't9' AND s.fiscal_n IS NOT NULL GROUP BY 1, 2, 3)
             SELECT count(*), count(*) FILTER (WHERE a.sold <> coalesce(sold.quantity, 0))
             FROM allowance a LEFT JOIN sold USING (kiosk, epoch, variation) WHERE a.tenant = 't9'",
            &[],
        )
        .await?;
    let (parts, wrong): (i64, i64) = (row.get(0), row.get(1));
    ensure!(parts > 0, "no kiosk was given a part");
    ensure!(wrong == 0, "{wrong} of {parts} parts do not count what their kiosks sold");
    Ok(())
}

async fn compare_stock(client: &Client, report: &Report) -> anyhow::Result<u64> {
    let mut sold: BTreeMap<&str, i64> = BTreeMap::new();
    for (variation, pieces) in report.kiosks.iter().flat_map(|kiosk| &kiosk.agreed) {
        *sold.entry(variation).or_default() += pieces;
    }
    for (variation, pieces) in STOCK {
        let row = client
            .query_one(
                "SELECT on_hand, (SELECT coalesce(sum(delta), 0)::bigint FROM stock_move m
                                  WHERE m.tenant = 't9' AND m.variation = stock.variation)
                 FROM stock WHERE tenant = 't9' AND variation = $1",
                &[&variation],
            )
            .await?;
        let (on_hand, moved): (i64, i64) = (row.get(0), row.get(1));
        let wanted = pieces * PIECE - sold.get(variation).copied().unwrap_or(0) * PIECE;
        ensure!(on_hand == wanted, "{variation}: {on_hand} on hand, by the kiosks' books {wanted}");
        ensure!(on_hand >= 0, "{variation}: more was agreed to than there was");
        ensure!(pieces * PIECE + moved == on_hand, "{variation}: the moves do not add up to the stock");
    }
    let denied: u64 = report.kiosks.iter().map(|kiosk| kiosk.denied).sum();
    let tasks: i64 = client
        .query_one("SELECT count(*) FROM task WHERE tenant = 't9' AND kind = 'sale_denied'", &[])
        .await?
        .get(0);
    ensure!(u64::try_from(tasks)? == denied, "{tasks} tasks, but {denied} denied sales");
    Ok(denied)
}
