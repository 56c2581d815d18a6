//! Looks at the shelves of a site and shares them out, in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use deadpool_postgres::{Object, Transaction};
use protocol::fleet::QUOTA_GOODS_MAX;

use super::part::{MOST, Part, Seller, share_out};
use super::row::{self, PART};
use crate::database::{DatabaseError, Trying, begin};

/// A kiosk that was not heard of for so long keeps what it has and gets no more until it comes back.
const LATELY_S: f64 = 3600.0;

/// The epoch of each kiosk's log that is written now.
type Epochs = BTreeMap<String, u64>;

/// Kiosks that get parts of goods of which they have none in their epoch. Their streams are locked, so that no
/// sale comes between adding up what they sold and counting on.
#[derive(Default)]
struct Newcomers {
    /// How many goods each has a part of.
    parts: BTreeMap<String, usize>,
    /// What they sold in their epoch, by kiosk and variation.
    sold: BTreeMap<(String, String), i64>,
}

impl Newcomers {
    fn sold(&self, kiosk: &str, variation: &str) -> i64 {
        self.sold.get(&(kiosk.to_owned(), variation.to_owned())).copied().unwrap_or_default()
    }
}

struct Shelf {
    variation: String,
    on_hand: i64,
    beyond: String,
    rows: Vec<Row>,
    /// A kiosk came while this was looked at.
    again: bool,
}

/// A kiosk at a shelf, before and after.
struct Row {
    kiosk: String,
    /// `None`: it had no part of it.
    before: Option<(Part, String)>,
    keeps: bool,
    part: Part,
    beyond: String,
}

impl Row {
    fn changed(&self) -> bool {
        self.before.as_ref().is_none_or(|(part, beyond)| (part, beyond) != (&self.part, &self.beyond))
    }

    /// Whether the kiosk has to be told.
    fn is_news(&self) -> bool {
        self.before.as_ref().is_none_or(|(part, beyond)| {
            (part.epoch, part.offered, beyond) != (self.part.epoch, self.part.offered, &self.beyond)
        })
    }
}

/// Shares out the shelves of a site that are to be looked at; all of them if a kiosk came. Returns how many
/// kiosks are to be told.
pub(super) async fn site(
    connection: &mut Object,
    tenant: &str,
    site: &str,
    lease_s: i32,
) -> Result<u64, DatabaseError> {
    let transaction = begin(connection, tenant).await?;
    // The other sites do not wait for somebody who sleeps on a lock of this one.
    transaction.batch_execute("SET LOCAL lock_timeout = '5s'").await.trying("limit the wait")?;
    let came = came(&transaction, site).await?;
    let mut here = here(&transaction, site).await?;
    let mut newcomers = newcomers(&transaction, tenant, site, &mut here).await?;
    let mut shelves = lock_shelves(&transaction, tenant, site, !came.is_empty()).await?;
    if shelves.is_empty() {
        transaction.commit().await.trying("look at a site")?;
        return Ok(0);
    }
    load_rows(&transaction, tenant, site, &mut shelves).await?;
    for shelf in &mut shelves {
        share(shelf, &here, &mut newcomers);
    }
    save_rows(&transaction, tenant, site, &shelves).await?;
    save_shelves(&transaction, tenant, site, &shelves).await?;
    let news = shelves.iter().flat_map(|shelf| &shelf.rows).filter(|row| row.is_news());
    let news: BTreeSet<&str> = news.map(|row| row.kiosk.as_str()).collect();
    save_quotas(&transaction, tenant, &news, &here, lease_s).await?;
    // Nobody knows what reached a kiosk before it came.
    let sql = "UPDATE quota SET due = true WHERE kiosk = ANY ($1) AND NOT due";
    let again = transaction.execute(sql, &[&came]).await.trying("send quotas again")?;
    transaction.commit().await.trying("share out a site's stock")?;
    Ok(news.len() as u64 + again)
}

