//! Catalogs: read and checked here as the kiosk would, taken by the fleet, then pushed to kiosks.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use hyper::Method;
use protocol::catalog::{self, MAX_FILE_BYTES};
use serde_json::{Value, json};

use super::address::path;
use super::ask::{self, Care};
use super::client::Client;
use super::failure::{Exit, Failure, Result};
use super::output::{As, Column, Show, column, list};
use super::screen::Screen;
use super::words::{clean_lines, count};

/// What kiosks sell.
#[derive(Subcommand, Debug)]
pub(super) enum CatalogCommand {
    /// Catalogs that the fleet has, the newest first.
    Ls(As),
    /// The document of one.
    Show {
        /// Its revision.
        rev: u64,
    },
    /// Check a catalog and give it to the fleet; no kiosk has it yet.
    ///
    /// A mistake is told with its place, and nothing is sent then.
    #[command(after_help = "\
Examples:
  fleetctl catalog import menu.json
  fleetctl catalog import menu.json --push -f tag:canary")]
    Import {
        /// A JSON file, or a folder of CSV files (docs/catalog.md).
        file: PathBuf,
        /// Push it, too.
        #[arg(long)]
        push: bool,
        #[command(flatten)]
        to: To,
    },
    /// Mean a catalog for kiosks: they fetch it when they are online.
    #[command(after_help = "Example: fleetctl catalog push 7 -f tag:canary")]
    Push {
        /// Its revision.
        rev: u64,
        #[command(flatten)]
        to: To,
    },
}

/// Whom it is for.
#[derive(clap::Args, Debug)]
pub(super) struct To {
    /// Active kiosks that this lets through; all if not given.
    #[arg(short, long, value_name = "FILTER", default_value = "")]
    filter: String,
    #[command(flatten)]
    care: Care,
}

const CATALOGS: &[Column] = &[
    column("REVISION", "/rev", Show::Plain),
    column("KIOSKS", "/kiosks", Show::Plain),
    column("BYTES", "/size", Show::Plain),
    column("MADE", "/created_at", Show::Ago),
    column("BY", "/created_by", Show::Plain),
    column("SHA-256", "/sha256", Show::Plain),
];

impl CatalogCommand {
    pub(super) fn run(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        match self {
            Self::Ls(form) => list(screen, form.output, CATALOGS, &client.all("/v1/catalogs")?)?,
            Self::Show { rev } => screen.raw(&client.file(&path(&["catalogs", &rev.to_string()]))?.body)?,
            Self::Import { file, push: then, to } => {
                let document = read(file)?;
                if to.care.dry_run && !then {
                    screen.note(&format!("{}: no mistakes found (dry run)", file.display()));
                    return Ok(Exit::Done);
                }
                let taken = client.upload(Method::POST, "/v1/catalogs", &[], document.into())?;
                for hint in taken["hints"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                    screen.note(&format!("hint: {}", clean_lines(hint)));
                }
                let rev =
                    taken["rev"].as_u64().ok_or_else(|| client.strange("a catalog without a revision"))?;
                if *then {
                    return push(screen, client, rev, to);
                }
                screen.note(&format!("revision {rev} is there. Next: fleetctl catalog push {rev} -f FILTER"));
            }
            Self::Push { rev, to } => return push(screen, client, *rev, to),
        }
        Ok(Exit::Done)
    }
}

fn push(screen: &Screen, client: &Client, rev: u64, to: &To) -> Result<Exit> {
    let at = path(&["catalogs", &rev.to_string(), "push"]);
    let told = client.post(&at, &json!({ "filter": to.filter, "dry_run": true }))?;
    let number = told["count"].as_u64().unwrap_or(0);
    if to.care.dry_run || number == 0 {
        screen.note(&format!("revision {rev} would be for {} (dry run)", count(number, "kiosk")));
        return Ok(Exit::Done);
    }
    let what = format!("This means revision {rev} for {}.", count(number, "kiosk"));
    ask::confirm(screen, to.care.yes, &what, &number.to_string())?;
    let told = client.post(&at, &json!({ "filter": to.filter, "expected": number }))?;
    let changed = told["changed"].as_u64().unwrap_or(0);
    screen.note(&format!(
        "revision {rev} is meant for {}, new for {changed} of them. Who has not taken it yet: fleetctl ls -f 'not catalog={rev}'",
        count(number, "kiosk")
    ));
    Ok(Exit::Done)
}

/// The document, checked: mistakes name the file as the user does.
fn read(file: &Path) -> Result<Vec<u8>> {
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
    let wrong = |errors: catalog::ImportErrors| {
        let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Failure::usage(format!("{} cannot be a catalog:\n{}", file.display(), all.join("\n")))
            .next("mend these places; docs/catalog.md describes every field")
    };
    if !file.is_dir() {
        let bytes = read_file(file)?;
        let document = catalog::parse_json(&bytes, &name).map_err(wrong)?;
        document.into_domain().map_err(wrong)?;
        return Ok(bytes);
    }
    let failed = |error| Failure::io(format!("read {}", file.display()), &error);
    let mut tables = Vec::new();
    for entry in std::fs::read_dir(file).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv")) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let bytes = read_file(&path)?;
            let text = String::from_utf8(bytes)
                .map_err(|_| Failure::usage(format!("{} is no UTF-8", path.display())))?;
            tables.push((name, text));
        }
    }
    let document = catalog::parse_csv_dir(tables).map_err(wrong)?;
    let text = document.to_json().map_err(wrong)?;
    document.into_domain().map_err(wrong)?;
    Ok(text.into_bytes())
}

fn read_file(path: &Path) -> Result<Vec<u8>> {
    let failed = |error| {
        Failure::io(format!("read {}", path.display()), &error)
            .next("name a file or a folder: docs/catalog.md")
    };
    let size = std::fs::metadata(path).map_err(failed)?.len();
    if size > MAX_FILE_BYTES as u64 {
        return Err(Failure::usage(format!("{}: more than {MAX_FILE_BYTES} bytes", path.display())));
    }
    std::fs::read(path).map_err(failed)
}
