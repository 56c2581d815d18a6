//! What follows from what came of an action.

use super::{
    ATTEMPTS_MAX, Attempts, BY_HAND, Halt, Input, Journal, LOST_MAX, News, Place, Reason, Report, STEPS_MAX,
    Step, Turn, UnderWay, Wish,
};

impl Journal {
    /// The row after this one. An input that does not fit the step changes nothing: it is late.
    #[must_use]
    pub fn after(&self, input: &Input, place: &Place) -> Turn {
        let mut turn = Turn { journal: self.clone(), reports: Vec::new() };
        match input {
            Input::Started => turn.started(place),
            Input::Halt(halt) => turn.halt(halt),
            Input::Wished(wish) => turn.wished(wish, place),
            Input::Brought(release) => turn.brought(*release, place),
            Input::Withdrawn(generation) => turn.withdrawn(*generation),
            Input::Held(by) => turn.journal.held_by.clone_from(by),
            Input::Believed { floor } => turn.believed(*floor, place),
            Input::Open => turn.open(place),
            Input::Flushed(done) => turn.flushed(*done),
            Input::Done => turn.done(place),
            Input::Failed(reason) => turn.failed(*reason, place),
            Input::Lost => turn.lost_writer(),
            Input::Proven => turn.proven(place),
        }
        turn
    }
}

impl Turn {
    pub(super) fn step(&self) -> Option<Step> {
        self.journal.under_way.as_ref().map(|it| it.step)
    }

    pub(super) fn go(&mut self, step: Step, place: &Place) {
        let Some(it) = &mut self.journal.under_way else { return };
        it.step = step;
        it.boot.clone_from(&place.boot);
        it.steps += 1;
        // What runs already is not stranded by it.
        if it.steps > STEPS_MAX && step < Step::Switching {
            self.journal.bad.insert(it.wish.release);
            return self.end(News::Failed(Reason::Loop));
        }
        self.tell(News::Step(step));
    }

    pub(super) fn tell(&mut self, what: News) {
        let Some(it) = &self.journal.under_way else { return };
        self.reports.push(report(&it.wish, what));
    }

    pub(super) fn end(&mut self, what: News) {
        self.tell(what);
        self.journal.under_way = None;
    }

    fn runs_new(&self, place: &Place) -> bool {
        self.journal.under_way.as_ref().is_some_and(|it| it.slot == place.slot)
    }

    fn is_by_hand(&self) -> bool {
        self.journal.under_way.as_ref().is_some_and(|it| it.wish.is_by_hand())
    }

    fn halt(&mut self, halt: &Halt) {
        if halt.generation > self.journal.halt.generation {
            self.journal.halt = halt.clone();
        }
    }

    fn wished(&mut self, wish: &Wish, place: &Place) {
        if wish.generation <= self.journal.generation {
            return;
        }
        if let Some(it) = &mut self.journal.under_way {
            if it.step >= Step::Switching || it.wish.is_by_hand() {
                // It is decided soon; the fleet says its wish again until it is fulfilled.
                return;
            }
            if it.wish.release == wish.release {
                it.wish = wish.clone();
                self.journal.generation = wish.generation;
                return;
            }
            self.end(News::Failed(Reason::Cancelled));
        }
        self.journal.generation = wish.generation;
        if wish.release == self.journal.confirmed {
            return self.reports.push(report(wish, News::Confirmed));
        }
        if let Some(reason) = self.refusal(wish) {
            return self.reports.push(report(wish, News::Rejected(reason)));
        }
        self.begin(wish.clone(), place);
    }

    fn brought(&mut self, release: u64, place: &Place) {
        if self.step().is_some_and(|step| step >= Step::Switching) {
            return;
        }
        let wish = Wish { campaign: BY_HAND.to_owned(), generation: self.journal.generation, release };
        self.end(News::Failed(Reason::Cancelled));
        // Whoever tries again has mended something.
        self.journal.attempts = None;
        if release == self.journal.confirmed {
            return self.reports.push(report(&wish, News::Confirmed));
        }
        // Only the fleet may go back.
        let older = (release < self.journal.confirmed).then_some(Reason::Floor);
        if let Some(reason) = self.refusal(&wish).or(older) {
            return self.reports.push(report(&wish, News::Rejected(reason)));
        }
        self.begin(wish, place);
    }

    fn begin(&mut self, wish: Wish, place: &Place) {
        self.journal.under_way = Some(UnderWay {
            wish,
            step: Step::Offered,
            slot: place.slot.other(),
            floor: 0,
            done: 0,
            lost: 0,
            boot: place.boot.clone(),
            trial_boots: 0,
            steps: 0,
        });
        self.tell(News::Step(Step::Offered));
    }

