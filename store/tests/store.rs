//! The store as its users see it: what is appended is there, what is damaged is noticed, nothing is lost.

#![expect(clippy::unwrap_used, reason = "a test that does not find what it expects has failed")]

use std::path::Path;

use domain::Event;
use domain::event::{DrawerEvent, ServiceEvent};
use domain::ids::{IdSource, Uuid};
use protocol::event::EpochReason;
use protocol::fleet::{Job, JobKind, JobState};
use protocol::sync::{Answer, Answered, DenyReason, Remedy};
use protocol::text::Id;
use store::{
    Acknowledged, CatalogDocument, Clocks, Options, OrderFilter, Outbox, Recorded, Store, StoreError,
    TwinRow, UpdateRow,
};

struct Counter(u64);

impl IdSource for Counter {
    fn next_id(&mut self) -> Uuid {
        self.0 += 1;
        let mut bytes = [0; 16];
        bytes[8..].copy_from_slice(&self.0.to_be_bytes());
        Uuid(bytes)
    }
}

const NOON: Clocks = Clocks { wall_ms: 1_792_000_000_000, mono_ms: 1, quality: 2 };

fn options(dir: &Path) -> Options {
    Options { path: dir.join("kiosk.db"), kiosk: "t7.k0042".into(), formerly: Vec::new() }
}

fn open(dir: &Path) -> Store {
    Store::open(options(dir), NOON, &mut Counter(wall_seed())).unwrap()
}

/// Ids must differ between the openings of one test.
fn wall_seed() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1_000_000, Ordering::Relaxed)
}

fn kick(n: u32) -> Event {
    Event::Drawer(DrawerEvent::Kicked { reason: format!("test {n}").into() })
}

fn acknowledge(store: &mut Store, epoch: u64, thru: u64) {
    store
        .acknowledge(&Acknowledged { epoch, thru, answers: &[] }, &[], NOON, &mut Counter(wall_seed()))
        .unwrap();
}

fn replayed(store: &Store) -> Vec<Event> {
    let mut events = Vec::new();
    store.replay(|_, event| events.push(event)).unwrap();
    events
}

#[test]
fn a_log_longer_than_the_checked_tail_opens_and_its_tail_is_checked_from_any_event() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let events: Vec<Event> = (0..2500).map(kick).collect();
    store.append(&events, NOON, &mut Counter(500)).unwrap();
    drop(store);
    let store = open(dir.path());
    assert_eq!(replayed(&store), events);
    // `epoch.started` is the first of 2501.
    for (from, checked) in [(1, 2501), (2, 2500), (3, 2499), (2501, 1)] {
        assert_eq!(store.verify(store.epoch(), from).unwrap(), checked, "from {from}");
    }
}

#[test]
fn what_was_appended_is_replayed_in_order_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let epoch = store.epoch();
    let mut ids = Counter(500);
    store.append(&[kick(1), kick(2)], NOON, &mut ids).unwrap();
    let landed = store.append(&[kick(3)], NOON, &mut ids).unwrap();
    assert_eq!((landed.epoch, landed.last_seq), (epoch, 4), "after epoch.started");
    drop(store);
    let store = open(dir.path());
    assert_eq!(replayed(&store), [kick(1), kick(2), kick(3)]);
    assert_eq!(store.epoch(), epoch, "a restart is no new epoch");
    assert_eq!(store.boot(), 2);
    assert_eq!(store.verify(epoch, 1).unwrap(), 4);
}

#[test]
fn a_second_process_is_refused_while_the_first_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let error = Store::open(options(dir.path()), NOON, &mut Counter(9)).unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }), "{error:?}");
    drop(store);
    open(dir.path());
}

#[test]
fn another_kiosks_store_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let other = Options { kiosk: "t7.k0043".into(), ..options(dir.path()) };
    let error = Store::open_or_quarantine(other, NOON, &mut Counter(9)).unwrap_err();
    assert!(matches!(error, StoreError::Foreign { .. }), "{error:?}");
    assert_eq!(open(dir.path()).boot(), 2);
}

