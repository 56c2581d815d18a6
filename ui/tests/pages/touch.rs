//! Touches, and what comes of them.

use std::time::Duration;

use domain::Intent;
use domain::cart::ServiceMode;
use domain::ids::{CategoryId, GroupId, ItemId, LineId, ModifierId, SlotId, VariationId};
use domain::intent::{CartIntent, DoneIntent, ItemIntent, MealIntent, PayIntent, Preference, ReceiptChoice};
use domain::money::Minor;
use domain::payment::Tender;
use domain::text::Lang;
use domain::view::{Overlay, Page};
use slint::{LogicalPosition, PhysicalSize};
use ui::fixtures;

use crate::desk::{Desk, LANDSCAPE, PORTRAIT, labels};

/// Page, label, wish.
fn wishes() -> Vec<(&'static str, &'static str, Intent)> {
    let item = |intent| Intent::Item(intent);
    let cart = |intent| Intent::Cart(intent);
    let pay = |intent| Intent::Pay(intent);
    vec![
        ("attract", "Touch to order", Intent::Start),
        ("service", "Eat here", Intent::SetMode(ServiceMode::DineIn)),
        ("service", "Take away", Intent::SetMode(ServiceMode::TakeAway)),
        ("service", "Deutsch", Intent::SetLanguage(Lang::new("de"))),
        ("service", "Contrast", Intent::Prefer(Preference::HighContrast)),
        ("service", "Left hand", Intent::Prefer(Preference::LeftHanded)),
        ("menu", "Alder Classic, €9.80", Intent::OpenItem(ItemId::new("alder-classic"))),
        ("menu", "Cold drinks", Intent::OpenCategory(CategoryId::new("cold-drinks"))),
        ("menu", "Easier to use", Intent::ShowEasier),
        ("menu", "English", Intent::ShowLanguages),
        ("menu", "Eat here, change to take away", Intent::SetMode(ServiceMode::TakeAway)),
        ("menu", "Review order", cart(CartIntent::Show)),
        ("item", "Single, €11.40", item(ItemIntent::Variation(VariationId::new("bacon-rye-single")))),
        ("item", "Brioche", item(ItemIntent::Toggle(GroupId::new("bun"), ModifierId::new("brioche")))),
        (
            "item",
            "Avocado, +\u{a0}€1.80",
            item(ItemIntent::Count(GroupId::new("extras"), ModifierId::new("avocado"), 1)),
        ),
        ("item", "No onion", item(ItemIntent::Toggle(GroupId::new("leave-out"), ModifierId::new("onion")))),
        ("item", "One more", item(ItemIntent::Quantity(1))),
        ("item-missing", "One less", item(ItemIntent::Quantity(-1))),
        ("item", "Back", Intent::Back),
        ("item", "Add · €15.80", item(ItemIntent::Confirm)),
        (
            "meal",
            "Onion rings, +\u{a0}€0.90",
            Intent::Meal(MealIntent::Pick(SlotId::new("side"), VariationId::new("rings"))),
        ),
        ("meal", "No thanks, Just Alder Classic, €9.80", Intent::Meal(MealIntent::Decline)),
        ("meal", "Make it a meal, €15.40", Intent::Meal(MealIntent::Accept)),
        ("combo", "Back", Intent::Back),
        ("cart", "Change Bacon & Rye, double", cart(CartIntent::Change(LineId(1)))),
        ("cart", "Remove Alder Classic meal", cart(CartIntent::Remove(LineId(2)))),
        ("cart", "One Flat white more", cart(CartIntent::Quantity(LineId(3), 1))),
        ("cart", "One Flat white less", cart(CartIntent::Quantity(LineId(3), -1))),
        ("cart", "Undo", cart(CartIntent::Undo)),
        ("cart", "Add more", Intent::ShowMenu),
        ("cart", "Pay €38.40", cart(CartIntent::Checkout)),
        ("pay-choose", "Tip: €4", pay(PayIntent::Tip(Minor(4_00)))),
        ("pay-choose", "Tip: No tip", pay(PayIntent::Tip(Minor::ZERO))),
        ("pay-choose", "Card or phone", pay(PayIntent::Tender(Tender::Card))),
        ("pay-choose", "Cash", pay(PayIntent::Tender(Tender::Counter))),
        ("pay-choose", "Back to order", pay(PayIntent::BackToOrder)),
        ("pay-choose", "Pay €38.40", pay(PayIntent::Confirm)),
        ("terminal-card", "Cancel payment", pay(PayIntent::Cancel)),
        ("pay-failed", "Choose another way to pay", pay(PayIntent::OtherWay)),
        ("pay-failed", "Pay at the counter", pay(PayIntent::AtCounter)),
        ("pay-failed", "Ask our team", Intent::CallStaff),
        ("pay-failed", "Cancel order", pay(PayIntent::CancelOrder)),
        ("pay-failed", "Try again", pay(PayIntent::Retry)),
        ("pay-unknown", "Call the team again", Intent::CallStaff),
        ("done", "On your phone, Scan the code", Intent::Done(DoneIntent::Receipt(ReceiptChoice::Phone))),
        ("done", "No receipt, Saves paper", Intent::Done(DoneIntent::Receipt(ReceiptChoice::None))),
        ("done", "Done", Intent::Done(DoneIntent::Close)),
        ("claim", "Check again", Intent::CheckAgain),
        ("claim-silent", "Check again", Intent::CheckAgain),
        ("menu-idle", "I’m still here", Intent::StillHere),
        ("menu-idle", "Start over", Intent::EndVisit),
        ("menu-easier", "Done", Intent::CloseOverlay),
        ("pay-confirm-cancel", "Keep my order", Intent::CloseOverlay),
    ]
}