    fn refusal(&self, wish: &Wish) -> Option<Reason> {
        let spent = |it: &Attempts| {
            it.release == wish.release && it.campaign == wish.campaign && it.count >= ATTEMPTS_MAX
        };
        if self.journal.bad.contains(&wish.release) {
            Some(Reason::BadList)
        } else if wish.release < self.journal.floor {
            Some(Reason::Floor)
        } else {
            self.journal.attempts.as_ref().is_some_and(spent).then_some(Reason::GaveUp)
        }
    }

    fn withdrawn(&mut self, generation: u64) {
        let Some(it) = &self.journal.under_way else { return };
        if it.wish.generation <= generation && it.step < Step::Switching && !it.wish.is_by_hand() {
            self.end(News::Failed(Reason::Cancelled));
        }
    }

    fn believed(&mut self, floor: u64, place: &Place) {
        let Some(it) = &mut self.journal.under_way else { return };
        if it.step == Step::Offered {
            it.floor = floor;
            self.go(Step::Gated, place);
        }
    }

    fn open(&mut self, place: &Place) {
        match self.step() {
            Some(Step::Gated) => self.go(Step::Downloading, place),
            Some(Step::Installed) => self.go(Step::RebootGate, place),
            Some(Step::RebootGate) => self.go(Step::Switching, place),
            _ => {}
        }
    }

    fn flushed(&mut self, done: usize) {
        let Some(it) = &mut self.journal.under_way else { return };
        if it.step == Step::Downloading && done > it.done {
            it.done = done;
            it.lost = 0;
        }
    }

    fn done(&mut self, place: &Place) {
        match self.step() {
            Some(Step::Downloading) => self.go(Step::Verifying, place),
            Some(Step::Verifying) => self.go(Step::Installed, place),
            Some(Step::Switching) => self.go(Step::TrialBoot, place),
            _ => {}
        }
    }

    fn failed(&mut self, reason: Reason, place: &Place) {
        match self.step() {
            Some(Step::Offered) => self.end(News::Rejected(reason)),
            Some(Step::Downloading | Step::Verifying) if self.is_by_hand() => self.end(News::Failed(reason)),
            Some(Step::Downloading | Step::Verifying) => self.try_again(reason, Step::Gated, place),
            Some(Step::Switching) => self.try_again(reason, Step::Installed, place),
            Some(Step::TrialBoot) if self.runs_new(place) => self.leave(reason, place),
            _ => {}
        }
    }

    /// What kills whoever writes it, again and again at the same place, is no good.
    fn lost_writer(&mut self) {
        let Some(it) = &mut self.journal.under_way else { return };
        if !matches!(it.step, Step::Downloading | Step::Verifying) {
            return;
        }
        it.lost += 1;
        if it.lost >= LOST_MAX {
            self.forbid();
            self.end(News::Failed(Reason::CrashLoop));
        }
    }

    /// An attempt ended without a verdict about the release.
    pub(super) fn try_again(&mut self, reason: Reason, step: Step, place: &Place) {
        let Some(it) = &mut self.journal.under_way else { return };
        let before = self.journal.attempts.as_ref();
        let same = before.filter(|a| a.release == it.wish.release && a.campaign == it.wish.campaign);
        let count = same.map_or(0, |attempts| attempts.count) + 1;
        let campaign = it.wish.campaign.clone();
        self.journal.attempts = Some(Attempts { campaign, release: it.wish.release, count });
        if step == Step::Gated {
            // The slot is suspected with what is in it.
            it.done = 0;
        }
        if count < ATTEMPTS_MAX {
            self.tell(News::Failed(reason));
            self.go(step, place);
        } else {
            self.end(News::Failed(Reason::GaveUp));
        }
    }

    /// The new system is no good and is running: it goes.
    pub(super) fn leave(&mut self, reason: Reason, place: &Place) {
        self.forbid();
        self.tell(News::RolledBack(reason));
        self.go(Step::Leaving, place);
    }

    pub(super) fn forbid(&mut self) {
        if let Some(it) = &self.journal.under_way {
            self.journal.bad.insert(it.wish.release);
        }
    }

    pub(super) fn proven(&mut self, place: &Place) {
        let Some(it) = self.journal.under_way.as_ref().filter(|it| it.step == Step::TrialBoot) else {
            return;
        };
        if place.slot != it.slot {
            return;
        }
        self.journal.confirmed = it.wish.release;
        self.journal.home = it.slot;
        self.journal.floor = self.journal.floor.max(it.floor);
        self.journal.attempts = None;
        self.end(News::Confirmed);
    }
}

pub(super) fn report(wish: &Wish, what: News) -> Report {
    Report { release: wish.release, campaign: wish.campaign.clone(), what }
}
