//! What stands where.

use std::time::Duration;

use domain::money::Minor;
use domain::view::{Notice, Overlay, Page};
use slint::{LogicalPosition, PhysicalSize, Rgb8Pixel};
use ui::fixtures::{self, LANGUAGES};

use crate::desk::{Desk, LANDSCAPE, PORTRAIT, Thing};

/// The smallest target: 17 mm on the drawn panel of 3.21 px per mm.
const TARGET_MIN: f32 = 56.0;

/// Pages under a sheet are covered; the sheet is what counts, and `touch.rs` shows that it holds every touch.
const COVERED: [&str; 5] = ["menu-idle", "menu-languages", "menu-easier", "pay-idle", "pay-confirm-cancel"];

fn every_fixture(size: PhysicalSize, mut check: impl FnMut(&Desk, &str)) {
    let desk = Desk::new(size);
    for lang in LANGUAGES {
        for fixture in fixtures::all(lang) {
            desk.show(&fixture.view);
            check(&desk, &format!("{} in {lang}", fixture.name));
        }
    }
}

fn check_buttons(desk: &Desk, page: &str, size: PhysicalSize) {
    let buttons = desk.buttons();
    let (width, height) = (size.width as f32, size.height as f32);
    for button in &buttons {
        assert!(!button.label.trim().is_empty(), "{page}: a button without a label at {button:?}");
        assert!(
            button.width >= TARGET_MIN - 0.01 && button.height >= TARGET_MIN - 0.01,
            "{page}: too small for a finger: {button:?}"
        );
        let inside = button.x >= -0.5
            && button.y >= -0.5
            && button.right() <= width + 0.5
            && button.bottom() <= height + 0.5;
        assert!(inside, "{page}: outside the panel: {button:?}");
    }
    if COVERED.iter().any(|name| page.starts_with(name)) {
        return;
    }
    for (at, one) in buttons.iter().enumerate() {
        for other in &buttons[at + 1..] {
            let whole_line = is_stepped_option(one, other) || is_stepped_option(other, one);
            assert!(!one.overlaps(other) || whole_line, "{page}: {one:?} and {other:?} overlap");
        }
    }
}

/// The "one less" key of an addition lies on the start of its tile, which does not take touches there.
fn is_stepped_option(tile: &Thing, key: &Thing) -> bool {
    key.width == 72.0
        && key.height == 76.0
        && key.y >= tile.y
        && key.bottom() <= tile.bottom()
        && (tile.height - 106.0).abs() < 0.1
}

#[test]
fn everything_pressable_is_labelled_large_enough_and_free_in_portrait() {
    every_fixture(PORTRAIT, |desk, page| check_buttons(desk, page, PORTRAIT));
}

#[test]
fn everything_pressable_is_labelled_large_enough_and_free_in_landscape() {
    every_fixture(LANDSCAPE, |desk, page| check_buttons(desk, page, LANDSCAPE));
}

/// What does not fit, on all pages: a translator wants the whole list.
fn words_that_do_not_fit(size: PhysicalSize) -> Vec<String> {
    let mut cut = Vec::new();
    every_fixture(size, |desk, page| {
        for text in desk.texts() {
            let inside = text.x >= -1.0 && text.right() <= size.width as f32 + 1.0;
            if text.description == "cut" || !inside {
                cut.push(format!("{page}: {:?}", text.label));
            }
        }
    });
    cut
}

#[test]
fn no_words_are_cut_in_any_language_in_portrait() {
    assert_eq!(words_that_do_not_fit(PORTRAIT), Vec::<String>::new());
}

#[test]
fn no_words_are_cut_in_any_language_in_landscape() {
    assert_eq!(words_that_do_not_fit(LANDSCAPE), Vec::<String>::new());
}

