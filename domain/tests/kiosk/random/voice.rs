//! What is said, understood and misunderstood: anything at any time, and after each turn the microphone is closed unless
//! the menu is shown.

use std::collections::BTreeSet;

use domain::Input;
use domain::ids::{GroupId, ItemId, ModifierId, VariationId};
use domain::input::VoiceInput;
use domain::intent::{Intent, VoiceIntent};
use domain::spoken::{Act, Command, Doubt, Failure, Line, Op, OpKind, Said, Target};

use super::Life;

impl Life {
    pub(super) fn voice(&mut self) {
        let newest = self.w.kiosk.session().voice.turns;
        let turn = if self.rng.chance(90) { newest } else { newest.wrapping_sub(1) };
        let answer = u32::try_from(self.rng.below(5)).unwrap();
        let intent = |intent| Input::Intent(Intent::Voice(intent));
        let input = match self.rng.below(20) {
            0 => Input::Voice(VoiceInput::Available(self.rng.chance(80))),
            1..=4 => intent(VoiceIntent::Press),
            5 => intent(VoiceIntent::Release),
            6 => Input::Voice(VoiceInput::Level { turn, level: 4 }),
            7 => Input::Voice(VoiceInput::Over { turn }),
            8..=12 => Input::Voice(VoiceInput::Heard { turn, said: self.said() }),
            13 => {
                let why = [Failure::Silence, Failure::NotUnderstood, Failure::TooMany, Failure::Gone];
                Input::Voice(VoiceInput::Failed { turn, why: *self.rng.pick(&why) })
            }
            14 => intent(VoiceIntent::Choose(answer)),
            15 => intent(VoiceIntent::NoneOfThese),
            16 => intent(VoiceIntent::Drop),
            17 => intent(VoiceIntent::Remove(answer)),
            _ => intent(VoiceIntent::Add),
        };
        self.w.feed(input);
        if self.w.kiosk.listening().is_some() {
            assert_eq!(self.w.page(), "menu", "the microphone is open elsewhere");
        }
    }

    fn said(&mut self) -> Said {
        let acts = (0..self.rng.below(4)).map(|_| self.act()).collect();
        let doubt = match self.rng.below(6) {
            0 => Some(Doubt::Item((0..self.rng.below(5)).map(|_| self.item()).collect())),
            1 => Some(Doubt::Quantity(vec![1, 15, 40])),
            2 => Some(Doubt::Reading),
            _ => None,
        };
        Said { acts, doubt }
    }

    fn act(&mut self) -> Act {
        let sizes = BTreeSet::from(["burger-2", "cola"].map(VariationId::new));
        match self.rng.below(12) {
            0..=4 => Act::Add(self.line()),
            5 => Act::Remove(self.target(), if self.rng.chance(50) { None } else { Some(2) }),
            6 => Act::SetQuantity(self.target(), *self.rng.pick(&[0, 1, 3, u32::MAX])),
            7 => Act::SetSize(self.target(), sizes),
            8 => Act::Change(self.target(), vec![self.op()]),
            9 => Act::Replace(self.target(), self.line()),
            10 => Act::About(self.target()),
            _ => Act::Command(*self.rng.pick(&[
                Command::Yes,
                Command::No,
                Command::Choose(0),
                Command::Choose(2),
                Command::NoneOfThese,
                Command::Undo,
                Command::Pay,
                Command::StartOver,
                Command::Staff,
                Command::Stop,
                Command::Help,
            ])),
        }
    }

    fn line(&mut self) -> Line {
        let size = self.rng.chance(50).then(|| VariationId::new(self.rng.word(&["burger-2", "gone"])));
        Line {
            item: self.item(),
            quantity: *self.rng.pick(&[0, 1, 2, 20, u32::MAX]),
            size,
            ops: (0..self.rng.below(3)).map(|_| self.op()).collect(),
            picks: (0..self.rng.below(3)).map(|_| self.item()).collect(),
        }
    }

    fn op(&mut self) -> Op {
        let kind = *self.rng.pick(&[OpKind::With, OpKind::No, OpKind::Extra]);
        let (group, modifier) = *self.rng.pick(&[
            ("extra", "egg"),
            ("extra", "bacon"),
            ("without", "onion"),
            ("bun", "rye"),
            ("x", "y"),
        ]);
        Op { kind, options: BTreeSet::from([(GroupId::new(group), ModifierId::new(modifier))]) }
    }

    fn target(&mut self) -> Target {
        match self.rng.below(5) {
            0 => Target::All,
            1 => Target::Nth(u32::try_from(self.rng.below(4)).unwrap()),
            2 => Target::Item(ItemId::new(self.rng.word(&["burger", "cola", "meal"]))),
            _ => Target::Last,
        }
    }
}
