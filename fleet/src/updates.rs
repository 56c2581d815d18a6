//! Updates, the fleet's side: which releases there are, what is newest, and how they come to kiosks.
//!
//! ```text
//! makers ─push─► Store (a TUF repository in a folder) ─HTTPS, MQTT─► kiosks
//!                  ▲ snapshot, timestamp: every day
//!                runner ─► halt document, every hour
//!                  │       rollouts: rows ─► fleet::rollout ─► rows ─► sealed assignments
//! kiosks ─up/ot─► runner ─► rows
//! ```
//! Releases, their metadata and the halt document are the installation's: one folder or bucket, one broker, one set of keys.
//! Whatever the makers have not signed cannot be pushed, so any tenant's admin may push. Rollouts belong to a tenant;
//! their ids are of the whole installation, because the one halt document names those of all tenants.
//!
//! The tables are the state. One replica at a time is the runner, by an advisory lock, and keeps nothing in memory
//! that the next one would miss.

mod bucket;
mod bundles;
pub(crate) mod candidates;
pub(crate) mod hawkbit;
mod health;
pub(crate) mod keys;
pub(crate) mod mirror;
pub(crate) mod parts;
pub(crate) mod rollouts;
pub(crate) mod runner;
mod states;
pub(crate) mod store;

use deadpool_postgres::Transaction;

use crate::database::{DatabaseError, Trying};

/// One change of the folder at a time.
const STORE_LOCK: i64 = 0x6b69_6f73_6b04;

/// Lets this transaction change the folder, and nobody else until it ends.
pub(crate) async fn lock_store(transaction: &Transaction<'_>) -> Result<(), DatabaseError> {
    let sql = "SELECT pg_advisory_xact_lock($1)";
    transaction.execute(sql, &[&STORE_LOCK]).await.trying("lock the store of releases").map(drop)
}

/// The same without waiting: whether nobody else changes the folder now.
pub(crate) async fn try_lock_store(transaction: &Transaction<'_>) -> Result<bool, DatabaseError> {
    let sql = "SELECT pg_try_advisory_xact_lock($1)";
    let row = transaction.query_one(sql, &[&STORE_LOCK]).await.trying("lock the store of releases")?;
    Ok(row.get(0))
}

/// An error with all its causes, for people.
pub(crate) fn told(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
