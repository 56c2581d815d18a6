//! A payment terminal with its driver, as wicked as real ones: it loses the link at any step, goes on by itself,
//! answers late, twice or not at all, and may give money back on its own. Its journal is the judge of what money
//! was really taken.

use std::collections::VecDeque;

use domain::effect::TerminalEffect;
use domain::ids::PaymentId;
use domain::input::{LastAnswer, TerminalInput};
use domain::money::Minor;
use domain::payment::{Approval, LastTransaction};

use crate::rng::Rng;

/// One transaction of the terminal's journal.
#[derive(Clone, Debug)]
pub struct Entry {
    pub payment: PaymentId,
    pub trace: u32,
    pub receipt_no: u32,
    pub amount: i64,
    pub kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Money taken.
    Sale,
    /// Money taken and given back later.
    SaleReversed,
    /// Money given back.
    Reversal,
    /// Refused.
    Declined,
}

/// What the terminal is doing.
#[derive(Clone, Debug)]
enum Doing {
    Nothing,
    /// The customer is at it.
    Charging {
        payment: PaymentId,
        amount: i64,
    },
    /// It approved and waits for our word; the entry is the last of the journal.
    Waiting {
        payment: PaymentId,
    },
    /// Our word was yes; it prints and finishes.
    Finishing {
        payment: PaymentId,
    },
}

#[derive(Clone, Debug)]
pub struct TerminalModel {
    pub journal: Vec<Entry>,
    doing: Doing,
    pub link: bool,
    /// What the driver was asked for, in order.
    asked: VecDeque<TerminalEffect>,
    /// What the driver has to tell, in order.
    pub telling: VecDeque<TerminalInput>,
    /// Orders of bytes still in the wire when the link broke: the terminal may yet act on them.
    delayed: Option<(PaymentId, i64)>,
    trace: u32,
    receipt_no: u32,
    /// Never tells its last transaction.
    pub mute: bool,
    /// Refuses to abort.
    pub stubborn: bool,
}

impl TerminalModel {
    pub fn new(rng: &mut Rng, faults: bool) -> Self {
        Self {
            journal: Vec::new(),
            doing: Doing::Nothing,
            link: false,
            asked: VecDeque::new(),
            telling: VecDeque::new(),
            delayed: None,
            trace: if rng.chance(10) { 999_998 } else { 41 },
            receipt_no: if rng.chance(10) { 9_998 } else { 17 },
            mute: faults && rng.chance(10),
            stubborn: faults && rng.chance(30),
        }
    }

    /// Money that is with the shop.
    pub fn taken(&self) -> i64 {
        self.journal.iter().filter(|e| e.kind == Kind::Sale).map(|e| e.amount).sum()
    }

    /// Money taken for a payment and not given back.
    pub fn taken_for(&self, payment: PaymentId) -> i64 {
        self.journal.iter().filter(|e| e.payment == payment && e.kind == Kind::Sale).map(|e| e.amount).sum()
    }

    pub fn was_reversed(&self, payment: PaymentId) -> bool {
        self.journal.iter().any(|e| e.payment == payment && e.kind == Kind::SaleReversed)
    }

    pub fn ask(&mut self, effect: TerminalEffect) {
        match effect {
            // Only an abort overtakes: it is meant for what is going on.
            TerminalEffect::Abort { payment } => self.abort(payment),
            other => self.asked.push_back(other),
        }
    }

    /// The kiosk's process died: the driver with it. The terminal goes on alone.
    pub fn process_died(&mut self, rng: &mut Rng) {
        self.asked.clear();
        self.telling.clear();
        self.alone(rng);
        self.link = false;
    }

    /// The link broke.
    pub fn lose_link(&mut self, rng: &mut Rng) {
        if !self.link {
            return;
        }
        self.link = false;
        match self.doing.clone() {
            Doing::Charging { payment, .. } | Doing::Waiting { payment } | Doing::Finishing { payment } => {
                self.tell(TerminalInput::Lost { payment, nothing_sent: false, why: "link".into() });
            }
            Doing::Nothing => {}
        }
        self.tell(TerminalInput::Down { why: "link".into() });
        self.alone(rng);
    }

    /// Without us it decides by itself.
    fn alone(&mut self, rng: &mut Rng) {
        match std::mem::replace(&mut self.doing, Doing::Nothing) {
            Doing::Nothing | Doing::Finishing { .. } => {}
            Doing::Charging { payment, amount } => match rng.below(5) {
                0 => {
                    self.sale(payment, amount);
                }
                1 => {
                    self.sale(payment, amount);
                    self.reverse_last();
                }
                2 => self.decline(payment, amount),
                3 => {}
                // The bytes are still on their way.
                _ => self.delayed = Some((payment, amount)),
            },
            Doing::Waiting { .. } => {
                // Not acknowledged: some book all the same, some give it back.
                if rng.chance(50) {
                    self.reverse_last();
                }
            }
        }
    }

