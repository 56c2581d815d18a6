//! How a kiosk should be and how it is.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use protocol::fleet::{DesiredTwin, TWIN_BYTES_MAX};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::Api;
use super::door::Staff;
use super::extract::{At, Body};
use super::filters;
use super::page::{self, text};
use super::problem::{Answer, Failed};
use crate::database::{Trying, has_nul};
use crate::hub::Subject;
use crate::registry;

/// Longest key of a setting.
const KEY_MAX: usize = 100;

/// Both sides of a twin.
#[derive(Serialize, Deserialize, Debug, ToSchema)]
pub(super) struct Twin {
    /// Whose.
    kiosk: String,
    /// Revision of what it should be; 0: nothing said yet.
    rev: i64,
    /// Settings by key.
    #[schema(value_type = Object)]
    desired: Map<String, Value>,
    /// Documents it should have.
    #[schema(value_type = Object)]
    docs: Value,
    /// When that was said.
    #[schema(format = DateTime, required)]
    changed_at: Option<String>,
    /// By whom.
    #[schema(required)]
    changed_by: Option<String>,
    /// Revision that the kiosk has applied.
    reported_rev: i64,
    /// What is in force there.
    #[schema(value_type = Object)]
    reported: Value,
    /// What could not be applied, by key.
    #[schema(value_type = Object)]
    errors: Value,
    /// When it said so.
    #[schema(format = DateTime, required)]
    reported_at: Option<String>,
    /// Whether the revisions differ, or the kiosk refused a part of this one.
    drift: bool,
}

const ONE: &str = concat!(
    "SELECT k.id AS kiosk, coalesce(t.rev, 0) AS rev, coalesce(t.desired, '{}') AS desired,
    coalesce(t.docs, '{}') AS docs, t.changed_at, t.changed_by, coalesce(t.reported_rev, 0) AS reported_rev,
    coalesce(t.reported, '{}') AS reported, coalesce(t.errors, '{}') AS errors, t.reported_at,
    ",
    registry::drift!(),
    " AS drift FROM kiosk k LEFT JOIN twin t ON t.kiosk = k.id WHERE k.id = $1"
);

fn told(twin: Twin) -> impl IntoResponse {
    ([(header::ETAG, format!("\"{}\"", twin.rev))], Json(twin))
}

/// The twin of a kiosk; its `rev` is also the ETag.
#[utoipa::path(get, path = "/v1/kiosks/{id}/twin", tag = "downlink", params(("id" = String, Path)),
    responses((status = 200, body = Twin)))]
pub(super) async fn show(
    State(api): State<Api>,
    staff: Staff,
    At(id): At<String>,
) -> Answer<impl IntoResponse> {
    text("id", &id, 64)?;
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let twin = page::one::<Twin>(&transaction, ONE, &[&id]).await?;
    Ok(told(twin.ok_or_else(|| Failed::missing("kiosk", id))?))
}

/// What to change of how a kiosk should be.
#[derive(Deserialize, Serialize, Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TwinChange {
    /// Settings by key; null takes one out, and what is not there stays.
    #[schema(value_type = Object)]
    desired: Map<String, Value>,
}

/// Changes how a kiosk should be. Needs `If-Match` with the revision that was read.
#[utoipa::path(patch, path = "/v1/kiosks/{id}/twin", tag = "downlink",
    params(("id" = String, Path), ("If-Match" = String, Header, description = "The revision that was read, quoted")),
    request_body = TwinChange, responses((status = 200, body = Twin)))]
pub(super) async fn change(
    State(api): State<Api>,
    staff: Staff,
    At(id): At<String>,
    headers: HeaderMap,
    Body(change): Body<TwinChange>,
) -> Answer<impl IntoResponse> {
    text("id", &id, 64)?;
    let expected = if_match(&headers)?;
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let sql =
        "INSERT INTO twin (kiosk, tenant) SELECT id, tenant FROM kiosk WHERE id = $1 AND state = 'active'
               ON CONFLICT DO NOTHING";
    transaction.execute(sql, &[&id]).await.trying("begin a twin")?;
    transaction
        .query_opt("SELECT 1 FROM twin WHERE kiosk = $1 FOR UPDATE", &[&id])
        .await
        .trying("lock a twin")?;
    let before = page::one::<Twin>(&transaction, ONE, &[&id]).await?;
    let before = before.ok_or_else(|| Failed::missing("kiosk", &id))?;
    if expected.is_some_and(|rev| rev != before.rev) {
        return Err(Failed::changed(format!("the twin is at rev {}", before.rev)));
    }
    let desired = merge(before.desired, &change.desired)?;
    check(before.rev + 1, &desired, &before.docs)?;
    let sql = "UPDATE twin SET desired = $2, rev = rev + 1, due = true, changed_at = now(), changed_by = $3
               WHERE kiosk = $1";
    let document = Value::Object(desired);
    let changed = transaction.execute(sql, &[&id, &document, &staff.actor]).await.trying("change a twin")?;
    if changed == 0 {
        return Err(Failed::missing("active kiosk", id));
    }
    staff.note(&transaction, "twin.change", &id, json!(change)).await?;
    let twin = page::one::<Twin>(&transaction, ONE, &[&id]).await?;
    let twin = twin.ok_or_else(|| Failed::missing("kiosk", &id))?;
    transaction.commit().await.trying("change a twin")?;
    api.hub.due();
    api.hub.changed(&staff.tenant, Subject::Kiosk, [id]);
    Ok(told(twin))
}

