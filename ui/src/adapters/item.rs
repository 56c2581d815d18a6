//! One item with its choices.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use domain::Intent;
use domain::catalog::{Allergens, GroupStyle};
use domain::ids::{GroupId, ItemId, ModifierId, VariationId};
use domain::intent::ItemIntent;
use domain::view::{GroupView, ItemView, ModifierOption};
use slint::{ComponentHandle, Global, Weak};

use super::item_layout::{Block, Content, Spot, arrange, paginate};
use super::rows::Rows;
use super::{Context, IntentSender, format, integer, one_word_a_line, tint};
use crate::pages::{Allergen, ItemAdapter, ItemOption, ItemSection, MainWindow, SectionKind, Theme};

/// More sections than this never stand on one page: each takes at least 130 px of about 900.
const SECTIONS_MAX: usize = 7;

/// What the page keeps free besides the sections, in logical pixels: the hero, the dock, the gaps and the panel of
/// allergens without its rows; one row of allergens; the pager.
const AROUND_PORTRAIT: f32 = 630.0 + 176.0 + 32.0 + 144.0 + 30.0;
const AROUND_LANDSCAPE: f32 = 30.0 + 176.0 + 20.0;
const ALLERGEN_ROW: f32 = 78.0;
/// One row of five short names in portrait; longer lists get wider columns, the narrow column of landscape fewer.
const ALLERGENS_IN_ONE_ROW: usize = 5;
const ALLERGEN_COLUMNS_PORTRAIT: usize = 4;
const ALLERGEN_COLUMNS_LANDSCAPE: usize = 3;
/// Names of traces that fit the last line of the panel with the words around them, in the smallest type of that line.
const TRACES_MAX_LETTERS: usize = 40;
const PAGER: f32 = 92.0;

pub(super) struct Adapter {
    window: Weak<MainWindow>,
    /// The options of each place for a section; the sections refer to them.
    options: [Rows<ItemOption>; SECTIONS_MAX],
    sections: Rows<ItemSection>,
    allergens: Rows<Allergen>,
    /// Every page of the item shown.
    pages: RefCell<Vec<Vec<Section>>>,
    page: Cell<usize>,
    item: RefCell<Option<ItemId>>,
}

/// A section before it becomes a model row.
#[derive(Clone)]
struct Section {
    row: ItemSection,
    options: Vec<ItemOption>,
}

impl Adapter {
    pub fn connect(window: &MainWindow, send: &IntentSender) -> Rc<Self> {
        let adapter = Rc::new(Self {
            window: window.as_weak(),
            options: Default::default(),
            sections: Rows::default(),
            allergens: Rows::default(),
            pages: RefCell::default(),
            page: Cell::new(0),
            item: RefCell::default(),
        });
        let page = ItemAdapter::get(window);
        page.set_sections(adapter.sections.model());
        page.set_allergens(adapter.allergens.model());
        let wish = {
            let send = Rc::clone(send);
            move |intent: ItemIntent| send(Intent::Item(intent))
        };
        page.on_toggle({
            let wish = wish.clone();
            move |section, kind, option| {
                wish(match kind {
                    SectionKind::Size => ItemIntent::Variation(VariationId::new(&option)),
                    SectionKind::Choice | SectionKind::Extra | SectionKind::Without => {
                        ItemIntent::Toggle(GroupId::new(&section), ModifierId::new(&option))
                    }
                });
            }
        });
        page.on_count({
            let wish = wish.clone();
            move |section, option, by| {
                wish(ItemIntent::Count(GroupId::new(&section), ModifierId::new(&option), by));
            }
        });
        page.on_quantity_by({
            let wish = wish.clone();
            move |by| wish(ItemIntent::Quantity(by))
        });
        page.on_confirm(move || wish(ItemIntent::Confirm));
        page.on_turn({
            let adapter = Rc::downgrade(&adapter);
            move |by| {
                if let Some(adapter) = adapter.upgrade() {
                    adapter.turn(by);
                }
            }
        });
        adapter
    }

