//! Sites.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::Api;
use super::door::Staff;
use super::extract::{At, Body};
use super::page::{self, text};
use super::problem::{Answer, Failed};
use crate::database::Trying;

/// Where kiosks stand.
#[derive(Serialize, Deserialize, Debug, ToSchema)]
pub(super) struct Site {
    /// 1 to 32 of a-z, 0-9 and `-`.
    id: String,
    /// For people.
    name: String,
    /// For example `Europe/Berlin`.
    time_zone: String,
    /// Active kiosks.
    kiosks: i64,
}

const SITES: &str = "SELECT s.id, s.name, s.time_zone,
    (SELECT count(*) FROM kiosk k WHERE k.tenant = s.tenant AND k.site = s.id AND k.state = 'active') AS kiosks
    FROM site s";

/// All sites.
#[utoipa::path(get, path = "/v1/sites", tag = "kiosks", responses((status = 200, body = [Site])))]
pub(super) async fn list(State(api): State<Api>, staff: Staff) -> Answer<Json<Vec<Site>>> {
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    Ok(Json(page::all(&transaction, &format!("{SITES} ORDER BY s.id"), &[]).await?))
}

/// A new site.
#[derive(Deserialize, Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSite {
    /// 1 to 32 of a-z, 0-9 and `-`.
    #[schema(pattern = "^[a-z0-9-]{1,32}$")]
    id: String,
    /// For people.
    name: String,
    /// For example `Europe/Berlin`; UTC if not given.
    #[serde(default)]
    time_zone: Option<String>,
}

fn check_zone(zone: &str) -> Answer<()> {
    jiff::tz::TimeZone::get(zone)
        .map(drop)
        .map_err(|_| Failed::unfit("time_zone", format!("{zone:?} is no time zone, unlike Europe/Berlin")))
}

/// Makes a site.
#[utoipa::path(post, path = "/v1/sites", tag = "kiosks", request_body = NewSite,
    responses((status = 201, body = Site)))]
pub(super) async fn create(
    State(api): State<Api>,
    staff: Staff,
    Body(asked): Body<NewSite>,
) -> Answer<(StatusCode, Json<Site>)> {
    text("name", &asked.name, 200)?;
    text("id", &asked.id, 32)?;
    let zone = asked.time_zone.unwrap_or_else(|| "UTC".to_owned());
    check_zone(&zone)?;
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let sql = "INSERT INTO site (tenant, id, name, time_zone) VALUES ($1, $2, $3, $4)";
    transaction.execute(sql, &[&staff.tenant, &asked.id, &asked.name, &zone]).await.trying("make a site")?;
    staff.note(&transaction, "site.create", &asked.id, json!({ "name": asked.name })).await?;
    transaction.commit().await.trying("make a site")?;
    let site = Site { id: asked.id, name: asked.name, time_zone: zone, kiosks: 0 };
    Ok((StatusCode::CREATED, Json(site)))
}

/// What to change of a site; what is not there stays.
#[derive(Deserialize, Serialize, Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SiteChange {
    /// For people.
    #[serde(default)]
    name: Option<String>,
    /// For example `Europe/Berlin`.
    #[serde(default)]
    time_zone: Option<String>,
}

/// Changes a site.
#[utoipa::path(patch, path = "/v1/sites/{id}", tag = "kiosks", params(("id" = String, Path)),
    request_body = SiteChange, responses((status = 200, body = Site)))]
pub(super) async fn change(
    State(api): State<Api>,
    staff: Staff,
    At(id): At<String>,
    Body(change): Body<SiteChange>,
) -> Answer<Json<Site>> {
    text("id", &id, 32)?;
    text("name", change.name.as_deref().unwrap_or_default(), 200)?;
    change.time_zone.as_deref().map_or(Ok(()), check_zone)?;
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let sql = "UPDATE site SET name = coalesce($2, name), time_zone = coalesce($3, time_zone) WHERE id = $1";
    transaction.execute(sql, &[&id, &change.name, &change.time_zone]).await.trying("change a site")?;
    let site = page::one(&transaction, &format!("{SITES} WHERE s.id = $1"), &[&id]).await?;
    let site = site.ok_or_else(|| Failed::missing("site", &id))?;
    staff.note(&transaction, "site.change", &id, json!(change)).await?;
    transaction.commit().await.trying("change a site")?;
    Ok(Json(site))
}
