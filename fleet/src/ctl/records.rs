//! What is kept: events, what was not understood, who changed what; and who may.

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::address::{Query, path};
use super::ask;
use super::client::Client;
use super::failure::{Exit, Failure, Result};
use super::lists::{Paged, Part, find};
use super::output::{As, Column, Show, column, list, row};
use super::screen::Screen;
use super::table::Cell;
use super::words::{ago, plain};

/// What was not understood, the newest first.
#[derive(clap::Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  fleetctl quarantine --kiosk t1.k0042 -o json
  fleetctl quarantine release 17
  fleetctl quarantine discard 17 --note 'a test of the supplier'"
)]
pub(super) struct Quarantine {
    #[command(subcommand)]
    command: Option<QuarantineCommand>,
    /// Of kiosks that this lets through.
    #[arg(short, long, value_name = "FILTER")]
    filter: Option<String>,
    /// Of this kiosk.
    #[arg(long)]
    kiosk: Option<String>,
    /// For this reason: a code.
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    part: Part,
}

#[derive(Subcommand, Debug)]
enum QuarantineCommand {
    /// Apply an event after all: because the fleet knows its kind now, or what it needs.
    Release(Dealt),
    /// Give one up: it stays kept, and waits for nobody any more.
    Discard(Dealt),
}

#[derive(clap::Args, Debug)]
struct Dealt {
    /// Its number.
    id: i64,
    /// For the audit log.
    #[arg(long, default_value = "")]
    note: String,
    #[command(flatten)]
    form: As,
}

const QUARANTINE: &[Column] = &[
    column("NUMBER", "/id", Show::Plain),
    column("KIOSK", "/kiosk", Show::Plain),
    column("REASON", "/reason", Show::Plain),
    column("CAME", "/received_at", Show::Ago),
    column("DETAIL", "/detail", Show::Plain),
    column("EPOCH", "/epoch", Show::Plain),
    column("SEQ", "/seq", Show::Plain),
    column("BYTES", "/bytes", Show::Plain),
    column("OUTCOME", "/outcome", Show::Plain),
    column("SINCE", "/released_at", Show::Ago),
    column("BY", "/released_by", Show::Plain),
];

impl Quarantine {
    pub(super) fn run(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        let dealt = match &self.command {
            Some(QuarantineCommand::Release(dealt)) => Some((dealt, "release")),
            Some(QuarantineCommand::Discard(dealt)) => Some((dealt, "discard")),
            None => None,
        };
        if let Some((Dealt { id, note, form }, verb)) = dealt {
            let kept =
                client.post(&path(&["quarantine", &id.to_string(), verb]), &json!({ "note": note }))?;
            row(screen, form.output, QUARANTINE, &kept)?;
            return Ok(Exit::Done);
        }
        let query = Query::default()
            .with("filter", self.filter.as_ref())
            .with("kiosk", self.kiosk.as_ref())
            .with("reason", self.reason.as_ref());
        let list =
            Paged { at: "/v1/quarantine", query, view: QUARANTINE, empty: Some("everything was understood") };
        list.show(screen, client, self.part)
    }
}

/// What happened at a kiosk, the newest first.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example: fleetctl events t1.k0042 --kind order.paid -o json")]
pub(super) struct Events {
    /// Its id.
    kiosk: String,
    /// Of this kind, for example order.paid.
    #[arg(long)]
    kind: Option<String>,
    /// Of this epoch of its log.
    #[arg(long)]
    epoch: Option<i64>,
    #[command(flatten)]
    part: Part,
}

const EVENTS: &[Column] = &[
    column("EVENT", "/id", Show::Plain),
    column("SEQ", "/seq", Show::Plain),
    column("KIND", "/kind", Show::Plain),
    column("CAME", "/received_at", Show::Ago),
    column("ANSWER", "/answer", Show::Plain),
    column("BODY", "/body", Show::Plain),
    column("EPOCH", "/epoch", Show::Plain),
];

impl Events {
    pub(super) fn run(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        // A kiosk that nobody knows has no events either; say which of both it is.
        client.get(&path(&["kiosks", &self.kiosk]))?;
        let query = Query::default()
            .with("kiosk", Some(&self.kiosk))
            .with("kind", self.kind.as_ref())
            .with("epoch", self.epoch);
        let list = Paged { at: "/v1/events", query, view: EVENTS, empty: None };
        list.show(screen, client, self.part)
    }
}

