//! The registry.

use axum::Json;
use axum::extract::State;
use deadpool_postgres::Transaction;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::door::Staff;
use super::extract::{Ask, At, Body};
use super::filters;
use super::page::{self, Order, Page, Part, text};
use super::problem::{Answer, Failed};
use crate::database::Trying;
use crate::filter::Sql;
use crate::hub::Subject;
use crate::registry;

/// Tags of a kiosk.
const TAGS_MAX: usize = 32;

/// A kiosk as the fleet knows it.
#[derive(Serialize, Deserialize, Debug, ToSchema)]
pub(super) struct Kiosk {
    /// Its id.
    id: String,
    /// Where it stands.
    site: String,
    /// For people.
    name: String,
    /// For filters.
    tags: Vec<String>,
    /// `never-seen`, `online`, `stale`, `offline` or `decommissioned`.
    state: String,
    /// Heard of lately, and not known to be away.
    online: bool,
    /// Of its program.
    version: String,
    /// Serial number of its hardware.
    hardware: String,
    /// How often its program has started.
    boot: i64,
    /// How often it has connected since.
    conn: i64,
    /// Its last birth or heartbeat, as it came.
    #[schema(value_type = Object)]
    status: Value,
    /// When it was heard of.
    #[schema(format = DateTime, required)]
    last_seen: Option<String>,
    /// Since when the fleet knows it.
    #[schema(format = DateTime)]
    created_at: String,
    /// Revision of the twin it should have; 0: none.
    desired_rev: i64,
    /// Revision of the twin it has; 0: none told.
    reported_rev: i64,
    /// Whether they differ, or it refused a part of the twin.
    drift: bool,
}

const COLUMNS: &str = concat!(
    "k.id, k.site, k.name, k.tags, k.version, k.hardware, k.boot, k.conn, k.status, k.last_seen,
    k.created_at, presence(k.state, k.is_on, k.last_seen, k.went_off) AS state,
    presence(k.state, k.is_on, k.last_seen, k.went_off) = 'online' AS online,
    coalesce(t.rev, 0) AS desired_rev, coalesce(t.reported_rev, 0) AS reported_rev,
    ",
    registry::drift!(),
    " AS drift"
);

/// Which kiosks.
#[derive(Deserialize, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// For example `site=12 and online=false and ver<1.4 and tag:canary`.
    filter: Option<String>,
    /// `id`, `name`, `site`, `version` or `seen`; with `-` in front the other way round.
    sort: Option<String>,
}

/// Kiosks, and how many there are on all pages.
#[derive(Serialize, Debug, ToSchema)]
pub(super) struct Kiosks {
    /// The rows.
    items: Vec<Kiosk>,
    /// Where the next page begins; null at the end.
    #[schema(required)]
    next: Option<String>,
    /// Kiosks that the filter lets through.
    total: i64,
}

fn order(sort: Option<&str>) -> Answer<Order> {
    let sort = sort.unwrap_or("id");
    let (name, descending) = sort.strip_prefix('-').map_or((sort, false), |name| (name, true));
    let (by, kind) = match name {
        "id" => ("k.id", "text"),
        "name" => ("lower(k.name)", "text"),
        "site" => ("k.site", "text"),
        "version" => ("version_key(k.version)", "bigint[]"),
        "seen" => ("coalesce(k.last_seen, '-infinity')", "timestamptz"),
        _ => return Err(Failed::bad("sort", "sort is id, name, site, version or seen")),
    };
    Ok(Order { by, kind, then: "k.id", then_kind: "text", descending })
}

/// Kiosks by filter.
#[utoipa::path(get, path = "/v1/kiosks", tag = "kiosks", params(Which, Part),
    responses((status = 200, body = Kiosks)))]
pub(super) async fn list(
    State(api): State<Api>,
    staff: Staff,
    Ask(which): Ask<Which>,
    Ask(part): Ask<Part>,
) -> Answer<Json<Kiosks>> {
    let order = order(which.sort.as_deref())?;
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let filter = filters::read(&transaction, which.filter.as_deref().unwrap_or_default()).await?;
    let conditions = |sql: &mut Sql| {
        sql.push(" AND ");
        filter.to_sql(sql);
    };
    let Page { items, next } =
        page::page(&transaction, (COLUMNS, registry::FROM), conditions, order, &part).await?;
    let mut count = Sql::default();
    count.push("SELECT count(*) FROM ").push(registry::FROM).push(" WHERE ");
    filter.to_sql(&mut count);
    let total = transaction.query_one(count.text(), &count.parameters()).await.trying("count kiosks")?.get(0);
    Ok(Json(Kiosks { items, next, total }))
}

/// One kiosk.
#[utoipa::path(get, path = "/v1/kiosks/{id}", tag = "kiosks", params(("id" = String, Path)),
    responses((status = 200, body = Kiosk)))]
pub(super) async fn show(State(api): State<Api>, staff: Staff, At(id): At<String>) -> Answer<Json<Kiosk>> {
    text("id", &id, 64)?;
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    one(&transaction, &id).await.map(Json)
}