#[test]
fn a_changed_event_is_noticed_and_the_store_moved_aside_not_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let old_epoch = store.epoch();
    store.append(&[kick(1), kick(2)], NOON, &mut Counter(500)).unwrap();
    drop(store);
    let raw = rusqlite::Connection::open(dir.path().join("kiosk.db")).unwrap();
    raw.execute("UPDATE event SET body = '{}' WHERE seq = 2", []).expect_err("events are never changed");
    raw.execute_batch(
        "DROP TRIGGER event_is_never_changed; UPDATE event SET body = '{\"reason\":\"x\"}' WHERE seq = 2;",
    )
    .unwrap();
    drop(raw);

    let error = Store::open(options(dir.path()), NOON, &mut Counter(9)).unwrap_err();
    assert!(matches!(error, StoreError::Chain { seq: 2, .. }), "{error:?}");
    let (store, damage) = Store::open_or_quarantine(options(dir.path()), NOON, &mut Counter(9)).unwrap();
    let damage = damage.expect("reported");
    assert!(damage.moved_to.exists());
    assert!(damage.moved_to.starts_with(dir.path().join("quarantine")));
    assert!(replayed(&store).is_empty());
    assert!(store.epoch() >= old_epoch);
}

#[test]
fn garbage_in_place_of_a_store_is_moved_aside() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("kiosk.db"), vec![0xa5; 8192]).unwrap();
    let (store, damage) = Store::open_or_quarantine(options(dir.path()), NOON, &mut Counter(9)).unwrap();
    assert_eq!(std::fs::read(damage.unwrap().moved_to).unwrap(), vec![0xa5; 8192]);
    assert!(replayed(&store).is_empty());
}

#[test]
fn a_file_of_a_newer_version_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let raw = rusqlite::Connection::open(dir.path().join("kiosk.db")).unwrap();
    raw.pragma_update(None, "user_version", 999).unwrap();
    raw.execute("UPDATE usable SET least = 999", []).unwrap();
    drop(raw);
    let error = Store::open_or_quarantine(options(dir.path()), NOON, &mut Counter(9)).unwrap_err();
    assert!(matches!(error, StoreError::Foreign { .. }), "{error:?}");
}

/// A new release has brought its store to a later form and did not prove itself.
#[test]
fn the_release_before_goes_on_with_a_store_to_which_a_later_one_has_only_added() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    store.append(&[kick(1)], NOON, &mut Counter(500)).unwrap();
    drop(store);
    raise(dir.path(), "CREATE TABLE added (x INTEGER); PRAGMA user_version = 999");
    for n in 2..4 {
        let mut store = open(dir.path());
        store.append(&[kick(n)], NOON, &mut Counter(u64::from(n) * 1000)).unwrap();
    }
    assert_eq!(replayed(&open(dir.path())), [kick(1), kick(2), kick(3)]);
}

#[test]
fn the_journal_of_updates_and_its_verdict_are_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    assert_eq!(store.update_row().unwrap(), None);
    for verdict in [None, Some("{\"result\":\"confirmed\"}".to_owned())] {
        let row = UpdateRow { journal: format!("{{\"verdict\":{}}}", verdict.is_some()), verdict };
        store.set_update_row(&row).unwrap();
        drop(store);
        store = open(dir.path());
        assert_eq!(store.update_row().unwrap(), Some(row));
    }
}

#[test]
fn epochs_grow_even_when_the_clock_went_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let first = store.epoch();
    let early = Clocks { wall_ms: 5, ..NOON };
    store.start_epoch(EpochReason::Restored, early, &mut Counter(500)).unwrap();
    assert_eq!(store.epoch(), first + 1);
    store.append(&[kick(1)], early, &mut Counter(600)).unwrap();
    assert_eq!(store.verify(first + 1, 1).unwrap(), 2);
    assert_eq!(store.epochs().unwrap(), [first, first + 1]);
}

