//! Scarce goods: which kiosk may sell how much of what its site counts.
//!
//! ```text
//!            look (every 2 s)                jobs                      ingest
//! stock.regrant ──► share out, set aside ──► quota.due ──► kiosk ──► order.paid, stock.quota
//!       ▲                                       ▲            │              │ counts, gives back
//!       └───────────────────────────────────────┼────────────┼──────────────┘
//!                                               └── reserve ◄┘ a customer wants more
//! ```
//! A kiosk's part is a ceiling on what it sells in an epoch of its log ([`protocol::fleet::Quota`]). What is set
//! aside for it is what is missing to the highest ceiling that it may act on; `stock.held` is the sum of that.
//! A ceiling goes up when it is offered, and down only by the kiosk's own word, with its next epoch, or when it
//! leaves the fleet.

mod grant;
mod leave;
mod offer;
pub(crate) mod part;
mod reserve;
pub(crate) mod row;

use std::time::Duration;

use crate::database::{Database, DatabaseError, Trying};
use crate::hub::Hub;
use crate::jobs;

pub(crate) use leave::give_back;
pub(crate) use offer::{COLUMNS, message, offers};
pub use reserve::reserve;

/// How often shelves are looked for without news.
const LOOK: Duration = Duration::from_secs(2);

/// Leases renewed at once.
const RENEW_AT_ONCE: i64 = 500;

/// Looks after the kiosks' parts, for ever. Every replica does it; locks make them take turns at a shelf.
pub(crate) async fn run(database: Database, hub: Hub, lease_s: i32) {
    let mut news = hub.listen();
    loop {
        match look(&database, lease_s).await {
            Ok(0) => {}
            Ok(_) => hub.due(),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot look after quotas");
            }
        }
        drop(tokio::time::timeout(LOOK, jobs::due(&mut news)).await);
    }
}

/// Shares out every shelf that is to be looked at and renews leases, `lease_s` seconds long. Returns how many
/// kiosks are to be told. A site that fails is tried again with the next look; the others do not wait for it.
///
/// # Errors
/// The database is not there.
pub async fn look(database: &Database, lease_s: i32) -> Result<u64, DatabaseError> {
    let doing = "look for shelves to share out";
    let mut connection = database.connection().await?;
    let sites = connection.query("SELECT tenant, site FROM sites_to_grant()", &[]).await.trying(doing)?;
    let mut told = 0;
    for row in sites {
        let (tenant, site): (&str, &str) = (row.get(0), row.get(1));
        match grant::site(&mut connection, tenant, site, lease_s).await {
            Ok(kiosks) => told += kiosks,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, tenant, site, "cannot share out a site's stock");
            }
        }
    }
    let sql = "SELECT renew_quotas($1, $2)";
    let row = connection.query_one(sql, &[&lease_s, &RENEW_AT_ONCE]).await.trying("renew leases")?;
    Ok(told + row.get::<_, i64>(0).unsigned_abs())
}
