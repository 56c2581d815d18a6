//! Who changed what.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::door::Staff;
use super::extract::Ask;
use super::page::{self, Order, Page, Part};
use super::problem::{Answer, Failed};
use crate::audit::{self, End};
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

/// Whether the log is what was written.
#[derive(Serialize, Debug, ToSchema)]
pub(super) struct Verdict {
    /// It is, as far as the database can tell, and goes on from the end that was kept.
    intact: bool,
    /// The first entry that is not what was written.
    #[schema(required)]
    broken_at: Option<i64>,
    /// How many entries there are.
    entries: i64,
    /// The hash of the newest, in hexadecimal. Kept with `entries` outside of the database it shows later, even against
    /// the database's owner, that nothing up to here was changed or cut off.
    hash: String,
    /// How many of the entries ever written are gone.
    missing: i64,
    /// Whether the log still has the entry that `kept` names; null without it.
    #[schema(required)]
    goes_on: Option<bool>,
}

/// With what to compare.
#[derive(Deserialize, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Kept {
    /// An end that was told before: `entries:hash`.
    kept: Option<String>,
}

/// Computes the whole chain again.
#[utoipa::path(get, path = "/v1/audit/verify", tag = "access", params(Kept),
    responses((status = 200, body = Verdict)))]
pub(super) async fn verify(
    State(api): State<Api>,
    staff: Staff,
    Ask(Kept { kept }): Ask<Kept>,
) -> Answer<Json<Verdict>> {
    let kept = kept.map(|text| {
        end(&text).ok_or_else(|| {
            Failed::bad("kept", "kept is the number of entries, a colon and the hash of the last")
        })
    });
    let kept = kept.transpose()?;
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let found = audit::verify(&transaction, &staff.tenant, kept.as_ref()).await?;
    Ok(Json(Verdict {
        intact: found.broken_at.is_none() && found.missing == 0 && found.goes_on,
        broken_at: found.broken_at,
        entries: found.end.entries,
        hash: found.end.hash,
        missing: found.missing,
        goes_on: kept.map(|_| found.goes_on),
    }))
}

fn end(text: &str) -> Option<End> {
    let (entries, hash) = text.split_once(':')?;
    let sound = hash.len() == 64 && hash.bytes().all(|digit| digit.is_ascii_hexdigit());
    sound.then_some(End { entries: entries.parse().ok()?, hash: hash.to_ascii_lowercase() })
}
