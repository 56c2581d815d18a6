//! Jobs of the fleet: written down before they begin, so that none is done twice.

use protocol::fleet::{Job, JobState};
use protocol::text::{Id, from_wire_name, wire_name};
use rusqlite::{OptionalExtension, Row, params};

use crate::error::{StoreError, Trying};
use crate::schema::{Clocks, Store};

/// A job and how far it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobRow {
    /// The job as it came; `None` if this version cannot read it any more.
    pub job: Option<Job>,
    /// Its id.
    pub id: Id,
    /// How far.
    pub state: JobState,
    /// Why it failed, or what it found.
    pub why: String,
    /// Where its result was uploaded.
    pub result: Option<String>,
    /// The start of the daemon in which its state changed last.
    pub boot: u32,
}

/// What became of a job that came in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Recorded {
    /// It is new and now written down.
    New,
    /// It came before.
    Known(JobRow),
}

/// Jobs that ended are remembered at least this long after their expiry; then their ids may be forgotten,
/// because an expired job is refused anyway.
const REMEMBERED_MS: i64 = 7 * 24 * 3600 * 1000;

const COLUMNS: &str = "id, document, state, why, result, boot";

impl Store {
    /// Writes a job down, unless its id is known.
    ///
    /// # Errors
    /// The disk refuses; the store is closed until a restart.
    pub fn record_job(&mut self, job: &Job, clocks: Clocks) -> Result<Recorded, StoreError> {
        if let Some(known) = self.job(job.job)? {
            return Ok(Recorded::Known(known));
        }
        let what = "write a job down";
        let forget =
            "DELETE FROM job WHERE state NOT IN ('accepted', 'running') AND exp_ms < ?1 AND at_ms < ?1";
        self.write_one(what, forget, [clocks.wall_ms.saturating_sub(REMEMBERED_MS)])?;
        let document = serde_json::to_string(job).unwrap_or_default();
        let boot = self.boot();
        self.write_one(
            what,
            "INSERT INTO job (id, document, exp_ms, state, boot, at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![job.job.bytes(), document, job.exp, wire_name(&JobState::Accepted), boot, clocks.wall_ms],
        )?;
        Ok(Recorded::New)
    }

    /// A job is now so far. A job that has ended stays as it ended.
    ///
    /// # Errors
    /// The disk refuses; the store is closed until a restart.
    pub fn set_job(
        &mut self,
        id: Id,
        state: JobState,
        why: &str,
        result: Option<&str>,
        clocks: Clocks,
    ) -> Result<(), StoreError> {
        let boot = self.boot();
        self.write_one(
            "write down how far a job is",
            "UPDATE job SET state = ?2, why = ?3, result = ?4, boot = ?5, at_ms = ?6
             WHERE id = ?1 AND state IN ('accepted', 'running')",
            params![id.bytes(), wire_name(&state), why, result, boot, clocks.wall_ms],
        )?;
        Ok(())
    }

    /// The job with this id.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn job(&self, id: Id) -> Result<Option<JobRow>, StoreError> {
        self.connection
            .query_row(&format!("SELECT {COLUMNS} FROM job WHERE id = ?1"), [id.bytes()], row)
            .optional()
            .trying("read a job")
    }

    /// Jobs that have not ended, the oldest first.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn open_jobs(&self) -> Result<Vec<JobRow>, StoreError> {
        let what = "list the jobs";
        let sql =
            format!("SELECT {COLUMNS} FROM job WHERE state IN ('accepted', 'running') ORDER BY at_ms, id");
        let mut statement = self.connection.prepare_cached(&sql).trying(what)?;
        statement.query_map([], row).trying(what)?.collect::<Result<_, _>>().trying(what)
    }
}

fn row(row: &Row<'_>) -> rusqlite::Result<JobRow> {
    let document: String = row.get(1)?;
    let state: String = row.get(2)?;
    Ok(JobRow {
        id: Id::from(row.get::<_, [u8; 16]>(0)?),
        job: serde_json::from_str(&document).ok(),
        state: from_wire_name(&state).unwrap_or(JobState::Failed),
        why: row.get(3)?,
        result: row.get(4)?,
        boot: row.get(5)?,
    })
}
