//! Filters with a name.

use clap::Subcommand;
use hyper::Method;
use serde_json::json;

use super::address::path;
use super::client::Client;
use super::failure::{Exit, Result};
use super::output::{As, Column, Show, column, list};
use super::screen::Screen;

/// Filters with a name: @name in another filter means this one.
#[derive(clap::Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  fleetctl filters save north 'site=12 or site=13'
  fleetctl ls -f '@north and online=false'"
)]
pub(super) struct Filters {
    #[command(subcommand)]
    command: Option<FilterCommand>,
    #[command(flatten)]
    form: As,
}

#[derive(Subcommand, Debug)]
enum FilterCommand {
    /// All of them.
    Ls(As),
    /// Save one, in place of the one that had the name.
    Save {
        /// 1 to 32 of a-z, 0-9 and -.
        name: String,
        /// What it lets through.
        filter: String,
    },
    /// Forget one.
    Rm {
        /// Its name.
        name: String,
    },
}

const FILTERS: &[Column] = &[
    column("NAME", "/name", Show::Plain),
    column("FILTER", "/filter", Show::Plain),
    column("SAVED", "/saved_at", Show::Ago),
    column("BY", "/saved_by", Show::Plain),
];

impl Filters {
    pub(super) fn run(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        let all = |form: As| list(screen, form.output, FILTERS, &client.all("/v1/filters")?);
        match &self.command {
            None => all(self.form)?,
            Some(FilterCommand::Ls(form)) => all(*form)?,
            Some(FilterCommand::Save { name, filter }) => {
                client.send(Method::PUT, &path(&["filters", name]), &[], &json!({ "filter": filter }))?;
            }
            Some(FilterCommand::Rm { name }) => client.delete(&path(&["filters", name]))?,
        }
        Ok(Exit::Done)
    }
}
