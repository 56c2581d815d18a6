//! What a start makes of the journal: what is running and what the chooser says are facts, the journal is a memory.

use super::{News, Place, Reason, Report, Step, TRIAL_BOOTS_MAX, Turn};

impl Turn {
    pub(super) fn started(&mut self, place: &Place) {
        let Some(it) = &self.journal.under_way else { return self.nothing_under_way(place) };
        let same_boot = it.boot == place.boot;
        let switched = place.primary == it.slot;
        let (step, runs_new) = (it.step, place.slot == it.slot);
        match step {
            _ if runs_new && place.release != it.wish.release => self.lost(place),
            Step::Leaving if runs_new => {}
            _ if runs_new => self.on_trial(place),
            // The reason was told when it was decided.
            Step::Leaving => self.journal.under_way = None,
            Step::Offered | Step::Gated | Step::Downloading | Step::Verifying => {}
            // Nothing is believed of what happened to the slot in between.
            Step::Installed | Step::RebootGate => self.go(Step::Verifying, place),
            Step::Switching if same_boot && switched => self.go(Step::TrialBoot, place),
            Step::TrialBoot if same_boot && switched => {}
            Step::Switching | Step::TrialBoot if same_boot => self.go(Step::Installed, place),
            // The switch may not have come before the restart: once more, as long as there are attempts.
            Step::Switching => self.try_again(Reason::Io, Step::Installed, place),
            Step::TrialBoot => {
                self.forbid();
                self.end(News::RolledBack(Reason::BootFailed));
            }
        }
    }

    fn on_trial(&mut self, place: &Place) {
        if self.step() != Some(Step::TrialBoot) {
            self.go(Step::TrialBoot, place);
        }
        if place.good {
            // It had proven itself; the power went before that was written down.
            return self.proven(place);
        }
        let Some(it) = &mut self.journal.under_way else { return };
        if it.boot != place.boot || it.trial_boots == 0 {
            it.boot.clone_from(&place.boot);
            it.trial_boots += 1;
        }
        if it.trial_boots > TRIAL_BOOTS_MAX {
            self.leave(Reason::Deadline, place);
        }
    }

    fn nothing_under_way(&mut self, place: &Place) {
        if place.slot == self.journal.home && place.release == self.journal.confirmed {
            return;
        }
        if place.slot == self.journal.home || !place.good {
            return self.lost(place);
        }
        let release = self.journal.confirmed;
        self.journal.bad.insert(release);
        self.journal.home = place.slot;
        self.journal.confirmed = place.release;
        let what = News::RolledBack(Reason::FallbackAfterConfirm);
        self.reports.push(Report { release, campaign: String::new(), what });
    }

    /// The journal is of another life than the machine: what runs is believed, and nothing is touched without a new
    /// wish.
    fn lost(&mut self, place: &Place) {
        let what = News::Failed(Reason::JournalLost);
        self.reports.push(Report { release: place.release, campaign: String::new(), what });
        self.journal.under_way = None;
        self.journal.home = place.slot;
        self.journal.confirmed = place.release;
    }
}
