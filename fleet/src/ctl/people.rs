//! People with passwords.

use clap::{Subcommand, ValueEnum as _};
use hyper::Method;
use serde_json::{Value, json};

use super::address::path;
use super::ask;
use super::client::Client;
use super::failure::{Exit, Result};
use super::lists::find;
use super::login::secret;
use super::output::{As, Column, Show, column, list, row};
use super::records::{Role, sites};
use super::screen::Screen;
use super::words::plain;

/// Who may log in with a password; without a command: everybody.
#[derive(clap::Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  fleetctl people add ana@example.com --role technician --site 12
  fleetctl people password ana@example.com
  fleetctl people disable ana@example.com"
)]
pub(super) struct People {
    #[command(subcommand)]
    command: Option<PeopleCommand>,
    #[command(flatten)]
    form: As,
}

#[derive(Subcommand, Debug)]
enum PeopleCommand {
    /// Everybody, without their passwords.
    Ls(As),
    /// Let somebody log in. You are asked for the password.
    Add {
        /// What they log in with, such as a mail address.
        name: String,
        /// What they may do.
        #[arg(long, value_enum)]
        role: Role,
        /// Only at this site; may be given more than once.
        #[arg(long)]
        site: Vec<String>,
        /// `-`: the password comes on the standard input.
        #[arg(long, value_name = "-")]
        password: Option<String>,
        #[command(flatten)]
        form: As,
    },
    /// Give somebody a new password; their sessions end.
    Password {
        /// Who.
        name: String,
        /// `-`: the password comes on the standard input.
        #[arg(long, value_name = "-")]
        password: Option<String>,
    },
    /// Lock somebody out at once.
    Disable {
        /// Who.
        name: String,
        /// Do not ask.
        #[arg(short, long)]
        yes: bool,
    },
    /// Let somebody log in again.
    Enable {
        /// Who.
        name: String,
    },
}

const PEOPLE: &[Column] = &[
    column("NAME", "/name", Show::Plain),
    column("ROLE", "/role", Show::Plain),
    column("SITES", "/sites", Show::With(sites)),
    column("LAST LOGIN", "/last_login", Show::Ago),
    column("DISABLED", "/disabled_at", Show::Ago),
    column("MADE", "/created_at", Show::Ago),
    column("BY", "/created_by", Show::Plain),
];

impl People {
    pub(super) fn run(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        let all = |form: As| list(screen, form.output, PEOPLE, &client.all("/v1/people")?);
        match &self.command {
            None => all(self.form)?,
            Some(PeopleCommand::Ls(form)) => all(*form)?,
            Some(PeopleCommand::Add { name, role, site, password, form }) => {
                let role = role.to_possible_value().map(|value| value.get_name().to_owned());
                let sites = (!site.is_empty()).then_some(site);
                let password = secret(screen, password.as_deref(), &format!("Password of {name}: "))?;
                let asked = json!({ "name": name, "role": role, "sites": sites, "password": password });
                row(screen, form.output, PEOPLE, &client.post("/v1/people", &asked)?)?;
            }
            Some(PeopleCommand::Password { name, password }) => {
                let id = id_of(client, name)?;
                let password = secret(screen, password.as_deref(), &format!("New password of {name}: "))?;
                change(client, &id, &json!({ "password": password }))?;
            }
            Some(PeopleCommand::Disable { name, yes }) => {
                let id = id_of(client, name)?;
                ask::confirm(screen, *yes, &format!("{name} is locked out at once."), "yes")?;
                change(client, &id, &json!({ "disabled": true }))?;
            }
            Some(PeopleCommand::Enable { name }) => {
                change(client, &id_of(client, name)?, &json!({ "disabled": false }))?;
            }
        }
        Ok(Exit::Done)
    }
}

fn change(client: &Client, id: &str, body: &Value) -> Result<Value> {
    client.send(Method::PATCH, &path(&["people", id]), &[], body)
}

fn id_of(client: &Client, name: &str) -> Result<String> {
    let name = name.trim().to_lowercase();
    Ok(plain(&find(client, "people", ("name", &name), &format!("nobody is called {name}"))?["id"]))
}