#[test]
fn a_touch_on_a_label_sends_its_wish() {
    let desk = Desk::new(PORTRAIT);
    for (page, label, wish) in wishes() {
        desk.show_fixture(page, "en");
        desk.touch(label);
        assert_eq!(desk.intents(), [wish], "{label:?} on {page}");
    }
}

#[test]
fn the_whole_attract_page_is_one_button() {
    for size in [PORTRAIT, LANDSCAPE] {
        // A thread has one desk.
        std::thread::spawn(move || {
            let desk = Desk::new(size);
            desk.show_fixture("attract", "en");
            let start = desk.button("Touch to order");
            assert_eq!((start.x, start.y), (0.0, 0.0));
            assert_eq!((start.width, start.height), (size.width as f32, size.height as f32));
            for at in [(20.0, 20.0), (start.width - 20.0, 20.0), (20.0, start.height - 20.0)] {
                let corner = LogicalPosition::new(at.0, at.1);
                desk.press(corner);
                desk.release(corner);
            }
            assert_eq!(desk.intents(), [Intent::Start, Intent::Start, Intent::Start]);
        })
        .join()
        .unwrap();
    }
}

#[test]
fn the_order_beside_the_landscape_menu_can_be_changed_there() {
    let desk = Desk::new(LANDSCAPE);
    desk.show_fixture("menu", "en");
    desk.touch("One Flat white more");
    desk.touch("Change Bacon & Rye, double");
    desk.touch("Pay €11.40");
    let wishes = [
        Intent::Cart(CartIntent::Quantity(LineId(3), 1)),
        Intent::Cart(CartIntent::Change(LineId(1))),
        Intent::Cart(CartIntent::Show),
    ];
    assert_eq!(desk.intents(), wishes);
}

#[test]
fn leaving_the_target_cancels_and_the_finger_shows_in_the_next_frame() {
    let desk = Desk::new(PORTRAIT);
    desk.show_fixture("cart", "en");
    desk.draw();
    let pay = desk.button("Pay €38.40");
    let corner = LogicalPosition::new(pay.x + 30.0, pay.y + 20.0);
    let before = desk.pixel(corner);

    desk.press(pay.center());
    let changed = desk.draw().expect("the press repaints");
    assert_ne!(desk.pixel(corner), before, "the button looks pressed");
    let area: u32 = changed.iter().map(|(_, size)| size.width * size.height).sum();
    assert!(f64::from(area) < 0.1 * 1080.0 * 1920.0, "a press repaints {area} pixels");

    let away = LogicalPosition::new(pay.x, pay.y - 200.0);
    desk.move_to(away);
    desk.draw();
    assert_eq!(desk.pixel(corner), before, "it does not look pressed any more");
    desk.release(away);
    assert_eq!(desk.intents(), []);
}

#[test]
fn what_is_not_available_sends_nothing() {
    let desk = Desk::new(PORTRAIT);
    for (page, label) in [
        ("menu-states", "Alder Classic, Sold out"),
        ("menu-states", "Alder Double, From 11:30"),
        ("item", "One less"),
        ("cart-long", "Pay €1,234.56"),
        ("done-counter", "Paper, Not possible right now"),
        ("menu", "Previous page"),
    ] {
        desk.show_fixture(page, "en");
        assert!(!desk.button(label).enabled, "{label:?} on {page}");
        desk.touch(label);
        assert_eq!(desk.intents(), [], "{label:?} on {page}");
    }
}

