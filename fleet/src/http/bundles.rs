//! Files that machines of others install releases from: pushed in pieces.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::door::Staff;
use super::extract::{Ask, At, Body};
use super::page::{self, text};
use super::problem::{Answer, Failed};
use super::releases::{Received, missing, on_disk};
use crate::database::Trying;
use crate::updates::lock_store;

/// A file for a release.
#[derive(Serialize, Deserialize, Debug, ToSchema)]
pub(super) struct Bundle {
    /// Which machines it is for.
    model: String,
    /// The number of the release.
    number: i64,
    /// The file's name, by which clients know what to do with it.
    name: String,
    /// Bytes.
    length: i64,
    /// In hex.
    sha256: String,
    /// When it came.
    #[schema(format = DateTime)]
    pushed_at: String,
}

const SQL: &str = "SELECT model, number, name, length, sha256, pushed_at FROM release_bundle
                   WHERE model = $1 AND number = $2";

/// The file that machines of others install a release from.
#[utoipa::path(get, path = "/v1/releases/{model}/{number}/bundle", tag = "updates",
    params(("model" = String, Path), ("number" = i64, Path)), responses((status = 200, body = Bundle)))]
pub(super) async fn show(
    State(api): State<Api>,
    staff: Staff,
    At((model, number)): At<(String, i64)>,
) -> Answer<Json<Bundle>> {
    text("model", &model, 64)?;
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    let found = page::all(&transaction, SQL, &[&model, &number]).await?.pop();
    found.map(Json).ok_or_else(|| Failed::missing("bundle of a release", format!("{number} for {model}")))
}

/// Where a piece begins.
#[derive(Deserialize, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Piece {
    /// At the end of what is here, or at 0 to begin anew.
    offset: u64,
}

/// Takes a piece of the file, at most 8 MiB.
#[utoipa::path(put, path = "/v1/releases/{model}/{number}/bundle", tag = "updates",
    params(("model" = String, Path), ("number" = i64, Path), Piece),
    request_body(content = [u8], content_type = "application/octet-stream"),
    responses((status = 200, body = Received)))]
pub(super) async fn take(
    State(api): State<Api>,
    staff: Staff,
    At((model, number)): At<(String, i64)>,
    Ask(piece): Ask<Piece>,
    body: Result<Bytes, BytesRejection>,
) -> Answer<Json<Received>> {
    staff.everywhere()?;
    text("model", &model, 64)?;
    let body = body?;
    let length = on_disk(&api, move |store| store.append_bundle(&model, number, piece.offset, &body)).await?;
    Ok(Json(Received { length, published: false }))
}

/// What was pushed.
#[derive(Deserialize, Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Pushed {
    /// The file's name: `.swu` for swupdate, `.raucb` for RAUC.
    name: String,
    /// Its SHA-256 in hex.
    sha256: String,
}

/// Takes what was pushed as the file of a release that is listed.
#[utoipa::path(post, path = "/v1/releases/{model}/{number}/bundle", tag = "updates",
    params(("model" = String, Path), ("number" = i64, Path)), request_body = Pushed,
    responses((status = 200, body = Bundle)))]
pub(super) async fn publish(
    State(api): State<Api>,
    staff: Staff,
    At((model, number)): At<(String, i64)>,
    Body(Pushed { name, sha256 }): Body<Pushed>,
) -> Answer<Json<Bundle>> {
    staff.everywhere()?;
    text("model", &model, 64)?;
    if !crate::updates::store::is_part(&name) {
        return Err(Failed::unfit("name", "name: letters, digits, `-`, `_` and `.`, not at its beginning"));
    }
    let doing = "store a bundle";
    let mut connection = api.database.connection().await?;
    let transaction = staff.begin(&mut connection).await?;
    lock_store(&transaction).await?;
    let sql = "SELECT 1 FROM release WHERE model = $1 AND number = $2 AND state = 'listed'";
    let release = transaction.query_opt(sql, &[&model, &number]).await.trying(doing)?;
    release.ok_or_else(|| missing(&model, number))?;
    let in_use =
        transaction.query_one("SELECT release_in_use($1, $2)", &[&model, &number]).await.trying(doing)?;
    let there = transaction.query_opt(SQL, &[&model, &number]).await.trying(doing)?;
    if in_use.get(0) && there.is_some() {
        return Err(Failed::conflict("in_use", "a rollout of this release is not over")
            .next("fleetctl rollout list; then fleetctl rollout halt ID"));
    }
    let of = model.clone();
    let hashes = on_disk(&api, move |store| store.publish_bundle(&of, number, &sha256)).await?;
    let sql = "INSERT INTO release_bundle (model, number, name, length, sha256, sha1) VALUES ($1, $2, $3, $4, $5, $6)
               ON CONFLICT (model, number) DO UPDATE SET name = $3, length = $4, sha256 = $5, sha1 = $6, pushed_at = now()";
    let length = hashes.length.cast_signed();
    transaction
        .execute(sql, &[&model, &number, &name, &length, &hashes.sha256, &hashes.sha1])
        .await
        .trying(doing)?;
    let detail = json!({ "name": name, "sha256": hashes.sha256 });
    staff.note(&transaction, "release.bundle", &format!("{model} {number}"), detail).await?;
    let stored = page::all(&transaction, SQL, &[&model, &number]).await?.pop();
    transaction.commit().await.trying(doing)?;
    stored.map(Json).ok_or_else(|| Failed::internal("a bundle"))
}
