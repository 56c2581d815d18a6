//! The events themselves.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::Api;
use super::door::Staff;
use super::extract::Ask;
use super::page::{self, Order, Page, Part, text};
use super::problem::Answer;
use crate::filter::Sql;

/// One event.
#[derive(Serialize, Deserialize, Debug, ToSchema)]
pub(super) struct Event {
    /// UUIDv7.
    id: Uuid,
    /// Whose.
    kiosk: String,
    /// Of its log.
    epoch: i64,
    /// Place in it.
    seq: i64,
    /// What.
    kind: String,
    /// Of the kind.
    version: i16,
    /// When, by the kiosk's clock, ms since 1970.
    wall_ms: i64,
    /// Exactly as the kiosk wrote it: JSON as text.
    body: String,
    /// The fleet's answer, if it was no plain yes: JSON as text.
    #[schema(required)]
    answer: Option<String>,
    /// When it came in.
    #[schema(format = DateTime)]
    received_at: String,
}

/// Which events.
#[derive(Deserialize, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Of this kiosk.
    kiosk: String,
    /// Of this epoch.
    epoch: Option<i64>,
    /// Of this kind.
    kind: Option<String>,
}

/// Events of a kiosk, the newest first.
#[utoipa::path(get, path = "/v1/events", tag = "sales", params(Which, Part),
    responses((status = 200, body = Page<Event>)))]
pub(super) async fn list(
    State(api): State<Api>,
    staff: Staff,
    Ask(which): Ask<Which>,
    Ask(part): Ask<Part>,
) -> Answer<Json<Page<Event>>> {
    text("kiosk", &which.kiosk, 64)?;
    text("kind", which.kind.as_deref().unwrap_or_default(), 200)?;
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let conditions = |sql: &mut Sql| {
        sql.equal("e.kiosk", Some(which.kiosk)).equal("e.epoch", which.epoch).equal("e.kind", which.kind);
    };
    let columns =
        "e.id, e.kiosk, e.epoch, e.seq, e.kind, e.version, e.wall_ms, e.body, e.answer, e.received_at";
    let order = Order { by: "e.epoch", kind: "bigint", then: "e.seq", then_kind: "bigint", descending: true };
    Ok(Json(page::page(&transaction, (columns, "event e"), conditions, order, &part).await?))
}
