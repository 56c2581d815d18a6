//! Accepted events change the books, and then the stock of their site. Its rows are what groups of one site wait for, so
//! they are locked when everything else is stored.

use std::collections::{BTreeMap, BTreeSet};

use deadpool_postgres::Transaction;
use domain::Event;
use domain::event::OrderEvent;
use domain::ids::Uuid;
use protocol::sync::{Answer, Answered, DenyReason, QuarantineReason, Remedy};
use protocol::text::{Id, wire_name};

use super::apply::{Incoming, Raised};
use super::decide::{Accepted, Decision, Quarantined};
use super::fold::{Books, Consequence, Whose, needs};
use super::save::Ids;
use super::shelves::{self, Sellers};
use super::stock::Shelves;
use super::{load, save};
use crate::database::{DatabaseError, storable};

/// What the events did to the books, in memory, and what they ask of the stock.
pub(super) struct Folded {
    books: Books,
    asked: Vec<Asked>,
}

/// What an event asks of the stock.
struct Asked {
    /// Its batch's place in the group.
    place: usize,
    seq: u64,
    event: Uuid,
    consequence: Consequence,
}

/// Only what the stock has to say decides about these.
fn is_paid(accepted: &Accepted) -> bool {
    matches!(accepted.event, Some(Event::Order(OrderEvent::Paid { .. })))
}

/// Folds what was accepted into the books; what cannot be folded goes to quarantine.
pub(super) async fn fold(
    transaction: &Transaction<'_>,
    batches: &[Incoming],
    decisions: &mut [Decision],
) -> Result<Folded, DatabaseError> {
    let (mut sales, mut payments) = (BTreeSet::new(), BTreeSet::new());
    for event in decisions.iter().flat_map(|it| &it.accepted).filter_map(|accepted| accepted.event.as_ref()) {
        let (sale, payment) = needs(event);
        sales.extend(sale);
        payments.extend(payment);
    }
    let mut books = load::books(transaction, sales, payments).await?;
    let mut asked = Vec::new();
    for (place, (incoming, decision)) in batches.iter().zip(decisions).enumerate() {
        let whose = incoming.whose();
        for accepted in std::mem::take(&mut decision.accepted) {
            match accepted.event.as_ref().map_or(Ok(Consequence::Nothing), |event| books.fold(whose, event)) {
                Ok(consequence) => {
                    let (seq, event) = (accepted.envelope.seq, Uuid(accepted.envelope.id));
                    if consequence != Consequence::Nothing {
                        asked.push(Asked { place, seq, event, consequence });
                    }
                    decision.accepted.push(accepted);
                }
                Err(why) => decision.quarantine_accepted(&accepted, why),
            }
        }
    }
    Ok(Folded { books, asked })
}

/// Stores events, books, stock and tasks, and answers what was sold. Returns the events whose ids others have already:
/// place among the batches, number; then nothing is to be kept.
pub(super) async fn store(
    transaction: &Transaction<'_>,
    (tenant, ids): (&str, Ids),
    batches: &[Incoming],
    decisions: &mut [Decision],
    folded: Folded,
) -> Result<Vec<(usize, u64)>, DatabaseError> {
    let Folded { mut books, asked } = folded;
    let plain = BTreeMap::new();
    let rest = save::rows(decisions, |accepted| !is_paid(accepted));
    let clashes = save::events(transaction, (tenant, ids), batches, &rest, &plain).await?;
    if !clashes.is_empty() {
        return Ok(clashes);
    }
    save::payments(transaction, tenant, &books).await?;

    let fiscal_owners = load::fiscal_owners(transaction, &fiscal_numbers(batches, decisions)).await?;
    let sellers = Sellers::of(batches, decisions);
    let wanted = sold_variations(&books, &asked);
    let shelves = sellers.load(transaction, wanted).await?;
    let mut stock =
        Settling { books: &mut books, shelves, fiscal_owners, denied: BTreeMap::new(), tasks: Vec::new() };
    for one in &asked {
        let (whose, decision) = (batches[one.place].whose(), &mut decisions[one.place]);
        match &one.consequence {
            Consequence::Sold(sale) => decision.answers.extend(stock.sold(whose, *sale, one)),
            Consequence::Quota(quota) => stock.shelves.in_force(whose, quota),
            Consequence::Nothing => {}
        }
    }
    for decision in decisions.iter_mut() {
        decision.answers.sort_by_key(|answer| answer.s);
    }
    let Settling { shelves, denied, tasks, .. } = stock;
    let paid = save::rows(decisions, is_paid);
    let clashes = save::events(transaction, (tenant, ids), batches, &paid, &denied).await?;
    if clashes.is_empty() {
        save::sales(transaction, tenant, &books).await?;
        shelves::save(transaction, tenant, &shelves).await?;
        save::tasks(transaction, tenant, &tasks).await?;
    }
    Ok(clashes)
}

