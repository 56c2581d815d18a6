//! PostgreSQL: two roles, migrations, transactions of one tenant.
//!
//! `fleet_owner` owns the tables and changes them; everything that serves kiosks and people works as
//! `fleet_app`, which row-level security confines to the tenant of its transaction.

mod server;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts, Transaction};
use futures_util::StreamExt as _;
use serde_json::Value;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};

pub use server::Server;

/// Database of the fleet.
pub(crate) const DATABASE: &str = "fleet";
/// Owns the tables; runs migrations.
pub(crate) const OWNER: &str = "fleet_owner";
/// What `fleetd` works as: no superuser, owns nothing, so row-level security holds for it. The migrations name it.
pub(crate) const APP: &str = "fleet_app";

/// Connections of one replica. Ingest holds one a worker; the rest answers people.
const CONNECTIONS: usize = 16;

/// How long a request waits for a connection before it is refused.
const CONNECTION_WAIT: Duration = Duration::from_secs(5);

/// A key that every replica's migration takes first.
const MIGRATION_LOCK: i64 = 0x6b69_6f73_6b01;

/// Days of events that have their partition ahead of time. A kiosk's clock may be ahead of ours.
const DAYS_AHEAD: i32 = 30;

/// Days back: a kiosk that was offline sends old ids.
const DAYS_BACK: i32 = 7;

/// How long a server that is there may take to start: it may have a long log to replay.
const STARTS_WITHIN: Duration = Duration::from_secs(600);

/// How long a server may take until it is there at all.
const COMES_WITHIN: Duration = Duration::from_secs(5);

/// How often it is tried meanwhile.
const RETRY: Duration = Duration::from_millis(500);

/// Append only: a step that was released is never changed.
const STEPS: &[(&str, &str)] = &[
    ("0001_registry", include_str!("migrations/0001_registry.sql")),
    ("0002_events", include_str!("migrations/0002_events.sql")),
    ("0003_sales", include_str!("migrations/0003_sales.sql")),
    ("0004_tenants", include_str!("migrations/0004_tenants.sql")),
    ("0005_access", include_str!("migrations/0005_access.sql")),
    ("0006_downlink", include_str!("migrations/0006_downlink.sql")),
    ("0007_views", include_str!("migrations/0007_views.sql")),
    ("0008_people", include_str!("migrations/0008_people.sql")),
    ("0009_saved_filters", include_str!("migrations/0009_saved_filters.sql")),
    ("0010_claims", include_str!("migrations/0010_claims.sql")),
    ("0011_misses", include_str!("migrations/0011_misses.sql")),
    ("0012_quota", include_str!("migrations/0012_quota.sql")),
    ("0013_audit_end", include_str!("migrations/0013_audit_end.sql")),
    ("0014_quarantine_ends", include_str!("migrations/0014_quarantine_ends.sql")),
    ("0015_policies_once", include_str!("migrations/0015_policies_once.sql")),
    ("0016_updates", include_str!("migrations/0016_updates.sql")),
    ("0017_logs", include_str!("migrations/0017_logs.sql")),
    ("0018_once", include_str!("migrations/0018_once.sql")),
    ("0019_moves", include_str!("migrations/0019_moves.sql")),
    ("0020_hawkbit", include_str!("migrations/0020_hawkbit.sql")),
    ("0021_own_tasks", include_str!("migrations/0021_own_tasks.sql")),
    ("0022_own_numbers", include_str!("migrations/0022_own_numbers.sql")),
    ("0023_held_by", include_str!("migrations/0023_held_by.sql")),
    ("0024_update_freeze", include_str!("migrations/0024_update_freeze.sql")),
    ("0025_shown_phase", include_str!("migrations/0025_shown_phase.sql")),
];

/// Something the database refused.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// No connection.
    #[error("no connection to the database")]
    Connect(#[source] deadpool_postgres::PoolError),
    /// It refused a statement.
    #[error("the database refused to {doing}")]
    Refused {
        /// What was tried.
        doing: &'static str,
        /// Why not.
        #[source]
        source: tokio_postgres::Error,
    },
    /// A row is another's, though it was not there a moment ago.
    #[error("another has this id")]
    Taken,
    /// Its address makes no sense.
    #[error("the address of the database cannot be read")]
    Address(#[source] tokio_postgres::Error),
    /// The pool cannot be made.
    #[error("the pool of connections cannot be made: {0}")]
    Pool(String),
    /// Nobody answers there, or lets us in.
    #[error("cannot connect to the database as {user} at {host}")]
    Unreachable {
        /// The role.
        user: String,
        /// Host and port.
        host: String,
        /// Why not.
        #[source]
        source: tokio_postgres::Error,
    },
    /// It may be encrypted, or not.
    #[error(
        "sslmode={0} lets whoever sits on the wire decide whether it is encrypted: say require, or disable"
    )]
    HalfEncrypted(&'static str),
    /// TLS is spoken over a network only.
    #[error(
        "database.ca is for a server on the network; at a unix socket nothing is encrypted: leave it out"
    )]
    EncryptedSocket,
    /// Its certificate is of somebody whom nobody here knows.
    #[error(
        "{0} shows a certificate of an authority that is not known here: name that authority's file as database.ca"
    )]
    UnknownIssuer(String),
    /// Whom to trust is not known.
    #[error("{}: {why}", path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// Why it is of no use.
        why: String,
    },
    /// A role is missing.
    #[error("the role {APP} is not there: as a superuser, CREATE ROLE {APP} LOGIN PASSWORD '…'")]
    NoAppRole,
    /// Row-level security would not hold, or the tables are not for this role.
    #[error("{0} is not to be used: what serves people has to be {APP}, neither superuser nor BYPASSRLS")]
    WrongAppRole(String),
    /// A newer fleetd has been here.
    #[error("the database has step {0} that this fleetd does not know: start the newer one")]
    Newer(String),
}

