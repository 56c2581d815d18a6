//! How machines become kiosks: a one-time code that somebody types there, or a code that the machine shows.

use serde_json::{Value, json};

use super::address::path;
use super::client::Client;
use super::failure::{Exit, Failure, Result};
use super::output::{As, Column, Show, column, list, row};
use super::screen::Screen;
use super::table::{Cell, Tone};
use super::words::plain;

/// Most codes at once: they are good for 15 minutes, and somebody has to type them.
const CODES_MAX: u32 = 100;

/// One-time codes for new kiosks, and what to type there.
///
/// Each is good once, for 15 minutes.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  fleetctl enroll --name 'Door, left' --tag canary
  fleetctl enroll --site 12 --count 10
  fleetctl enroll --kiosk t1.k0042      a new machine takes the place of an old one
  fleetctl enroll --hawkbit alder       a machine of others that swupdate or rauc-hawkbit-updater updates")]
pub(super) struct Enroll {
    /// Where the kiosks will stand; needed if there is more than one site.
    #[arg(long)]
    site: Option<String>,
    /// The kiosk's name, for people; with --count they are numbered.
    #[arg(long)]
    name: Option<String>,
    /// So many codes.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(CODES_MAX)))]
    count: u32,
    /// A tag of the kiosk; may be given more than once.
    #[arg(long)]
    tag: Vec<String>,
    /// An existing kiosk that gets a new machine or certificate; the old certificate ends when the code is used.
    #[arg(long, value_name = "KIOSK", conflicts_with_all = ["name", "count", "tag", "site"])]
    kiosk: Option<String>,
    /// A machine of others instead, whose client speaks hawkBit's device interface and takes releases of this model.
    #[arg(long, value_name = "MODEL", conflicts_with_all = ["kiosk", "count"])]
    hawkbit: Option<String>,
    #[command(flatten)]
    form: As,
}

/// Take in a machine that shows a code on its screen.
///
/// What it says of itself is told, to be compared with the one that somebody stands in front of.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example: fleetctl claim 7KQ2-M9XA --name 'Door, left'")]
pub(super) struct ClaimMachine {
    /// The code on its screen.
    code: String,
    /// Where the kiosk will stand; needed if there is more than one site.
    #[arg(long)]
    site: Option<String>,
    /// The kiosk's name, for people.
    #[arg(long, default_value = "")]
    name: String,
    /// A tag of the kiosk; may be given more than once.
    #[arg(long)]
    tag: Vec<String>,
    /// An existing kiosk whose place the machine takes; the old certificate ends.
    #[arg(long, value_name = "KIOSK", conflicts_with_all = ["name", "tag", "site"])]
    kiosk: Option<String>,
    #[command(flatten)]
    form: As,
}

const MACHINES: &[Column] = &[
    column("SERIAL", "/serial", Show::Plain),
    column("VERSION", "/version", Show::Plain),
    column("ADDRESS", "/address", Show::Plain),
];

impl ClaimMachine {
    pub(super) fn run(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        let site = site(client, self.kiosk.as_deref(), self.site.as_deref())?;
        let body = json!({
            "code": self.code, "site": site, "kiosk": self.kiosk, "name": self.name, "tags": self.tag,
        });
        let machine = client.post("/v1/claims/approve", &body)?;
        row(screen, self.form.output, MACHINES, &machine)?;
        screen.note("is it the one? It appears in: fleetctl ls; else: fleetctl decommission KIOSK");
        Ok(Exit::Done)
    }
}

const CODES: &[Column] = &[
    column("CODE", "/code", Show::Plain),
    column("SITE", "/site", Show::Plain),
    column("NAME", "/name", Show::Plain),
    column("ENDS", "/expires_at", Show::Ago),
    column("TYPE ON THE KIOSK", "/type", Show::With(command)),
];

const FOREIGN: &[Column] = &[
    column("CONTROLLER", "/kiosk", Show::Plain),
    column("TENANT", "/tenant", Show::Plain),
    column("TARGET TOKEN", "/token", Show::Plain),
];

fn command(row: &Value) -> Cell {
    Cell { text: plain(&row["type"]), tone: Tone::Good }
}

impl Enroll {
    pub(super) fn run(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        let site = site(client, self.kiosk.as_deref(), self.site.as_deref())?;
        if let Some(model) = &self.hawkbit {
            let name = self.name.clone().unwrap_or_default();
            let body = json!({ "site": site, "model": model, "name": name, "tags": self.tag });
            let machine = client.post("/v1/hawkbit-devices", &body)?;
            list(screen, self.form.output, FOREIGN, std::slice::from_ref(&machine))?;
            screen.note(
                "the token is told only now; what its client is to be configured with: docs/hawkbit.md",
            );
            return Ok(Exit::Done);
        }
        let mut codes = Vec::new();
        for number in 1..=self.count {
            let name = match &self.name {
                Some(name) if self.count > 1 => format!("{name} {number}"),
                name => name.clone().unwrap_or_default(),
            };
            let body = json!({ "site": site, "kiosk": self.kiosk, "name": name, "tags": self.tag });
            let mut code = client.post("/v1/enrolment-codes", &body)?;
            code["name"] = json!(name);
            code["type"] = json!(format!("kioskctl enroll {}", plain(&code["code"])));
            codes.push(code);
        }
        list(screen, self.form.output, CODES, &codes)?;
        screen.note("it appears in: fleetctl ls");
        Ok(Exit::Done)
    }
}

/// The site of an existing kiosk, the one that was named, or the only one there is.
fn site(client: &Client, kiosk: Option<&str>, named: Option<&str>) -> Result<String> {
    if let Some(kiosk) = kiosk {
        return Ok(plain(&client.get(&path(&["kiosks", kiosk]))?["site"]));
    }
    if let Some(site) = named {
        return Ok(site.to_owned());
    }
    let ids: Vec<String> = client.all("/v1/sites")?.iter().map(|site| plain(&site["id"])).collect();
    match ids.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(Failure::usage("there is no site yet").next("fleetctl sites add ID NAME")),
        many => Err(Failure::usage(format!("which site? There are {}", many.join(", ")))
            .next(format!("say --site {}", many[0]))),
    }
}
