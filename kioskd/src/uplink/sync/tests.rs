use std::collections::VecDeque;

use proptest::prelude::*;
use protocol::sync::Fork;

use super::*;

const EPOCH: u64 = 7;
const ACK_MS: u64 = 30_000;

fn id(n: u64) -> Id {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&n.to_be_bytes());
    Id::from(bytes)
}

fn run(b: u64, from: u64, last: u64) -> Run {
    Run { b: id(b), epoch: EPOCH, from, last, end: last }
}

fn ack(b: u64, thru: u64) -> Ack {
    Ack { b: id(b), ep: EPOCH, thru, x: Vec::new(), exp: None, fork: None, now: 0, cat: 0, stk: 0 }
}

/// One that has sent the events 1 to 10 as batch 1 at time 0.
fn sending() -> Sync {
    let mut sync = Sync::new(Patience { ack_ms: ACK_MS });
    assert_eq!(sync.step(0, 0, Input::Connected), Some(Action::Load { limit: BATCH_EVENTS_MAX }));
    assert_eq!(sync.step(0, 0, Input::Loaded(Some(run(1, 1, 10)))), Some(Action::Publish { b: id(1) }));
    sync
}

fn taken(action: Option<Action>) -> (u64, Option<u64>, Option<WhyNewEpoch>) {
    match action {
        Some(Action::Acknowledge { epoch: EPOCH, thru, rewind, new_epoch, .. }) => (thru, rewind, new_epoch),
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_is_acknowledged_by_the_broker_alone() {
    let mut sync = sending();
    assert_eq!(sync.step(1, 0, Input::Published(PubAck::Taken)), None);
    assert_eq!(taken(sync.step(2, 0, Input::Ack(Box::new(ack(1, 10))))), (10, None, None));
    assert_eq!(sync.step(3, 0, Input::Stored), Some(Action::Load { limit: BATCH_EVENTS_MAX }));
    assert_eq!(sync.step(4, 0, Input::Loaded(None)), None);
    assert_eq!(sync.step(5, 0, Input::NewEvents), Some(Action::Load { limit: BATCH_EVENTS_MAX }));
}

#[test]
fn an_answer_to_another_batch_or_epoch_and_one_that_comes_twice_change_nothing() {
    let mut sync = sending();
    assert_eq!(sync.step(1, 0, Input::Ack(Box::new(ack(2, 10)))), None);
    assert_eq!(sync.step(1, 0, Input::Ack(Box::new(Ack { ep: EPOCH + 1, ..ack(1, 10) }))), None);
    taken(sync.step(2, 0, Input::Ack(Box::new(ack(1, 10)))));
    assert_eq!(sync.step(3, 0, Input::Ack(Box::new(ack(1, 10)))), None);
    sync.step(3, 0, Input::Stored);
    assert_eq!(sync.step(4, 0, Input::Ack(Box::new(ack(1, 10)))), None);
}

#[test]
fn without_an_answer_in_time_the_same_batch_is_sent_again_under_its_name_and_a_late_answer_counts() {
    let mut sync = sending();
    sync.step(100, 0, Input::Published(PubAck::Taken));
    assert_eq!(sync.deadline(), Some(100 + ACK_MS), "the broker's answer starts the clock anew");
    assert_eq!(sync.step(100 + ACK_MS, 500, Input::Timer), None);
    assert_eq!(sync.deadline(), Some(100 + ACK_MS + 500), "rests as the dice say");
    let mut late = sync.clone();
    assert_eq!(taken(late.step(100 + ACK_MS + 1, 0, Input::Ack(Box::new(ack(1, 10))))).0, 10);
    assert!(matches!(sync.step(100 + ACK_MS + 500, 0, Input::Timer), Some(Action::Load { .. })));
    let again = sync.step(200_000, 0, Input::Loaded(Some(run(2, 1, 10))));
    assert_eq!(again, Some(Action::Publish { b: id(1) }));
    assert_eq!(taken(sync.step(200_001, 0, Input::Ack(Box::new(ack(1, 10))))).0, 10);
}

#[test]
fn a_refusal_of_the_broker_waits_and_never_makes_batches_smaller() {
    let mut sync = sending();
    for turn in 0..20 {
        let now = turn * 1_000_000;
        assert_eq!(sync.step(now, 0, Input::Published(PubAck::Refused)), None);
        let load = sync.step(now + 900_000, 0, Input::Timer);
        assert_eq!(load, Some(Action::Load { limit: BATCH_EVENTS_MAX }));
        sync.step(now + 900_000, 0, Input::Loaded(Some(run(2, 1, 10))));
    }
}

#[test]
fn a_batch_that_fails_three_times_is_halved_down_to_one_event_and_grows_again() {
    let mut sync = sending();
    let mut limits = Vec::new();
    for turn in 0..15_u64 {
        sync.step(turn, 0, Input::Disconnected);
        let Some(Action::Load { limit }) = sync.step(turn, 0, Input::Connected) else { panic!() };
        limits.push(limit);
        let last = 10.min(u64::try_from(limit).unwrap());
        sync.step(turn, 0, Input::Loaded(Some(Run { end: 10, ..run(1, 1, last) })));
    }
    assert_eq!(limits, [1000, 1000, 5, 5, 5, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1]);
    taken(sync.step(20, 0, Input::Ack(Box::new(ack(1, 1)))));
    assert_eq!(sync.step(21, 0, Input::Stored), Some(Action::Load { limit: 2 }));
}

#[test]
fn a_lost_connection_forgets_no_event_and_the_next_one_sends_at_once() {
    let mut sync = sending();
    assert_eq!(sync.step(5, 0, Input::Disconnected), None);
    assert_eq!(sync.deadline(), None);
    assert_eq!(sync.step(6, 0, Input::NewEvents), None);
    assert!(matches!(sync.step(7, 0, Input::Connected), Some(Action::Load { .. })));
}

#[test]
fn what_the_fleet_lost_is_sent_again_after_a_rest() {
    let mut sync = Sync::new(Patience { ack_ms: ACK_MS });
    sync.step(0, 0, Input::Connected);
    sync.step(0, 0, Input::Loaded(Some(run(1, 50, 60))));
    let expects = Ack { exp: Some(20), ..ack(1, 19) };
    assert_eq!(taken(sync.step(1, 0, Input::Ack(Box::new(expects)))), (19, Some(20), None));
    assert_eq!(sync.step(2, 700, Input::Stored), None);
    assert_eq!(sync.deadline(), Some(702));
    assert!(matches!(sync.step(702, 0, Input::Timer), Some(Action::Load { .. })));
}

#[test]
fn what_the_fleet_has_already_is_skipped_and_a_fleet_that_knows_more_than_the_store_means_a_new_epoch() {
    let ahead = |exp| Ack { exp: Some(exp), ..ack(1, exp - 1) };
    let mut sync = sending();
    assert_eq!(taken(sync.clone().step(1, 0, Input::Ack(Box::new(ahead(11))))), (10, None, None));
    assert_eq!(
        taken(sync.step(1, 0, Input::Ack(Box::new(ahead(31))))),
        (10, None, Some(WhyNewEpoch::Restored))
    );
}

#[test]
fn a_fork_is_drained_and_a_new_epoch_begins() {
    let mut sync = sending();
    let forked = Ack { fork: Some(Fork { at: 3 }), ..ack(1, 10) };
    assert_eq!(taken(sync.step(1, 0, Input::Ack(Box::new(forked)))), (10, None, Some(WhyNewEpoch::Fork)));
    assert!(matches!(sync.step(2, 0, Input::Stored), Some(Action::Load { .. })));
}

#[test]
fn an_answer_that_gains_nothing_is_no_reason_to_hurry() {
    let mut sync = sending();
    assert_eq!(taken(sync.step(1, 0, Input::Ack(Box::new(ack(1, 0))))).0, 0);
    assert_eq!(sync.step(2, 900, Input::Stored), None);
    assert_eq!(sync.deadline(), Some(902));
}

#[test]
fn an_answer_beyond_its_batch_is_cut_to_it() {
    let mut sync = sending();
    assert_eq!(taken(sync.step(1, 0, Input::Ack(Box::new(ack(1, 99))))).0, 10);
}

#[test]
fn something_new_while_the_outbox_is_read_is_not_forgotten() {
    let mut sync = Sync::new(Patience { ack_ms: ACK_MS });
    sync.step(0, 0, Input::Connected);
    assert_eq!(sync.step(0, 0, Input::NewEvents), None);
    assert!(matches!(sync.step(0, 0, Input::Loaded(None)), Some(Action::Load { .. })));
    assert_eq!(sync.step(0, 0, Input::Loaded(None)), None);
}

/// What may happen between kiosk and fleet.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Deliver,
    LoseBatch,
    LoseAck,
    DuplicateAck,
    Refuse,
    Disconnect,
    Forged,
    NewEvent,
    NotStored,
    FleetLoses(u8),
    Late,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => Just(Fate::Deliver),
        1 => Just(Fate::LoseBatch),
        1 => Just(Fate::LoseAck),
        1 => Just(Fate::DuplicateAck),
        1 => Just(Fate::Refuse),
        1 => Just(Fate::Disconnect),
        1 => Just(Fate::Forged),
        3 => Just(Fate::NewEvent),
        1 => Just(Fate::NotStored),
        1 => any::<u8>().prop_map(Fate::FleetLoses),
        1 => Just(Fate::Late),
    ]
}

