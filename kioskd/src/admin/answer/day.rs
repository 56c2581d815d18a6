//! The end of the payment terminal's day.

use std::time::Duration;

use domain::format;
use domain::input::Action;
use domain::money::Minor;
use domain::text::Lang;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{Said, command};
use crate::admin::AdminContext;
use crate::board::{DayEnds, DayTotals};

/// How long one answer waits for the terminal, which may need minutes: less than a connection lasts. Whoever asked
/// then asks again.
const WAIT: Duration = Duration::from_secs(20);

/// Has the terminal close its day.
pub(super) async fn close(context: &AdminContext, user: &str) -> Said {
    let ends = context.board.day_ends();
    let before = ends.borrow().count;
    command(context, user, Action::EndOfDay, None).await?;
    told(ends, before).await
}

/// What came of it.
pub(super) async fn ended(context: &AdminContext, after: u64) -> Said {
    told(context.board.day_ends(), after).await
}

async fn told(mut ends: watch::Receiver<DayEnds>, after: u64) -> Said {
    let waited = tokio::time::timeout(WAIT, ends.wait_for(|ends| ends.count > after)).await;
    let newest = waited.ok().and_then(Result::ok).and_then(|ends| ends.newest.clone());
    match newest {
        None => Ok(json!({"closing": true, "after": after})),
        Some(Ok(totals)) => Ok(in_words(&totals)),
        Some(Err(why)) => Err(format!("the terminal did not close its day: {why}")),
    }
}

/// Amounts are there twice: in minor units for machines, in words for people.
fn in_words(totals: &DayTotals) -> Value {
    let money = |amount: Minor| match totals.currency {
        Some(currency) => format::money(amount, currency, &Lang::new("en")),
        None => format!("{} minor units", amount.0),
    };
    let cards: Vec<Value> = totals
        .cards
        .iter()
        .map(|it| json!({"card": it.card, "count": it.count, "sum": money(it.sum), "sum_minor": it.sum.0}))
        .collect();
    json!({
        "closing": false,
        "currency": totals.currency.as_ref().map(|it| it.code()),
        "sum": totals.sum.map(money),
        "sum_minor": totals.sum.map(|it| it.0),
        "receipt_from": totals.receipts.map(|(from, _)| from),
        "receipt_to": totals.receipts.map(|(_, to)| to),
        "cards": cards,
        "slip": totals.slip,
    })
}
