//! The rows of the stock and of kiosks' parts: locked and loaded before a group is folded, written back after.
//! Where nothing is counted, this is one statement that finds nothing.

use std::collections::{BTreeMap, BTreeSet};

use deadpool_postgres::Transaction;
use domain::Event;
use domain::event::{OrderEvent, StockEvent};

use super::apply::Incoming;
use super::decide::Decision;
use super::save::{execute, pg};
use super::stock::Shelves;
use crate::database::{DatabaseError, Trying};
use crate::quota::part::Part;
use crate::quota::row::{self, PART};

/// Kiosks of a group whose parts matter.
#[derive(Debug, Default)]
pub(super) struct Sellers<'a> {
    /// They sold something.
    sold: BTreeSet<&'a str>,
    /// They say which quota is in force.
    told: BTreeSet<&'a str>,
}

impl<'a> Sellers<'a> {
    pub(super) fn of(batches: &'a [Incoming], decisions: &[Decision]) -> Self {
        let mut sellers = Self::default();
        for (incoming, decision) in batches.iter().zip(decisions) {
            let kiosk = incoming.kiosk.as_str();
            for event in decision.accepted.iter().filter_map(|accepted| accepted.event.as_ref()) {
                match event {
                    Event::Order(OrderEvent::Paid { .. }) => drop(sellers.sold.insert(kiosk)),
                    Event::Stock(StockEvent::Quota(_)) => drop(sellers.told.insert(kiosk)),
                    Event::Order(_)
                    | Event::Payment(_)
                    | Event::Receipt(_)
                    | Event::Kitchen(_)
                    | Event::Catalog(_)
                    | Event::Service(_)
                    | Event::Drawer(_)
                    | Event::Task(_) => {}
                }
            }
        }
        sellers
    }

    /// Locks and loads the shelves of these goods and of all that these kiosks have a part of, in the order of
    /// their keys; then those parts and quotas. Who changes them has the locks first, so these are the latest.
    pub(super) async fn load(
        &self,
        transaction: &Transaction<'_>,
        mut wanted: BTreeSet<(String, String)>,
    ) -> Result<Shelves, DatabaseError> {
        let told: Vec<&str> = self.told.iter().copied().collect();
        if !told.is_empty() {
            let sql = "SELECT site, variation FROM allowance WHERE kiosk = ANY ($1)";
            let rows = transaction.query(sql, &[&told]).await.trying("look for kiosks' parts")?;
            wanted.extend(rows.iter().map(|row| (row.get(0), row.get(1))));
        }
        let mut shelves = Shelves::default();
        if wanted.is_empty() {
            return Ok(shelves);
        }
        let select = transaction
            .prepare_cached(
                "SELECT site, variation, on_hand, held FROM stock
                 WHERE (site, variation) IN (SELECT * FROM unnest($1::text[], $2::text[]))
                 ORDER BY site, variation FOR UPDATE",
            )
            .await
            .trying("prepare")?;
        let (sites, variations) = columns(wanted.iter());
        for row in transaction.query(&select, &[&sites, &variations]).await.trying("lock the stock")? {
            shelves.put(row.get(0), row.get(1), (row.get(2), row.get(3)));
        }
        if shelves.is_empty() {
            return Ok(shelves);
        }
        self.parts(transaction, &mut shelves).await?;
        if !told.is_empty() {
            quotas(transaction, &told, &mut shelves).await?;
        }
        Ok(shelves)
    }

    async fn parts(&self, transaction: &Transaction<'_>, shelves: &mut Shelves) -> Result<(), DatabaseError> {
        let kiosks: Vec<&str> = self.sold.union(&self.told).copied().collect();
        if kiosks.is_empty() {
            return Ok(());
        }
        let select = transaction
            .prepare_cached(&format!(
                "SELECT kiosk, site, variation, {PART} FROM allowance
                 WHERE kiosk = ANY ($1) AND (site, variation) IN (SELECT * FROM unnest($2::text[], $3::text[]))"
            ))
            .await
            .trying("prepare")?;
        let rows = {
            let (sites, variations) = columns(shelves.keys());
            let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 3] = [&kiosks, &sites, &variations];
            transaction.query(&select, &parameters).await.trying("load kiosks' parts")?
        };
        for row in rows {
            shelves.put_part(row.get(0), row.get(1), row.get(2), row::part(&row, 3));
        }
        Ok(())
    }
}

async fn quotas(
    transaction: &Transaction<'_>,
    kiosks: &[&str],
    shelves: &mut Shelves,
) -> Result<(), DatabaseError> {
    let sql =
        "SELECT kiosk, epoch, rev, in_force_rev FROM quota WHERE kiosk = ANY ($1) ORDER BY kiosk FOR UPDATE";
    for row in transaction.query(sql, &[&kiosks]).await.trying("lock quotas")? {
        let number = |column| row.get::<_, i64>(column).cast_unsigned();
        shelves.put_quota(row.get(0), (number(1), number(2), number(3)));
    }
    Ok(())
}

