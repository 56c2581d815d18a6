//! The page of a kiosk that waits for its fleet.

use std::rc::Rc;

use domain::Intent;
use domain::claim::{Network, NetworkKind};
use domain::input::PrinterCondition;
use domain::time::ClockQuality;
use domain::view::{ClaimView, FleetCheck};
use slint::{Global, SharedString};

use super::rows::Rows;
use super::{Context, IntentSender, format, integer};
use crate::pages::{CheckLine, CheckWord, ClaimAdapter, FleetState, MainWindow};

#[derive(Default)]
pub(super) struct Adapter {
    checks: Rows<CheckLine>,
}

impl Adapter {
    pub fn connect(window: &MainWindow, send: &IntentSender) -> Self {
        let adapter = Self::default();
        let page = ClaimAdapter::get(window);
        page.set_checks(adapter.checks.model());
        let send = Rc::clone(send);
        page.on_check_again(move || send(Intent::CheckAgain));
        adapter
    }

    pub fn apply(&self, context: &Context, claim: &ClaimView) {
        let page = ClaimAdapter::get(context.window);
        page.set_serial(claim.serial.as_ref().into());
        page.set_host(claim.host.as_ref().into());
        page.set_fleet(match claim.fleet {
            FleetCheck::Asking => FleetState::Asking,
            FleetCheck::Answers => FleetState::Answers,
            FleetCheck::Refuses { .. } => FleetState::Refuses,
            FleetCheck::Silent { .. } => FleetState::Silent,
        });
        let code = claim.code.as_ref();
        let (first, second) = code.map(|code| halves(&code.text)).unwrap_or_default();
        page.set_first(first.into());
        page.set_second(second.into());
        page.set_qr(code.map_or_else(SharedString::default, |code| code.link.as_ref().into()));
        self.checks.show(checks(context, claim));
    }
}

/// The two groups of a code, to be shown one below the other.
fn halves(code: &str) -> (&str, &str) {
    code.split_once('-').unwrap_or((code, ""))
}

fn checks(context: &Context, claim: &ClaimView) -> Vec<CheckLine> {
    let words = context.words();
    let line = |name, (detail, word)| CheckLine { name, detail, word };
    vec![
        line(words.invoke_network(), network(context, claim.network.as_ref())),
        line(words.invoke_clock(), clock(context, claim)),
        line(words.invoke_fleet(), fleet(context, claim)),
        line(words.invoke_card_terminal(), terminal(context, claim.terminal)),
        line(words.invoke_printer(), printer(context, claim.printer)),
        line(words.invoke_system(), (words.invoke_version(claim.version.as_ref().into()), CheckWord::Ready)),
    ]
}

fn network(context: &Context, network: Option<&Network>) -> (SharedString, CheckWord) {
    let words = context.words();
    let Some(network) = network else { return (words.invoke_no_network(), CheckWord::Cable) };
    let address: SharedString = format::latin(&network.address, context.lang).into();
    if network.address.contains(':') {
        // IPv6: it takes the whole line.
        return (address, CheckWord::Ready);
    }
    let name = match network.kind {
        NetworkKind::Ethernet => words.invoke_ethernet(),
        NetworkKind::Wifi => words.invoke_wifi(),
        NetworkKind::Other => network.interface.as_ref().into(),
    };
    (slint::format!("{name} · {address}"), CheckWord::Ready)
}

fn clock(context: &Context, claim: &ClaimView) -> (SharedString, CheckWord) {
    let words = context.words();
    let time = format::minute(claim.minute_of_day).into();
    match claim.clock {
        ClockQuality::Ntp => (words.invoke_clock_synchronised(time), CheckWord::Ready),
        ClockQuality::Rtc => (words.invoke_clock_alone(time), CheckWord::Clock),
        ClockQuality::Untrusted => (words.invoke_clock_wrong(time), CheckWord::Clock),
    }
}

fn fleet(context: &Context, claim: &ClaimView) -> (SharedString, CheckWord) {
    let words = context.words();
    let host: SharedString = format::latin(&claim.host, context.lang).into();
    match claim.fleet {
        FleetCheck::Asking => (words.invoke_fleet_asked(host), CheckWord::Wait),
        FleetCheck::Answers => (words.invoke_fleet_answers(host), CheckWord::Ready),
        FleetCheck::Refuses { status } => {
            (words.invoke_fleet_refuses(integer(status.into())), CheckWord::Fleet)
        }
        FleetCheck::Silent { since_minute } => {
            (words.invoke_fleet_silent(format::minute(since_minute).into()), CheckWord::Network)
        }
    }
}

fn terminal(context: &Context, there: Option<bool>) -> (SharedString, CheckWord) {
    let words = context.words();
    match there {
        None => (words.invoke_not_set(), CheckWord::None),
        Some(true) => (words.invoke_device_there(), CheckWord::Ready),
        Some(false) => (words.invoke_device_missing(), CheckWord::Cable),
    }
}

fn printer(context: &Context, condition: Option<PrinterCondition>) -> (SharedString, CheckWord) {
    let words = context.words();
    match condition {
        None => (words.invoke_not_set(), CheckWord::None),
        Some(PrinterCondition::Ready) => (words.invoke_device_there(), CheckWord::Ready),
        Some(PrinterCondition::PaperLow) => (words.invoke_paper_low(), CheckWord::Paper),
        Some(PrinterCondition::PaperOut) => (words.invoke_paper_out(), CheckWord::Paper),
        Some(PrinterCondition::CoverOpen) => (words.invoke_cover_open(), CheckWord::Cover),
        Some(PrinterCondition::Error) => (words.invoke_printer_error(), CheckWord::Printer),
        Some(PrinterCondition::Absent) => (words.invoke_device_missing(), CheckWord::Cable),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_code_is_shown_in_its_two_groups() {
        assert_eq!(super::halves("R7KD-4M2P"), ("R7KD", "4M2P"));
        assert_eq!(super::halves("123456"), ("123456", ""));
    }
}
