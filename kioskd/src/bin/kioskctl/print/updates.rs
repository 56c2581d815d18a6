//! How updates are, for a person.

use std::fmt::Write as _;

use serde_json::Value;

use super::word;

/// As text.
pub(super) fn text(answer: &Value) -> String {
    if answer["running"].is_null() {
        return "the slot writer has not said yet what runs; see: systemctl status kiosk-slot-writer\n"
            .into();
    }
    let mut text = format!(
        "running     release {} ({}) for {}\nproven      release {}\n",
        answer["running"],
        word(&answer["version"]),
        word(&answer["model"]),
        answer["confirmed"],
    );
    let mut line = |name: &str, what: String| {
        // Writing to a text does not fail.
        writeln!(text, "{name:<11} {what}").ok();
    };
    let under_way = &answer["under_way"];
    if !under_way.is_null() {
        let percent = under_way["percent"].as_u64().map(|it| format!(", {it} %")).unwrap_or_default();
        let (release, step, campaign) = (&under_way["release"], &under_way["step"], &under_way["campaign"]);
        line(
            "under way",
            format!("release {release}: {}{percent} (campaign {})", word(step), word(campaign)),
        );
    }
    if let Some(waits_for) = answer["waits_for"].as_str().filter(|_| !under_way.is_null()) {
        line("waits for", waits_for.to_owned());
    }
    if let Some(trouble) = answer["trouble"].as_str() {
        line("trouble", trouble.to_owned());
    }
    if let Some(by) = answer["held_by"].as_str() {
        line("stopped", format!("here by {by}; go on with: kioskctl updates resume"));
    }
    let last = &answer["last"];
    if !last.is_null() {
        let why = last["reason"].as_str().map(|it| format!(": {it}")).unwrap_or_default();
        line("the last", format!("release {} {}{why}", last["release"], word(&last["result"])));
    }
    let list = |value: &Value| {
        value
            .as_array()
            .filter(|it| !it.is_empty())
            .map(|it| it.iter().map(word).collect::<Vec<_>>().join(", "))
    };
    if let Some(halted) = list(&answer["halted"]) {
        line("halted", format!("by the fleet: {}", if halted == "*" { "everything" } else { &halted }));
    }
    if let Some(bad) = list(&answer["never_again"]) {
        line("never again", format!("release {bad}: failed here"));
    }
    text
}
