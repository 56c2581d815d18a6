//! Releases: what the makers have signed comes here in pieces, is proven as a kiosk would, and is listed.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use deadpool_postgres::Transaction;
use ota::release::Manifest;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::door::Staff;
use super::extract::{Ask, At};
use super::page;
use super::problem::{Answer, Failed};
use crate::clock::now_s;
use crate::database::Trying;
use crate::updates::lock_store;
use crate::updates::store::StoreError;

/// Largest piece of a file.
pub(super) const PIECE_MAX: usize = 8 * 1024 * 1024;

/// A release for one model of kiosk.
#[derive(Serialize, Deserialize, Debug, ToSchema)]
pub(super) struct Release {
    /// Which kiosks it is for.
    model: String,
    /// The number of the release: a higher one is newer.
    number: i64,
    /// For people.
    version: String,
    /// The processor's architecture.
    arch: String,
    /// No release below this one is allowed any more once this one has proven itself.
    floor: i64,
    /// Releases below this one cannot be updated to it directly.
    min_from: i64,
    /// Bytes that a kiosk fetches which has nothing of it.
    size: i64,
    /// Earlier images from which less has to be fetched.
    deltas: i64,
    /// `listed`; `withdrawn`: its makers do not list it any more; `forgotten`: its files are gone.
    state: String,
    /// When it came.
    #[schema(format = DateTime)]
    pushed_at: String,
}

const COLUMNS: &str = "SELECT model, number, version, state, pushed_at, manifest->>'arch' AS arch,
    (manifest->>'floor')::bigint AS floor, (manifest->>'min_from')::bigint AS min_from,
    (SELECT coalesce(sum((f->>'length')::bigint), 0)::bigint
     FROM jsonb_path_query(manifest, '$.images[*].files[*]') AS f WHERE f->'seed_sha256' IS NULL) AS size,
    (SELECT count(*) FROM jsonb_path_query(manifest, '$.images[*].files[*]') AS f
     WHERE f->'seed_sha256' IS NOT NULL) AS deltas
    FROM release";

/// All releases, the newest of each model first.
#[utoipa::path(get, path = "/v1/releases", tag = "updates", responses((status = 200, body = [Release])))]
pub(super) async fn list(State(api): State<Api>, staff: Staff) -> Answer<Json<Vec<Release>>> {
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let sql = format!("{COLUMNS} ORDER BY model, number DESC");
    Ok(Json(page::all(&transaction, &sql, &[]).await?))
}

/// What was signed of a release.
#[utoipa::path(get, path = "/v1/releases/{model}/{number}", tag = "updates",
    params(("model" = String, Path), ("number" = i64, Path)), responses((status = 200, body = Object)))]
pub(super) async fn show(
    State(api): State<Api>,
    staff: Staff,
    At((model, number)): At<(String, i64)>,
) -> Answer<Json<Value>> {
    page::text("model", &model, 64)?;
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let sql = "SELECT manifest FROM release WHERE model = $1 AND number = $2";
    let row = transaction.query_opt(sql, &[&model, &number]).await.trying("fetch a release")?;
    let row = row.ok_or_else(|| missing(&model, number))?;
    Ok(Json(row.get(0)))
}

pub(super) fn missing(model: &str, number: i64) -> Failed {
    Failed::missing("release", format!("{number} for {model}"))
}

/// Which file.
#[derive(Deserialize, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct File {
    /// A name that the sender makes up, so that several may push at the same time: up to 64 letters, digits, - and _.
    push: String,
    /// Its path in the repository.
    path: String,
}

/// How much of a file is here.
#[derive(Serialize, Debug, ToSchema)]
pub(super) struct Received {
    /// Bytes.
    pub(super) length: u64,
    /// It is published: nothing can be added.
    pub(super) published: bool,
}

/// How much of a file was pushed already: whoever was interrupted goes on from there.
#[utoipa::path(get, path = "/v1/releases/files", tag = "updates", params(File),
    responses((status = 200, body = Received)))]
