//! Stopping all updates of the installation at once, those from sticks too.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::Api;
use super::door::Staff;
use super::extract::Body;
use super::page::{self, text};
use super::problem::Answer;
use crate::database::Trying;

/// That no kiosk goes on with an update.
#[derive(Serialize, Deserialize, Debug, ToSchema)]
pub(super) struct Freeze {
    /// For people. All tenants and kiosks get to know it.
    reason: String,
    /// Since when.
    #[schema(format = DateTime)]
    since: String,
}

/// Why all updates are stopped.
#[derive(Deserialize, Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewFreeze {
    /// For people. All tenants and kiosks get to know it.
    #[serde(default)]
    reason: String,
}

const SQL: &str = "SELECT reason, since FROM update_freeze";

/// Whether all updates are stopped, as a list of one or none.
#[utoipa::path(get, path = "/v1/update-freeze", tag = "updates", responses((status = 200, body = [Freeze])))]
pub(super) async fn show(State(api): State<Api>, staff: Staff) -> Answer<Json<Vec<Freeze>>> {
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    Ok(Json(page::all(&transaction, SQL, &[]).await?))
}

/// Stops all updates of the installation: no kiosk of any tenant goes on with one up to its restart, whoever wishes it.
#[utoipa::path(put, path = "/v1/update-freeze", tag = "updates", request_body = NewFreeze,
    responses((status = 204)))]
pub(super) async fn freeze(
    State(api): State<Api>,
    staff: Staff,
    Body(asked): Body<NewFreeze>,
) -> Answer<StatusCode> {
    text("reason", &asked.reason, 500)?;
    let sql = "INSERT INTO update_freeze (reason) VALUES ($1) ON CONFLICT (is_one) DO UPDATE SET reason = EXCLUDED.reason";
    change(&api, &staff, (sql, &[&asked.reason]), ("updates.freeze", &asked.reason)).await
}

/// Lets updates go on where they were.
#[utoipa::path(delete, path = "/v1/update-freeze", tag = "updates", responses((status = 204)))]
pub(super) async fn unfreeze(State(api): State<Api>, staff: Staff) -> Answer<StatusCode> {
    change(&api, &staff, ("DELETE FROM update_freeze", &[]), ("updates.unfreeze", "")).await
}

type Statement<'a> = (&'a str, &'a [&'a (dyn tokio_postgres::types::ToSql + Sync)]);

async fn change(
    api: &Api,
    staff: &Staff,
    (sql, values): Statement<'_>,
    (action, reason): (&'static str, &str),
) -> Answer<StatusCode> {
    let doing = "stop updates, or let them go on";
    staff.everywhere()?;
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    if transaction.execute(sql, values).await.trying(doing)? > 0 {
        staff.note(&transaction, action, "*", json!({ "reason": reason })).await?;
    }
    transaction.commit().await.trying(doing)?;
    api.hub.due();
    Ok(StatusCode::NO_CONTENT)
}
