//! The offer of a meal, or filling a combo.

use std::cell::RefCell;
use std::rc::Rc;

use domain::Intent;
use domain::ids::{SlotId, VariationId};
use domain::intent::MealIntent;
use domain::money::Minor;
use domain::view::{MealView, SlotOption, SlotView};
use slint::{ComponentHandle, Global, SharedString, Weak};

use super::rows::{Paged, Rows};
use super::{Context, IntentSender, format, integer, reason, tint};
use crate::pages::{MainWindow, MealAdapter, MealSlot, SlotChoice};

/// Slots on the page. A combo with more is shown with its first ones; the catalog check warns about it.
const SLOTS_MAX: usize = 3;
/// Choices side by side.
const CHOICES_PER_PAGE: usize = 3;

pub(super) struct Adapter {
    window: Weak<MainWindow>,
    choices: [Paged<SlotChoice>; SLOTS_MAX],
    slots: Rows<MealSlot>,
    pictures: Rows<SharedString>,
    /// Id and name of the slots shown.
    shown: RefCell<Vec<(SlotId, SharedString)>>,
}

impl Adapter {
    pub fn connect(window: &MainWindow, send: &IntentSender) -> Rc<Self> {
        let adapter = Rc::new(Self {
            window: window.as_weak(),
            choices: Default::default(),
            slots: Rows::default(),
            pictures: Rows::default(),
            shown: RefCell::default(),
        });
        let page = MealAdapter::get(window);
        page.set_slots(adapter.slots.model());
        page.set_pictures(adapter.pictures.model());
        let wish = {
            let send = Rc::clone(send);
            move |intent: MealIntent| send(Intent::Meal(intent))
        };
        page.on_pick({
            let wish = wish.clone();
            move |slot, choice| wish(MealIntent::Pick(SlotId::new(&slot), VariationId::new(&choice)))
        });
        page.on_accept({
            let wish = wish.clone();
            move || wish(MealIntent::Accept)
        });
        page.on_decline(move || wish(MealIntent::Decline));
        page.on_turn({
            let adapter = Rc::downgrade(&adapter);
            move |slot, by| {
                if let Some(adapter) = adapter.upgrade() {
                    adapter.turn(&slot, by);
                }
            }
        });
        adapter
    }

    pub fn apply(&self, context: &Context, meal: &MealView) {
        let page = MealAdapter::get(context.window);
        let words = context.words();
        page.set_offer(meal.offered_for.is_some());
        page.set_editing(meal.editing);
        page.set_tint(tint(meal.tint));
        page.set_picture(meal.picture.as_ref().into());
        page.set_total(context.money(meal.total));
        let saving = meal.apart - meal.total;
        page.set_saving(if saving > Minor::ZERO {
            words.invoke_you_save(context.money(saving))
        } else {
            SharedString::new()
        });
        match &meal.offered_for {
            Some(item) => {
                page.set_title(words.invoke_meal_question());
                let several = times(context, meal.quantity, item.as_ref().into());
                page.set_text(if meal.quantity > 1 {
                    words.invoke_meals_text(several.clone())
                } else {
                    words.invoke_meal_text(several.clone())
                });
                page.set_price(format::extra(meal.total - meal.alone, context.currency, context.lang).into());
                page.set_instead(if saving > Minor::ZERO {
                    words.invoke_instead_of(context.money(meal.apart - meal.alone))
                } else {
                    SharedString::new()
                });
                page.set_decline_note(words.invoke_just(several, context.money(meal.alone)));
            }
            None => {
                page.set_title(meal.name.as_ref().into());
                page.set_text(words.invoke_meal_parts());
                page.set_price(context.money(meal.total));
                page.set_instead(SharedString::new());
            }
        }
        page.set_missing(
            meal.missing
                .as_ref()
                .and_then(|id| meal.slots.iter().find(|slot| slot.id == *id))
                .map(|slot| slot.name.as_ref().into())
                .unwrap_or_default(),
        );
        page.set_summary(summary(context, meal));
        self.pictures.show(counter(meal));
        self.show_slots(context, &meal.slots);
    }

