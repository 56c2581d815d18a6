//! The event log: append, read, verify.

use std::path::PathBuf;

use domain::Event;
use domain::ids::IdSource;
use protocol::event::{Encoded, Envelope, GENESIS, Hash};
use rusqlite::{Row, Transaction, params};

use crate::error::{StoreError, Trying};
use crate::projections;
use crate::schema::{Clocks, Head, Store};

/// Where a step landed in the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Appended {
    /// The epoch.
    pub epoch: u64,
    /// Sequence number of the last event.
    pub last_seq: u64,
}

/// A damaged store was moved aside.
#[derive(Debug)]
pub struct Damage {
    /// What was wrong.
    pub error: StoreError,
    /// Where it is now; nothing of it was deleted.
    pub moved_to: PathBuf,
}

/// An event as stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredEvent {
    /// Everything its hash covers.
    pub envelope: Envelope,
    /// Its hash.
    pub hash: Hash,
}

const COLUMNS: &str = "epoch, seq, id, kind, version, wall_ms, hlc, boot, mono_ms, clock, body, hash";

impl Store {
    /// Stores the events of one core step in one transaction. They are on disk when this returns.
    ///
    /// # Errors
    /// An event cannot be encoded: nothing was stored, the store goes on. The disk refuses: nothing of it may
    /// be relied on, and the store answers [`StoreError::Poisoned`] from then on.
    pub fn append(
        &mut self,
        events: &[Event],
        clocks: Clocks,
        ids: &mut dyn IdSource,
    ) -> Result<Appended, StoreError> {
        if events.is_empty() {
            return Ok(Appended { epoch: self.head.epoch, last_seq: self.head.seq });
        }
        self.append_with(events, clocks, ids, |_| Ok(()))
    }

