//! A replica: migrates, then takes in what kiosks send and answers people. Any number of replicas may run;
//! what only one may do at a time goes to whoever holds its advisory lock.

use std::time::Duration;

use tokio::task::JoinSet;

use crate::database::{self, Database, DatabaseError};
use crate::ingest;
use crate::settings::Settings;

/// How often the partitions of the coming days are looked after.
const DAYS_INTERVAL: Duration = Duration::from_secs(6 * 3600);

/// Runs until it is dropped; says `ready` when the tables are up to date and work begins.
///
/// # Errors
/// The database cannot be brought up to date, or an address cannot be used.
pub async fn serve(settings: Settings, ready: impl FnOnce()) -> anyhow::Result<()> {
    if let Some(owner) = &settings.database.owner {
        database::migrate(owner).await?;
    }
    let database = Database::new(&settings.database.app)?;
    let mut tasks = JoinSet::new();
    for _ in 0..settings.ingest.workers {
        // A name of its own: two clients of one name evict each other.
        let name = format!("fleetd-{}", uuid::Uuid::now_v7());
        tasks.spawn(ingest::worker::run(database.clone(), settings.broker.clone(), name));
    }
    tasks.spawn(look_after_days(database.clone()));
    ready();
    match tasks.join_next().await {
        Some(Err(error)) => Err(error.into()),
        Some(Ok(())) | None => anyhow::bail!("a part of the replica ended"),
    }
}

/// Makes the partitions of the coming days, for ever. Two replicas that do it at once are no harm.
async fn look_after_days(database: Database) {
    loop {
        if let Err(error) = make_days(&database).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "cannot make the coming days");
        }
        tokio::time::sleep(DAYS_INTERVAL).await;
    }
}

async fn make_days(database: &Database) -> Result<(), DatabaseError> {
    let connection = database.connection().await?;
    database::make_days(&connection).await
}
