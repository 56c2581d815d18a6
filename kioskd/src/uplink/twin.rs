//! How the fleet wants the kiosk to be. The document is applied only if its revision is greater than the one in
//! force; every key that cannot be applied is reported with the reason.
//!
//! Documents are wishes too: the catalog is fetched over HTTPS, its hash compared, and then it goes the way of
//! every other import. Settings by key are kept for the next start (`settings::remote`), which follows as soon as no
//! customer is there.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use domain::input::Origin;
use protocol::catalog::MAX_FILE_BYTES;
use protocol::fleet::{DesiredTwin, DocumentRef, Reported, ReportedTwin};
use protocol::topic::Up;
use serde_json::json;
use store::TwinRow;

use super::driver::on_core;
use super::errands::Errands;
use crate::admin::refused;

/// Applies the newest wish, and tells what is in force.
pub(super) async fn apply(errands: &mut Errands) {
    let Some(desired) = errands.twin.borrow_and_update().clone() else { return };
    let Ok(known) = on_core(&errands.core, |core| core.store().twin()).await else { return };
    let known = if desired.rev > known.rev {
        let errors = keep(errands, &desired);
        let row = TwinRow { rev: desired.rev, errors, desired: desired.desired.clone() };
        let stored = row.clone();
        if on_core(&errands.core, move |core| core.store_mut().set_twin(&stored)).await.is_err() {
            return;
        }
        tracing::info!(rev = desired.rev, "the desired twin is in force");
        row
    } else {
        known
    };
    let mut errors = known.errors;
    if let Some(document) = &desired.docs.catalog
        && let Err(error) = follow_catalog(errands, document).await
    {
        tracing::warn!("the fleet's catalog cannot be used: {error:#}");
        errors.insert("docs.catalog".to_owned(), format!("{error:#}"));
    }
    let active = on_core(&errands.core, |core| {
        let kiosk = core.kiosk().status(&core.clock().now());
        Ok((kiosk.catalog_rev, core.kiosk().config().version.to_string()))
    });
    let Ok((catalog_rev, version)) = active.await else { return };
    let mut reported: Reported =
        errands.in_force.in_force().into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    reported.insert("catalog.rev".to_owned(), json!(catalog_rev.unwrap_or(0)));
    reported.insert("kiosk.version".to_owned(), json!(version));
    let report = ReportedTwin { rev: known.rev, reported, errors };
    errands.tell(Up::Twin, &report).await;
}

/// Keeps the wishes for the next start; what cannot be done, by key.
fn keep(errands: &mut Errands, desired: &DesiredTwin) -> BTreeMap<String, String> {
    let wanted = errands.in_force.want(&desired.desired);
    match errands.in_force.keep(&wanted) {
        Ok(another) => {
            errands.start_anew = another;
            wanted.errors
        }
        Err(error) => {
            tracing::error!(%error, "what the fleet wants cannot be stored");
            let told = format!("it cannot be stored: {error}");
            desired.desired.keys().map(|key| (key.clone(), told.clone())).collect()
        }
    }
}

/// Fetches a catalog that is newer than the active one, or has its revision and may be another.
async fn follow_catalog(errands: &mut Errands, document: &DocumentRef) -> anyhow::Result<()> {
    let active =
        on_core(&errands.core, |core| Ok(core.kiosk().status(&core.clock().now()).catalog_rev)).await?;
    if active.is_some_and(|active| active > document.rev) {
        return Ok(());
    }
    if active == Some(document.rev) && errands.followed == Some(document.sha256) {
        return Ok(());
    }
    fetch_catalog(errands, document).await?;
    errands.followed = Some(document.sha256);
    Ok(())
}

/// Fetches a catalog, checks it and makes it the active one. `false`: it was that already.
pub(super) async fn fetch_catalog(errands: &Errands, document: &DocumentRef) -> anyhow::Result<bool> {
    let limit = u64::try_from(MAX_FILE_BYTES).unwrap_or(u64::MAX);
    anyhow::ensure!(document.size <= limit, "{} bytes are more than {limit}", document.size);
    let bytes = errands.http()?.get(&document.url).await?;
    anyhow::ensure!(
        store::sha256(&bytes) == document.sha256.0,
        "its bytes are not the ones that were announced"
    );
    let text = String::from_utf8(bytes.to_vec()).context("it is not UTF-8")?;
    let checked =
        tokio::task::spawn_blocking(move || crate::catalog::check_json(&text, "the fleet's catalog"));
    let (catalog, checked) = checked.await??;
    anyhow::ensure!(
        checked.rev == document.rev,
        "its revision is {}, announced was {}",
        checked.rev,
        document.rev
    );
    on_core(&errands.core, move |core| core.activate_catalog(Origin::Fleet, Arc::clone(&catalog), &checked))
        .await?
        .map_err(|refusal| anyhow::anyhow!(refused(&refusal)))
}
