//! A request that came twice is done once: whoever lost an answer asks again with the same `Idempotency-Key`
//! (draft-ietf-httpapi-idempotency-key-header).
//!
//! The key is stored in the transaction of the handler ([`Key::hold`]), so it is there exactly if the work is. The
//! answer follows: who asks again gets it, or learns that the work is done.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use deadpool_postgres::Transaction;
use uuid::Uuid;

use super::door::Staff;
use super::page::text;
use super::problem::{Answer, Failed};
use super::{Api, BODY_MAX};
use crate::database::{DatabaseError, Trying};

/// What names a request.
pub(super) const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// An answer that was given before has it.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Longest key.
const KEY_MAX: usize = 200;

/// Longest answer that is kept.
const ANSWER_MAX: usize = 1 << 20;

/// Answers with secrets are told once.
const SECRET: [&str; 3] = ["/v1/tokens", "/v1/enrolment-codes", "/v1/hawkbit-devices"];

/// A request with a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Key {
    name: String,
    /// Of method, address and body.
    fingerprint: Vec<u8>,
    /// This time of asking.
    attempt: Uuid,
}

/// Lets a request through the first time, and answers it itself from then on.
pub(super) async fn once(State(api): State<Api>, request: Request, next: Next) -> Response {
    if request.method() == Method::GET || !request.headers().contains_key(HEADER) {
        return next.run(request).await;
    }
    ask(&api, request, next).await.unwrap_or_else(|failed| failed.into_response())
}

async fn ask(api: &Api, request: Request, next: Next) -> Answer<Response> {
    let (mut parts, body) = request.into_parts();
    let Some(staff) = parts.extensions.get::<Staff>().cloned() else {
        return Ok(next.run(Request::from_parts(parts, body)).await);
    };
    let name = parts.headers.get(HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    if name.is_empty() {
        return Err(Failed::bad("idempotency_key", "Idempotency-Key: plain text, please"));
    }
    text("Idempotency-Key", &name, KEY_MAX)?;
    let too_long =
        |_| Failed::bad("idempotency_key", "requests with an Idempotency-Key have at most 256 KiB");
    let body = to_bytes(body, BODY_MAX).await.map_err(too_long)?;
    let mut fingerprint = ring::digest::Context::new(&ring::digest::SHA256);
    for part in [parts.method.as_str().as_bytes(), parts.uri.to_string().as_bytes(), &body] {
        fingerprint.update(&(part.len() as u64).to_be_bytes());
        fingerprint.update(part);
    }
    let fingerprint = fingerprint.finish().as_ref().to_vec();
    let key = Key { name, fingerprint, attempt: Uuid::now_v7() };
    if let Some(answer) = key.answer(api, &staff).await? {
        return Ok(answer);
    }
    let is_secret = SECRET.contains(&parts.uri.path());
    let mut asking = staff.clone();
    asking.key = Some(key.clone());
    parts.extensions.insert(asking);
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    if !response.status().is_success() || is_secret {
        return Ok(response);
    }
    key.keep(api, &staff, response).await
}

impl Key {
    /// Stores it with the work. Whoever else has it is waited for.
    pub(super) async fn hold(&self, transaction: &Transaction<'_>, staff: &Staff) -> Answer<()> {
        let sql = "INSERT INTO once (tenant, asker, key, fingerprint, attempt) VALUES ($1, $2, $3, $4, $5)
                   ON CONFLICT (tenant, asker, key) DO UPDATE SET key = excluded.key
                   WHERE once.attempt = excluded.attempt";
        let held = transaction
            .execute(sql, &[&staff.tenant, &staff.identity, &self.name, &self.fingerprint, &self.attempt])
            .await
            .trying("note a request")?;
        if held == 0 { Err(done_already()) } else { Ok(()) }
    }

    /// What was answered before.
    async fn answer(&self, api: &Api, staff: &Staff) -> Answer<Option<Response>> {
        let mut connection = api.database.connection().await?;
        let transaction = staff.begin(&mut connection).await?;
        let sql = "SELECT fingerprint, status, kind, body FROM once WHERE asker = $1 AND key = $2";
        let row =
            transaction.query_opt(sql, &[&staff.identity, &self.name]).await.trying("look up a request")?;
        let Some(row) = row else { return Ok(None) };
        if row.get::<_, Vec<u8>>(0) != self.fingerprint {
            let detail = "this key came with another request before";
            return Err(Failed::conflict("idempotency_key", detail).next("take a new key"));
        }
        let status = row.get::<_, Option<i16>>(1).and_then(|status| u16::try_from(status).ok());
        let status = status.and_then(|status| StatusCode::from_u16(status).ok()).ok_or_else(done_already)?;
        let (kind, body): (Option<String>, Option<Vec<u8>>) = (row.get(2), row.get(3));
        let mut response = Response::new(Body::from(body.unwrap_or_default()));
        *response.status_mut() = status;
        if let Some(kind) = kind.and_then(|kind| HeaderValue::from_str(&kind).ok()) {
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
        }
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        Ok(Some(response))
    }

    /// Keeps the answer, if the work was done: a dry run holds no key.
    async fn keep(&self, api: &Api, staff: &Staff, response: Response) -> Answer<Response> {
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, ANSWER_MAX).await.map_err(|_| done_already())?;
        if let Err(error) = self.store(api, staff, (&parts, &body)).await {
            // Who asks again learns that it is done.
            tracing::warn!(error = &error as &dyn std::error::Error, "cannot keep an answer");
        }
        Ok(Response::from_parts(parts, Body::from(body)))
    }

    async fn store(
        &self,
        api: &Api,
        staff: &Staff,
        (parts, body): (&axum::http::response::Parts, &Bytes),
    ) -> Result<(), DatabaseError> {
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let status = i16::try_from(parts.status.as_u16()).unwrap_or_default();
        let doing = "keep an answer";
        let mut connection = api.database.connection().await?;
        let transaction = crate::database::begin(&mut connection, &staff.tenant).await?;
        let sql = "UPDATE once SET status = $3, kind = $4, body = $5 WHERE asker = $1 AND key = $2 AND attempt = $6";
        transaction
            .execute(sql, &[&staff.identity, &self.name, &status, &kind, &&body[..], &self.attempt])
            .await
            .trying(doing)?;
        transaction
            .execute("DELETE FROM once WHERE asked_at < now() - interval '1 day'", &[])
            .await
            .trying(doing)?;
        transaction.commit().await.trying(doing)
    }
}

fn done_already() -> Failed {
    Failed::conflict(
        "done_already",
        "this was asked before and is being done, or is done; its answer is not kept",
    )
    .next("look what came of it; a secret that reached nobody is best revoked and made anew")
}
