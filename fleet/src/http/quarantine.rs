//! What was not understood.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::Api;
use super::door::Staff;
use super::extract::Ask;
use super::filters;
use super::page::{self, Order, Page, Part};
use super::problem::Answer;
use crate::filter::Sql;

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
    let columns = "q.id, q.kiosk, q.topic, q.epoch, q.seq, q.event_id, q.reason, q.detail,
        encode(substr(q.raw, 1, 4096), 'escape') AS raw, length(q.raw) AS bytes, q.received_at, q.released_at";
    let order = Order { by: "q.id", kind: "bigint", then: "q.id", then_kind: "bigint", descending: true };
    Ok(Json(page::page(&transaction, (columns, "quarantine q"), conditions, order, &part).await?))
}
