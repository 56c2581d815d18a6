//! Answers as a person reads them.

mod day;
mod order;
mod status;
mod updates;

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use kioskd::admin::wire::Request;
use protocol::text::from_hex;
use serde_json::Value;

use crate::output;

/// The answer to `request` as text.
pub(crate) fn table(request: &Request, answer: &Value) -> String {
    match request {
        Request::Orders { .. } => {
            let columns = ["number", "placed_local", "mode", "pieces", "total", "state", "fiscal"];
            rows(answer, &columns)
        }
        Request::Devices => devices(answer),
        Request::Receipt { .. } | Request::CatalogShow | Request::Dump => word(&answer["text"]),
        Request::Mirror => format!("{}\n", word(&answer["url"])),
        Request::Status => status::text(answer),
        Request::Updates => updates::text(answer),
        Request::Order { .. } => order::text(answer),
        Request::EndOfDay | Request::DayEnd { .. } => day::text(answer),
        Request::CatalogImport { .. }
        | Request::Check
        | Request::Resolve { .. }
        | Request::PaidAtCounter { .. }
        | Request::Reverse { .. }
        | Request::Reprint { .. }
        | Request::CancelOrder { .. }
        | Request::TaskDone { .. }
        | Request::OpenDrawer { .. }
        | Request::Enroll { .. }
        | Request::UpdatesInstall { .. }
        | Request::UpdatesHalt
        | Request::UpdatesResume
        | Request::FactoryReset { .. }
        | Request::Close
        | Request::Open
        | Request::SoldOut { .. } => format!("{}\n", word(&answer["done"])),
    }
}

/// Writes the bytes that a printer would get.
pub(crate) fn escpos(answer: &Value, file: &Path) -> anyhow::Result<()> {
    let bytes = answer["escpos"].as_str().and_then(from_hex).context("the daemon sent no bytes")?;
    std::fs::write(file, &bytes).with_context(|| format!("cannot write {}", file.display()))?;
    output::line(&format!("{}: {} bytes", file.display(), bytes.len()))
}

fn word(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A table with one row per element and the named columns.
fn rows(list: &Value, columns: &[&str]) -> String {
    let empty = Vec::new();
    let body = list.as_array().unwrap_or(&empty);
    // Every time that people read is local.
    let title = |column: &str| column.trim_end_matches("_local").to_uppercase();
    let mut lines: Vec<Vec<String>> = vec![columns.iter().map(|column| title(column)).collect()];
    lines.extend(body.iter().map(|row| columns.iter().map(|column| word(&row[*column])).collect()));
    aligned(&lines)
}

fn devices(answer: &Value) -> String {
    let mut lines = vec![["DEVICE", "STATE", "WHERE", "LAST ERROR"].map(str::to_owned).to_vec()];
    for (name, status) in answer.as_object().into_iter().flatten() {
        lines.push(vec![
            name.clone(),
            word(&status["state"]),
            word(&status["detail"]),
            word(&status["last_error"]),
        ]);
    }
    aligned(&lines)
}

fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for line in lines {
        let cells: Vec<String> =
            line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        writeln!(text, "{}", cells.join("  ").trim_end()).expect("writing to a string never fails");
    }
    text
}