impl DatabaseError {
    /// How long it may be the way it is while things start.
    fn patience(&self) -> Duration {
        let Self::Unreachable { source, .. } = self else { return Duration::ZERO };
        match source.code() {
            Some(&SqlState::CANNOT_CONNECT_NOW) => STARTS_WITHIN,
            Some(_) => Duration::ZERO,
            None => COMES_WITHIN,
        }
    }
}

/// Says what was tried when the database refuses.
pub(crate) trait Trying<T> {
    fn trying(self, doing: &'static str) -> Result<T, DatabaseError>;
}

impl<T> Trying<T> for Result<T, tokio_postgres::Error> {
    fn trying(self, doing: &'static str) -> Result<T, DatabaseError> {
        self.map_err(|source| DatabaseError::Refused { doing, source })
    }
}

/// Connections as `fleet_app`.
#[derive(Clone)]
pub struct Database {
    pool: Pool,
}

impl Database {
    /// Makes a pool; connects when first used.
    ///
    /// # Errors
    /// The pool cannot be made.
    pub fn new(server: &Server) -> Result<Self, DatabaseError> {
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let config = server.config.clone();
        let manager = match server.tls.clone() {
            Some(tls) => Manager::from_config(config, tls, recycling),
            None => Manager::from_config(config, NoTls, recycling),
        };
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .timeouts(Timeouts {
                wait: Some(CONNECTION_WAIT),
                create: Some(CONNECTION_WAIT),
                recycle: Some(CONNECTION_WAIT),
            })
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| DatabaseError::Pool(error.to_string()))?;
        Ok(Self { pool })
    }

    /// A connection, outside of any tenant.
    ///
    /// # Errors
    /// None can be had in time.
    pub async fn connection(&self) -> Result<deadpool_postgres::Object, DatabaseError> {
        self.pool.get().await.map_err(DatabaseError::Connect)
    }
}

/// Begins a transaction that sees only this tenant.
///
/// # Errors
/// The database refuses.
pub async fn begin<'a>(
    connection: &'a mut deadpool_postgres::Object,
    tenant: &str,
) -> Result<Transaction<'a>, DatabaseError> {
    let transaction = connection.transaction().await.trying("begin")?;
    let statement =
        transaction.prepare_cached("SELECT set_config('app.tenant', $1, true)").await.trying("prepare")?;
    transaction.execute(&statement, &[&tenant]).await.trying("enter the tenant")?;
    Ok(transaction)
}

