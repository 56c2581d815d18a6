//! What a group leaves in the tables. One statement a table, its rows as arrays.

use std::collections::{BTreeMap, BTreeSet};

use deadpool_postgres::Transaction;
use domain::ids::Uuid;
use protocol::sync::Answered;
use protocol::text::wire_name;
use tokio_postgres::types::ToSql;

use super::apply::{Incoming, Raised, Streams};
use super::decide::{Accepted, Decision};
use super::fold::{Books, Sale};
use crate::database::{DatabaseError, Trying, storable};

pub(super) fn pg(id: Uuid) -> uuid::Uuid {
    uuid::Uuid::from_bytes(id.0)
}

pub(super) async fn execute(
    transaction: &Transaction<'_>,
    doing: &'static str,
    sql: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<u64, DatabaseError> {
    let statement = transaction.prepare_cached(sql).await.trying("prepare")?;
    transaction.execute(&statement, parameters).await.trying(doing)
}

/// An event, and the place of its batch in the group.
pub(super) type EventRow<'a> = (usize, &'a Accepted);

/// The accepted events that are so.
pub(super) fn rows(decisions: &[Decision], are_so: impl Fn(&Accepted) -> bool) -> Vec<EventRow<'_>> {
    let all = decisions.iter().enumerate();
    let all =
        all.flat_map(|(place, decision)| decision.accepted.iter().map(move |accepted| (place, accepted)));
    all.filter(|(_, accepted)| are_so(accepted)).collect()
}

/// Each array gives one column; side by side they are the rows, and nothing lies in between as with `FROM unnest(…)`.
const INSERT_EVENTS: &str = "INSERT INTO event (id, tenant, kiosk, epoch, seq, kind, version, wall_ms, hlc, boot, mono_ms, \
                                                clock, body, hash, answer) \
    SELECT unnest($2::uuid[]), $1, unnest($3::text[]), unnest($4::bigint[]), unnest($5::bigint[]), unnest($6::text[]), \
           unnest($7::bigint[]), unnest($8::bigint[]), unnest($9::bigint[]), unnest($10::bigint[]), unnest($11::bigint[]), \
           unnest($12::bigint[]), unnest($13::text[]), unnest($14::bytea[]), unnest($15::text[])";

/// What is expected of the ids of new events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ids {
    /// Nobody else's. Looking first takes a third of the time of storing, so the index has to complain.
    New,
    /// It has complained: looked up one by one.
    Suspect,
}

/// Stores events. Returns those whose ids other events have already, of this group the later ones: place
/// among the batches, number.
pub(super) async fn events(
    transaction: &Transaction<'_>,
    (tenant, ids_are): (&str, Ids),
    batches: &[Incoming],
    rows: &[EventRow<'_>],
    denied: &BTreeMap<Uuid, Answered>,
) -> Result<Vec<(usize, u64)>, DatabaseError> {
    fn column<'a, T>(rows: &[EventRow<'a>], of: impl Fn(&'a Accepted) -> T) -> Vec<T> {
        rows.iter().map(|(_, accepted)| of(accepted)).collect()
    }
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids = column(rows, |a| uuid::Uuid::from_bytes(a.envelope.id));
    let kiosks: Vec<&str> = rows.iter().map(|(place, _)| batches[*place].kiosk.as_str()).collect();
    let answer =
        |a: &Accepted| denied.get(&Uuid(a.envelope.id)).and_then(|answer| serde_json::to_string(answer).ok());
    let statement = match ids_are {
        Ids::New => transaction.prepare_cached(INSERT_EVENTS).await,
        Ids::Suspect => transaction.prepare_cached(&format!("{INSERT_EVENTS} ON CONFLICT DO NOTHING")).await,
    };
    let stored = transaction
        .execute(
            &statement.trying("prepare")?,
            &[
                &tenant,
                &ids,
                &kiosks,
                &column(rows, |a| a.envelope.epoch.cast_signed()),
                &column(rows, |a| a.envelope.seq.cast_signed()),
                &column(rows, |a| a.envelope.kind.as_str()),
                &column(rows, |a| i64::from(a.envelope.version)),
                &column(rows, |a| a.envelope.wall_ms),
                &column(rows, |a| a.envelope.hlc.cast_signed()),
                &column(rows, |a| i64::from(a.envelope.boot)),
                &column(rows, |a| a.envelope.mono_ms.cast_signed()),
                &column(rows, |a| i64::from(a.envelope.clock)),
                &column(rows, |a| a.envelope.body.as_str()),
                &column(rows, |a| a.hash.as_slice()),
                &column(rows, answer),
            ],
        )
        .await
        .trying("store events")?;
    if stored == rows.len() as u64 {
        return Ok(Vec::new());
    }
    clashing(transaction, batches, rows, ids).await
}

