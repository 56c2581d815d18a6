//! What kiosks are told to do once.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use deadpool_postgres::Transaction;
use protocol::fleet::JobKind;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

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

/// A job that nobody said more about is good for an hour.
const EXPIRES_IN: u32 = 3600;

/// The shortest and longest life of a job, in seconds: 10 s to 30 days.
const LIFE: std::ops::RangeInclusive<u32> = 10..=30 * 24 * 3600;

/// A job of one kiosk.
#[derive(Serialize, Deserialize, Debug, ToSchema)]
pub(super) struct Job {
    /// UUID.
    id: Uuid,
    /// Whose.
    kiosk: String,
    /// Jobs that were asked for together have the same.
    request: Uuid,
    /// `reboot`, `logs`, `screenshot`, `diagnostics`, `catalog_refresh`, `config`, `selling`.
    kind: String,
    /// As the kind wants them.
    #[schema(value_type = Object)]
    args: Value,
    /// Waits for a moment without a customer.
    idle: bool,
    /// `queued`, `sent`, `accepted`, `running`, `done`, `failed` or `expired`.
    state: String,
    /// Percent, while running.
    #[schema(required)]
    pct: Option<i16>,
    /// Why it failed, or what it found.
    why: String,
    /// Where its result is.
    #[schema(required)]
    result: Option<String>,
    /// Whether a file came.
    has_file: bool,
    /// Who asked.
    asked_by: String,
    /// When.
    #[schema(format = DateTime)]
    asked_at: String,
    /// Not begun after this.
    #[schema(format = DateTime)]
    expires_at: String,
    /// Of the state.
    #[schema(format = DateTime)]
    changed_at: String,
}

const COLUMNS: &str = "j.*, EXISTS (SELECT FROM job_file f WHERE f.job = j.id) AS has_file";

/// What to do, and who is to do it: `kiosk` or `filter`.
#[derive(Deserialize, Serialize, Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewJob {
    /// `reboot`, `logs`, `screenshot`, `diagnostics`, `catalog_refresh`, `config`, `selling`.
    kind: String,
    /// As the kind wants them: `{"lines": 100}` for logs, `{"to": "open"}` for selling.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    args: Option<Value>,
    /// This one.
    #[serde(default)]
    kiosk: Option<String>,
    /// All active ones that this lets through.
    #[serde(default)]
    filter: Option<String>,
    /// Seconds until it must have begun; 3600 if not given.
    #[serde(default)]
    #[schema(minimum = 10, maximum = 2592000)]
    expires_in: Option<u32>,
    /// Waits for a moment without a customer.
    #[serde(default)]
    idle: bool,
    /// How many kiosks the asker believes it is; another number is a conflict.
    #[serde(default)]
    expected: Option<u64>,
    /// Only tell which kiosks it would be.
    #[serde(default)]
    dry_run: bool,
}

/// What came of it.
#[derive(Serialize, Debug, ToSchema)]
pub(super) struct Asked {
    /// Of all these jobs; null for a dry run.
    #[schema(required)]
    request: Option<Uuid>,
    /// How many kiosks.
    count: usize,
    /// Which: the first thousand.
    kiosks: Vec<String>,
    /// Their jobs, in the same order.
    jobs: Vec<Uuid>,
    /// Nothing was done.
    dry_run: bool,
}

/// Most kiosks and jobs that are listed in an answer.
const LISTED: usize = 1000;

/// Tells kiosks to do something once.
#[utoipa::path(post, path = "/v1/jobs", tag = "downlink", request_body = NewJob,
    responses((status = 200, body = Asked, description = "A dry run"), (status = 201, body = Asked)))]
pub(super) async fn create(
    State(api): State<Api>,
    staff: Staff,
    Body(asked): Body<NewJob>,
) -> Answer<(StatusCode, Json<Asked>)> {
    let kind = kind(&asked)?;
    let life = asked.expires_in.unwrap_or(EXPIRES_IN);
    if !LIFE.contains(&life) {
        return Err(Failed::unfit("expires_in", format!("expires_in: {} to {} s", LIFE.start(), LIFE.end())));
    }
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let request = Uuid::now_v7();
    let kiosks = whom(&transaction, &asked).await?;
    let count = kiosks.len();
    filters::check_count(asked.expected, count)?;
    let listed = kiosks.iter().take(LISTED).cloned().collect();
    if asked.dry_run {
        let told = Asked { request: None, count, kiosks: listed, jobs: Vec::new(), dry_run: true };
        return Ok((StatusCode::OK, Json(told)));
    }
    let ids: Vec<Uuid> = kiosks.iter().map(|_| Uuid::now_v7()).collect();
    let sql = "INSERT INTO job (id, tenant, kiosk, request, kind, args, idle, asked_by, expires_at)
               SELECT i, $3, k, $4, $5, $6, $7, $8, now() + make_interval(secs => $9)
               FROM unnest($1::uuid[], $2::text[]) AS new (i, k)";
    let args = serde_json::to_value(&kind).ok().and_then(|mut kind| kind.get_mut("args").map(Value::take));
    let args = args.unwrap_or_else(|| json!({}));
    let (idle, actor) = (asked.idle, &staff.actor);
    transaction
        .execute(
            sql,
            &[&ids, &kiosks, &staff.tenant, &request, &kind.name(), &args, &idle, actor, &f64::from(life)],
        )
        .await
        .trying("store jobs")?;
    let detail = json!({ "asked": asked, "count": count });
    staff.note(&transaction, "job.create", &request.to_string(), detail).await?;
    transaction.commit().await.trying("store jobs")?;
    api.hub.due();
    api.hub.changed(&staff.tenant, Subject::Job, ids.iter().map(Uuid::to_string));
    let jobs = ids.into_iter().take(LISTED).collect();
    Ok((
        StatusCode::CREATED,
        Json(Asked { request: Some(request), count, kiosks: listed, jobs, dry_run: false }),
    ))
}

