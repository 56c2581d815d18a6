//! People who log in with a password. What they may do is their role's ([`crate::access::Role`]), where they may
//! do it their sites'.

pub(crate) mod password;
pub(crate) mod session;

use std::time::{SystemTime, UNIX_EPOCH};

use deadpool_postgres::Object;
use protocol::text::from_wire_name;
use uuid::Uuid;

use crate::access::{Role, digest};
use crate::database::{DatabaseError, Trying};

/// How long wrong passwords count, in minutes.
const MINUTES: i32 = 15;

/// Wrong passwords for one name.
const MISSES_MAX: i64 = 10;

/// Wrong passwords from one peer: a shop's people may share an address.
const MISSES_PEER_MAX: i64 = 50;

/// Somebody who may log in.
pub(crate) struct Person {
    pub id: Uuid,
    pub tenant: String,
    pub name: String,
    pub role: Role,
    pub sites: Option<Vec<String>>,
    /// What is stored of the password.
    pub password: String,
    pub epoch: i64,
}

/// Names are compared in small letters.
pub(crate) fn plain(name: &str) -> String {
    name.trim().to_lowercase()
}

/// Who has this name, of all tenants.
pub(crate) async fn by_name(connection: &Object, name: &str) -> Result<Option<Person>, DatabaseError> {
    let sql = "SELECT id, tenant, name, role, sites, password, epoch FROM person_by_name($1)";
    let row = connection.query_opt(sql, &[&name]).await.trying("look up a person")?;
    Ok(row.and_then(|row| {
        Some(Person {
            id: row.get(0),
            tenant: row.get(1),
            name: row.get(2),
            role: from_wire_name(row.get(3))?,
            sites: row.get(4),
            password: row.get(5),
            epoch: row.get(6),
        })
    }))
}

/// Whether no more passwords for this name or from this peer are looked at for now, and how many seconds.
pub(crate) async fn throttled(
    connection: &Object,
    peer: &str,
    name: &str,
) -> Result<Option<u32>, DatabaseError> {
    let sql = "SELECT count(*) FILTER (WHERE peer = $1), count(*) FILTER (WHERE name = $2)
               FROM login_miss WHERE at > now() - make_interval(mins => $3) AND (peer = $1 OR name = $2)";
    let row = connection.query_one(sql, &[&peer, &digest(name), &MINUTES]).await.trying("count misses")?;
    let over = row.get::<_, i64>(0) >= MISSES_PEER_MAX || row.get::<_, i64>(1) >= MISSES_MAX;
    Ok(over.then(|| MINUTES.unsigned_abs() * 60))
}

/// Counts a wrong password, and forgets old ones. The name is hashed: people type passwords in its place.
pub(crate) async fn note_miss(connection: &Object, peer: &str, name: &str) -> Result<(), DatabaseError> {
    let sql = "WITH old AS (DELETE FROM login_miss WHERE at < now() - interval '1 day')
               INSERT INTO login_miss (peer, name) VALUES ($1, $2)";
    connection.execute(sql, &[&peer, &digest(name)]).await.trying("count a miss")?;
    Ok(())
}

/// Seconds since 1970.
pub(crate) fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
