//! The log as outbox: what the fleet has not acknowledged yet, and what it said.

use domain::Event;
use domain::ids::IdSource;
use protocol::event::{GENESIS, Hash};
use protocol::sync::{Answer, Answered};
use protocol::text::wire_name;
use rusqlite::{OptionalExtension, Transaction, params};

use crate::error::{StoreError, Trying};
use crate::log::{Appended, StoredEvent};
use crate::schema::{Clocks, Store};

/// How much is waiting for the fleet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Unsynced {
    /// Events.
    pub events: u64,
    /// Of them about payments: no update may reboot the kiosk while there are any.
    pub payments: u64,
}

/// The oldest events that the fleet has not acknowledged, of one epoch and without gaps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pending {
    /// The epoch.
    pub epoch: u64,
    /// Hash of the event before the first.
    pub previous: Hash,
    /// The name that the hashes cover.
    pub kiosk: String,
    /// The events; at least one.
    pub events: Vec<StoredEvent>,
}

/// What the fleet said about a run of events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Acknowledged<'a> {
    /// The epoch.
    pub epoch: u64,
    /// Everything up to this is with the fleet.
    pub thru: u64,
    /// Events with another answer than a plain yes.
    pub answers: &'a [Answer],
}

/// The part of the store that the uplink uses.
pub trait Outbox {
    /// The oldest events that were not acknowledged, at most `limit`, all of one epoch.
    ///
    /// # Errors
    /// The log cannot be read.
    fn pending(&self, limit: u64) -> Result<Option<Pending>, StoreError>;

    /// The answers that were not given before and that a person may have to know of.
    ///
    /// # Errors
    /// The store cannot be read.
    fn unheard(&self, answers: &[Answer]) -> Result<Vec<Answer>, StoreError>;

    /// The fleet has taken over everything up to `said.thru`; `events` are what the core decided from its
    /// answers. One transaction. The cursor never goes back and never beyond the log; an answer given again
    /// changes nothing.
    ///
    /// # Errors
    /// As [`Store::append`].
    fn acknowledge(
        &mut self,
        said: &Acknowledged<'_>,
        events: &[Event],
        clocks: Clocks,
        ids: &mut dyn IdSource,
    ) -> Result<Appended, StoreError>;

    /// The fleet has lost what it had acknowledged from `seq` of `epoch` on: it is sent again.
    ///
    /// # Errors
    /// The disk refuses; the store is closed until a restart.
    fn rewind(&mut self, epoch: u64, seq: u64) -> Result<(), StoreError>;

    /// How much is waiting.
    ///
    /// # Errors
    /// The log cannot be read.
    fn unsynced(&self) -> Result<Unsynced, StoreError>;
}

impl Outbox for Store {
    fn pending(&self, limit: u64) -> Result<Option<Pending>, StoreError> {
        for epoch in self.epochs()? {
            let acked = self.acked(epoch)?;
            let mut previous = GENESIS;
            let mut events = Vec::new();
            // From the last acknowledged event on: the first one's hash covers it.
            self.scan(epoch, acked.saturating_sub(1), limit.saturating_add(1), |stored| {
                if stored.envelope.epoch != epoch {
                    return Ok(false);
                }
                if stored.envelope.seq <= acked {
                    previous = stored.hash;
                } else {
                    events.push(stored);
                }
                Ok(true)
            })?;
            events.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            if let Some(first) = events.first() {
                return Ok(Some(Pending { epoch, previous, kiosk: first.envelope.kiosk.clone(), events }));
            }
        }
        Ok(None)
    }

    fn unheard(&self, answers: &[Answer]) -> Result<Vec<Answer>, StoreError> {
        let what = "look for a verdict";
        let mut known =
            self.connection.prepare_cached("SELECT 1 FROM verdict WHERE event_id = ?1").trying(what)?;
        let mut unheard = Vec::new();
        for answer in answers.iter().filter(|answer| Verdict::of(answer).is_some()) {
            if !known.exists([answer.id.bytes()]).trying(what)? {
                unheard.push(answer.clone());
            }
        }
        Ok(unheard)
    }

