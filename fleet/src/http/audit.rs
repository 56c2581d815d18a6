//! Who changed what.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::door::Staff;
use super::extract::Ask;
use super::page::{self, Order, Page, Part};
use super::problem::Answer;
use crate::filter::Sql;

/// A change.
#[derive(Serialize, Deserialize, Debug, ToSchema)]
pub(super) struct Entry {
    /// Its place in the chain, from 1.
    n: i64,
    /// When, ms since 1970.
    at_ms: i64,
    /// By whom.
    actor: String,
    /// What was done, for example `kiosk.decommission`.
    action: String,
    /// To what.
    subject: String,
    /// More about it: JSON as text, as it was hashed.
    detail: String,
    /// SHA-256 over this entry and the hash of the one before, in hexadecimal.
    hash: String,
}

/// Which changes.
#[derive(Deserialize, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// To this.
    subject: Option<String>,
    /// Of this kind.
    action: Option<String>,
}

/// Changes, the newest first.
#[utoipa::path(get, path = "/v1/audit", tag = "access", params(Which, Part),
    responses((status = 200, body = Page<Entry>)))]
pub(super) async fn list(
    State(api): State<Api>,
    staff: Staff,
    Ask(which): Ask<Which>,
    Ask(part): Ask<Part>,
) -> Answer<Json<Page<Entry>>> {
    page::conditions([&which.subject, &which.action])?;
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let conditions = |sql: &mut Sql| {
        sql.equal("a.subject", which.subject).equal("a.action", which.action);
    };
    let columns = "a.n, a.at_ms, a.actor, a.action, a.subject, a.detail, encode(a.hash, 'hex') AS hash";
    let order = Order { by: "a.n", kind: "bigint", then: "a.n", then_kind: "bigint", descending: true };
    Ok(Json(page::page(&transaction, (columns, "audit a"), conditions, order, &part).await?))
}

/// Whether the chain holds.
#[derive(Serialize, Debug, ToSchema)]
pub(super) struct Verdict {
    /// It does.
    intact: bool,
    /// The first entry that is not what was written.
    #[schema(required)]
    broken_at: Option<i64>,
}

/// Computes the whole chain again.
#[utoipa::path(get, path = "/v1/audit/verify", tag = "access", responses((status = 200, body = Verdict)))]
pub(super) async fn verify(State(api): State<Api>, staff: Staff) -> Answer<Json<Verdict>> {
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let broken_at = crate::audit::first_broken(&transaction, &staff.tenant).await?;
    Ok(Json(Verdict { intact: broken_at.is_none(), broken_at }))
}
