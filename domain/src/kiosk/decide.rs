//! From an input to a step: the input first, then whatever time has made due, then the standing duties
//! ("a queued receipt is printed when the printer can"). Duties look at the state, not at the input, so a
//! restart takes them up again without further ado.

use super::Kiosk;
use super::turn::Turn;
use crate::event::{DenyCode, TaskKind};
use crate::ids::OrderId;
use crate::input::{DrawerInput, Input, MachineInput, UplinkInput};
use crate::session::{Idle, Stage, TerminalPhase, Uplink, Visit};
use crate::time::MonoMs;

/// What only time changes (daypart, expiry, closing) is looked after this often.
const HOUSEKEEPING_MS: u64 = 30_000;

impl Turn<'_> {
    /// Takes an input and settles everything that follows from it.
    pub fn take(&mut self, input: Input) {
        match input {
            Input::Started => self.started(),
            Input::Tick => {}
            Input::Intent(intent) => self.intent(intent),
            Input::Terminal(input) => self.terminal(input),
            Input::Printer(input) => self.printer(input),
            Input::Kitchen(input) => self.kitchen(input),
            Input::Scanner(input) => self.scanner(input),
            Input::Drawer(input) => self.drawer(input),
            Input::Voice(input) => self.voice_input(input),
            Input::Uplink(input) => self.uplink(input),
            // Whoever is there already is served: then it is tried again.
            Input::Machine(MachineInput::Restarting) => {
                self.session.restarting = self.session.visit.is_none();
            }
            Input::Machine(MachineInput::Staying) => self.session.restarting = false,
            Input::Machine(MachineInput::NobodyThere) => self.ask_who_is_there(),
            Input::Command(command) => self.command(command),
        }
        if self.session.started {
            self.duties();
        }
    }

    fn duties(&mut self) {
        self.uplink_duties();
        self.terminal_duties();
        self.housekeeping();
        self.print_times();
        self.quota_duties();
        self.visit_duties();
        self.voice_duties();
        self.printer_duties();
        self.kitchen_duties();
        self.close_orders();
        self.display_duties();
    }

    fn housekeeping(&mut self) {
        if self.now.mono < self.session.work.housekeeping_at {
            return;
        }
        self.session.work.housekeeping_at = self.now.mono.plus(HOUSEKEEPING_MS);
        self.sold_out_over();
        self.quota_over();
        self.expire_orders();
        self.reprice();
    }

    fn drawer(&mut self, input: DrawerInput) {
        match input {
            DrawerInput::Opened => self.session.devices.drawer_open = true,
            DrawerInput::Closed => self.session.devices.drawer_open = false,
            DrawerInput::DidNotOpen => self.effect(crate::Effect::CallStaff {
                about: "the cash drawer was told to open and did not".into(),
            }),
        }
    }

    fn uplink(&mut self, input: UplinkInput) {
        self.session.uplink = match (input, self.session.uplink) {
            (UplinkInput::Denied { order, code }, as_before) => {
                self.sale_denied(order, code);
                as_before
            }
            (UplinkInput::Quota(grant), as_before) => {
                self.quota(&grant);
                as_before
            }
            (UplinkInput::Claim(claim), as_before) => {
                self.session.claim = claim;
                as_before
            }
            (UplinkInput::Online, _) => Uplink::Online,
            (UplinkInput::Offline { .. }, already @ (Uplink::Silent { .. } | Uplink::Offline { .. })) => {
                already
            }
            (UplinkInput::Offline { since }, Uplink::Online) => {
                let silent = u64::try_from(self.now.wall.0.saturating_sub(since.0)).unwrap_or(0);
                let left = self.config.times.offline_banner_ms.saturating_sub(silent);
                Uplink::Silent { since, banner_at: self.now.mono.plus(left) }
            }
        };
    }

    /// Of an order that nobody paid, nothing is left to do: whoever pays it later gives the fleet another chance
    /// to deny it.
    fn sale_denied(&mut self, order: OrderId, code: DenyCode) {
        let paid = self.ledger.order(order).is_some_and(|record| record.paid.is_some());
        let kind = TaskKind::SaleDenied { order, code };
        if paid && !self.ledger.tasks.values().any(|task| task.kind == kind) {
            self.raise(kind, "the fleet does not agree with a paid order");
        }
    }

    fn uplink_duties(&mut self) {
        if let Uplink::Silent { since, banner_at } = self.session.uplink
            && banner_at <= self.now.mono
        {
            self.session.uplink = Uplink::Offline { since };
        }
    }
}

/// The earliest moment at which [`Input::Tick`] would change anything.
pub(super) fn next_deadline(kiosk: &Kiosk) -> Option<MonoMs> {
    let session = &kiosk.session;
    if !session.started {
        return None;
    }
    let terminal = &session.terminal;
    let can_ask = terminal.question.is_none() && terminal.phase != TerminalPhase::Down;
    let can_refresh =
        can_ask && terminal.job.is_none() && !super::doubt::doubt_blocks(&kiosk.ledger, terminal);
    let doubt = terminal.doubt.as_ref();
    let in_doubt = doubt.map(|d| d.payment).and_then(|p| kiosk.ledger.payment(p));
    let undecided =
        in_doubt.is_some_and(|(_, p)| !matches!(p.state, crate::payment::PaymentState::NeedsStaff { .. }));
    let work = &session.work;
    let banner_at = match session.uplink {
        Uplink::Silent { banner_at, .. } => Some(banner_at),
        Uplink::Online | Uplink::Offline { .. } => None,
    };
    let mut deadlines = vec![
        Some(work.housekeeping_at),
        terminal.question.map(|question| question.until),
        terminal.job.as_ref().map(|job| job.until),
        terminal.ready_by,
        terminal.ask_at.filter(|_| can_refresh && terminal.phase == TerminalPhase::Registered),
        doubt.map(|d| d.next_at).filter(|_| can_ask),
        doubt.map(|d| d.give_up_at).filter(|_| undecided),
        work.printing.and_then(|job| job.patience),
        work.printing.map(|job| job.lost_at),
        work.print_not_before.filter(|_| session.devices.can_print()),
        work.kitchen.values().min().copied().filter(|_| session.devices.kitchen),
        banner_at,
        work.asking.as_ref().and_then(|asking| asking.until),
    ];
    if let Some(visit) = session.visit.as_deref() {
        deadlines.extend(visit_deadlines(visit));
    }
    deadlines.into_iter().flatten().min()
}

fn visit_deadlines(visit: &Visit) -> [Option<MonoMs>; 6] {
    let idle = match visit.idle {
        Idle::Never => None,
        Idle::Counting { until } | Idle::Warning { until } => Some(until),
    };
    let closes = match &visit.stage {
        Stage::Ordered(ordered) => ordered.closes_at,
        Stage::Service | Stage::Browse | Stage::Item(_) | Stage::Meal(_) | Stage::Cart => None,
    };
    let notice = visit.notice.as_ref().map(|(_, until)| *until);
    let hint = visit.voice.hint.map(|(_, until)| until);
    [idle, notice, visit.undo.as_ref().map(|u| u.until), closes, visit.voice.phase.until(), hint]
}
