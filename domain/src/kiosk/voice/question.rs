//! What is asked, one question at a time: first what an utterance meant, then what its lines still lack, in the order
//! of the catalog. A choice that has to be made and has no default is never guessed.

use super::super::menu::Menu;
use super::super::offer::Offer;
use super::super::turn::Turn;
use super::super::{Refusal, choices};
use crate::catalog::Item;
use crate::session::{ItemDraft, MealDraft, Visit};
use crate::spoken::{Act, Asking, CHIPS, DraftLine, Goods, QUESTIONS_MAX, Question, Which};

/// What is asked now, if anything.
pub(in crate::kiosk) fn question(offer: &Offer<'_>, menu: &Menu, visit: &Visit) -> Option<Question> {
    let dialogue = &visit.voice;
    match &dialogue.asking {
        Some(Asking { which: Which::Item(items), .. }) => return Some(Question::Item(items.clone())),
        Some(Asking { which: Which::Quantity(numbers), .. }) => {
            return Some(Question::Quantity(numbers.clone()));
        }
        None if dialogue.asked >= QUESTIONS_MAX => return None,
        None => {}
    }
    let asked = dialogue.lines.iter().find_map(|line| of_line(offer, menu, line));
    // More answers than can be shown are asked on the item's own page.
    asked.filter(|question| CHIPS.contains(&question.answers()))
}

fn of_line(offer: &Offer<'_>, menu: &Menu, line: &DraftLine) -> Option<Question> {
    match &line.goods {
        Goods::Item(draft) => of_item(menu, line, draft),
        Goods::Meal(meal) => of_meal(offer, menu, line, meal),
    }
}

fn of_item(menu: &Menu, line: &DraftLine, draft: &ItemDraft) -> Option<Question> {
    let item = menu.catalog.item(&draft.item)?;
    if !line.has_size {
        let sizes = item.variations.iter().map(|variation| variation.id.clone());
        return Some(Question::Size(line.id, sizes.collect()));
    }
    let group = choices::missing(&menu.catalog, item, &draft.chosen)?;
    let asked = choices::asked(&menu.catalog, item).find(|asked| asked.group.id == group)?;
    let is_open = |id: &crate::ids::ModifierId| asked.count_of(&draft.chosen, id) == 0;
    let options = asked.options().filter(|m| !m.sold_out && is_open(&m.id)).map(|m| m.id.clone());
    Some(Question::Option(line.id, group, options.collect()))
}

fn of_meal(offer: &Offer<'_>, menu: &Menu, line: &DraftLine, meal: &MealDraft) -> Option<Question> {
    let combo = menu.catalog.item(&meal.combo)?;
    let open = meal.missing(combo)?;
    let slot = combo.slots().iter().find(|slot| slot.id == open)?;
    let parts = slot.choices.iter().map(|choice| choice.variation.clone());
    Some(Question::Slot(line.id, open, parts.filter(|part| offer.part(part).is_ok()).collect()))
}

impl Turn<'_> {
    pub(super) fn question(&self) -> Option<Question> {
        let (menu, visit) = (self.menu()?, self.visit()?);
        question(&self.offer(&menu), &menu, visit)
    }

    /// Takes the answer at a place, from 0.
    pub(super) fn answer(&mut self, at: usize) {
        let Some(question) = self.question().filter(|question| at < question.answers()) else {
            return self.refuse(Refusal::NotNow);
        };
        let Some(menu) = self.menu() else { return };
        match question {
            Question::Item(items) => self.answer_acts(|act| match act {
                Act::Add(line) | Act::Replace(_, line) => {
                    line.item = items[at].clone();
                    true
                }
                _ => false,
            }),
            Question::Quantity(numbers) => self.answer_acts(|act| match act {
                Act::Add(line) | Act::Replace(_, line) => {
                    line.quantity = numbers[at];
                    true
                }
                Act::SetQuantity(_, quantity) => {
                    *quantity = numbers[at];
                    true
                }
                _ => false,
            }),
            Question::Size(id, sizes) => self.answer_line(id, |_, line| {
                if let Goods::Item(draft) = &mut line.goods {
                    draft.variation = sizes[at].clone();
                }
                line.has_size = true;
            }),
            Question::Option(id, group, options) => self.answer_line(id, |item, line| {
                if let Goods::Item(draft) = &mut line.goods {
                    choices::toggle(&menu.catalog, item, &mut draft.chosen, &group, &options[at]);
                }
            }),
            Question::Slot(id, slot, parts) => {
                let offer = self.offer(&menu);
                let Some(visit) = self.visit() else { return };
                let Some(Goods::Meal(meal)) =
                    visit.voice.lines.iter().find(|line| line.id == id).map(|line| &line.goods)
                else {
                    return;
                };
                let mut meal = meal.clone();
                if let Some(combo) = menu.catalog.item(&meal.combo) {
                    meal.pick(&offer, combo, &slot, &parts[at]);
                }
                self.answer_line(id, |_, line| line.goods = Goods::Meal(meal));
            }
        }
    }

    fn answer_acts(&mut self, mut set: impl FnMut(&mut Act) -> bool) {
        let Some(dialogue) = self.dialogue() else { return };
        dialogue.asked += 1;
        let Some(Asking { mut acts, .. }) = dialogue.asking.take() else { return };
        // Only the first line that can be meant.
        let _ = acts.iter_mut().any(&mut set);
        self.take_acts(acts, false);
    }

    fn answer_line(&mut self, id: u32, set: impl FnOnce(&Item, &mut DraftLine)) {
        let Some(menu) = self.menu() else { return };
        let Some(dialogue) = self.dialogue() else { return };
        dialogue.asked += 1;
        let Some(line) = dialogue.lines.iter_mut().find(|line| line.id == id) else { return };
        if let Some(item) = menu.catalog.item(line.goods.item()) {
            set(item, line);
        }
    }

    /// None of the answers: what waits for one goes, a line without its choice goes as well.
    pub(super) fn answer_none(&mut self) {
        let Some(question) = self.question() else { return self.refuse(Refusal::NotNow) };
        let Some(dialogue) = self.dialogue() else { return };
        dialogue.asked += 1;
        match question {
            Question::Item(_) | Question::Quantity(_) => dialogue.asking = None,
            Question::Size(id, _) | Question::Option(id, _, _) | Question::Slot(id, _, _) => {
                dialogue.lines.retain(|line| line.id != id);
            }
        }
    }
}
