//! Who people are: API tokens of a tenant with a role. A token is shown once; the database has its SHA-256.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use deadpool_postgres::Transaction;
use protocol::text::{hex, wire_name};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::{Deserialize, Serialize};

use crate::database::{DatabaseError, Server, Trying, connect};

/// What every token begins with, so that scanners of source code find leaked ones.
pub(crate) const PREFIX: &str = "kfl_";

/// The tenant that the first start makes.
pub const FIRST_TENANT: &str = "t1";

/// Its site.
pub const FIRST_SITE: &str = "main";

/// What somebody may do. What exactly: the table in `http::matrix`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything of the tenant.
    Admin,
    /// Runs shops: kiosks, stock, tasks, catalogs.
    Operator,
    /// Looks at sales, changes nothing.
    Analyst,
    /// Looks after kiosks, sees no sales.
    Technician,
}

impl Role {
    pub(crate) const ALL: [Self; 4] = [Self::Admin, Self::Operator, Self::Analyst, Self::Technician];
}

/// A person's or program's token could not be made.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The database refuses.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The file cannot be written.
    #[error("cannot write {}", path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It cannot be in the ids of kiosks.
    #[error("{0:?} is no id of a tenant: 1 to 16 lower-case letters and digits")]
    NoTenantId(String),
    /// There is one already.
    #[error("there is a tenant {0} already; without --name it gets one more token of an administrator")]
    TenantThere(String),
    /// There is none.
    #[error("there is no tenant {0}; with --name it is made")]
    NoTenant(String),
    /// No randomness.
    #[error("the operating system gave no random bytes")]
    Random,
    /// The program ends.
    #[error("no time for passwords now")]
    Busy,
}

/// What is stored of a secret.
pub(crate) fn digest(secret: &str) -> Vec<u8> {
    ring::digest::digest(&ring::digest::SHA256, secret.as_bytes()).as_ref().to_vec()
}

/// A new token: 256 random bits behind [`PREFIX`].
pub(crate) fn new_token() -> Result<String, AccessError> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| AccessError::Random)?;
    Ok(format!("{PREFIX}{}", hex(&bytes)))
}

/// What a new token is for.
pub(crate) struct TokenFor<'a> {
    pub tenant: &'a str,
    pub name: &'a str,
    pub role: Role,
    /// `None`: the whole tenant.
    pub sites: Option<&'a [String]>,
    pub days: Option<i32>,
    pub by: &'a str,
}

/// Stores a token and returns its id.
pub(crate) async fn store_token(
    transaction: &Transaction<'_>,
    token: &str,
    about: &TokenFor<'_>,
) -> Result<uuid::Uuid, DatabaseError> {
    let id = uuid::Uuid::now_v7();
    let sql = "INSERT INTO api_token (id, tenant, name, role, sites, hash, created_by, expires_at)
               VALUES ($1, $2, $3, $4, $8, $5, $6, now() + $7 * interval '1 day')";
    let (role, hash, days) = (wire_name(&about.role), digest(token), about.days.map(f64::from));
    transaction
        .execute(sql, &[&id, &about.tenant, &about.name, &role, &hash, &about.by, &days, &about.sites])
        .await
        .trying("store a token")?;
    Ok(id)
}

/// Whether the tenant of this transaction still has an administrator who can come in for good. Up to its end nobody else
/// of the tenant asks: two who take each other away at once would both find the other.
pub(crate) async fn has_admin(transaction: &Transaction<'_>) -> Result<bool, DatabaseError> {
    let alone =
        "SELECT pg_advisory_xact_lock(hashtextextended('admins of ' || current_setting('app.tenant'), 0))";
    transaction.execute(alone, &[]).await.trying("look for an administrator")?;
    let sql = "SELECT EXISTS (SELECT FROM api_token WHERE role = 'admin' AND revoked_at IS NULL AND expires_at IS NULL)
                   OR EXISTS (SELECT FROM person WHERE role = 'admin' AND disabled_at IS NULL)";
    Ok(transaction.query_one(sql, &[]).await.trying("look for an administrator")?.get(0))
}

