//! The fleet at a glance.

use serde_json::Value;

use super::client::Client;
use super::failure::{Exit, Result};
use super::output::{As, Column, Show, column, record};
use super::screen::Screen;
use super::table::Tone;
use super::words::{self, count, plain};

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
    ("/kiosks/stale", "silent for 3 min, but not known to be away", "fleetctl ls -f state=stale"),
    ("/kiosks/offline", "offline", "fleetctl ls -f state=offline"),
    ("/kiosks/never_seen", "never seen", "fleetctl ls -f state=never-seen"),
    ("/not_selling", "online, but not selling", "fleetctl ls -f 'online=true and not selling=open'"),
    ("/faulty", "with a fault", "fleetctl ls -f faulty=true"),
    ("/drift", "not as they should be (drift)", "fleetctl ls -f drift=true"),
    ("/certificates_ending", "with a certificate that ends soon", "fleetctl ls -f 'cert<30d'"),
    ("/tasks_open", "to be done by somebody", "fleetctl tasks"),
    ("/quarantine_open", "not understood", "fleetctl quarantine"),
    ("/jobs_open", "under way", "fleetctl jobs"),
];

/// What tells why all updates are frozen, and what ends it.
pub(super) const FROZEN_FIX: &str = "fleetctl rollout list; fleetctl rollout unfreeze";

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
    if summary["updates_frozen_since"].is_string() {
        let command = paper.paint(FROZEN_FIX, Tone::Faint);
        text.push_str(&format!("  {}  {command}\n", paper.paint("all updates are frozen", Tone::Odd)));
    }
    if all == 0 {
        text.push_str("  no kiosk yet: fleetctl enroll\n");
    }
    text
}
