//! What may be done with a reading: shown, asked about, or left.

use serde::{Deserialize, Serialize};

use crate::align::{Alignment, Other};
use crate::frame::{Ask, CANDIDATES_MAX, Decision, Part, PartKind, QTY_BY_VOICE_MAX, Reason};
use crate::menu::Menu;
use crate::phrase::Slot;
use crate::read::{Piece, Reading};

/// Where "sure", "ask" and "reject" begin. Costs are hundredths of a phone.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// Hash of the corpus that they were derived on.
    pub corpus: String,
    /// Greatest cost per phone of a sure part.
    pub sure_per_phone: u16,
    /// The same when another part of the act was heard well.
    pub sure_with_support: u16,
    /// Least distance per phone to the next choice.
    pub margin: u16,
    /// Greatest cost per phone of words that take something away.
    pub removal_per_phone: u16,
    /// Greatest cost of a number.
    pub number_cost: u16,
    /// Least distance per phone to the next number.
    pub number_margin: u16,
    /// Greatest cost of a part of at most three phones.
    pub short_cost: u16,
    /// Greatest cost per phone of a part that is asked about.
    pub ask_per_phone: u16,
    /// Least share of the sounds that belong to something, in per mille.
    pub sure_coverage_pm: u16,
    /// The same to be asked about.
    pub ask_coverage_pm: u16,
    /// Least confidence of a sure utterance, in per mille.
    pub sure_conf_pm: u16,
    /// The same to be asked about.
    pub ask_conf_pm: u16,
    /// Most sounds that belong to nothing in a sure utterance.
    pub sure_garbage: u16,
    /// Least likelihood ratio per frame, where the recogniser gives one.
    pub sure_llr: i32,
    /// The same to be asked about.
    pub ask_llr: i32,
}

impl Default for Thresholds {
    fn default() -> Self {
        serde_json::from_str(include_str!("../data/thresholds.json")).expect("the data file of this crate")
    }
}

/// What else is known of an utterance besides its text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Evidence {
    /// How much likelier each frame is as this text than as any sounds at all; from a recogniser with a grammar.
    pub llr: Option<i32>,
}

impl Evidence {
    /// From what our own recogniser says beside a transcript; others say nothing of the kind.
    pub fn of(context: Option<&serde_json::Value>) -> Self {
        let llr = context.and_then(|context| context.get("llr")).and_then(serde_json::Value::as_i64);
        Self { llr: llr.and_then(|llr| i32::try_from(llr).ok()) }
    }
}

/// How much of an utterance was understood, in per mille.
#[derive(Clone, Copy)]
pub(crate) struct Shares {
    pub(crate) coverage_pm: u16,
    pub(crate) conf_pm: u16,
}

/// A part is short up to so many sounds.
const SHORT: u16 = 3;

/// A long name differs from others in one word of about this length.
const NAME: u16 = 8;

/// Another part supports when each of its sounds costs no more.
const SUPPORT: u16 = 10;

/// A piece with what the alignment says of its rivals.
pub(crate) struct Weighed {
    pub(crate) piece: Piece,
    pub(crate) others: Vec<Other>,
    pub(crate) part: Part,
}

pub(crate) fn weigh(reading: &Reading, alignment: &Alignment<'_>) -> Vec<Weighed> {
    let mut out = Vec::new();
    for (at, piece) in reading.pieces.iter().enumerate() {
        let Some(slot) = kind(piece.slot) else { continue };
        let others = match is_choice(piece.slot) {
            true => alignment.others(piece.slot, piece.choice, piece.to),
            false => Vec::new(),
        };
        let cost = u32::from(alignment.cost());
        // What voice never takes is no rival of a number: "fifteen" would always be asked about for "fifty".
        let is_rival =
            |other: &&Other| piece.slot != Slot::Quantity || u32::from(other.choice) <= QTY_BY_VOICE_MAX;
        let margin = others.iter().find(is_rival).map(|other| u32::from(other.cost).saturating_sub(cost));
        let margin = margin.map(|margin| margin / u32::from(piece.phones.clamp(1, NAME)));
        let supports = |(other, it): (usize, &Piece)| {
            other != at
                && it.act == piece.act
                && it.per_phone() <= SUPPORT
                && it.phones > 1
                && it.slot != Slot::Filler
        };
        let part = Part {
            slot,
            act: piece.act.saturating_sub(1),
            from: piece.from,
            to: piece.to,
            per_phone: piece.per_phone(),
            margin: margin.map(|margin| u16::try_from(margin).unwrap_or(u16::MAX)),
            support: reading.pieces.iter().enumerate().any(supports),
        };
        out.push(Weighed { piece: *piece, others, part });
    }
    out
}

