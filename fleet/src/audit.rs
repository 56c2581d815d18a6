//! Who changed what: a chain of hashes a tenant, written in the transaction of the change itself.
//!
//! ```text
//! hash(n) = SHA-256("kioskd.audit.1" 0 | hash(n-1) | n | at_ms | len actor | len action | len subject | len detail)
//! ```
//! Integers are 64 bits, big-endian; texts UTF-8 behind their length. `hash(0)` is 32 zero bytes.

use deadpool_postgres::Transaction;
use ring::digest::{Context, SHA256};
use serde_json::Value;

use crate::database::{DatabaseError, Trying, storable};

/// Names the format in the hash, so that another one can follow.
const DOMAIN: &[u8] = b"kioskd.audit.1\0";

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

/// The first entry that is not what was written, if any. Reads the whole chain.
///
/// # Errors
/// The database refuses.
pub(crate) async fn first_broken(
    transaction: &Transaction<'_>,
    tenant: &str,
) -> Result<Option<i64>, DatabaseError> {
    let sql = "SELECT n, at_ms, actor, action, subject, detail, hash FROM audit WHERE tenant = $1 ORDER BY n";
    let mut previous = vec![0; 32];
    for (row, expected) in
        transaction.query(sql, &[&tenant]).await.trying("read the audit log")?.iter().zip(1..)
    {
        let (n, at_ms): (i64, i64) = (row.get(0), row.get(1));
        let told: Vec<u8> = row.get(6);
        let texts = [row.get(2), row.get(3), row.get(4), row.get(5)];
        if n != expected || hash(&previous, n, at_ms, texts) != told {
            return Ok(Some(expected));
        }
        previous = told;
    }
    Ok(None)
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
