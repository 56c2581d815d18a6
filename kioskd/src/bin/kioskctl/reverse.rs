//! `kioskctl order reverse`: waits until the terminal has given the money back, or has not.

use std::path::Path;
use std::time::Duration;

use kioskd::admin::client::ask;
use kioskd::admin::wire::Request;
use serde_json::Value;

/// A terminal asks its bank; that takes seconds. One that lost the line is asked again and again for minutes.
const LOOKS: usize = 240;
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What became of the reversal that was begun.
///
/// # Errors
/// The money was not given back, or that is not known, in words for staff.
pub(crate) fn ended(socket: &Path, order: &str) -> anyhow::Result<String> {
    let mut last = Value::Null;
    for _ in 0..LOOKS {
        let record = ask(socket, &Request::Order { order: order.to_owned() })?;
        // Once it was paid nobody begins another payment of an order.
        last =
            record["payments"].as_array().and_then(|payments| payments.last()).cloned().unwrap_or_default();
        match last["state"].as_str() {
            Some("reversing" | "reversal unknown") => std::thread::sleep(LOOK_AGAIN),
            Some("reversed") => return Ok(meaning(&last)),
            _ => break,
        }
    }
    anyhow::bail!("{}", meaning(&last))
}

fn meaning(payment: &Value) -> String {
    payment["meaning"].as_str().unwrap_or("the daemon's answer cannot be read").to_owned()
}
