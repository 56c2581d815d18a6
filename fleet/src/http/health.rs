//! Is it well, in one word and in numbers.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::{Json, response::Response};
use serde::Serialize;

use super::Api;
use super::door::Staff;
use super::problem::Answer;
use crate::counters::COUNTERS;
use crate::database::Trying;
use crate::ingest::STANDING;
use crate::pki::folder::LIST;
use crate::pki::list_ends;

/// Whether this replica can do its work.
#[derive(Serialize, Debug, utoipa::ToSchema)]
pub(super) struct Health {
    /// All of the next three.
    ok: bool,
    /// The database answers.
    database: bool,
    /// A worker is connected to the broker.
    broker: bool,
    /// What comes in is stored, as far as it was tried lately.
    ingest: bool,
    /// Why it is not. Null: it is.
    #[schema(required)]
    ingest_failure: Option<String>,
    /// Until when the list of revoked kiosks is good: afterwards the broker refuses every kiosk. Null: it cannot
    /// be read.
    #[schema(format = DateTime, required)]
    revocations_end: Option<String>,
    /// Of this program.
    version: &'static str,
}

/// Whether database and broker can be used, and what comes in is stored: 200 or 503.
#[utoipa::path(get, path = "/healthz", tag = "access",
    responses((status = 200, body = Health), (status = 503, body = Health)))]
pub(super) async fn healthz(State(api): State<Api>) -> Response {
    let database = ask(&api).await.is_ok();
    let broker = COUNTERS.links.get() > 0;
    let ends = revocations_end(&api).await.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    let ingest_failure = STANDING.trouble();
    let ingest = ingest_failure.is_none();
    let health = Health {
        ok: database && broker && ingest,
        database,
        broker,
        ingest,
        ingest_failure,
        revocations_end: ends.map(|ends| ends.to_string()),
        version: env!("CARGO_PKG_VERSION"),
    };
    let status = if health.ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(health)).into_response()
}

async fn ask(api: &Api) -> Answer<()> {
    api.database.connection().await?.execute("SELECT 1", &[]).await.trying("ask the database")?;
    Ok(())
}

/// When the list of revoked kiosks that the broker reads ends, in seconds since 1970.
async fn revocations_end(api: &Api) -> Option<i64> {
    let list = tokio::fs::read(api.authorities_dir.join(LIST)).await.ok()?;
    list_ends(&list)
}

/// What is counted of a tenant: name, meaning, and a question for states and numbers.
const COUNTED: &[(&str, &str, &str)] = &[
    (
        "fleet_kiosks",
        "Kiosks by how they are.",
        "SELECT presence(state, is_on, last_seen, went_off), count(*) FROM kiosk GROUP BY 1 ORDER BY 1",
    ),
    (
        "fleet_rollouts",
        "Rollouts by where they stand.",
        "SELECT state, count(*) FROM rollout GROUP BY 1 ORDER BY 1",
    ),
    (
        "fleet_quarantine_open",
        "Events that were not understood and wait for somebody.",
        "SELECT NULL, count(*) FROM quarantine WHERE released_at IS NULL",
    ),
    (
        "fleet_tasks_open",
        "Tasks that wait for somebody.",
        "SELECT NULL, count(*) FROM task WHERE done_at IS NULL",
    ),
    (
        "fleet_jobs_open",
        "Jobs that are neither done nor given up.",
        "SELECT NULL, count(*) FROM job WHERE state IN ('queued', 'sent', 'accepted', 'running')",
    ),
    (
        "fleet_events_stray",
        "Events whose ids are of no sensible day; at most 10000 are counted.",
        "SELECT NULL, stray_events()",
    ),
];

/// Numbers for Prometheus: of this replica, and of the tenant whose token asks.
#[utoipa::path(get, path = "/metrics", tag = "access",
    responses((status = 200, content_type = "text/plain", body = String)))]
pub(super) async fn metrics(State(api): State<Api>, staff: Staff) -> Answer<impl IntoResponse> {
    let mut text = String::new();
    for (name, help, value) in COUNTERS.all() {
        family(&mut text, name, help, "counter", [(String::new(), value.cast_signed())]);
    }
    family(
        &mut text,
        "fleet_ingest_workers_connected",
        "Workers of this replica that are connected to the broker.",
        "gauge",
        [(String::new(), COUNTERS.links.get().cast_signed())],
    );
    if let Some(ends) = revocations_end(&api).await {
        let help = "When the list of revoked kiosks ends, and with it every kiosk's access.";
        family(&mut text, "fleet_revocations_end_timestamp_seconds", help, "gauge", [(String::new(), ends)]);
    }
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    for (name, help, sql) in COUNTED {
        let rows = transaction.query(*sql, &[]).await.trying("count")?;
        // Names of tenants and states have no character that would have to be escaped.
        let values = rows.iter().map(|row| {
            let state: Option<&str> = row.get(0);
            let state = state.map_or_else(String::new, |state| format!(",state=\"{state}\""));
            (format!("{{tenant=\"{}\"{state}}}", staff.tenant), row.get(1))
        });
        family(&mut text, name, help, "gauge", values);
    }
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}

fn family(
    text: &mut String,
    name: &str,
    help: &str,
    kind: &str,
    values: impl IntoIterator<Item = (String, i64)>,
) {
    let written = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    let written = values.into_iter().fold(written, |written, (labels, value)| {
        written.and_then(|()| writeln!(text, "{name}{labels} {value}"))
    });
    written.expect("a string takes all that is written to it");
}
