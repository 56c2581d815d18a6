//! The phonetic menu matcher: words in, order frame out. Pure, and the same on every machine.

use crate::align::{Alignment, HEARD_PHONES_MAX};
use crate::decide::{Evidence, Shares, Thresholds, Weighed, weigh};
use crate::frame::{
    ACTS_MAX, Act, Ask, CANDIDATES_MAX, CommandKind, Decision, OrderFrame, PIECES_BY_VOICE_MAX, Reason,
};
use crate::grammar::{Grammar, Screen, grammar};
use crate::lexicon::Lexicon;
use crate::menu::Menu;
use crate::net::{Net, NetTooLarge};
use crate::phone::{GARBAGE, Phone};
use crate::phrase::Slot;
use crate::read::Reading;
use crate::text::Transcript;

/// Everything that can be said on one screen of one menu, compiled.
pub struct Matcher {
    lexicon: Lexicon,
    menu: Menu,
    grammar: Grammar,
    net: Net,
    thresholds: Thresholds,
}

impl Matcher {
    /// Compiles a menu for a screen.
    ///
    /// # Errors
    /// The net has more than [`crate::NET_STATES_MAX`] states.
    pub fn compile(
        lexicon: &Lexicon,
        menu: &Menu,
        screen: Screen,
        thresholds: Thresholds,
    ) -> Result<Self, NetTooLarge> {
        let grammar = grammar(menu, screen);
        let net = Net::compile(&grammar, lexicon)?;
        Ok(Self { lexicon: lexicon.clone(), menu: menu.clone(), grammar, net, thresholds })
    }

    /// Reads what was said.
    pub fn hear(&self, said: &Transcript, evidence: Evidence) -> OrderFrame {
        self.hear_phones(&self.lexicon.say_all(&said.words()), evidence)
    }

    /// The same from sounds.
    pub fn hear_phones(&self, heard: &[Phone], evidence: Evidence) -> OrderFrame {
        if heard.is_empty() {
            return OrderFrame::rejected(Reason::Silence, 0);
        }
        if heard.len() > HEARD_PHONES_MAX {
            return OrderFrame::rejected(Reason::TooLong, heard.len());
        }
        let alignment = Alignment::new(&self.net, heard);
        let reading = Reading::of(&alignment.best());
        let weighed = weigh(&reading, &alignment);
        match reading.meaning(&self.menu, &self.grammar.commands) {
            Some(acts) => self.frame(heard.len(), &reading, weighed, acts, evidence),
            None => self.next_best(heard.len(), &alignment, &weighed, evidence),
        }
    }

    /// The best reading means nothing: the next best one that does is asked about.
    fn next_best(
        &self,
        heard: usize,
        alignment: &Alignment<'_>,
        weighed: &[Weighed],
        evidence: Evidence,
    ) -> OrderFrame {
        let mut others: Vec<_> = weighed.iter().flat_map(|w| &w.others).collect();
        others.sort_by_key(|other| other.cost);
        for other in others.into_iter().take(4 * CANDIDATES_MAX) {
            let reading = Reading::of(&alignment.through(other));
            if let Some(acts) = reading.meaning(&self.menu, &self.grammar.commands) {
                let weighed = weigh(&reading, alignment);
                let mut frame = self.frame(heard, &reading, weighed, acts, evidence);
                if frame.decision == Decision::Sure {
                    frame.decision = Decision::Ask(Ask::Reading);
                }
                return frame;
            }
        }
        OrderFrame::rejected(Reason::NotOnMenu, heard)
    }

    fn frame(
        &self,
        heard: usize,
        reading: &Reading,
        weighed: Vec<Weighed>,
        mut acts: Vec<Act>,
        evidence: Evidence,
    ) -> OrderFrame {
        let per_mille =
            |part: usize, whole: usize| u16::try_from(part * 1_000 / whole.max(1)).unwrap_or(1_000);
        let coverage_pm = per_mille(heard - reading.garbage.min(heard), heard);
        let worst = usize::from(GARBAGE) * heard;
        let cost = usize::try_from(reading.cost).unwrap_or(usize::MAX);
        let conf_pm = per_mille(worst.saturating_sub(cost), worst);
        let shares = Shares { coverage_pm, conf_pm };
        let decision = self.thresholds.decide(reading, &weighed, shares, evidence, &self.menu);
        let decision = match (&decision, pieces(&acts)) {
            (Decision::Reject(_), _) => decision,
            (_, pieces) if pieces > PIECES_BY_VOICE_MAX => Decision::Reject(Reason::TooMany),
            _ if acts.len() > ACTS_MAX => Decision::Reject(Reason::TooLong),
            _ => decision,
        };
        self.add_others(&mut acts, &weighed, reading.cost);
        OrderFrame {
            conf_pm,
            coverage_pm,
            cost: reading.cost,
            phones: heard,
            decision,
            acts,
            parts: weighed.into_iter().map(|w| w.part).collect(),
        }
    }

    /// What else the items of the lines could have been.
    fn add_others(&self, acts: &mut [Act], weighed: &[Weighed], cost: u32) {
        for found in weighed.iter().filter(|w| w.piece.slot == Slot::Item) {
            let Some(Act::Add(line) | Act::Replace(_, line)) = acts.get_mut(found.part.act) else { continue };
            let others = found.others.iter().take(CANDIDATES_MAX - 1);
            line.others = others
                .filter_map(|other| {
                    let item = self.menu.items.get(usize::from(other.choice))?;
                    Some((item.id.clone(), u32::from(other.cost).saturating_sub(cost)))
                })
                .collect();
        }
    }

    /// Takes other limits: what is measured with them needs no new net.
    pub fn set_thresholds(&mut self, thresholds: Thresholds) {
        self.thresholds = thresholds;
    }

    /// How far a text is from anything that can be said, whether it makes sense or not.
    pub fn distance(&self, said: &Transcript) -> u32 {
        let mut heard = self.lexicon.say_all(&said.words());
        heard.truncate(HEARD_PHONES_MAX);
        let reading = Reading::of(&Alignment::new(&self.net, &heard).best());
        reading.cost
    }

    /// States and arcs of the net.
    pub fn size(&self) -> (usize, usize) {
        (self.net.states(), self.net.arc_count())
    }

    /// What can be ordered.
    pub fn menu(&self) -> &Menu {
        &self.menu
    }

    pub(crate) fn grammar(&self) -> &Grammar {
        &self.grammar
    }

    pub(crate) fn lexicon(&self) -> &Lexicon {
        &self.lexicon
    }

    /// The commands that can be given here.
    pub fn commands(&self) -> &[CommandKind] {
        &self.grammar.commands
    }
}

fn pieces(acts: &[Act]) -> u32 {
    let of = |act: &Act| match act {
        Act::Add(line) | Act::Replace(_, line) => line.quantity,
        Act::SetQuantity(_, quantity) => *quantity,
        Act::Remove(..) | Act::SetSize(..) | Act::Change(..) | Act::Question(..) | Act::Command(_) => 0,
    };
    acts.iter().map(of).sum()
}
