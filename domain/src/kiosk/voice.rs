//! Ordering by voice: when the microphone may be open, and what follows from what was understood. Nothing that was
//! said counts before the customer has seen it and agreed; nothing is paid or thrown away by voice.

mod draft;
mod question;

pub(super) use question::question;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::turn::Turn;
use super::{Kiosk, Refusal};
use crate::effect::VoiceEffect;
use crate::ids::ItemId;
use crate::input::VoiceInput;
use crate::intent::VoiceIntent;
use crate::session::{Idle, Session, Stage, Visit};
use crate::spoken::{
    Act, Asking, Command, Dialogue, Doubt, FAILURES_MAX, Failure, HINT_MS, Hint, LISTEN_MS_MAX, Phase,
    Question, RECOGNISE_MS_MAX, SOUND_MS, Said, Scene, TAP_MS, Which,
};
use crate::time::MonoMs;

/// Whether ordering by voice is offered to this visit: there is a microphone, a recogniser, and they understand its
/// language.
pub(super) fn is_offered(config: &crate::KioskConfig, session: &Session, visit: &Visit) -> bool {
    session.voice.available && config.voice.as_ref() == Some(&visit.lang)
}

impl Kiosk {
    /// The utterance that the microphone is open for.
    pub fn listening(&self) -> Option<u32> {
        self.session.visit.as_ref().and_then(|visit| visit.voice.phase.listening())
    }
}

