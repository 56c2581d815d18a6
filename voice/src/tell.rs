//! What was understood, for people who try it and for programs: never what was said.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::frame::{Act, Ask, Decision, OrderFrame, PartKind, Reason};
use crate::menu::Menu;

/// The frame as JSON: ids, numbers and decisions.
pub fn to_json(frame: &OrderFrame, menu: &Menu) -> Value {
    let parts = frame.parts.iter().map(|part| {
        json!({
            "part": part_name(part.slot), "act": part.act, "from": part.from, "to": part.to,
            "cost_per_phone": part.per_phone, "margin": part.margin, "support": part.support,
        })
    });
    let acts = frame.acts.iter().map(|act| {
        let others = match act {
            Act::Add(line) | Act::Replace(_, line) => line.others.as_slice(),
            Act::Remove(..) | Act::SetQuantity(..) | Act::SetSize(..) => &[],
            Act::Change(..) | Act::Question(..) | Act::Command(_) => &[],
        };
        let others: Vec<Value> =
            others.iter().map(|(id, cost)| json!({"item": id.as_str(), "cost": cost})).collect();
        json!({ "act": act.to_string(), "others": others })
    });
    json!({
        "decision": decision(&frame.decision),
        "asks": question(&frame.decision, menu),
        "confidence_pm": frame.conf_pm, "coverage_pm": frame.coverage_pm,
        "cost": frame.cost, "phones": frame.phones,
        "acts": acts.collect::<Vec<_>>(), "parts": parts.collect::<Vec<_>>(),
    })
}

/// The frame as lines of text.
pub fn to_text(frame: &OrderFrame, menu: &Menu) -> String {
    let mut out = String::new();
    let mut line = |text: String| writeln!(out, "{text}").expect("a string takes everything");
    line(format!(
        "{}: confidence {} ‰, {} ‰ of {} sounds understood, cost {}",
        decision(&frame.decision),
        frame.conf_pm,
        frame.coverage_pm,
        frame.phones,
        frame.cost
    ));
    for (at, act) in frame.acts.iter().enumerate() {
        line(format!("  {act}"));
        for part in frame.parts.iter().filter(|part| part.act == at) {
            let margin = part.margin.map_or_else(|| "-".to_owned(), |margin| margin.to_string());
            let name = part_name(part.slot);
            line(format!("    {name:<10} cost {:>3} a sound, next best {margin:>3} more", part.per_phone));
        }
    }
    if let Some(question) = question(&frame.decision, menu) {
        line(format!("The customer is asked: {question}"));
    }
    out
}

/// What the customer would be asked or told; `None` when a draft is shown.
pub fn question(decision: &Decision, menu: &Menu) -> Option<String> {
    let name =
        |id| menu.position(id).and_then(|at| menu.items[at].names.first()).cloned().unwrap_or_default();
    Some(match decision {
        Decision::Sure => return None,
        Decision::Ask(Ask::Item(items)) => {
            format!("Which one? {} / none of these", items.iter().map(name).collect::<Vec<_>>().join(" / "))
        }
        Decision::Ask(Ask::Quantity(numbers)) => {
            let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
            format!("How many? {}", numbers.join(" / "))
        }
        Decision::Ask(Ask::Reading) => "Is this right? yes / no".to_owned(),
        Decision::Reject(Reason::Silence) => "I did not hear anything.".to_owned(),
        Decision::Reject(Reason::TooMany) => {
            "Up to 20 of one and 30 in all can be ordered by voice.".to_owned()
        }
        Decision::Reject(Reason::TooLong) => "Please say less at a time.".to_owned(),
        Decision::Reject(
            Reason::NotUnderstood | Reason::OtherTalk | Reason::Unlikely | Reason::NotOnMenu,
        ) => "Please say it again, for example: two lattes.".to_owned(),
    })
}

fn decision(decision: &Decision) -> &'static str {
    match decision {
        Decision::Sure => "sure",
        Decision::Ask(_) => "ask",
        Decision::Reject(Reason::Silence) => "rejected: silence",
        Decision::Reject(Reason::NotUnderstood) => "rejected: not understood",
        Decision::Reject(Reason::OtherTalk) => "rejected: other talk",
        Decision::Reject(Reason::Unlikely) => "rejected: the sound does not fit the words",
        Decision::Reject(Reason::TooMany) => "rejected: too many",
        Decision::Reject(Reason::NotOnMenu) => "rejected: not on the menu",
        Decision::Reject(Reason::TooLong) => "rejected: too long",
    }
}

fn part_name(kind: PartKind) -> &'static str {
    match kind {
        PartKind::Carrier => "carrier",
        PartKind::Quantity => "quantity",
        PartKind::Size => "size",
        PartKind::Item => "item",
        PartKind::Operation => "operation",
        PartKind::Modifier => "modifier",
        PartKind::Verb => "verb",
        PartKind::Target => "target",
        PartKind::Question => "question",
        PartKind::Command => "command",
        PartKind::Ordinal => "ordinal",
    }
}