#[test]
fn the_outbox_hands_out_events_until_they_are_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let epoch = store.epoch();
    store.append(&[kick(1), kick(2), kick(3)], NOON, &mut Counter(500)).unwrap();
    assert_eq!(store.unsynced().unwrap().events, 4);
    let seqs = |store: &Store| -> Vec<u64> {
        store.pending(10).unwrap().iter().flat_map(|p| &p.events).map(|e| e.envelope.seq).collect()
    };
    assert_eq!(seqs(&store), [1, 2, 3, 4]);
    acknowledge(&mut store, epoch, 2);
    assert_eq!(seqs(&store), [3, 4]);
    acknowledge(&mut store, epoch, 1);
    assert_eq!(seqs(&store), [3, 4], "the cursor never goes back");
    acknowledge(&mut store, epoch, 99);
    assert_eq!(store.unsynced().unwrap().events, 0);
    store.append(&[kick(4)], NOON, &mut Counter(600)).unwrap();
    assert_eq!(seqs(&store), [5], "an acknowledgement beyond the log hides nothing");
    store.start_epoch(EpochReason::Restored, NOON, &mut Counter(700)).unwrap();
    assert_eq!(seqs(&store), [5], "one epoch at a time, the oldest first");
    acknowledge(&mut store, epoch, 5);
    assert_eq!(seqs(&store), [1]);
}

#[test]
fn a_catalog_is_switched_whole_and_old_ones_are_pruned() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    assert_eq!(store.active_catalog().unwrap(), None);
    for rev in 1..=20 {
        let document = CatalogDocument { rev, bytes: format!("{{\"rev\":{rev}}}").into_bytes() };
        let clocks = Clocks { wall_ms: NOON.wall_ms + i64::try_from(rev).unwrap(), ..NOON };
        let sha256 = store.activate_catalog(&document, clocks).unwrap();
        let active = store.active_catalog().unwrap().unwrap();
        assert_eq!((active.sha256, active.document), (sha256, document));
    }
    drop(store);
    let raw = rusqlite::Connection::open(dir.path().join("kiosk.db")).unwrap();
    let kept: i64 = raw.query_row("SELECT count(*) FROM catalog_snapshot", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, 5);
}

#[test]
fn a_failed_write_closes_the_store_until_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    store.append(&[kick(1)], NOON, &mut Counter(500)).unwrap();
    // A repeated event id cannot happen by itself; a second table writer stands for any refused write.
    let raw = rusqlite::Connection::open(dir.path().join("kiosk.db")).unwrap();
    raw.execute_batch("CREATE TRIGGER no BEFORE INSERT ON event BEGIN SELECT raise(ABORT, 'no'); END;")
        .unwrap();
    let failed = store.append(&[kick(2)], NOON, &mut Counter(600)).unwrap_err();
    assert!(matches!(failed, StoreError::Database { .. }), "{failed:?}");
    raw.execute_batch("DROP TRIGGER no").unwrap();
    let refused = store.append(&[kick(3)], NOON, &mut Counter(700)).unwrap_err();
    assert!(matches!(refused, StoreError::Poisoned), "{refused:?}");
    drop(store);
    assert_eq!(replayed(&open(dir.path())), [kick(1)]);
}

#[test]
fn an_event_that_cannot_be_encoded_stores_nothing_and_the_store_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let huge = Event::Service(ServiceEvent::Closed { by: "x".repeat(100_000).into() });
    let error = store.append(&[kick(1), huge], NOON, &mut Counter(500)).unwrap_err();
    assert!(matches!(error, StoreError::Encode(_)), "{error:?}");
    store.append(&[kick(2)], NOON, &mut Counter(600)).unwrap();
    assert_eq!(replayed(&store), [kick(2)]);
}

#[test]
fn projections_can_be_rebuilt_from_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    store.append(&[kick(1)], NOON, &mut Counter(500)).unwrap();
    let before = store.orders(OrderFilter { limit: 10 }).unwrap();
    store.rebuild_projections().unwrap();
    assert_eq!(store.orders(OrderFilter { limit: 10 }).unwrap(), before);
}

fn raise(dir: &Path, sql: &str) {
    let raw = rusqlite::Connection::open(dir.join("kiosk.db")).unwrap();
    raw.execute_batch(sql).unwrap();
}

#[test]
fn a_store_of_the_version_before_is_read_on_and_keeps_its_cursor() {
    let dir = tempfile::tempdir().unwrap();
    raise(dir.path(), include_str!("fixtures/v1.sql"));
    let options = Options { kiosk: "kiosk".into(), ..options(dir.path()) };
    let store = Store::open(options, NOON, &mut Counter(wall_seed())).unwrap();
    assert_eq!(replayed(&store), [kick(1), kick(2)]);
    assert_eq!(store.verify(store.epoch(), 1).unwrap(), 3);
    let pending = store.pending(10).unwrap().unwrap();
    assert_eq!((pending.epoch, pending.kiosk.as_str()), (NOON.wall_ms.unsigned_abs(), "kiosk"));
    assert_eq!(pending.events.len(), 1);
    assert_eq!(pending.events[0].envelope.hash(&pending.previous), pending.events[0].hash);
}

