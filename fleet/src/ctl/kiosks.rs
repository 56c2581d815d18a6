//! The fleet at a glance, lists of kiosks, and one of them in full.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::address::{Query, path};
use super::ask;
use super::client::{Client, Rows};
use super::failure::{Exit, Result};
use super::output::{As, Column, Format, Show, as_table, column, facts, list, record, state};
use super::screen::Screen;
use super::table::{Cell, Tone};
use super::words::{self, count, plain};

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

/// Says when there are more rows than were shown.
pub(super) fn note_more(screen: &Screen, rows: &Rows) {
    if rows.more {
        let of = rows.total.map(|total| format!(" of {total}")).unwrap_or_default();
        screen.note(&format!(
            "{}{of}; --all shows the others, -n some of them",
            count(rows.items.len() as u64, "row")
        ));
    }
}

/// How the fleet is, in a few lines.
///
/// What may be wrong comes with the command that shows it.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example: fleetctl status")]
pub(super) struct Status {
    #[command(flatten)]
    form: As,
}

const SUMMARY: &[Column] = &[
    column("ONLINE", "/kiosks/online", Show::Plain),
    column("STALE", "/kiosks/stale", Show::Plain),
    column("OFFLINE", "/kiosks/offline", Show::Plain),
    column("NEVER SEEN", "/kiosks/never_seen", Show::Plain),
    column("DECOMMISSIONED", "/kiosks/decommissioned", Show::Plain),
    column("DRIFT", "/drift", Show::Plain),
    column("FAULTY", "/faulty", Show::Plain),
    column("NOT SELLING", "/not_selling", Show::Plain),
    column("PENDING", "/pending", Show::Plain),
    column("TASKS", "/tasks_open", Show::Plain),
    column("JOBS", "/jobs_open", Show::Plain),
    column("QUARANTINE", "/quarantine_open", Show::Plain),
    column("CERTIFICATES", "/certificates_ending", Show::Plain),
];

/// What is worth looking at: number, words, command.
const WORTH_A_LOOK: &[(&str, &str, &str)] = &[
    (
        "/kiosks/stale",
        "not heard of for 3 min, still connected by their own word",
        "fleetctl ls -f state=stale",
    ),
    ("/kiosks/offline", "offline", "fleetctl ls -f state=offline"),
    ("/kiosks/never_seen", "never seen", "fleetctl ls -f state=never-seen"),
    ("/not_selling", "online, but not selling", "fleetctl ls -f 'online=true and not selling=open'"),
    ("/faulty", "with a fault", "fleetctl ls"),
    ("/drift", "not as they should be (drift)", "fleetctl ls -f drift=true"),
    ("/certificates_ending", "with a certificate that ends within 30 days", "fleetctl ls --sort seen"),
    ("/tasks_open", "tasks that wait for somebody", "fleetctl tasks"),
    ("/quarantine_open", "events that were not understood", "fleetctl quarantine"),
    ("/jobs_open", "jobs under way", "fleetctl jobs"),
];

impl Status {
    pub(super) fn run(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        let summary = client.get("/v1/summary")?;
        record(screen, self.form.output, SUMMARY, &summary, || glance(screen, &summary))?;
        Ok(Exit::Done)
    }
}

fn number(value: &Value, at: &str) -> i64 {
    value.pointer(at).and_then(Value::as_i64).unwrap_or(0)
}