/// A kiosk's outbox, a network and a fleet.
struct World {
    sync: Sync,
    now: u64,
    next_id: u64,
    end: u64,
    cursor: u64,
    fleet: u64,
    loaded: Option<Run>,
    on_the_way: VecDeque<(Id, Run)>,
    old_acks: Vec<Ack>,
}

impl World {
    fn new() -> Self {
        Self {
            sync: Sync::new(Patience { ack_ms: ACK_MS }),
            now: 0,
            next_id: 0,
            end: 3,
            cursor: 0,
            fleet: 0,
            loaded: None,
            on_the_way: VecDeque::new(),
            old_acks: Vec::new(),
        }
    }

    fn feed(&mut self, input: Input, fails: bool) {
        let said = match &input {
            Input::Ack(ack) => Some((**ack).clone()),
            _ => None,
        };
        let mut action = self.sync.step(self.now, self.now.wrapping_mul(7919), input);
        while let Some(todo) = action.take() {
            action = match todo {
                Action::Load { limit } => {
                    self.next_id += 1;
                    let (from, b) = (self.cursor + 1, id(self.next_id));
                    let last = self.end.min(self.cursor + u64::try_from(limit).unwrap());
                    self.loaded =
                        (from <= last).then_some(Run { b, epoch: EPOCH, from, last, end: self.end });
                    let input = if fails { Input::NotStored } else { Input::Loaded(self.loaded) };
                    self.sync.step(self.now, self.now, input)
                }
                Action::Publish { b } => {
                    let run = self.loaded.expect("a publish follows a load");
                    self.on_the_way.push_back((b, run));
                    None
                }
                Action::Acknowledge { thru, rewind, .. } => {
                    let said = said.as_ref().expect("the cursor moves only on the fleet's own word");
                    assert!(thru <= said.thru && thru <= self.end);
                    if fails {
                        self.sync.step(self.now, self.now, Input::NotStored)
                    } else {
                        self.cursor = self.cursor.max(thru);
                        if let Some(rewind) = rewind {
                            self.cursor = self.cursor.min(rewind - 1);
                        }
                        self.sync.step(self.now, self.now, Input::Stored)
                    }
                }
            };
        }
    }

