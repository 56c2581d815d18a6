//! Who the kiosk is: its name, which changes once when it is enrolled, and its counters.

use domain::ids::IdSource;
use protocol::event::EpochReason;
use rusqlite::{Connection as Database, Transaction, params};

use crate::error::{StoreError, Trying};
use crate::schema::{Clocks, Options, Store};

/// The number of a connection to the broker: later ones are greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Connection {
    /// How often a daemon has opened this store.
    pub boot: u32,
    /// How often it has connected since, from 1.
    pub conn: u32,
}

impl Store {
    /// Takes another name, and begins a new epoch under it. Events of older epochs keep the name that their
    /// hashes cover. The name it has already: nothing happens.
    ///
    /// # Errors
    /// The disk refuses; the store is closed until a restart.
    pub fn adopt(&mut self, kiosk: &str, clocks: Clocks, ids: &mut dyn IdSource) -> Result<(), StoreError> {
        if kiosk == self.options.kiosk {
            return Ok(());
        }
        // Should the power fail in between, the next opening does the rest: it finds the last epoch under a
        // name that is not this one.
        self.write_one("take another name", "UPDATE identity SET kiosk = ?1", params![kiosk])?;
        kiosk.clone_into(&mut self.options.kiosk);
        self.start_epoch(EpochReason::Provisioned, clocks, ids)
    }

    /// Who this kiosk is.
    pub fn kiosk(&self) -> &str {
        &self.options.kiosk
    }

    /// Counts a connection to the broker.
    ///
    /// # Errors
    /// The disk refuses; the store is closed until a restart.
    pub fn count_connection(&mut self) -> Result<Connection, StoreError> {
        let what = "count a connection";
        self.write_one(what, "UPDATE identity SET connections = connections + 1", params![])?;
        self.connection
            .query_row("SELECT boots, connections FROM identity", [], |row| {
                Ok(Connection { boot: row.get(0)?, conn: row.get(1)? })
            })
            .trying(what)
    }

    /// One statement that must not fail.
    pub(crate) fn write_one(
        &mut self,
        what: &'static str,
        sql: &str,
        values: impl rusqlite::Params,
    ) -> Result<usize, StoreError> {
        if self.poisoned {
            return Err(StoreError::Poisoned);
        }
        let written = self.connection.execute(sql, values).trying(what);
        self.poisoned = written.is_err();
        written
    }
}

/// Counts an opening; tells its number, and whether the name changed, so that a new epoch is due.
pub(crate) fn count_boot(connection: &mut Database, options: &Options) -> Result<(u32, bool), StoreError> {
    let transaction = connection.transaction().trying("begin")?;
    transaction
        .execute(
            "INSERT INTO identity (one, kiosk, boots) VALUES (1, ?1, 1)
             ON CONFLICT (one) DO UPDATE SET boots = boots + 1, connections = 0",
            [&options.kiosk],
        )
        .trying("count this start")?;
    let (kiosk, boots, last): (String, u32, Option<String>) = transaction
        .query_row(
            "SELECT kiosk, boots, (SELECT kiosk FROM epoch_identity ORDER BY epoch DESC LIMIT 1) FROM identity",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .trying("read the identity")?;
    if kiosk != options.kiosk {
        if !options.formerly.contains(&kiosk) {
            let why = format!("it belongs to kiosk {kiosk:?}, not to {:?}", options.kiosk);
            return Err(StoreError::Foreign { path: options.path.clone(), why });
        }
        transaction
            .execute("UPDATE identity SET kiosk = ?1", [&options.kiosk])
            .trying("take another name")?;
    }
    transaction.commit().trying("count this start")?;
    Ok((boots, last.is_some_and(|last| last != options.kiosk)))
}

/// Writes down under which name an epoch is written.
pub(crate) fn name_epoch(transaction: &Transaction<'_>, epoch: u64, kiosk: &str) -> Result<(), StoreError> {
    transaction
        .execute(
            "INSERT INTO epoch_identity (epoch, kiosk) VALUES (?1, ?2)",
            params![epoch.cast_signed(), kiosk],
        )
        .trying("name an epoch")?;
    Ok(())
}
