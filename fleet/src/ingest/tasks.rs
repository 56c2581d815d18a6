//! What kiosks themselves ask of people: an unclear payment, a customer who calls. The fleet lists it until the kiosk's
//! staff say that it is done.

use deadpool_postgres::Transaction;
use domain::Event;
use domain::event::{TaskEvent, TaskKind};
use domain::ids::Uuid;

use super::apply::{Incoming, Raised};
use super::decide::{Accepted, Decision};
use super::save::{self, execute, pg};
use crate::database::{DatabaseError, storable};

/// Longest detail that is kept, in characters.
const DETAIL_MAX: usize = 500;

/// A task of its own that a kiosk's staff ended.
struct Ended {
    kiosk: String,
    task: Uuid,
    by: String,
}

/// Raises and ends what these events say, in their order.
pub(super) async fn store(
    transaction: &Transaction<'_>,
    tenant: &str,
    batches: &[Incoming],
    decisions: &[Decision],
) -> Result<(), DatabaseError> {
    let (mut raised, mut ended) = (Vec::new(), Vec::new());
    for (incoming, decision) in batches.iter().zip(decisions) {
        for accepted in &decision.accepted {
            match &accepted.event {
                Some(Event::Task(TaskEvent::Raised { task, kind, .. })) => {
                    raised.extend(own(incoming, accepted, task.0, kind));
                }
                Some(Event::Task(TaskEvent::Done { task, by })) => {
                    ended.push(Ended { kiosk: incoming.kiosk.to_string(), task: task.0, by: short(by) });
                }
                _ => {}
            }
        }
    }
    // None ends before it was raised, and none is raised twice.
    save::tasks(transaction, tenant, &raised).await?;
    for Ended { kiosk, task, by } in ended {
        let sql = "UPDATE task SET done_at = now(), done_by = $4, outcome = 'done' \
                   WHERE tenant = $1 AND kiosk = $2 AND own = $3 AND done_at IS NULL";
        execute(transaction, "end a kiosk's own task", sql, &[&tenant, &kiosk, &pg(task), &by]).await?;
    }
    Ok(())
}

/// `None`: the fleet knows it already, better.
fn own(incoming: &Incoming, accepted: &Accepted, task: Uuid, kind: &TaskKind) -> Option<Raised> {
    let (name, sale, payment, detail) = match kind {
        TaskKind::UnclearPayment { payment } => (
            "unclear_payment",
            None,
            Some(payment.0),
            "nobody knows whether this payment was taken: the terminal's journal says so, and staff tell the kiosk"
                .to_owned(),
        ),
        TaskKind::ReversedByTerminal { payment, order } => (
            "reversed_by_terminal",
            Some(order.0),
            Some(payment.0),
            "the terminal gave the money of a paid order back: tell the customer".to_owned(),
        ),
        TaskKind::AmountDiffers { payment } => (
            "amount_differs",
            None,
            Some(payment.0),
            "the terminal took another amount than the kiosk asked for".to_owned(),
        ),
        TaskKind::CustomerCalled { order } => {
            ("customer_called", order.map(|order| order.0), None, "a customer asks for somebody".to_owned())
        }
        TaskKind::UnexplainedTransaction { evidence, .. } => (
            "unexplained_transaction",
            None,
            None,
            format!("the terminal took money that no payment of the kiosk explains: {evidence}"),
        ),
        TaskKind::StoreReplaced { moved_to, why } => (
            "store_replaced",
            None,
            None,
            format!("the store was damaged ({why}) and a new one begun; the old one lies at {moved_to}"),
        ),
        TaskKind::SaleDenied { .. } => return None,
    };
    Some(Raised {
        site: incoming.site.clone(),
        kiosk: incoming.kiosk.to_string(),
        kind: name,
        detail: short(&detail),
        sale,
        event: Some(Uuid(accepted.envelope.id)),
        own: Some((task, payment)),
    })
}

fn short(text: &str) -> String {
    storable(&text.chars().take(DETAIL_MAX).collect::<String>())
}
