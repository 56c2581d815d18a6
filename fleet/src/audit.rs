//! Who changed what: a chain of hashes a tenant, written in the transaction of the change itself.
//!
//! ```text
//! hash(n) = SHA-256("kioskd.audit.1" 0 | hash(n-1) | n | at_ms | len actor | len action | len subject | len detail)
//! ```
//! Integers are 64 bits, big-endian; texts UTF-8 behind their length. `hash(0)` is 32 zero bytes.
//!
//! The chain shows that an entry was changed, taken out or put in, but not that the last ones were cut off. For that a
//! trigger keeps how many were ever written and the newest hash, where `fleet_app` can only read it. The owner of the
//! tables can forge both: against them only an [`End`] that was kept elsewhere helps, so it goes into the program's log
//! and is told by whoever verifies.

use std::collections::BTreeMap;
use std::time::Duration;

use deadpool_postgres::Transaction;
use protocol::text::hex as hexadecimal;
use ring::digest::{Context, SHA256};
use serde_json::Value;

use crate::database::{Database, DatabaseError, Trying, storable};

/// Names the format in the hash, so that another one can follow.
const DOMAIN: &[u8] = b"kioskd.audit.1\0";

/// How often the ends that have moved are written into the program's log.
const PUBLISHED_EVERY: Duration = Duration::from_secs(600);

/// Where a log ends, or ended.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct End {
    /// How many entries there are.
    pub entries: i64,
    /// Of the newest, in hexadecimal.
    pub hash: String,
}

/// What computing the chain again has shown.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Finding {
    /// The first entry that is not what was written.
    pub broken_at: Option<i64>,
    /// Where the log ends.
    pub end: End,
    /// How many of those ever written are not there any more.
    pub missing: i64,
    /// Whether the log still has the entry that a kept [`End`] was the last of.
    pub goes_on: bool,
}

/// What was done, by whom, to what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Entry<'a> {
    pub actor: &'a str,
    /// Verb with its object, for example `kiosk.decommission`.
    pub action: &'a str,
    pub subject: &'a str,
    pub detail: Value,
}

/// Appends an entry. Writers of one tenant take turns until they commit.
///
/// # Errors
/// The database refuses.
pub(crate) async fn note(
    transaction: &Transaction<'_>,
    tenant: &str,
    entry: Entry<'_>,
) -> Result<(), DatabaseError> {
    let doing = "note a change in the audit log";
    transaction
        .execute("SELECT pg_advisory_xact_lock(hashtextextended('audit ' || $1, 0))", &[&tenant])
        .await
        .trying(doing)?;
    let last = transaction
        .query_opt("SELECT n, hash FROM audit WHERE tenant = $1 ORDER BY n DESC LIMIT 1", &[&tenant])
        .await
        .trying(doing)?;
    let (n, previous) = last.map_or((0, vec![0; 32]), |row| (row.get::<_, i64>(0), row.get(1)));
    let at = transaction
        .query_one("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint", &[])
        .await
        .trying(doing)?;
    let at_ms: i64 = at.get(0);
    let (actor, subject) = (storable(entry.actor), storable(entry.subject));
    let detail = entry.detail.to_string();
    let hash = hash(&previous, n + 1, at_ms, [&actor, entry.action, &subject, &detail]);
    let sql = "INSERT INTO audit (tenant, n, at_ms, actor, action, subject, detail, hash)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    transaction
        .execute(sql, &[&tenant, &(n + 1), &at_ms, &actor, &entry.action, &subject, &detail, &hash])
        .await
        .trying(doing)?;
    Ok(())
}

/// Computes the whole chain again, and whether it goes on from where it ended when `kept` was noted.
///
/// # Errors
/// The database refuses.
pub(crate) async fn verify(
    transaction: &Transaction<'_>,
    tenant: &str,
    kept: Option<&End>,
) -> Result<Finding, DatabaseError> {
    let doing = "read the audit log";
    // Before the entries: what is written meanwhile is no cause for alarm.
    let noted = "SELECT entries, hash FROM audit_end WHERE tenant = $1";
    let noted = transaction.query_opt(noted, &[&tenant]).await.trying(doing)?;
    let (written, newest) = noted.map_or((0, vec![0; 32]), |row| (row.get::<_, i64>(0), row.get(1)));
    let sql = "SELECT n, at_ms, actor, action, subject, detail, hash FROM audit WHERE tenant = $1 ORDER BY n";
    let rows = transaction.query(sql, &[&tenant]).await.trying(doing)?;
    let (mut previous, mut found) = (vec![0; 32], Finding { goes_on: kept.is_none(), ..Finding::default() });
    let mut noted_is_there = written == 0;
    for (row, expected) in rows.iter().zip(1..) {
        let (n, at_ms): (i64, i64) = (row.get(0), row.get(1));
        let told: Vec<u8> = row.get(6);
        let texts = [row.get(2), row.get(3), row.get(4), row.get(5)];
        if n != expected || hash(&previous, n, at_ms, texts) != told {
            found.broken_at.get_or_insert(expected);
        }
        found.end = End { entries: expected, hash: hexadecimal(&told) };
        found.goes_on |= kept == Some(&found.end);
        noted_is_there |= told == newest;
        previous = told;
    }
    found.missing = (written - found.end.entries).max(0);
    if found.missing == 0 && !noted_is_there {
        found.broken_at.get_or_insert(written);
    }
    Ok(found)
}

/// Writes the ends that have moved into the program's log, for ever: there whoever can change the database may not
/// reach them.
pub(crate) async fn publish(database: Database) {
    let mut told = BTreeMap::new();
    loop {
        if let Err(error) = publish_new(&database, &mut told).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the ends of the audit logs cannot be read"
            );
        }
        tokio::time::sleep(PUBLISHED_EVERY).await;
    }
}

async fn publish_new(database: &Database, told: &mut BTreeMap<String, i64>) -> Result<(), DatabaseError> {
    let connection = database.connection().await?;
    let ends = connection.query("SELECT tenant, entries, hash FROM audit_ends()", &[]).await;
    for row in ends.trying("read the ends of the audit logs")? {
        let (tenant, entries): (String, i64) = (row.get(0), row.get(1));
        if told.insert(tenant.clone(), entries) != Some(entries) {
            tracing::info!(tenant, entries, hash = row.get::<_, &str>(2), "end of the audit log");
        }
    }
    Ok(())
}

fn hash(previous: &[u8], n: i64, at_ms: i64, texts: [&str; 4]) -> Vec<u8> {
    let mut context = Context::new(&SHA256);
    context.update(DOMAIN);
    context.update(previous);
    context.update(&n.to_be_bytes());
    context.update(&at_ms.to_be_bytes());
    for text in texts {
        context.update(&(text.len() as u64).to_be_bytes());
        context.update(text.as_bytes());
    }
    context.finish().as_ref().to_vec()
}