fn columns<'a>(keys: impl Iterator<Item = &'a (String, String)>) -> (Vec<&'a str>, Vec<&'a str>) {
    keys.map(|(site, variation)| (site.as_str(), variation.as_str())).unzip()
}

/// Writes back what changed, and what left the shelves.
pub(super) async fn save(
    transaction: &Transaction<'_>,
    tenant: &str,
    shelves: &Shelves,
) -> Result<(), DatabaseError> {
    let mut rows: BTreeMap<(&str, &str), _> = BTreeMap::new();
    rows.extend(shelves.touched().map(|(site, variation, shelf)| ((site, variation), shelf)));
    if !rows.is_empty() {
        let (sites, variations): (Vec<&str>, Vec<&str>) = rows.keys().copied().unzip();
        let on_hand: Vec<i64> = rows.values().map(|shelf| shelf.on_hand).collect();
        let held: Vec<i64> = rows.values().map(|shelf| shelf.held).collect();
        let look: Vec<bool> = rows.values().map(|shelf| shelf.regrant).collect();
        // The revision is for people who count: what is set aside does not concern them.
        let sql = "UPDATE stock SET on_hand = n, held = h, regrant = regrant OR l, \
                                    rev = CASE WHEN on_hand = n THEN rev ELSE rev + 1 END \
                   FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::boolean[]) \
                     AS new (s, v, n, h, l) \
                   WHERE tenant = $1 AND site = s AND variation = v";
        let doing = "store the stock";
        execute(transaction, doing, sql, &[&tenant, &sites, &variations, &on_hand, &held, &look]).await?;
    }
    moves(transaction, tenant, shelves).await?;
    parts(transaction, tenant, shelves).await?;
    for (kiosk, latest) in shelves.touched_quotas() {
        let (rev, in_force) = (latest.rev.cast_signed(), latest.in_force.cast_signed());
        let sql = "UPDATE quota SET rev = $3, in_force_rev = $4 WHERE tenant = $1 AND kiosk = $2";
        execute(transaction, "note the quota in force", sql, &[&tenant, &kiosk, &rev, &in_force]).await?;
    }
    Ok(())
}

async fn moves(transaction: &Transaction<'_>, tenant: &str, shelves: &Shelves) -> Result<(), DatabaseError> {
    if shelves.moves.is_empty() {
        return Ok(());
    }
    let sites: Vec<&str> = shelves.moves.iter().map(|m| m.site.as_str()).collect();
    let variations: Vec<&str> = shelves.moves.iter().map(|m| m.variation.as_str()).collect();
    let deltas: Vec<i64> = shelves.moves.iter().map(|m| m.delta).collect();
    let events: Vec<uuid::Uuid> = shelves.moves.iter().map(|m| pg(m.event)).collect();
    let sql = "INSERT INTO stock_move (tenant, site, variation, delta, kind, event) \
               SELECT $1, s, v, d, 'sale', e \
               FROM unnest($2::text[], $3::text[], $4::bigint[], $5::uuid[]) AS new (s, v, d, e)";
    execute(transaction, "store what left the stock", sql, &[&tenant, &sites, &variations, &deltas, &events])
        .await?;
    Ok(())
}

async fn parts(transaction: &Transaction<'_>, tenant: &str, shelves: &Shelves) -> Result<(), DatabaseError> {
    let rows: Vec<_> = shelves.touched_parts().collect();
    if rows.is_empty() {
        return Ok(());
    }
    let column = |of: fn(&Part) -> i64| rows.iter().map(|(_, _, part)| of(part)).collect::<Vec<_>>();
    let kiosks: Vec<&str> = rows.iter().map(|(kiosk, _, _)| *kiosk).collect();
    let variations: Vec<&str> = rows.iter().map(|(_, variation, _)| *variation).collect();
    let sql = "UPDATE allowance SET epoch = e, sold = s, ceiling = c, offered = o \
               FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[]) \
                 AS new (k, v, e, s, c, o) \
               WHERE tenant = $1 AND kiosk = k AND variation = v";
    let (epochs, sold) = (column(|part| part.epoch.cast_signed()), column(|part| part.sold));
    let (ceilings, offered) = (column(|part| part.ceiling), column(|part| part.offered));
    execute(
        transaction,
        "store kiosks' parts",
        sql,
        &[&tenant, &kiosks, &variations, &epochs, &sold, &ceilings, &offered],
    )
    .await?;
    Ok(())
}
