//! What shops have.

use clap::Subcommand;
use serde_json::{Value, json};

use super::address::{Query, path};
use super::client::Client;
use super::failure::{Exit, Result};
use super::lists::{Paged, Part};
use super::output::{As, Column, Format, Show, column, list, row};
use super::screen::Screen;
use super::words::parse_quantity;

/// What shops have; without a command: all of it.
#[derive(clap::Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  fleetctl stock --site main
  fleetctl stock count main cola 24
  fleetctl stock count main cake 12 --beyond block
  fleetctl stock receive main cola 12
  fleetctl stock quota t1.k0042"
)]
pub(super) struct Stock {
    #[command(subcommand)]
    command: Option<StockCommand>,
    #[command(flatten)]
    ls: Ls,
}

#[derive(clap::Args, Debug)]
struct Ls {
    /// At this site.
    #[arg(long)]
    site: Option<String>,
    /// Of this variation.
    #[arg(long)]
    variation: Option<String>,
    #[command(flatten)]
    part: Part,
}

#[derive(Subcommand, Debug)]
enum StockCommand {
    /// What is counted, by site and variation.
    Ls(Ls),
    /// Say how much is there. What was not counted before is from now on.
    Count {
        #[command(flatten)]
        booking: Booking,
        /// The revision of the shelf that was counted; if it moved since, nothing is done.
        #[arg(long)]
        rev: Option<i64>,
        /// What a kiosk does from now on when more is wanted than its part: sold out, sold and perhaps denied
        /// afterwards, or sold to be paid at the counter.
        #[arg(long)]
        beyond: Option<Beyond>,
    },
    /// Add what came in; with a negative quantity take away what is spoilt.
    Receive(Booking),
    /// What a kiosk may sell of what its site counts, also while it is offline, and has left.
    Quota {
        /// Its id.
        kiosk: String,
        #[command(flatten)]
        form: As,
    },
}

#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum Beyond {
    Block,
    AllowThenDeny,
    AskStaff,
}

impl Beyond {
    fn word(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::AllowThenDeny => "allow_then_deny",
            Self::AskStaff => "ask_staff",
        }
    }
}

#[derive(clap::Args, Debug)]
struct Booking {
    /// Where.
    site: String,
    /// What: the id of a variation in the catalog.
    variation: String,
    /// How many pieces, for example 12 or 0.5.
    #[arg(allow_negative_numbers = true, value_parser = parse_quantity)]
    quantity: i64,
    #[command(flatten)]
    form: As,
}

const SHELVES: &[Column] = &[
    column("VARIATION", "/variation", Show::Plain),
    column("SITE", "/site", Show::Plain),
    column("ON HAND", "/on_hand", Show::Quantity),
    column("SET ASIDE", "/held", Show::Quantity),
    column("FREE", "/free", Show::Quantity),
    column("BEYOND", "/beyond", Show::Plain),
    column("REVISION", "/rev", Show::Plain),
];

const GOODS: &[Column] = &[
    column("VARIATION", "/variation", Show::Plain),
    column("LEFT", "/left", Show::Quantity),
    column("SET ASIDE", "/held", Show::Quantity),
    column("SOLD", "/sold", Show::Quantity),
    column("BEYOND", "/beyond", Show::Plain),
];

impl Stock {
    pub(super) fn run(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        let booked = |form: As, path: &str, body: &Value| {
            let shelf = client.post(path, body)?;
            row(screen, form.output, SHELVES, &shelf).map(|()| Exit::Done)
        };
        match &self.command {
            None => self.ls.run(screen, client),
            Some(StockCommand::Ls(ls)) => ls.run(screen, client),
            Some(StockCommand::Quota { kiosk, form }) => {
                let quota = client.get(&path(&["kiosks", kiosk, "quota"]))?;
                let goods = quota["goods"].as_array().map(Vec::as_slice).unwrap_or_default();
                list(screen, form.output, GOODS, goods)?;
                if goods.is_empty() && form.output == Format::Table {
                    screen.note("it counts nothing: its site counts nothing, or it was not heard of since");
                }
                Ok(Exit::Done)
            }
            Some(StockCommand::Count { booking: it, rev, beyond }) => {
                let mut body = json!({ "site": it.site, "variation": it.variation, "on_hand": it.quantity });
                if let Some(rev) = rev {
                    body["rev"] = json!(rev);
                }
                if let Some(beyond) = beyond {
                    body["beyond"] = json!(beyond.word());
                }
                booked(it.form, "/v1/stock/counts", &body)
            }
            Some(StockCommand::Receive(it)) => {
                let body = json!({ "site": it.site, "variation": it.variation, "quantity": it.quantity });
                booked(it.form, "/v1/stock/receipts", &body)
            }
        }
    }
}

impl Ls {
    fn run(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        let query =
            Query::default().with("site", self.site.as_ref()).with("variation", self.variation.as_ref());
        let list = Paged {
            at: "/v1/stock",
            query,
            view: SHELVES,
            empty: Some("nothing is counted; begin with: fleetctl stock count SITE VARIATION PIECES"),
        };
        list.show(screen, client, self.part)
    }
}
