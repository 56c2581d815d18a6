//! Telling kiosks to do something once, and what became of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::address::{Query, path};
use super::ask::{self, Care};
use super::change::{Whom, value, whom};
use super::client::Client;
use super::failure::{Exit, Failure, Result};
use super::lists::{Paged, Part};
use super::output::{As, Column, Show, column, list, row};
use super::progress::Progress;
use super::screen::Screen;
use super::table::{Cell, Tone};
use super::words::{clean, count, parse_expiry, plain};

/// How often a job is looked at while somebody waits for it.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// A kiosk that is there has answered by then.
const ANSWER_TIME: Duration = Duration::from_secs(3);

/// Of so many kiosks it is asked whether they are there.
const AWAY_ASKED: usize = 20;

/// A job that has begun may take so long after it could have expired; then nobody waits any more.
const RUN_LIMIT: Duration = Duration::from_secs(15 * 60);

/// Jobs under the names that they have here.
const KNOWN: [&str; 8] =
    ["reboot", "open", "close", "catalog-refresh", "config", "logs", "screenshot", "diagnostics"];

/// What can be said of a job.
const STATES: [&str; 7] = ["queued", "sent", "accepted", "running", "done", "failed", "expired"];

/// Tell kiosks to do something once.
///
/// Who is offline does it when it comes back, unless it has expired by then.
#[derive(clap::Args, Debug)]
#[command(override_usage = "fleetctl run [OPTIONS] <JOB> <KIOSK | -f FILTER> [ARGUMENT=VALUE...]")]
#[command(after_help = "\
Jobs:
  reboot             start the machine anew
  open, close        sell, or stop selling
  catalog-refresh    fetch the catalog that is meant for it
  config             read the settings anew
  logs lines=200     send the log (`fleetctl logs` prints it)
  screenshot         send a picture of the screen (`fleetctl shot` keeps it)
  diagnostics        send the answers of all checks (`fleetctl diagnose` prints them)

Examples:
  fleetctl run reboot t1.k0042 --idle --wait
  fleetctl run close -f 'site=12' --dry-run")]
pub(super) struct Run {
    /// What to do, see below.
    #[arg(value_name = "JOB", value_parser = KNOWN, hide_possible_values = true)]
    job: String,
    /// A kiosk's id, then arguments: `name=value`.
    #[arg(value_name = "KIOSK | ARGUMENT=VALUE")]
    words: Vec<String>,
    /// All active kiosks that this lets through.
    #[arg(short, long, value_name = "FILTER")]
    filter: Option<String>,
    #[command(flatten)]
    care: Care,
    /// Wait until every job has ended; the exit code is 7 if some did not end well, 1 if none did.
    #[arg(short, long)]
    wait: bool,
    /// Not to be begun after this time: 90s, 10m, 2h, 3d.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = parse_expiry)]
    expire: u32,
    /// Wait for a moment without a customer.
    #[arg(long)]
    idle: bool,
    #[command(flatten)]
    form: As,
}

const JOBS: &[Column] = &[
    column("JOB", "/id", Show::Plain),
    column("KIOSK", "/kiosk", Show::Plain),
    column("KIND", "/kind", Show::Plain),
    column("STATE", "/state", Show::With(job_state)),
    column("CHANGED", "/changed_at", Show::Ago),
    column("WHY", "/why", Show::Plain),
    column("FILE", "/has_file", Show::With(file_word)),
    column("BY", "/asked_by", Show::Plain),
];

const WOULD: &[Column] = &[column("KIOSK", "/kiosk", Show::Plain)];

fn job_state(row: &Value) -> Cell {
    let mut cell = super::output::state(&plain(&row["state"]));
    if let (Some(pct), "running") = (row["pct"].as_i64(), cell.text.as_str()) {
        cell.text = format!("running {pct} %");
    }
    cell
}

fn file_word(row: &Value) -> Cell {
    if row["has_file"] == true { Cell { text: "yes".to_owned(), tone: Tone::Plain } } else { Cell::default() }
}

/// What a job is called here, and what the API calls it.
fn kind(word: &str) -> (String, Map<String, Value>) {
    let to = |to: &str| Map::from_iter([("to".to_owned(), json!(to))]);
    match word {
        "open" | "close" => ("selling".to_owned(), to(word)),
        other => (other.replace('-', "_"), Map::new()),
    }
}