pub(super) async fn received(
    State(api): State<Api>,
    staff: Staff,
    Ask(file): Ask<File>,
) -> Answer<Json<Received>> {
    staff.everywhere()?;
    let (length, published) = on_disk(&api, move |store| store.received(&file.push, &file.path)).await?;
    Ok(Json(Received { length, published }))
}

/// A piece of a file.
#[derive(Deserialize, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Piece {
    /// The name of the push.
    push: String,
    /// The file's path in the repository.
    path: String,
    /// Where it begins: at the end of what is here, or at 0 to begin anew.
    offset: u64,
}

/// Takes a piece of a file, at most 8 MiB. Nothing of it is listed before all is proven.
#[utoipa::path(put, path = "/v1/releases/files", tag = "updates", params(Piece),
    request_body(content = [u8], content_type = "application/octet-stream"),
    responses((status = 200, body = Received)))]
pub(super) async fn take(
    State(api): State<Api>,
    staff: Staff,
    Ask(piece): Ask<Piece>,
    body: Result<Bytes, BytesRejection>,
) -> Answer<Json<Received>> {
    staff.everywhere()?;
    let body = body?;
    let length =
        on_disk(&api, move |store| store.append(&piece.push, &piece.path, piece.offset, &body)).await?;
    Ok(Json(Received { length, published: false }))
}

/// What is listed now.
#[derive(Serialize, Debug, ToSchema)]
pub(super) struct Listed {
    /// Releases that were not listed before, as `model number`.
    new: Vec<String>,
    /// How many there are.
    count: usize,
}

/// Which push.
#[derive(Deserialize, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Pushed {
    /// Its name.
    push: String,
}

/// Proves all that came with a push as a kiosk would, signs it as the newest, and lists it. What a kiosk would not
/// believe is thrown away.
#[utoipa::path(post, path = "/v1/releases", tag = "updates", params(Pushed),
    responses((status = 200, body = Listed)))]
pub(super) async fn publish(
    State(api): State<Api>,
    staff: Staff,
    Ask(Pushed { push }): Ask<Pushed>,
) -> Answer<Json<Listed>> {
    staff.everywhere()?;
    let doing = "list a release";
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    lock_store(&transaction).await?;
    let known = manifests(&transaction).await?;
    let proven: Vec<Manifest> = known.iter().map(|(manifest, _)| manifest.clone()).collect();
    let listed: Vec<Manifest> =
        known.into_iter().filter(|(_, state)| state == "listed").map(|(manifest, _)| manifest).collect();
    let releases = on_disk(&api, move |store| {
        let is_proven = |it: &Manifest| listed.contains(it) || (proven.contains(it) && !store.has_files(it));
        let all = store.publish(&push, now_s(), &proven, is_proven)?;
        Ok(all.into_iter().map(|it| (store.has_files(&it), it)).collect::<Vec<_>>())
    })
    .await?;
    let mut new = Vec::new();
    for (has_files, release) in &releases {
        let sql = "INSERT INTO release (model, number, version, manifest, state) VALUES ($1, $2, $3, $4, $5)
                   ON CONFLICT (model, number) DO UPDATE SET version = $3, manifest = $4, state = $5, pushed_at = now()
                   WHERE release.manifest <> $4 OR release.state <> $5";
        let number = release.release.cast_signed();
        let manifest = json!(release);
        let state = if *has_files { "listed" } else { "forgotten" };
        let changed = transaction
            .execute(sql, &[&release.model, &number, &release.version, &manifest, &state])
            .await
            .trying(doing)?;
        if changed > 0 && *has_files {
            new.push(format!("{} {number}", release.model));
        }
    }
    let names: Vec<String> = releases.iter().map(|(_, it)| format!("{} {}", it.model, it.release)).collect();
    let sql = "UPDATE release SET state = 'withdrawn' WHERE state = 'listed' AND model || ' ' || number <> ALL ($1)";
    transaction.execute(sql, &[&names]).await.trying(doing)?;
    staff.note(&transaction, "release.push", &new.join(", "), json!({ "count": releases.len() })).await?;
    transaction.commit().await.trying(doing)?;
    api.hub.due();
    Ok(Json(Listed { new, count: releases.len() }))
}

