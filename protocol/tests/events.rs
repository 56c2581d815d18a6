//! Every event kind against its golden body: what was stored once must be read for ever.
//!
//! `UPDATE_GOLDEN=1 cargo test -p protocol` writes missing files; it never changes an existing one.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use domain::cart::ServiceMode;
use domain::catalog::Allergens;
use domain::event::{
    CatalogEvent, DenyCode, DrawerEvent, Event, KitchenEvent, OrderEvent, PaymentEvent, ReceiptEvent,
    ServiceEvent, StockEvent, TaskEvent, TaskKind,
};
use domain::ids::{
    ItemId, KitchenJobId, LineId, OrderId, PaymentId, ReceiptId, RuleId, SlotId, SurchargeId, TaskId,
    TaxRateId, Uuid, VariationId,
};
use domain::money::{Currency, Minor, Quantity, Rate};
use domain::order::{
    CancelReason, Channel, DisplayNumber, FiscalNumber, Order, OrderLine, OrderModifier, OrderSurcharge,
    OrderTax,
};
use domain::payment::{Approval, LastTransaction, Payment, StaffVerdict, Tender};
use domain::quota::{Allowance, Beyond, Quota};
use domain::receipt::ReceiptKind;
use domain::text::Lang;
use domain::time::{Date, WallMs};
use protocol::event::{BODY_MAX, DecodeError, EncodeError, EpochAnchor, EpochReason, EpochStarted};

fn uuid(n: u8) -> Uuid {
    let mut bytes = [0; 16];
    bytes[0] = 1;
    bytes[6] = 0x70;
    bytes[8] = 0x80;
    bytes[15] = n;
    Uuid(bytes)
}

fn order() -> Order {
    Order {
        id: OrderId(uuid(1)),
        number: DisplayNumber { prefix: "K3".into(), counter: 42 },
        placed_at: WallMs(1_792_000_000_000),
        business_date: Date { year: 2026, month: 11, day: 21 },
        mode: ServiceMode::TakeAway,
        channel: Channel::Touch,
        lang: Lang::new("de"),
        currency: Currency::EUR,
        catalog_rev: 7,
        lines: vec![OrderLine {
            line: LineId(1),
            slot: Some(SlotId::new("drink")),
            item: ItemId::new("cola"),
            variation: VariationId::new("cola-05"),
            name: "Cola \"groß\"".into(),
            kitchen_name: "COLA 0,5".into(),
            station: Some("bar".into()),
            modifiers: vec![OrderModifier {
                name: "Ohne Eis".into(),
                kitchen_name: "NO ICE".into(),
                count: 1,
                price: Minor(0),
            }],
            quantity: Quantity::pieces(2),
            unit: Minor(350),
            gross: Minor(700),
            discounts: vec![(RuleId::new("happy"), "Happy Hour".into(), Minor(70))],
            net: Minor(630),
            taxes: vec![(TaxRateId::new("de19"), Minor(101))],
            allergens: Allergens(0b101),
            deposit: false,
        }],
        surcharges: vec![OrderSurcharge {
            id: SurchargeId::new("bag"),
            name: "Tüte".into(),
            amount: Minor(20),
            // The golden is of before surcharges carried their taxes.
            taxes: Vec::new(),
        }],
        taxes: vec![OrderTax {
            rate_id: TaxRateId::new("de19"),
            name: "MwSt. 19 %".into(),
            rate: Rate(190_000),
            inclusive: true,
            base: Minor(546),
            tax: Minor(104),
        }],
        discount: Minor(70),
        total: Minor(650),
    }
}

fn order_events() -> Vec<Event> {
    let order_id = OrderId(uuid(1));
    let at = WallMs(1_792_000_000_250);
    [
        OrderEvent::Placed(Arc::new(order())),
        OrderEvent::Paid { order: order_id, fiscal: FiscalNumber { series: 1_792_000_000_000, n: 1 }, at },
        OrderEvent::AcceptedUnpaid { order: order_id },
        OrderEvent::Cancelled { order: order_id, why: CancelReason::Customer },
        OrderEvent::Expired { order: order_id },
        OrderEvent::Closed { order: order_id },
    ]
    .into_iter()
    .map(Event::Order)
    .collect()
}