fn glance(screen: &Screen, summary: &Value) -> String {
    let paper = screen.paper();
    let of = |name: &str| number(&summary["kiosks"], &format!("/{name}"));
    let all = of("online") + of("stale") + of("offline") + of("never_seen");
    let tone = if of("online") == all { Tone::Good } else { Tone::Odd };
    let mut text = paper.paint(&format!("{} of {all} kiosks online", of("online")), tone);
    let versions: Vec<String> = summary["versions"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|row| format!("{} on {}", plain(&row["kiosks"]), words::clean(&plain(&row["version"]))))
        .collect();
    if !versions.is_empty() {
        text.push_str(&format!("; {}", versions.join(", ")));
    }
    if of("decommissioned") > 0 {
        text.push_str(&format!("; {} decommissioned", of("decommissioned")));
    }
    text.push('\n');
    let notable: Vec<(String, &str, &str)> = WORTH_A_LOOK
        .iter()
        .filter(|(at, ..)| number(summary, at) > 0)
        .map(|(at, what, command)| (number(summary, at).to_string(), *what, *command))
        .collect();
    let widest = notable.iter().map(|(number, what, _)| number.len() + what.len()).max().unwrap_or(0);
    for (number, what, command) in &notable {
        let blanks = " ".repeat(widest - number.len() - what.len());
        text.push_str(&format!("  {number} {what}{blanks}  {}\n", paper.paint(command, Tone::Faint)));
    }
    let pending = number(summary, "/pending");
    if pending > 0 {
        text.push_str(&format!(
            "  {} not sent yet, as far as kiosks told\n",
            count(pending.unsigned_abs(), "event")
        ));
    }
    if all == 0 {
        text.push_str("  no kiosk yet: fleetctl enroll\n");
    }
    text
}

/// Kiosks by filter.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Filters: site=12 and online=false and ver<1.4 and tag:canary
  fields  id, name, site, state, selling, online, ver, tag, fault, drift, seen, boot, pending, catalog
  tests   = != < <= > >= ~ (contains), joined with and, or, not, ( )
  seen>2h: not heard of for two hours; state is online, stale, offline, never-seen or decommissioned

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

