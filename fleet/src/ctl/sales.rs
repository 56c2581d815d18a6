//! Orders, and what people have to do about them and about kiosks.

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::address::{Query, path};
use super::client::Client;
use super::failure::{Exit, Failure, Result};
use super::lists::{Paged, Part};
use super::output::{As, Column, Format, Show, as_table, column, facts, list, record, row, state};
use super::screen::Screen;
use super::table::{Cell, Tone};
use super::words::{self, clean, money, plain};

/// Orders, the newest first.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example: fleetctl orders -f site=12 --date 2026-11-22 -o csv --all > orders.csv")]
pub(super) struct Orders {
    /// Of kiosks that this lets through.
    #[arg(short, long, value_name = "FILTER")]
    filter: Option<String>,
    /// At this site.
    #[arg(long)]
    site: Option<String>,
    /// In this state, for example placed, paid or cancelled.
    #[arg(long)]
    state: Option<String>,
    /// With this number, as the customer knows it.
    #[arg(long)]
    number: Option<String>,
    /// Of this business date: 2026-11-22.
    #[arg(long)]
    date: Option<String>,
    /// Only those that the fleet denied.
    #[arg(long)]
    denied: bool,
    #[command(flatten)]
    part: Part,
}

const ORDERS: &[Column] = &[
    column("ORDER", "/id", Show::Plain),
    column("NUMBER", "/number", Show::Plain),
    column("STATE", "/state", Show::With(order_state)),
    column("TOTAL", "/total", Show::With(total)),
    column("PLACED", "/placed_at", Show::Ago),
    column("KIOSK", "/kiosk", Show::Plain),
    column("SITE", "/site", Show::Plain),
    column("DATE", "/business_date", Show::Plain),
    column("MODE", "/mode", Show::Plain),
    column("DENIED", "/denied", Show::With(denied)),
];

/// In CSV the money of a row has to be complete, and is the API's: minor units.
const ORDERS_CSV: &[Column] = &[
    column("", "/id", Show::Plain),
    column("", "/number", Show::Plain),
    column("", "/state", Show::Plain),
    column("", "/total", Show::Plain),
    column("", "/tip", Show::Plain),
    column("", "/refunded", Show::Plain),
    column("", "/currency", Show::Plain),
    column("", "/exponent", Show::Plain),
    column("", "/placed_at", Show::Plain),
    column("", "/paid_at", Show::Plain),
    column("", "/business_date", Show::Plain),
    column("", "/kiosk", Show::Plain),
    column("", "/site", Show::Plain),
    column("", "/mode", Show::Plain),
    column("", "/channel", Show::Plain),
    column("", "/fiscal_series", Show::Plain),
    column("", "/fiscal_n", Show::Plain),
    column("", "/catalog_rev", Show::Plain),
    column("", "/denied", Show::Plain),
];

fn order_state(row: &Value) -> Cell {
    state(&plain(&row["state"]))
}

fn denied(row: &Value) -> Cell {
    Cell { text: plain(&row["denied"]), tone: Tone::Bad }
}

fn amount(order: &Value, minor: &Value) -> String {
    let exponent = order["exponent"].as_i64().unwrap_or(0);
    minor.as_i64().map(|minor| money(minor, exponent, &plain(&order["currency"]))).unwrap_or_default()
}

fn total(row: &Value) -> Cell {
    Cell::from(amount(row, &row["total"]))
}

impl Orders {
    pub(super) fn run(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        let query = Query::default()
            .with("filter", self.filter.as_ref())
            .with("site", self.site.as_ref())
            .with("state", self.state.as_ref())
            .with("number", self.number.as_ref())
            .with("date", self.date.as_ref())
            .with("denied", self.denied.then_some(true));
        let view = if self.part.form.output == Format::Csv { ORDERS_CSV } else { ORDERS };
        let list = Paged { at: "/v1/orders", query, view, empty: None };
        list.show(screen, client, self.part)
    }
}

/// One order.
#[derive(Subcommand, Debug)]
pub(super) enum OrderCommand {
    /// An order with its lines, payments and tasks.
    Show {
        /// Its id, or its number if no other order has that.
        order: String,
        #[command(flatten)]
        form: As,
    },
}

const LINES: &[Column] = &[
    column("QUANTITY", "/quantity", Show::Quantity),
    column("NAME", "/name", Show::Plain),
    column("NET", "/net", Show::With(line_net)),
    column("VARIATION", "/variation", Show::Plain),
];

const PAYMENTS: &[Column] = &[
    column("PAYMENT", "/id", Show::Plain),
    column("TENDER", "/tender", Show::Plain),
    column("AMOUNT", "/amount", Show::With(line_amount)),
    column("STATE", "/state", Show::Plain),
];

fn line_net(row: &Value) -> Cell {
    Cell::from(amount(row, &row["net"]))
}

fn line_amount(row: &Value) -> Cell {
    Cell::from(amount(row, &row["amount"]))
}

impl OrderCommand {
    pub(super) fn run(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        let Self::Show { order, form } = self;
        let id = if order.parse::<uuid::Uuid>().is_ok() { order.clone() } else { by_number(client, order)? };
        let full = client.get(&path(&["orders", &id]))?;
        match form.output {
            Format::Json => screen.json(&full)?,
            Format::Csv => list(screen, form.output, ORDERS_CSV, std::slice::from_ref(&full["order"]))?,
            output => record(screen, output, ORDERS, &full["order"], || order_in_full(screen, &full))?,
        }
        Ok(Exit::Done)
    }
}

