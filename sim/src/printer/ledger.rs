//! What really happened: the judge of a test run.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::receipt::Receipt;

/// A long test day; older entries are forgotten, the totals are not.
const RECEIPTS_MAX: usize = 5_000;
const IDS_MAX: usize = 5_000;
const UNSUPPORTED_MAX: usize = 16;
/// How many of the newest receipts and ids the state shows; `ledger` gives them all.
const SHOWN: usize = 20;

/// What became of a process id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Sent as asked.
    Sent,
    /// Kept back because a newer one came.
    Merged,
    /// Kept back by `drop-id`.
    Dropped,
    /// Sent with another number by `wrong-id`.
    Wrong,
    /// Firmware without the command.
    Ignored,
}

#[derive(Debug, Clone, Serialize)]
struct ProcessId {
    id: String,
    at_ms: u64,
    answer: Answer,
}

/// Receipts, process ids and oddities, oldest first.
#[derive(Debug, Default)]
pub struct Ledger {
    receipts: VecDeque<Value>,
    receipts_total: u64,
    ids: VecDeque<ProcessId>,
    unsupported: VecDeque<String>,
    unsupported_total: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    /// Bytes that came while the printer was off.
    pub bytes_lost: u64,
}

impl Ledger {
    pub fn next_number(&self) -> u64 {
        self.receipts_total + 1
    }

    pub fn receipt(&mut self, receipt: &Receipt) {
        self.receipts_total += 1;
        push(&mut self.receipts, receipt.summary(), RECEIPTS_MAX);
    }

    pub fn process_id(&mut self, id: [u8; 4], at: Duration, answer: Answer) {
        let id = String::from_utf8_lossy(&id).into_owned();
        let at_ms = u64::try_from(at.as_millis()).unwrap_or(u64::MAX);
        push(&mut self.ids, ProcessId { id, at_ms, answer }, IDS_MAX);
    }

    /// The newest entry of this id gets another answer.
    pub fn amend(&mut self, id: [u8; 4], answer: Answer) {
        let id = String::from_utf8_lossy(&id);
        if let Some(entry) = self.ids.iter_mut().rev().find(|entry| entry.id == id) {
            entry.answer = answer;
        }
    }

    pub fn unsupported(&mut self, bytes: &[u8]) {
        self.unsupported_total += 1;
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        push(&mut self.unsupported, hex.join(" "), UNSUPPORTED_MAX);
    }

    /// The part of the state that comes from the ledger.
    pub fn state(&self) -> Value {
        json!({
            "receipts_total": self.receipts_total,
            "receipts": newest(&self.receipts),
            "process_ids": newest(&self.ids),
            "unsupported_total": self.unsupported_total,
            "unsupported": self.unsupported,
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "bytes_lost": self.bytes_lost,
        })
    }

    /// Everything from receipt number `from` on.
    pub fn full(&self, from: u64) -> Value {
        let receipts: Vec<_> =
            self.receipts.iter().filter(|receipt| receipt["number"].as_u64() >= Some(from)).collect();
        json!({"receipts_total": self.receipts_total, "receipts": receipts, "process_ids": self.ids})
    }
}

fn push<T>(list: &mut VecDeque<T>, entry: T, max: usize) {
    if list.len() == max {
        list.pop_front();
    }
    list.push_back(entry);
}

fn newest<T>(list: &VecDeque<T>) -> Vec<&T> {
    list.iter().skip(list.len().saturating_sub(SHOWN)).collect()
}
