//! Catalog files: read, checked, and made ready for the store.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use domain::catalog::Catalog;
use protocol::catalog::{ImportErrors, parse_csv_dir, parse_json};
use store::CatalogDocument;

use crate::settings::Settings;

/// A catalog and the document that the store keeps of it.
pub type Checked = (Arc<Catalog>, CatalogDocument);

/// Makes the catalog that a store without one begins with.
pub type Seed = Arc<dyn Fn() -> Option<Checked> + Send + Sync>;

/// Reads a JSON file or a folder of CSV files and checks everything in it.
///
/// # Errors
/// The file cannot be read, or everything that is wrong in it, each with its place.
pub fn read(path: &Path) -> anyhow::Result<Checked> {
    let name = path.display().to_string();
    let document = if path.is_dir() {
        parse_csv_dir(csv_files(path)?)?
    } else {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
        parse_json(&text, &name)?
    };
    Ok(check(&document)?)
}

/// Checks a JSON document that came from elsewhere.
///
/// # Errors
/// Everything that is wrong, each with its place.
pub fn check_json(text: &str, name: &str) -> Result<Checked, ImportErrors> {
    check(&parse_json(text, name)?)
}

fn check(document: &protocol::catalog::CatalogDocument) -> Result<Checked, ImportErrors> {
    let catalog = document.clone().into_domain()?;
    let bytes = document.to_json()?.into_bytes();
    let stored = CatalogDocument { rev: catalog.rev, bytes };
    Ok((Arc::new(catalog), stored))
}

/// A document of the store, which was checked when it was stored.
///
/// # Errors
/// It was written by another version that this one cannot read.
pub fn parse_stored(bytes: &[u8]) -> anyhow::Result<Catalog> {
    let text = std::str::from_utf8(bytes).context("not UTF-8")?;
    Ok(parse_json(text, "stored catalog")?.into_domain()?)
}

/// What to begin with, if the settings name something.
pub fn seed(settings: &Settings) -> Option<Seed> {
    let path = settings.catalog.seed.clone()?;
    Some(Arc::new(move || match read(&path) {
        Ok(checked) => Some(checked),
        Err(error) => {
            tracing::error!(path = %path.display(), "the seed catalog cannot be used: {error:#}");
            None
        }
    }))
}

fn csv_files(dir: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    let entries = std::fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "csv") {
            let text =
                std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push((name, text));
        }
    }
    files.sort();
    Ok(files)
}