/// The events of `rows` that are not what is stored under their ids.
async fn clashing(
    transaction: &Transaction<'_>,
    batches: &[Incoming],
    rows: &[EventRow<'_>],
    ids: Vec<uuid::Uuid>,
) -> Result<Vec<(usize, u64)>, DatabaseError> {
    let sql = "SELECT id, kiosk, epoch, seq FROM event WHERE id = ANY ($1)";
    let statement = transaction.prepare_cached(sql).await.trying("prepare")?;
    let stored = transaction.query(&statement, &[&ids]).await.trying("look up ids")?;
    let stored: BTreeSet<(uuid::Uuid, String, i64, i64)> =
        stored.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect();
    let is_stored = |place: usize, accepted: &Accepted, id| {
        let envelope = &accepted.envelope;
        let kiosk = batches[place].kiosk.to_string();
        stored.contains(&(id, kiosk, envelope.epoch.cast_signed(), envelope.seq.cast_signed()))
    };
    let clashing = rows.iter().zip(ids).filter(|((place, accepted), id)| !is_stored(*place, accepted, *id));
    Ok(clashing.map(|((place, accepted), _)| (*place, accepted.envelope.seq)).collect())
}

/// Keeps verbatim what was not understood.
pub(super) async fn quarantine(
    transaction: &Transaction<'_>,
    tenant: &str,
    batches: &[Incoming],
    decisions: &[Decision],
) -> Result<(), DatabaseError> {
    for (incoming, decision) in batches.iter().zip(decisions) {
        for one in &decision.quarantined {
            let epoch = incoming.batch.epoch.cast_signed();
            // The same fork may knock many times; one copy is enough.
            let sql = "INSERT INTO quarantine (tenant, kiosk, topic, epoch, seq, event_id, hash, reason, detail, raw) \
                       SELECT $1, $2, 'ev', $3, $4, $5, $6, $7, $8, $9 \
                       WHERE NOT EXISTS (SELECT FROM quarantine WHERE kiosk = $2 AND epoch = $3 AND seq = $4 AND raw = $9)";
            execute(
                transaction,
                "keep what was not understood",
                sql,
                &[
                    &tenant,
                    &incoming.kiosk.as_str(),
                    &epoch,
                    &one.seq.cast_signed(),
                    &one.id.map(|id| pg(id.0)),
                    &one.hash.as_ref().map(|hash| hash.as_slice()),
                    &wire_name(&one.reason),
                    &storable(&one.detail),
                    &one.raw.as_bytes(),
                ],
            )
            .await?;
        }
    }
    Ok(())
}

/// Moves the streams on.
pub(super) async fn streams(
    transaction: &Transaction<'_>,
    tenant: &str,
    batches: &[Incoming],
    streams: &Streams,
) -> Result<(), DatabaseError> {
    let keys: BTreeSet<(String, u64)> =
        batches.iter().map(|b| (b.kiosk.to_string(), b.batch.epoch)).collect();
    let rows: Vec<_> = keys.iter().filter_map(|key| streams.get(key).map(|stream| (key, stream))).collect();
    let kiosks: Vec<&str> = rows.iter().map(|((kiosk, _), _)| kiosk.as_str()).collect();
    let epochs: Vec<i64> = rows.iter().map(|((_, epoch), _)| epoch.cast_signed()).collect();
    let next: Vec<i64> = rows.iter().map(|(_, stream)| stream.next.cast_signed()).collect();
    let hashes: Vec<Option<&[u8]>> =
        rows.iter().map(|(_, stream)| stream.last_hash.as_ref().map(|hash| hash.as_slice())).collect();
    let forked: Vec<Option<i64>> =
        rows.iter().map(|(_, stream)| stream.forked_at.map(u64::cast_signed)).collect();
    let sql = "UPDATE stream SET next_seq = n, last_hash = h, forked_at = f, \
                                 last_at = CASE WHEN next_seq = n THEN last_at ELSE now() END \
               FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bigint[]) AS new (k, e, n, h, f) \
               WHERE tenant = $1 AND kiosk = k AND epoch = e";
    execute(transaction, "move the streams on", sql, &[&tenant, &kiosks, &epochs, &next, &hashes, &forked])
        .await?;
    Ok(())
}

/// Writes back the sales that changed.
pub(super) async fn sales(
    transaction: &Transaction<'_>,
    tenant: &str,
    books: &Books,
) -> Result<(), DatabaseError> {
    let rows: Vec<_> =
        books.touched_sales.iter().filter_map(|id| books.sales.get(id).map(|sale| (id, sale))).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let (texts, numbers) = (texts(&rows), numbers(&rows));
    let ids: Vec<uuid::Uuid> = rows.iter().map(|(id, _)| pg(**id)).collect();
    let lines: Vec<String> = rows
        .iter()
        .map(|(_, sale)| serde_json::to_string(&sale.lines).unwrap_or_else(|_| "[]".to_owned()))
        .collect();
    // Columns rather than one document: PostgreSQL takes longer to read JSON than to store what it says.
    let sql = "INSERT INTO sale (id, tenant, lines, site, kiosk, number, business_date, mode, channel, currency, \
                                 state, denied, epoch, placed_at, exponent, total, tip, refunded, catalog_rev, \
                                 fiscal_series, fiscal_n, paid_at) \
               SELECT id, $1, lines::jsonb, site, kiosk, number, business_date::date, mode, channel, currency, \
                      state, denied, epoch, to_timestamp(placed_ms / 1000.0), exponent, total, tip, refunded, \
                      catalog_rev, fiscal_series, fiscal_n, to_timestamp(paid_ms / 1000.0) \
               FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], \
                           $9::text[], $10::text[], $11::text[], $12::text[], $13::bigint[], $14::bigint[], \
                           $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[], \
                           $20::bigint[], $21::bigint[], $22::bigint[]) \
                 AS new (id, lines, site, kiosk, number, business_date, mode, channel, currency, state, denied, \
                         epoch, placed_ms, exponent, total, tip, refunded, catalog_rev, fiscal_series, fiscal_n, \
                         paid_ms) \
               ON CONFLICT (id) DO UPDATE SET tip = excluded.tip, refunded = excluded.refunded, \
                    state = excluded.state, fiscal_series = excluded.fiscal_series, \
                    fiscal_n = excluded.fiscal_n, paid_at = excluded.paid_at, denied = excluded.denied \
               WHERE sale.kiosk = excluded.kiosk";
    let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![&tenant, &ids, &lines];
    parameters.extend(texts.iter().map(|column| -> &(dyn ToSql + Sync) { column }));
    parameters.extend(numbers.iter().map(|column| -> &(dyn ToSql + Sync) { column }));
    all_ours(execute(transaction, "store sales", sql, &parameters).await?, ids.len())
}

/// Whether none of the rows was another kiosk's, which came between looking and storing.
fn all_ours(stored: u64, wanted: usize) -> Result<(), DatabaseError> {
    if stored == wanted as u64 { Ok(()) } else { Err(DatabaseError::Taken) }
}

type SaleRow<'a> = (&'a Uuid, &'a Sale);

/// Columns of text of [`sales`], in its order.
fn texts<'a>(rows: &[SaleRow<'a>]) -> [Vec<Option<&'a str>>; 9] {
    let of: [fn(&Sale) -> Option<&str>; 9] = [
        |sale| Some(&sale.site),
        |sale| Some(&sale.kiosk),
        |sale| Some(&sale.number),
        |sale| Some(&sale.business_date),
        |sale| Some(sale.mode),
        |sale| Some(sale.channel),
        |sale| Some(&sale.currency),
        |sale| Some(&sale.state),
        |sale| sale.denied.as_deref(),
    ];
    of.map(|of| rows.iter().map(|(_, sale)| of(sale)).collect())
}

