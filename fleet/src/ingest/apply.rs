//! One transaction: lock the streams, decide, fold, store, answer.

use std::collections::BTreeMap;

use deadpool_postgres::{Object, Transaction};
use domain::ids::Uuid;
use protocol::event::Hash;
use protocol::sync::{Ack, Received};
use protocol::topic::KioskId;
use tokio_postgres::error::{DbError, SqlState};

use super::decide::{Stream, decide, known_range};
use super::fold::Whose;
use super::logs::{self, Returned};
use super::save::Ids;
use super::settle::{self, fold};
use super::waves::waves;
use super::{load, save, tasks};
use crate::database::{DatabaseError, Trying, begin};

/// A batch of a known kiosk.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// Who sent it: the topic's kiosk, which the broker holds to the certificate.
    pub kiosk: KioskId,
    /// Where the kiosk stands.
    pub site: String,
    /// What it sent.
    pub batch: Received,
}

impl Incoming {
    pub(super) fn whose(&self) -> Whose<'_> {
        Whose { kiosk: self.kiosk.as_str(), site: &self.site, epoch: self.batch.epoch }
    }
}

/// Numbers that could not be stored in an earlier try, by place among the batches.
type Refused = BTreeMap<usize, BTreeMap<u64, String>>;

/// Applies batches of one tenant, and says what to answer to each, in order. Those that repeat nothing of each
/// other share a transaction.
///
/// # Errors
/// The database is not there or refuses for a reason that is not the events'. Whatever was applied is known
/// when it comes again.
pub async fn apply_group(
    connection: &mut Object,
    tenant: &str,
    batches: &[Incoming],
    now_ms: i64,
) -> Result<Vec<Ack>, DatabaseError> {
    let waves = waves(batches);
    if waves.len() < 2 {
        return apply_wave(connection, tenant, batches, now_ms).await;
    }
    let mut acks = BTreeMap::new();
    for places in waves {
        let wave: Vec<Incoming> = places.iter().map(|place| batches[*place].clone()).collect();
        let answers = apply_wave(connection, tenant, &wave, now_ms).await?;
        acks.extend(places.into_iter().zip(answers));
    }
    Ok(acks.into_values().collect())
}

/// Applies batches, none of which repeats another, in one transaction: all of them or none.
async fn apply_wave(
    connection: &mut Object,
    tenant: &str,
    batches: &[Incoming],
    now_ms: i64,
) -> Result<Vec<Ack>, DatabaseError> {
    let mut refused = Refused::new();
    let mut ids = Ids::New;
    let mut was_taken = false;
    loop {
        match attempt(connection, (tenant, ids), batches, &refused, now_ms).await {
            Ok(Attempt::Done(acks)) => return Ok(acks),
            Ok(Attempt::Clash(clashes)) => {
                for (place, seq) in clashes {
                    let why = "another event has its id".to_owned();
                    refused.entry(place).or_default().insert(seq, why);
                }
            }
            Err(error) if ids == Ids::New && is_known_id(&error) => ids = Ids::Suspect,
            // The next try sees whose it is.
            Err(DatabaseError::Taken) if !was_taken => was_taken = true,
            Err(error) if is_about_data(&error) && batches.len() > 1 => {
                let mut acks = Vec::with_capacity(batches.len());
                for batch in batches {
                    let one = std::slice::from_ref(batch);
                    acks.extend(Box::pin(apply_wave(connection, tenant, one, now_ms)).await?);
                }
                return Ok(acks);
            }
            Err(error) if is_about_data(&error) => {
                let culprit = find_culprit(connection, tenant, &batches[0], &refused, now_ms).await?;
                let Some(seq) = culprit else { return Err(error) };
                tracing::warn!(kiosk = %batches[0].kiosk, seq, %error, "an event cannot be stored");
                let why = "the database cannot store it".to_owned();
                refused.entry(0).or_default().insert(seq, why);
            }
            Err(error) => return Err(error),
        }
    }
}

enum Attempt {
    Done(Vec<Ack>),
    /// The ids of these belong to other events: place among the batches, number.
    Clash(Vec<(usize, u64)>),
}

/// Whether the events themselves are what the database does not like.
fn is_about_data(error: &DatabaseError) -> bool {
    let DatabaseError::Refused { source, .. } = error else { return matches!(error, DatabaseError::Taken) };
    if source.as_db_error().is_some_and(is_of_another_tenant) {
        return true;
    }
    // A parameter that cannot be sent has no state of the server's; its cause is the value.
    source.code().map_or_else(|| source.to_string().contains("serializing"), is_data_state)
}

/// Whether something of this key is stored already.
fn is_known_id(error: &DatabaseError) -> bool {
    matches!(error, DatabaseError::Refused { source, .. } if source.code() == Some(&SqlState::UNIQUE_VIOLATION))
}

/// An id that another tenant's row has. Its state is that of a missing permission as well, which is nobody's data: only
/// the place in the server tells them apart.
fn is_of_another_tenant(error: &DbError) -> bool {
    error.code() == &SqlState::INSUFFICIENT_PRIVILEGE && error.routine() == Some("ExecWithCheckOptions")
}

