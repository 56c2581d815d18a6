//! Is anything wrong with the fleet, and which command fixes it?

use std::time::Instant;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::address::Query;
use super::client::Client;
use super::contexts::Target;
use super::failure::{Exit, Failure, Result};
use super::line::Heard;
use super::output::{As, Column, Format, Show, column, list, state};
use super::records::wrong;
use super::screen::Screen;
use super::table::{Cell, Tone};
use super::words::{clean, count, plain, span, time};

/// A certificate that nobody renewed by then: `fleetd` makes its own a month after each start, good for a year.
const CERTIFICATE_WARN: i64 = 30 * DAY;
const CERTIFICATE_WRONG: i64 = 3 * DAY;

/// The list of revoked kiosks is good for 30 days and made daily: one this old was not made for three weeks.
const REVOCATIONS_WRONG: i64 = 7 * DAY;

/// A list that is made daily and was not for a week.
const REVOCATIONS_WARN: i64 = 23 * DAY;

/// Clocks this far apart are told apart by people who read times, and by tokens that end.
const CLOCK_WARN: i64 = 5;
const CLOCK_WRONG: i64 = 60;

/// Kiosks with more events waiting than one in order ever has: one batch.
const BACKLOG: &str = "pending>1000";

const DAY: i64 = 86_400;

/// What is wrong with the fleet, and the command that fixes it.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example: fleetctl doctor -o json | jq '.[] | select(.result != \"ok\")'")]
pub(super) struct Doctor {
    #[command(flatten)]
    form: As,
}

/// How bad something is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Grade {
    Ok,
    Warn,
    Wrong,
}

/// One line of the report.
struct Finding {
    check: &'static str,
    result: Grade,
    detail: String,
    fix: String,
}

/// Findings so far.
#[derive(Default)]
struct Report(Vec<Finding>);

impl Report {
    fn add(&mut self, check: &'static str, result: Grade, detail: impl Into<String>, fix: impl Into<String>) {
        self.0.push(Finding { check, result, detail: detail.into(), fix: fix.into() });
    }

    fn good(&mut self, check: &'static str, detail: impl Into<String>) {
        self.add(check, Grade::Ok, detail, "");
    }

    fn failure(&mut self, check: &'static str, failure: &Failure) {
        self.add(check, Grade::Wrong, failure.what.clone(), failure.next.clone());
    }
}

const FINDINGS: &[Column] = &[
    column("CHECK", "/check", Show::Plain),
    column("RESULT", "/result", Show::State),
    column("DETAIL", "/detail", Show::Plain),
    column("FIX", "/fix", Show::Plain),
];

impl Grade {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Wrong => "wrong",
        }
    }
}

impl Doctor {
    pub(super) fn run(&self, screen: &Screen, target: Target) -> Result<Exit> {
        let client = Client::new(target)?;
        let mut report = Report::default();
        let stopped = examine(&client, screen.now(), &mut report).err();
        let row = |finding: &Finding| {
            json!({
                "check": finding.check, "result": finding.result.word(),
                "detail": finding.detail, "fix": finding.fix,
            })
        };
        match self.form.output {
            Format::Table => screen.print(&told(screen, &report.0))?,
            form => list(screen, form, FINDINGS, &report.0.iter().map(row).collect::<Vec<_>>())?,
        }
        let wrong = report.0.iter().any(|finding| finding.result == Grade::Wrong);
        Ok(stopped.unwrap_or(if wrong { Exit::Failed } else { Exit::Done }))
    }
}

/// One line a check, and one more for what fixes it.
fn told(screen: &Screen, findings: &[Finding]) -> String {
    let paper = screen.paper();
    let widest = findings.iter().map(|finding| finding.check.len()).max().unwrap_or(0);
    let line = |finding: &Finding| {
        let Cell { text, tone } = state(finding.result.word());
        let word = paper.paint(&format!("{text:5}"), tone);
        let mut line = format!("{word}  {:widest$}  {}\n", finding.check, clean(&finding.detail));
        if !finding.fix.is_empty() {
            let fix = paper.paint(&clean(&finding.fix), Tone::Faint);
            line.push_str(&format!("{}→ {fix}\n", " ".repeat(widest + 9)));
        }
        line
    };
    findings.iter().map(line).collect()
}

