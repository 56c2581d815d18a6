//! What was not understood.

use axum::Json;
use axum::extract::State;
use deadpool_postgres::Transaction;
use protocol::topic::KioskId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::Api;
use super::door::Staff;
use super::extract::{Ask, At, Body};
use super::filters;
use super::page::{self, Order, Page, Part, text};
use super::problem::{Answer, Failed};
use crate::database::Trying;
use crate::filter::Sql;
use crate::hub::Subject;
use crate::ingest::replay::{Kept, replay};

/// An event or payload that was not understood.
#[derive(Serialize, Deserialize, Debug, ToSchema)]
pub(super) struct Quarantined {
    /// Number.
    id: i64,
    /// Of which kiosk.
    kiosk: String,
    /// On which of its topics.
    topic: String,
    /// Epoch of its log.
    #[schema(required)]
    epoch: Option<i64>,
    /// Place in it.
    #[schema(required)]
    seq: Option<i64>,
    /// The event's id, if it could be read.
    #[schema(required)]
    event_id: Option<Uuid>,
    /// Why: a code.
    reason: String,
    /// Why: in English.
    detail: String,
    /// The first 4 KiB of it, with what is no UTF-8 escaped.
    raw: String,
    /// Its length in bytes.
    bytes: i64,
    /// When it came.
    #[schema(format = DateTime)]
    received_at: String,
    /// When somebody dealt with it.
    #[schema(format = DateTime, required)]
    released_at: Option<String>,
    /// By whom.
    #[schema(required)]
    released_by: Option<String>,
    /// How: `released`, it was applied; or `discarded`.
    #[schema(required)]
    outcome: Option<String>,
}

/// Which of them.
#[derive(Deserialize, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Of this kiosk.
    kiosk: Option<String>,
    /// With this reason.
    reason: Option<String>,
    /// Of kiosks that this filter lets through.
    filter: Option<String>,
}

const COLUMNS: &str = "q.id, q.kiosk, q.topic, q.epoch, q.seq, q.event_id, q.reason, q.detail,
    encode(substr(q.raw, 1, 4096), 'escape') AS raw, length(q.raw) AS bytes, q.received_at, q.released_at,
    q.released_by, q.outcome";

/// What was not understood, the newest first.
#[utoipa::path(get, path = "/v1/quarantine", tag = "sales", params(Which, Part),
    responses((status = 200, body = Page<Quarantined>)))]
pub(super) async fn list(
    State(api): State<Api>,
    staff: Staff,
    Ask(which): Ask<Which>,
    Ask(part): Ask<Part>,
) -> Answer<Json<Page<Quarantined>>> {
    page::conditions([&which.kiosk, &which.reason])?;
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let filter = filters::read_some(&transaction, which.filter.as_deref()).await?;
    let conditions = |sql: &mut Sql| {
        filters::of_kiosks(sql, "q.kiosk", filter.as_ref());
        sql.equal("q.kiosk", which.kiosk).equal("q.reason", which.reason);
    };
    let order = Order { by: "q.id", kind: "bigint", then: "q.id", then_kind: "bigint", descending: true };
    Ok(Json(page::page(&transaction, (COLUMNS, "quarantine q"), conditions, order, &part).await?))
}

/// Why somebody deals with it so.
#[derive(Deserialize, Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Dealt {
    /// For the audit log.
    #[serde(default)]
    note: String,
}

/// How somebody deals with what was not understood.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Released,
    Discarded,
}

impl Outcome {
    const fn word(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Discarded => "discarded",
        }
    }

    const fn action(self) -> &'static str {
        match self {
            Self::Released => "quarantine.release",
            Self::Discarded => "quarantine.discard",
        }
    }
}

/// Tries an event again and applies it, out of its place: because this version knows its kind, or what it needs is there
/// now. What does not fit its log (`CHAIN`, `FORK`) or is no event cannot be.
#[utoipa::path(post, path = "/v1/quarantine/{id}/release", tag = "sales", params(("id" = i64, Path)),
    request_body = Dealt, responses((status = 200, body = Quarantined)))]
