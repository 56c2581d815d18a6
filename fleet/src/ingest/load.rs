//! What a group needs from the tables before it can be decided.

use std::collections::{BTreeMap, BTreeSet};

use deadpool_postgres::Transaction;
use domain::ids::Uuid;
use domain::order::FiscalNumber;
use tokio_postgres::Row;

use super::apply::{Incoming, Streams, hash};
use super::decide::{Known, Stream};
use super::fold::{Books, Paid, Sale, SaleLine};
use crate::database::{DatabaseError, Trying};

/// Creates the streams that are new and locks all, in the order of their keys, so that two workers with the
/// same kiosks cannot wait for each other.
pub(super) async fn lock_streams(
    transaction: &Transaction<'_>,
    tenant: &str,
    batches: &[Incoming],
) -> Result<Streams, DatabaseError> {
    let wanted: BTreeMap<(&str, i64), &str> = batches
        .iter()
        .map(|b| ((b.kiosk.as_str(), b.batch.epoch.cast_signed()), b.batch.written_as.as_str()))
        .collect();
    let kiosks: Vec<&str> = wanted.keys().map(|(kiosk, _)| *kiosk).collect();
    let epochs: Vec<i64> = wanted.keys().map(|(_, epoch)| *epoch).collect();
    let names: Vec<&str> = wanted.values().copied().collect();
    let select = transaction
        .prepare_cached(
            "SELECT kiosk, epoch, next_seq, last_hash, forked_at,
                    (SELECT extract(epoch FROM now() - min(o.started_at))::bigint FROM stream o
                     WHERE o.kiosk = stream.kiosk AND o.last_at > stream.last_at)
             FROM stream WHERE (kiosk, epoch) IN (SELECT * FROM unnest($1::text[], $2::bigint[]))
             ORDER BY kiosk, epoch FOR UPDATE",
        )
        .await
        .trying("prepare")?;
    let mut rows = transaction.query(&select, &[&kiosks, &epochs]).await.trying("lock the streams")?;
    if rows.len() < wanted.len() {
        let insert = transaction
            .prepare_cached(
                "INSERT INTO stream (kiosk, epoch, tenant, written_as)
                 SELECT k, e, $4, w FROM unnest($1::text[], $2::bigint[], $3::text[]) AS new (k, e, w)
                 ORDER BY k, e ON CONFLICT DO NOTHING",
            )
            .await
            .trying("prepare")?;
        transaction.execute(&insert, &[&kiosks, &epochs, &names, &tenant]).await.trying("begin a stream")?;
        rows = transaction.query(&select, &[&kiosks, &epochs]).await.trying("lock the streams")?;
    }
    Ok(rows.iter().map(stream).collect())
}

fn stream(row: &Row) -> ((String, u64), Stream) {
    let stream = Stream {
        next: row.get::<_, i64>(2).cast_unsigned(),
        last_hash: row.get::<_, Option<&[u8]>>(3).and_then(hash),
        forked_at: row.get::<_, Option<i64>>(4).map(i64::cast_unsigned),
        overtaken_s: row.get(5),
    };
    ((row.get(0), row.get::<_, i64>(1).cast_unsigned()), stream)
}

/// What is stored in these places of a stream.
pub(super) async fn known(
    transaction: &Transaction<'_>,
    (kiosk, epoch): &(String, u64),
    (from, to): (u64, u64),
) -> Result<BTreeMap<u64, Known>, DatabaseError> {
    let select = transaction
        .prepare_cached(
            "SELECT seq, hash, answer FROM event WHERE kiosk = $1 AND epoch = $2 AND seq BETWEEN $3 AND $4
             UNION ALL
             SELECT seq, hash, jsonb_build_object('r', 'quarantine', 'code', reason, 'srv', detail)::text
             FROM quarantine
             WHERE kiosk = $1 AND epoch = $2 AND seq BETWEEN $3 AND $4 AND reason <> 'FORK'",
        )
        .await
        .trying("prepare")?;
    let (epoch, from, to) = (epoch.cast_signed(), from.cast_signed(), to.cast_signed());
    let rows =
        transaction.query(&select, &[kiosk, &epoch, &from, &to]).await.trying("look up repetitions")?;
    let known = rows.iter().map(|row| {
        let answer = row.get::<_, Option<&str>>(2).and_then(|text| serde_json::from_str(text).ok());
        let hash = row.get::<_, Option<&[u8]>>(1).and_then(hash);
        (row.get::<_, i64>(0).cast_unsigned(), Known { hash, answer })
    });
    Ok(known.collect())
}