    /// The link is back: the driver registers and reads what the terminal remembers.
    pub fn restore_link(&mut self, rng: &mut Rng, may_be_late: bool) {
        if self.link {
            return;
        }
        self.link = true;
        let late = self.delayed.take();
        if let Some((payment, amount)) = late.filter(|_| !may_be_late) {
            self.sale(payment, amount);
        }
        let last = self.last(rng);
        self.tell(TerminalInput::Ready { last });
        if let Some((payment, amount)) = late.filter(|_| may_be_late && rng.chance(20)) {
            // Worst of all: it begins only after it was asked.
            self.sale(payment, amount);
            let last = self.last(rng);
            self.tell(TerminalInput::Ready { last });
        }
    }

    /// The driver takes the next thing it was asked for.
    pub fn work(&mut self, rng: &mut Rng) {
        if !matches!(self.doing, Doing::Nothing) && !self.front_concerns_now() {
            return;
        }
        let Some(effect) = self.asked.pop_front() else { return };
        match effect {
            TerminalEffect::Charge { payment, amount, .. } => self.charge(rng, payment, amount),
            TerminalEffect::AcceptResult { payment } => self.accept(payment),
            TerminalEffect::RefuseGoods { payment } => self.refuse(payment),
            TerminalEffect::QueryLast { question } => {
                let answer = if self.link { self.last(rng) } else { LastAnswer::NoAnswer };
                self.tell(TerminalInput::Last { question, answer });
            }
            TerminalEffect::Reverse { payment, receipt_no, .. } => self.reverse(rng, payment, receipt_no),
            TerminalEffect::Abort { .. } | TerminalEffect::EndOfDay => {}
        }
    }

    fn front_concerns_now(&self) -> bool {
        match self.asked.front() {
            Some(TerminalEffect::AcceptResult { .. } | TerminalEffect::RefuseGoods { .. }) => {
                matches!(self.doing, Doing::Waiting { .. })
            }
            // Answered at once: busy.
            Some(TerminalEffect::QueryLast { .. }) => true,
            Some(_) | None => false,
        }
    }

    fn charge(&mut self, rng: &mut Rng, payment: PaymentId, amount: Minor) {
        if !self.link {
            let nothing_sent = rng.chance(50);
            self.tell(TerminalInput::Lost { payment, nothing_sent, why: "no link".into() });
            return;
        }
        if rng.chance(8) {
            self.tell(TerminalInput::Refused { payment, code: 0x9C });
            return;
        }
        self.doing = Doing::Charging { payment, amount: amount.0 };
        self.tell(TerminalInput::Started { payment });
    }

    fn abort(&mut self, payment: PaymentId) {
        let Doing::Charging { payment: now, .. } = self.doing else { return };
        if now != payment || !self.link {
            return;
        }
        if self.stubborn {
            self.tell(TerminalInput::AbortRefused { payment });
        } else {
            self.doing = Doing::Nothing;
            self.tell(TerminalInput::Cancelled { payment });
        }
    }

    /// Something happens between the customer, the bank and the terminal.
    pub fn advance(&mut self, rng: &mut Rng, faults: bool) {
        match self.doing.clone() {
            Doing::Nothing | Doing::Waiting { .. } => {}
            Doing::Charging { payment, amount } => match rng.below(if faults { 12 } else { 9 }) {
                0..=5 => self.approve(payment, amount),
                6 => {
                    self.decline(payment, amount);
                    self.doing = Doing::Nothing;
                    self.tell(TerminalInput::Declined { payment, code: 5 });
                }
                7 => {
                    self.doing = Doing::Nothing;
                    self.tell(TerminalInput::Cancelled { payment });
                }
                8 => {
                    self.doing = Doing::Nothing;
                    self.tell(TerminalInput::TimedOut { payment });
                }
                9 => self.approve(payment, amount + 1),
                10 => self.lose_link(rng),
                _ => {
                    // It forgets to say anything: only our own patience ends this.
                    self.stubborn = true;
                }
            },
            Doing::Finishing { payment } => {
                self.doing = Doing::Nothing;
                self.tell(TerminalInput::Completed { payment });
                if faults && rng.chance(10) {
                    self.tell(TerminalInput::Completed { payment });
                }
            }
        }
        if faults && rng.chance(3) {
            self.mute = !self.mute;
        }
    }

    fn approve(&mut self, payment: PaymentId, amount: i64) {
        let entry = self.sale(payment, amount);
        self.doing = Doing::Waiting { payment };
        let approval = Approval {
            trace: Some(entry.trace),
            receipt_no: Some(entry.receipt_no),
            amount: Minor(amount),
            ..Approval::default()
        };
        self.tell(TerminalInput::Approved { payment, approval, currency: None });
    }