    /// Like [`Store::append`], with whatever `also` writes in the same transaction.
    pub(crate) fn append_with(
        &mut self,
        events: &[Event],
        clocks: Clocks,
        ids: &mut dyn IdSource,
        also: impl FnOnce(&Transaction<'_>) -> Result<(), StoreError>,
    ) -> Result<Appended, StoreError> {
        let encoded = events.iter().map(protocol::event::encode).collect::<Result<Vec<_>, _>>()?;
        self.append_encoded(&encoded, events, (clocks, ids), also)
    }

    pub(crate) fn append_encoded(
        &mut self,
        encoded: &[Encoded],
        events: &[Event],
        (clocks, ids): (Clocks, &mut dyn IdSource),
        also: impl FnOnce(&Transaction<'_>) -> Result<(), StoreError>,
    ) -> Result<Appended, StoreError> {
        if self.poisoned {
            return Err(StoreError::Poisoned);
        }
        let mut head = self.head;
        let stored: Vec<StoredEvent> =
            encoded.iter().map(|e| chain(&mut head, &self.options.kiosk, e, clocks, ids)).collect();
        if let Err(error) = self.write(&stored, events, also) {
            self.poisoned = true;
            return Err(error);
        }
        self.head = head;
        Ok(Appended { epoch: head.epoch, last_seq: head.seq })
    }

    fn write(
        &mut self,
        stored: &[StoredEvent],
        events: &[Event],
        also: impl FnOnce(&Transaction<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let transaction = self
            .connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .trying("begin a step")?;
        also(&transaction)?;
        for event in stored {
            insert(&transaction, event)?;
        }
        // The domain's events are the last of `stored`; `epoch.started` has no projection.
        let offset = stored.len() - events.len();
        for (event, stored) in events.iter().zip(&stored[offset..]) {
            projections::fold(&transaction, event, stored.envelope.epoch, stored.envelope.seq)?;
        }
        transaction.commit().trying("commit a step")
    }

    /// Every domain event of the log with its epoch, oldest first, handed to `each`.
    ///
    /// # Errors
    /// One cannot be read.
    pub fn replay(&self, mut each: impl FnMut(u64, Event)) -> Result<(), StoreError> {
        self.scan(0, 0, u64::MAX, |stored| {
            let Envelope { epoch, seq, kind, version, body, .. } = &stored.envelope;
            let event = protocol::event::decode(kind, *version, body)
                .map_err(|source| StoreError::Decode { epoch: *epoch, seq: *seq, source })?;
            if let Some(event) = event {
                each(*epoch, event);
            }
            Ok(true)
        })
    }

    /// Checks sequence and hash chain of an epoch from `from_seq` to its end.
    ///
    /// # Errors
    /// [`StoreError::Chain`] with the first event that is wrong.
    pub fn verify(&self, epoch: u64, from_seq: u64) -> Result<u64, StoreError> {
        let from_seq = from_seq.max(1);
        let mut previous = (from_seq == 1).then_some(GENESIS);
        let mut next = from_seq;
        // From the event before, whose hash the first one's covers.
        self.scan(epoch, from_seq.saturating_sub(2), u64::MAX, |stored| {
            let Envelope { epoch: at_epoch, seq, .. } = stored.envelope;
            if at_epoch != epoch {
                return Ok(false);
            }
            let damaged = |why| Err(StoreError::Chain { epoch, seq, why });
            if let Some(hash) = previous.as_ref().filter(|_| seq >= from_seq) {
                if seq != next {
                    return damaged("an event is missing");
                }
                if stored.envelope.hash(hash) != stored.hash {
                    return damaged("the hash does not match");
                }
                next += 1;
            }
            previous = Some(stored.hash);
            Ok(true)
        })?;
        Ok(next - from_seq)
    }

    /// The epochs in the log, oldest first.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn epochs(&self) -> Result<Vec<u64>, StoreError> {
        let what = "list the epochs";
        let mut statement =
            self.connection.prepare_cached("SELECT DISTINCT epoch FROM event ORDER BY epoch").trying(what)?;
        let rows = statement.query_map([], |row| row.get::<_, i64>(0)).trying(what)?;
        rows.map(|epoch| epoch.map(i64::cast_unsigned)).collect::<Result<_, _>>().trying(what)
    }

    /// Hands stored events after (`epoch`, `after_seq`) to `each`, at most `limit`, until it says false.
    pub(crate) fn scan(
        &self,
        epoch: u64,
        after_seq: u64,
        limit: u64,
        mut each: impl FnMut(StoredEvent) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "SELECT {COLUMNS}, kiosk FROM event JOIN epoch_identity USING (epoch)
             WHERE (epoch, seq) > (?1, ?2) ORDER BY epoch, seq LIMIT ?3"
        );
        let mut statement = self.connection.prepare_cached(&sql).trying("read the log")?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = statement
            .query(params![epoch.cast_signed(), after_seq.cast_signed(), limit])
            .trying("read the log")?;
        while let Some(row) = rows.next().trying("read the log")? {
            if !each(from_row(row).trying("read an event")?)? {
                break;
            }
        }
        Ok(())
    }
}

fn chain(
    head: &mut Head,
    kiosk: &str,
    encoded: &Encoded,
    clocks: Clocks,
    ids: &mut dyn IdSource,
) -> StoredEvent {
    head.seq += 1;
    head.hlc = head.hlc.tick(clocks.wall_ms);
    let envelope = Envelope {
        kiosk: kiosk.to_owned(),
        epoch: head.epoch,
        seq: head.seq,
        id: ids.next_id().0,
        kind: encoded.kind.to_owned(),
        version: encoded.version,
        wall_ms: clocks.wall_ms,
        hlc: head.hlc.0,
        boot: head.boot,
        mono_ms: clocks.mono_ms,
        clock: clocks.quality,
        body: encoded.body.clone(),
    };
    let hash = envelope.hash(&head.hash);
    head.hash = hash;
    StoredEvent { envelope, hash }
}

fn insert(transaction: &Transaction<'_>, event: &StoredEvent) -> Result<(), StoreError> {
    let sql = format!("INSERT INTO event ({COLUMNS}) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)");
    let e = &event.envelope;
    transaction
        .prepare_cached(&sql)
        .and_then(|mut statement| {
            statement.execute(params![
                e.epoch.cast_signed(),
                e.seq.cast_signed(),
                e.id,
                e.kind,
                e.version,
                e.wall_ms,
                e.hlc.cast_signed(),
                e.boot,
                e.mono_ms.cast_signed(),
                e.clock,
                e.body,
                event.hash,
            ])
        })
        .trying("store an event")?;
    Ok(())
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<StoredEvent> {
    let unsigned = |i| row.get::<_, i64>(i).map(i64::cast_unsigned);
    let envelope = Envelope {
        kiosk: row.get(12)?,
        epoch: unsigned(0)?,
        seq: unsigned(1)?,
        id: row.get(2)?,
        kind: row.get(3)?,
        version: row.get(4)?,
        wall_ms: row.get(5)?,
        hlc: unsigned(6)?,
        boot: row.get(7)?,
        mono_ms: unsigned(8)?,
        clock: row.get(9)?,
        body: row.get(10)?,
    };
    Ok(StoredEvent { envelope, hash: row.get(11)? })
}
