//! The rail of categories, from one to the two hundred that a catalog may have.

use std::collections::BTreeSet;

use domain::View;
use domain::view::{CategoryTab, Page};
use slint::PhysicalSize;
use ui::fixtures::{self, LANGUAGES};

use crate::desk::{Desk, LANDSCAPE, PORTRAIT, Thing};

/// 17 mm on the drawn panel of 3.21 px per mm.
const TARGET_MIN: f32 = 56.0;

/// What a rail without pages holds, and what its look was drawn for.
const TOGETHER: usize = 7;

const MORE: &str = "More categories";
const BACK: &str = "Previous categories";

/// A menu of so many categories, the one at `open` open.
fn menu(lang: &str, count: usize, open: usize) -> View {
    let mut view = fixtures::named("menu-fifty-six", lang).unwrap();
    let Page::Menu(menu) = &mut view.page else { panic!("the menu is a menu") };
    let known = menu.categories.clone();
    menu.categories = (0..count)
        .map(|n| {
            let tab = &known[n % known.len()];
            let id = domain::ids::CategoryId::new(&format!("category-{n}"));
            CategoryTab { id, name: format!("{} · {}", tab.name, n / known.len()).into(), ..tab.clone() }
        })
        .collect();
    if count <= known.len() {
        for (tab, known) in menu.categories.iter_mut().zip(&known) {
            tab.name = known.name.clone();
        }
    }
    menu.open = menu.categories[open].id.clone();
    view
}

fn names(view: &View) -> Vec<String> {
    let Page::Menu(menu) = &view.page else { panic!("the menu is a menu") };
    menu.categories.iter().map(|tab| tab.name.to_string()).collect()
}

/// The tiles of the rail that are shown.
fn tiles(desk: &Desk, names: &[String]) -> Vec<Thing> {
    let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    desk.buttons().into_iter().filter(|button| names.contains(button.label.as_str())).collect()
}

fn has(desk: &Desk, label: &str) -> bool {
    desk.buttons().iter().any(|button| button.label == label)
}

fn check_every_category(size: PhysicalSize) {
    let desk = Desk::new(size);
    let is_wide = size.width > size.height;
    for count in [1, 2, 6, 7, 8, 9, 14, 56, 200] {
        let view = menu("en", count, 0);
        let names = names(&view);
        desk.show(&view);
        let mut seen = Vec::new();
        loop {
            let shown = tiles(&desk, &names);
            for tile in &shown {
                let is_large = tile.width >= TARGET_MIN && tile.height >= TARGET_MIN;
                assert!(is_large, "{count} categories: {tile:?}");
                let is_inside = tile.x >= 0.0
                    && tile.y >= 0.0
                    && tile.right() <= size.width as f32
                    && tile.bottom() <= size.height as f32;
                assert!(is_inside, "{count} categories: {tile:?}");
                let other = desk.buttons().into_iter().find(|other| other != tile && other.overlaps(tile));
                assert_eq!(other, None, "{count} categories: over {tile:?}");
            }
            seen.extend(shown.into_iter().map(|tile| tile.label));
            if !has(&desk, MORE) || !desk.button(MORE).enabled {
                break;
            }
            for key in [MORE, BACK] {
                let key = desk.button(key);
                assert!(key.width >= TARGET_MIN && key.height >= TARGET_MIN, "{key:?}");
            }
            desk.touch(MORE);
            assert!(seen.len() < count, "{count} categories: the pages end");
        }
        assert_eq!(seen, names, "each category once, in the catalog's order (landscape: {is_wide})");
        assert_eq!(has(&desk, MORE), count > TOGETHER, "{count} categories (landscape: {is_wide})");
    }
}

#[test]
fn every_one_of_up_to_two_hundred_categories_can_be_pressed_in_portrait() {
    check_every_category(PORTRAIT);
}

#[test]
fn every_one_of_up_to_two_hundred_categories_can_be_pressed_in_landscape() {
    check_every_category(LANDSCAPE);
}

