//! API tokens.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Api;
use super::door::Staff;
use super::extract::{At, Body};
use super::page::{self, text};
use super::people;
use super::problem::{Answer, Failed};
use crate::access::{self, Role, TokenFor};
use crate::database::Trying;

/// A token, without its secret.
#[derive(Serialize, Deserialize, Debug, ToSchema)]
pub(super) struct Token {
    /// UUID.
    id: Uuid,
    /// For people.
    name: String,
    /// What it may do.
    role: Role,
    /// Where; null: everywhere.
    #[schema(required)]
    sites: Option<Vec<String>>,
    /// Since when.
    #[schema(format = DateTime)]
    created_at: String,
    /// By whom.
    created_by: String,
    /// Until when; null: for ever.
    #[schema(format = DateTime, required)]
    expires_at: Option<String>,
    /// When it was taken back.
    #[schema(format = DateTime, required)]
    revoked_at: Option<String>,
}

/// All tokens of the tenant.
#[utoipa::path(get, path = "/v1/tokens", tag = "access", responses((status = 200, body = [Token])))]
pub(super) async fn list(State(api): State<Api>, staff: Staff) -> Answer<Json<Vec<Token>>> {
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let sql = "SELECT id, name, role, sites, created_at, created_by, expires_at, revoked_at FROM api_token ORDER BY id";
    Ok(Json(page::all(&transaction, sql, &[]).await?))
}

/// What a token is for.
#[derive(Deserialize, Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewToken {
    /// For people.
    name: String,
    /// What it may do.
    role: Role,
    /// Where, if not everywhere.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 100)]
    sites: Option<Vec<String>>,
    /// Days until it ends, 1 to 3650; for ever if not given.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 3650)]
    days: Option<i32>,
}

/// A token, told only now.
#[derive(Serialize, Debug, ToSchema)]
pub(super) struct ToldToken {
    /// UUID.
    id: Uuid,
    /// The secret.
    token: String,
}

/// Makes a token.
#[utoipa::path(post, path = "/v1/tokens", tag = "access", request_body = NewToken,
    responses((status = 201, body = ToldToken)))]
pub(super) async fn create(
    State(api): State<Api>,
    staff: Staff,
    Body(asked): Body<NewToken>,
) -> Answer<(StatusCode, Json<ToldToken>)> {
    text("name", &asked.name, 200)?;
    if asked.days.is_some_and(|days| !(1..=3650).contains(&days)) {
        return Err(Failed::unfit("days", "days: 1 to 3650"));
    }
    let token = access::new_token()?;
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    people::check_sites(&transaction, asked.role, asked.sites.as_deref()).await?;
    let about = TokenFor {
        tenant: &staff.tenant,
        name: &asked.name,
        role: asked.role,
        sites: asked.sites.as_deref(),
        days: asked.days,
        by: &staff.actor,
    };
    let id = access::store_token(&transaction, &token, &about).await?;
    let detail = json!({ "name": asked.name, "role": asked.role, "sites": asked.sites, "days": asked.days });
    staff.note(&transaction, "token.create", &id.to_string(), detail).await?;
    transaction.commit().await.trying("store a token")?;
    Ok((StatusCode::CREATED, Json(ToldToken { id, token })))
}

/// Takes a token back.
#[utoipa::path(delete, path = "/v1/tokens/{id}", tag = "access", params(("id" = Uuid, Path)),
    responses((status = 204)))]
pub(super) async fn revoke(State(api): State<Api>, staff: Staff, At(id): At<Uuid>) -> Answer<StatusCode> {
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let had_admin = access::has_admin(&transaction).await?;
    let sql = "UPDATE api_token SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1";
    if transaction.execute(sql, &[&id]).await.trying("revoke a token")? == 0 {
        return Err(Failed::missing("token", id));
    }
    people::admin_is_left(&transaction, had_admin).await?;
    staff.note(&transaction, "token.revoke", &id.to_string(), json!({})).await?;
    transaction.commit().await.trying("revoke a token")?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who asks.
#[derive(Serialize, Debug, ToSchema)]
pub(super) struct Me {
    /// Whose fleet.
    tenant: String,
    /// What may be done.
    role: Role,
    /// Where; null: everywhere.
    #[schema(required)]
    sites: Option<Vec<String>>,
    /// As the audit log says.
    actor: String,
}

/// Who I am.
#[utoipa::path(get, path = "/v1/me", tag = "access", responses((status = 200, body = Me)))]
pub(super) async fn whoami(staff: Staff) -> Json<Me> {
    let Staff { tenant, role, sites, actor, .. } = staff;
    Json(Me { tenant, role, sites, actor })
}