#[test]
fn an_enrolled_kiosk_begins_an_epoch_and_its_older_events_keep_the_name_they_were_written_under() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    store.append(&[kick(1)], NOON, &mut Counter(500)).unwrap();
    let old = store.epoch();
    store.adopt("t9.k0001", NOON, &mut Counter(600)).unwrap();
    store.append(&[kick(2)], NOON, &mut Counter(700)).unwrap();
    let new = store.epoch();
    assert!(new > old);
    drop(store);

    let refused = Store::open(options(dir.path()), NOON, &mut Counter(800)).unwrap_err();
    assert!(matches!(refused, StoreError::Foreign { .. }), "{refused:?}");
    let enrolled = Options { kiosk: "t9.k0001".into(), ..options(dir.path()) };
    let mut store = Store::open(enrolled, NOON, &mut Counter(900)).unwrap();
    assert_eq!((store.epoch(), replayed(&store)), (new, vec![kick(1), kick(2)]));
    assert_eq!((store.verify(old, 1).unwrap(), store.verify(new, 1).unwrap()), (2, 2));
    let before = store.pending(10).unwrap().unwrap();
    assert_eq!((before.epoch, before.kiosk.as_str(), before.previous), (old, "t7.k0042", [0; 32]));
    acknowledge(&mut store, old, 2);
    let after = store.pending(10).unwrap().unwrap();
    assert_eq!((after.epoch, after.kiosk.as_str(), after.previous), (new, "t9.k0001", [0; 32]));
    assert!(after.events[0].envelope.body.contains("provisioned"));
}

#[test]
fn an_enrolment_that_a_power_cut_interrupted_is_finished_by_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    store.append(&[kick(1)], NOON, &mut Counter(500)).unwrap();
    let old = store.epoch();
    drop(store);
    let renamed =
        || Options { kiosk: "t9.k0001".into(), formerly: vec!["t7.k0042".into()], ..options(dir.path()) };
    // Before anything was written, and after the name was but the epoch was not.
    for cut in [
        "",
        "UPDATE identity SET kiosk = 't9.k0001'; DELETE FROM event WHERE epoch > (SELECT min(epoch) FROM event); DELETE FROM epoch_identity WHERE kiosk = 't9.k0001';",
    ] {
        raise(dir.path(), cut);
        let store = Store::open(renamed(), NOON, &mut Counter(wall_seed())).unwrap();
        assert!(store.epoch() > old, "a new epoch after {cut:?}");
        assert_eq!(store.epochs().unwrap().len(), 2);
        drop(store);
        let again = Store::open(renamed(), NOON, &mut Counter(wall_seed())).unwrap();
        assert_eq!(again.epochs().unwrap().len(), 2, "and only one");
    }
}

fn denied(store: &Store, seq: u64) -> Answer {
    let event = store.event(store.epoch(), seq).unwrap().unwrap();
    Answer {
        s: seq,
        id: event.envelope.id.into(),
        r: Answered::Deny { code: DenyReason::OutOfStock, remedy: Remedy::Refund, srv: "none left".into() },
    }
}

#[test]
fn answers_and_what_the_core_made_of_them_are_stored_with_the_cursor_and_only_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let epoch = store.epoch();
    store.append(&[kick(1), kick(2)], NOON, &mut Counter(500)).unwrap();
    let duplicate = Answer { s: 2, id: [9; 16].into(), r: Answered::Duplicate };
    let answers = [denied(&store, 3), duplicate];
    assert_eq!(store.unheard(&answers).unwrap(), answers[..1], "a repetition is no news");
    let said = Acknowledged { epoch, thru: 3, answers: &answers };
    store.acknowledge(&said, &[kick(9)], NOON, &mut Counter(600)).unwrap();
    assert_eq!(store.unheard(&answers).unwrap(), []);
    assert_eq!(store.acked(epoch).unwrap(), 3);
    store.acknowledge(&said, &[], NOON, &mut Counter(700)).unwrap();
    assert_eq!(store.verdicts().unwrap(), [("deny OUT_OF_STOCK".to_owned(), 1)]);
    assert_eq!(replayed(&store), [kick(1), kick(2), kick(9)]);
}