/// Removes the files of a release that nobody gets any more. Its makers still list it: pushed again it is there again.
#[utoipa::path(delete, path = "/v1/releases/{model}/{number}", tag = "updates",
    params(("model" = String, Path), ("number" = i64, Path)), responses((status = 204)))]
pub(super) async fn forget(
    State(api): State<Api>,
    staff: Staff,
    At((model, number)): At<(String, i64)>,
) -> Answer<StatusCode> {
    staff.everywhere()?;
    page::text("model", &model, 64)?;
    let doing = "forget a release";
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    lock_store(&transaction).await?;
    let known = manifests(&transaction).await?;
    let is_it = |it: &Manifest| it.model == model && it.release.cast_signed() == number;
    let (gone, others): (Vec<_>, Vec<_>) = known.into_iter().partition(|(manifest, _)| is_it(manifest));
    let gone = gone.into_iter().find(|(_, state)| state != "forgotten").map(|(manifest, _)| manifest);
    let gone = gone.ok_or_else(|| missing(&model, number))?;
    let in_use =
        transaction.query_one("SELECT release_in_use($1, $2)", &[&model, &number]).await.trying(doing)?;
    if in_use.get(0) {
        return Err(Failed::conflict("in_use", "a rollout of this release is not over")
            .next("fleetctl rollout list; then fleetctl rollout halt ID"));
    }
    let sql = "UPDATE release SET state = 'forgotten' WHERE model = $1 AND number = $2";
    transaction.execute(sql, &[&model, &number]).await.trying(doing)?;
    staff.note(&transaction, "release.forget", &format!("{model} {number}"), json!({})).await?;
    transaction.commit().await.trying(doing)?;
    let others: Vec<Manifest> =
        others.into_iter().filter(|(_, state)| state != "forgotten").map(|(manifest, _)| manifest).collect();
    on_disk(&api, move |store| store.forget(&gone, &others)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// All that was ever listed, with its state.
async fn manifests(transaction: &Transaction<'_>) -> Answer<Vec<(Manifest, String)>> {
    let rows = transaction.query("SELECT manifest, state FROM release", &[]).await.trying("list releases")?;
    let read = |value: Value| serde_json::from_value(value).map_err(|_| Failed::internal("a manifest"));
    rows.iter().map(|row| Ok((read(row.get(0))?, row.get(1)))).collect()
}

/// Works on the folder in a thread that may wait for the disk.
pub(super) async fn on_disk<T: Send + 'static>(
    api: &Api,
    work: impl FnOnce(&crate::updates::store::Store) -> Result<T, StoreError> + Send + 'static,
) -> Answer<T> {
    let store = api.store.clone();
    let done = tokio::task::spawn_blocking(move || work(&store)).await;
    Ok(done.map_err(|_| Failed::internal("the store of releases"))??)
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        let told = crate::updates::told(&error);
        match error {
            StoreError::Path(_) | StoreError::TooLarge => Self::unfit("file", told),
            StoreError::Push(_) => Self::unfit("push", told),
            StoreError::Offset { found, .. } => {
                Self::conflict("offset", told).next(format!("send it from byte {found} on, or from 0 anew"))
            }
            StoreError::Damaged { .. } => Self::conflict("damaged", told).next("push it anew, from byte 0 on"),
            StoreError::Nothing => Self::conflict("nothing", told).next("push the files first"),
            StoreError::Other(_) => Self::conflict("published", told)
                .next("the makers have to give what they change a new version: kiosk-ota root, kiosk-ota release"),
            StoreError::Unbelieved(_) => Self::unfit("unbelieved", told).next(
                "kiosk-ota verify REPO tells the makers more; the root has to name this fleet's ca/online.pub as \
                 its --online-key",
            ),
            StoreError::Bucket { .. } => {
                tracing::error!(error = told, "the bucket of releases");
                Self::internal("the bucket of releases cannot be used")
            }
            StoreError::Disk { .. } => {
                tracing::error!(error = told, "the store of releases");
                Self::internal("the store of releases cannot be used")
            }
        }
    }
}