/// Who changed what, the newest first.
#[derive(clap::Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  fleetctl audit --subject t1.k0042
  fleetctl audit verify"
)]
pub(super) struct Audit {
    #[command(subcommand)]
    command: Option<AuditCommand>,
    /// To this: a kiosk, a site, a token.
    #[arg(long)]
    subject: Option<String>,
    /// Of this kind, for example kiosk.decommission.
    #[arg(long)]
    action: Option<String>,
    #[command(flatten)]
    part: Part,
}

#[derive(Subcommand, Debug)]
enum AuditCommand {
    /// Compute the chain of hashes again: is every entry what was written, and is none gone?
    #[command(after_help = "\
The fleet notices by itself what was changed, taken out or cut off, unless it was done by who owns its database and has
forged the counters, too. Against that, keep what this prints last in another place and give it with --kept later.
Example: fleetctl audit verify --kept 1:8e0b0d5c3b1f4a0e0c0f8f5a3d1b2c4e5f60718293a4b5c6d7e8f90a1b2c3d4e")]
    Verify {
        /// What an earlier run told to keep.
        #[arg(long, value_name = "ENTRIES:HASH")]
        kept: Option<String>,
    },
}

const AUDIT: &[Column] = &[
    column("NUMBER", "/n", Show::Plain),
    column("WHEN", "/at_ms", Show::With(at_ms)),
    column("BY", "/actor", Show::Plain),
    column("ACTION", "/action", Show::Plain),
    column("SUBJECT", "/subject", Show::Plain),
    column("DETAIL", "/detail", Show::Plain),
];

fn at_ms(row: &Value) -> Cell {
    let then = row["at_ms"].as_i64().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    Cell::from(then.map(|then| ago(then, jiff::Timestamp::now())).unwrap_or_default())
}

impl Audit {
    pub(super) fn run(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        if let Some(AuditCommand::Verify { kept }) = &self.command {
            return verify(screen, client, kept.as_ref());
        }
        let query =
            Query::default().with("subject", self.subject.as_ref()).with("action", self.action.as_ref());
        let list = Paged { at: "/v1/audit", query, view: AUDIT, empty: None };
        list.show(screen, client, self.part)
    }
}

fn verify(screen: &Screen, client: &Client, kept: Option<&String>) -> Result<Exit> {
    let verdict = client.get(&Query::default().with("kept", kept).after("/v1/audit/verify"))?;
    if let Some(wrong) = wrong(&verdict) {
        return Err(Failure::failed(wrong)
            .next("compare the database with a backup from before, and find out who could write to it"));
    }
    screen.note("the chain holds: every entry is what was written, and none is gone");
    let (entries, hash) = (plain(&verdict["entries"]), plain(&verdict["hash"]));
    screen.note("keep this elsewhere, for --kept:");
    screen.print(&format!("{entries}:{hash}\n"))?;
    Ok(Exit::Done)
}

/// What is wrong with the audit log, if anything.
pub(super) fn wrong(verdict: &Value) -> Option<String> {
    if let Some(n) = verdict["broken_at"].as_i64() {
        return Some(format!("entry {n} of the audit log is not what was written"));
    }
    let missing = verdict["missing"].as_u64().unwrap_or_default();
    if missing > 0 {
        return Some(format!("the end of the audit log is missing ({missing} gone)"));
    }
    (verdict["intact"] != true).then(|| "the audit log does not go on from the end that was kept".to_owned())
}

/// Where kiosks stand; without a command: all sites.
#[derive(clap::Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  fleetctl sites add 12 'Station, north' --time-zone Europe/Berlin
  fleetctl sites rename 12 'Station'"
)]
pub(super) struct Sites {
    #[command(subcommand)]
    command: Option<SiteCommand>,
    #[command(flatten)]
    form: As,
}

#[derive(Subcommand, Debug)]
enum SiteCommand {
    /// All sites.
    Ls(As),
    /// Make one.
    Add {
        /// 1 to 32 of a-z, 0-9 and -.
        id: String,
        /// For people.
        name: String,
        /// For example Europe/Berlin.
        #[arg(long, default_value = "UTC")]
        time_zone: String,
        #[command(flatten)]
        form: As,
    },
    /// Give one another name, or time zone.
    Rename {
        /// Its id.
        id: String,
        /// For people.
        name: String,
        /// For example Europe/Berlin; stays if not given.
        #[arg(long)]
        time_zone: Option<String>,
        #[command(flatten)]
        form: As,
    },
}

