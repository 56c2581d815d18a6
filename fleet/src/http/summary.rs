//! How the fleet is, in numbers. Each number has its filter or its list.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::door::Staff;
use super::matrix;
use super::page;
use super::problem::{Answer, Failed};
use crate::registry;

/// Kiosks by how they are.
#[derive(Serialize, Deserialize, Debug, ToSchema)]
pub(super) struct Presence {
    /// `state=online`
    online: i64,
    /// `state=stale`
    stale: i64,
    /// `state=offline`
    offline: i64,
    /// `state=never-seen`
    never_seen: i64,
    /// `state=decommissioned`
    decommissioned: i64,
}

/// How many kiosks have a version.
#[derive(Serialize, Deserialize, Debug, ToSchema)]
pub(super) struct OfVersion {
    /// Of the kiosk's program.
    version: String,
    /// Kiosks that are not decommissioned.
    kiosks: i64,
}

/// How the fleet is. All numbers but the first group are of kiosks that are not decommissioned.
#[derive(Serialize, Deserialize, Debug, ToSchema)]
pub(super) struct Summary {
    /// By how they are.
    kiosks: Presence,
    /// Kiosks whose twin is not what it should be.
    drift: i64,
    /// Kiosks that tell of a fault.
    faulty: i64,
    /// Kiosks that are online and do not sell.
    not_selling: i64,
    /// Events that kiosks have not sent yet, as far as they told.
    pending: i64,
    /// The newest versions first, at most 20.
    versions: Vec<OfVersion>,
    /// Tasks that wait for somebody; of those about sales only for who may see sales.
    tasks_open: i64,
    /// Jobs that have not ended.
    jobs_open: i64,
    /// What was not understood and waits for somebody; null for who may not see it.
    #[schema(required)]
    quarantine_open: Option<i64>,
    /// Since when all updates of the installation are frozen; null if they are not.
    #[schema(required, format = DateTime)]
    updates_frozen_since: Option<String>,
    /// Kiosks whose newest certificate ends within 30 days: they renew theirs when a third of its life is left.
    certificates_ending: i64,
}

const SQL: &str = concat!(
    "
    WITH k AS (
        SELECT k.id, k.version, k.status, ",
    registry::drift!(),
    " AS drift,
               presence(k.state, k.is_on, k.last_seen, k.went_off) AS how
        FROM kiosk k LEFT JOIN twin t ON t.kiosk = k.id
    ), a AS (SELECT * FROM k WHERE how <> 'decommissioned')
    SELECT jsonb_build_object(
               'online', (SELECT count(*) FROM k WHERE how = 'online'),
               'stale', (SELECT count(*) FROM k WHERE how = 'stale'),
               'offline', (SELECT count(*) FROM k WHERE how = 'offline'),
               'never_seen', (SELECT count(*) FROM k WHERE how = 'never-seen'),
               'decommissioned', (SELECT count(*) FROM k WHERE how = 'decommissioned')) AS kiosks,
           (SELECT count(*) FROM a WHERE drift) AS drift,
           (SELECT count(*) FROM a WHERE jsonb_path_exists(status, '$.faults[0]')) AS faulty,
           (SELECT count(*) FROM a WHERE how = 'online' AND status->>'sell' <> 'open') AS not_selling,
           (SELECT coalesce(sum((status->>'pend')::numeric), 0)::bigint FROM a) AS pending,
           (SELECT coalesce(jsonb_agg(v), '[]') FROM (
               SELECT version, count(*) AS kiosks FROM a WHERE version <> ''
               GROUP BY version ORDER BY version_key(version) DESC, version LIMIT 20) AS v) AS versions,
           (SELECT count(*) FROM task WHERE done_at IS NULL AND ($1 OR sale IS NULL)) AS tasks_open,
           (SELECT count(*) FROM job WHERE state IN ('queued', 'sent', 'accepted', 'running')) AS jobs_open,
           CASE WHEN $1 THEN (SELECT count(*) FROM quarantine WHERE released_at IS NULL) END AS quarantine_open,
           (SELECT since FROM update_freeze) AS updates_frozen_since,
           (SELECT count(*) FROM (
               SELECT max(c.expires_at) AS ends FROM certificate c JOIN a ON a.id = c.kiosk
               WHERE c.revoked_at IS NULL GROUP BY c.kiosk) AS newest
            WHERE ends < now() + interval '30 days') AS certificates_ending"
);

/// How the fleet is, in numbers.
#[utoipa::path(get, path = "/v1/summary", tag = "kiosks", responses((status = 200, body = Summary)))]
pub(super) async fn show(State(api): State<Api>, staff: Staff) -> Answer<Json<Summary>> {
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let summary = page::one(&transaction, SQL, &[&matrix::sees_sales(staff.role)]).await?;
    summary.map(Json).ok_or_else(|| Failed::internal("numbers cannot be counted"))
}
