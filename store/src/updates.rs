//! What the kiosk remembers of its updates.

use rusqlite::{OptionalExtension, params};

use crate::error::{StoreError, Trying};
use crate::schema::Store;

/// The journal of updates and what is told of them: one row, so both change at once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UpdateRow {
    /// The journal, as its owner writes it.
    pub journal: String,
    /// How the last update ended, as it is told to the fleet; `None`: there was none.
    pub verdict: Option<String>,
}

impl Store {
    /// What was written down last; `None`: nothing was.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn update_row(&self) -> Result<Option<UpdateRow>, StoreError> {
        let row = self.connection.query_row("SELECT journal, verdict FROM update_journal", [], |row| {
            Ok(UpdateRow { journal: row.get(0)?, verdict: row.get(1)? })
        });
        row.optional().trying("read the journal of updates")
    }

    /// Writes it down; it survives a power cut when this returns.
    ///
    /// # Errors
    /// The disk refuses; the store is closed until a restart.
    pub fn set_update_row(&mut self, row: &UpdateRow) -> Result<(), StoreError> {
        self.write_one(
            "write the journal of updates",
            "INSERT INTO update_journal (one, journal, verdict) VALUES (1, ?1, ?2)
             ON CONFLICT (one) DO UPDATE SET journal = excluded.journal, verdict = excluded.verdict",
            params![row.journal, row.verdict],
        )?;
        Ok(())
    }
}
