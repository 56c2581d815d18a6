//! What the core is told of the fleet's answers.

use domain::Event;
use domain::event::OrderEvent;
use domain::ids::OrderId;
use domain::input::{Input, UplinkInput};
use protocol::sync::{Answer, Answered};
use store::{Store, StoreError};

/// The input that follows from an answer, if any does: a denial of something about an order.
pub(super) fn denial(store: &Store, epoch: u64, answer: &Answer) -> Result<Option<Input>, StoreError> {
    let Answered::Deny { code, .. } = answer.r else { return Ok(None) };
    let Some(stored) = store.event(epoch, answer.s)?.filter(|stored| stored.envelope.id == answer.id.bytes())
    else {
        return Ok(None);
    };
    let envelope = &stored.envelope;
    match protocol::event::decode(&envelope.kind, envelope.version, &envelope.body) {
        Ok(Some(Event::Order(event))) => {
            let denied = UplinkInput::Denied { order: order_of(&event), code: code.into() };
            Ok(Some(Input::Uplink(denied)))
        }
        Ok(_) | Err(_) => Ok(None),
    }
}

fn order_of(event: &OrderEvent) -> OrderId {
    match event {
        OrderEvent::Placed(order) => order.id,
        OrderEvent::Paid { order, .. }
        | OrderEvent::AcceptedUnpaid { order }
        | OrderEvent::Cancelled { order, .. }
        | OrderEvent::Expired { order }
        | OrderEvent::Closed { order } => *order,
    }
}
