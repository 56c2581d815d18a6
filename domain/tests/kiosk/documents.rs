//! What receipts, slips and tickets say.

use domain::ids::{GroupId, ItemId, ModifierId, SlotId, VariationId};
use domain::input::Action;
use domain::intent::{CartIntent, DoneIntent, Intent, ItemIntent, MealIntent, PayIntent};
use domain::money::{Minor, Quantity};
use domain::pricing::refund_part;
use domain::receipt::{Block, ReceiptDocument, ReceiptKind, Style};
use domain::text::Lang;
use domain::view::Page;

use crate::fixture;
use crate::world::World;

/// The document as lines of text, columns with a bar between.
fn lines(document: &ReceiptDocument) -> Vec<String> {
    document
        .blocks
        .iter()
        .filter_map(|block| match block {
            Block::Line { text, .. } => Some(text.to_string()),
            Block::Columns { left, right, .. } => Some(format!("{left} | {right}")),
            Block::Logo
            | Block::Rule
            | Block::Space(_)
            | Block::Qr(_)
            | Block::Barcode(_)
            | Block::Total(_) => None,
        })
        .collect()
}

fn sale(w: &World) -> ReceiptDocument {
    w.kiosk.order_document(w.order_id(), &w.now()).unwrap()
}

/// A meal with a cola, a burger without onions and an egg, a tip, in German.
fn sold() -> World {
    let mut w = World::open();
    w.intent(Intent::SetLanguage(Lang::new("de")));
    w.at_menu();
    w.intent(Intent::OpenItem(ItemId::new("burger")));
    w.intent(Intent::Item(ItemIntent::Toggle(GroupId::new("without"), ModifierId::new("onion"))));
    w.intent(Intent::Item(ItemIntent::Count(GroupId::new("extra"), ModifierId::new("egg"), 2)));
    w.intent(Intent::Item(ItemIntent::Confirm));
    w.intent(Intent::Meal(MealIntent::Decline));
    w.intent(Intent::QuickAdd(ItemId::new("meal")));
    w.intent(Intent::Meal(MealIntent::Pick(SlotId::new("main"), VariationId::new("burger-2"))));
    w.intent(Intent::Meal(MealIntent::Pick(SlotId::new("drink"), VariationId::new("cola"))));
    w.intent(Intent::Meal(MealIntent::Accept));
    w.cart(CartIntent::Show);
    w.cart(CartIntent::Checkout);
    w.pay(PayIntent::Tip(Minor(200)));
    w.pay(PayIntent::Confirm);
    w.approve();
    let payment = w.payment_id();
    w.terminal(domain::input::TerminalInput::Completed { payment });
    w
}

#[test]
fn a_receipt_says_everything_in_the_customers_language() {
    let w = sold();
    let document = sale(&w);
    assert_eq!((document.kind, document.lang.as_str()), (ReceiptKind::Sale, "de"));
    let text = lines(&document);
    let expected = [
        "Alder & Rye",
        "1 Rye Lane",
        "Deine Nummer",
        "1",
        "Mitnehmen",
        "burger, Single | 11,30 €",
        "    2 x egg",
        "    Ohne onion",
        "meal | 15,90 €",
        "  burger, Double | ",
        "  fries | ",
        "  cola | ",
        "bottle | 0,25 €",
        "Summe | 27,45 €",
        "Trinkgeld | 2,00 €",
        "Bezahlt | 29,45 €",
        "Visa ************4821 | 29,45 €",
        "TA 8  No 8  Auth 123456",
    ];
    assert_eq!(text[..expected.len()], expected, "{text:#?}");
    assert!(text.iter().any(|l| l.starts_with("MwSt. 7 %") && l.contains("Netto") && l.contains("Brutto")));
    assert!(text.iter().any(|l| l.starts_with("MwSt. 19 %")));
    assert!(text.contains(&"Beleg | t7.k0003-1-1".to_owned()));
    assert!(text.contains(&"K3-001 | 02.03.2026 12:00".to_owned()), "{text:#?}");
    assert_eq!(text.last().unwrap(), "Thank you");
    let huge: Vec<_> =
        document.blocks.iter().filter(|b| matches!(b, Block::Line { style: Style::Huge, .. })).collect();
    assert_eq!(huge.len(), 1, "the number, large");
    assert!(document.blocks.contains(&Block::Total(Minor(2945))));
    let reference = format!("K3-001 {}", w.order_id());
    assert!(document.blocks.contains(&Block::Qr(reference.into())));
}