impl Run {
    pub(super) fn run(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        let (whom, pairs) = whom(&self.words, self.filter.as_ref())?;
        let (kind, mut args) = kind(&self.job);
        for (name, text) in pairs {
            args.insert(name, value(&text)?);
        }
        let mut body = json!({ "kind": kind, "args": args, "expires_in": self.expire, "idle": self.idle });
        match &whom {
            Whom::Kiosk(kiosk) => body["kiosk"] = json!(kiosk),
            Whom::Filter(filter) => body["filter"] = json!(filter),
        }
        if self.care.dry_run || matches!(whom, Whom::Filter(_)) {
            body["dry_run"] = json!(true);
            let would = client.post("/v1/jobs", &body)?;
            let number = would["count"].as_u64().unwrap_or(0);
            if self.care.dry_run || number == 0 {
                let rows =
                    would["kiosks"].as_array().into_iter().flatten().map(|kiosk| json!({ "kiosk": kiosk }));
                list(screen, self.form.output, WOULD, &rows.collect::<Vec<_>>())?;
                let why = if self.care.dry_run { " (dry run)" } else { "" };
                screen.note(&format!("{}{why}: nothing was done", count(number, "kiosk")));
                return Ok(Exit::Done);
            }
            let what = format!("This tells {} to {}.", count(number, "kiosk"), self.job);
            ask::confirm(screen, self.care.yes, &what, &number.to_string())?;
            body["dry_run"] = json!(false);
            body["expected"] = json!(number);
        }
        let told = client.post("/v1/jobs", &body)?;
        let request = plain(&told["request"]);
        if !self.wait {
            list(screen, self.form.output, JOBS, &of_request(client, &request)?)?;
            screen.note(&format!("what becomes of it: fleetctl jobs --request {request}"));
            return Ok(Exit::Done);
        }
        let jobs = wait(screen, client, &request, self.expire)?;
        list(screen, self.form.output, JOBS, &jobs)?;
        Ok(verdict(&jobs))
    }
}

fn of_request(client: &Client, request: &str) -> Result<Vec<Value>> {
    let query = Query::default().with("request", Some(request));
    let mut jobs = client.rows("/v1/jobs", &query, None)?.items;
    jobs.sort_by_cached_key(|job| plain(&job["kiosk"]));
    Ok(jobs)
}

fn has_ended(job: &Value) -> bool {
    matches!(job["state"].as_str(), Some("done" | "failed" | "expired"))
}

/// How jobs that have ended, or that nobody waits for any more, went.
fn verdict(jobs: &[Value]) -> Exit {
    let done = jobs.iter().filter(|job| job["state"] == "done").count();
    match done {
        _ if done == jobs.len() => Exit::Done,
        0 => Exit::Failed,
        _ => Exit::Partly,
    }
}

/// Whoever waits for a kiosk that is away should know it.
fn tell_away(progress: &mut Progress<'_>, client: &Client, jobs: &[Value]) -> Result<()> {
    let waited_for: Vec<String> =
        jobs.iter().filter(|job| !has_ended(job)).take(AWAY_ASKED).map(|job| plain(&job["kiosk"])).collect();
    if waited_for.is_empty() {
        return Ok(());
    }
    let ids: Vec<String> = waited_for.iter().map(|kiosk| format!("id=\"{kiosk}\"")).collect();
    let filter = format!("online=false and ({})", ids.join(" or "));
    let away = client.rows("/v1/kiosks", &Query::default().with("filter", Some(filter)), None)?.items;
    if !away.is_empty() {
        let names: Vec<String> = away.iter().map(|kiosk| clean(&plain(&kiosk["id"]))).collect();
        progress.note(&format!("not online, waiting for it to come back: {}", names.join(", ")));
    }
    Ok(())
}

/// Waits until all jobs of a request have ended, and says so as they do.
fn wait(screen: &Screen, client: &Client, request: &str, expire: u32) -> Result<Vec<Value>> {
    let until = Instant::now() + Duration::from_secs(expire.into()) + RUN_LIMIT;
    let mut progress = Progress::new(screen);
    let mut told: BTreeSet<String> = BTreeSet::new();
    let mut ask_at = Some(Instant::now() + ANSWER_TIME);
    loop {
        let jobs = of_request(client, request)?;
        for job in jobs.iter().filter(|job| has_ended(job)) {
            if jobs.len() > 1 && told.insert(plain(&job["id"])) {
                let why = Some(plain(&job["why"])).filter(|why| !why.is_empty());
                let why = why.map(|why| format!(": {}", clean(&why))).unwrap_or_default();
                progress.note(&format!("{} {}{why}", plain(&job["kiosk"]), plain(&job["state"])));
            }
        }
        let ended = jobs.iter().filter(|job| has_ended(job)).count();
        if ended == jobs.len() {
            return Ok(jobs);
        }
        if Instant::now() > until {
            progress.note(&format!("nobody waits any longer; fleetctl jobs --request {request}"));
            return Ok(jobs);
        }
        if ask_at.take_if(|at| *at < Instant::now()).is_some() {
            tell_away(&mut progress, client, &jobs)?;
        }
        progress.show(ended, jobs.len(), &states(&jobs));
        // Many jobs are many rows: looked at less often, so that waiting is no burden.
        let times = u32::try_from(1 + jobs.len() / 200).unwrap_or(u32::MAX);
        std::thread::sleep(LOOK_INTERVAL.saturating_mul(times));
    }
}