/// The kiosks that are to do it.
async fn whom(transaction: &Transaction<'_>, asked: &NewJob) -> Answer<Vec<String>> {
    match (&asked.kiosk, &asked.filter) {
        (Some(id), None) => {
            text("kiosk", id, 64)?;
            let sql = "SELECT id FROM kiosk WHERE id = $1 AND state = 'active'";
            let row = transaction.query_opt(sql, &[id]).await.trying("look up a kiosk")?;
            row.ok_or_else(|| Failed::missing("active kiosk", id))?;
            Ok(vec![id.clone()])
        }
        (None, Some(filter)) => {
            let filter = filters::read(transaction, filter).await?;
            Ok(registry::matching(transaction, &filter).await?)
        }
        _ => Err(Failed::unfit("whom", "either kiosk or filter says who is to do it")),
    }
}

fn kind(asked: &NewJob) -> Answer<JobKind> {
    let args = asked.args.clone().unwrap_or_else(|| json!({}));
    let kind: JobKind = serde_json::from_value(json!({ "kind": asked.kind, "args": args }))
        .map_err(|error| Failed::unfit("kind", error.to_string()).next("see /v1/openapi.json"))?;
    // Kiosks skip what they do not know, so that jobs can grow; here it is a slip of the pen.
    let known = json!(kind);
    let unknown =
        args.as_object().and_then(|args| args.keys().find(|name| known["args"].get(name).is_none()));
    match unknown {
        Some(name) => Err(Failed::unfit("args", format!("{} has no argument {name:?}", kind.name()))),
        None => Ok(kind),
    }
}

/// Which jobs.
#[derive(Deserialize, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Of this kiosk.
    kiosk: Option<String>,
    /// Asked for together.
    request: Option<Uuid>,
    /// In this state.
    state: Option<String>,
    /// Of kiosks that this filter lets through.
    filter: Option<String>,
}

const STATES: [&str; 7] = ["queued", "sent", "accepted", "running", "done", "failed", "expired"];

/// Jobs, the newest first.
#[utoipa::path(get, path = "/v1/jobs", tag = "downlink", params(Which, Part),
    responses((status = 200, body = Page<Job>)))]
pub(super) async fn list(
    State(api): State<Api>,
    staff: Staff,
    Ask(which): Ask<Which>,
    Ask(part): Ask<Part>,
) -> Answer<Json<Page<Job>>> {
    page::conditions([&which.kiosk, &which.state])?;
    page::known_state(which.state.as_deref(), &STATES)?;
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let filter = filters::read_some(&transaction, which.filter.as_deref()).await?;
    let conditions = |sql: &mut Sql| {
        filters::of_kiosks(sql, "j.kiosk", filter.as_ref());
        sql.equal("j.kiosk", which.kiosk).equal("j.request", which.request).equal("j.state", which.state);
    };
    let order = Order { by: "j.id", kind: "uuid", then: "j.id", then_kind: "uuid", descending: true };
    Ok(Json(page::page(&transaction, (COLUMNS, "job j"), conditions, order, &part).await?))
}

/// One job.
#[utoipa::path(get, path = "/v1/jobs/{id}", tag = "downlink", params(("id" = Uuid, Path)),
    responses((status = 200, body = Job)))]
pub(super) async fn show(State(api): State<Api>, staff: Staff, At(id): At<Uuid>) -> Answer<Json<Job>> {
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let sql = "SELECT j.*, EXISTS (SELECT FROM job_file f WHERE f.job = j.id) AS has_file FROM job j WHERE j.id = $1";
    page::one(&transaction, sql, &[&id]).await?.map(Json).ok_or_else(|| Failed::missing("job", id))
}

/// What a job brought: a picture, a log.
#[utoipa::path(get, path = "/v1/jobs/{id}/file", tag = "downlink", params(("id" = Uuid, Path)),
    responses((status = 200, content_type = "application/octet-stream", body = [u8])))]
pub(super) async fn file(
    State(api): State<Api>,
    staff: Staff,
    At(id): At<Uuid>,
) -> Answer<impl IntoResponse> {
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let sql = "SELECT content_type, content FROM job_file WHERE job = $1";
    let row = transaction.query_opt(sql, &[&id]).await.trying("fetch a file")?;
    let row = row.ok_or_else(|| Failed::missing("file of the job", id))?;
    // A kiosk chose the type: no browser may take it for a page of ours.
    let headers = [
        (header::CONTENT_TYPE, row.get::<_, String>(0)),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::CONTENT_DISPOSITION, "attachment".to_owned()),
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'".to_owned()),
    ];
    Ok((headers, row.get::<_, Vec<u8>>(1)))
}
