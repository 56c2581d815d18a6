//! Which of its logs a kiosk writes. A kiosk whose store was begun anew writes a new one, and the one before is silent
//! for ever. When one goes on after another, its quota follows it; unless that was a late delivery, two machines share
//! a key.

use deadpool_postgres::Transaction;

use super::apply::{Incoming, Raised};
use super::decide::Stream;
use super::save::execute;
use crate::database::DatabaseError;

/// What was underway while a log began may still come in: nobody is called for it.
const LATE_S: i64 = 600;

/// A log that goes on after another one of its kiosk did.
pub(super) struct Returned<'a> {
    incoming: &'a Incoming,
    overtaken_s: i64,
}

impl<'a> Returned<'a> {
    /// `stream` has moved.
    pub(super) fn of(incoming: &'a Incoming, stream: &mut Stream) -> Option<Self> {
        let overtaken_s = stream.overtaken_s.take()?;
        Some(Self { incoming, overtaken_s })
    }

    /// For somebody to look at.
    pub(super) fn task(&self) -> Option<Raised> {
        let Self { incoming, overtaken_s } = self;
        (*overtaken_s > LATE_S).then(|| Raised {
            site: incoming.site.clone(),
            kiosk: incoming.kiosk.to_string(),
            kind: "log_returned",
            detail: format!(
                "the log of epoch {} goes on although the kiosk has written another one since: two machines, or a \
                 restored store, or somebody with its key, write as this kiosk; both logs are booked",
                incoming.batch.epoch
            ),
            sale: None,
            event: None,
            own: None,
        })
    }
}

/// The kiosks' parts of the stock are to follow their logs.
pub(super) async fn look_at(
    transaction: &Transaction<'_>,
    tenant: &str,
    returned: &[Returned<'_>],
) -> Result<(), DatabaseError> {
    if returned.is_empty() {
        return Ok(());
    }
    let kiosks: Vec<&str> = returned.iter().map(|it| it.incoming.kiosk.as_str()).collect();
    let sql = "INSERT INTO quota_look (tenant, kiosk) SELECT $1, k FROM unnest($2::text[]) AS of (k)";
    execute(transaction, "note whose log is another", sql, &[&tenant, &kiosks]).await?;
    Ok(())
}