impl Turn<'_> {
    pub(super) fn voice_intent(&mut self, intent: VoiceIntent) {
        match intent {
            VoiceIntent::Begin => self.begin_by_voice(),
            VoiceIntent::Press => self.press(),
            VoiceIntent::Release => self.release(),
            VoiceIntent::Choose(at) => self.answer(usize::try_from(at).unwrap_or(usize::MAX)),
            VoiceIntent::NoneOfThese => self.answer_none(),
            VoiceIntent::Add => self.accept_draft(),
            VoiceIntent::Drop => self.drop_draft(),
            VoiceIntent::Remove(line) => {
                if let Some(dialogue) = self.dialogue() {
                    dialogue.lines.retain(|other| other.id != line);
                }
            }
        }
    }

    pub(super) fn voice_input(&mut self, input: VoiceInput) {
        match input {
            VoiceInput::Available(available) => self.session.voice.available = available,
            VoiceInput::Level { turn, level } => self.sound_arrives(turn, level),
            VoiceInput::Over { turn } => {
                let until = self.now.mono.plus(RECOGNISE_MS_MAX);
                if let Some(dialogue) = self.dialogue_at(turn) {
                    dialogue.phase = Phase::Recognising { turn, until };
                    // The actor has closed the microphone by itself.
                    self.listened_to = None;
                }
            }
            VoiceInput::Heard { turn, said } => {
                if let Some(dialogue) = self.dialogue_at(turn) {
                    dialogue.phase = Phase::Closed;
                    dialogue.hint = None;
                    self.touch();
                    self.heard(said);
                }
            }
            VoiceInput::Failed { turn, why } => {
                if self.dialogue_at(turn).is_some() {
                    self.listened_to = None;
                    self.voice_failed(why);
                }
            }
        }
    }

    /// What time, another page or a broken microphone do to the dialogue.
    pub(super) fn voice_duties(&mut self) {
        let now = self.now.mono;
        let may_listen = self.may_listen();
        let available = self.session.voice.available;
        if let Some(visit) = self.visit() {
            let is_over = visit.voice.phase.until().is_some_and(|until| until <= now);
            let is_open = visit.voice.phase != Phase::Closed;
            let hint_over = visit.voice.hint.is_some_and(|(_, until)| until <= now);
            if hint_over && let Some(dialogue) = self.dialogue() {
                dialogue.hint = None;
            }
            if is_open && !available {
                self.voice_failed(Failure::Gone);
            } else if is_open && !may_listen {
                self.close_microphone();
            } else if is_over {
                self.voice_failed(Failure::Silence);
            }
        }
        let listening = self.visit().and_then(|visit| visit.voice.phase.listening());
        if let Some(turn) = self.listened_to.filter(|turn| listening != Some(*turn)) {
            self.effect(VoiceEffect::Close { turn });
            self.listened_to = None;
        }
    }

    /// The microphone is closed; a draft stays.
    pub(super) fn close_microphone(&mut self) {
        if self.visit().is_some_and(|visit| visit.voice.phase != Phase::Closed)
            && let Some(dialogue) = self.dialogue()
        {
            dialogue.phase = Phase::Closed;
        }
    }

    /// Whether there is something by voice that is not in the cart.
    pub(super) fn has_draft(&self) -> bool {
        self.visit().is_some_and(|visit| !visit.voice.lines.is_empty() || visit.voice.asking.is_some())
    }

    /// Only on the menu, with nothing over it, for somebody who is there.
    fn may_listen(&self) -> bool {
        self.can_serve()
            && self.visit().is_some_and(|visit| {
                visit.stage == Stage::Browse
                    && visit.sheet.is_none()
                    && !matches!(visit.idle, Idle::Warning { .. })
                    && is_offered(self.config, &self.session, visit)
            })
    }

    fn dialogue(&mut self) -> Option<&mut Dialogue> {
        self.visit_mut().map(|visit| &mut visit.voice)
    }

    /// The dialogue, if it still waits for this utterance.
    fn dialogue_at(&mut self, turn: u32) -> Option<&mut Dialogue> {
        let waits = match self.visit()?.voice.phase {
            Phase::Listening { turn: open, .. } | Phase::Recognising { turn: open, .. } => open == turn,
            Phase::Closed => false,
        };
        if waits { self.dialogue() } else { None }
    }

    fn begin_by_voice(&mut self) {
        let Some(visit) = self.visit() else { return };
        if visit.stage != Stage::Service || !is_offered(self.config, &self.session, visit) {
            return self.refuse(Refusal::NotNow);
        }
        if let Some(usual) = self.config.modes.first().copied().filter(|_| visit.mode.is_none()) {
            self.set_mode(usual);
        }
        self.go(Stage::Browse);
        self.hint(Hint::Example);
    }

    fn press(&mut self) {
        if !self.may_listen() {
            return self.refuse(Refusal::NotNow);
        }
        let Some(visit) = self.visit() else { return };
        match visit.voice.phase {
            // The second tap of somebody who does not hold the button.
            Phase::Listening { turn, .. } => self.effect(VoiceEffect::Release { turn }),
            Phase::Recognising { .. } => self.refuse(Refusal::NotNow),
            Phase::Closed => self.listen(),
        }
    }

    fn listen(&mut self) {
        let Some(menu) = self.menu() else { return self.refuse(Refusal::NotNow) };
        let scene = match self.question() {
            None => Scene::Menu,
            Some(Question::Size(..) | Question::Option(..)) => Scene::Item,
            Some(question) => Scene::Chips(u8::try_from(question.answers()).unwrap_or(4)),
        };
        let offer = self.offer(&menu);
        let is_hidden =
            |item: &&crate::catalog::Item| !offer.is_shown(item) || offer.unavailable(item).is_some();
        let hidden: BTreeSet<ItemId> =
            menu.catalog.items.values().filter(is_hidden).map(|item| item.id.clone()).collect();
        self.session.voice.turns = self.session.voice.turns.wrapping_add(1);
        let (turn, since) = (self.session.voice.turns, self.now.mono);
        if let Some(dialogue) = self.dialogue() {
            let until = since.plus(SOUND_MS);
            dialogue.phase = Phase::Listening { turn, since, until, level: None, hands_free: false };
            dialogue.hint = None;
        }
        if let Some(visit) = self.visit_mut() {
            visit.notice = None;
        }
        self.listened_to = Some(turn);
        let catalog = Arc::clone(&menu.catalog);
        self.effect(VoiceEffect::Listen { turn, scene, catalog, hidden: Arc::new(hidden) });
    }

    fn release(&mut self) {
        let now = self.now.mono;
        let Some(dialogue) = self.dialogue() else { return };
        match &mut dialogue.phase {
            Phase::Listening { since, hands_free, .. } if now.since(*since) < TAP_MS => *hands_free = true,
            Phase::Listening { turn, hands_free: false, .. } => {
                let turn = *turn;
                self.effect(VoiceEffect::Release { turn });
            }
            // Its end has come before; or it is the end of the tap that ended it.
            Phase::Listening { hands_free: true, .. } | Phase::Recognising { .. } | Phase::Closed => {}
        }
    }

    fn sound_arrives(&mut self, turn: u32, loud: u8) {
        let soon = self.now.mono.plus(SOUND_MS);
        if let Some(dialogue) = self.dialogue_at(turn)
            && let Phase::Listening { since, until, level, .. } = &mut dialogue.phase
        {
            *level = Some(loud);
            *until = soon.min(since.plus(LISTEN_MS_MAX));
        }
    }

    fn voice_failed(&mut self, why: Failure) {
        let Some(dialogue) = self.dialogue() else { return };
        dialogue.phase = Phase::Closed;
        let hint = match why {
            Failure::Gone => Hint::Gone,
            Failure::TooMany => Hint::TooMany,
            Failure::Silence | Failure::NotUnderstood | Failure::TooLong => {
                dialogue.failures += 1;
                match why {
                    _ if dialogue.failures >= FAILURES_MAX => Hint::UseTouch,
                    Failure::Silence => Hint::Silence,
                    _ => Hint::SayAgain,
                }
            }
        };
        self.hint(hint);
    }

    fn hint(&mut self, hint: Hint) {
        let until: MonoMs = self.now.mono.plus(HINT_MS);
        if let Some(dialogue) = self.dialogue() {
            dialogue.hint = Some((hint, until));
        }
    }

    fn heard(&mut self, said: Said) {
        let Said { acts, doubt } = said;
        if acts.is_empty() {
            return self.voice_failed(Failure::NotUnderstood);
        }
        if let Some(dialogue) = self.dialogue() {
            dialogue.failures = 0;
        }
        let chips = crate::spoken::CHIPS;
        match doubt {
            None => self.take_acts(acts, false),
            Some(Doubt::Item(items)) if chips.contains(&items.len()) => {
                self.ask_back(acts, Which::Item(items))
            }
            Some(Doubt::Quantity(numbers)) if chips.contains(&numbers.len()) => {
                self.ask_back(acts, Which::Quantity(numbers));
            }
            Some(Doubt::Item(_) | Doubt::Quantity(_) | Doubt::Reading) => {
                let acts: Vec<Act> = acts.into_iter().filter(|act| self.may_be_wrong(act)).collect();
                if acts.is_empty() {
                    self.voice_failed(Failure::NotUnderstood);
                } else {
                    self.take_acts(acts, true);
                }
            }
        }
    }

    /// Whether nothing is lost if it was not meant: what is shown and has to be agreed to, or only leads somewhere.
    fn may_be_wrong(&self, act: &Act) -> bool {
        match act {
            Act::Add(_) | Act::About(_) => true,
            Act::Remove(target, _)
            | Act::SetQuantity(target, _)
            | Act::SetSize(target, _)
            | Act::Change(target, _)
            | Act::Replace(target, _) => self.means_the_draft(target),
            Act::Command(command) => !matches!(command, Command::Yes | Command::Undo),
        }
    }

    fn ask_back(&mut self, acts: Vec<Act>, which: Which) {
        if let Some(dialogue) = self.dialogue() {
            dialogue.asking = Some(Asking { acts, which });
        }
    }

    fn take_acts(&mut self, acts: Vec<Act>, unsure: bool) {
        for act in acts {
            match act {
                Act::Add(line) => self.draft(&line, unsure),
                Act::Remove(target, count) => self.remove_spoken(&target, count),
                Act::SetQuantity(target, count) => self.count_spoken(&target, count),
                Act::SetSize(target, sizes) => self.size_spoken(&target, &sizes),
                Act::Change(target, ops) => self.change_spoken(&target, &ops),
                Act::Replace(target, line) => self.replace_spoken(&target, &line, unsure),
                Act::About(target) => self.tell_about(&target),
                Act::Command(command) => self.spoken_command(command),
            }
        }
    }

    fn spoken_command(&mut self, command: Command) {
        let asks = self.question().is_some();
        match command {
            Command::Choose(at) if asks => self.answer(usize::try_from(at).unwrap_or(0).wrapping_sub(1)),
            Command::NoneOfThese | Command::No if asks => self.answer_none(),
            Command::Yes if !asks => self.accept_draft(),
            Command::No | Command::NoneOfThese | Command::Stop => self.drop_draft(),
            Command::Undo => {
                if let Some(dialogue) = self.dialogue() {
                    dialogue.lines.pop();
                }
            }
            // A draft comes first: what is shown as not yet ordered must not be forgotten on the way to the till.
            Command::Pay | Command::ShowOrder if !self.has_draft() => self.show_cart(),
            Command::StartOver => self.show(crate::session::Sheet::ConfirmCancel),
            Command::Staff => self.call_staff(),
            Command::Help => self.hint(Hint::Example),
            Command::Choose(_) | Command::Yes | Command::Pay | Command::ShowOrder => {}
        }
    }
}
