//! The catalog as a shop writes it: one JSON document, or a folder of CSV tables that make the same document.
//! `docs/catalog.md` describes every field.
//!
//! Both readers make one tree of [`node::Node`]s that know where they stand in which file. From there on
//! nothing depends on the format: [`read`] turns the tree into a [`CatalogParts`], and whatever is wrong, be it
//! a misspelt field or a combo inside a combo, is reported with its file, line and column.

pub mod cart;
mod csv;
mod error;
mod fields;
mod json;
mod locate;
mod node;
mod pretty;
mod read;
mod utf8;
mod values;
mod words;
mod write;

use std::sync::Arc;

use domain::catalog::{Catalog, CatalogParts, CatalogProblem};
use domain::time::Date;

pub use csv::parse_csv_dir;
use error::Fault;
pub use error::{ImportError, ImportErrors};
use node::Node;

/// The first field of a document, and its only version so far.
pub const FORMAT: &str = "kioskd.catalog/1";

/// Largest file that is read. A catalog of 5,000 items in four languages has about 4 MiB.
pub const MAX_FILE_BYTES: usize = 16 * 1024 * 1024;

/// A document that was read, with the places of everything in it.
#[derive(Clone, Debug)]
pub struct CatalogDocument {
    root: Node,
    files: Vec<Arc<str>>,
}

/// Reads a JSON document. `name` is the file's name, for messages.
///
/// # Errors
/// The first place where the text is not UTF-8 or not JSON.
pub fn parse_json(text: &(impl AsRef<[u8]> + ?Sized), name: &str) -> Result<CatalogDocument, ImportErrors> {
    let files = vec![Arc::from(name)];
    match utf8::text(0, text.as_ref()).and_then(json::parse) {
        Ok(root) => Ok(CatalogDocument { root, files }),
        Err(fault) => Err(ImportErrors::new(vec![error::of(fault, &files)])),
    }
}

/// Writes a catalog as a document: the same catalog gives the same bytes, and reading them gives the same
/// catalog.
pub fn to_json(catalog: &CatalogParts) -> String {
    pretty::print(&write::document(catalog))
}

impl CatalogDocument {
    /// Reads the fields and checks the catalog as a whole.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the files: first what cannot be read, and only when all can
    /// be read what does not fit together.
    pub fn into_domain(self) -> Result<Catalog, ImportErrors> {
        let parts = self.to_parts()?;
        Catalog::new(parts).map_err(|problems| self.locate(problems))
    }

    /// What a catalog that is in order should still be looked at for: goods without a tax rule on this date,
    /// missing translations, items that nobody can reach. Nothing that keeps it from being activated.
    ///
    /// # Errors
    /// As [`Self::to_parts`].
    pub fn hints(&self, today: Date) -> Result<Vec<ImportError>, ImportErrors> {
        let parts = self.to_parts()?;
        let hints = parts.check_on(today).into_iter().chain(parts.hints()).collect();
        Ok(self.locate(hints).into_vec())
    }

    /// Names with characters that a kiosk has no shapes for.
    ///
    /// # Errors
    /// As [`Self::to_parts`].
    pub fn unshown(&self, can_show: &dyn Fn(char) -> bool) -> Result<Vec<ImportError>, ImportErrors> {
        Ok(self.locate(self.to_parts()?.unshown(can_show)).into_vec())
    }

    fn locate(&self, problems: Vec<CatalogProblem>) -> ImportErrors {
        let located = problems.into_iter().map(|problem| {
            let at = locate::find(&self.root, problem.place.steps());
            let path = problem.place.to_string();
            error::of(Fault { at, path, what: problem.what, instead: problem.remedy }, &self.files)
        });
        ImportErrors::new(located.collect())
    }

    /// Reads the fields only.
    ///
    /// # Errors
    /// Everything that cannot be read.
    pub fn to_parts(&self) -> Result<CatalogParts, ImportErrors> {
        read::catalog(&self.root).map_err(|faults| {
            ImportErrors::new(faults.into_iter().map(|fault| error::of(fault, &self.files)).collect())
        })
    }

    /// The document in its canonical form.
    ///
    /// # Errors
    /// As [`Self::to_parts`].
    pub fn to_json(&self) -> Result<String, ImportErrors> {
        Ok(to_json(&self.to_parts()?))
    }
}