/// All checks, until one leaves nothing to ask for: its exit code.
fn examine(client: &Client, now: Timestamp, report: &mut Report) -> std::result::Result<(), Exit> {
    let address = &client.target().address;
    let context = client
        .target()
        .context
        .as_ref()
        .map_or("from the environment".to_owned(), |name| format!("context {name}"));
    report.good("login", format!("{address}, {context}"));
    let began = Instant::now();
    let health = client.hear("/healthz").map_err(|failure| {
        report.failure("api", &failure);
        failure.exit
    })?;
    let Ok(said) = serde_json::from_slice::<Value>(&health.body) else {
        report.failure("api", &client.strange("no JSON"));
        return Err(Exit::Failed);
    };
    report.good("api", format!("answers within {} ms", began.elapsed().as_millis()));
    certificate(client, now, report);
    clock(&health, now, report);
    engines(&said, now, report);
    metrics(client, report);
    let me = client.get("/v1/me").map_err(|failure| {
        report.failure("token", &failure);
        failure.exit
    })?;
    report.good("token", format!("{} of {}", plain(&me["role"]), plain(&me["tenant"])));
    match client.get("/v1/summary") {
        Ok(summary) => kiosks(&summary, report),
        Err(failure) => report.failure("kiosks", &failure),
    }
    backlog(client, report);
    if me["role"] == "admin" {
        audit(client, report);
    }
    Ok(())
}

fn certificate(client: &Client, now: Timestamp, report: &mut Report) {
    let check = "certificate";
    let Some(ends) = client.line().certificate_ends() else {
        return report.good(check, "none: plain HTTP on this machine");
    };
    let left = ends - now.as_second();
    let result = grade(left, CERTIFICATE_WARN, CERTIFICATE_WRONG);
    let fix = if result == Grade::Ok { "" } else { "restart fleetd: it makes a new one at every start" };
    report.add(check, result, format!("of the API: good for another {}", span(left)), fix);
}

/// How bad it is that so little is left.
fn grade(left: i64, warn: i64, wrong: i64) -> Grade {
    if left < wrong {
        Grade::Wrong
    } else if left < warn {
        Grade::Warn
    } else {
        Grade::Ok
    }
}

fn clock(health: &Heard, now: Timestamp, report: &mut Report) {
    let theirs = health.date.as_deref().and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
    let Some(theirs) = theirs else {
        return report.add("clock", Grade::Warn, "the fleet does not tell its time", "");
    };
    let apart = theirs.timestamp().as_second() - now.as_second();
    let result = match apart.abs() {
        apart if apart > CLOCK_WRONG => Grade::Wrong,
        apart if apart > CLOCK_WARN => Grade::Warn,
        _ => Grade::Ok,
    };
    let how = match apart {
        -1..=1 => "the same here and there".to_owned(),
        2.. => format!("the fleet is {} ahead of this machine", span(apart)),
        _ => format!("the fleet is {} behind this machine", span(-apart)),
    };
    let fix = if result == Grade::Ok {
        ""
    } else {
        "timedatectl, here and there: which of both is not synchronised?"
    };
    report.add("clock", result, how, fix);
}