/// Kiosks of the site that came or began an epoch since they were looked at.
async fn came(transaction: &Transaction<'_>, site: &str) -> Result<Vec<String>, DatabaseError> {
    let sql = "DELETE FROM quota_look WHERE id IN (
                   SELECT l.id FROM quota_look l JOIN kiosk k ON k.id = l.kiosk WHERE k.site = $1
                   FOR UPDATE OF l SKIP LOCKED)
               RETURNING kiosk";
    let rows = transaction.query(sql, &[&site]).await.trying("look for kiosks that came")?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Active kiosks that were heard of lately and have begun their log.
async fn here(transaction: &Transaction<'_>, site: &str) -> Result<Epochs, DatabaseError> {
    let sql = "SELECT k.id, s.epoch
               FROM kiosk k CROSS JOIN LATERAL (SELECT written_epoch(k.id) AS epoch) AS s
               WHERE k.site = $1 AND k.state = 'active' AND k.last_seen > now() - $2 * interval '1 s'
                 AND s.epoch IS NOT NULL";
    let rows = transaction.query(sql, &[&site, &LATELY_S]).await.trying("look for kiosks")?;
    Ok(epochs(&rows))
}

fn epochs(rows: &[tokio_postgres::Row]) -> Epochs {
    rows.iter().map(|row| (row.get(0), row.get::<_, i64>(1).cast_unsigned())).collect()
}

async fn newcomers(
    transaction: &Transaction<'_>,
    tenant: &str,
    site: &str,
    here: &mut Epochs,
) -> Result<Newcomers, DatabaseError> {
    let kiosks: Vec<&str> = here.keys().map(String::as_str).collect();
    let epochs_here: Vec<i64> = here.values().map(|epoch| epoch.cast_signed()).collect();
    let sql = "SELECT k, (SELECT count(*) FROM allowance a WHERE a.kiosk = k)
               FROM unnest($3::text[], $4::bigint[]) AS new (k, e)
               WHERE EXISTS (SELECT FROM stock s WHERE s.tenant = $1 AND s.site = $2 AND NOT EXISTS (
                   SELECT FROM allowance a WHERE a.kiosk = k AND a.variation = s.variation AND a.epoch = e))";
    let rows = transaction
        .query(sql, &[&tenant, &site, &kiosks, &epochs_here])
        .await
        .trying("look for newcomers")?;
    let parts = |row: &tokio_postgres::Row| usize::try_from(row.get::<_, i64>(1)).unwrap_or(usize::MAX);
    let parts = rows.iter().map(|row| (row.get(0), parts(row))).collect();
    let mut newcomers = Newcomers { parts, sold: BTreeMap::new() };
    if newcomers.parts.is_empty() {
        return Ok(newcomers);
    }
    let kiosks: Vec<&str> = newcomers.parts.keys().map(String::as_str).collect();
    let sql = "SELECT FROM stream WHERE kiosk = ANY ($1) ORDER BY kiosk, epoch FOR UPDATE";
    transaction.execute(sql, &[&kiosks]).await.trying("lock the streams")?;
    // Only now it is certain who is not leaving, and which log is written.
    let sql = "SELECT id, written_epoch(id) FROM kiosk WHERE id = ANY ($1) AND state = 'active'";
    let still = epochs(&transaction.query(sql, &[&kiosks]).await.trying("look for newcomers")?);
    here.retain(|kiosk, _| !newcomers.parts.contains_key(kiosk) || still.contains_key(kiosk));
    newcomers.parts.retain(|kiosk, _| still.contains_key(kiosk));
    newcomers.sold = sold(transaction, tenant, site, &still).await?;
    here.extend(still);
    Ok(newcomers)
}

/// What kiosks have sold in these epochs of what the site counts now. A fiscal series is an epoch.
async fn sold(
    transaction: &Transaction<'_>,
    tenant: &str,
    site: &str,
    epochs: &Epochs,
) -> Result<BTreeMap<(String, String), i64>, DatabaseError> {
    let kiosks: Vec<&str> = epochs.keys().map(String::as_str).collect();
    let series: Vec<i64> = epochs.values().map(|epoch| epoch.cast_signed()).collect();
    let sql = "SELECT w.kiosk, l.variation, least(sum(l.quantity), $5::bigint)::bigint
               FROM unnest($3::text[], $4::bigint[]) AS w (kiosk, epoch)
               JOIN sale s ON s.kiosk = w.kiosk AND s.fiscal_series = w.epoch AND s.fiscal_n IS NOT NULL
               CROSS JOIN LATERAL jsonb_to_recordset(s.lines) AS l (variation text, quantity bigint)
               WHERE l.quantity > 0 AND l.variation IN (SELECT variation FROM stock WHERE tenant = $1 AND site = $2)
               GROUP BY 1, 2";
    let rows = transaction
        .query(sql, &[&tenant, &site, &kiosks, &series, &MOST])
        .await
        .trying("add up what was sold")?;
    Ok(rows.iter().map(|row| ((row.get(0), row.get(1)), row.get(2))).collect())
}