fn ids(ids: &BTreeSet<Uuid>) -> Vec<uuid::Uuid> {
    ids.iter().map(|id| uuid::Uuid::from_bytes(id.0)).collect()
}

fn id(row: &Row, column: usize) -> Uuid {
    Uuid(row.get::<_, uuid::Uuid>(column).into_bytes())
}

/// Sales and payments of these ids, and the sales of these payments.
pub(super) async fn books(
    transaction: &Transaction<'_>,
    mut sales: BTreeSet<Uuid>,
    payments: BTreeSet<Uuid>,
) -> Result<Books, DatabaseError> {
    let mut books = Books::default();
    if !payments.is_empty() {
        let select = transaction
            .prepare_cached(
                "SELECT id, kiosk, sale, tender, amount, tip, state FROM payment WHERE id = ANY ($1)",
            )
            .await
            .trying("prepare")?;
        for row in transaction.query(&select, &[&ids(&payments)]).await.trying("load payments")? {
            let sale = id(&row, 2);
            sales.insert(sale);
            let paid = Paid {
                kiosk: row.get(1),
                sale,
                tender: tender(row.get(3)),
                amount: row.get(4),
                tip: row.get(5),
                state: row.get(6),
            };
            books.payments.insert(id(&row, 0), paid);
        }
    }
    if !sales.is_empty() {
        let select = transaction
            .prepare_cached(
                "SELECT id, site, kiosk, epoch, number, (extract(epoch FROM placed_at) * 1000)::bigint,
                        business_date::text, mode, channel, currency, exponent, total, tip, refunded,
                        catalog_rev, state, fiscal_series, fiscal_n,
                        (extract(epoch FROM paid_at) * 1000)::bigint, denied, lines::text
                 FROM sale WHERE id = ANY ($1)",
            )
            .await
            .trying("prepare")?;
        for row in transaction.query(&select, &[&ids(&sales)]).await.trying("load sales")? {
            books.sales.insert(id(&row, 0), sale(&row));
        }
    }
    Ok(books)
}

fn sale(row: &Row) -> Sale {
    let series: Option<i64> = row.get(16);
    Sale {
        site: row.get(1),
        kiosk: row.get(2),
        epoch: row.get(3),
        number: row.get(4),
        placed_ms: row.get(5),
        business_date: row.get(6),
        mode: word(row.get(7), &["dine_in", "take_away", "delivery"]),
        channel: word(row.get(8), &["touch", "voice", "staff"]),
        currency: row.get(9),
        exponent: row.get(10),
        total: row.get(11),
        tip: row.get(12),
        refunded: row.get(13),
        catalog_rev: row.get(14),
        state: row.get(15),
        fiscal: series.zip(row.get(17)),
        paid_ms: row.get(18),
        denied: row.get(19),
        lines: serde_json::from_str::<Vec<SaleLine>>(row.get(20)).unwrap_or_default(),
    }
}

fn tender(text: &str) -> &'static str {
    word(text, &["card", "counter"])
}

/// The word of ours that was stored.
fn word(text: &str, words: &[&'static str]) -> &'static str {
    words.iter().find(|word| **word == text).copied().unwrap_or_default()
}

/// Which order has these fiscal numbers already.
pub(super) async fn fiscal_owners(
    transaction: &Transaction<'_>,
    paid: &[(&str, FiscalNumber, Uuid)],
) -> Result<BTreeMap<(String, i64, i64), Uuid>, DatabaseError> {
    if paid.is_empty() {
        return Ok(BTreeMap::new());
    }
    let select = transaction
        .prepare_cached(
            // Number by number through the index. As a join the plan is made when the table is small and kept
            // while it grows: every number is then compared with every sale.
            "SELECT k, s, n, o.id FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS wanted (k, s, n)
             CROSS JOIN LATERAL (SELECT id FROM sale WHERE kiosk = k AND fiscal_series = s AND fiscal_n = n
                                 AND denied IS NULL LIMIT 1) AS o",
        )
        .await
        .trying("prepare")?;
    let kiosks: Vec<&str> = paid.iter().map(|(kiosk, _, _)| *kiosk).collect();
    let series: Vec<i64> = paid.iter().map(|(_, fiscal, _)| fiscal.series.cast_signed()).collect();
    let numbers: Vec<i64> = paid.iter().map(|(_, fiscal, _)| fiscal.n.cast_signed()).collect();
    let rows =
        transaction.query(&select, &[&kiosks, &series, &numbers]).await.trying("look up fiscal numbers")?;
    Ok(rows.iter().map(|row| ((row.get(0), row.get(1), row.get(2)), id(row, 3))).collect())
}
