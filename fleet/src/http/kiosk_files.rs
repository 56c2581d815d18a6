//! What kiosks send and fetch in bulk, with their certificate.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use uuid::Uuid;

use super::Api;
use super::door::Device;
use super::extract::At;
use super::problem::{Answer, Failed};
use crate::database::{Trying, begin};
use crate::hub::Subject;

/// Largest file of a job: a picture of a 4K screen has about 8 MiB.
pub(super) const FILE_MAX: usize = 16 * 1024 * 1024;

/// Types that are kept as they are told; anything else is just bytes.
const TYPES: [&str; 6] = [
    "image/png",
    "image/jpeg",
    "application/json",
    "text/plain",
    "text/plain; charset=utf-8",
    "application/zstd",
];

/// Takes the file of a job of the kiosk that sends it. A later one takes the place of an earlier one.
#[utoipa::path(put, path = "/v1/kiosk/files/{job}", tag = "kiosk's own", params(("job" = Uuid, Path)),
    request_body(content = [u8], content_type = "application/octet-stream"), responses((status = 204)))]
pub(super) async fn put(
    State(api): State<Api>,
    device: Device,
    At(job): At<Uuid>,
    headers: HeaderMap,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Answer<StatusCode> {
    let body = body?;
    let told = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let told = told.to_ascii_lowercase();
    let content_type = TYPES.into_iter().find(|known| *known == told).unwrap_or("application/octet-stream");
    let mut connection = api.database.connection().await?;
    let transaction = begin(&mut connection, &device.tenant).await?;
    // A job is finished with a file only minutes after it was begun; nobody fills the disk with old ones.
    let sql = "SELECT 1 FROM job WHERE id = $1 AND kiosk = $2
               AND (state IN ('queued', 'sent', 'accepted', 'running') OR changed_at > now() - interval '1 hour')";
    let known = transaction.query_opt(sql, &[&job, &device.kiosk.as_str()]).await.trying("look up a job")?;
    known.ok_or_else(|| Failed::missing("open job of this kiosk", job))?;
    let sql = "INSERT INTO job_file (job, tenant, content_type, content) VALUES ($1, $2, $3, $4)
               ON CONFLICT (job) DO UPDATE SET content_type = $3, content = $4, at = now()";
    transaction
        .execute(sql, &[&job, &device.tenant, &content_type, &&body[..]])
        .await
        .trying("store a file")?;
    transaction.commit().await.trying("store a file")?;
    api.hub.changed(&device.tenant, Subject::Job, [job.to_string()]);
    Ok(StatusCode::NO_CONTENT)
}

/// The document of a catalog.
#[utoipa::path(get, path = "/v1/kiosk/catalogs/{rev}", tag = "kiosk's own", params(("rev" = i64, Path)),
    responses((status = 200, content_type = "application/json", body = String)))]
pub(super) async fn catalog(
    State(api): State<Api>,
    device: Device,
    At(rev): At<i64>,
) -> Answer<impl IntoResponse> {
    let mut connection = api.database.connection().await?;
    let transaction = begin(&mut connection, &device.tenant).await?;
    super::catalogs::document(&transaction, rev).await
}