    fn accept(&mut self, payment: PaymentId) {
        if let Doing::Waiting { payment: now } = self.doing
            && now == payment
        {
            self.doing = Doing::Finishing { payment };
            let lines = vec!["KUNDENBELEG".into()];
            self.tell(TerminalInput::ReceiptText { payment, customer: true, lines });
        }
    }

    fn refuse(&mut self, payment: PaymentId) {
        if let Doing::Waiting { payment: now } = self.doing
            && now == payment
        {
            self.reverse_last();
            self.doing = Doing::Nothing;
            self.tell(TerminalInput::Reversed { payment });
        }
    }

    fn reverse(&mut self, rng: &mut Rng, payment: PaymentId, receipt_no: u32) {
        if !self.link {
            return self.tell(TerminalInput::Lost { payment, nothing_sent: true, why: "no link".into() });
        }
        let last = self.journal.last();
        if !last.is_some_and(|e| e.receipt_no == receipt_no && e.kind == Kind::Sale) {
            return self.tell(TerminalInput::ReversalRefused { payment, code: 0xB5 });
        }
        self.reverse_last();
        if rng.chance(20) {
            self.tell(TerminalInput::Lost { payment, nothing_sent: false, why: "link".into() });
            self.tell(TerminalInput::Down { why: "link".into() });
            self.link = false;
        } else {
            self.tell(TerminalInput::Reversed { payment });
        }
    }

    fn last(&self, rng: &mut Rng) -> LastAnswer {
        if !matches!(self.doing, Doing::Nothing) || rng.chance(5) {
            return LastAnswer::Busy;
        }
        match self.journal.last().filter(|_| !self.mute) {
            None => LastAnswer::Empty,
            Some(entry) => LastAnswer::from(LastTransaction {
                trace: Some(entry.trace),
                receipt_no: Some(entry.receipt_no),
                turnover_no: None,
                amount: Some(Minor(entry.amount)),
                approved: entry.kind != Kind::Declined,
                reversal: entry.kind == Kind::Reversal,
            }),
        }
    }

    fn sale(&mut self, payment: PaymentId, amount: i64) -> Entry {
        self.receipt_no = if self.receipt_no >= 9_999 { 1 } else { self.receipt_no + 1 };
        self.enter(payment, amount, Kind::Sale)
    }

    fn decline(&mut self, payment: PaymentId, amount: i64) {
        self.enter(payment, amount, Kind::Declined);
    }

    fn reverse_last(&mut self) {
        let Some(entry) = self.journal.last_mut() else { return };
        entry.kind = Kind::SaleReversed;
        let (payment, amount) = (entry.payment, entry.amount);
        self.enter(payment, amount, Kind::Reversal);
    }

    fn enter(&mut self, payment: PaymentId, amount: i64, kind: Kind) -> Entry {
        self.trace = if self.trace >= 999_999 { 1 } else { self.trace + 1 };
        let entry = Entry { payment, trace: self.trace, receipt_no: self.receipt_no, amount, kind };
        self.journal.push(entry.clone());
        entry
    }

    fn tell(&mut self, input: TerminalInput) {
        self.telling.push_back(input);
    }

    /// Whether it has nothing more to do or tell.
    pub fn is_quiet(&self) -> bool {
        self.asked.is_empty() && self.telling.is_empty() && matches!(self.doing, Doing::Nothing)
    }
}

impl TerminalModel {
    /// Switched off and on by the staff, who want it to tell again what it did: one that does not is nothing that
    /// its journal can be compared with.
    pub fn mend(&mut self, rng: &mut Rng) {
        self.stubborn = false;
        if std::mem::replace(&mut self.mute, false) {
            self.lose_link(rng);
        }
    }

    /// Whether the order to charge is still on its way to it.
    pub fn may_still_begin(&self, payment: PaymentId) -> bool {
        self.delayed.is_some_and(|(delayed, _)| delayed == payment)
    }

    /// A person gives money back at the terminal, without the kiosk.
    pub fn give_back_by_hand(&mut self, payment: PaymentId) {
        for entry in self.journal.iter_mut().filter(|e| e.payment == payment && e.kind == Kind::Sale) {
            entry.kind = Kind::SaleReversed;
        }
    }

    /// Whether the driver has no other charge before it.
    pub fn no_charge_is_pending(&self) -> bool {
        !self.asked.iter().any(|effect| matches!(effect, TerminalEffect::Charge { .. }))
            && !matches!(self.doing, Doing::Charging { .. })
    }

    /// Whether the journal still holds the money of a transaction.
    pub fn has(&self, t: &LastTransaction) -> bool {
        self.journal.iter().any(|e| Some(e.trace) == t.trace && e.kind == Kind::Sale)
    }
}