#[test]
fn an_arabic_receipt_has_nothing_that_turns_its_lines_around() {
    let mut parts = fixture::parts();
    parts.languages.push(Lang::new("ar"));
    let mut w = World::selling(parts);
    w.intent(Intent::SetLanguage(Lang::new("ar")));
    w.at_menu();
    w.intent(Intent::OpenItem(ItemId::new("burger")));
    w.intent(Intent::Item(ItemIntent::Count(GroupId::new("extra"), ModifierId::new("egg"), 2)));
    w.intent(Intent::Item(ItemIntent::Quantity(1)));
    w.intent(Intent::Item(ItemIntent::Confirm));
    w.intent(Intent::Meal(MealIntent::Decline));
    w.cart(CartIntent::Show);
    w.cart(CartIntent::Checkout);
    w.pay(PayIntent::Confirm);
    w.approve();
    let payment = w.payment_id();
    w.terminal(domain::input::TerminalInput::Completed { payment });
    let text = lines(&sale(&w));
    let expected = ["2 × burger، Single | 22.60 €", "    2 × egg", "المجموع | 22.60 €"];
    assert!(text.windows(expected.len()).any(|rows| rows == expected), "{text:#?}");
    // A sum to a row, all in the column of amounts.
    let tax = text.iter().position(|row| row.contains("الصافي")).unwrap();
    assert!(text[tax].ends_with("7%  الصافي | 21.12"), "{text:#?}");
    assert_eq!(text[tax + 1..tax + 3], ["  الضريبة | 1.48", "  الإجمالي | 22.60"]);
    let Page::Done(page) = w.view().page else { panic!("{}", w.page()) };
    assert!(page.qr.contains("2 × burger، Single \u{200e}22.60 €\u{200e}\n"), "{}", page.qr);
}

#[test]
fn net_and_tax_of_a_receipt_add_up_to_its_total() {
    let w = sold();
    let order = &w.order().order;
    let taxed: i64 = order.taxes.iter().map(|t| t.base.0 + t.tax.0).sum();
    assert_eq!(taxed + 25, order.total.0, "the deposit is untaxed");
}

/// A shop that adds five per cent service, taxed as the goods are.
fn with_service() -> World {
    let mut parts = fixture::parts();
    parts.surcharges = vec![fixture::service()];
    World::selling(parts)
}

#[test]
fn a_surcharge_is_sold_with_its_own_taxes_and_refunds_of_all_parts_give_all_tax_back() {
    let mut w = with_service();
    w.placed();
    let order = &w.order().order;
    let service = &order.surcharges[0];
    assert!(!service.taxes.is_empty());
    for tax in &order.taxes {
        let of_lines = order.lines.iter().flat_map(|l| &l.taxes);
        let shares = of_lines.chain(&service.taxes).filter(|(rate, _)| *rate == tax.rate_id);
        assert_eq!(shares.map(|(_, share)| share.0).sum::<i64>(), tax.tax.0);
    }
    let (_, stored) = service.taxes[0];
    let part = |from, to| {
        refund_part(stored, Quantity::pieces(from), Quantity::pieces(to), Quantity::pieces(3)).unwrap()
    };
    assert_eq!(part(0, 1) + part(1, 3), stored);
}

#[test]
fn a_copy_is_marked_and_otherwise_says_the_same() {
    let mut w = sold();
    let original = lines(&sale(&w));
    w.intent(Intent::Done(DoneIntent::Close));
    let receipt = w.order().receipts[0].id;
    w.printer(domain::input::PrinterInput::Confirmed { receipt });
    w.jump(3_600_000);
    w.staff(Action::Reprint { receipt });
    let copy = w.order().receipts[1].id;
    let document = w.kiosk.receipt_document(copy, &w.now()).unwrap();
    assert_eq!(document.kind, ReceiptKind::Copy);
    let mut text = lines(&document);
    let mark = text.iter().position(|l| l.contains("KOPIE 1")).unwrap();
    text.remove(mark);
    assert_eq!(text, original, "an hour later the date is still that of the sale");
}

#[test]
fn a_refund_names_both_numbers_and_is_the_sale_with_the_other_sign() {
    let mut w = sold();
    w.intent(Intent::Done(DoneIntent::Close));
    let payment = w.payment_id();
    w.staff(Action::ReversePayment { payment });
    w.terminal(domain::input::TerminalInput::Reversed { payment });
    let refund = w.order().receipts.iter().find(|r| r.kind == ReceiptKind::Refund).unwrap();
    let document = w.kiosk.receipt_document(refund.id, &w.now()).unwrap();
    let text = lines(&document);
    assert!(text.contains(&"ERSTATTUNG".to_owned()));
    assert!(text.contains(&"Zurückgezahlt | -29,45 €".to_owned()), "{text:#?}");
    assert!(text.contains(&"Beleg | t7.k0003-1-2".to_owned()));
    assert!(text.contains(&"Beleg | t7.k0003-1-1".to_owned()));
    assert!(document.blocks.contains(&Block::Total(Minor(-2945))));
}

#[test]
fn a_slip_asks_to_pay_and_says_that_it_is_no_receipt() {
    let mut w = World::open();
    w.placed();
    w.pay(PayIntent::AtCounter);
    let text = lines(&sale(&w));
    assert!(text.contains(&"Please pay at the counter".to_owned()));
    assert!(text.contains(&"To pay | €12.89".to_owned()), "{text:#?}");
    assert!(text.contains(&"This is not a receipt".to_owned()));
    assert!(!text.iter().any(|l| l.starts_with("Receipt |")));
}