pub(super) async fn release(
    State(api): State<Api>,
    staff: Staff,
    At(id): At<i64>,
    Body(asked): Body<Dealt>,
) -> Answer<Json<Quarantined>> {
    let dealt = deal(&api, &staff, (id, Outcome::Released), &asked).await?;
    api.hub.due();
    Ok(dealt)
}

/// Gives something up: it stays kept, and waits for nobody any more.
#[utoipa::path(post, path = "/v1/quarantine/{id}/discard", tag = "sales", params(("id" = i64, Path)),
    request_body = Dealt, responses((status = 200, body = Quarantined)))]
pub(super) async fn discard(
    State(api): State<Api>,
    staff: Staff,
    At(id): At<i64>,
    Body(asked): Body<Dealt>,
) -> Answer<Json<Quarantined>> {
    deal(&api, &staff, (id, Outcome::Discarded), &asked).await
}

async fn deal(
    api: &Api,
    staff: &Staff,
    (id, outcome): (i64, Outcome),
    asked: &Dealt,
) -> Answer<Json<Quarantined>> {
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    if outcome == Outcome::Released {
        apply_again(&transaction, staff, id).await?;
    }
    let dealt = note(&transaction, staff, (id, outcome), asked).await?;
    transaction.commit().await.trying("deal with an event")?;
    api.hub.changed(&staff.tenant, Subject::Kiosk, [dealt.kiosk.clone()]);
    Ok(Json(dealt))
}

/// Applies an event that nobody has dealt with yet.
async fn apply_again(transaction: &Transaction<'_>, staff: &Staff, id: i64) -> Answer<()> {
    let sql =
        "SELECT q.kiosk, k.site, q.epoch, q.raw, q.reason FROM quarantine q JOIN kiosk k ON k.id = q.kiosk
               WHERE q.id = $1 AND q.released_at IS NULL FOR UPDATE OF q";
    let row = transaction.query_opt(sql, &[&id]).await.trying("lock a quarantined event")?;
    let Some(row) = row else { return Ok(()) };
    let (kiosk, site, epoch, raw, reason): (String, String, Option<i64>, Vec<u8>, String) =
        (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4));
    let refused = |why: String| {
        Failed::unfit("refused", format!("it still cannot be applied: {why}"))
            .next("look at it: fleetctl quarantine -o json; or give it up: fleetctl quarantine discard")
    };
    let epoch = epoch.filter(|_| ["KIND", "SCHEMA", "APPLY"].contains(&reason.as_str()));
    let epoch = epoch.ok_or_else(|| refused(format!("what is kept as {reason} has no place in the log")))?;
    let kiosk = KioskId::new(kiosk).map_err(|error| refused(error.to_string()))?;
    let kept = Kept { kiosk: &kiosk, site: &site, epoch, raw: &raw };
    replay(transaction, &staff.tenant, &kept).await?.map_err(refused)
}

/// Notes how somebody dealt with it. The same said again changes nothing.
async fn note(
    transaction: &Transaction<'_>,
    staff: &Staff,
    (id, outcome): (i64, Outcome),
    asked: &Dealt,
) -> Answer<Quarantined> {
    text("note", &asked.note, 1000)?;
    let sql = "UPDATE quarantine SET released_at = now(), released_by = $2, outcome = $3
               WHERE id = $1 AND released_at IS NULL";
    let dealt =
        transaction.execute(sql, &[&id, &staff.actor, &outcome.word()]).await.trying("deal with an event")?;
    let sql = format!("SELECT {COLUMNS} FROM quarantine q WHERE q.id = $1");
    let kept: Option<Quarantined> = page::one(transaction, &sql, &[&id]).await?;
    let kept = kept.ok_or_else(|| Failed::missing("quarantined event", id))?;
    if dealt == 0 {
        let before = kept.outcome.as_deref().unwrap_or_default();
        return if before == outcome.word() {
            Ok(kept)
        } else {
            Err(Failed::conflict("done", format!("it was {before} already")))
        };
    }
    let detail =
        json!({ "kiosk": kept.kiosk, "event": kept.event_id, "reason": kept.reason, "note": asked.note });
    staff.note(transaction, outcome.action(), &id.to_string(), detail).await?;
    Ok(kept)
}