/// The id of the only order with a number.
fn by_number(client: &Client, number: &str) -> Result<String> {
    let found = client.rows("/v1/orders", &Query::default().with("number", Some(number)), Some(20))?.items;
    match found.as_slice() {
        [only] => Ok(plain(&only["id"])),
        [] => Err(Failure::new(Exit::Missing, format!("there is no order {number}")).next("fleetctl orders")),
        [first, ..] => {
            let what = format!("{} orders have the number {number}", found.len());
            let next =
                format!("fleetctl orders --number {number}; fleetctl order show {}", plain(&first["id"]));
            Err(Failure::new(Exit::Conflict, what).next(next))
        }
    }
}

fn order_in_full(screen: &Screen, full: &Value) -> String {
    let order = &full["order"];
    let text = |key: &str| Cell::from(clean(&plain(&order[key])));
    let money = |key: &str| match order[key].as_i64() {
        Some(0) | None => Cell::default(),
        Some(_) => Cell::from(clean(&amount(order, &order[key]))),
    };
    let when = |key: &str| Cell::from(words::time(&order[key]).map(words::when).unwrap_or_default());
    let fiscal = order["fiscal_n"].as_i64().map(|n| format!("{}/{n}", plain(&order["fiscal_series"])));
    let mut said = facts(
        screen,
        &[
            ("order", text("id")),
            ("number", text("number")),
            ("state", state(&clean(&plain(&order["state"])))),
            ("denied", Cell { text: clean(&plain(&order["denied"])), tone: Tone::Bad }),
            ("total", Cell::from(clean(&amount(order, &order["total"])))),
            ("tip", money("tip")),
            ("refunded", money("refunded")),
            ("placed", when("placed_at")),
            ("paid", when("paid_at")),
            ("date", text("business_date")),
            ("fiscal", Cell::from(fiscal.unwrap_or_default())),
            ("kiosk", text("kiosk")),
            ("site", text("site")),
            ("mode", text("mode")),
            ("catalog", text("catalog_rev")),
        ],
    );
    // Lines and payments have no currency of their own.
    let with_currency = |rows: &Value| {
        let row = |row: &Value| {
            let mut row = row.clone();
            row["currency"] = order["currency"].clone();
            row["exponent"] = order["exponent"].clone();
            row
        };
        rows.as_array().into_iter().flatten().map(row).collect::<Vec<_>>()
    };
    said.push_str(&format!("\n{}", as_table(screen, LINES, &with_currency(&order["lines"]))));
    said.push_str(&format!("\n{}", as_table(screen, PAYMENTS, &with_currency(&full["payments"]))));
    let tasks = full["tasks"].as_array().cloned().unwrap_or_default();
    if !tasks.is_empty() {
        said.push_str(&format!("\n{}", as_table(screen, TASKS, &tasks)));
    }
    said
}

/// What waits for somebody; without a command: what is open.
#[derive(clap::Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  fleetctl tasks -f site=12
  fleetctl tasks done 17 --note 'paper is in'
  fleetctl tasks done 18 --outcome refund"
)]
pub(super) struct Tasks {
    #[command(subcommand)]
    command: Option<TaskCommand>,
    #[command(flatten)]
    ls: TasksLs,
}

#[derive(clap::Args, Debug)]
struct TasksLs {
    /// About kiosks that this lets through.
    #[arg(short, long, value_name = "FILTER")]
    filter: Option<String>,
    /// At this site.
    #[arg(long)]
    site: Option<String>,
    /// Those that were done instead.
    #[arg(long)]
    done: bool,
    #[command(flatten)]
    part: Part,
}

#[derive(Subcommand, Debug)]
enum TaskCommand {
    /// Tasks, the oldest first.
    Ls(TasksLs),
    /// Say that one is done.
    Done {
        /// Its number.
        id: i64,
        /// How it ended; a denied sale ends with accept, refund or substitute.
        #[arg(long, value_enum, default_value_t)]
        outcome: Outcome,
        /// For the audit log.
        #[arg(long, default_value = "")]
        note: String,
        #[command(flatten)]
        form: As,
    },
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Outcome {
    /// It is done.
    #[default]
    Done,
    /// The sale stands although the fleet denied it.
    Accept,
    /// The customer got the money back.
    Refund,
    /// The customer took something else.
    Substitute,
}

const TASKS: &[Column] = &[
    column("TASK", "/id", Show::Plain),
    column("KIND", "/kind", Show::Plain),
    column("KIOSK", "/kiosk", Show::Plain),
    column("SITE", "/site", Show::Plain),
    column("SINCE", "/raised_at", Show::Ago),
    column("DETAIL", "/detail", Show::Plain),
    column("DONE", "/outcome", Show::Plain),
    column("BY", "/done_by", Show::Plain),
    column("ORDER", "/sale", Show::Plain),
];

impl Tasks {
    pub(super) fn run(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        match &self.command {
            None => self.ls.run(screen, client),
            Some(TaskCommand::Ls(ls)) => ls.run(screen, client),
            Some(TaskCommand::Done { id, outcome, note, form }) => {
                let word = outcome.to_possible_value().map(|value| value.get_name().to_owned());
                let body = json!({ "outcome": word, "note": note });
                let task = client.post(&path(&["tasks", &id.to_string(), "done"]), &body)?;
                row(screen, form.output, TASKS, &task)?;
                Ok(Exit::Done)
            }
        }
    }
}

impl TasksLs {
    fn run(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        let query = Query::default()
            .with("filter", self.filter.as_ref())
            .with("site", self.site.as_ref())
            .with("done", self.done.then_some(true));
        let list = Paged { at: "/v1/tasks", query, view: TASKS, empty: Some("nothing waits for anybody") };
        list.show(screen, client, self.part)
    }
}