#[test]
fn an_acknowledgement_that_cannot_be_stored_whole_moves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let epoch = store.epoch();
    store.append(&[kick(1)], NOON, &mut Counter(500)).unwrap();
    raise(dir.path(), "CREATE TRIGGER no BEFORE INSERT ON verdict BEGIN SELECT raise(ABORT, 'no'); END;");
    let answers = [denied(&store, 2)];
    let said = Acknowledged { epoch, thru: 2, answers: &answers };
    store.acknowledge(&said, &[kick(2)], NOON, &mut Counter(600)).unwrap_err();
    assert!(store.is_poisoned());
    drop(store);
    raise(dir.path(), "DROP TRIGGER no;");
    let store = open(dir.path());
    assert_eq!(store.acked(epoch).unwrap(), 0);
    assert_eq!(replayed(&store), [kick(1)]);
}

#[test]
fn what_the_fleet_has_lost_is_sent_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let epoch = store.epoch();
    store.append(&[kick(1), kick(2), kick(3)], NOON, &mut Counter(500)).unwrap();
    acknowledge(&mut store, epoch, 4);
    assert_eq!(store.pending(10).unwrap(), None);
    store.rewind(epoch, 3).unwrap();
    let pending = store.pending(10).unwrap().unwrap();
    assert_eq!(pending.events.iter().map(|e| e.envelope.seq).collect::<Vec<_>>(), [3, 4]);
    assert_eq!(pending.events[0].envelope.hash(&pending.previous), pending.events[0].hash);
    store.rewind(epoch, 9).unwrap();
    assert_eq!(store.acked(epoch).unwrap(), 2, "back only");
}

#[test]
fn a_job_is_written_down_once_and_ends_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let id = Id::from([7; 16]);
    let job = Job { job: id, kind: JobKind::Reboot {}, exp: NOON.wall_ms + 1000, idle: true };
    assert_eq!(store.record_job(&job, NOON).unwrap(), Recorded::New);
    store.set_job(id, JobState::Running, "", None, NOON).unwrap();
    drop(store);
    let mut store = open(dir.path());
    let open_jobs = store.open_jobs().unwrap();
    assert_eq!(
        (open_jobs[0].job.as_ref(), open_jobs[0].state, open_jobs[0].boot),
        (Some(&job), JobState::Running, 1)
    );
    store.set_job(id, JobState::Done, "", Some("v1/x"), NOON).unwrap();
    store.set_job(id, JobState::Failed, "too late", None, NOON).unwrap();
    let Recorded::Known(known) = store.record_job(&job, NOON).unwrap() else { panic!("it came before") };
    assert_eq!(
        (known.state, known.result.as_deref(), known.why.as_str()),
        (JobState::Done, Some("v1/x"), "")
    );
    assert_eq!(store.open_jobs().unwrap(), []);
    let later = Clocks { wall_ms: NOON.wall_ms + 8 * 24 * 3600 * 1000, ..NOON };
    let other = Job { job: Id::from([8; 16]), ..job };
    store.record_job(&other, later).unwrap();
    assert_eq!(store.job(id).unwrap(), None, "long after its expiry an id may be forgotten");
}

#[test]
fn connections_are_counted_anew_with_every_start() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let first = store.count_connection().unwrap();
    let second = store.count_connection().unwrap();
    drop(store);
    let third = open(dir.path()).count_connection().unwrap();
    assert_eq!([first, second, third].map(|c| (c.boot, c.conn)), [(1, 1), (1, 2), (2, 1)]);
    assert!(first < second && second < third);
}

#[test]
fn the_twin_in_force_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    assert_eq!(store.twin().unwrap(), TwinRow::default());
    let twin = TwinRow {
        rev: 41,
        desired: [("kiosk.language".to_owned(), "de".into())].into(),
        errors: [("x".to_owned(), "there is no such setting".to_owned())].into(),
    };
    store.set_twin(&twin).unwrap();
    drop(store);
    assert_eq!(open(dir.path()).twin().unwrap(), twin);
}