fn check_diet_of_dear_dishes(size: PhysicalSize) {
    let desk = Desk::new(size);
    for (lang, vegan) in LANGUAGES.into_iter().zip(["Vegan", "Vegan", "Végan", "فيغان"]) {
        let mut view = fixtures::named("menu", lang).unwrap();
        let Page::Menu(menu) = &mut view.page else { panic!("the menu is the menu") };
        menu.cards[5].price = Minor(124_860);
        desk.show(&view);
        let cards = desk.buttons();
        let card = cards.iter().find(|button| button.label.ends_with(vegan)).unwrap();
        let word = desk.texts().into_iter().find(|text| text.label == vegan).unwrap();
        assert!(word.x >= card.x && word.right() <= card.right(), "{lang}: {word:?} in {card:?}");
        let covered = desk.texts().into_iter().find(|text| *text != word && text.overlaps(&word));
        assert_eq!(covered, None, "{lang}");
    }
}

#[test]
fn a_dear_dish_still_says_in_a_whole_word_that_it_is_vegan() {
    check_diet_of_dear_dishes(PORTRAIT);
}

#[test]
fn a_dear_dish_still_says_in_a_whole_word_that_it_is_vegan_in_landscape() {
    check_diet_of_dear_dishes(LANDSCAPE);
}

fn check_deep_letters(page: &str, size: PhysicalSize) {
    let desk = Desk::new(size);
    for (lang, total) in [("ar", "المجموع"), ("de", "Summe")] {
        desk.show_fixture(page, lang);
        desk.draw();
        let word = desk.texts().into_iter().find(|text| text.label == total).unwrap();
        let end = ink_bottom(&desk, &word);
        assert!(end > word.center().y + 2.0, "{page} in {lang}: the word is drawn");
        assert!(end < word.bottom(), "{page} in {lang}: letters are cut off at the end of their box");
    }
}

#[test]
fn the_word_for_the_total_keeps_its_deep_letters_in_portrait() {
    check_deep_letters("cart", PORTRAIT);
}

#[test]
fn the_word_for_the_total_keeps_its_deep_letters_in_landscape() {
    check_deep_letters("menu", LANDSCAPE);
}

/// Where the ink of a text ends, in the columns of its box.
fn ink_bottom(desk: &Desk, text: &Thing) -> f32 {
    let ground = desk.pixel(LogicalPosition::new(text.right() - 1.0, text.y));
    let is_blank = |y: u16| {
        (0..text.width.floor() as u16)
            .all(|x| desk.pixel(LogicalPosition::new(text.x + f32::from(x), f32::from(y))) == ground)
    };
    let middle = text.center().y.round() as u16;
    f32::from((middle..).find(|y| is_blank(*y)).unwrap())
}

#[test]
fn the_comma_of_the_sum_to_pay_stands_clear_of_the_words_below() {
    for size in [PORTRAIT, LANDSCAPE] {
        // A thread has one desk.
        std::thread::spawn(move || {
            let desk = Desk::new(size);
            desk.show_fixture("pay-choose", "de");
            desk.draw();
            let texts = desk.texts();
            // The one under "Your total", not the one on the terminal's screen or the button.
            let sum =
                texts.iter().find(|text| text.label.starts_with("38,40") && text.height > 100.0).unwrap();
            let note = texts.iter().find(|text| text.label.starts_with("Inkl.")).unwrap();
            let end = ink_bottom(&desk, sum);
            assert!(end <= note.y + 4.0, "the comma ends at {end}, the words begin at {}", note.y);
        })
        .join()
        .unwrap();
    }
}

/// Where notices can come up. A banner is not among them: it may wait for three seconds.
const PAGES_WITH_NOTICES: [&str; 8] =
    ["menu", "menu-states", "item", "meal", "cart", "cart-long", "pay-choose", "pay-failed"];

fn check_notices(size: PhysicalSize) {
    let desk = Desk::new(size);
    for lang in LANGUAGES {
        for name in PAGES_WITH_NOTICES {
            let mut view = fixtures::named(name, lang).unwrap();
            view.overlay = Some(Overlay::Notice(Notice::Added("Soup of the day".into())));
            desk.show(&view);
            let things = desk.things();
            let notice = things.iter().find(|thing| thing.label.contains("Soup of the day")).unwrap();
            for thing in things.iter().filter(|thing| !thing.label.is_empty()) {
                let is_itself_or_brand = thing.label == notice.label || thing.label == *view.brand;
                assert!(
                    is_itself_or_brand || !notice.overlaps(thing),
                    "{name} in {lang}: {notice:?} covers {thing:?}"
                );
            }
        }
    }
}

