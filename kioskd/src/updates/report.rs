//! What the fleet is told of updates, and what is kept of it.

use ota::agent::{Action, Journal, News, Place, Reason, Report, Step};
use ota::writer::wire::State;
use protocol::update::{UpdateState, UpdateUnderWay, UpdateVerdict};
use serde::Serialize;

/// Version of the form.
const FORM: u32 = 1;

/// How things are, as it is told.
pub(super) fn state(
    journal: &Journal,
    runs: &State,
    verdict: Option<&UpdateVerdict>,
    percent: Option<u8>,
) -> UpdateState {
    UpdateState {
        v: FORM,
        model: runs.model.clone(),
        running: runs.release,
        version: runs.version.clone(),
        confirmed: journal.confirmed,
        under_way: journal.under_way.as_ref().map(|it| UpdateUnderWay {
            campaign: it.wish.campaign.clone(),
            release: it.wish.release,
            step: step(it.step).to_owned(),
            percent: percent.filter(|_| it.step == Step::Downloading || it.step == Step::Verifying),
        }),
        held_by: journal.held_by.clone(),
        last: verdict.cloned(),
    }
}

/// What keeps an update from going on, in words, as far as the journal knows.
pub(super) fn held_up(journal: &Journal, place: &Place) -> Option<String> {
    let it = journal.under_way.as_ref().filter(|_| journal.action(place) == Action::Rest)?;
    Some(match &journal.held_by {
        Some(by) => format!("{by}, who has stopped updates here"),
        None if it.step == Step::RebootGate && !journal.is_halted() => {
            "a word of the fleet, from today, that nothing is halted".to_owned()
        }
        None => "the fleet, which has halted it".to_owned(),
    })
}

/// How an update ended, if these reports say so; `after`: the journal that came with them. An attempt that failed and
/// is tried again has not ended.
pub(super) fn verdict(reports: &[Report], after: &Journal, at: i64) -> Option<UpdateVerdict> {
    reports.iter().rev().find_map(|report| {
        let goes_on = after.under_way.as_ref().is_some_and(|it| it.wish.release == report.release);
        let (result, reason) = match report.what {
            News::Step(_) => return None,
            News::Confirmed => ("confirmed", None),
            News::Rejected(reason) => ("rejected", Some(reason)),
            News::Failed(_) if goes_on => return None,
            News::Failed(reason) => ("failed", Some(reason)),
            News::RolledBack(reason) => ("rolled_back", Some(reason)),
        };
        Some(UpdateVerdict {
            campaign: report.campaign.clone(),
            release: report.release,
            result: result.to_owned(),
            reason: reason.map(word::<Reason>),
            at,
        })
    })
}

/// A reason as it stands on the wire.
fn word<T: Serialize>(value: T) -> String {
    protocol::text::wire_name(&value)
}

fn step(step: Step) -> &'static str {
    match step {
        Step::Offered => "offered",
        Step::Gated => "gated",
        Step::Downloading => "downloading",
        Step::Verifying => "verifying",
        Step::Installed => "installed",
        Step::RebootGate => "reboot_gate",
        Step::Switching => "switching",
        Step::TrialBoot => "trial_boot",
        Step::Leaving => "leaving",
    }
}