    pub fn apply(&self, context: &Context, item: &ItemView) {
        let words = context.words();
        let page = ItemAdapter::get(context.window);
        // "Bacon & Rye" breaks before the sign, as it is spoken.
        let name = item.name.replace(" & ", " &\u{a0}");
        page.set_words(one_word_a_line(&name).into());
        page.set_name(name.into());
        page.set_description(item.description.as_ref().into());
        page.set_picture(item.picture.as_ref().into());
        page.set_tint(tint(item.tint));
        page.set_total(context.money(item.total));
        page.set_quantity(integer(item.quantity));
        page.set_editing(item.editing);
        page.set_energy(match item.kcal {
            0 => slint::SharedString::new(),
            kcal => words.invoke_energy(format::count(kcal, context.lang).into()),
        });
        let missing = item.missing.as_ref().and_then(|id| item.groups.iter().find(|group| group.id == *id));
        page.set_missing(missing.map(|group| group.name.as_ref().into()).unwrap_or_default());
        let landscape = Theme::get(context.window).get_landscape();
        let (allergens, traces) = allergens(context, item, landscape);
        page.set_allergens_stated(item.allergens_stated);
        page.set_traces(traces.into());
        let columns = allergen_columns(landscape, allergens.len());
        page.set_allergen_columns(i32::try_from(columns).unwrap_or(1));
        let allergen_rows = allergens.len().div_ceil(columns).max(1);
        self.allergens.show(allergens);

        if self.item.replace(Some(item.item.clone())).as_ref() != Some(&item.item) {
            self.page.set(0);
        }
        *self.pages.borrow_mut() = sections(context, item, room(context, allergen_rows));
        if let Some(open) = missing.filter(|group| group.complain) {
            self.show_page_of(&open.id);
        }
        self.turn(0);
    }

    /// A group that asks for a choice must be in sight.
    fn show_page_of(&self, group: &GroupId) {
        let found = self
            .pages
            .borrow()
            .iter()
            .position(|page| page.iter().any(|section| section.row.id.as_str() == group.as_str()));
        if let Some(page) = found {
            self.page.set(page);
        }
    }

    fn turn(&self, by: i32) {
        let count = self.pages.borrow().len().max(1);
        let page = self.page.get().saturating_add_signed(by.try_into().unwrap_or(0)).min(count - 1);
        self.page.set(page);
        // Not under the borrow: showing rows runs code of the pages.
        let shown = self.pages.borrow().get(page).cloned().unwrap_or_default();
        let rows: Vec<ItemSection> = shown
            .into_iter()
            .zip(&self.options)
            .map(|(section, options)| {
                options.show(section.options);
                ItemSection { options: options.model(), ..section.row }
            })
            .collect();
        self.sections.show(rows);
        if let Some(window) = self.window.upgrade() {
            let adapter = ItemAdapter::get(&window);
            adapter.set_page(i32::try_from(page).unwrap_or(0));
            adapter.set_pages(i32::try_from(count).unwrap_or(1));
        }
    }
}

fn allergen_columns(landscape: bool, count: usize) -> usize {
    match (landscape, count) {
        (true, _) => ALLERGEN_COLUMNS_LANDSCAPE,
        (false, count) if count <= ALLERGENS_IN_ONE_ROW => ALLERGENS_IN_ONE_ROW,
        (false, _) => ALLERGEN_COLUMNS_PORTRAIT,
    }
}

/// What a page offers for sections: alone, and beside a pager.
fn room(context: &Context, allergen_rows: usize) -> (f32, f32) {
    let window = context.window.window();
    let height = window.size().to_logical(window.scale_factor()).height;
    let rows = f32::from(u16::try_from(allergen_rows).unwrap_or(1)) * ALLERGEN_ROW;
    let room = if Theme::get(context.window).get_landscape() {
        height - AROUND_LANDSCAPE
    } else {
        height - AROUND_PORTRAIT - rows
    };
    (room, room - PAGER)
}

/// A sign for each allergen, and the traces that are said in words: signs for all of them would take a second row, and
/// with it the room of the choices.
fn allergens(context: &Context, item: &ItemView, landscape: bool) -> (Vec<Allergen>, String) {
    let listed = |set: Allergens| (0..Allergens::NAMES.len()).filter(move |index| set.0 & (1 << index) != 0);
    let row = |index: usize, traces: bool| Allergen {
        icon: format!("allergen-{}", Allergens::NAMES[index]).into(),
        name: context.words().invoke_allergen(i32::try_from(index).unwrap_or(0)),
        traces,
    };
    let traces = Allergens(item.may_contain.0 & !item.allergens.0);
    let mut signs: Vec<Allergen> = listed(item.allergens).map(|index| row(index, false)).collect();
    let contained = signs.len();
    signs.extend(listed(traces).map(|index| row(index, true)));
    let one_row = 1..=ALLERGENS_IN_ONE_ROW;
    if !landscape && signs.len() > ALLERGENS_IN_ONE_ROW && one_row.contains(&contained) {
        let names: Vec<String> =
            signs[contained..].iter().map(|sign| format::inside_sentence(&sign.name, context.lang)).collect();
        let words = names.join(format::list_comma(context.lang));
        if words.chars().count() <= TRACES_MAX_LETTERS {
            signs.truncate(contained);
            return (signs, words);
        }
    }
    (signs, String::new())
}

