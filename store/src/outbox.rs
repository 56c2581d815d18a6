//! The log as outbox: what the fleet has not acknowledged yet.

use rusqlite::{OptionalExtension, params};

use crate::error::{StoreError, Trying};
use crate::log::StoredEvent;
use crate::schema::Store;

/// How much is waiting for the fleet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Unsynced {
    /// Events.
    pub events: u64,
    /// Of them about payments: no update may reboot the kiosk while there are any.
    pub payments: u64,
}

/// The part of the store that the uplink uses.
pub trait Outbox {
    /// The oldest events that were not acknowledged, at most `limit`, all of one epoch.
    ///
    /// # Errors
    /// The log cannot be read.
    fn pending(&self, limit: u64) -> Result<Vec<StoredEvent>, StoreError>;

    /// The fleet has taken over everything up to `seq` of `epoch`. Never goes back, never beyond the log.
    ///
    /// # Errors
    /// The disk refuses.
    fn acknowledge(&mut self, epoch: u64, seq: u64) -> Result<(), StoreError>;

    /// How much is waiting.
    ///
    /// # Errors
    /// The log cannot be read.
    fn unsynced(&self) -> Result<Unsynced, StoreError>;
}

impl Outbox for Store {
    fn pending(&self, limit: u64) -> Result<Vec<StoredEvent>, StoreError> {
        for epoch in self.epochs()? {
            let acked = self.acked(epoch)?;
            let mut events = Vec::new();
            self.scan(epoch, acked, limit, |stored| {
                let same = stored.envelope.epoch == epoch;
                if same {
                    events.push(stored);
                }
                Ok(same)
            })?;
            if !events.is_empty() {
                return Ok(events);
            }
        }
        Ok(Vec::new())
    }

    fn acknowledge(&mut self, epoch: u64, seq: u64) -> Result<(), StoreError> {
        if self.poisoned {
            return Err(StoreError::Poisoned);
        }
        let last = self.last_seq(epoch)?;
        self.connection
            .execute(
                "INSERT INTO sync_cursor (epoch, acked) VALUES (?1, ?2)
                 ON CONFLICT (epoch) DO UPDATE SET acked = max(acked, excluded.acked)",
                params![epoch.cast_signed(), seq.min(last).cast_signed()],
            )
            .trying("move the sync cursor")?;
        Ok(())
    }

    fn unsynced(&self) -> Result<Unsynced, StoreError> {
        self.connection
            .query_row(
                "SELECT count(*), count(*) FILTER (WHERE kind LIKE 'payment.%' OR kind = 'order.paid')
                 FROM event LEFT JOIN sync_cursor USING (epoch) WHERE seq > coalesce(acked, 0)",
                [],
                |row| {
                    Ok(Unsynced {
                        events: row.get::<_, i64>(0)?.cast_unsigned(),
                        payments: row.get::<_, i64>(1)?.cast_unsigned(),
                    })
                },
            )
            .trying("count what is unsynced")
    }
}

impl Store {
    fn acked(&self, epoch: u64) -> Result<u64, StoreError> {
        self.connection
            .query_row("SELECT acked FROM sync_cursor WHERE epoch = ?1", [epoch.cast_signed()], |row| {
                row.get::<_, i64>(0)
            })
            .optional()
            .map(|acked| acked.unwrap_or(0).cast_unsigned())
            .trying("read the sync cursor")
    }

    fn last_seq(&self, epoch: u64) -> Result<u64, StoreError> {
        self.connection
            .query_row(
                "SELECT coalesce(max(seq), 0) FROM event WHERE epoch = ?1",
                [epoch.cast_signed()],
                |row| row.get::<_, i64>(0),
            )
            .map(i64::cast_unsigned)
            .trying("read the end of an epoch")
    }
}