#[test]
fn a_notice_covers_nothing_to_read_or_touch_in_portrait() {
    check_notices(PORTRAIT);
}

#[test]
fn a_notice_covers_nothing_to_read_or_touch_in_landscape() {
    check_notices(LANDSCAPE);
}

/// Pages with a primary button, and its English label.
const PRIMARY: [(&str, &str); 11] = [
    ("menu", "Review order"),
    ("item", "Add · €15.80"),
    ("item-missing", "Please choose: Bun"),
    ("meal", "Make it a meal, €15.40"),
    ("cart", "Pay €38.40"),
    ("pay-choose", "Pay €38.40"),
    ("pay-no-cards", "Order · €38.40"),
    ("pay-failed", "Try again"),
    ("pay-unknown", "Call the team again"),
    ("done", "Done"),
    ("pay-terminal-down", "Other ways to pay"),
];

fn edges(button: &Thing) -> (f32, f32, f32, f32) {
    (button.x, button.right(), button.y, button.bottom())
}

#[test]
fn the_primary_button_is_in_the_same_place_on_every_page() {
    let desk = Desk::new(PORTRAIT);
    for (name, label) in PRIMARY {
        desk.show_fixture(name, "en");
        assert_eq!(edges(&desk.button(label)), (550.0, 1040.0, 1784.0, 1880.0), "{name}");
    }
}

#[test]
fn the_primary_button_changes_sides_for_arabic_and_for_the_left_hand_but_not_for_both() {
    let desk = Desk::new(PORTRAIT);
    let place = |lang: &str, left_handed: bool, label: &str| {
        let mut view = fixtures::named("cart", lang).unwrap();
        view.preferences.left_handed = left_handed;
        desk.show(&view);
        desk.button(label).x
    };
    let arabic = "ادفع \u{200e}38.40\u{a0}€\u{200e}";
    assert_eq!(place("en", false, "Pay €38.40"), 550.0);
    assert_eq!(place("en", true, "Pay €38.40"), 40.0);
    assert_eq!(place("ar", false, arabic), 40.0);
    assert_eq!(place("ar", true, arabic), 550.0);
}

#[test]
fn arabic_mirrors_the_menu_and_keeps_its_rows() {
    let desk = Desk::new(PORTRAIT);
    let grid = |lang: &str| {
        desk.show_fixture("menu", lang);
        let buttons = desk.buttons();
        let of_size = |width: f32, height: f32| -> Vec<Thing> {
            let same = |a: f32, b: f32| (a - b).abs() < 0.5;
            buttons.iter().filter(|b| same(b.width, width) && same(b.height, height)).cloned().collect()
        };
        (of_size(320.0, 394.0), of_size(156.0, 172.0))
    };
    let (english_cards, english_tabs) = grid("en");
    let (arabic_cards, arabic_tabs) = grid("ar");
    assert_eq!((english_cards.len(), english_tabs.len()), (6, 6));
    assert_eq!((arabic_cards.len(), arabic_tabs.len()), (6, 6));
    let pairs = english_cards.iter().chain(&english_tabs).zip(arabic_cards.iter().chain(&arabic_tabs));
    for (english, arabic) in pairs {
        assert!((english.x - (1080.0 - arabic.right())).abs() < 0.5, "{english:?} {arabic:?}");
        assert_eq!(english.y, arabic.y);
    }
}

