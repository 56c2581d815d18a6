//! The wishes of the fleet that are in force.

use std::collections::BTreeMap;

use protocol::fleet::Desired;
use rusqlite::{OptionalExtension, params};

use crate::error::{StoreError, Trying};
use crate::schema::Store;

/// A desired twin that was applied.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct TwinRow {
    /// Its revision; 0: none yet.
    pub rev: u64,
    /// The settings that were wished for.
    pub desired: Desired,
    /// What could not be applied, by key.
    pub errors: BTreeMap<String, String>,
}

impl Store {
    /// The desired twin that is in force.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn twin(&self) -> Result<TwinRow, StoreError> {
        let row: Option<(i64, String, String)> = self
            .connection
            .query_row("SELECT rev, desired, errors FROM twin", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()
            .trying("read the twin")?;
        // A document that this version cannot read counts as none: the fleet's copy is retained and comes again.
        Ok(row
            .and_then(|(rev, desired, errors)| {
                Some(TwinRow {
                    rev: rev.cast_unsigned(),
                    desired: serde_json::from_str(&desired).ok()?,
                    errors: serde_json::from_str(&errors).ok()?,
                })
            })
            .unwrap_or_default())
    }

    /// Writes down which desired twin is in force.
    ///
    /// # Errors
    /// The disk refuses; the store is closed until a restart.
    pub fn set_twin(&mut self, twin: &TwinRow) -> Result<(), StoreError> {
        let text = |value: serde_json::Result<String>| value.unwrap_or_else(|_| "{}".to_owned());
        let (desired, errors) =
            (text(serde_json::to_string(&twin.desired)), text(serde_json::to_string(&twin.errors)));
        self.write_one(
            "write the twin down",
            "INSERT INTO twin (one, rev, desired, errors) VALUES (1, ?1, ?2, ?3)
             ON CONFLICT (one) DO UPDATE SET rev = excluded.rev, desired = excluded.desired,
                 errors = excluded.errors",
            params![twin.rev.cast_signed(), desired, errors],
        )?;
        Ok(())
    }
}
