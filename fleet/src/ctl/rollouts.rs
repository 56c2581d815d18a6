//! How a release comes to kiosks, and watching it.

use std::time::Duration;

use clap::Subcommand;
use hyper::Method;
use serde_json::{Value, json};

use super::address::path;
use super::ask::{self, Care};
use super::client::Client;
use super::failure::{Exit, Failure, Result};
use super::lists::{Paged, Part};
use super::output::{As, Column, Format, Show, column, facts, list, row};
use super::progress::Progress;
use super::screen::Screen;
use super::table::{Cell, Tone};
use super::words::{count, parse_span, plain};

/// How often is looked while somebody watches.
const LOOK: Duration = Duration::from_secs(1);

/// How a release comes to kiosks: in waves, never to a whole shop at once, and not past the first signs that it is bad.
#[derive(Subcommand, Debug)]
pub(super) enum RolloutCommand {
    /// Begin one. Canaries first, then 10 %, half, all, each after the one before has gone well for a day.
    #[command(after_help = "\
Examples:
  fleetctl rollout start 'tag:lobby' --release 42 --dry-run
  fleetctl rollout start 'site=12' --release 42 --waves 50,100 --soak 2h --window 02:00-05:00
  fleetctl rollout start '@north' --release 42 --canary pilot --pace 5 --approve-by-other")]
    Start(Start),
    /// Follow one until it is over; the exit code is 1 if it halted.
    #[command(after_help = "Example: fleetctl rollout watch t1.r7")]
    Watch {
        /// Its id.
        id: String,
    },
    /// Start one that somebody else has made with --approve-by-other.
    Approve {
        /// Its id.
        id: String,
        #[command(flatten)]
        form: As,
    },
    /// Tell nobody else for now.
    Pause {
        /// Its id.
        id: String,
        #[command(flatten)]
        form: As,
    },
    /// Go on after a pause; what the wave did is accepted by that.
    Resume {
        /// Its id.
        id: String,
        #[command(flatten)]
        form: As,
    },
    /// Stop one for good. Who has not switched stays where it is.
    #[command(after_help = "Example: fleetctl rollout halt t1.r7 --reason 'the till is wrong'")]
    Halt {
        /// Its id.
        id: String,
        /// For people.
        #[arg(long, default_value = "")]
        reason: String,
        #[command(flatten)]
        form: As,
    },
    /// Stop all updates at once: of every tenant, and from sticks too. No kiosk goes on with one up to its restart. For
    /// administrators.
    #[command(after_help = "Example: fleetctl rollout freeze --reason 'the key of a maker is stolen'")]
    Freeze {
        /// For people; all tenants and kiosks get to know it.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Let all updates go on where they were.
    Unfreeze {
        /// Do not ask.
        #[arg(short, long)]
        yes: bool,
    },
    /// Halt one and go back to an earlier release, where the later one allows it.
    #[command(after_help = "\
Kiosks that have confirmed a release refuse what is below its floor, whoever says so.
Example: fleetctl rollout rollback t1.r7 --to 41")]
    Rollback {
        /// Its id.
        id: String,
        /// The earlier release; the one before if not given.
        #[arg(long, value_name = "NUMBER")]
        to: Option<u64>,
        #[command(flatten)]
        care: Care,
        #[command(flatten)]
        form: As,
    },
    /// Rollouts, the newest first.
    #[command(alias = "ls")]
    List(Part),
    /// One rollout, and its kiosks.
    #[command(after_help = "Example: fleetctl rollout show t1.r7")]
    Show {
        /// Its id.
        id: String,
        #[command(flatten)]
        form: As,
    },
}

#[derive(clap::Args, Debug)]
pub(super) struct Start {
    /// Active kiosks that this lets through; '' is all.
    filter: String,
    /// The number of the release.
    #[arg(long, value_name = "NUMBER")]
    release: u64,
    /// Its model, where several have this number.
    #[arg(long)]
    model: Option<String>,
    /// The tag of those who go first.
    #[arg(long, value_name = "TAG", default_value = "canary")]
    canary: String,
    /// Percents of the fleet, up to 100.
    #[arg(long, value_name = "PERCENTS", value_delimiter = ',', default_values_t = [10, 50, 100])]
    waves: Vec<u16>,
    /// Kiosks that may be away at once; ten in the first waves, then a hundred, if not given.
    #[arg(long, value_name = "KIOSKS")]
    pace: Option<u16>,
    /// Of a site so many percent may be away at once, at least one and never all.
    #[arg(long, value_name = "PERCENT", default_value_t = 25, value_parser = clap::value_parser!(u8).range(0..=100))]
    site_percent: u8,
    /// How long a wave is watched after its last verdict: 90s, 2h, 1d.
    #[arg(long, value_name = "TIME", default_value = "1d", value_parser = parse_span)]
    soak: u32,
    /// After so long without a word a kiosk that switched counts as failed.
    #[arg(long, value_name = "TIME", default_value = "20m", value_parser = parse_span)]
    silence: u32,
    /// When kiosks load and switch, in the time of their site.
    #[arg(long, value_name = "FROM-TO")]
    window: Option<String>,
    /// Kilobytes a second at most, each kiosk.
    #[arg(long, value_name = "KB")]
    rate: Option<u32>,
    /// It starts only when another person has approved it.
    #[arg(long)]
    approve_by_other: bool,
    #[command(flatten)]
    care: Care,
    #[command(flatten)]
    form: As,
}

const ROLLOUTS: &[Column] = &[
    column("ROLLOUT", "/id", Show::Plain),
    column("RELEASE", "/number", Show::Plain),
    column("MODEL", "/model", Show::Plain),
    column("STATE", "/state", Show::With(stands)),
    column("WAVE", "/wave", Show::With(wave)),
    column("KIOSKS", "/kiosks", Show::With(far)),
    column("FILTER", "/filter", Show::Plain),
    column("MADE", "/created_at", Show::Ago),
    column("BY", "/created_by", Show::Plain),
];

const KIOSKS: &[Column] = &[
    column("KIOSK", "/kiosk", Show::Plain),
    column("SITE", "/site", Show::Plain),
    column("WAVE", "/wave", Show::Plain),
    column("PHASE", "/phase", Show::With(phase)),
    column("SINCE", "/since", Show::Ago),
    column("STEP", "/step", Show::Plain),
    column("HELD BY", "/held_by", Show::Plain),
    column("WHY", "/reason", Show::Plain),
];

const FREEZE: &str = "/v1/update-freeze";

const WOULD: &[Column] = &[column("KIOSK", "/kiosk", Show::Plain)];

fn stands(row: &Value) -> Cell {
    let text = plain(&row["state"]);
    let tone = match text.as_str() {
        "done" => Tone::Good,
        "halted" => Tone::Bad,
        "paused" | "draft" => Tone::Odd,
        _ => Tone::Plain,
    };
    Cell { text, tone }
}

fn phase(row: &Value) -> Cell {
    let text = plain(&row["phase"]);
    let tone = match text.as_str() {
        "good" => Tone::Good,
        "bad" => Tone::Bad,
        "waiting" | "withdrawn" => Tone::Faint,
        _ => Tone::Plain,
    };
    Cell { text, tone }
}

fn wave(row: &Value) -> Cell {
    let wave = usize::try_from(row["wave"].as_u64().unwrap_or(0)).unwrap_or(0);
    Cell::from(plain(&row["plan"]["waves"][wave]["name"]))
}

/// How far its kiosks are: `12 good, 1 bad, 3 switching of 40`.
fn far(row: &Value) -> Cell {
    let number = |phase: &str| row["kiosks"][phase].as_u64().unwrap_or(0);
    let all: u64 =
        row["kiosks"].as_object().into_iter().flat_map(|it| it.values()).filter_map(Value::as_u64).sum();
    let known =
        ["good", "bad", "switching", "assigned", "withdrawn"].into_iter().filter(|phase| number(phase) > 0);
    let parts: Vec<String> = known.map(|phase| format!("{} {phase}", number(phase))).collect();
    Cell::from(if parts.is_empty() {
        format!("none of {all}")
    } else {
        format!("{} of {all}", parts.join(", "))
    })
}

/// Why it halted, in a sentence.
fn why(rollout: &Value) -> String {
    let why = &rollout["why"];
    if let Some(reason) = why["same_reason"].as_str() {
        return format!("two of the first kiosks failed with {reason}");
    }
    if why["failures"].is_object() {
        return format!("{} of {} kiosks failed", why["failures"]["bad"], why["failures"]["of"]);
    }
    match (why["health"].as_str(), why["operator"].as_str()) {
        (Some(health), _) => health.to_owned(),
        (_, Some(reason)) if !reason.is_empty() => format!("by an operator: {reason}"),
        (_, Some(_)) => "by an operator".to_owned(),
        _ => String::new(),
    }
}

impl RolloutCommand {
    pub(super) fn run(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        let told = |id: &str, verb: &str, body: &Value, form: &As| -> Result<Exit> {
            let rollout = client.post(&path(&["rollouts", id, verb]), body)?;
            row(screen, form.output, ROLLOUTS, &rollout)?;
            Ok(Exit::Done)
        };
        match self {
            Self::Start(start) => start.run(screen, client),
            Self::Watch { id } => watch(screen, client, id),
            Self::Approve { id, form } => told(id, "approve", &json!({}), form),
            Self::Pause { id, form } => told(id, "pause", &json!({}), form),
            Self::Resume { id, form } => told(id, "resume", &json!({}), form),
            Self::Halt { id, reason, form } => told(id, "halt", &json!({ "reason": reason }), form),
            Self::Freeze { reason } => {
                client.send(Method::PUT, FREEZE, &[], &json!({ "reason": reason }))?;
                screen.note("no kiosk goes on with an update; to let them go on: fleetctl rollout unfreeze");
                Ok(Exit::Done)
            }
            Self::Unfreeze { yes } => {
                ask::confirm(screen, *yes, "This lets all updates of all tenants go on.", "unfreeze")?;
                client.delete(FREEZE)?;
                Ok(Exit::Done)
            }
            Self::Rollback { id, to, care, form } => {
                let body = json!({ "to": to });
                let at = path(&["rollouts", id, "rollback"]);
                let what = |asked: &Value| {
                    let number = count(asked["count"].as_u64().unwrap_or(0), "kiosk");
                    format!("This halts {id} and takes {number} back to release {}.", asked["number"])
                };
                ask_for(screen, client, (&at, body), what, (*care, *form))
            }
            Self::List(part) => {
                note_freeze(screen, client)?;
                Paged {
                    at: "/v1/rollouts",
                    query: super::address::Query::default(),
                    view: ROLLOUTS,
                    empty: Some("no rollouts yet. Next: fleetctl rollout start FILTER --release NUMBER"),
                }
                .show(screen, client, *part)
            }
            Self::Show { id, form } => show(screen, client, id, *form),
        }
    }
}

impl Start {
    fn run(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        let body = json!({
            "filter": self.filter, "release": self.release, "model": self.model, "canary": self.canary,
            "waves": self.waves, "pace": self.pace, "site_percent": self.site_percent, "soak_s": self.soak,
            "silence_s": self.silence, "window": self.window, "rate_kb": self.rate,
            "approve_by_other": self.approve_by_other,
        });
        let what = |asked: &Value| {
            let number = count(asked["count"].as_u64().unwrap_or(0), "kiosk");
            format!("This rolls out release {} to {number}.", self.release)
        };
        ask_for(screen, client, ("/v1/rollouts", body), what, (self.care, self.form))
    }
}

/// Asks what it would be, asks the person, and does it.
fn ask_for(
    screen: &Screen,
    client: &Client,
    (at, mut body): (&str, Value),
    what: impl FnOnce(&Value) -> String,
    (care, form): (Care, As),
) -> Result<Exit> {
    note_freeze(screen, client)?;
    body["dry_run"] = json!(true);
    let would = client.post(at, &body)?;
    let number = would["count"].as_u64().unwrap_or(0);
    note_waves(screen, &would);
    if care.dry_run {
        let kiosks = would["kiosks"].as_array().into_iter().flatten();
        list(screen, form.output, WOULD, &kiosks.map(|kiosk| json!({ "kiosk": kiosk })).collect::<Vec<_>>())?;
        screen.note(&format!("{} (dry run): nothing was done", count(number, "kiosk")));
        return Ok(Exit::Done);
    }
    if number > 0 {
        ask::confirm(screen, care.yes, &what(&would), &number.to_string())?;
    }
    body["dry_run"] = json!(false);
    body["expected"] = json!(number);
    let made = client.post(at, &body)?;
    let id = plain(&made["id"]);
    if form.output == Format::Json {
        screen.json(&made)?;
    } else {
        screen.print(&format!("{id}\n"))?;
    }
    screen.note(&if made["state"] == "draft" {
        format!("it waits for another person: fleetctl rollout approve {id}")
    } else {
        format!("how it goes: fleetctl rollout watch {id}")
    });
    Ok(Exit::Done)
}

/// Says it if all updates are stopped: then no rollout goes on, whatever its state.
fn note_freeze(screen: &Screen, client: &Client) -> Result<()> {
    let found = client.get(FREEZE)?;
    let Some(freeze) = found.get(0) else { return Ok(()) };
    let (since, reason) = (plain(&freeze["since"]), plain(&freeze["reason"]));
    let why = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
    screen.note(&format!("all updates are frozen since {since}{why}: fleetctl rollout unfreeze"));
    Ok(())
}

fn note_waves(screen: &Screen, would: &Value) {
    let waves = would["waves"].as_array().into_iter().flatten();
    let waves: Vec<String> = waves.map(|it| format!("{} {}", plain(&it["name"]), it["kiosks"])).collect();
    screen.note(&format!("waves: {}", waves.join(", ")));
    let words = [
        ("have_it", "run it or a newer one"),
        ("other_model", "are of another model"),
        ("too_old", "run one that is too old"),
        ("busy", "are in another rollout"),
        ("silent", "have never said what they run"),
        ("no_bundle", "need a bundle of it: fleetctl release bundle"),
    ];
    for (key, words) in words {
        if let Some(left) = would["left"][key].as_u64().filter(|left| *left > 0) {
            screen.note(&format!("not meant: {left} {words}"));
        }
    }
}

fn show(screen: &Screen, client: &Client, id: &str, form: As) -> Result<Exit> {
    note_freeze(screen, client)?;
    let rollout = client.get(&path(&["rollouts", id]))?;
    if form.output == Format::Json {
        screen.json(&rollout)?;
        return Ok(Exit::Done);
    }
    let kiosks =
        client.rows(&path(&["rollouts", id, "kiosks"]), &super::address::Query::default(), None)?.items;
    if form.output == Format::Table {
        let text = |value: &Value| Cell::from(plain(value));
        let lines = [
            ("rollout", text(&rollout["id"])),
            ("release", Cell::from(format!("{} {}", plain(&rollout["number"]), plain(&rollout["version"])))),
            ("state", stands(&rollout)),
            ("why", Cell::from(why(&rollout))),
            ("wave", wave(&rollout)),
            ("kiosks", far(&rollout)),
            ("filter", text(&rollout["filter"])),
        ];
        screen.print(&format!("{}\n", facts(screen, &lines)))?;
    }
    list(screen, form.output, KIOSKS, &kiosks)?;
    Ok(Exit::Done)
}

fn watch(screen: &Screen, client: &Client, id: &str) -> Result<Exit> {
    let at = path(&["rollouts", id]);
    let mut progress = Progress::new(screen);
    let mut last = String::new();
    note_freeze(screen, client)?;
    loop {
        let rollout = client.get(&at)?;
        let state = plain(&rollout["state"]);
        let number =
            |phase: &str| usize::try_from(rollout["kiosks"][phase].as_u64().unwrap_or(0)).unwrap_or(0);
        let all =
            ["waiting", "assigned", "withdrawn", "switching", "good", "bad"].into_iter().map(number).sum();
        let line = format!("{state}, {}: {}", wave(&rollout).text, far(&rollout).text);
        if line != last {
            if !screen.watched
                || !line.starts_with(last.split(':').next().unwrap_or_default())
                || last.is_empty()
            {
                progress.clear();
                screen.print(&format!("{line}\n"))?;
            }
            last.clone_from(&line);
        }
        progress.show(number("good") + number("bad"), all, &line);
        match state.as_str() {
            "done" => return Ok(Exit::Done),
            "halted" if number("switching") == 0 => {
                progress.clear();
                return Err(Failure::failed(format!("{id} halted: {}", why(&rollout))).next(format!(
                    "fleetctl rollout show {id}; to go back: fleetctl rollout rollback {id}"
                )));
            }
            "paused" if !screen.watched => {
                return Err(Failure::failed(format!(
                    "{id} is paused: a wave went badly, or somebody said so"
                ))
                .next(format!("fleetctl rollout show {id}, then fleetctl rollout resume {id} or halt")));
            }
            "draft" => {
                return Err(Failure::failed(format!("{id} has not begun"))
                    .next(format!("another person: fleetctl rollout approve {id}")));
            }
            _ => std::thread::sleep(LOOK),
        }
    }
}