const KIOSKS: &[Column] = &[
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

fn sells(row: &Value) -> Cell {
    let text = plain(&row["status"]["sell"]).replace('_', " ");
    let tone = if text == "out of service" { Tone::Bad } else { Tone::Plain };
    // What was said before it went away says nothing about now.
    if row["online"] == true { Cell { text, tone } } else { Cell::default() }
}

fn twin_word(row: &Value) -> Cell {
    if row["drift"] == true { state("drift") } else { Cell::from("ok".to_owned()) }
}

fn faults(row: &Value) -> Cell {
    Cell { text: plain(&row["status"]["faults"]), tone: Tone::Bad }
}

/// How often a watched list is read.
const WATCH_INTERVAL: Duration = Duration::from_secs(2);

impl Ls {
    pub(super) fn run(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        if self.watch {
            return self.watch(screen, client);
        }
        let rows = self.rows(client)?;
        list(screen, self.form.output, KIOSKS, &rows.items)?;
        note_more(screen, &rows);
        if rows.items.is_empty() && self.form.output == Format::Table {
            screen.note(if self.filter.is_some() {
                "no kiosk is so"
            } else {
                "no kiosk yet: fleetctl enroll"
            });
        }
        Ok(Exit::Done)
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

/// One kiosk: how it is, how it should be, and what waits for somebody.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example: fleetctl show t1.k0042")]
pub(super) struct ShowKiosk {
    /// Its id.
    kiosk: String,
    #[command(flatten)]
    form: As,
}

impl ShowKiosk {
    pub(super) fn run(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        let mut kiosk = client.get(&path(&["kiosks", &self.kiosk]))?;
        kiosk["twin"] = client.get(&path(&["kiosks", &self.kiosk, "twin"]))?;
        let query = Query::default().with("kiosk", Some(&self.kiosk));
        kiosk["tasks"] = Value::Array(client.rows("/v1/tasks", &query, Some(LIMIT))?.items);
        record(screen, self.form.output, KIOSKS, &kiosk, || in_full(screen, &kiosk))?;
        Ok(Exit::Done)
    }
}

fn in_full(screen: &Screen, kiosk: &Value) -> String {
    let text = |at: &str| Cell::from(words::clean(&kiosk.pointer(at).map(plain).unwrap_or_default()));
    let ago = |at: &str| kiosk.pointer(at).and_then(words::time).map(|time| words::ago(time, screen.now()));
    let since = |at: &str| Cell::from(ago(at).unwrap_or_default());
    let mut shown = vec![
        ("kiosk", text("/id")),
        ("name", text("/name")),
        ("site", text("/site")),
        ("tags", text("/tags")),
        ("state", state(&plain(&kiosk["state"]))),
        ("seen", since("/last_seen")),
        ("sells", sells(kiosk)),
        ("faults", faults(kiosk)),
        ("version", text("/version")),
        ("catalog", text("/status/cat")),
        ("pending", text("/status/pend")),
        ("hardware", text("/hardware")),
        (
            "started",
            Cell::from(format!(
                "{} times, {} connections since",
                plain(&kiosk["boot"]),
                plain(&kiosk["conn"])
            )),
        ),
        ("enrolled", since("/created_at")),
    ];
    let twin = &kiosk["twin"];
    let drift = if twin["drift"] == true {
        let text =
            format!("drift: should be at {}, is at {}", plain(&twin["rev"]), plain(&twin["reported_rev"]));
        Cell { text, tone: Tone::Odd }
    } else {
        Cell::from(format!("ok, at {}", plain(&twin["rev"])))
    };
    shown.push(("twin", drift));
    let settings = twin_settings(twin);
    shown.extend(settings.iter().map(|(key, cell)| (key.as_str(), cell.clone())));
    for task in kiosk["tasks"].as_array().into_iter().flatten() {
        let text = format!("{}: {} {}", plain(&task["id"]), plain(&task["kind"]), plain(&task["detail"]));
        shown.push(("task", Cell { text: words::clean(&text), tone: Tone::Odd }));
    }
    facts(screen, &shown)
}

/// Each setting: how it should be, what is in force if that is something else, and why.
fn twin_settings(twin: &Value) -> Vec<(String, Cell)> {
    let of = |part: &str| twin[part].as_object().cloned().unwrap_or_default();
    let (desired, reported, errors) = (of("desired"), of("reported"), of("errors"));
    let keys: std::collections::BTreeSet<&String> =
        desired.keys().chain(reported.keys()).chain(errors.keys()).collect();
    keys.into_iter()
        .map(|key| {
            let wanted = desired.get(key);
            let mut text = wanted.or_else(|| reported.get(key)).map(Value::to_string).unwrap_or_default();
            let mut tone = Tone::Plain;
            if let (Some(wanted), Some(is)) = (wanted, reported.get(key))
                && wanted != is
            {
                text.push_str(&format!(" (is {is})"));
                tone = Tone::Odd;
            }
            if let Some(error) = errors.get(key) {
                text.push_str(&format!(" refused: {}", plain(error)));
                tone = Tone::Bad;
            }
            (format!("  {}", words::clean(key)), Cell { text: words::clean(text.trim_start()), tone })
        })
        .collect()
}

/// Take a kiosk out of the fleet for good.
///
/// Its certificate is revoked and its connection ended. What it sold stays.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example: fleetctl decommission t1.k0042 --reason stolen")]
pub(super) struct Decommission {
    /// Its id.
    kiosk: String,
    /// Why, for example stolen, broken or closed; kept in the audit log.
    #[arg(long, default_value = "not told")]
    reason: String,
    /// Only say what would be done.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask.
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    form: As,
}

impl Decommission {
    pub(super) fn run(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        let kiosk = client.get(&path(&["kiosks", &self.kiosk]))?;
        let known =
            [plain(&kiosk["name"]), format!("site {}", plain(&kiosk["site"])), plain(&kiosk["state"])];
        let known = known.iter().filter(|text| !text.is_empty()).cloned().collect::<Vec<_>>().join(", ");
        let what = format!("This takes {} ({known}) out of the fleet for good.", self.kiosk);
        if self.dry_run {
            screen.note(&what);
            return Ok(Exit::Done);
        }
        ask::confirm(screen, self.yes, &what, &self.kiosk)?;
        let body = serde_json::json!({ "reason": self.reason });
        let kiosk = client.post(&path(&["kiosks", &self.kiosk, "decommission"]), &body)?;
        list(screen, self.form.output, KIOSKS, &[kiosk])?;
        Ok(Exit::Done)
    }
}