/// Waits for a server that is starting, for example after the power came back; for one that is not there, not as long.
///
/// # Errors
/// It lets nobody in, or is not there for too long.
pub(crate) async fn wait_for(server: &Server) -> Result<(), DatabaseError> {
    let begun = Instant::now();
    let mut told = false;
    loop {
        let error = match server.connect().await {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        if begun.elapsed() > error.patience() {
            return Err(error);
        }
        if !std::mem::replace(&mut told, true) {
            tracing::warn!(error = &error as &dyn std::error::Error, "waits for the database");
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// Brings the tables up to date, as `fleet_owner`. Replicas that start together take turns.
///
/// # Errors
/// The database refuses, or is newer than this program.
pub async fn migrate(owner: &Server) -> Result<(), DatabaseError> {
    let mut client = connect(owner).await?;
    client.execute("SELECT pg_advisory_lock($1)", &[&MIGRATION_LOCK]).await.trying("lock the migrations")?;
    let role = client.query_opt("SELECT FROM pg_roles WHERE rolname = $1", &[&APP]).await;
    role.trying("look for the role")?.ok_or(DatabaseError::NoAppRole)?;
    client
        .batch_execute(
            "SET client_min_messages = warning;
             CREATE TABLE IF NOT EXISTS migration (name text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())",
        )
        .await
        .trying("list the migrations")?;
    let rows = client.query("SELECT name FROM migration", &[]).await.trying("list the migrations")?;
    let done: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    if let Some(unknown) = done.iter().find(|name| !STEPS.iter().any(|(step, _)| step == name)) {
        return Err(DatabaseError::Newer(unknown.clone()));
    }
    for (name, sql) in STEPS.iter().filter(|(name, _)| !done.iter().any(|d| d == name)) {
        let transaction = client.transaction().await.trying("begin a migration")?;
        transaction.batch_execute(sql).await.trying("migrate")?;
        transaction
            .execute("INSERT INTO migration (name) VALUES ($1)", &[name])
            .await
            .trying("note a migration")?;
        transaction.commit().await.trying("commit a migration")?;
        tracing::info!(step = name, "migrated");
    }
    make_days(&client).await
}

/// What a superuser says once to make the database, a statement each; `passwords` of owner and app where they log in by
/// one.
pub(crate) fn make(passwords: Option<[&str; 2]>) -> [String; 5] {
    let password =
        |which: usize| passwords.map_or_else(String::new, |it| format!(" PASSWORD '{}'", it[which]));
    [
        format!("CREATE ROLE {OWNER} LOGIN{}", password(0)),
        format!("CREATE ROLE {APP} LOGIN{}", password(1)),
        format!("CREATE DATABASE {DATABASE} OWNER {OWNER} ENCODING 'UTF8' TEMPLATE template0"),
        format!("REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC"),
        format!("GRANT CONNECT, TEMPORARY ON DATABASE {DATABASE} TO {APP}"),
    ]
}

/// Whether everything that serves people works as a role that row-level security confines.
///
/// # Errors
/// It does not, or cannot connect.
pub(crate) async fn check_app(app: &Server) -> Result<(), DatabaseError> {
    let client = connect(app).await?;
    let sql =
        "SELECT current_user::text, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user";
    let row = client.query_one(sql, &[]).await.trying("look at the role")?;
    let (name, unconfined): (String, bool) = (row.get(0), row.get(1));
    if unconfined || name != APP { Err(DatabaseError::WrongAppRole(name)) } else { Ok(()) }
}

/// A connection of its own, for what only the owner may do. It ends when its client is dropped.
pub(crate) async fn connect(server: &Server) -> Result<Client, DatabaseError> {
    let (client, line) = server.connect().await?;
    tokio::spawn(line.for_each(async |_| ()));
    Ok(client)
}

/// Text as PostgreSQL can keep it: it has no NUL.
pub(crate) fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// JSON as PostgreSQL can keep it.
pub(crate) fn storable_json(value: Value) -> Value {
    match value {
        Value::String(text) => storable(&text).into(),
        Value::Array(values) => values.into_iter().map(storable_json).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(key, value)| (storable(&key), storable_json(value))).collect()
        }
        other => other,
    }
}

/// Whether PostgreSQL could not keep this.
pub(crate) fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(has_nul),
        Value::Object(fields) => fields.iter().any(|(key, value)| key.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Makes the partitions of the days around today.
///
/// # Errors
/// The database refuses.
pub async fn make_days(client: &Client) -> Result<(), DatabaseError> {
    client
        .execute(
            "SELECT make_event_day(current_date + d) FROM generate_series($1::int, $2::int) AS d",
            &[&-DAYS_BACK, &DAYS_AHEAD],
        )
        .await
        .trying("make the partitions of the coming days")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use serde_json::json;

    use super::*;

    /// What a server says that refuses a start with this SQLSTATE (PostgreSQL's protocol 3.0, `ErrorResponse`).
    fn refusal(state: &str) -> Vec<u8> {
        let fields = format!("SFATAL\0VFATAL\0C{state}\0Mnot now\0\0");
        let length = u32::try_from(4 + fields.len()).unwrap();
        [b"E".as_slice(), &length.to_be_bytes(), fields.as_bytes()].concat()
    }

    /// A server with an answer for each who comes; the address.
    fn server(answers: Vec<Vec<u8>>) -> Server {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for answer in answers {
                let (mut peer, _) = listener.accept().unwrap();
                assert!(peer.read(&mut [0; 1024]).unwrap() > 8, "a start-up message");
                peer.write_all(&answer).unwrap();
                // It reads on until the other side has gone.
                std::io::copy(&mut peer, &mut std::io::sink()).ok();
            }
        });
        Server::new(&format!("host=127.0.0.1 port={port} user=u dbname=d"), None).unwrap()
    }

    #[tokio::test]
    async fn a_server_that_starts_is_waited_for_and_one_that_refuses_is_not() {
        let welcome = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I".to_vec();
        let starting = server(vec![refusal("57P03"), refusal("57P03"), welcome.clone()]);
        wait_for(&starting).await.unwrap();

        let closed = server(vec![refusal("28P01"), welcome]);
        let begun = Instant::now();
        let error = wait_for(&closed).await.unwrap_err();
        assert!(matches!(error, DatabaseError::Unreachable { .. }), "{error}");
        assert!(begun.elapsed() < COMES_WITHIN);
    }

    #[test]
    fn json_with_a_nul_anywhere_is_kept_without_it() {
        for value in [json!("a\0"), json!([{ "a": ["b\0"] }]), json!({ "a\0": 1 })] {
            assert!(has_nul(&value), "{value}");
            assert!(!has_nul(&storable_json(value.clone())), "{value}");
        }
        let plain = json!({ "a": ["b", 1, null, true] });
        assert!(!has_nul(&plain));
        assert_eq!(storable_json(plain.clone()), plain);
    }
}
