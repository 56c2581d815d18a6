//! What the menu shows of ordering by voice.

use std::sync::Arc;

use super::Scene;
use super::lines::picture;
use crate::cart::CartLine;
use crate::ids::VariationId;
use crate::kiosk::menu::Menu;
use crate::kiosk::snapshot::item_name;
use crate::kiosk::voice::{is_offered, question};
use crate::session::{Stage, Visit};
use crate::spoken::{DraftLine, Goods, Phase, Question};
use crate::view::{VoiceAsks, VoiceLine, VoiceQuestion, VoiceState, VoiceView};

impl Scene<'_> {
    /// Whether the button is there.
    pub(super) fn has_voice(&self, visit: &Visit) -> bool {
        is_offered(&self.kiosk.config, &self.kiosk.session, visit)
    }

    /// `None`: there is nothing to show.
    pub(super) fn voice(&self) -> Option<VoiceView> {
        let (menu, visit) = (self.menu?, self.visit?);
        let dialogue = &visit.voice;
        let is_quiet = dialogue.phase == Phase::Closed
            && dialogue.lines.is_empty()
            && dialogue.asking.is_none()
            && dialogue.hint.is_none();
        if visit.stage != Stage::Browse || is_quiet {
            return None;
        }
        let lines: Vec<VoiceLine> = dialogue.lines.iter().map(|line| self.draft_line(menu, line)).collect();
        Some(VoiceView {
            state: match dialogue.phase {
                Phase::Closed => VoiceState::Closed,
                Phase::Listening { level: None, .. } => VoiceState::Opening,
                Phase::Listening { level: Some(level), hands_free, .. } => {
                    VoiceState::Listening { level, hands_free }
                }
                Phase::Recognising { .. } => VoiceState::Recognising,
            },
            total: lines.iter().map(|line| line.total).sum(),
            lines,
            question: question(&self.offer(menu), menu, visit).map(|asked| self.asked(menu, visit, &asked)),
            hint: dialogue.hint.map(|(hint, _)| hint),
        })
    }

    fn draft_line(&self, menu: &Menu, line: &DraftLine) -> VoiceLine {
        let goods = self.goods(menu, &line.goods);
        VoiceLine {
            id: line.id,
            name: self.line_name(menu, &goods),
            details: menu
                .catalog
                .item(&goods.item)
                .map(|it| self.details(menu, it, &goods))
                .unwrap_or_default(),
            picture: picture(menu, &goods),
            tint: menu.tint(&goods.item),
            quantity: goods.quantity.whole(),
            total: self.offer(menu).price_line(&goods, self.mode()),
            unsure: line.unsure,
        }
    }

    fn goods(&self, menu: &Menu, goods: &Goods) -> CartLine {
        match goods {
            Goods::Meal(meal) => meal.line(),
            Goods::Item(draft) => match menu.catalog.item(&draft.item) {
                Some(item) => draft.line(&menu.catalog, item),
                None => draft.bare_line(),
            },
        }
    }

    fn asked(&self, menu: &Menu, visit: &Visit, question: &Question) -> VoiceQuestion {
        let item_of = |id: &u32| {
            let line = visit.voice.lines.iter().find(|line| line.id == *id)?;
            menu.catalog.item(line.goods.item())
        };
        let part = |id: &VariationId| {
            let found = menu.catalog.variation(id);
            found.map(|(item, variation)| item_name(menu, item, variation, &self.lang)).unwrap_or_default()
        };
        let (kind, answers): (VoiceAsks, Vec<Arc<str>>) = match question {
            Question::Item(items) => {
                let name = |id| menu.catalog.item(id).map(|item| menu.words(&item.name, &self.lang));
                (VoiceAsks::Item, items.iter().map(|id| name(id).unwrap_or_default()).collect())
            }
            Question::Quantity(numbers) => {
                (VoiceAsks::Quantity, numbers.iter().map(|n| n.to_string().into()).collect())
            }
            Question::Size(line, sizes) => {
                let name = item_of(line).map(|item| menu.words(&item.name, &self.lang)).unwrap_or_default();
                let size = |id: &VariationId| {
                    let found = menu.catalog.variation(id);
                    found.map(|(_, variation)| menu.words(&variation.name, &self.lang)).unwrap_or_default()
                };
                (VoiceAsks::Size(name), sizes.iter().map(size).collect())
            }
            Question::Option(_, group, options) => {
                let group = menu.catalog.groups.get(group);
                let name = |id: &crate::ids::ModifierId| {
                    let found = group.and_then(|group| group.modifiers.iter().find(|m| m.id == *id));
                    found.map(|m| menu.words(&m.name, &self.lang)).unwrap_or_default()
                };
                let asks = group.map(|group| menu.words(&group.name, &self.lang)).unwrap_or_default();
                (VoiceAsks::Choice(asks), options.iter().map(name).collect())
            }
            Question::Slot(line, slot, parts) => {
                let slot = item_of(line).and_then(|combo| combo.slots().iter().find(|it| it.id == *slot));
                let asks = slot.map(|slot| menu.words(&slot.name, &self.lang)).unwrap_or_default();
                (VoiceAsks::Choice(asks), parts.iter().map(part).collect())
            }
        };
        VoiceQuestion { kind, answers }
    }
}
