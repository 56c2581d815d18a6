//! Rollouts: how a release comes to the kiosks of a tenant.

mod plan;
mod start;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use deadpool_postgres::Transaction;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::Api;
use super::door::Staff;
use super::extract::{Ask, At, Body};
use super::page::{self, Order, Page, Part, text};
use super::problem::{Answer, Failed};
use crate::database::Trying;
use crate::hub::Subject;
use crate::rollout::Halt;
use crate::updates::rollouts::withdraw;

pub(super) use start::{Asked, NewRollout, Rollback};

/// A rollout and where it stands.
#[derive(Serialize, Deserialize, Debug, ToSchema)]
pub(super) struct Rollout {
    /// The campaign that kiosks are told of.
    id: String,
    /// Which kiosks the release is for.
    model: String,
    /// The release.
    number: i64,
    /// Its name for people.
    version: String,
    /// Whom it is for.
    filter: String,
    /// To an earlier release.
    back: bool,
    /// `draft` (waits for another person's approval), `running`, `paused`, `halted`, `done`.
    state: String,
    /// The wave that is admitted, from 0.
    wave: i32,
    /// Waves, site limit, soak and all that.
    #[schema(value_type = Object)]
    plan: Value,
    /// Why it halted: `same_reason`, `failures`, `health` or `operator`, with the details.
    #[schema(value_type = Option<Object>, required)]
    why: Option<Value>,
    /// Kiosks by how far they are: `waiting`, `assigned`, `withdrawn`, `switching`, `good`, `bad`.
    #[schema(value_type = Object)]
    kiosks: Value,
    /// Who made it.
    created_by: String,
    /// When.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it began.
    #[schema(format = DateTime, required)]
    started_at: Option<String>,
    /// When it was over.
    #[schema(format = DateTime, required)]
    ended_at: Option<String>,
}

const COLUMNS: &str =
    "r.id, r.n, r.model, r.number, l.version, r.filter, r.back, r.state, r.wave, r.plan, r.why,
    r.created_by, r.created_at, r.started_at, r.ended_at,
    (SELECT coalesce(jsonb_object_agg(phase, count), '{}') FROM
       (SELECT shown_phase(r.state, m.phase) AS phase, count(*) FROM rollout_member m WHERE m.rollout = r.id
        GROUP BY 1) AS c) AS kiosks";
const FROM: &str = "rollout r JOIN release l USING (model, number)";

/// A kiosk in a rollout.
#[derive(Serialize, Deserialize, Debug, ToSchema)]
pub(super) struct RolloutKiosk {
    /// Its id.
    kiosk: String,
    /// Where it is.
    site: String,
    /// Its wave, from 0.
    wave: i32,
    /// `waiting`, `assigned`, `withdrawn` (the rollout ended before it had switched), `switching`, `good`, `bad`.
    phase: String,
    /// Since when.
    #[schema(format = DateTime)]
    since: String,
    /// Why it went badly.
    #[schema(required)]
    reason: Option<String>,
    /// What it says of its update.
    #[schema(required)]
    step: Option<String>,
    /// Who has stopped updates at the kiosk itself.
    #[schema(required)]
    held_by: Option<String>,
}

/// Rollouts, the newest first.
#[utoipa::path(get, path = "/v1/rollouts", tag = "updates", params(Part),
    responses((status = 200, body = Page<Rollout>)))]
pub(super) async fn list(
    State(api): State<Api>,
    staff: Staff,
    Ask(part): Ask<Part>,
) -> Answer<Json<Page<Rollout>>> {
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let order = Order { by: "r.n", kind: "bigint", then: "r.id", then_kind: "text", descending: true };
    Ok(Json(page::page(&transaction, (COLUMNS, FROM), |_| {}, order, &part).await?))
}

/// A rollout.
#[utoipa::path(get, path = "/v1/rollouts/{id}", tag = "updates", params(("id" = String, Path)),
    responses((status = 200, body = Rollout)))]
pub(super) async fn show(State(api): State<Api>, staff: Staff, At(id): At<String>) -> Answer<Json<Rollout>> {
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    Ok(Json(read(&transaction, &id).await?))
}

async fn read(transaction: &Transaction<'_>, id: &str) -> Answer<Rollout> {
    text("id", id, 64)?;
    let sql = format!("SELECT {COLUMNS} FROM {FROM} WHERE r.id = $1");
    page::one(transaction, &sql, &[&id]).await?.ok_or_else(|| Failed::missing("rollout", id))
}

/// The kiosks of a rollout.
#[utoipa::path(get, path = "/v1/rollouts/{id}/kiosks", tag = "updates", params(("id" = String, Path), Part),
    responses((status = 200, body = Page<RolloutKiosk>)))]
pub(super) async fn kiosks(
    State(api): State<Api>,
    staff: Staff,
    At(id): At<String>,
    Ask(part): Ask<Part>,
) -> Answer<Json<Page<RolloutKiosk>>> {
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    read(&transaction, &id).await?;
    let columns = "m.kiosk, m.site, m.wave, shown_phase(r.state, m.phase) AS phase, m.since, m.reason,
        CASE WHEN u.under_way->>'campaign' = m.rollout THEN u.under_way->>'step' END AS step, u.held_by";
    let from =
        "rollout_member m JOIN rollout r ON r.id = m.rollout LEFT JOIN update_state u ON u.kiosk = m.kiosk";
    let order =
        Order { by: "m.wave", kind: "integer", then: "m.kiosk", then_kind: "text", descending: false };
    let of = |sql: &mut crate::filter::Sql| {
        sql.equal("m.rollout", Some(id));
    };
    Ok(Json(page::page(&transaction, (columns, from), of, order, &part).await?))
}