/// Kiosk, number and order of every receipt.
fn fiscal_numbers<'a>(
    batches: &'a [Incoming],
    decisions: &[Decision],
) -> Vec<(&'a str, domain::order::FiscalNumber, Uuid)> {
    let mut numbers = Vec::new();
    for (incoming, decision) in batches.iter().zip(decisions) {
        for event in decision.accepted.iter().filter_map(|accepted| accepted.event.as_ref()) {
            if let Event::Order(OrderEvent::Paid { order, fiscal, .. }) = event {
                numbers.push((incoming.kiosk.as_str(), *fiscal, order.0));
            }
        }
    }
    numbers
}

/// Site and variation of everything that was sold.
fn sold_variations(books: &Books, asked: &[Asked]) -> BTreeSet<(String, String)> {
    let sold = asked.iter().filter_map(|it| match it.consequence {
        Consequence::Sold(sale) => books.sales.get(&sale),
        Consequence::Quota(_) | Consequence::Nothing => None,
    });
    sold.flat_map(|sale| sale.lines.iter().map(|line| (sale.site.clone(), storable(&line.variation))))
        .collect()
}

impl Decision {
    /// An accepted event that cannot be applied after all.
    fn quarantine_accepted(&mut self, accepted: &Accepted, why: String) {
        let envelope = &accepted.envelope;
        let code = QuarantineReason::Apply;
        self.answers.push(Answer {
            s: envelope.seq,
            id: Id::from(envelope.id),
            r: Answered::Quarantine { code, srv: why.clone() },
        });
        let raw = protocol::sync::WireEvent::new(envelope, &accepted.hash)
            .and_then(|event| serde_json::to_string(&event))
            .unwrap_or_default();
        self.quarantined.push(Quarantined {
            seq: envelope.seq,
            id: Some(Id::from(envelope.id)),
            hash: Some(accepted.hash),
            reason: code,
            detail: why,
            raw,
        });
    }
}

struct Settling<'a> {
    books: &'a mut Books,
    shelves: Shelves,
    fiscal_owners: BTreeMap<(String, i64, i64), Uuid>,
    denied: BTreeMap<Uuid, Answered>,
    tasks: Vec<Raised>,
}

impl Settling<'_> {
    /// A sale was paid. The fleet may disagree, but never refuses to know it.
    fn sold(&mut self, whose: Whose<'_>, id: Uuid, asked: &Asked) -> Option<Answer> {
        let Asked { seq, event, .. } = *asked;
        let sale = self.books.sales.get_mut(&id)?;
        let fiscal = sale.fiscal.map(|(series, n)| (whose.kiosk.to_owned(), series, n));
        let owner = fiscal.map(|key| *self.fiscal_owners.entry(key).or_insert(id));
        let answer = match owner {
            Some(owner) if owner != id => {
                self.shelves.count(whose, sale);
                Some(Answered::Deny {
                    code: DenyReason::DuplicateFiscal,
                    remedy: Remedy::Accept,
                    srv: format!("the fiscal number belongs to {owner}"),
                })
            }
            _ => self.shelves.take(whose, sale, event).err(),
        };
        let answer = answer?;
        if let Answered::Deny { code, srv, .. } = &answer {
            sale.denied = Some(wire_name(code));
            self.tasks.push(Raised {
                site: sale.site.clone(),
                kiosk: whose.kiosk.to_owned(),
                kind: "sale_denied",
                detail: srv.clone(),
                sale: Some(id),
                event: Some(event),
                own: None,
            });
        }
        self.denied.insert(event, answer.clone());
        Some(Answer { s: seq, id: Id(event), r: answer })
    }
}
