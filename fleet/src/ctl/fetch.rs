//! What a kiosk sends when it is asked: its log, a picture of its screen, its own checks.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::address::path;
use super::client::Client;
use super::failure::{Exit, Failure, Result};
use super::jobs;
use super::line::Heard;
use super::output::{As, Column, Format, Show, as_table, column, list};
use super::screen::Screen;
use super::table::{Cell, Tone};
use super::words::{ago, clean, clean_lines, parse_expiry, parse_span, plain, time};

/// Most lines that a kiosk sends.
const LINES_MAX: u32 = 10_000;

/// The time that a kiosk gets to begin, and whether it is worth a try.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(super) struct Patience {
    /// How long to wait for the kiosk to begin: 90s, 10m, 2h.
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = parse_expiry)]
    expire: u32,
}

/// Asks for something and fetches it.
fn fetch(
    screen: &Screen,
    client: &Client,
    what: (&str, &str),
    args: &Value,
    patience: Patience,
) -> Result<Heard> {
    let job = jobs::one(screen, client, what, args, patience.expire)?;
    client.file(&path(&["jobs", &plain(&job["id"]), "file"]))
}

/// Somebody waits: a kiosk that is away is told at once.
fn check_online(screen: &Screen, client: &Client, kiosk: &str) -> Result<()> {
    let known = client.get(&path(&["kiosks", kiosk]))?;
    if known["online"] == true {
        return Ok(());
    }
    let seen = time(&known["last_seen"]).map(|seen| format!(", seen {}", ago(seen, screen.now())));
    let what = format!("{kiosk} is {}{}", plain(&known["state"]), seen.unwrap_or_default());
    Err(Failure::failed(what).next(format!("have it done when it comes back: fleetctl run JOB {kiosk}")))
}

/// The log of a kiosk.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example: fleetctl logs t1.k0042 -n 50 -f")]
pub(super) struct Logs {
    /// Its id.
    kiosk: String,
    /// So many lines, from the newest back.
    #[arg(short = 'n', long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=i64::from(LINES_MAX)))]
    lines: u32,
    /// Ask again and again, and print what is new.
    #[arg(short, long)]
    follow: bool,
    /// How often to ask: 2s to 1h.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_span)]
    every: u32,
    #[command(flatten)]
    patience: Patience,
}

impl Logs {
    pub(super) fn run(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        check_online(screen, client, &self.kiosk)?;
        let mut lines = self.lines;
        let mut known: Vec<String> = Vec::new();
        loop {
            let heard =
                fetch(screen, client, (&self.kiosk, "logs"), &json!({ "lines": lines }), self.patience)?;
            let text = String::from_utf8_lossy(&heard.body).into_owned();
            let told: Vec<String> = text.lines().map(str::to_owned).collect();
            let new = match news(&known, &told) {
                Some(new) => new,
                // Everything changed in between: perhaps there was more than what was asked for.
                None => {
                    screen.note("(lines may be missing here)");
                    lines = lines.saturating_mul(2).min(LINES_MAX);
                    told.as_slice()
                }
            };
            screen.raw(new.iter().map(|line| format!("{line}\n")).collect::<String>().as_bytes())?;
            if !self.follow {
                return Ok(Exit::Done);
            }
            if !told.is_empty() {
                known = told;
            }
            std::thread::sleep(Duration::from_secs(self.every.clamp(2, 3600).into()));
        }
    }
}

/// The lines of `told` that come after those of `known`, of which `told` may repeat the end. `None`: it repeats
/// nothing of it.
fn news<'a>(known: &[String], told: &'a [String]) -> Option<&'a [String]> {
    if known.is_empty() || told.is_empty() {
        return Some(told);
    }
    let longest = known.len().min(told.len());
    (1..=longest).rev().find(|repeated| known.ends_with(&told[..*repeated])).map(|repeated| &told[repeated..])
}

/// A picture of a kiosk's screen, as PNG.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example: fleetctl shot t1.k0042 -o screen.png")]
pub(super) struct Shot {
    /// Its id.
    kiosk: String,
    /// Where the picture goes; `-` is the standard output.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    patience: Patience,
}