async fn lock_shelves(
    transaction: &Transaction<'_>,
    tenant: &str,
    site: &str,
    all: bool,
) -> Result<Vec<Shelf>, DatabaseError> {
    let sql =
        "SELECT variation, on_hand, beyond FROM stock WHERE tenant = $1 AND site = $2 AND (regrant OR $3)
               ORDER BY variation FOR UPDATE";
    let rows = transaction.query(sql, &[&tenant, &site, &all]).await.trying("lock the stock")?;
    let shelf = |row: &tokio_postgres::Row| Shelf {
        variation: row.get(0),
        on_hand: row.get(1),
        beyond: row.get(2),
        rows: Vec::new(),
        again: false,
    };
    Ok(rows.iter().map(shelf).collect())
}

async fn load_rows(
    transaction: &Transaction<'_>,
    tenant: &str,
    site: &str,
    shelves: &mut [Shelf],
) -> Result<(), DatabaseError> {
    let variations: Vec<&str> = shelves.iter().map(|shelf| shelf.variation.as_str()).collect();
    let sql = format!(
        "SELECT variation, kiosk, beyond, coalesce(kept_until > now(), false), {PART}
         FROM allowance WHERE tenant = $1 AND site = $2 AND variation = ANY ($3) ORDER BY kiosk"
    );
    let rows = transaction.query(&sql, &[&tenant, &site, &variations]).await.trying("load kiosks' parts")?;
    let mut by_variation: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in rows {
        let (part, beyond): (Part, String) = (row::part(&row, 4), row.get(2));
        let before = Some((part, beyond.clone()));
        let row_of_kiosk = Row { kiosk: row.get(1), before, keeps: row.get(3), part, beyond };
        by_variation.entry(row.get(0)).or_default().push(row_of_kiosk);
    }
    for shelf in shelves {
        shelf.rows = by_variation.remove(&shelf.variation).unwrap_or_default();
    }
    Ok(())
}

/// Lets newcomers in, ends what was of earlier epochs, and shares the shelf out.
fn share(shelf: &mut Shelf, here: &Epochs, newcomers: &mut Newcomers) {
    let known: BTreeSet<String> = shelf.rows.iter().map(|row| row.kiosk.clone()).collect();
    for (kiosk, epoch) in here.iter().filter(|(kiosk, _)| !known.contains(*kiosk)) {
        match newcomers.parts.get_mut(kiosk) {
            Some(parts) if *parts < QUOTA_GOODS_MAX => *parts += 1,
            Some(_) => continue,
            None => {
                shelf.again = true;
                continue;
            }
        }
        let sold = newcomers.sold(kiosk, &shelf.variation);
        let (part, beyond) = (Part::none(*epoch, sold), shelf.beyond.clone());
        shelf.rows.push(Row { kiosk: kiosk.clone(), before: None, keeps: false, part, beyond });
    }
    for row in &mut shelf.rows {
        let Some(epoch) = here.get(&row.kiosk) else { continue };
        row.beyond.clone_from(&shelf.beyond);
        if row.part.epoch != *epoch {
            if newcomers.parts.contains_key(&row.kiosk) {
                row.part = Part::none(*epoch, newcomers.sold(&row.kiosk, &shelf.variation));
            } else {
                shelf.again = true;
            }
        }
    }
    let mut sellers: Vec<Seller> = shelf
        .rows
        .iter()
        .map(|row| Seller { here: here.contains_key(&row.kiosk), keeps: row.keeps, part: row.part })
        .collect();
    share_out(shelf.on_hand, &mut sellers);
    for (row, seller) in shelf.rows.iter_mut().zip(sellers) {
        row.part = seller.part;
    }
}