/// What to change of how many kiosks should be.
#[derive(Deserialize, Serialize, Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ManyTwins {
    /// Active kiosks that this lets through; empty: all.
    filter: String,
    /// Settings by key; null takes one out, and what is not there stays.
    #[schema(value_type = Object)]
    desired: Map<String, Value>,
    /// How many kiosks the asker believes it is; another number is a conflict.
    #[serde(default)]
    expected: Option<u64>,
    /// Only tell how many it would be.
    #[serde(default)]
    dry_run: bool,
}

/// What came of it.
#[derive(Serialize, Debug, ToSchema)]
pub(super) struct ManyChanged {
    /// Kiosks that the filter lets through.
    count: usize,
    /// Those whose twin changed, or would: the others were meant to be so already.
    changed: usize,
    /// Which changed: the first thousand.
    kiosks: Vec<String>,
    /// Nothing was done.
    dry_run: bool,
}

/// Most kiosks that are listed in an answer.
const LISTED: usize = 1000;

/// Changes how many kiosks should be, all of them or none.
#[utoipa::path(post, path = "/v1/twins", tag = "downlink", request_body = ManyTwins,
    responses((status = 200, body = ManyChanged)))]
pub(super) async fn change_many(
    State(api): State<Api>,
    staff: Staff,
    Body(asked): Body<ManyTwins>,
) -> Answer<Json<ManyChanged>> {
    merge(Map::new(), &asked.desired)?;
    let doing = "change twins";
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let filter = filters::read(&transaction, &asked.filter).await?;
    let kiosks = registry::matching(&transaction, &filter).await?;
    let count = kiosks.len();
    filters::check_count(asked.expected, count)?;
    // In the order of their ids, so that two who change many do not wait for each other.
    let sql = "INSERT INTO twin (kiosk, tenant) SELECT k, $2 FROM unnest($1::text[]) AS k ORDER BY k
               ON CONFLICT DO NOTHING";
    transaction.execute(sql, &[&kiosks, &staff.tenant]).await.trying(doing)?;
    let sql = "SELECT kiosk, rev, desired, docs FROM twin WHERE kiosk = ANY ($1) ORDER BY kiosk FOR UPDATE";
    let rows = transaction.query(sql, &[&kiosks]).await.trying(doing)?;
    let (mut ids, mut documents) = (Vec::new(), Vec::new());
    for row in &rows {
        let (rev, before, docs): (i64, Value, Value) = (row.get(1), row.get(2), row.get(3));
        let before = before.as_object().cloned().unwrap_or_default();
        let after = merge(before.clone(), &asked.desired)?;
        if after != before {
            check(rev + 1, &after, &docs)?;
            ids.push(row.get::<_, String>(0));
            documents.push(Value::Object(after));
        }
    }
    let changed = ids.len();
    let told = ids.iter().take(LISTED).cloned().collect();
    if asked.dry_run {
        return Ok(Json(ManyChanged { count, changed, kiosks: told, dry_run: true }));
    }
    let sql = "UPDATE twin SET desired = new.document, rev = rev + 1, due = true, changed_at = now(), changed_by = $3
               FROM unnest($1::text[], $2::jsonb[]) AS new (kiosk, document) WHERE twin.kiosk = new.kiosk";
    transaction.execute(sql, &[&ids, &documents, &staff.actor]).await.trying(doing)?;
    let detail = json!({ "asked": asked, "count": count, "changed": changed });
    staff.note(&transaction, "twins.change", &asked.filter, detail).await?;
    transaction.commit().await.trying(doing)?;
    api.hub.due();
    api.hub.changed(&staff.tenant, Subject::Kiosk, ids);
    Ok(Json(ManyChanged { count, changed, kiosks: told, dry_run: false }))
}

/// The revision of `If-Match`; `*` is any.
fn if_match(headers: &HeaderMap) -> Answer<Option<i64>> {
    let value = headers.get(header::IF_MATCH).ok_or_else(Failed::precondition_required)?;
    let value = value.to_str().unwrap_or_default().trim();
    if value == "*" {
        return Ok(None);
    }
    let rev = value.trim_matches('"').parse();
    rev.map(Some).map_err(|_| Failed::bad("if_match", "If-Match is the rev in quotes, such as \"3\", or *"))
}

fn merge(mut settings: Map<String, Value>, change: &Map<String, Value>) -> Answer<Map<String, Value>> {
    for (key, value) in change {
        let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
        if key.is_empty() || key.len() > KEY_MAX || !key.bytes().all(good) {
            return Err(Failed::unfit("key", format!("{key:?} is no key such as kiosk.language")));
        }
        if has_nul(value) {
            return Err(Failed::unfit("value", format!("{key}: no NUL, please")));
        }
        if value.is_null() {
            settings.remove(key);
        } else {
            settings.insert(key.clone(), value.clone());
        }
    }
    Ok(settings)
}

/// Refuses what could not be sent.
fn check(rev: i64, desired: &Map<String, Value>, docs: &Value) -> Answer<()> {
    let document = json!({ "rev": rev, "desired": desired, "docs": docs });
    if document.to_string().len() > TWIN_BYTES_MAX {
        return Err(Failed::too_large(format!("a twin has at most {TWIN_BYTES_MAX} bytes")));
    }
    serde_json::from_value::<DesiredTwin>(document)
        .map(drop)
        .map_err(|error| Failed::unfit("twin", error.to_string()))
}