fn payment_events() -> Vec<Event> {
    let payment = PaymentId(uuid(2));
    let at = WallMs(1_792_000_000_250);
    let last = LastTransaction {
        trace: Some(975),
        receipt_no: Some(231),
        turnover_no: None,
        amount: Some(Minor(2500)),
        approved: true,
        reversal: false,
    };
    let approval = Approval {
        trace: Some(976),
        receipt_no: Some(232),
        turnover_no: Some(99),
        auth: Some("123456".into()),
        brand: Some("Visa".into()),
        pan_masked: Some("************4821".into()),
        aid: None,
        amount: Minor(650),
    };
    [
        PaymentEvent::Created(Payment {
            id: payment,
            order: OrderId(uuid(1)),
            amount: Minor(650),
            tip: Minor(0),
            currency: Currency::EUR,
            tender: Tender::Card,
            created_at: at,
        }),
        PaymentEvent::SendStarted { payment, last_known: Some(last), at },
        PaymentEvent::Approved { payment, approval, at },
        PaymentEvent::Completed { payment },
        PaymentEvent::Declined { payment, code: 5 },
        PaymentEvent::Cancelled { payment },
        PaymentEvent::TimedOut { payment },
        PaymentEvent::Unknown { payment, why: "link lost".into(), at },
        PaymentEvent::NeedsStaff { payment, evidence: "other amount".into() },
        PaymentEvent::RefusedGoods { payment },
        PaymentEvent::Reversing { payment },
        PaymentEvent::Reversed { payment, fiscal: Some(FiscalNumber { series: 5, n: 2 }) },
        PaymentEvent::ReversalUnknown { payment },
        PaymentEvent::ReversalRefused { payment, code: 0xb5 },
        PaymentEvent::Resolved { payment, verdict: StaffVerdict::NotTaken, staff: "ada".into() },
        PaymentEvent::TerminalReceipt { payment, customer: true, lines: vec!["KARTENZAHLUNG".into()] },
    ]
    .into_iter()
    .map(Event::Payment)
    .collect()
}

fn quota() -> Quota {
    let good =
        |name: &str, upto, beyond| (VariationId::new(name), Allowance { upto: Quantity(upto), beyond });
    let goods = [good("cake", 1_200_000, Beyond::Block), good("wine", 0, Beyond::AskStaff)];
    Quota { rev: 7, until: WallMs(1_792_000_000_250), goods: goods.into() }
}

fn other_events() -> Vec<Event> {
    let receipt = ReceiptId(uuid(3));
    let job = KitchenJobId(uuid(4));
    let at = WallMs(1_792_000_000_250);
    let mut events: Vec<Event> = [
        ReceiptEvent::Queued { receipt, order: OrderId(uuid(1)), kind: ReceiptKind::Sale, copy: 0 },
        ReceiptEvent::Declined { receipt },
        ReceiptEvent::Sent { receipt },
        ReceiptEvent::Confirmed { receipt },
        ReceiptEvent::Unconfirmed { receipt },
        ReceiptEvent::Unknown { receipt },
        ReceiptEvent::Returned { receipt },
        ReceiptEvent::Failed { receipt, why: "cutter".into() },
    ]
    .into_iter()
    .map(Event::Receipt)
    .collect();
    events.extend([
        Event::Kitchen(KitchenEvent::Queued { job, order: OrderId(uuid(1)) }),
        Event::Kitchen(KitchenEvent::Dispatched { job }),
        Event::Kitchen(KitchenEvent::Taken { job }),
        Event::Kitchen(KitchenEvent::Withdrawn { job }),
        Event::Catalog(CatalogEvent::Activated { rev: 7, sha256: [0xab; 32] }),
        Event::Catalog(CatalogEvent::SoldOut { item: ItemId::new("cola"), until: None }),
        Event::Catalog(CatalogEvent::Available { item: ItemId::new("cola") }),
        Event::Service(ServiceEvent::Closed { by: "ada".into() }),
        Event::Service(ServiceEvent::Opened { by: "ada".into() }),
        Event::Drawer(DrawerEvent::Kicked { reason: "no sale".into() }),
        Event::Task(TaskEvent::Raised {
            task: TaskId(uuid(5)),
            kind: TaskKind::UnclearPayment { payment: PaymentId(uuid(2)) },
            at,
        }),
        Event::Task(TaskEvent::Done { task: TaskId(uuid(5)), by: "ada".into() }),
        Event::Stock(StockEvent::Quota(Arc::new(quota()))),
    ]);
    events
}

#[test]
fn every_event_kind_matches_its_golden_and_reads_back() {
    let dir = Path::new("tests/golden/events");
    let mut kinds = BTreeSet::new();
    for event in [order_events(), payment_events(), other_events()].into_iter().flatten() {
        let encoded = protocol::event::encode(&event).unwrap();
        assert!(kinds.insert(encoded.kind), "{} appears twice", encoded.kind);
        let path = dir.join(format!("{}.v{}.json", encoded.kind, encoded.version));
        if !path.exists() && std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(dir).unwrap();
            std::fs::write(&path, &encoded.body).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert_eq!(encoded.body, golden, "{}", encoded.kind);
        let decoded = protocol::event::decode(encoded.kind, encoded.version, &golden).unwrap();
        assert_eq!(decoded, Some(event), "{}", encoded.kind);
    }
    let files: BTreeSet<String> =
        std::fs::read_dir(dir).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(files, kinds.iter().map(|k| format!("{k}.v1.json")).collect(), "a golden without its kind");
}