#[test]
fn a_ticket_speaks_the_kitchens_language_and_groups_by_station() {
    let mut w = sold();
    let ticket = w
        .take_effects()
        .into_iter()
        .find_map(|effect| match effect {
            domain::Effect::Kitchen(domain::effect::KitchenEffect::Dispatch { ticket, .. }) => Some(ticket),
            domain::Effect::Terminal(_)
            | domain::Effect::Printer(_)
            | domain::Effect::Drawer(_)
            | domain::Effect::Display(_)
            | domain::Effect::Voice(_)
            | domain::Effect::CheckAgain
            | domain::Effect::Reserve { .. }
            | domain::Effect::CallStaff { .. } => None,
        })
        .unwrap();
    assert_eq!(
        lines(&ticket),
        [
            "001",
            "Take away",
            "K3-001 | 12:00",
            "grill",
            "1 x BURGER (Single)",
            "   2 x EGG",
            "   NO ONION",
            "1 x BURGER (Double)",
            "fryer",
            "1 x FRIES",
        ]
    );
}

#[test]
fn the_staff_read_an_order_in_the_shops_language() {
    let w = sold();
    let order = w.kiosk.order_for_staff(w.order_id()).unwrap();
    let names: Vec<&str> = order.lines.iter().map(|line| &*line.name).collect();
    assert!(names.contains(&"burger, Single"), "{names:?}");
    let changes: Vec<&str> = order.lines[0].modifiers.iter().map(|m| &*m.name).collect();
    assert!(changes.iter().any(|name| name.starts_with("No ")), "{changes:?}");
    assert!(order.taxes.iter().all(|tax| &*tax.name == "VAT"), "{:?}", order.taxes);
    assert_eq!((order.lang.as_str(), order.total), ("en", w.order().order.total));
}

#[test]
fn the_qr_code_holds_the_receipt_itself() {
    let w = sold();
    let Page::Done(page) = w.view().page else { panic!("{}", w.page()) };
    for part in ["Alder & Rye", "K3-001", "1 x burger, Single 11,30 €", "Summe 27,45 €", "Trinkgeld 2,00 €"]
    {
        assert!(page.qr.contains(part), "{part}: {}", page.qr);
    }
    assert_eq!(page.last_digits.as_deref(), Some("4821"));
    assert_eq!((page.number, &*page.reference), (1, "K3-001"));
}

#[test]
fn the_code_of_an_order_that_is_not_paid_says_so() {
    let mut w = World::open();
    w.placed();
    w.pay(PayIntent::AtCounter);
    let qr = |w: &World| {
        let Page::Done(page) = w.view().page else { panic!("{}", w.page()) };
        page.qr.to_string()
    };
    let open = qr(&w);
    assert!(
        open.contains("To pay ") && open.contains("This is not a receipt") && !open.contains("Total "),
        "{open}"
    );
    w.staff(Action::PaidAtCounter { order: w.order_id() });
    let paid = qr(&w);
    assert!(paid.contains("Total ") && !paid.contains("not a receipt"), "{paid}");
}

#[test]
fn a_long_order_still_fits_a_qr_code() {
    let mut w = World::open();
    w.at_menu();
    for modifiers in 0..12 {
        w.intent(Intent::OpenItem(ItemId::new("burger")));
        if modifiers % 2 == 0 {
            w.intent(Intent::Item(ItemIntent::Toggle(GroupId::new("without"), ModifierId::new("onion"))));
        }
        w.intent(Intent::Item(ItemIntent::Variation(VariationId::new("burger-2"))));
        w.intent(Intent::Item(ItemIntent::Quantity(modifiers)));
        w.intent(Intent::Item(ItemIntent::Confirm));
        w.intent(Intent::Meal(MealIntent::Decline));
        for item in ["fries", "juice", "cola"] {
            w.intent(Intent::QuickAdd(ItemId::new(item)));
        }
    }
    w.cart(CartIntent::Show);
    w.cart(CartIntent::Checkout);
    w.pay(PayIntent::AtCounter);
    let Page::Done(page) = w.view().page else { panic!("{}", w.page()) };
    assert!(page.qr.len() <= 558, "{} bytes", page.qr.len());
}

#[test]
fn the_unknown_page_has_a_code_for_the_staff() {
    let mut w = World::open();
    w.sending();
    w.jump(65_000);
    w.lose();
    let Page::PayUnknown(page) = w.view().page else { panic!("{}", w.page()) };
    assert!(page.qr.contains(&w.payment_id().to_string()) && page.qr.contains("amount 12.89 EUR"));
    assert_eq!(page.started_minute, 12 * 60);
    let seconds: Vec<_> = page.facts.iter().map(|f| f.second_of_day).collect();
    assert_eq!(seconds, [Some(43_200), Some(43_265), None]);
}