fn engines(said: &Value, now: Timestamp, report: &mut Report) {
    let log = "look at the log of fleetd (journalctl -u fleetd), then at";
    if said["database"] == true {
        report.good("database", "answers");
    } else {
        report.add("database", Grade::Wrong, "does not answer", format!("{log} PostgreSQL's"));
    }
    if said["broker"] == true {
        report.good("broker", "a worker is connected");
    } else {
        let detail = "no worker is connected: nothing that kiosks send comes in";
        report.add("broker", Grade::Wrong, detail, format!("{log} the broker's"));
    }
    // An older fleet does not tell.
    if said["ingest"] == false {
        let detail = format!("nothing that comes in is stored: {}", plain(&said["ingest_failure"]));
        report.add("storing", Grade::Wrong, detail, format!("df -h; {log} PostgreSQL's"));
    } else {
        report.good("storing", "what comes in is stored");
    }
    let check = "revocations";
    match time(&said["revocations_end"]) {
        None => report.add(
            check,
            Grade::Warn,
            "the list of revoked kiosks cannot be read",
            log.trim_end_matches(", then at"),
        ),
        Some(ends) => {
            let left = ends.as_second() - now.as_second();
            let result = grade(left, REVOCATIONS_WARN, REVOCATIONS_WRONG);
            let detail = if left > 0 {
                format!("the list of revoked kiosks is good for another {}", span(left))
            } else {
                "the list of revoked kiosks has ended: the broker refuses every kiosk".to_owned()
            };
            let fix =
                "it is made daily; the log of fleetd says why not (journalctl -u fleetd); a restart makes it";
            report.add(check, result, detail, if result == Grade::Ok { "" } else { fix });
        }
    }
    let (theirs, ours) = (plain(&said["version"]), env!("CARGO_PKG_VERSION"));
    if theirs == ours {
        report.good("version", theirs);
    } else {
        let detail = format!("the fleet is {theirs}, fleetctl is {ours}");
        report.add("version", Grade::Warn, detail, "take the fleetctl that came with the fleet");
    }
}

/// Numbers that only `/metrics` has.
fn metrics(client: &Client, report: &mut Report) {
    let heard = match client.file("/metrics") {
        Ok(heard) => heard,
        Err(failure) => return report.failure("ingest", &failure),
    };
    let text = String::from_utf8_lossy(&heard.body);
    let workers = metric(&text, "fleet_ingest_workers_connected");
    let events = metric(&text, "fleet_ingest_events_total");
    report
        .good("ingest", format!("{}, {} since the start", count(workers, "worker"), count(events, "event")));
    let strays = metric(&text, "fleet_events_stray");
    if strays > 0 {
        let detail = format!("{} of no sensible day: a kiosk's clock is years off", count(strays, "event"));
        report.add(
            "strays",
            Grade::Warn,
            detail,
            "fleetctl ls --sort -seen; then look at that kiosk's clock",
        );
    }
}

/// The value of a metric, the first one where there are several.
fn metric(text: &str, name: &str) -> u64 {
    let value = |line: &str| {
        let (labels, value) = line.strip_prefix(name)?.rsplit_once(' ')?;
        (labels.is_empty() || labels.starts_with('{')).then(|| value.parse().ok()).flatten()
    };
    text.lines().find_map(value).unwrap_or(0)
}

fn kiosks(summary: &Value, report: &mut Report) {
    let of = |at: &str| summary.pointer(at).and_then(Value::as_i64).unwrap_or(0);
    let presence = |name: &str| of(&format!("/kiosks/{name}"));
    let away = presence("offline") + presence("stale");
    let all = presence("online") + away + presence("never_seen");
    let detail = format!("{} of {all} online", presence("online"));
    match (all, away) {
        (0, _) => report.add("kiosks", Grade::Ok, "none yet", "fleetctl enroll"),
        (_, 0) => report.good("kiosks", detail),
        _ => report.add(
            "kiosks",
            Grade::Warn,
            detail,
            "fleetctl ls -f 'state=offline or state=stale' --sort seen",
        ),
    }
    if summary["updates_frozen_since"].is_string() {
        report.add("updates", Grade::Warn, "all are frozen", super::status::FROZEN_FIX);
    } else {
        report.good("updates", "not frozen");
    }
    let mut look = |check, number: i64, what: &str, good: &str, fix: &str| match number {
        0 => report.good(check, good),
        _ => report.add(check, Grade::Warn, format!("{number} {what}"), fix),
    };
    let selling = "fleetctl ls -f 'online=true and not selling=open'";
    look("selling", of("/not_selling"), "online and not selling", "all that are online sell", selling);
    let faulty = "fleetctl ls -f faulty=true; fleetctl diagnose KIOSK";
    look("faults", of("/faulty"), "with a fault", "none", faulty);
    let drifting = "fleetctl ls -f drift=true; fleetctl show KIOSK";
    look("drift", of("/drift"), "not as they should be", "none", drifting);
    let ending = "fleetctl ls -f 'cert<30d': online they renew it; too late is fleetctl enroll --kiosk KIOSK";
    look(
        "identities",
        of("/certificates_ending"),
        "with a certificate that ends soon",
        "all are good",
        ending,
    );
    let understood = match summary["quarantine_open"].is_null() {
        true => "this token may not see it",
        false => "everything was understood",
    };
    look("quarantine", of("/quarantine_open"), "not understood", understood, "fleetctl quarantine");
    look("tasks", of("/tasks_open"), "to be done by somebody", "none", "fleetctl tasks");
}

