//! One kiosk in full, and how it leaves.

use serde_json::Value;

use super::address::{Query, path};
use super::ask::{self, Care};
use super::client::Client;
use super::failure::{Exit, Result};
use super::kiosks::{KIOSKS, faults, sells};
use super::lists::LIMIT;
use super::output::{As, facts, record, row, state};
use super::screen::Screen;
use super::table::{Cell, Tone};
use super::words::{self, plain};

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
        let text = if twin["rev"] == twin["reported_rev"] {
            format!("drift: at {}, of which a part was refused", plain(&twin["rev"]))
        } else {
            format!("drift: should be at {}, is at {}", plain(&twin["rev"]), plain(&twin["reported_rev"]))
        };
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
    #[command(flatten)]
    care: Care,
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
        if self.care.dry_run {
            screen.note(&what);
            return Ok(Exit::Done);
        }
        ask::confirm(screen, self.care.yes, &what, &self.kiosk)?;
        let body = serde_json::json!({ "reason": self.reason });
        let kiosk = client.post(&path(&["kiosks", &self.kiosk, "decommission"]), &body)?;
        row(screen, self.form.output, KIOSKS, &kiosk)?;
        Ok(Exit::Done)
    }
}