#[test]
fn a_sheet_holds_every_touch_meant_for_the_page_below() {
    let desk = Desk::new(PORTRAIT);
    let answers = [
        ("menu-idle", Intent::StillHere),
        ("menu-languages", Intent::CloseOverlay),
        ("menu-easier", Intent::CloseOverlay),
        ("pay-confirm-cancel", Intent::CloseOverlay),
    ];
    for (page, answer) in answers {
        desk.show_fixture(page, "en");
        // The mark in the corner, then the middle of the sheet.
        let beside = LogicalPosition::new(300.0, 200.0);
        desk.press(beside);
        desk.release(beside);
        assert_eq!(desk.intents(), [answer], "beside the sheet on {page}");
        let inside = LogicalPosition::new(540.0, 1545.0);
        desk.press(inside);
        desk.release(inside);
        let on_sheet = desk.intents();
        let is_control = |intent: &Intent| matches!(intent, Intent::SetLanguage(_) | Intent::Prefer(_));
        assert!(on_sheet.iter().all(is_control), "on the sheet on {page}: {on_sheet:?}");
    }
}

#[test]
fn a_menu_longer_than_a_page_turns_and_stays_turned_until_another_category_opens() {
    let desk = Desk::new(PORTRAIT);
    let view = fixtures::named("menu", "en").unwrap();
    desk.show(&view);
    assert!(desk.shows("1 of 2") && desk.shows("Alder Classic"));
    desk.touch("Next page");
    assert!(desk.shows("2 of 2") && desk.shows("Little Alder") && !desk.shows("Alder Classic"));
    desk.show(&view);
    assert!(desk.shows("2 of 2"), "a new View of the same category does not turn back");
    let mut other = view.clone();
    let Page::Menu(menu) = &mut other.page else { panic!("the menu is a menu") };
    menu.open = CategoryId::new("sides");
    desk.show(&other);
    assert!(desk.shows("1 of 2"));
    assert_eq!(desk.intents(), [], "turning is the screen's own business");
}

#[test]
fn the_next_customer_and_whoever_presses_the_category_again_see_the_first_page_of_the_menu() {
    let desk = Desk::new(PORTRAIT);
    let turned = || {
        desk.show_fixture("menu", "en");
        desk.touch("Next page");
        assert!(desk.shows("2 of 2"));
    };
    for between in ["attract", "done"] {
        turned();
        desk.show_fixture(between, "en");
        desk.show_fixture("menu", "en");
        assert!(desk.shows("1 of 2") && desk.shows("Alder Classic"), "after {between}");
    }
    turned();
    desk.show_fixture("item", "en");
    desk.show_fixture("menu", "en");
    assert!(desk.shows("2 of 2"), "back from an item the same cards are there");

    let view = fixtures::named("menu", "en").unwrap();
    let Page::Menu(menu) = &view.page else { panic!("the menu is a menu") };
    let open = menu.categories.iter().find(|tab| tab.id == menu.open).expect("the open one is a tab");
    desk.touch(&open.name);
    assert!(desk.shows("1 of 2") && desk.shows("Alder Classic"), "without a new View");
    assert_eq!(desk.intents(), [Intent::OpenCategory(menu.open.clone())]);
}

#[test]
fn choices_on_the_second_page_of_an_item_are_pressed_like_the_first() {
    let desk = Desk::new(PORTRAIT);
    desk.show_fixture("item-long", "en");
    let mut seen = Vec::new();
    for _ in 0..8 {
        seen.extend(labels(&desk.buttons()).into_iter().map(str::to_owned));
        if !desk.button("Next page").enabled {
            break;
        }
        desk.touch("Next page");
    }
    for label in ["Single, €11.40", "Brioche", "No onion", "One Cheddar less"] {
        assert!(seen.iter().any(|known| known == label), "{label} is on some page: {seen:?}");
    }
    assert!(!desk.button("Next page").enabled, "the pages end");
}

#[test]
fn a_meal_for_two_says_two() {
    let desk = Desk::new(PORTRAIT);
    desk.show_fixture("meal-two", "en");
    assert!(desk.shows("Turn 2 × Alder Classic into whole meals."));
    assert!(desk.shows("2 × Alder Classic with rye-salt fries and house lemonade"));
    assert!(desk.button("No thanks, Just 2 × Alder Classic, €19.60").enabled);

    let mut view = fixtures::named("meal", "en").unwrap();
    let Page::Meal(meal) = &mut view.page else { panic!("the meal is a meal") };
    meal.slots[1] = meal.slots[0].clone();
    desk.show(&view);
    assert!(desk.shows("Alder Classic with 2 × rye-salt fries"));
}

#[test]
fn an_open_required_choice_is_brought_into_sight() {
    let desk = Desk::new(PORTRAIT);
    let mut view = fixtures::named("item-long", "en").unwrap();
    desk.show(&view);
    for _ in 0..8 {
        if desk.button("Next page").enabled {
            desk.touch("Next page");
        }
    }
    let Page::Item(item) = &mut view.page else { panic!("the item is an item") };
    item.missing = Some(GroupId::new("bun"));
    item.groups[0].complain = true;
    desk.show(&view);
    assert!(desk.shows("Please choose"));
    assert_eq!(desk.button("Please choose: Bun").y, 1784.0);
}