    fn show_slots(&self, context: &Context, slots: &[SlotView]) {
        let ids: Vec<(SlotId, SharedString)> =
            slots.iter().take(SLOTS_MAX).map(|slot| (slot.id.clone(), slot.name.as_ref().into())).collect();
        let same = self.shown.borrow().iter().map(|(id, _)| id).eq(ids.iter().map(|(id, _)| id));
        *self.shown.borrow_mut() = ids;
        for (slot, choices) in slots.iter().zip(&self.choices) {
            if !same {
                choices.restart();
            }
            choices
                .fill(slot.options.iter().map(|option| choice(context, option)).collect(), CHOICES_PER_PAGE);
        }
        self.show_rows();
    }

    fn turn(&self, slot: &str, by: i32) {
        let at = self.shown.borrow().iter().position(|(id, _)| id.as_str() == slot);
        if let Some(choices) = at.and_then(|at| self.choices.get(at)) {
            choices.turn(by);
            self.show_rows();
        }
    }

    fn show_rows(&self) {
        if self.window.upgrade().is_none() {
            return;
        }
        let shown = self.shown.borrow().clone();
        self.slots.show(shown.into_iter().zip(&self.choices).map(|((id, title), choices)| MealSlot {
            id: id.as_str().into(),
            title,
            choices: choices.model(),
            page: choices.page(),
            pages: choices.page_count(),
        }));
    }
}

fn choice(context: &Context, option: &SlotOption) -> SlotChoice {
    let note = match option.unavailable {
        Some(why) => reason(context, why),
        None if option.extra == Minor::ZERO => context.words().invoke_in_the_meal(),
        None => context.extra(option.extra),
    };
    SlotChoice {
        id: option.variation.as_str().into(),
        name: option.name.as_ref().into(),
        note,
        picture: option.picture.as_ref().into(),
        tint: tint(option.tint),
        chosen: option.selected,
        available: option.unavailable.is_none(),
    }
}

fn chosen(meal: &MealView) -> impl Iterator<Item = &SlotOption> {
    meal.slots.iter().flat_map(|slot| slot.options.iter().filter(|option| option.selected))
}

/// The main dish stands between what goes with it.
fn counter(meal: &MealView) -> Vec<SharedString> {
    let mut pictures: Vec<SharedString> = chosen(meal)
        .map(|option| option.picture.as_ref())
        .filter(|picture| !picture.is_empty() && **picture != *meal.picture)
        .take(2)
        .map(SharedString::from)
        .collect();
    pictures.insert(pictures.len().min(1), meal.picture.as_ref().into());
    if pictures.len() == 1 {
        // Alone it stands in the middle, which is the second place.
        pictures.insert(0, SharedString::new());
    }
    pictures
}

/// "2 × Alder Classic", and plain "Alder Classic" for one.
fn times(context: &Context, count: u32, name: SharedString) -> SharedString {
    if count > 1 { context.words().invoke_times(integer(count), name) } else { name }
}

/// Names, each once with how many there are of it.
fn together(context: &Context, names: impl Iterator<Item = String>) -> Vec<SharedString> {
    let mut counted: Vec<(String, u32)> = Vec::new();
    for name in names {
        match counted.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => counted.push((name, 1)),
        }
    }
    counted.into_iter().map(|(name, count)| times(context, count, name.into())).collect()
}

/// "Alder Classic with rye-salt fries and house lemonade".
fn summary(context: &Context, meal: &MealView) -> SharedString {
    let words = context.words();
    let name = meal.offered_for.as_ref().unwrap_or(&meal.name);
    let name = times(context, meal.quantity, name.as_ref().into());
    let parts =
        together(context, chosen(meal).map(|option| format::inside_sentence(&option.name, context.lang)));
    let Some((last, before)) = parts.split_last() else { return name };
    let list = match before.split_first() {
        None => last.clone(),
        Some((first, rest)) => {
            let start = rest.iter().fold(first.clone(), |list, next| words.invoke_comma(list, next.clone()));
            words.invoke_both(start, last.clone())
        }
    };
    words.invoke_with_parts(name, list)
}