/// Whether nobody could log in, because there is no tenant.
///
/// # Errors
/// The database refuses.
pub(crate) async fn is_nobody_there(owner: &Server) -> Result<bool, DatabaseError> {
    let client = connect(owner).await?;
    let row =
        client.query_one("SELECT NOT EXISTS (SELECT FROM tenant)", &[]).await.trying("look for a tenant")?;
    Ok(row.get(0))
}

/// For a start out of the box: the first tenant with a site if there is none at all, and a token of its admin
/// in `file` (0600) if that file is not there. Returns whether it wrote one. Whoever can write the data folder
/// owns the fleet, so this opens no door that was closed.
///
/// # Errors
/// The database or the disk refuses.
pub async fn first_start(owner: &Server, file: &Path) -> Result<bool, AccessError> {
    let client = connect(owner).await?;
    let doing = "make the first tenant";
    client
        .execute(
            "INSERT INTO tenant (id, name) SELECT $1, 'First' WHERE NOT EXISTS (SELECT FROM tenant)
             ON CONFLICT DO NOTHING",
            &[&FIRST_TENANT],
        )
        .await
        .trying(doing)?;
    client
        .execute(
            "INSERT INTO site (tenant, id, name) SELECT id, $2, 'Main' FROM tenant
             WHERE id = $1 AND NOT EXISTS (SELECT FROM site WHERE tenant = $1) ON CONFLICT DO NOTHING",
            &[&FIRST_TENANT, &FIRST_SITE],
        )
        .await
        .trying(doing)?;
    if file.exists() {
        return Ok(false);
    }
    let row = client.query_one("SELECT min(id) FROM tenant", &[]).await.trying("look for a tenant")?;
    admin_token(&client, row.get(0), "first start", file).await.map(|()| true)
}

/// Makes a tenant with a site if there is a name for it, and a token of its admin in `file` (0600, not there before).
///
/// # Errors
/// There is one of this id, or without a name there is none, it is no id of a tenant, or the database or the disk
/// refuses.
pub async fn new_tenant(
    owner: &Server,
    id: &str,
    name: Option<&str>,
    file: &Path,
) -> Result<(), AccessError> {
    if id.is_empty() || id.len() > 16 || !id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
        return Err(AccessError::NoTenantId(id.to_owned()));
    }
    if file.exists() {
        let source = std::io::ErrorKind::AlreadyExists.into();
        return Err(AccessError::File { path: file.to_owned(), source });
    }
    let client = connect(owner).await?;
    let Some(name) = name else {
        let sql = "SELECT EXISTS (SELECT FROM tenant WHERE id = $1)";
        let there: bool = client.query_one(sql, &[&id]).await.trying("look for a tenant")?.get(0);
        if !there {
            return Err(AccessError::NoTenant(id.to_owned()));
        }
        return admin_token(&client, id, "fleetd tenant", file).await;
    };
    let sql =
        "WITH new AS (INSERT INTO tenant (id, name) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id)
               INSERT INTO site (tenant, id, name) SELECT id, $3, 'Main' FROM new";
    if client.execute(sql, &[&id, &name, &FIRST_SITE]).await.trying("make a tenant")? == 0 {
        return Err(AccessError::TenantThere(id.to_owned()));
    }
    admin_token(&client, id, "fleetd tenant", file).await
}

/// Stores a token of a tenant's admin, and writes it to a file.
async fn admin_token(
    client: &tokio_postgres::Client,
    tenant: &str,
    by: &str,
    file: &Path,
) -> Result<(), AccessError> {
    let token = new_token()?;
    let sql = "INSERT INTO api_token (id, tenant, name, role, hash, created_by)
               VALUES ($1, $2, 'admin-token', 'admin', $3, $4)";
    let id = uuid::Uuid::now_v7();
    client.execute(sql, &[&id, &tenant, &digest(&token), &by]).await.trying("store a token")?;
    let failed = |source| AccessError::File { path: file.to_owned(), source };
    let mut opened =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(failed)?;
    writeln!(opened, "{token}").and_then(|()| opened.sync_all()).map_err(failed)
}