    fn acknowledge(
        &mut self,
        said: &Acknowledged<'_>,
        events: &[Event],
        clocks: Clocks,
        ids: &mut dyn IdSource,
    ) -> Result<Appended, StoreError> {
        let thru = said.thru.min(self.last_seq(said.epoch)?);
        self.append_with(events, clocks, ids, |transaction| {
            transaction
                .execute(
                    "INSERT INTO sync_cursor (epoch, acked) VALUES (?1, ?2)
                     ON CONFLICT (epoch) DO UPDATE SET acked = max(acked, excluded.acked)",
                    params![said.epoch.cast_signed(), thru.cast_signed()],
                )
                .trying("move the sync cursor")?;
            said.answers.iter().try_for_each(|answer| note(transaction, said.epoch, answer, clocks))
        })
    }

    fn rewind(&mut self, epoch: u64, seq: u64) -> Result<(), StoreError> {
        self.write_one(
            "set the sync cursor back",
            "UPDATE sync_cursor SET acked = min(acked, ?2) WHERE epoch = ?1",
            params![epoch.cast_signed(), seq.saturating_sub(1).cast_signed()],
        )?;
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
    /// Up to where an epoch is with the fleet.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn acked(&self, epoch: u64) -> Result<u64, StoreError> {
        self.connection
            .query_row("SELECT acked FROM sync_cursor WHERE epoch = ?1", [epoch.cast_signed()], |row| {
                row.get::<_, i64>(0)
            })
            .optional()
            .map(|acked| acked.unwrap_or(0).cast_unsigned())
            .trying("read the sync cursor")
    }

    /// One event.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn event(&self, epoch: u64, seq: u64) -> Result<Option<StoredEvent>, StoreError> {
        let mut found = None;
        self.scan(epoch, seq.saturating_sub(1), 1, |stored| {
            found = Some(stored).filter(|s| (s.envelope.epoch, s.envelope.seq) == (epoch, seq));
            Ok(false)
        })?;
        Ok(found)
    }

    /// How many answers the fleet gave that were no plain yes, by answer and reason.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn verdicts(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let what = "count the verdicts";
        let mut statement = self
            .connection
            .prepare_cached("SELECT trim(code || ' ' || reason), count(*) FROM verdict GROUP BY 1 ORDER BY 1")
            .trying(what)?;
        statement
            .query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned())))
            .trying(what)?
            .collect::<Result<_, _>>()
            .trying(what)
    }

    /// The last sequence number of an epoch; 0: there is no such epoch.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn last_seq(&self, epoch: u64) -> Result<u64, StoreError> {
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

/// An answer that a person may have to know of.
struct Verdict<'a> {
    code: &'static str,
    reason: String,
    remedy: String,
    detail: &'a str,
}

impl<'a> Verdict<'a> {
    fn of(answer: &'a Answer) -> Option<Self> {
        match &answer.r {
            Answered::Ack | Answered::Duplicate => None,
            Answered::Deny { code, remedy, srv } => {
                Some(Self { code: "deny", reason: wire_name(code), remedy: wire_name(remedy), detail: srv })
            }
            Answered::Conflict { srv } => {
                Some(Self { code: "conflict", reason: String::new(), remedy: String::new(), detail: srv })
            }
            Answered::Quarantine { code, srv } => {
                Some(Self { code: "quarantine", reason: wire_name(code), remedy: String::new(), detail: srv })
            }
        }
    }
}

fn note(
    transaction: &Transaction<'_>,
    epoch: u64,
    answer: &Answer,
    clocks: Clocks,
) -> Result<(), StoreError> {
    let Some(verdict) = Verdict::of(answer) else { return Ok(()) };
    transaction
        .prepare_cached(
            "INSERT INTO verdict (event_id, code, detail, at_ms, epoch, seq, reason, remedy)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (event_id) DO NOTHING",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                answer.id.bytes(),
                verdict.code,
                verdict.detail,
                clocks.wall_ms,
                epoch.cast_signed(),
                answer.s.cast_signed(),
                verdict.reason,
                verdict.remedy,
            ])
        })
        .trying("store a verdict")?;
    Ok(())
}
