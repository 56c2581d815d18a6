//! One-time codes: whoever types one at a machine makes a kiosk of it.

use serde_json::{Value, json};

use super::address::path;
use super::client::Client;
use super::failure::{Exit, Failure, Result};
use super::output::{As, Column, Show, column, list};
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
  fleetctl enroll --kiosk t1.k0042      a new machine takes the place of an old one")]
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
    #[command(flatten)]
    form: As,
}

const CODES: &[Column] = &[
    column("CODE", "/code", Show::Plain),
    column("SITE", "/site", Show::Plain),
    column("NAME", "/name", Show::Plain),
    column("ENDS", "/expires_at", Show::Ago),
    column("TYPE ON THE KIOSK", "/type", Show::With(command)),
];

fn command(row: &Value) -> Cell {
    Cell { text: plain(&row["type"]), tone: Tone::Good }
}

impl Enroll {
    pub(super) fn run(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        let site = match &self.kiosk {
            Some(kiosk) => plain(&client.get(&path(&["kiosks", kiosk]))?["site"]),
            None => self.site(client)?,
        };
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

    /// The site that was named, or the only one there is.
    fn site(&self, client: &Client) -> Result<String> {
        if let Some(site) = &self.site {
            return Ok(site.clone());
        }
        let sites = client.get("/v1/sites")?;
        let ids: Vec<String> =
            sites.as_array().into_iter().flatten().map(|site| plain(&site["id"])).collect();
        match ids.as_slice() {
            [only] => Ok(only.clone()),
            [] => Err(Failure::usage("there is no site yet").next("fleetctl sites add ID NAME")),
            many => Err(Failure::usage(format!("which site? There are {}", many.join(", ")))
                .next(format!("fleetctl enroll --site {}", many[0]))),
        }
    }
}
