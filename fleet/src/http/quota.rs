//! Quotas: what a kiosk may sell of what its site counts, and has left.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::door::Staff;
use super::extract::At;
use super::page::{self, text};
use super::problem::{Answer, Failed};
use super::stock::Beyond;

/// A kiosk's quota: ceilings on what it sells in this epoch of its log. What it does not name is not counted.
#[derive(Serialize, Deserialize, Debug, ToSchema)]
pub(super) struct Quota {
    /// Of the latest one; 0: none was offered.
    rev: i64,
    /// Of the one that the kiosk said last it has.
    in_force_rev: i64,
    /// The epoch whose sales are counted.
    epoch: i64,
    /// How long the latest lasts if it reached the kiosk at once. A kiosk that is away counts from when it came.
    #[schema(format = DateTime, required)]
    until: Option<String>,
    /// The goods, by variation.
    #[schema(value_type = Vec<Allowance>)]
    goods: Vec<Allowance>,
}

/// Of one of the goods; quantities in 1e-5 pieces.
#[derive(Serialize, Deserialize, Debug, ToSchema)]
pub(super) struct Allowance {
    /// What.
    variation: String,
    /// What the kiosk sold in this epoch, as far as it told.
    sold: i64,
    /// What its sales may add up to by the latest quota.
    upto: i64,
    /// What it may still sell by that.
    left: i64,
    /// What is set aside for it: more than is left until it says that a lower ceiling is in force.
    held: i64,
    /// What it does beyond it.
    beyond: Beyond,
}

/// What a kiosk may sell of what its site counts, and has left.
#[utoipa::path(get, path = "/v1/kiosks/{id}/quota", tag = "stock", params(("id" = String, Path)),
    responses((status = 200, body = Quota)))]
pub(super) async fn of_kiosk(
    State(api): State<Api>,
    staff: Staff,
    At(id): At<String>,
) -> Answer<Json<Quota>> {
    text("id", &id, 64)?;
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let sql = "SELECT coalesce(q.rev, 0) AS rev, coalesce(q.in_force_rev, 0) AS in_force_rev,
                      coalesce(q.epoch, 0) AS epoch, q.until, '[]'::jsonb AS goods
               FROM kiosk k LEFT JOIN quota q ON q.kiosk = k.id WHERE k.id = $1";
    let quota: Option<Quota> = page::one(&transaction, sql, &[&id]).await?;
    let mut quota = quota.ok_or_else(|| Failed::missing("kiosk", &id))?;
    let sql = "SELECT variation, sold, offered AS upto, greatest(offered - sold, 0) AS left,
                      greatest(ceiling - sold, 0) AS held, beyond
               FROM allowance WHERE kiosk = $1 AND epoch = $2 ORDER BY variation";
    quota.goods = page::all(&transaction, sql, &[&id, &quota.epoch]).await?;
    Ok(Json(quota))
}