fn kind(slot: Slot) -> Option<PartKind> {
    Some(match slot {
        Slot::Filler | Slot::Article | Slot::And | Slot::Link => return None,
        Slot::Carrier => PartKind::Carrier,
        Slot::Quantity => PartKind::Quantity,
        Slot::Size => PartKind::Size,
        Slot::Item | Slot::Pick => PartKind::Item,
        Slot::Op => PartKind::Operation,
        Slot::Modifier => PartKind::Modifier,
        Slot::Lead => PartKind::Verb,
        Slot::Target => PartKind::Target,
        Slot::Question => PartKind::Question,
        Slot::Command => PartKind::Command,
        Slot::Ordinal => PartKind::Ordinal,
    })
}

/// Whether another choice of the slot would be another order.
fn is_choice(slot: Slot) -> bool {
    // A question that was misheard costs nothing but its answer.
    !matches!(slot, Slot::Carrier | Slot::Filler | Slot::Article | Slot::And | Slot::Link | Slot::Question)
}

impl Thresholds {
    pub(crate) fn decide(
        &self,
        reading: &Reading,
        weighed: &[Weighed],
        shares: Shares,
        evidence: Evidence,
        menu: &Menu,
    ) -> Decision {
        if reading.acts == 0 {
            return Decision::Reject(Reason::NotUnderstood);
        }
        let numbers = weighed.iter().filter(|w| w.piece.slot == Slot::Quantity);
        if numbers
            .clone()
            .any(|w| u32::from(w.piece.choice) > QTY_BY_VOICE_MAX && w.piece.cost <= self.number_cost)
        {
            return Decision::Reject(Reason::TooMany);
        }
        if shares.coverage_pm < self.ask_coverage_pm || shares.conf_pm < self.ask_conf_pm {
            return Decision::Reject(Reason::OtherTalk);
        }
        if evidence.llr.is_some_and(|llr| llr < self.ask_llr) {
            return Decision::Reject(Reason::Unlikely);
        }
        if weighed.iter().any(|w| w.piece.per_phone() > self.ask_per_phone) {
            return Decision::Reject(Reason::NotUnderstood);
        }
        if let Some(ask) = weighed.iter().find_map(|w| self.doubt(w, menu)) {
            return Decision::Ask(ask);
        }
        let is_covered = shares.coverage_pm >= self.sure_coverage_pm
            && shares.conf_pm >= self.sure_conf_pm
            && reading.garbage <= usize::from(self.sure_garbage);
        let is_likely = evidence.llr.is_none_or(|llr| llr >= self.sure_llr);
        if is_covered && is_likely { Decision::Sure } else { Decision::Ask(Ask::Reading) }
    }

    /// What has to be asked about a part, if anything.
    fn doubt(&self, weighed: &Weighed, menu: &Menu) -> Option<Ask> {
        let (piece, part) = (&weighed.piece, &weighed.part);
        let limit = if part.support { self.sure_with_support } else { self.sure_per_phone };
        let is_removal = matches!(piece.slot, Slot::Lead | Slot::Op);
        let limit = if is_removal { limit.min(self.removal_per_phone) } else { limit };
        let is_near = part.margin.is_some_and(|margin| margin < self.margin);
        let is_short = piece.phones <= SHORT && piece.cost > self.short_cost && !part.support;
        match piece.slot {
            Slot::Carrier => None,
            Slot::Quantity => {
                let is_sure = piece.cost <= self.number_cost
                    && part.margin.is_none_or(|margin| margin >= self.number_margin);
                (!is_sure).then(|| Ask::Quantity(numbers(weighed)))
            }
            Slot::Item | Slot::Target | Slot::Pick if is_near || is_short || part.per_phone > limit => {
                Some(Ask::Item(items(weighed, menu)))
            }
            _ => (is_near || is_short || part.per_phone > limit).then_some(Ask::Reading),
        }
    }
}

fn numbers(weighed: &Weighed) -> Vec<u32> {
    let others = weighed.others.iter().map(|other| other.choice);
    let all = std::iter::once(weighed.piece.choice).chain(others).map(u32::from);
    all.filter(|n| *n <= QTY_BY_VOICE_MAX).take(2).collect()
}

fn items(weighed: &Weighed, menu: &Menu) -> Vec<domain::ids::ItemId> {
    let others = weighed.others.iter().map(|other| other.choice);
    let all = std::iter::once(weighed.piece.choice).chain(others);
    all.filter_map(|choice| Some(menu.items.get(usize::from(choice))?.id.clone()))
        .take(CANDIDATES_MAX)
        .collect()
}
