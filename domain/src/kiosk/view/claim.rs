//! The page of a kiosk that belongs to no fleet yet.

use super::Scene;
use crate::claim::{Claim, FleetAnswer};
use crate::format;
use crate::session::TerminalPhase;
use crate::time::ClockQuality;
use crate::view::{ClaimCodeView, ClaimView, FleetCheck, Page};

impl Scene<'_> {
    pub(super) fn claim(&self, claim: &Claim) -> Page {
        let (config, session) = (&self.kiosk.config, &self.kiosk.session);
        Page::Claim(ClaimView {
            code: claim.code.as_ref().map(|code| ClaimCodeView {
                text: code.text.clone(),
                link: code.link.clone(),
                remaining_ms: self.left(code.ends),
                total_ms: code.total_ms,
            }),
            serial: config.serial.clone(),
            host: claim.host.clone(),
            fleet: match claim.fleet {
                FleetAnswer::Asking => FleetCheck::Asking,
                FleetAnswer::Answers => FleetCheck::Answers,
                FleetAnswer::Refuses { status } => FleetCheck::Refuses { status },
                FleetAnswer::Silent { since } => {
                    FleetCheck::Silent { since_minute: format::local(self.now, since).minute }
                }
            },
            network: claim.network.clone(),
            minute_of_day: self.now.local.minute,
            clock: match self.now.quality {
                ClockQuality::Rtc if claim.synchronised => ClockQuality::Ntp,
                as_told => as_told,
            },
            terminal: claim.terminal.then_some(session.terminal.phase != TerminalPhase::Down),
            printer: claim.printer.then_some(session.devices.printer),
            version: config.version.clone(),
        })
    }
}