/// The sections of an item, spread over pages.
fn sections(context: &Context, item: &ItemView, (room, room_paged): (f32, f32)) -> Vec<Vec<Section>> {
    let groups: Vec<Section> = sizes(context, item)
        .into_iter()
        .chain(item.groups.iter().map(|group| modifiers(context, group)))
        .collect();
    let arranged: Vec<(SectionKind, Vec<Spot>)> = groups
        .iter()
        .map(|section| {
            let contents: Vec<Content> = section.options.iter().map(content).collect();
            (section.row.kind, arrange(section.row.kind, &contents))
        })
        .collect();
    let part = |block: &Block| {
        let section = &groups[block.group];
        let spots = &arranged[block.group].1;
        let options = block
            .options
            .clone()
            .map(|at| placed(section.options[at].clone(), spots[at], block.first_row))
            .collect();
        Section { row: ItemSection { top: block.top, ..section.row.clone() }, options }
    };
    paginate(&arranged, room, room_paged)
        .iter()
        .map(|page| page.iter().take(SECTIONS_MAX).map(part).collect())
        .collect()
}

fn content(option: &ItemOption) -> Content {
    Content { letters: option.letters.try_into().unwrap_or(0), priced: !option.price.is_empty() }
}

fn placed(option: ItemOption, spot: Spot, first_row: usize) -> ItemOption {
    ItemOption {
        left: spot.left,
        width: spot.width,
        row: i32::try_from(spot.row - first_row).unwrap_or(0),
        ..option
    }
}

fn sizes(context: &Context, item: &ItemView) -> Option<Section> {
    if item.variations.is_empty() {
        return None;
    }
    let words = context.words();
    let cheapest = item.variations.iter().map(|variation| variation.extra).min().unwrap_or_default();
    let options = item.variations.iter().map(|variation| ItemOption {
        id: variation.id.as_str().into(),
        name: variation.name.as_ref().into(),
        price: if variation.extra == cheapest {
            context.money(variation.price)
        } else {
            context.extra(variation.extra)
        },
        picture: variation.picture.as_ref().into(),
        count: i32::from(variation.selected),
        max: 1,
        ..ItemOption::default()
    });
    let row = ItemSection {
        kind: SectionKind::Size,
        title: words.invoke_size(),
        note: words.invoke_choose_one(),
        ..ItemSection::default()
    };
    Some(Section { row, options: options.collect() })
}

fn modifiers(context: &Context, group: &GroupView) -> Section {
    let kind = match group.style {
        // Pictures make a list of additions readable; a choice of a few is shorter without.
        GroupStyle::Choice if group.max <= 1 => SectionKind::Choice,
        GroupStyle::Choice | GroupStyle::Extra => SectionKind::Extra,
        GroupStyle::Without => SectionKind::Without,
    };
    let row = ItemSection {
        id: group.id.as_str().into(),
        kind,
        title: group.name.as_ref().into(),
        note: note(context, group),
        complain: group.complain,
        ..ItemSection::default()
    };
    Section { row, options: group.options.iter().map(|option| modifier(context, group, option)).collect() }
}

fn modifier(context: &Context, group: &GroupView, option: &ModifierOption) -> ItemOption {
    let plain = option.name.to_string();
    let without =
        || context.words().invoke_without(format::inside_sentence(&plain, context.lang).into()).to_string();
    let (name, letters) = match group.style {
        GroupStyle::Without => {
            let long = without();
            let letters = long.chars().count();
            (if option.count > 0 { long } else { plain.clone() }, letters)
        }
        GroupStyle::Choice | GroupStyle::Extra => (plain.clone(), plain.chars().count()),
    };
    ItemOption {
        id: option.id.as_str().into(),
        name: name.into(),
        letters: i32::try_from(letters).unwrap_or(0),
        price: context.extra(option.price),
        picture: option.picture.as_ref().into(),
        count: integer(option.count),
        max: integer(option.max),
        blocked: option.blocked,
        ..ItemOption::default()
    }
}

fn note(context: &Context, group: &GroupView) -> slint::SharedString {
    let words = context.words();
    match group.style {
        GroupStyle::Choice if group.min == 1 && group.max == 1 => words.invoke_choose_one(),
        GroupStyle::Choice if group.min > 1 => words.invoke_choose_some(integer(group.min)),
        GroupStyle::Choice if group.max <= 1 => slint::SharedString::new(),
        GroupStyle::Choice | GroupStyle::Extra if group.chosen == 0 && group.free > 0 => {
            words.invoke_free(integer(group.free))
        }
        GroupStyle::Choice | GroupStyle::Extra => {
            words.invoke_added(integer(group.chosen), integer(group.max))
        }
        GroupStyle::Without => words.invoke_no_charge(),
    }
}