#[test]
fn the_choices_of_a_burger_stand_on_one_page() {
    let desk = Desk::new(PORTRAIT);
    for lang in LANGUAGES {
        desk.show_fixture("item", lang);
        let view = fixtures::named("item", lang).unwrap();
        let Page::Item(item) = view.page else { panic!("the item is an item") };
        let options: usize = item.groups.iter().map(|group| group.options.len()).sum();
        // Besides the choices: back, one less, one more, the primary button. A pager would be two more.
        assert_eq!(desk.buttons().len(), item.variations.len() + options + 4, "in {lang}");
    }
}

/// Dark enough for a reader.
fn is_dark(pixel: Rgb8Pixel) -> bool {
    u32::from(pixel.r) + u32::from(pixel.g) + u32::from(pixel.b) < 3 * 128
}

/// Four modules around a code must be light (ISO/IEC 18004), whatever the theme.
fn check_quiet_zone(desk: &Desk, page: &str) {
    let codes: Vec<Thing> = desk.things().into_iter().filter(|thing| thing.label == "QR code").collect();
    assert_eq!(codes.len(), 1, "{page}");
    let code = &codes[0];
    let at = |x: f32, y: f32| desk.pixel(LogicalPosition::new(code.x.round() + x, code.y.round() + y));
    let corner: Vec<bool> = (0..64_u8).map(|x| is_dark(at(f32::from(x), 0.0))).collect();
    let module = corner.iter().take_while(|dark| **dark).count() / 7;
    assert!(module >= 1, "{page}: the finder pattern is at the corner");
    let (quiet, side) = (4.0 * module as f32, code.width);
    let mut along = -quiet;
    while along < side + quiet {
        let mut depth = 1.0;
        while depth <= quiet {
            for (x, y) in
                [(along, -depth), (along, side - 1.0 + depth), (-depth, along), (side - 1.0 + depth, along)]
            {
                assert!(
                    !is_dark(at(x, y)),
                    "{page}: something dark {depth} pixels from the code at {x}, {y}"
                );
            }
            depth += 1.0;
        }
        along += 1.0;
    }
}

fn check_codes(size: PhysicalSize) {
    let desk = Desk::new(size);
    for name in ["claim", "claim-long", "done", "done-phone", "pay-unknown", "out-of-service"] {
        for contrast in [false, true] {
            let mut view = fixtures::named(name, "en").unwrap();
            view.preferences.high_contrast = contrast;
            desk.show(&view);
            desk.draw();
            check_quiet_zone(&desk, &format!("{name}, high contrast: {contrast}"));
        }
    }
}

#[test]
fn codes_to_scan_keep_their_quiet_zone_in_portrait() {
    check_codes(PORTRAIT);
}

#[test]
fn codes_to_scan_keep_their_quiet_zone_in_landscape() {
    check_codes(LANDSCAPE);
}

#[test]
fn every_icon_the_pages_ask_for_exists() {
    let desk = Desk::new(PORTRAIT);
    for lang in ["en", "ar"] {
        for fixture in fixtures::all(lang) {
            for contrast in [false, true] {
                let mut view = fixture.view.clone();
                view.preferences.high_contrast = contrast;
                desk.show(&view);
                desk.draw();
            }
        }
    }
    assert_eq!(desk.pictures.missing_icons(), Vec::<String>::new());
}

#[test]
fn nothing_moves_once_a_page_has_settled() {
    let desk = Desk::new(PORTRAIT);
    for fixture in fixtures::all("en") {
        desk.show(&fixture.view);
        desk.draw();
        // What starts with a timer starts in the first of the two.
        for seconds in [1, 2] {
            desk.wait(Duration::from_secs(seconds));
            desk.draw();
        }
        desk.wait(Duration::from_millis(16));
        desk.draw();
        assert!(!desk.window.has_active_animations(), "{} still moves", fixture.name);
    }
}

#[test]
fn the_layers_of_the_burger_drop_when_the_poster_comes() {
    let desk = Desk::new(PORTRAIT);
    let poster = fixtures::all("en").into_iter().find(|fixture| fixture.name == "attract").unwrap();
    desk.show(&poster.view);
    desk.draw();
    desk.wait(Duration::from_millis(30));
    desk.draw();
    assert!(desk.window.has_active_animations());
}
