//! A kiosk leaves the fleet.

use deadpool_postgres::Transaction;

use crate::database::{DatabaseError, Trying};

/// Gives back what is set aside for a kiosk that is not active any more. What it sold and never told of cannot
/// come in any more either.
pub(crate) async fn give_back(transaction: &Transaction<'_>, kiosk: &str) -> Result<(), DatabaseError> {
    let doing = "give back a kiosk's part of the stock";
    // Whoever gives it a new part holds its stream, and asks then whether it is active.
    let sql = "SELECT FROM stream WHERE kiosk = $1 ORDER BY epoch FOR UPDATE";
    transaction.execute(sql, &[&kiosk]).await.trying(doing)?;
    let sql = "SELECT FROM stock s
               WHERE EXISTS (SELECT FROM allowance a WHERE a.kiosk = $1 AND a.tenant = s.tenant
                                                       AND a.site = s.site AND a.variation = s.variation)
               ORDER BY s.site, s.variation FOR UPDATE";
    transaction.execute(sql, &[&kiosk]).await.trying(doing)?;
    let sql = "WITH gone AS (DELETE FROM allowance WHERE kiosk = $1 RETURNING *)
               UPDATE stock s SET held = s.held - greatest(g.ceiling - g.sold, 0), regrant = true
               FROM gone g WHERE s.tenant = g.tenant AND s.site = g.site AND s.variation = g.variation";
    transaction.execute(sql, &[&kiosk]).await.trying(doing)?;
    transaction.execute("DELETE FROM quota WHERE kiosk = $1", &[&kiosk]).await.trying(doing)?;
    Ok(())
}