async fn save_rows(
    transaction: &Transaction<'_>,
    tenant: &str,
    site: &str,
    shelves: &[Shelf],
) -> Result<(), DatabaseError> {
    let rows = shelves.iter().flat_map(|shelf| shelf.rows.iter().map(|row| (shelf.variation.as_str(), row)));
    let rows: Vec<(&str, &Row)> = rows.filter(|(_, row)| row.changed()).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let column = |of: fn(&Part) -> i64| rows.iter().map(|(_, row)| of(&row.part)).collect::<Vec<_>>();
    let variations: Vec<&str> = rows.iter().map(|(variation, _)| *variation).collect();
    let kiosks: Vec<&str> = rows.iter().map(|(_, row)| row.kiosk.as_str()).collect();
    let beyond: Vec<&str> = rows.iter().map(|(_, row)| row.beyond.as_str()).collect();
    let (epochs, sold) = (column(|part| part.epoch.cast_signed()), column(|part| part.sold));
    let (ceilings, offered) = (column(|part| part.ceiling), column(|part| part.offered));
    let sizes = column(|part| part.size);
    let sql =
        "INSERT INTO allowance (tenant, kiosk, site, variation, epoch, sold, ceiling, offered, part, beyond)
               SELECT $1, k, $2, v, e, s, c, o, p, b
               FROM unnest($3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
                           $9::bigint[], $10::text[]) AS new (k, v, e, s, c, o, p, b)
               ON CONFLICT (kiosk, variation) DO UPDATE SET epoch = excluded.epoch, sold = excluded.sold,
                  ceiling = excluded.ceiling, offered = excluded.offered, part = excluded.part,
                  beyond = excluded.beyond";
    transaction
        .execute(
            sql,
            &[&tenant, &site, &kiosks, &variations, &epochs, &sold, &ceilings, &offered, &sizes, &beyond],
        )
        .await
        .trying("store kiosks' parts")?;
    Ok(())
}

async fn save_shelves(
    transaction: &Transaction<'_>,
    tenant: &str,
    site: &str,
    shelves: &[Shelf],
) -> Result<(), DatabaseError> {
    let variations: Vec<&str> = shelves.iter().map(|shelf| shelf.variation.as_str()).collect();
    let held: Vec<i64> =
        shelves.iter().map(|shelf| shelf.rows.iter().map(|row| row.part.outstanding()).sum()).collect();
    let again: Vec<bool> = shelves.iter().map(|shelf| shelf.again).collect();
    let sql = "UPDATE stock SET held = h, regrant = a
               FROM unnest($3::text[], $4::bigint[], $5::boolean[]) AS new (v, h, a)
               WHERE tenant = $1 AND site = $2 AND variation = v";
    transaction
        .execute(sql, &[&tenant, &site, &variations, &held, &again])
        .await
        .trying("store what is set aside")?;
    Ok(())
}

async fn save_quotas(
    transaction: &Transaction<'_>,
    tenant: &str,
    news: &BTreeSet<&str>,
    here: &Epochs,
    lease_s: i32,
) -> Result<(), DatabaseError> {
    let rows: Vec<(&str, i64)> =
        news.iter().filter_map(|kiosk| Some((*kiosk, here.get(*kiosk)?.cast_signed()))).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let (kiosks, epochs): (Vec<&str>, Vec<i64>) = rows.into_iter().unzip();
    let sql = "INSERT INTO quota AS q (kiosk, tenant, epoch, lease_s, until, renew_at)
               SELECT k, $1, e, $4::integer, now() + $4::integer * interval '1 s', now() + $4::integer * interval '0.5 s'
               FROM unnest($2::text[], $3::bigint[]) AS new (k, e) ORDER BY k
               ON CONFLICT (kiosk) DO UPDATE SET rev = q.rev + 1, epoch = excluded.epoch,
                  lease_s = excluded.lease_s, until = excluded.until, renew_at = excluded.renew_at,
                  answers = NULL, due = true";
    transaction.execute(sql, &[&tenant, &kiosks, &epochs, &lease_s]).await.trying("note new quotas")?;
    Ok(())
}
