//! Lists of the API: how much of one is wanted, and one thing out of one.

use serde_json::Value;

use super::address::{Query, path};
use super::client::{Client, Rows};
use super::failure::{Exit, Failure, Result};
use super::output::{As, Format, View, list};
use super::screen::Screen;

/// Rows of a list, if not told otherwise.
pub(super) const LIMIT: usize = 100;

/// Which part of a list.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(super) struct Most {
    /// At most so many rows.
    #[arg(short = 'n', long, default_value_t = LIMIT, value_name = "ROWS", value_parser = at_least_one)]
    limit: usize,
    /// All rows.
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "a number from 1 up".to_owned())
}

impl Most {
    pub(super) fn limit(self) -> Option<usize> {
        (!self.all).then_some(self.limit)
    }
}

/// Which part of a list, and in what form.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(super) struct Part {
    #[command(flatten)]
    most: Most,
    #[command(flatten)]
    pub form: As,
}

/// A list that comes in pages.
pub(super) struct Paged<'a> {
    pub at: &'a str,
    pub query: Query,
    pub view: &'a View,
    /// Said to people who see an empty table.
    pub empty: Option<&'a str>,
}

impl Paged<'_> {
    /// Asks for the part that is wanted, and shows it.
    pub(super) fn show(&self, screen: &Screen, client: &Client, part: Part) -> Result<Exit> {
        let rows = client.rows(self.at, &self.query, part.most.limit())?;
        show(screen, part.form, self.view, &rows, self.empty)
    }
}

/// Shows rows, and says when there are none, or more than were asked for.
pub(super) fn show(screen: &Screen, form: As, view: &View, rows: &Rows, empty: Option<&str>) -> Result<Exit> {
    list(screen, form.output, view, &rows.items)?;
    if rows.more {
        let of = rows.total.map(|total| format!(" of {total}")).unwrap_or_default();
        let shown = rows.items.len();
        screen.note(&format!("{shown}{of} rows; there are more: --all, or -n ROWS"));
    }
    if let Some(empty) = empty.filter(|_| rows.items.is_empty() && form.output == Format::Table) {
        screen.note(empty);
    }
    Ok(Exit::Done)
}

/// The thing of a list without pages whose `key` is `value`; `missing` says that there is none.
pub(super) fn find(client: &Client, of: &str, (key, value): (&str, &str), missing: &str) -> Result<Value> {
    let found = client.all(&path(&[of]))?.into_iter().find(|row| row[key] == value);
    found.ok_or_else(|| Failure::new(Exit::Missing, missing).next(format!("fleetctl {of}")))
}