    /// The fleet takes a batch as §8.3 of the facts says.
    fn ingest(&mut self, b: Id, run: Run) -> Ack {
        let expects = run.from > self.fleet + 1;
        if !expects {
            self.fleet = self.fleet.max(run.last);
        }
        let thru = if expects { self.fleet } else { run.last };
        let exp = expects.then_some(self.fleet + 1);
        let ack = Ack { b, exp, ..ack(0, thru) };
        self.old_acks.push(ack.clone());
        ack
    }

    fn meets(&mut self, fate: Fate) {
        self.now += 1;
        match fate {
            Fate::Deliver | Fate::LoseAck | Fate::DuplicateAck | Fate::NotStored => {
                self.feed(Input::Published(PubAck::Taken), false);
                let Some((b, run)) = self.on_the_way.pop_front() else { return };
                let ack = Box::new(self.ingest(b, run));
                let fails = matches!(fate, Fate::NotStored);
                if !matches!(fate, Fate::LoseAck) {
                    self.feed(Input::Ack(ack.clone()), fails);
                }
                if matches!(fate, Fate::DuplicateAck) {
                    self.feed(Input::Ack(ack), false);
                }
            }
            Fate::LoseBatch => {
                self.on_the_way.pop_front();
                self.feed(Input::Published(PubAck::Lost), false);
            }
            Fate::Refuse => {
                self.on_the_way.pop_front();
                self.feed(Input::Published(PubAck::Refused), false);
            }
            Fate::Disconnect => {
                self.feed(Input::Disconnected, false);
                self.feed(Input::Connected, false);
            }
            Fate::Forged => self.feed(Input::Ack(Box::new(ack(u64::MAX, self.end))), false),
            Fate::NewEvent => {
                self.end += 1;
                self.feed(Input::NewEvents, false);
            }
            // A fleet restored from a backup does not know what it said.
            Fate::FleetLoses(keep) => {
                self.fleet = self.fleet.min(u64::from(keep));
                self.old_acks.clear();
                self.on_the_way.clear();
            }
            Fate::Late => {
                if let Some(ack) = self.old_acks.last().cloned() {
                    self.feed(Input::Ack(Box::new(ack)), false);
                }
            }
        }
        if self.sync.deadline().is_some_and(|deadline| matches!(fate, Fate::LoseAck) || deadline <= self.now)
        {
            self.now = self.now.max(self.sync.deadline().unwrap_or(0));
            self.feed(Input::Timer, false);
        }
    }

