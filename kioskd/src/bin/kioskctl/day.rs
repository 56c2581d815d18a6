//! `kioskctl end-of-day`: waits until the terminal has closed its day.

use std::path::Path;

use anyhow::Context as _;
use kioskd::admin::client::ask;
use kioskd::admin::wire::Request;
use serde_json::Value;

/// How often the daemon is asked; each answer waits 20 s, so for five minutes. A terminal that hands in a day over a
/// telephone line needs less.
const QUESTIONS: usize = 15;

/// The daemon's last word on the end of the day that `answer` begins.
pub(crate) fn ended(socket: &Path, mut answer: Value) -> anyhow::Result<Value> {
    for _ in 0..QUESTIONS {
        if answer["closing"] != true {
            return Ok(answer);
        }
        let after = answer["after"].as_u64().context("the daemon's answer cannot be read")?;
        answer = ask(socket, &Request::DayEnd { after })?;
    }
    anyhow::bail!(
        "the terminal has not closed its day in five minutes; what it tells later is in the log: \
         journalctl -u kioskd -o verbose"
    )
}