/// Kiosks that do not get rid of their events.
fn backlog(client: &Client, report: &mut Report) {
    let query = Query::default().with("filter", Some(BACKLOG));
    match client.rows("/v1/kiosks", &query, Some(1)).map(|rows| rows.total.unwrap_or(0)) {
        Ok(0) => report.good("backlog", "no kiosk has many events waiting"),
        Ok(number) => {
            let detail = format!("{} with more than 1000 events waiting", count(number, "kiosk"));
            report.add("backlog", Grade::Warn, detail, format!("fleetctl ls -f '{BACKLOG}'"));
        }
        Err(failure) => report.failure("backlog", &failure),
    }
}

fn audit(client: &Client, report: &mut Report) {
    match client.get("/v1/audit/verify") {
        Ok(verdict) => match wrong(&verdict) {
            None => report.good("audit", "every entry is what was written, and none is gone"),
            Some(wrong) => report.add("audit", Grade::Wrong, wrong, "fleetctl audit verify"),
        },
        Err(failure) => report.failure("audit", &failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examined(fill: impl FnOnce(&mut Report)) -> Vec<(&'static str, Grade)> {
        let mut report = Report::default();
        fill(&mut report);
        report.0.iter().filter(|f| f.result != Grade::Ok).map(|f| (f.check, f.result)).collect()
    }

    #[test]
    fn what_ends_soon_is_told_before_it_ends() {
        let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let said = |ends: &str| json!({ "database": true, "broker": true, "version": env!("CARGO_PKG_VERSION"), "revocations_end": ends });
        let found = |ends: &str| examined(|report| engines(&said(ends), now, report));
        assert_eq!(found("2026-12-21T00:00:00Z"), []);
        assert_eq!(found("2026-12-10T00:00:00Z"), [("revocations", Grade::Warn)]);
        assert_eq!(found("2026-11-28T00:00:00Z"), [("revocations", Grade::Wrong)]);
        assert_eq!(found("2026-11-01T00:00:00Z"), [("revocations", Grade::Wrong)]);
        let mut full = said("2026-12-21T00:00:00Z");
        (full["ingest"], full["ingest_failure"]) = (json!(false), json!("no space left on device"));
        assert_eq!(examined(|report| engines(&full, now, report)), [("storing", Grade::Wrong)]);
        let all_wrong = examined(|report| engines(&json!({ "version": "x" }), now, report));
        assert_eq!(all_wrong.len(), 4);
    }

    #[test]
    fn clocks_that_differ_are_told_both_ways() {
        let now: Timestamp = "2026-11-22T04:00:00Z".parse().unwrap();
        let heard = |date: &str| Heard {
            status: 200,
            content_type: String::new(),
            date: Some(date.to_owned()),
            retry_after: None,
            body: bytes::Bytes::new(),
        };
        let found = |date: &str| examined(|report| clock(&heard(date), now, report));
        assert_eq!(found("Sun, 22 Nov 2026 04:00:01 GMT"), []);
        assert_eq!(found("Sun, 22 Nov 2026 03:59:40 GMT"), [("clock", Grade::Warn)]);
        assert_eq!(found("Sun, 22 Nov 2026 05:00:00 GMT"), [("clock", Grade::Wrong)]);
    }

    #[test]
    fn numbers_are_found_by_their_whole_name() {
        let text =
            "# TYPE fleet_events_stray gauge\nfleet_events_stray_x 9\nfleet_events_stray{tenant=\"t1\"} 3\n";
        assert_eq!(metric(text, "fleet_events_stray"), 3);
        assert_eq!(metric(text, "fleet"), 0);
    }
}
