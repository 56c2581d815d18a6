//! People who log in with a password. What they may do is their role's ([`crate::access::Role`]), where they may
//! do it their sites'.

pub(crate) mod password;
pub(crate) mod session;

use deadpool_postgres::Object;
use protocol::text::from_wire_name;
use uuid::Uuid;

use crate::access::Role;
use crate::database::{DatabaseError, Trying};
use crate::misses::Door;

/// Wrong passwords, by name and address. A shop's people may share an address. The name is hashed: people type
/// passwords in its place.
pub(crate) const LOGIN: Door =
    Door { name: "login", peer_max: 50, guess_max: 10, guess_of_all: false, all_max: i64::MAX };

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