    /// Nothing breaks any more: everything must arrive.
    fn heal(&mut self) {
        self.feed(Input::Disconnected, false);
        self.feed(Input::Connected, false);
        for _ in 0..5000 {
            if self.cursor == self.end && self.fleet == self.end {
                return;
            }
            self.meets(Fate::Deliver);
            if let Some(deadline) = self.sync.deadline().filter(|_| self.on_the_way.is_empty()) {
                self.now = self.now.max(deadline);
                self.feed(Input::Timer, false);
            }
            if self.cursor == self.end && self.fleet < self.end {
                // Only a new event lets the kiosk hear that the fleet has lost something.
                self.end += 1;
                self.feed(Input::NewEvents, false);
            }
        }
        panic!("cursor {} fleet {} end {}: {:?}", self.cursor, self.fleet, self.end, self.sync);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_on_the_way_the_cursor_is_never_ahead_of_the_fleet_and_all_arrives(
        fates in prop::collection::vec(fate(), 0..120)
    ) {
        let mut world = World::new();
        world.feed(Input::Connected, false);
        for fate in fates {
            let lost = matches!(fate, Fate::FleetLoses(_));
            let before = world.cursor;
            world.meets(fate);
            prop_assert!(
                world.cursor <= before.max(world.fleet) || lost,
                "the cursor moved to {} and the fleet has {}", world.cursor, world.fleet
            );
        }
        world.heal();
        prop_assert_eq!(world.cursor, world.fleet);
    }
}
