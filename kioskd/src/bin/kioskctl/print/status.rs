//! `kioskctl status` as a person reads it: one line per thing, tasks last.

use serde_json::Value;

use super::word;

pub(super) fn text(answer: &Value) -> String {
    let mut lines = vec![
        row("kiosk", &format!("{} (kioskd {})", word(&answer["kiosk"]), word(&answer["version"]))),
        row("doing", &format!("{} [page {}]", word(&answer["doing"]), word(&answer["page"]))),
    ];
    if let Value::Object(order) = &answer["order"] {
        lines.push(row("order", &format!("{}, {}", word(&order["number"]), word(&order["state"]))));
    }
    let day = &answer["day"];
    lines.extend([
        row("today", &format!("{} orders placed, {} paid", word(&day["placed"]), word(&day["paid"]))),
        row("catalog", &format!("revision {}", word(&answer["catalog_rev"]))),
        row("payments", &payments(answer)),
        row("devices", &devices(&answer["devices"])),
        row("waiting", &waiting(&answer["waiting"])),
        row("fleet", &fleet(answer)),
        row("update", &update(&answer["update"])),
        row("screen", &screen(&answer["screen"])),
    ]);
    let mut text = lines.concat();
    for task in answer["tasks"].as_array().into_iter().flatten() {
        text.push_str(&format!(
            "\nTASK since {}\n  {}\n  → {}\n",
            word(&task["since_local"]),
            word(&task["what"]),
            word(&task["do"])
        ));
    }
    text
}

fn row(name: &str, value: &str) -> String {
    format!("{name:<9} {value}\n")
}

fn payments(answer: &Value) -> String {
    let card = if answer["card_payments"] == true { "card ready" } else { "card not possible now" };
    format!("{card}, {} open, {} unclear", word(&answer["open_payments"]), word(&answer["unclear_payments"]))
}

fn devices(devices: &Value) -> String {
    let list = devices.as_object().into_iter().flatten();
    let states: Vec<String> = list.map(|(name, state)| format!("{name} {}", word(state))).collect();
    if states.is_empty() { "none in the settings".into() } else { states.join(", ") }
}

fn waiting(waiting: &Value) -> String {
    format!("{} receipts, {} kitchen tickets", word(&waiting["receipts"]), word(&waiting["kitchen_tickets"]))
}

fn fleet(answer: &Value) -> String {
    let unsynced = &answer["unsynced"];
    let events = format!(
        "{} events not sent yet ({} of payments)",
        word(&unsynced["events"]),
        word(&unsynced["payments"])
    );
    let uplink = &answer["uplink"];
    let link = match (uplink, &uplink["enrolled"]) {
        (Value::Null, _) => "none in the settings".to_owned(),
        (_, Value::Null) if uplink["claim"].is_object() => {
            let claim = &uplink["claim"];
            format!(
                "{}, not enrolled: code {} until {}, at {}",
                word(&uplink["fleet"]),
                word(&claim["code"]),
                word(&claim["until"]),
                word(&claim["link"])
            )
        }
        (_, Value::Null) => format!("{}, not enrolled (kioskctl enroll CODE)", word(&uplink["fleet"])),
        (_, identity) if uplink["connected"] == true => {
            format!("{} connected as {}", word(&identity["broker"]), word(&identity["kiosk"]))
        }
        (_, identity) => {
            format!("{} not connected: {}", word(&identity["broker"]), word(&uplink["last_error"]))
        }
    };
    match &answer["offline_since_local"] {
        Value::Null => format!("{link}, {events}"),
        since => format!("{link}, offline since {}, {events}", word(since)),
    }
}

fn update(update: &Value) -> String {
    if update["allowed"] == true {
        return "allowed now".into();
    }
    let obstacles: Vec<String> = update["obstacles"].as_array().into_iter().flatten().map(word).collect();
    format!("not now: {}", obstacles.join(", "))
}

fn screen(screen: &Value) -> String {
    let ms =
        |key: &str| screen[key].as_f64().map_or_else(|| "-".to_owned(), |us| format!("{:.1}", us / 1000.0));
    format!(
        "{} frames, drawn in {} ms (median), {} ms (95 %)",
        word(&screen["frames"]),
        ms("render_us_p50"),
        ms("render_us_p95")
    )
}
