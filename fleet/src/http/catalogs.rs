//! Catalogs: checked, kept for ever by revision, and meant for kiosks through their twins.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use deadpool_postgres::Transaction;
use domain::catalog::Catalog;
use domain::ids::VariationId;
use protocol::catalog;
use protocol::text::hex;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::Api;
use super::door::Staff;
use super::extract::{At, Body};
use super::filters;
use super::page;
use super::problem::{Answer, Failed};
use crate::database::Trying;
use crate::hub::Subject;
use crate::registry;

/// Mistakes that are told; whoever mends these sees the next.
const TOLD: usize = 20;

/// A catalog that kiosks can be given.
#[derive(Serialize, Deserialize, Debug, ToSchema)]
#[schema(as = Catalog)]
pub(super) struct Listed {
    /// As its document says; grows.
    rev: i64,
    /// Of the document, in hexadecimal.
    sha256: String,
    /// Of the document, in bytes.
    size: i64,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// By whom.
    created_by: String,
    /// Kiosks that should have it.
    kiosks: i64,
}

/// All catalogs, the newest first.
#[utoipa::path(get, path = "/v1/catalogs", tag = "catalogs", responses((status = 200, body = [Listed])))]
pub(super) async fn list(State(api): State<Api>, staff: Staff) -> Answer<Json<Vec<Listed>>> {
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let sql = "SELECT rev, encode(sha256, 'hex') AS sha256, length(content) AS size, created_at, created_by,
               (SELECT count(*) FROM twin t WHERE (t.docs->'catalog'->>'rev')::bigint = c.rev) AS kiosks
               FROM catalog c ORDER BY rev DESC LIMIT 1000";
    Ok(Json(page::all(&transaction, sql, &[]).await?))
}

/// The document of a catalog.
#[utoipa::path(get, path = "/v1/catalogs/{rev}", tag = "catalogs", params(("rev" = i64, Path)),
    responses((status = 200, content_type = "application/json", body = String)))]
pub(super) async fn show(
    State(api): State<Api>,
    staff: Staff,
    At(rev): At<i64>,
) -> Answer<impl IntoResponse> {
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    document(&transaction, rev).await
}

/// Whether the catalogs that the kiosks of a site should have know a variation; `None`: they have none from here.
pub(super) async fn know(transaction: &Transaction<'_>, site: &str, variation: &str) -> Answer<Option<bool>> {
    let sql = "SELECT c.content FROM catalog c WHERE c.rev IN (
                   SELECT (t.docs->'catalog'->>'rev')::bigint FROM twin t JOIN kiosk k ON k.id = t.kiosk
                   WHERE k.site = $1 AND k.state = 'active')";
    let rows = transaction.query(sql, &[&site]).await.trying("look at a site's catalogs")?;
    let contents: Vec<Vec<u8>> = rows.iter().map(|row| row.get(0)).collect();
    if contents.is_empty() {
        return Ok(None);
    }
    let variation = VariationId(Arc::from(variation));
    let looking = tokio::task::spawn_blocking(move || {
        let known = |content: &Vec<u8>| {
            let catalog = catalog::parse_json(content, "catalog.json").ok()?.into_domain().ok()?;
            Some(catalog.variation(&variation).is_some())
        };
        contents.iter().filter_map(known).reduce(|one, other| one || other)
    });
    looking.await.map_err(|_| Failed::internal("a catalog cannot be read"))
}

/// Document of a catalog of the transaction's tenant.
pub(super) async fn document(transaction: &Transaction<'_>, rev: i64) -> Answer<impl IntoResponse + use<>> {
    let sql = "SELECT content FROM catalog WHERE rev = $1";
    let row = transaction.query_opt(sql, &[&rev]).await.trying("fetch a catalog")?;
    let row = row.ok_or_else(|| Failed::missing("catalog", rev))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], row.get::<_, Vec<u8>>(0)))
}

/// A catalog that was taken.
#[derive(Serialize, Debug, ToSchema)]
pub(super) struct Taken {
    /// As its document says.
    rev: i64,
    /// Of the document, in hexadecimal.
    sha256: String,
    /// Of the document, in bytes.
    size: usize,
    /// What should still be looked at.
    hints: Vec<String>,
}

/// Takes a catalog's document if it is in order. The same document twice is one.
#[utoipa::path(post, path = "/v1/catalogs", tag = "catalogs",
    request_body(content = String, content_type = "application/json", description = "docs/catalog.md"),
    responses((status = 200, body = Taken, description = "It was there"), (status = 201, body = Taken)))]
