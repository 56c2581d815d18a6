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

#[cfg(test)]
mod tests {
    use domain::event::DenyCode;
    use domain::ids::Uuid;
    use protocol::sync::{DenyReason, Remedy};
    use store::{Clocks, Options};

    use super::*;
    use crate::ids::UuidSource;

    #[test]
    fn a_denial_tells_the_core_of_the_order_and_only_of_the_event_that_was_meant() {
        let dir = tempfile::tempdir().unwrap();
        let options = Options { path: dir.path().join("kiosk.db"), kiosk: "k1".into(), formerly: Vec::new() };
        let clocks = Clocks { wall_ms: 1_792_000_000_000, mono_ms: 1, quality: 2 };
        let mut store = Store::open(options, clocks, &mut UuidSource).unwrap();
        let order = OrderId(Uuid([5; 16]));
        store.append(&[Event::Order(OrderEvent::Closed { order })], clocks, &mut UuidSource).unwrap();
        let id = store.event(store.epoch(), 2).unwrap().unwrap().envelope.id.into();
        let deny =
            Answered::Deny { code: DenyReason::OutOfStock, remedy: Remedy::Refund, srv: String::new() };
        let told = |s, id, r| denial(&store, store.epoch(), &Answer { s, id, r }).unwrap();
        let wanted = Input::Uplink(UplinkInput::Denied { order, code: DenyCode::OutOfStock });
        assert_eq!(told(2, id, deny.clone()), Some(wanted));
        assert_eq!(told(2, [9; 16].into(), deny.clone()), None, "another event");
        assert_eq!(told(1, id, deny.clone()), None, "the epoch's first event is about no order");
        assert_eq!(told(7, id, deny), None);
        assert_eq!(told(2, id, Answered::Conflict { srv: "x".into() }), None);
    }
}
