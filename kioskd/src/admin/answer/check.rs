//! The part of `kioskctl check` that only the daemon can know.

use domain::Kiosk;
use domain::event::TaskKind;
use hal::status::{DeviceState, DeviceStatus};
use serde_json::{Value, json};

use super::{AdminContext, Said, ask_core, state_words};
use crate::core::{Asked, Core};

/// One line a check: what is wrong, and how to fix it.
pub(super) async fn check(context: &AdminContext) -> Said {
    let mut lines = ask_core(context, |asked| match asked {
        Asked::Working(core) => Ok(check_core(core)),
        Asked::Failed(failure) => {
            let wrong = format!("out of service {}: {}", failure.code(), failure.what());
            Ok(json!([bad("store", wrong, &failure.fix())]))
        }
    })
    .await?;
    let list = lines.as_array_mut().ok_or("no answer")?;
    let alive = context.screen.hub().liveness().is_alive(context.screen.hub().clock().now());
    list.push(if alive {
        good("screen", "draws".into())
    } else {
        bad("screen", "no sign of life".into(), "systemctl restart kioskd")
    });
    list.extend(context.board.devices().into_iter().map(|(name, status)| device(name, &status)));
    Ok(lines)
}

fn check_core(core: &mut Core) -> Value {
    let verified = core
        .store()
        .epochs()
        .and_then(|epochs| epochs.iter().map(|epoch| core.store().verify(*epoch, 1)).sum::<Result<u64, _>>());
    let replaced = core.kiosk().ledger().tasks.values().find_map(|task| match &task.kind {
        TaskKind::StoreReplaced { moved_to, .. } => Some(moved_to),
        _ => None,
    });
    let store = match (verified, replaced) {
        (Ok(_), Some(moved_to)) => bad(
            "store",
            format!("the one before was damaged and lies in {moved_to}"),
            "keep it, call the operator; kioskctl status says what to compare",
        ),
        (Ok(events), None) => good("store", format!("{events} events, hash chain intact")),
        (Err(error), _) => {
            bad("store", error.to_string(), "keep the file, call the operator: the log was changed")
        }
    };
    let catalog = match core.store().active_catalog() {
        Ok(Some(active)) => match unspoken(core.kiosk()) {
            None => good("catalog", format!("revision {}", active.document.rev)),
            Some(lang) => bad(
                "catalog",
                format!(
                    "revision {} has no words in {lang:?}, the language of the settings",
                    active.document.rev
                ),
                "add the language to the catalog, or write another one as kiosk.language",
            ),
        },
        Ok(None) => bad("catalog", "none is active".into(), "kioskctl catalog import FILE"),
        Err(error) => bad("catalog", error.to_string(), "kioskctl catalog import FILE"),
    };
    let live = core.kiosk().ledger().live_payments().count();
    let tasks = core.kiosk().ledger().tasks.len();
    let payments = if tasks == 0 {
        good("payments", format!("{live} open, no task for staff"))
    } else {
        let wait = if tasks == 1 { "1 task waits".to_owned() } else { format!("{tasks} tasks wait") };
        bad("payments", format!("{wait} for staff"), "kioskctl status lists them")
    };
    json!([store, catalog, payments])
}

/// The language that the settings ask for and the catalog does not have.
fn unspoken(kiosk: &Kiosk) -> Option<&str> {
    let lang = kiosk.config().default_lang.as_ref()?;
    let menu = kiosk.session().menu.as_ref()?;
    (!menu.catalog.languages.contains(lang)).then(|| lang.as_str())
}

/// How a device is. Only of one that cannot be reached is the last error its present state.
fn device(name: &str, status: &DeviceStatus) -> Value {
    let words = format!("{name}: {}", state_words(&status.state));
    let fix = match &status.state {
        DeviceState::Ready => return good("device", words),
        DeviceState::Absent | DeviceState::Connecting => {
            let why = status.last_error.as_deref().unwrap_or_default();
            let fix = format!("look at the cable and power of the {name} ({})", status.detail);
            return bad("device", format!("{words} {why}").trim_end().to_owned(), &fix);
        }
        DeviceState::Disabled => format!("switch the {name} on in the settings"),
        DeviceState::Degraded(why) | DeviceState::Faulted(why) => match why.as_str() {
            "paper-near-end" => return good("device", format!("{words}: have a new roll ready")),
            "paper-out" => "put in a new roll of paper".to_owned(),
            "cover-open" => "close its cover".to_owned(),
            "cutter-jam" => "clear the cutter, then switch it off and on".to_owned(),
            "head-hot" => "let it cool down: it goes on by itself".to_owned(),
            "silent" => format!("it does not answer: look whether the {name} is on, then at its cable"),
            "open" => "close it".to_owned(),
            "tampered" => "look whether somebody was at the case".to_owned(),
            "hot" | "too-hot" => {
                "look at the fans and the vents, and whether the sun shines on it".to_owned()
            }
            "offline" => "switch it online, or look at its display".to_owned(),
            _ => "switch it off and on; if that does not help it needs repair".to_owned(),
        },
    };
    bad("device", words, &fix)
}

fn good(what: &str, detail: String) -> Value {
    json!({"what": what, "good": true, "detail": detail})
}

fn bad(what: &str, detail: String, fix: &str) -> Value {
    json!({"what": what, "good": false, "detail": detail, "fix": fix})
}
