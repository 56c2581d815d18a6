//! `kioskctl catalog` and `kioskctl price`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;

use crate::{name, output};

/// Largest cart file: thousands of lines.
const MAX_CART_BYTES: usize = 1 << 20;

#[derive(Subcommand)]
pub(crate) enum CatalogCommand {
    /// Check a catalog file and make it the active one. If anything is wrong the old one stays.
    Import {
        /// A JSON file or a folder of CSV files.
        file: PathBuf,
    },
    /// Check a catalog file: every mistake with its place and what to write instead, and hints at what is hardly meant.
    Check {
        /// A JSON file or a folder of CSV files.
        file: PathBuf,
    },
    /// The active catalog as a document.
    Show,
}

/// The document to send to the daemon; checked here, so that messages name the file as the user does.
pub(crate) fn document(file: &Path) -> anyhow::Result<String> {
    let (_, document) = kioskd::catalog::read(file)?;
    Ok(String::from_utf8(document.bytes)?)
}

pub(crate) fn check(file: &Path) -> anyhow::Result<ExitCode> {
    match kioskd::catalog::read_with_hints(file, kioskd::clock::today()) {
        Ok(((catalog, _), hints)) => {
            output::line(&format!(
                "{}: revision {}, {} items in {} categories, {} languages: no mistakes found",
                name(file),
                catalog.rev,
                catalog.items.len(),
                catalog.categories.len(),
                catalog.languages.len()
            ))?;
            for hint in hints {
                output::line(&format!("hint: {hint}"))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            output::complain(&format!("{error:#}"));
            Ok(ExitCode::FAILURE)
        }
    }
}

pub(crate) fn price(cart: &Path, catalog: &Path) -> anyhow::Result<()> {
    let (catalog, _) = kioskd::catalog::read(catalog)?;
    let text = kioskd::catalog::read_file(cart, MAX_CART_BYTES)?;
    let text = String::from_utf8(text).with_context(|| format!("{} is not UTF-8", name(cart)))?;
    let priced = protocol::catalog::cart::price_file(&catalog, &text, &name(cart))?;
    output::line(priced.to_string().trim_end())
}
