//! The schema, as a list of steps that is only ever added to.
//!
//! `PRAGMA user_version` counts the steps that a file has taken. (The crate `rusqlite_migration` does the
//! same; its current release asks for a newer Rust than the Yocto LTS series has.)

use rusqlite::{Connection, OptionalExtension as _};

use crate::error::{StoreError, Trying};

/// `PRAGMA application_id`: "KioS".
pub(crate) const APPLICATION_ID: i32 = 0x4b69_6f53;

/// The steps, counted from 1. Never change one that was released.
pub(crate) const STEPS: &[&str] = &[
    include_str!("migrations/0001_events.sql"),
    include_str!("migrations/0002_fleet.sql"),
    include_str!("migrations/0003_updates.sql"),
];

/// Brings the file up to date, each step in a transaction of its own.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let done = version(connection)?;
    for (number, step) in (1_i64..).zip(STEPS).skip(done) {
        let transaction = connection.transaction().trying("begin a migration")?;
        transaction.execute_batch(step).trying("migrate")?;
        transaction.pragma_update(None, "user_version", number).trying("count a migration")?;
        transaction.commit().trying("commit a migration")?;
    }
    Ok(())
}

/// Whether a file that has taken `version` steps can be used by this program. It may have taken more of them, in a
/// release that failed and was left again.
pub(crate) fn is_usable(connection: &Connection, version: usize) -> Result<bool, StoreError> {
    if version <= STEPS.len() {
        return Ok(true);
    }
    let least = connection
        .query_row("SELECT least FROM usable", [], |row| row.get::<_, i64>(0))
        .optional()
        .trying("read who can use the file")?;
    Ok(least.and_then(|least| usize::try_from(least).ok()).is_some_and(|least| least <= STEPS.len()))
}

/// How many steps the file has taken.
pub(crate) fn version(connection: &Connection) -> Result<usize, StoreError> {
    connection
        .pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
        .map(|v| usize::try_from(v).unwrap_or(usize::MAX))
        .trying("read the schema's version")
}
