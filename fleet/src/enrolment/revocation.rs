//! The list of revoked kiosks: made of the database's rows at every start, every day and after every
//! revocation. One that is out of date would keep every kiosk out.

use std::path::Path;
use std::time::{Duration, SystemTime};

use tokio::sync::{broadcast, mpsc};

use crate::database::{Database, DatabaseError, Trying};
use crate::hub::{Hub, News};
use crate::pki::{Authorities, PkiError, Revoked, RevokedBecause, keep_revocation_list};

/// How often it is made anyway.
const INTERVAL: Duration = Duration::from_secs(24 * 3600);

/// Pause after a failure.
const RETRY: Duration = Duration::from_secs(10);

/// Two replicas with one folder take turns.
const LOCK: i64 = 0x6b69_6f73_6b02;

/// How the broker is told to read the list again.
#[derive(Clone, Debug)]
pub(crate) enum Reload {
    /// Whoever supervises it does it.
    Supervisor(mpsc::Sender<()>),
    /// A command of the operator's.
    Command(String),
    /// Nobody: another replica or a person has to.
    Nobody,
}

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Pki(#[from] PkiError),
}

/// Keeps the list true, for ever.
pub(crate) async fn run(
    database: Database,
    authorities: std::sync::Arc<Authorities>,
    folder: std::path::PathBuf,
    hub: Hub,
    reload: Reload,
) {
    let mut news = hub.listen();
    loop {
        match make(&database, &authorities, &folder).await {
            Ok(revoked) => {
                tracing::info!(revoked, "the list of revoked kiosks is made");
                reload.tell().await;
                drop(tokio::time::timeout(INTERVAL, next_revocation(&mut news)).await);
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "no list of revoked kiosks");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// Resolves when somebody was revoked, or may have been.
async fn next_revocation(news: &mut broadcast::Receiver<std::sync::Arc<News>>) {
    loop {
        match news.recv().await.as_deref() {
            Ok(News::Revoked | News::Resync) | Err(broadcast::error::RecvError::Lagged(_)) => return,
            Ok(News::Changed { .. } | News::Due) => {}
            // The hub lives as long as this does.
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

async fn make(database: &Database, authorities: &Authorities, folder: &Path) -> Result<usize, Failed> {
    let doing = "list the revoked kiosks";
    let mut connection = database.connection().await?;
    let transaction = connection.transaction().await.trying("begin")?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await.trying(doing)?;
    let number: i64 = transaction.query_one("SELECT next_revocation_list()", &[]).await.trying(doing)?.get(0);
    let rows = transaction
        .query("SELECT serial, at_s, reason FROM revoked_certificates()", &[])
        .await
        .trying(doing)?;
    let revoked: Vec<Revoked> = rows
        .iter()
        .filter_map(|row| {
            Some(Revoked {
                serial: row.get::<_, &str>(0).parse().ok()?,
                at: SystemTime::UNIX_EPOCH + Duration::from_secs(row.get::<_, i64>(1).unsigned_abs()),
                because: because(row.get(2)),
            })
        })
        .collect();
    let list = authorities.kiosk.revocation_list(&revoked, number.unsigned_abs(), SystemTime::now())?;
    keep_revocation_list(folder, &list)?;
    transaction.commit().await.trying(doing)?;
    Ok(revoked.len())
}

fn because(reason: Option<&str>) -> RevokedBecause {
    match reason {
        Some("superseded") => RevokedBecause::Superseded,
        Some("stolen") => RevokedBecause::KeyCompromise,
        Some(_) => RevokedBecause::CessationOfOperation,
        None => RevokedBecause::Unspecified,
    }
}

impl Reload {
    async fn tell(&self) {
        match self {
            // The supervisor is gone only when the program ends.
            Self::Supervisor(sender) => drop(sender.send(()).await),
            Self::Command(command) => {
                let ended = tokio::process::Command::new("/bin/sh").arg("-c").arg(command).status().await;
                match ended {
                    Ok(status) if status.success() => {}
                    Ok(status) => tracing::error!(%status, "the command that reloads the broker failed"),
                    Err(error) => {
                        tracing::error!(%error, "the command that reloads the broker cannot be run")
                    }
                }
            }
            Self::Nobody => {
                tracing::info!(
                    "the broker has to read kiosk.crl again: send it SIGHUP, or set broker_reload"
                );
            }
        }
    }
}