/// SQLSTATE classes 22 (data exception) and 23 (integrity).
fn is_data_state(state: &SqlState) -> bool {
    state.code().starts_with("22") || state.code().starts_with("23")
}

/// Tries ever more of a batch, without keeping anything, until the database objects: the last one did it.
async fn find_culprit(
    connection: &mut Object,
    tenant: &str,
    incoming: &Incoming,
    refused: &Refused,
    now_ms: i64,
) -> Result<Option<u64>, DatabaseError> {
    let (mut good, mut bad) = (0, incoming.batch.events.len());
    while good + 1 < bad {
        let middle = usize::midpoint(good, bad);
        let mut part = incoming.clone();
        part.batch.events.truncate(middle);
        let mut transaction = begin(connection, tenant).await?;
        match within(&mut transaction, (tenant, Ids::Suspect), &[part], refused, now_ms).await {
            Ok(_) => good = middle,
            Err(error) if is_about_data(&error) => bad = middle,
            Err(error) => return Err(error),
        }
        // Dropped without a commit: rolled back.
    }
    let seq = incoming.batch.from + good as u64;
    let known_bad = refused.get(&0).is_some_and(|refused| refused.contains_key(&seq));
    Ok((!known_bad).then_some(seq))
}

async fn attempt(
    connection: &mut Object,
    (tenant, ids): (&str, Ids),
    batches: &[Incoming],
    refused: &Refused,
    now_ms: i64,
) -> Result<Attempt, DatabaseError> {
    let mut transaction = begin(connection, tenant).await?;
    let attempt = within(&mut transaction, (tenant, ids), batches, refused, now_ms).await?;
    match attempt {
        Attempt::Done(_) => transaction.commit().await.trying("commit a group")?,
        Attempt::Clash(_) => transaction.rollback().await.trying("take a group back")?,
    }
    Ok(attempt)
}

async fn within(
    transaction: &mut Transaction<'_>,
    (tenant, ids): (&str, Ids),
    batches: &[Incoming],
    refused: &Refused,
    now_ms: i64,
) -> Result<Attempt, DatabaseError> {
    let mut streams = load::lock_streams(transaction, tenant, batches).await?;
    let mut decisions = Vec::with_capacity(batches.len());
    let (mut forks, mut returned) = (Vec::new(), Vec::new());
    let nothing = BTreeMap::new();
    for (place, incoming) in batches.iter().enumerate() {
        let key = (incoming.kiosk.to_string(), incoming.batch.epoch);
        let stream = streams.entry(key.clone()).or_default();
        let known = match known_range(stream, &incoming.batch) {
            Some(range) => load::known(transaction, &key, range).await?,
            None => BTreeMap::new(),
        };
        let (was_forked, next) = (stream.forked_at.is_some(), stream.next);
        decisions.push(decide(stream, &incoming.batch, &known, refused.get(&place).unwrap_or(&nothing)));
        forks.extend(stream.forked_at.filter(|_| !was_forked).map(|at| forked(incoming, at)));
        if stream.next > next {
            returned.extend(Returned::of(incoming, stream));
        }
    }
    let folded = fold(transaction, batches, &mut decisions).await?;
    let clashes = settle::store(transaction, (tenant, ids), batches, &mut decisions, folded).await?;
    if !clashes.is_empty() {
        return Ok(Attempt::Clash(clashes));
    }
    save::quarantine(transaction, tenant, batches, &decisions).await?;
    let raised: Vec<Raised> = forks.into_iter().chain(returned.iter().filter_map(Returned::task)).collect();
    save::tasks(transaction, tenant, &raised).await?;
    tasks::store(transaction, tenant, batches, &decisions).await?;
    logs::look_at(transaction, tenant, &returned).await?;
    save::streams(transaction, tenant, batches, &streams).await?;
    let acks = decisions
        .into_iter()
        .zip(batches)
        .map(|(decision, incoming)| decision.into_ack(incoming.batch.b, incoming.batch.epoch, now_ms));
    Ok(Attempt::Done(acks.collect()))
}

/// Raised with an event.
#[derive(Debug)]
pub(super) struct Raised {
    pub site: String,
    pub kiosk: String,
    pub kind: &'static str,
    pub detail: String,
    pub sale: Option<Uuid>,
    pub event: Option<Uuid>,
    /// The kiosk's own: its id there, and the payment that it is about.
    pub own: Option<(Uuid, Option<Uuid>)>,
}

/// An epoch is found to be forked: raised once, because it stays so.
fn forked(incoming: &Incoming, at: u64) -> Raised {
    let epoch = incoming.batch.epoch;
    Raised {
        site: incoming.site.clone(),
        kiosk: incoming.kiosk.to_string(),
        kind: "forked",
        detail: format!(
            "two machines, or a restored store, go on as this kiosk: number {at} of epoch {epoch} exists \
             twice; what comes in this epoch from there on is kept in quarantine and not booked"
        ),
        sale: None,
        event: None,
        own: None,
    }
}

/// Streams by kiosk and epoch.
pub(super) type Streams = BTreeMap<(String, u64), Stream>;

/// A hash from the database.
pub(super) fn hash(bytes: &[u8]) -> Option<Hash> {
    bytes.try_into().ok()
}