#[test]
fn a_task_of_a_denied_sale_matches_its_golden_and_reads_back() {
    let event = Event::Task(TaskEvent::Raised {
        task: TaskId(uuid(5)),
        kind: TaskKind::SaleDenied { order: OrderId(uuid(1)), code: DenyCode::OutOfStock },
        at: WallMs(1_792_000_000_250),
    });
    let encoded = protocol::event::encode(&event).unwrap();
    let golden = include_str!("golden/variants/task.raised.v1.sale_denied.json").trim_end();
    assert_eq!(encoded.body, golden);
    assert_eq!(protocol::event::decode(encoded.kind, encoded.version, golden).unwrap(), Some(event));
}

#[test]
fn a_task_of_a_replaced_store_matches_its_golden_and_reads_back() {
    let kind = TaskKind::StoreReplaced { moved_to: "quarantine/kiosk.db.1.0".into(), why: "torn".into() };
    let event = Event::Task(TaskEvent::Raised { task: TaskId(uuid(5)), kind, at: WallMs(1_792_000_000_250) });
    let encoded = protocol::event::encode(&event).unwrap();
    let golden = include_str!("golden/variants/task.raised.v1.store_replaced.json").trim_end();
    assert_eq!(encoded.body, golden);
    let read = protocol::event::decode(encoded.kind, encoded.version, &encoded.body).unwrap();
    assert_eq!(read, Some(event));
}

#[test]
fn a_surcharge_carries_its_taxes() {
    let mut taxed = order();
    taxed.surcharges[0].taxes = vec![(TaxRateId::new("de19"), Minor(3))];
    let event = Event::Order(OrderEvent::Placed(Arc::new(taxed)));
    let encoded = protocol::event::encode(&event).unwrap();
    let surcharge = r#"{"amount_minor":20,"id":"bag","name":"Tüte","taxes":[{"rate":"de19","tax_minor":3}]}"#;
    assert!(encoded.body.contains(surcharge), "{}", encoded.body);
    let decoded = protocol::event::decode(encoded.kind, encoded.version, &encoded.body).unwrap();
    assert_eq!(decoded, Some(event));
}

#[test]
fn a_body_too_large_for_the_queue_is_refused() {
    let event = Event::Drawer(DrawerEvent::Kicked { reason: Arc::from("x".repeat(BODY_MAX)) });
    assert!(matches!(
        protocol::event::encode(&event),
        Err(EncodeError::TooLarge { kind: "drawer.kicked", .. })
    ));
}

#[test]
fn an_amount_that_json_cannot_carry_is_refused() {
    let mut big = order();
    big.total = Minor(1 << 53);
    let event = Event::Order(OrderEvent::Placed(Arc::new(big)));
    assert!(matches!(protocol::event::encode(&event), Err(EncodeError::Integer { .. })));
}

#[test]
fn unknown_kinds_versions_and_broken_bodies_are_typed_errors() {
    let decode = protocol::event::decode;
    assert!(matches!(decode("order.eaten", 1, "{}"), Err(DecodeError::Unknown { .. })));
    assert!(matches!(decode("order.expired", 2, "{}"), Err(DecodeError::Unknown { .. })));
    assert!(matches!(decode("order.expired", 1, "{}"), Err(DecodeError::Json { .. })));
    assert!(matches!(decode("nonsense", 1, "{}"), Err(DecodeError::Unknown { .. })));
    assert_eq!(decode("epoch.started", 1, "{}").unwrap(), None);
}

#[test]
fn text_is_stored_in_composed_form() {
    let decomposed = "Cafe\u{301}";
    let event = Event::Service(ServiceEvent::Closed { by: decomposed.into() });
    assert_eq!(protocol::event::encode(&event).unwrap().body, "{\"by\":\"Café\"}");
}

#[test]
fn epoch_started_has_the_published_body() {
    let started = EpochStarted { anchor: None, reason: EpochReason::Provisioned };
    assert_eq!(
        protocol::event::encode_epoch(&started).unwrap().body,
        r#"{"anchor":null,"reason":"provisioned"}"#
    );
    let anchored = EpochStarted {
        anchor: Some(EpochAnchor { epoch: 1, seq: 2, hash: "ab".into() }),
        reason: EpochReason::Restored,
    };
    assert_eq!(
        protocol::event::encode_epoch(&anchored).unwrap().body,
        r#"{"anchor":{"epoch":1,"hash":"ab","seq":2},"reason":"restored"}"#
    );
}
