//! Lists of kiosks.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::address::Query;
use super::client::{Client, Rows};
use super::failure::{Exit, Result};
use super::lists::{self, Most};
use super::output::{As, Column, Format, Show, as_table, column, list, state};
use super::screen::Screen;
use super::table::{Cell, Tone};
use super::words::{self, plain};

/// Kiosks by filter.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Filters: site=12 and online=false and ver<1.4 and tag:canary
  fields  id, name, site, state, selling, online, ver, tag, fault, faulty, drift, seen, cert, boot, pending, catalog
  tests   = != < <= > >= ~ (contains), online, faulty, drift alone; joined with and, or, not, ( )
  seen>2h: not heard of for two hours; cert<30d: its certificate ends within 30 days
  state is online, stale, offline, never-seen or decommissioned

Examples:
  fleetctl ls -f 'online=false and not state=decommissioned' --sort seen
  fleetctl ls -f tag:canary -o name")]
pub(super) struct Ls {
    /// Which kiosks; all if not given.
    #[arg(short, long, value_name = "FILTER")]
    filter: Option<String>,
    /// `id`, `name`, `site`, `version` or `seen`; with `-` in front the other way round.
    #[arg(long, value_name = "FIELD", allow_hyphen_values = true)]
    sort: Option<String>,
    #[command(flatten)]
    most: Most,
    /// Look again every two seconds; on a pipe, tell what changed.
    #[arg(short, long)]
    watch: bool,
    #[command(flatten)]
    form: As,
}

pub(super) const KIOSKS: &[Column] = &[
    column("KIOSK", "/id", Show::Plain),
    column("STATE", "/state", Show::State),
    column("NAME", "/name", Show::Plain),
    column("SITE", "/site", Show::Plain),
    column("SELLS", "/status/sell", Show::With(sells)),
    column("VERSION", "/version", Show::Plain),
    column("CATALOG", "/status/cat", Show::Plain),
    column("TWIN", "/drift", Show::With(twin_word)),
    column("SEEN", "/last_seen", Show::Ago),
    column("FAULTS", "/status/faults", Show::With(faults)),
    column("PENDING", "/status/pend", Show::Plain),
    column("TAGS", "/tags", Show::Plain),
];

pub(super) fn sells(row: &Value) -> Cell {
    let text = plain(&row["status"]["sell"]).replace('_', " ");
    let tone = if text == "out of service" { Tone::Bad } else { Tone::Plain };
    // What was said before it went away says nothing about now.
    if row["online"] == true { Cell { text, tone } } else { Cell::default() }
}

fn twin_word(row: &Value) -> Cell {
    if row["drift"] == true { state("drift") } else { Cell::from("ok".to_owned()) }
}

pub(super) fn faults(row: &Value) -> Cell {
    Cell { text: plain(&row["status"]["faults"]), tone: Tone::Bad }
}

/// How often a watched list is read.
const WATCH_INTERVAL: Duration = Duration::from_secs(2);

impl Ls {
    pub(super) fn run(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        if self.watch {
            return self.watch(screen, client);
        }
        let empty = if self.filter.is_some() { "no kiosk is so" } else { "no kiosk yet: fleetctl enroll" };
        lists::show(screen, self.form, KIOSKS, &self.rows(client)?, Some(empty))
    }

    fn rows(&self, client: &Client) -> Result<Rows> {
        let query = Query::default().with("filter", self.filter.as_ref()).with("sort", self.sort.as_ref());
        client.rows("/v1/kiosks", &query, self.most.limit())
    }

    /// Until somebody ends it.
    fn watch(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        let mut known: BTreeMap<String, Vec<String>> = BTreeMap::new();
        loop {
            let rows = self.rows(client)?;
            if screen.terminal && self.form.output == Format::Table {
                // Over the old table line by line, then away with what was below it: nothing flickers.
                let table = as_table(screen, KIOSKS, &rows.items);
                let lines = table.lines().take(screen.height().saturating_sub(1));
                let lines: String = lines.map(|line| format!("{line}\x1b[K\n")).collect();
                screen.print(&format!("\x1b[H{lines}\x1b[J"))?;
            } else {
                let changed: Vec<Value> =
                    rows.items.into_iter().filter(|row| is_news(&mut known, row)).collect();
                self.tell(screen, &changed)?;
            }
            std::thread::sleep(WATCH_INTERVAL);
        }
    }

    fn tell(&self, screen: &Screen, rows: &[Value]) -> Result<()> {
        match self.form.output {
            _ if rows.is_empty() => Ok(()),
            // One object a line, for programs that read on.
            Format::Json => rows
                .iter()
                .try_for_each(|row| screen.print(&format!("{}\n", words::clean_json(&row.to_string())))),
            form => list(screen, form, KIOSKS, rows),
        }
    }
}

/// Whether something changed that a person would call a change: heartbeats are none.
fn is_news(known: &mut BTreeMap<String, Vec<String>>, row: &Value) -> bool {
    let telling = [
        "/state",
        "/name",
        "/site",
        "/tags",
        "/version",
        "/drift",
        "/status/sell",
        "/status/cat",
        "/status/faults",
    ];
    let now: Vec<String> = telling.iter().map(|at| row.pointer(at).map(plain).unwrap_or_default()).collect();
    known.insert(plain(&row["id"]), now.clone()) != Some(now)
}