async fn one(transaction: &Transaction<'_>, id: &str) -> Answer<Kiosk> {
    let sql = format!("SELECT {COLUMNS} FROM {} WHERE k.id = $1", registry::FROM);
    page::one(transaction, &sql, &[&id]).await?.ok_or_else(|| Failed::missing("kiosk", id))
}

/// What to change of a kiosk; what is not there stays.
#[derive(Deserialize, Serialize, Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KioskChange {
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// All of its tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<String>>,
}

/// Changes name and tags.
#[utoipa::path(patch, path = "/v1/kiosks/{id}", tag = "kiosks", params(("id" = String, Path)),
    request_body = KioskChange, responses((status = 200, body = Kiosk)))]
pub(super) async fn change(
    State(api): State<Api>,
    staff: Staff,
    At(id): At<String>,
    Body(change): Body<KioskChange>,
) -> Answer<Json<Kiosk>> {
    text("id", &id, 64)?;
    text("name", change.name.as_deref().unwrap_or_default(), 200)?;
    check_tags(change.tags.as_deref().unwrap_or_default())?;
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let sql = "UPDATE kiosk SET name = coalesce($2, name), tags = coalesce($3, tags) WHERE id = $1";
    transaction.execute(sql, &[&id, &change.name, &change.tags]).await.trying("change a kiosk")?;
    let kiosk = one(&transaction, &id).await?;
    staff.note(&transaction, "kiosk.change", &id, json!(change)).await?;
    transaction.commit().await.trying("change a kiosk")?;
    api.hub.changed(&staff.tenant, Subject::Kiosk, [id]);
    Ok(Json(kiosk))
}

/// Refuses tags that no filter could name.
pub(super) fn check_tags(tags: &[String]) -> Answer<()> {
    let good = |tag: &String| {
        (1..=64).contains(&tag.chars().count()) && !tag.chars().any(|c| c.is_whitespace() || c.is_control())
    };
    if tags.len() > TAGS_MAX || !tags.iter().all(good) {
        let detail = format!("at most {TAGS_MAX} tags of 1 to 64 characters without blanks");
        return Err(Failed::unfit("tags", detail));
    }
    Ok(())
}

/// Why a kiosk leaves.
#[derive(Deserialize, Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Decommission {
    /// For example `stolen`, `broken`, `closed`.
    reason: String,
}

/// Takes a kiosk out of the fleet for good: its certificates are revoked, its connection is ended. What it has
/// sold stays.
#[utoipa::path(post, path = "/v1/kiosks/{id}/decommission", tag = "kiosks", params(("id" = String, Path)),
    request_body = Decommission, responses((status = 200, body = Kiosk)))]
pub(super) async fn decommission(
    State(api): State<Api>,
    staff: Staff,
    At(id): At<String>,
    Body(asked): Body<Decommission>,
) -> Answer<Json<Kiosk>> {
    text("id", &id, 64)?;
    text("reason", &asked.reason, 200)?;
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let was_active = registry::decommission(&transaction, &id, &asked.reason).await?;
    let kiosk = one(&transaction, &id).await?;
    if !was_active {
        // Asked twice is done once.
        return Ok(Json(kiosk));
    }
    staff.note(&transaction, "kiosk.decommission", &id, json!({ "reason": asked.reason })).await?;
    transaction.commit().await.trying("decommission a kiosk")?;
    api.hub.revoked();
    api.hub.changed(&staff.tenant, Subject::Kiosk, [id.clone()]);
    if let Ok(id) = protocol::topic::KioskId::new(id) {
        tokio::spawn(registry::throw_out(api.broker.clone(), id));
    }
    Ok(Json(kiosk))
}

/// A certificate of a kiosk.
#[derive(Serialize, Deserialize, Debug, ToSchema)]
pub(super) struct Certificate {
    /// 32 hexadecimal digits.
    serial: String,
    /// SHA-256 of its public key.
    key_id: String,
    /// Since when it counts.
    #[schema(format = DateTime)]
    issued_at: String,
    /// Until when.
    #[schema(format = DateTime)]
    expires_at: String,
    /// Since when it does not count any more.
    #[schema(format = DateTime, required)]
    revoked_at: Option<String>,
    /// Why not.
    #[schema(required)]
    reason: Option<String>,
}

/// The certificates that a kiosk had and has, the newest first.
#[utoipa::path(get, path = "/v1/kiosks/{id}/certificates", tag = "kiosks", params(("id" = String, Path)),
    responses((status = 200, body = [Certificate])))]
pub(super) async fn certificates(
    State(api): State<Api>,
    staff: Staff,
    At(id): At<String>,
) -> Answer<Json<Vec<Certificate>>> {
    text("id", &id, 64)?;
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    one(&transaction, &id).await?;
    let sql = "SELECT serial, key_id, issued_at, expires_at, revoked_at, reason FROM certificate
               WHERE kiosk = $1 ORDER BY issued_at DESC LIMIT 100";
    Ok(Json(page::all(&transaction, sql, &[&id]).await?))
}
