//! A receipt as ESC/POS: our encoder beside python-escpos, with the same receipt for the same printer.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Context as _;
use domain::KioskConfig;
use domain::receipt::{Align, Block, ReceiptDocument, Style};
use hal::printer::{self, Profile};
use kioskd::paper::paper;
use serde_json::{Value, json};

use super::Options;
use super::report::Report;
use super::samples::Samples;
use super::storage::OPENING_MS;
use super::till::Till;
use crate::rig::root;

/// Receipts encoded by each.
const RUNS: u32 = 300;

/// See the module's description.
pub(super) fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let receipt = a_receipt()?;
    let mut plain = receipt.clone();
    plain.blocks.retain(|block| !matches!(block, Block::Qr(_)));
    let cases = [("receipt to ESC/POS", receipt), ("the same without its QR code", plain)];
    for (name, receipt) in cases {
        compare(options, report, name, &receipt)?;
    }
    Ok(())
}

fn compare(
    options: &Options,
    report: &mut Report,
    name: &'static str,
    receipt: &ReceiptDocument,
) -> anyhow::Result<()> {
    let profile = Profile::tm_t88v();
    let mut times = Samples::default();
    let mut size = 0;
    for _ in 0..RUNS {
        let begun = Instant::now();
        let encoded = printer::encode(&paper(receipt, None), &profile, None)?;
        times.push_us(begun.elapsed());
        size = encoded.bytes.len();
    }
    add(report, name, super::report::OURS, &times, size);
    match python_escpos(options, receipt)? {
        Some(answer) => {
            let us: Samples = numbers(&answer["us"]).collect();
            let size = usize::try_from(answer["bytes"].as_u64().unwrap_or(0))?;
            add(report, name, "python-escpos", &us, size);
        }
        None => report.note(format!("python-escpos is not installed for {}", options.python.display())),
    }
    Ok(())
}

fn add(report: &mut Report, name: &str, subject: &'static str, times: &Samples, size: usize) {
    let mut case = report.case("devices", name);
    case.add(subject, "p50", "µs", times.median());
    case.add(subject, "p99", "µs", times.percentile(99));
    #[expect(clippy::cast_precision_loss, reason = "a receipt has kilobytes")]
    case.add(subject, "size", "bytes", size as f64);
}

/// The receipt of a real order, without a logo: pictures are another comparison.
fn a_receipt() -> anyhow::Result<ReceiptDocument> {
    let mut config = KioskConfig::new("bench", "K1");
    config.shop.header = ["Alder & Rye", "Harbour Lane 7, 20457 Hamburg"].map(Into::into).to_vec();
    config.shop.footer = ["Thank you, see you soon."].map(Into::into).to_vec();
    let keep = &mut |_: &[domain::Event], _, _: &mut dyn domain::ids::IdSource| Ok(());
    let mut till = Till::new(config, OPENING_MS, keep)?;
    till.sell(keep)?;
    Ok(till.receipt.context("the order printed nothing")?.as_ref().clone())
}

/// The peer's answer; `None` if it is not installed.
fn python_escpos(options: &Options, receipt: &ReceiptDocument) -> anyhow::Result<Option<Value>> {
    let found = Command::new(&options.python).args(["-c", "import escpos"]).stderr(Stdio::null()).status();
    if !found.is_ok_and(|status| status.success()) {
        return Ok(None);
    }
    let mut python = Command::new(&options.python)
        .arg(root().join("tests/peers/escpos_receipt.py"))
        .arg(RUNS.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let parts: Vec<Value> = receipt.blocks.iter().filter_map(part).collect();
    python.stdin.take().context("its input is piped")?.write_all(json!(parts).to_string().as_bytes())?;
    let output = python.wait_with_output()?;
    anyhow::ensure!(output.status.success(), "the python-escpos peer ended with {}", output.status);
    // The library talks on standard output as well; the answer is the last line.
    let text = String::from_utf8(output.stdout)?;
    Ok(Some(serde_json::from_str(text.lines().last().unwrap_or_default())?))
}

fn part(block: &Block) -> Option<Value> {
    Some(match block {
        Block::Line { text, align, style } => {
            let align = match align {
                Align::Start => "start",
                Align::Center => "center",
                Align::End => "end",
            };
            json!({"kind": "line", "text": &**text, "align": align, "style": style_name(*style)})
        }
        Block::Columns { left, right, style } => {
            json!({"kind": "columns", "left": &**left, "right": &**right, "style": style_name(*style)})
        }
        Block::Rule => json!({"kind": "rule"}),
        Block::Space(lines) => json!({"kind": "space", "lines": lines}),
        Block::Qr(text) => json!({"kind": "qr", "text": &**text}),
        Block::Barcode(text) => json!({"kind": "barcode", "text": &**text}),
        Block::Logo | Block::Total(_) => return None,
    })
}

fn style_name(style: Style) -> &'static str {
    match style {
        Style::Normal => "normal",
        Style::Small => "small",
        Style::Strong => "strong",
        Style::Large => "large",
        Style::Huge => "huge",
    }
}

fn numbers(list: &Value) -> impl Iterator<Item = f64> + '_ {
    list.as_array().into_iter().flatten().filter_map(Value::as_f64)
}