/// Makes a rollout; it starts at once unless somebody else has to approve it.
#[utoipa::path(post, path = "/v1/rollouts", tag = "updates", request_body = NewRollout,
    responses((status = 200, body = Asked, description = "A dry run"), (status = 201, body = Asked)))]
pub(super) async fn create(
    State(api): State<Api>,
    staff: Staff,
    Body(asked): Body<NewRollout>,
) -> Answer<(StatusCode, Json<Asked>)> {
    start::create(&api, &staff, asked).await
}

/// Halts a rollout and makes one to an earlier release, for the kiosks that run a later one.
#[utoipa::path(post, path = "/v1/rollouts/{id}/rollback", tag = "updates", params(("id" = String, Path)),
    request_body = Rollback,
    responses((status = 200, body = Asked, description = "A dry run"), (status = 201, body = Asked)))]
pub(super) async fn rollback(
    State(api): State<Api>,
    staff: Staff,
    At(id): At<String>,
    Body(asked): Body<Rollback>,
) -> Answer<(StatusCode, Json<Asked>)> {
    text("id", &id, 64)?;
    start::rollback(&api, &staff, &id, asked).await
}

/// Starts a rollout that somebody else has made.
#[utoipa::path(post, path = "/v1/rollouts/{id}/approve", tag = "updates", params(("id" = String, Path)),
    responses((status = 200, body = Rollout)))]
pub(super) async fn approve(
    State(api): State<Api>,
    staff: Staff,
    At(id): At<String>,
) -> Answer<Json<Rollout>> {
    text("id", &id, 64)?;
    start::approve(&api, &staff, &id).await?;
    show(State(api), staff, At(id)).await
}

/// Tells nobody else for now; whoever has its turn goes on.
#[utoipa::path(post, path = "/v1/rollouts/{id}/pause", tag = "updates", params(("id" = String, Path)),
    responses((status = 200, body = Rollout)))]
pub(super) async fn pause(State(api): State<Api>, staff: Staff, At(id): At<String>) -> Answer<Json<Rollout>> {
    let sql = "UPDATE rollout SET state = 'paused' WHERE id = $1 AND state = 'running'";
    change(&api, &staff, &id, (sql, "rollout.pause", "running", json!({}))).await
}

/// Goes on after a pause. What the wave did is accepted by that.
#[utoipa::path(post, path = "/v1/rollouts/{id}/resume", tag = "updates", params(("id" = String, Path)),
    responses((status = 200, body = Rollout)))]
pub(super) async fn resume(
    State(api): State<Api>,
    staff: Staff,
    At(id): At<String>,
) -> Answer<Json<Rollout>> {
    let sql = "UPDATE rollout SET state = 'running', memory = memory || jsonb_build_object('accepted', wave)
               WHERE id = $1 AND state = 'paused'";
    change(&api, &staff, &id, (sql, "rollout.resume", "paused", json!({}))).await
}

/// Why a rollout is stopped.
#[derive(Deserialize, Serialize, Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Stop {
    /// For people.
    #[serde(default)]
    reason: String,
}

/// Stops a rollout for good. Kiosks that have not switched stay where they are, also those that hear nothing but the
/// broker; whoever has its turn finishes.
#[utoipa::path(post, path = "/v1/rollouts/{id}/halt", tag = "updates", params(("id" = String, Path)),
    request_body = Stop, responses((status = 200, body = Rollout)))]
pub(super) async fn halt(
    State(api): State<Api>,
    staff: Staff,
    At(id): At<String>,
    Body(asked): Body<Stop>,
) -> Answer<Json<Rollout>> {
    text("reason", &asked.reason, 500)?;
    text("id", &id, 64)?;
    staff.everywhere()?;
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    stop(&transaction, &staff, &id, &asked.reason).await?;
    let rollout = read(&transaction, &id).await?;
    transaction.commit().await.trying("halt a rollout")?;
    tell(&api, &staff);
    Ok(Json(rollout))
}

async fn stop(transaction: &Transaction<'_>, staff: &Staff, id: &str, reason: &str) -> Answer<()> {
    let why = json!(Halt::Operator(reason.to_owned()));
    let sql = "UPDATE rollout SET state = 'halted', why = $2, ended_at = now()
               WHERE id = $1 AND state IN ('draft', 'running', 'paused')";
    if transaction.execute(sql, &[&id, &why]).await.trying("halt a rollout")? == 0 {
        return Err(is_not(transaction, id, "running").await);
    }
    withdraw(transaction, id).await?;
    staff.note(transaction, "rollout.halt", id, json!({ "reason": reason })).await?;
    Ok(())
}

async fn change(
    api: &Api,
    staff: &Staff,
    id: &str,
    (sql, action, from, detail): (&str, &'static str, &str, Value),
) -> Answer<Json<Rollout>> {
    text("id", id, 64)?;
    staff.everywhere()?;
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    if transaction.execute(sql, &[&id]).await.trying("change a rollout")? == 0 {
        return Err(is_not(&transaction, id, from).await);
    }
    staff.note(&transaction, action, id, detail).await?;
    let rollout = read(&transaction, id).await?;
    transaction.commit().await.trying("change a rollout")?;
    tell(api, staff);
    Ok(Json(rollout))
}

/// Why a rollout cannot be changed like this.
async fn is_not(transaction: &Transaction<'_>, id: &str, wanted: &str) -> Failed {
    match read(transaction, id).await {
        Ok(rollout) => Failed::conflict("state", format!("{id} is {}, not {wanted}", rollout.state))
            .next(format!("fleetctl rollout show {id}")),
        Err(failed) => failed,
    }
}

fn tell(api: &Api, staff: &Staff) {
    api.hub.due();
    api.hub.many(&staff.tenant, Subject::Kiosk);
}