/// The names of the rail that do not fit, and those that stand outside their tile.
fn names_that_do_not_fit(size: PhysicalSize) -> Vec<String> {
    let desk = Desk::new(size);
    let mut wrong = Vec::new();
    for lang in LANGUAGES {
        for count in [6, 7, 14, 56] {
            let names = names(&menu(lang, count, 0));
            for open in (0..count).step_by(5) {
                desk.show(&menu(lang, count, open));
                let texts = desk.texts();
                for tile in tiles(&desk, &names) {
                    let fits = |text: &&Thing| {
                        text.label == tile.label
                            && text.description != "cut"
                            && text.x >= tile.x
                            && text.right() <= tile.right()
                            && text.center().y > tile.y
                            && text.center().y < tile.bottom() - 12.0
                    };
                    if !texts.iter().any(|text| fits(&text)) {
                        wrong.push(format!("{lang}, {count}: {}", tile.label));
                    }
                }
            }
        }
    }
    wrong
}

#[test]
fn no_name_of_a_category_is_cut_in_any_language_in_portrait() {
    assert_eq!(names_that_do_not_fit(PORTRAIT), Vec::<String>::new());
}

#[test]
fn no_name_of_a_category_is_cut_in_any_language_in_landscape() {
    assert_eq!(names_that_do_not_fit(LANDSCAPE), Vec::<String>::new());
}

#[test]
fn the_rail_shows_the_page_of_the_category_that_opens_and_stays_where_it_is_turned() {
    let desk = Desk::new(PORTRAIT);
    let first = menu("en", 14, 0);
    let names = names(&first);
    let is_shown = |n: usize| tiles(&desk, &names).iter().any(|tile| tile.label == names[n]);
    desk.show(&first);
    assert!(is_shown(0) && !is_shown(7) && desk.shows("1 of 3") && !desk.button(BACK).enabled);
    desk.touch(MORE);
    assert!(is_shown(7) && desk.shows("2 of 3"));
    desk.show(&first);
    assert!(is_shown(7), "a new View of the same category does not turn back");
    assert_eq!(desk.intents(), [], "turning is the screen's own business");
    desk.show(&menu("en", 14, 12));
    assert!(is_shown(12) && desk.shows("3 of 3") && !desk.button(MORE).enabled);
    desk.touch(BACK);
    desk.touch(BACK);
    assert!(is_shown(0));
    desk.show_fixture("attract", "en");
    desk.show(&menu("en", 14, 12));
    assert!(is_shown(12), "the next customer sees the open category");
    // Breakfast is over: the open category moves to the page before.
    let mut fewer = menu("en", 14, 10);
    let Page::Menu(menu) = &mut fewer.page else { panic!("the menu is a menu") };
    desk.show(&View { page: Page::Menu(menu.clone()), ..first.clone() });
    assert!(is_shown(10));
    menu.categories.remove(0);
    desk.show(&fewer);
    assert!(is_shown(10) && desk.shows("2 of 3"));
}

#[test]
fn the_rail_begins_at_the_right_in_arabic_and_its_pager_stands_at_the_left() {
    let desk = Desk::new(PORTRAIT);
    let view = menu("ar", 14, 0);
    let names = names(&view);
    desk.show(&view);
    let shown = tiles(&desk, &names);
    assert!(shown.windows(2).all(|pair| pair[0].x > pair[1].right()), "{shown:?}");
    let (more, back) = (desk.button("المزيد من الفئات"), desk.button("الفئات السابقة"));
    assert!(more.right() < back.x && back.right() < shown.last().unwrap().x);
}

#[test]
fn up_to_seven_categories_fill_the_rail_as_it_was_drawn() {
    let desk = Desk::new(PORTRAIT);
    for (count, width) in [(1, 156.0), (6, 156.0), (7, 134.3)] {
        let view = menu("en", count, 0);
        desk.show(&view);
        let shown = tiles(&desk, &names(&view));
        assert_eq!(shown.len(), count);
        assert!(
            shown.iter().all(|tile| (tile.width - width).abs() < 0.1 && tile.height == 172.0),
            "{shown:?}"
        );
    }
}