impl Shot {
    pub(super) fn run(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        let to_output = self.output.as_os_str() == "-";
        if to_output && screen.terminal {
            return Err(Failure::usage("a terminal shows no picture").next("-o screen.png"));
        }
        check_online(screen, client, &self.kiosk)?;
        let heard = fetch(screen, client, (&self.kiosk, "screenshot"), &json!({}), self.patience)?;
        if to_output {
            screen.raw(&heard.body)?;
        } else {
            let file = self.output.display();
            std::fs::write(&self.output, &heard.body)
                .map_err(|error| Failure::io(format!("write {file}"), &error))?;
            screen.note(&format!(
                "{file}: {}, {} KiB",
                clean(&heard.content_type),
                heard.body.len().div_ceil(1024)
            ));
        }
        Ok(Exit::Done)
    }
}

/// What a kiosk finds when it checks itself.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example: fleetctl diagnose t1.k0042")]
pub(super) struct Diagnose {
    /// Its id.
    kiosk: String,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    form: As,
}

const CHECKS: &[Column] = &[
    column("WHAT", "/what", Show::Plain),
    column("GOOD", "/good", Show::With(good)),
    column("DETAIL", "/detail", Show::Plain),
    column("FIX", "/fix", Show::Plain),
];

const DEVICES: &[Column] = &[
    column("DEVICE", "/name", Show::Plain),
    column("STATE", "/state", Show::Plain),
    column("DETAIL", "/detail", Show::Plain),
    column("LAST ERROR", "/last_error", Show::Plain),
];

fn good(row: &Value) -> Cell {
    match row["good"].as_bool() {
        Some(true) => Cell { text: "ok".to_owned(), tone: Tone::Good },
        _ => Cell { text: "WRONG".to_owned(), tone: Tone::Bad },
    }
}

impl Diagnose {
    pub(super) fn run(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        check_online(screen, client, &self.kiosk)?;
        let heard = fetch(screen, client, (&self.kiosk, "diagnostics"), &json!({}), self.patience)?;
        let Ok(told) = serde_json::from_slice::<Value>(&heard.body) else {
            // A kiosk of another age: what it says is still worth reading.
            screen.print(&clean_lines(&String::from_utf8_lossy(&heard.body)))?;
            return Ok(Exit::Done);
        };
        let checks = told["checks"].as_array().cloned().unwrap_or_default();
        match self.form.output {
            Format::Json => screen.json(&told)?,
            Format::Csv | Format::Name => list(screen, self.form.output, CHECKS, &checks)?,
            Format::Table => {
                let device = |(name, device): (&String, &Value)| {
                    let mut row = device.clone();
                    row["name"] = json!(name);
                    row
                };
                let devices: Vec<Value> =
                    told["devices"].as_object().into_iter().flatten().map(device).collect();
                let checks = as_table(screen, CHECKS, &checks);
                screen.print(&format!("{checks}\n{}", as_table(screen, DEVICES, &devices)))?;
                screen.note("everything it said: -o json");
            }
        }
        let is_wrong = |check: &Value| check["good"] != true;
        Ok(if checks.iter().any(is_wrong) { Exit::Failed } else { Exit::Done })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.chars().map(String::from).collect()
    }

    #[test]
    fn a_log_that_is_followed_shows_each_line_once() {
        let news = |known: &str, told: &str| {
            let told = lines(told);
            news(&lines(known), &told).map(|new| new.concat())
        };
        assert_eq!(news("", "abc").unwrap(), "abc");
        assert_eq!(news("abc", "bcd").unwrap(), "d");
        assert_eq!(news("abc", "abc").unwrap(), "");
        assert_eq!(news("abc", "").unwrap(), "");
        assert_eq!(news("abc", "cde").unwrap(), "de");
        assert_eq!(news("abc", "abcde").unwrap(), "de");
        assert_eq!(news("abc", "xyz"), None);
    }
}