/// How many jobs are in which state that is not the end.
fn states(jobs: &[Value]) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for job in jobs.iter().filter(|job| !has_ended(job)) {
        *counts.entry(job_state(job).text).or_default() += 1;
    }
    counts.iter().map(|(state, number)| format!("{number} {state}")).collect::<Vec<_>>().join(", ")
}

/// One job of one kiosk, from asking to its end: for commands that show what it brings.
pub(super) fn one(
    screen: &Screen,
    client: &Client,
    (kiosk, kind): (&str, &str),
    args: &Value,
    expire: u32,
) -> Result<Value> {
    let body = json!({ "kind": kind, "args": args, "kiosk": kiosk, "expires_in": expire });
    let told = client.post("/v1/jobs", &body)?;
    let id = plain(&told["jobs"][0]);
    let at = path(&["jobs", &id]);
    let until = Instant::now() + Duration::from_secs(expire.into()) + RUN_LIMIT;
    let mut progress = Progress::new(screen);
    let mut ask_at = Some(Instant::now() + ANSWER_TIME);
    loop {
        let job = client.get(&at)?;
        match job["state"].as_str() {
            Some("done") if job["has_file"] == true => return Ok(job),
            Some("done") => {
                return Err(Failure::failed(format!("{kiosk} is done with {kind} and sent nothing")));
            }
            Some("failed") => {
                return Err(Failure::failed(format!("{kiosk}: {kind} failed: {}", plain(&job["why"])))
                    .next(format!("fleetctl show {kiosk}")));
            }
            Some("expired") => {
                return Err(Failure::failed(format!("{kiosk} did not begin with {kind} in time"))
                    .next(format!("fleetctl show {kiosk}, or give it longer: --expire 1h")));
            }
            _ if Instant::now() > until => {
                return Err(Failure::failed(format!("{kiosk} does not end with {kind}"))
                    .next(format!("fleetctl jobs --job {id}")));
            }
            _ if ask_at.take_if(|at| *at < Instant::now()).is_some() => {
                tell_away(&mut progress, client, std::slice::from_ref(&job))?;
            }
            _ => progress.show(0, 1, &format!("{kiosk} {kind}: {}", job_state(&job).text)),
        }
        std::thread::sleep(LOOK_INTERVAL);
    }
}

/// What kiosks were told to do, the newest first.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example: fleetctl jobs -f site=12 --state failed")]
pub(super) struct Jobs {
    /// Of kiosks that this lets through.
    #[arg(short, long, value_name = "FILTER")]
    filter: Option<String>,
    /// In this state.
    #[arg(long, value_parser = STATES)]
    state: Option<String>,
    /// Asked for together: the id that `fleetctl run` told.
    #[arg(long, value_name = "ID")]
    request: Option<String>,
    /// Only this one.
    #[arg(long, value_name = "ID", conflicts_with_all = ["filter", "state", "request"])]
    job: Option<String>,
    #[command(flatten)]
    part: Part,
}

impl Jobs {
    pub(super) fn run(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        if let Some(id) = &self.job {
            let job = client.get(&path(&["jobs", id]))?;
            row(screen, self.part.form.output, JOBS, &job)?;
            return Ok(Exit::Done);
        }
        let query = Query::default()
            .with("filter", self.filter.as_ref())
            .with("state", self.state.as_ref())
            .with("request", self.request.as_ref());
        let list = Paged { at: "/v1/jobs", query, view: JOBS, empty: None };
        list.show(screen, client, self.part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_tells_all_none_or_some() {
        let jobs = |states: &[&str]| states.iter().map(|state| json!({ "state": state })).collect::<Vec<_>>();
        assert_eq!(verdict(&jobs(&["done", "done"])), Exit::Done);
        assert_eq!(verdict(&jobs(&["done", "expired"])), Exit::Partly);
        assert_eq!(verdict(&jobs(&["failed", "running"])), Exit::Failed);
        assert_eq!(states(&jobs(&["sent", "done", "sent", "queued"])), "1 queued, 2 sent");
        assert_eq!(kind("close").1["to"], "close");
        assert_eq!(kind("catalog-refresh").0, "catalog_refresh");
    }
}