pub(super) async fn create(
    State(api): State<Api>,
    staff: Staff,
    body: Result<Bytes, BytesRejection>,
) -> Answer<(StatusCode, Json<Taken>)> {
    staff.everywhere()?;
    let body = body?;
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let checking = {
        let body = body.clone();
        tokio::task::spawn_blocking(move || check(&body, today))
    };
    let (rev, hints) = checking.await.map_err(|_| Failed::internal("a catalog cannot be checked"))??;
    let digest = ring::digest::digest(&ring::digest::SHA256, &body);
    let digest = digest.as_ref();
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let sql = "INSERT INTO catalog (tenant, rev, sha256, content, created_by) VALUES ($1, $2, $3, $4, $5)
               ON CONFLICT DO NOTHING";
    let made = transaction
        .execute(sql, &[&staff.tenant, &rev, &digest, &&body[..], &staff.actor])
        .await
        .trying("store a catalog")?;
    let taken = Taken { rev, sha256: hex(digest), size: body.len(), hints };
    if made == 0 {
        let sql = "SELECT sha256 = $2 FROM catalog WHERE rev = $1";
        let same: bool =
            transaction.query_one(sql, &[&rev, &digest]).await.trying("look up a catalog")?.get(0);
        if !same {
            return Err(Failed::conflict("rev", format!("another catalog has the rev {rev}"))
                .next("give the document a higher rev"));
        }
        return Ok((StatusCode::OK, Json(taken)));
    }
    let detail = json!({ "sha256": taken.sha256, "size": taken.size });
    staff.note(&transaction, "catalog.create", &rev.to_string(), detail).await?;
    transaction.commit().await.trying("store a catalog")?;
    Ok((StatusCode::CREATED, Json(taken)))
}

/// Reads a document; returns its revision and hints.
fn check(body: &[u8], today: jiff::civil::Date) -> Answer<(i64, Vec<String>)> {
    let wrong = |errors: catalog::ImportErrors| {
        let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
        let more = all.len().saturating_sub(TOLD);
        let mut told = all.into_iter().take(TOLD).collect::<Vec<_>>().join("\n");
        if more > 0 {
            told.push_str(&format!("\nand {more} more"));
        }
        Failed::unfit("catalog", told).next("mend these places; docs/catalog.md describes every field")
    };
    let document = catalog::parse_json(body, "catalog.json").map_err(wrong)?;
    let day = day(today);
    let hints = match day {
        Some(day) => document.hints(day).map_err(wrong)?.iter().map(ToString::to_string).take(TOLD).collect(),
        None => Vec::new(),
    };
    let catalog: Arc<Catalog> = document.into_domain().map_err(wrong)?.into();
    let rev = i64::try_from(catalog.rev).map_err(|_| Failed::unfit("rev", "the rev is too large"))?;
    Ok((rev, hints))
}

fn day(date: jiff::civil::Date) -> Option<domain::time::Date> {
    let (month, day) = (u8::try_from(date.month()).ok()?, u8::try_from(date.day()).ok()?);
    Some(domain::time::Date { year: date.year(), month, day })
}

/// Whom a catalog is for.
#[derive(Deserialize, Serialize, Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Push {
    /// Active kiosks that this lets through; empty: all.
    filter: String,
    /// How many the asker believes it is; another number is a conflict.
    #[serde(default)]
    expected: Option<u64>,
    /// Only tell how many it would be.
    #[serde(default)]
    dry_run: bool,
}

/// What came of it.
#[derive(Serialize, Debug, ToSchema)]
pub(super) struct Pushed {
    /// Kiosks that the filter lets through.
    count: usize,
    /// Kiosks whose twin changed: the others were meant to have it already.
    changed: u64,
    /// Nothing was done.
    dry_run: bool,
}

/// Means a catalog for kiosks: their twins say so from now on.
#[utoipa::path(post, path = "/v1/catalogs/{rev}/push", tag = "catalogs", params(("rev" = i64, Path)),
    request_body = Push, responses((status = 200, body = Pushed)))]
pub(super) async fn push(
    State(api): State<Api>,
    staff: Staff,
    At(rev): At<i64>,
    Body(asked): Body<Push>,
) -> Answer<Json<Pushed>> {
    let doing = "push a catalog";
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let sql = "SELECT encode(sha256, 'hex'), length(content) FROM catalog WHERE rev = $1";
    let row = transaction.query_opt(sql, &[&rev]).await.trying(doing)?;
    let row = row.ok_or_else(|| Failed::missing("catalog", rev))?;
    let (sha256, size): (String, i32) = (row.get(0), row.get(1));
    let filter = filters::read(&transaction, &asked.filter).await?;
    let kiosks = registry::matching(&transaction, &filter).await?;
    let count = kiosks.len();
    filters::check_count(asked.expected, count)?;
    if asked.dry_run {
        return Ok(Json(Pushed { count, changed: 0, dry_run: true }));
    }
    let url = format!("/v1/kiosk/catalogs/{rev}");
    let docs = json!({ "catalog": { "rev": rev, "sha256": sha256, "size": size, "url": url } });
    // In the order of their ids, so that two who push do not wait for each other.
    let sql = "INSERT INTO twin (kiosk, tenant, rev, docs, due, changed_at, changed_by)
               SELECT k, $2, 1, $3, true, now(), $4 FROM unnest($1::text[]) AS k ORDER BY k
               ON CONFLICT (kiosk) DO UPDATE
               SET docs = twin.docs || $3, rev = twin.rev + 1, due = true, changed_at = now(), changed_by = $4
               WHERE NOT twin.docs @> $3";
    let changed =
        transaction.execute(sql, &[&kiosks, &staff.tenant, &docs, &staff.actor]).await.trying(doing)?;
    let detail = json!({ "filter": asked.filter, "count": count, "changed": changed });
    staff.note(&transaction, "catalog.push", &rev.to_string(), detail).await?;
    transaction.commit().await.trying(doing)?;
    api.hub.due();
    api.hub.changed(&staff.tenant, Subject::Kiosk, kiosks);
    Ok(Json(Pushed { count, changed, dry_run: false }))
}