/// Columns of numbers of [`sales`], in its order.
fn numbers(rows: &[SaleRow<'_>]) -> [Vec<Option<i64>>; 10] {
    let of: [fn(&Sale) -> Option<i64>; 10] = [
        |sale| Some(sale.epoch),
        |sale| Some(sale.placed_ms),
        |sale| Some(sale.exponent.into()),
        |sale| Some(sale.total),
        |sale| Some(sale.tip),
        |sale| Some(sale.refunded),
        |sale| Some(sale.catalog_rev),
        |sale| sale.fiscal.map(|(series, _)| series),
        |sale| sale.fiscal.map(|(_, n)| n),
        |sale| sale.paid_ms,
    ];
    of.map(|of| rows.iter().map(|(_, sale)| of(sale)).collect())
}

/// Writes back the payments that changed.
pub(super) async fn payments(
    transaction: &Transaction<'_>,
    tenant: &str,
    books: &Books,
) -> Result<(), DatabaseError> {
    let rows: Vec<_> = books
        .touched_payments
        .iter()
        .filter_map(|id| books.payments.get(id).map(|paid| (id, paid)))
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let ids: Vec<uuid::Uuid> = rows.iter().map(|(id, _)| pg(**id)).collect();
    let kiosks: Vec<&str> = rows.iter().map(|(_, paid)| paid.kiosk.as_str()).collect();
    let sales: Vec<uuid::Uuid> = rows.iter().map(|(_, paid)| pg(paid.sale)).collect();
    let tenders: Vec<&str> = rows.iter().map(|(_, paid)| paid.tender).collect();
    let amounts: Vec<i64> = rows.iter().map(|(_, paid)| paid.amount).collect();
    let tips: Vec<i64> = rows.iter().map(|(_, paid)| paid.tip).collect();
    let states: Vec<&str> = rows.iter().map(|(_, paid)| paid.state.as_str()).collect();
    let sql = "INSERT INTO payment (id, tenant, kiosk, sale, tender, amount, tip, state) \
               SELECT id, $1, kiosk, sale, tender, amount, tip, state \
               FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::bigint[], $7::bigint[], $8::text[]) \
                 AS new (id, kiosk, sale, tender, amount, tip, state) \
               ON CONFLICT (id) DO UPDATE SET state = excluded.state WHERE payment.kiosk = excluded.kiosk";
    let stored = execute(
        transaction,
        "store payments",
        sql,
        &[&tenant, &ids, &kiosks, &sales, &tenders, &amounts, &tips, &states],
    )
    .await?;
    all_ours(stored, ids.len())
}

/// Raises tasks.
pub(super) async fn tasks(
    transaction: &Transaction<'_>,
    tenant: &str,
    tasks: &[Raised],
) -> Result<(), DatabaseError> {
    for task in tasks {
        // The same is not told twice while nobody has looked at it.
        let sql = "INSERT INTO task (tenant, site, kiosk, kind, detail, sale, event, own) \
                   SELECT $1, $2, $3, $4, $5, \
                          COALESCE($6::uuid, (SELECT sale FROM payment WHERE id = $9 AND kiosk = $3)), $7::uuid, $8::uuid \
                   WHERE $6 IS NOT NULL OR $8 IS NOT NULL OR NOT EXISTS ( \
                       SELECT FROM task \
                       WHERE tenant = $1 AND kiosk = $3 AND kind = $4 AND detail = $5 AND done_at IS NULL) \
                   ON CONFLICT DO NOTHING";
        let (own, payment) = task.own.map(|(own, payment)| (pg(own), payment.map(pg))).unzip();
        execute(
            transaction,
            "raise a task",
            sql,
            &[
                &tenant,
                &task.site,
                &task.kiosk,
                &task.kind,
                &task.detail,
                &task.sale.map(pg),
                &task.event.map(pg),
                &own,
                &payment.flatten(),
            ],
        )
        .await?;
    }
    Ok(())
}