const SITES: &[Column] = &[
    column("SITE", "/id", Show::Plain),
    column("NAME", "/name", Show::Plain),
    column("TIME ZONE", "/time_zone", Show::Plain),
    column("KIOSKS", "/kiosks", Show::Plain),
];

impl Sites {
    pub(super) fn run(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        let all = |form: As| list(screen, form.output, SITES, &client.all("/v1/sites")?);
        match &self.command {
            None => all(self.form)?,
            Some(SiteCommand::Ls(form)) => all(*form)?,
            Some(SiteCommand::Add { id, name, time_zone, form }) => {
                let body = json!({ "id": id, "name": name, "time_zone": time_zone });
                row(screen, form.output, SITES, &client.post("/v1/sites", &body)?)?;
            }
            Some(SiteCommand::Rename { id, name, time_zone, form }) => {
                let body = json!({ "name": name, "time_zone": time_zone });
                let site = client.send(hyper::Method::PATCH, &path(&["sites", id]), &[], &body)?;
                row(screen, form.output, SITES, &site)?;
            }
        }
        Ok(Exit::Done)
    }
}

/// Who may ask the fleet; without a command: all tokens.
#[derive(clap::Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  fleetctl tokens add 'Ana' --role operator --days 365
  fleetctl tokens revoke 0199…"
)]
pub(super) struct Tokens {
    #[command(subcommand)]
    command: Option<TokenCommand>,
    #[command(flatten)]
    form: As,
}

#[derive(Subcommand, Debug)]
enum TokenCommand {
    /// All tokens, without their secrets.
    Ls(As),
    /// Make one. Its secret is shown once, now.
    Add {
        /// Whose it is, for people.
        name: String,
        /// What it may do.
        #[arg(long, value_enum)]
        role: Role,
        /// Only for this site; may be given more than once.
        #[arg(long)]
        site: Vec<String>,
        /// Days until it ends; for ever if not given.
        #[arg(long)]
        days: Option<u32>,
        #[command(flatten)]
        form: As,
    },
    /// Take one back.
    Revoke {
        /// Its id.
        id: String,
        /// Do not ask.
        #[arg(short, long)]
        yes: bool,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Role {
    /// Everything.
    Admin,
    /// Runs shops: kiosks, stock, tasks, catalogs.
    Operator,
    /// Looks at sales, changes nothing.
    Analyst,
    /// Looks after kiosks, sees no sales.
    Technician,
}

const TOKENS: &[Column] = &[
    column("TOKEN", "/id", Show::Plain),
    column("NAME", "/name", Show::Plain),
    column("ROLE", "/role", Show::Plain),
    column("SITES", "/sites", Show::With(sites)),
    column("MADE", "/created_at", Show::Ago),
    column("ENDS", "/expires_at", Show::Ago),
    column("REVOKED", "/revoked_at", Show::Ago),
    column("BY", "/created_by", Show::Plain),
];

/// Where something counts; null is everywhere.
pub(super) fn sites(row: &Value) -> Cell {
    Cell::from(if row["sites"].is_null() { "all".to_owned() } else { plain(&row["sites"]) })
}

const NEW_TOKEN: &[Column] = &[column("TOKEN", "/id", Show::Plain), column("SECRET", "/token", Show::Plain)];

impl Tokens {
    pub(super) fn run(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        let all = |form: As| list(screen, form.output, TOKENS, &client.all("/v1/tokens")?);
        match &self.command {
            None => all(self.form)?,
            Some(TokenCommand::Ls(form)) => all(*form)?,
            Some(TokenCommand::Add { name, role, site, days, form }) => {
                let role = role.to_possible_value().map(|value| value.get_name().to_owned());
                let sites = (!site.is_empty()).then_some(site);
                let made = client.post(
                    "/v1/tokens",
                    &json!({ "name": name, "role": role, "days": days, "sites": sites }),
                )?;
                row(screen, form.output, NEW_TOKEN, &made)?;
                screen.note("the secret is not shown again. There: fleetctl login URL --token -");
            }
            Some(TokenCommand::Revoke { id, yes }) => {
                let known = find(client, "tokens", ("id", id), &format!("there is no token {id}"))?;
                let name = plain(&known["name"]);
                ask::confirm(screen, *yes, &format!("Whoever has the token {name:?} is locked out."), "yes")?;
                client.delete(&path(&["tokens", id]))?;
            }
        }
        Ok(Exit::Done)
    }
}
