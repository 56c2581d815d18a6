//! An event from quarantine is tried again, for example because this version knows its kind. Its stream has gone on
//! without it, so it is applied out of its place.

use deadpool_postgres::Transaction;
use protocol::event::GENESIS;
use protocol::sync::{Received, WireEvent};
use protocol::text::Id;
use protocol::topic::KioskId;

use super::apply::Incoming;
use super::decide::{Accepted, Decision, full};
use super::save::Ids;
use super::settle::{self, fold};
use super::tasks;
use crate::database::{DatabaseError, Trying};

/// Where a quarantined event came from.
pub(crate) struct Kept<'a> {
    pub kiosk: &'a KioskId,
    /// Where the kiosk stands.
    pub site: &'a str,
    pub epoch: i64,
    /// As it travelled.
    pub raw: &'a [u8],
}

/// Applies it. `Err` within: why it cannot be, and what was tried has to be rolled back.
///
/// # Errors
/// The database refuses.
pub(crate) async fn replay(
    transaction: &Transaction<'_>,
    tenant: &str,
    kept: &Kept<'_>,
) -> Result<Result<(), String>, DatabaseError> {
    let event: WireEvent = match serde_json::from_slice(kept.raw) {
        Ok(event) => event,
        Err(error) => return Ok(Err(format!("it is no event: {error}"))),
    };
    let epoch = kept.epoch.cast_unsigned();
    let envelope = event.envelope(kept.kiosk.as_str(), epoch);
    let decoded = match protocol::event::decode(&envelope.kind, envelope.version, &envelope.body) {
        Ok(decoded) => decoded,
        Err(error) => return Ok(Err(full(&error))),
    };
    // What the kiosk sends meanwhile waits.
    let lock = "SELECT FROM stream WHERE tenant = $1 AND kiosk = $2 AND epoch = $3 FOR UPDATE";
    transaction.query(lock, &[&tenant, &kept.kiosk.as_str(), &kept.epoch]).await.trying("lock a stream")?;
    let accepted = Accepted { envelope, hash: event.hash.0, event: decoded };
    let batch = Received {
        b: Id::from([0; 16]),
        epoch,
        from: event.s,
        previous: GENESIS,
        written_as: kept.kiosk.to_string(),
        events: vec![Ok(event)],
    };
    let batches = [Incoming { kiosk: kept.kiosk.clone(), site: kept.site.to_owned(), batch }];
    let mut decisions = [Decision { accepted: vec![accepted], ..Decision::default() }];
    let folded = fold(transaction, &batches, &mut decisions).await?;
    if let Some(refused) = decisions[0].quarantined.first() {
        return Ok(Err(refused.detail.clone()));
    }
    let known = (tenant, Ids::Suspect);
    if !settle::store(transaction, known, &batches, &mut decisions, folded).await?.is_empty() {
        return Ok(Err("another event has its id".to_owned()));
    }
    tasks::store(transaction, tenant, &batches, &decisions).await?;
    Ok(Ok(()))
}