#[test]
fn seconds_run_down_between_two_views() {
    let desk = Desk::new(PORTRAIT);
    desk.show_fixture("menu-idle", "en");
    assert!(desk.shows("17"));
    desk.wait(Duration::from_millis(4_900));
    assert!(desk.shows("13"));
    desk.wait(Duration::from_secs(60));
    assert!(desk.shows("0"), "it stops at nothing; the domain decides what happens then");
    desk.show_fixture("done", "en");
    assert!(desk.shows("Closes in 18 s"));
    desk.wait(Duration::from_millis(8_100));
    assert!(desk.shows("Closes in 10 s"));
}

#[test]
fn the_idle_sheet_shows_what_would_be_lost_on_every_page() {
    let desk = Desk::new(PORTRAIT);
    for page in ["menu", "item", "meal", "cart", "pay-choose", "pay-failed"] {
        let mut view = fixtures::named(page, "en").unwrap();
        view.overlay = Some(Overlay::Idle { remaining_ms: 17_000, total_ms: 20_000, has_cart: true });
        // The place of the picture, to the left of "Your order": with a dish it is not of one colour.
        let colors = |picture: &str| {
            let mut view = view.clone();
            view.cart.picture = picture.into();
            desk.show(&view);
            desk.draw();
            let words = desk.texts().into_iter().find(|text| text.label == "Your order" && text.x > 200.0);
            let words = words.unwrap();
            let place = (0..100_u8)
                .map(|n| desk.pixel(LogicalPosition::new(words.x - 140.0 + f32::from(n), words.y + 20.0)));
            place.map(|pixel| [pixel.r, pixel.g, pixel.b]).collect::<std::collections::BTreeSet<_>>().len()
        };
        let dish = view.cart.picture.to_string();
        assert!(colors(&dish) > 8, "{page}: {dish:?}");
        assert!(colors("") > 1, "{page}: without a picture an icon stands in");
    }
}

#[test]
fn a_countdown_repaints_little_and_only_when_it_changes() {
    let desk = Desk::new(PORTRAIT);
    desk.show_fixture("menu-idle", "en");
    desk.draw();
    desk.wait(Duration::from_millis(250));
    desk.draw();
    desk.wait(Duration::from_millis(250));
    assert!(desk.draw().is_none(), "nothing changes within a second");
    desk.wait(Duration::from_millis(600));
    let changed = desk.draw().expect("a second has passed");
    let area: u32 = changed.iter().map(|(_, size)| size.width * size.height).sum();
    assert!(f64::from(area) < 0.15 * 1080.0 * 1920.0, "{area} pixels");
}

#[test]
fn the_language_changes_without_a_restart() {
    let desk = Desk::new(PORTRAIT);
    desk.show_fixture("menu", "en");
    assert!(desk.shows("Review order") && desk.shows("€9.80"));
    desk.show_fixture("menu", "de");
    assert!(desk.shows("Bestellung ansehen") && desk.shows("9,80\u{a0}€") && !desk.shows("Review order"));
    desk.show_fixture("menu", "ar");
    assert!(desk.shows("مراجعة الطلب"));
    desk.show_fixture("menu", "en");
    assert!(desk.shows("Review order"));
}

#[test]
fn the_screen_says_what_it_shows() {
    use ui::shell::Screen;
    let desk = Desk::new(PORTRAIT);
    for fixture in fixtures::all("en") {
        let info = desk.screen.apply(&fixture.view);
        assert!(info.id.starts_with(fixture.view.page.name()), "{}", info.id);
        assert!(!info.say.is_empty(), "{}", fixture.name);
    }
    let idle = desk.screen.apply(&fixtures::named("menu-idle", "en").unwrap());
    assert_eq!(idle.id, "menu/idle");
}

fn check_empty_order(size: PhysicalSize) {
    let desk = Desk::new(size);
    desk.show_fixture("cart-empty", "en");
    assert!(desk.shows("Nothing chosen yet"));
    let buttons = desk.buttons();
    assert!(!labels(&buttons).iter().any(|label| label.starts_with("Pay")), "{:?}", labels(&buttons));
    assert!(!desk.shows("€0.00") && !desk.shows("Total"));
    desk.touch("Add more");
    assert_eq!(desk.intents(), [Intent::ShowMenu]);
}

#[test]
fn an_empty_order_says_so_and_leads_back_to_the_menu_only() {
    check_empty_order(PORTRAIT);
}

#[test]
fn an_empty_order_says_so_and_leads_back_to_the_menu_only_in_landscape() {
    check_empty_order(LANDSCAPE);
}
