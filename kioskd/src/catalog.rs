//! Catalog files: read, checked, and made ready for the store.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use domain::catalog::Catalog;
use domain::time::Date;
use protocol::catalog::{ImportErrors, MAX_FILE_BYTES, parse_csv_dir, parse_json};
use store::CatalogDocument;

use crate::settings::Settings;

/// Most bytes of a folder's tables together: texts in many languages, and below the memory of a small kiosk.
const MAX_FOLDER_BYTES: usize = 4 * MAX_FILE_BYTES;

/// A catalog and the document that the store keeps of it.
pub type Checked = (Arc<Catalog>, CatalogDocument);

/// Makes the catalog that a store without one begins with.
pub type Seed = Arc<dyn Fn() -> Option<Checked> + Send + Sync>;

/// Reads a JSON file or a folder of CSV files and checks everything in it.
///
/// # Errors
/// The file cannot be read, or everything that is wrong in it, each with its place.
pub fn read(path: &Path) -> anyhow::Result<Checked> {
    Ok(check(&document(path)?)?)
}

fn document(path: &Path) -> anyhow::Result<protocol::catalog::CatalogDocument> {
    if path.is_dir() {
        return Ok(parse_csv_dir(csv_files(path)?)?);
    }
    anyhow::ensure!(
        path.extension().is_none_or(|extension| extension != "csv"),
        "{}: one table is no catalog; name the folder that all its tables are in",
        path.display()
    );
    Ok(parse_json(&read_file(path, MAX_FILE_BYTES)?, &path.display().to_string())?)
}

/// Reads and checks a catalog, and tells what it should still be looked at for on this date.
///
/// # Errors
/// As [`read`].
pub fn read_with_hints(path: &Path, today: Date) -> anyhow::Result<(Checked, Vec<String>)> {
    let document = document(path)?;
    let checked = check(&document)?;
    let hints = [document.hints(today)?, document.unshown(&crate::devices::can_show())?].concat();
    let foreign = checked.0.languages.iter().filter(|lang| !ui::speaks(lang));
    let foreign = foreign.map(|lang| {
        let lang = lang.as_str();
        format!("languages: the screens have no words in {lang}; beside names in {lang} they speak English")
    });
    let hints = hints.iter().map(ToString::to_string).chain(foreign).collect();
    Ok((checked, hints))
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

/// The bytes of a regular file of at most `max_bytes`. A device or a pipe is refused before it is opened: it may
/// have no end, or nothing to say.
///
/// # Errors
/// There is no such file, it is none, or it is too large.
pub fn read_file(path: &Path, max_bytes: usize) -> anyhow::Result<Vec<u8>> {
    let cannot = || format!("cannot read {}", path.display());
    let kind = std::fs::metadata(path).with_context(cannot)?;
    anyhow::ensure!(
        kind.is_file(),
        "{}: this is not a file; name a JSON file or a folder of CSV files",
        path.display()
    );
    let mut bytes = Vec::new();
    let limit = u64::try_from(max_bytes).unwrap_or(u64::MAX);
    // Read up to the limit whatever the size was said to be: it may grow.
    File::open(path)
        .and_then(|file| file.take(limit.saturating_add(1)).read_to_end(&mut bytes))
        .with_context(cannot)?;
    anyhow::ensure!(
        bytes.len() <= max_bytes,
        "{}: the file is larger than {max_bytes} bytes, the most that is read; is it the right one?",
        path.display()
    );
    Ok(bytes)
}

fn csv_files(dir: &Path) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    let mut free = MAX_FOLDER_BYTES;
    let entries = std::fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "csv") {
            let bytes = read_file(&path, MAX_FILE_BYTES)?;
            free = free.checked_sub(bytes.len()).with_context(|| {
                format!("{}: its tables have more than {MAX_FOLDER_BYTES} bytes together", dir.display())
            })?;
            files.push((path.display().to_string(), bytes));
        }
    }
    anyhow::ensure!(
        !files.is_empty(),
        "{}: there is no .csv file in this folder; a catalog has at least shop.csv, items.csv, categories.csv, \
         tax_rules.csv and tax_rates.csv, or is one JSON file",
        dir.display()
    );
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(path: &Path) -> String {
        format!("{:#}", read(path).unwrap_err())
    }

    #[test]
    fn a_file_that_is_not_utf_8_is_told_with_file_and_line() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("menu.json");
        std::fs::write(&file, b"{\n\"brand\": \"Caf\xe9\"}").unwrap();
        let told = refused(&file);
        assert!(told.starts_with(&format!("{}:2:14: the byte E9 is not UTF-8", file.display())), "{told}");
    }

    #[test]
    fn a_folder_without_tables_and_one_without_items_say_which_files_they_lack() {
        let dir = tempfile::tempdir().unwrap();
        let told = refused(dir.path());
        assert!(told.starts_with(&dir.path().display().to_string()), "{told}");
        assert!(told.contains("no .csv file") && told.contains("items.csv"), "{told}");
        std::fs::write(dir.path().join("shop.csv"), "field,value\nrev,1\n").unwrap();
        let told = refused(dir.path());
        let items = dir.path().join("items.csv");
        assert!(told.starts_with(&format!("{}: the table items.csv is missing", items.display())), "{told}");
    }

    #[test]
    fn what_has_no_end_or_is_too_large_is_not_read() {
        let told = refused(Path::new("/dev/zero"));
        assert!(told.starts_with("/dev/zero: this is not a file"), "{told}");
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("items.csv");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRUSR).unwrap();
        assert!(refused(dir.path()).contains("items.csv: this is not a file"), "nobody waits at a pipe");
        let large = dir.path().join("large.json");
        // Sparse: 10 GiB that take no room.
        File::create(&large).unwrap().set_len(10 << 30).unwrap();
        let told = refused(&large);
        assert!(told.contains("large.json: the file is larger than 16777216 bytes"), "{told}");
    }

    #[test]
    fn tables_that_are_too_large_together_are_not_read_to_the_end() {
        let dir = tempfile::tempdir().unwrap();
        for n in 0..6 {
            let file = File::create(dir.path().join(format!("{n}.csv"))).unwrap();
            file.set_len(u64::try_from(MAX_FILE_BYTES).unwrap()).unwrap();
        }
        assert!(refused(dir.path()).contains("more than 67108864 bytes together"));
    }

    #[test]
    fn letters_that_nobody_can_show_are_told_before_a_customer_sees_boxes() {
        let minimal = include_str!("../../docs/examples/catalog-minimal.json");
        let text = minimal.replace("\"Fries\"", "\"Fries 北京 ☕\"");
        assert_ne!(text, minimal);
        let dir = tempfile::tempdir().unwrap();
        let hints = |text: &str| {
            let file = dir.path().join("menu.json");
            std::fs::write(&file, text).unwrap();
            read_with_hints(&file, Date { year: 2026, month: 3, day: 2 }).unwrap().1
        };
        assert_eq!(hints(minimal), [""; 0]);
        let turkish = hints(&minimal.replace("[\"en\", \"de\"]", "[\"en\", \"de\", \"tr\"]"));
        assert!(turkish.iter().any(|hint| hint.contains("the screens have no words in tr")), "{turkish:?}");
        let told = hints(&text);
        assert!(told.len() == 1 && told[0].contains("items.fries.name: there is no shape for"), "{told:?}");
        assert!(told[0].contains('北') && told[0].contains('京'), "{told:?}");
    }
}
