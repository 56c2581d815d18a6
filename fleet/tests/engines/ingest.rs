//! Ingest on the real database and broker: each event once, in order, whatever comes.

use std::collections::BTreeSet;

use fleet::database::{self, Database, Server};
use fleet::embedded::Embedded;
use fleet::ingest::{Incoming, apply_group};
use protocol::event::{Envelope, GENESIS, Hash};
use protocol::sync::{Ack, Answered, DenyReason, QuarantineReason, Received, WireEvent};
use protocol::text::Id;
use protocol::topic::KioskId;
use tokio_postgres::Client;

use crate::support::{Base, connect};

pub const NOW: i64 = 1_795_000_000_000;

pub struct Fleet {
    _base: Base,
    pub embedded: Embedded,
    pub database: Database,
    pub owner: Client,
}

impl Fleet {
    pub async fn new() -> Self {
        let base = Base::new();
        let embedded = base.start().await;
        let strings = embedded.engines().database.clone();
        let server = |address: &str| Server::new(address, None).unwrap();
        let owner = server(&strings.owner);
        database::migrate(&owner).await.unwrap();
        database::migrate(&owner).await.unwrap();
        let owner = connect(&strings.owner).await.unwrap();
        owner
            .batch_execute(
                "INSERT INTO tenant VALUES ('t1', 'One'), ('t2', 'Two');
                 INSERT INTO site (tenant, id, name) VALUES ('t1', 's1', 'Shop'), ('t2', 's1', 'Other');
                 INSERT INTO kiosk (id, tenant, site) VALUES ('k1', 't1', 's1'), ('k2', 't1', 's1'), ('o1', 't2', 's1');
                 INSERT INTO stock (tenant, site, variation, on_hand) VALUES ('t1', 's1', 'cola-05', 500000)",
            )
            .await
            .unwrap();
        let database = Database::new(&server(&strings.app)).unwrap();
        Self { _base: base, embedded, database, owner }
    }

    pub async fn apply(&self, batches: &[Incoming]) -> Vec<Ack> {
        let mut connection = self.database.connection().await.unwrap();
        apply_group(&mut connection, "t1", batches, NOW).await.unwrap()
    }

    pub async fn count(&self, sql: &str) -> i64 {
        self.owner.query_one(sql, &[]).await.unwrap().get(0)
    }

    async fn on_hand(&self) -> i64 {
        self.count("SELECT on_hand FROM stock WHERE variation = 'cola-05'").await
    }
}

/// A kiosk's log as it grows.
pub struct Log {
    kiosk: &'static str,
    pub epoch: u64,
    pub events: Vec<WireEvent>,
    previous: Hash,
    pub salt: u64,
}

impl Log {
    pub fn new(kiosk: &'static str, epoch: u64) -> Self {
        let mut log = Self {
            kiosk,
            epoch,
            events: Vec::new(),
            previous: GENESIS,
            salt: u64::from(kiosk.as_bytes()[1]),
        };
        log.add("epoch.started", r#"{"anchor":null,"reason":"provisioned"}"#.to_owned());
        log
    }

    pub fn add(&mut self, kind: &str, body: String) -> u64 {
        let seq = self.events.len() as u64 + 1;
        let id = uuid::Uuid::from_u64_pair(
            0x01a1_3b86_0000_7000 | (self.epoch << 16),
            0x8000_0000_0000_0000 | (self.salt << 32) | seq,
        );
        let envelope = Envelope {
            kiosk: self.kiosk.to_owned(),
            epoch: self.epoch,
            seq,
            id: id.into_bytes(),
            kind: kind.to_owned(),
            version: 1,
            wall_ms: NOW,
            hlc: seq,
            boot: 1,
            mono_ms: seq,
            clock: 2,
            body,
        };
        let hash = envelope.hash(&self.previous);
        self.previous = hash;
        self.events.push(WireEvent::new(&envelope, &hash).unwrap());
        seq
    }

    /// The newest event gets another id.
    fn rename_last(&mut self, id: Id) {
        let before = self.events.len().checked_sub(2).map_or(GENESIS, |at| self.events[at].hash.0);
        let last = self.events.last_mut().unwrap();
        last.id = id;
        last.hash.0 = last.envelope(self.kiosk, self.epoch).hash(&before);
        self.previous = last.hash.0;
    }

    /// The body of an event of an order.
    fn golden(&self, name: &str, order: u8) -> String {
        let text =
            std::fs::read_to_string(format!("../protocol/tests/golden/events/{name}.v1.json")).unwrap();
        text.replace("8000-000000000001", &format!("8000-{:02x}00000000{order:02x}", self.salt))
            .replace("8000-000000000002", &format!("8000-{:02x}000000ff{order:02x}", self.salt))
    }

    /// An order that is placed, paid by card and closed; returns the number of `order.paid`.
    fn sale(&mut self, order: u8, fiscal: u64) -> u64 {
        let (placed, created) = (self.golden("order.placed", order), self.golden("payment.created", order));
        let paid = self.golden("order.paid", order).replace("\"n\":1,", &format!("\"n\":{fiscal},"));
        self.add("order.placed", placed);
        self.add("payment.created", created);
        self.add("order.paid", paid)
    }

    pub fn batch(&self, from: u64, to: u64) -> Incoming {
        let at = |seq: u64| usize::try_from(seq - 1).unwrap();
        let batch = Received {
            b: Id::from([7; 16]),
            epoch: self.epoch,
            from,
            previous: if from == 1 { GENESIS } else { self.events[at(from - 1)].hash.0 },
            written_as: self.kiosk.to_owned(),
            events: self.events[at(from)..=at(to)].iter().cloned().map(Ok).collect(),
        };
        Incoming { kiosk: KioskId::new(self.kiosk).unwrap(), site: "s1".into(), batch }
    }

    pub fn all(&self) -> Incoming {
        self.batch(1, self.events.len() as u64)
    }
}

pub fn denied(ack: &Ack) -> Vec<(u64, DenyReason)> {
    ack.x
        .iter()
        .filter_map(|answer| match answer.r {
            Answered::Deny { code, .. } => Some((answer.s, code)),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn every_event_is_stored_once_and_its_sale_stock_and_answers_stay_the_same_when_repeated() {
    let fleet = Fleet::new().await;
    let (mut one, mut two) = (Log::new("k1", 5), Log::new("k2", 5));
    // Five pieces are there; each sale takes two.
    one.sale(1, 1);
    let second = one.sale(2, 2);
    let third = two.sale(1, 1);
    let acks = fleet.apply(&[one.all(), two.all()]).await;
    assert_eq!(acks.iter().map(|ack| ack.thru).collect::<Vec<_>>(), [7, 4]);
    assert_eq!((denied(&acks[0]), denied(&acks[1])), (vec![], vec![(third, DenyReason::OutOfStock)]));
    assert_eq!(fleet.on_hand().await, 100_000);
    assert_eq!(fleet.count("SELECT count(*) FROM event").await, 11);
    assert_eq!(fleet.count("SELECT count(*) FROM task WHERE kind = 'sale_denied'").await, 1);
    assert_eq!(fleet.count("SELECT count(*) FROM sale WHERE state = 'paid' AND denied IS NULL").await, 2);

    let again = fleet.apply(&[one.all(), two.all()]).await;
    assert!(again[0].x.iter().all(|answer| answer.r == Answered::Duplicate));
    assert_eq!(denied(&again[1]), [(third, DenyReason::OutOfStock)], "the answer of the first time");
    assert_eq!(fleet.on_hand().await, 100_000);
    assert_eq!(fleet.count("SELECT count(*) FROM event").await, 11);
    assert_eq!(fleet.count("SELECT count(*) FROM task").await, 1);

    // A restored kiosk that uses a fiscal number again.
    one.sale(3, 2);
    let ack = &fleet.apply(&[one.batch(8, 10)]).await[0];
    assert_eq!(denied(ack), [(10, DenyReason::DuplicateFiscal)]);
    assert!(second < 10);
    fleet.embedded.stop().await.unwrap();
}

#[tokio::test]
async fn what_a_kiosk_asks_of_people_is_a_task_until_its_staff_say_that_it_is_done() {
    let fleet = Fleet::new().await;
    let mut log = Log::new("k1", 5);
    log.sale(1, 1);
    let raised = log.golden("task.raised", 1);
    let raised = log.add("task.raised", raised);
    fleet.apply(&[log.all()]).await;
    let open = "SELECT count(*) FROM task JOIN sale ON sale.id = task.sale
                WHERE task.kind = 'unclear_payment' AND task.kiosk = 'k1' AND done_at IS NULL";
    assert_eq!(fleet.count(open).await, 1, "with the order that the payment is of");
    // Another kiosk cannot end it.
    let mut other = Log::new("k2", 5);
    let done = log.golden("task.done", 1);
    other.add("task.done", done.clone());
    fleet.apply(&[other.all(), log.all()]).await;
    assert_eq!(fleet.count(open).await, 1);
    log.add("task.done", done);
    fleet.apply(&[log.batch(raised, raised + 1)]).await;
    let done = "SELECT count(*) FROM task WHERE outcome = 'done' AND done_by = 'ada'";
    assert_eq!((fleet.count(open).await, fleet.count(done).await), (0, 1));
    fleet.embedded.stop().await.unwrap();
}

#[tokio::test]
async fn copies_in_one_group_get_the_answer_of_the_first() {
    let fleet = Fleet::new().await;
    fleet.owner.batch_execute("UPDATE stock SET on_hand = 200000").await.unwrap();
    let (mut log, mut other) = (Log::new("k1", 5), Log::new("k2", 5));
    log.sale(1, 1);
    let late = log.sale(2, 2);
    let unheard = log.add("service.sung", r#"{"by":"ada"}"#.into());
    let unfit = log.add("order.closed", r#"{"order":"01000000-0000-7000-8000-0000000000ee"}"#.into());
    other.add("service.closed", r#"{"by":"ada"}"#.into());
    // The fleet was away for a while: all of this comes at once.
    let part = log.batch(late, unfit);
    let acks = fleet.apply(&[log.all(), log.all(), other.all(), part, log.all()]).await;
    let quarantined = |ack: &Ack| -> Vec<u64> {
        let quarantined = ack.x.iter().filter(|answer| matches!(answer.r, Answered::Quarantine { .. }));
        quarantined.map(|answer| answer.s).collect()
    };
    for copy in [0, 1, 3, 4] {
        assert_eq!(denied(&acks[copy]), [(late, DenyReason::OutOfStock)], "copy {copy}");
        assert_eq!(quarantined(&acks[copy]), [unheard, unfit], "copy {copy}");
        assert_eq!(acks[copy].thru, unfit);
    }
    assert_eq!((acks[2].thru, acks[2].x.len()), (2, 0), "another kiosk's, in its place");
    assert_eq!(fleet.on_hand().await, 0);
    assert_eq!(fleet.count("SELECT count(*) FROM task WHERE kind = 'sale_denied'").await, 1);
    fleet.embedded.stop().await.unwrap();
}

#[tokio::test]
async fn poison_goes_to_quarantine_verbatim_and_what_follows_is_applied() {
    let fleet = Fleet::new().await;
    let mut log = Log::new("k1", 5);
    let clashing = log.add("service.closed", r#"{"by":"ada"}"#.into());
    log.add("service.closed", r#"{"by":"ada\u0000bob"}"#.into());
    log.add("service.sung", r#"{"by":"ada"}"#.into());
    log.add("order.closed", r#"{"order":"01000000-0000-7000-8000-0000000000ee"}"#.into());
    let placed = log.events.len() as u64;
    log.sale(1, 1);
    // A name with a NUL, which no text column takes; a day that no calendar has.
    let golden = include_str!("../../../protocol/tests/golden/events/order.placed.v1.json");
    log.add(
        "order.placed",
        golden.replace("8000-000000000001", "8000-0000000000aa").replace("Cola", "C\\u0000la"),
    );
    log.add(
        "order.placed",
        golden.replace("8000-000000000001", "8000-0000000000ab").replace("[2026,11,21]", "[2026,2,30]"),
    );
    let last = log.add("service.opened", r#"{"by":"ada"}"#.into());
    // Another kiosk has used one of the ids.
    let mut other = Log::new("k2", 5);
    other.events[0].id = log.events[usize::try_from(clashing).unwrap() - 1].id;
    let envelope = other.events[0].envelope("k2", 5);
    other.events[0].hash.0 = envelope.hash(&GENESIS);
    fleet.apply(&[other.all()]).await;

    let ack = &fleet.apply(&[log.all()]).await[0];
    assert_eq!(ack.thru, last);
    let quarantined: Vec<(u64, QuarantineReason)> = ack
        .x
        .iter()
        .filter_map(|answer| match answer.r {
            Answered::Quarantine { code, .. } => Some((answer.s, code)),
            _ => None,
        })
        .collect();
    let bad_day = last - 1;
    let wanted = [
        (clashing, QuarantineReason::Apply),
        (4, QuarantineReason::Kind),
        (placed, QuarantineReason::Apply),
        (bad_day, QuarantineReason::Apply),
    ];
    assert_eq!(quarantined, wanted);
    assert_eq!(fleet.count("SELECT count(*) FROM quarantine").await, 4);
    assert_eq!(fleet.count("SELECT count(*) FROM sale").await, 2, "the others were applied");
    let again = &fleet.apply(&[log.all()]).await[0];
    let repeated: BTreeSet<u64> = again
        .x
        .iter()
        .filter(|answer| matches!(answer.r, Answered::Quarantine { .. }))
        .map(|answer| answer.s)
        .collect();
    assert_eq!(repeated, wanted.map(|(seq, _)| seq).into(), "repeated answers are the same");
    assert_eq!(fleet.count("SELECT count(*) FROM quarantine").await, 4);
    fleet.embedded.stop().await.unwrap();
}

#[tokio::test]
async fn a_sale_is_paid_once_an_id_counts_once_and_names_without_end_stay_out() {
    let fleet = Fleet::new().await;
    let mut log = Log::new("k1", 5);
    log.sale(1, 1);
    let paid_again = log.add("order.paid", log.golden("order.paid", 1).replace("\"n\":1,", "\"n\":2,"));
    let first = log.add("service.closed", r#"{"by":"ada"}"#.into());
    let same_id = log.add("service.opened", r#"{"by":"ada"}"#.into());
    log.rename_last(log.events[usize::try_from(first).unwrap() - 1].id);
    let long = log.add("order.placed", log.golden("order.placed", 2).replace("cola-05", &"c".repeat(201)));
    let last = log.add("service.closed", r#"{"by":"ada"}"#.into());

    let ack = &fleet.apply(&[log.all()]).await[0];
    let answers: Vec<u64> = ack.x.iter().map(|answer| answer.s).collect();
    assert_eq!((ack.thru, answers), (last, vec![paid_again, same_id, long]), "{:?}", ack.x);
    assert!(ack.x.iter().all(|answer| matches!(answer.r, Answered::Quarantine { .. })), "{:?}", ack.x);
    assert_eq!(fleet.on_hand().await, 300_000);
    assert_eq!(fleet.count("SELECT count(*) FROM sale").await, 1);
    assert_eq!(fleet.count("SELECT fiscal_n FROM sale").await, 1);
    assert_eq!(fleet.count("SELECT count(*) FROM event").await, last.cast_signed() - 3);
    fleet.embedded.stop().await.unwrap();
}

#[tokio::test]
async fn a_fork_is_drained_and_the_same_batch_twice_in_a_group_is_taken_once() {
    let fleet = Fleet::new().await;
    let mut ours = Log::new("k1", 5);
    ours.sale(1, 1);
    let acks = fleet.apply(&[ours.all(), ours.all()]).await;
    assert_eq!(acks.iter().map(|ack| ack.thru).collect::<Vec<_>>(), [4, 4]);
    assert_eq!(fleet.count("SELECT count(*) FROM event").await, 4);
    assert_eq!(fleet.on_hand().await, 300_000);

    let mut clone = Log::new("k1", 5);
    clone.salt = 99;
    clone.add("service.closed", r#"{"by":"clone"}"#.into());
    let ack = &fleet.apply(&[clone.all()]).await[0];
    assert_eq!((ack.fork.map(|fork| fork.at), ack.thru), (Some(2), 2));
    assert_eq!(fleet.count("SELECT count(*) FROM quarantine WHERE reason = 'FORK'").await, 1);
    fleet.apply(&[clone.all(), clone.all()]).await;
    let tasks = "SELECT kiosk, site, detail FROM task WHERE kind = 'forked' AND done_at IS NULL";
    let tasks = fleet.owner.query(tasks, &[]).await.unwrap();
    assert_eq!(tasks.len(), 1, "once for this epoch");
    assert_eq!((tasks[0].get(0), tasks[0].get(1)), ("k1", "s1"));
    assert!(tasks[0].get::<_, &str>(2).contains("number 2 of epoch 5 exists twice"));
    // A new epoch of either machine is fine.
    let mut anew = Log::new("k1", 6);
    anew.sale(4, 1);
    let ack = &fleet.apply(&[anew.all()]).await[0];
    assert_eq!((ack.fork, ack.thru), (None, 4));
    fleet.embedded.stop().await.unwrap();
}

#[tokio::test]
async fn a_tenant_sees_and_changes_nothing_of_another() {
    let fleet = Fleet::new().await;
    let mut log = Log::new("k1", 5);
    log.sale(1, 1);
    fleet.apply(&[log.all()]).await;
    let mut connection = fleet.database.connection().await.unwrap();
    let other = database::begin(&mut connection, "t2").await.unwrap();
    for table in ["event", "sale", "stream", "stock", "stock_move"] {
        let seen: i64 = other.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap().get(0);
        assert_eq!(seen, 0, "{table}");
    }
    let foreign = "INSERT INTO stock (tenant, site, variation, on_hand) VALUES ('t1', 's1', 'x', 1)";
    assert!(other.execute(foreign, &[]).await.is_err(), "a row of another tenant");
    drop(other);
    let client = connect(&fleet.embedded.engines().database.app).await.unwrap();
    assert!(client.query("SELECT * FROM sale", &[]).await.is_err(), "a forgotten tenant shows nothing");
    assert!(client.execute("DELETE FROM event", &[]).await.is_err(), "events are never deleted");
    fleet.embedded.stop().await.unwrap();
}

/// Ids are random, so this is a faulty or a hostile kiosk: what it says of an order of others is set aside, and goes on.
#[tokio::test]
async fn the_order_of_another_tenant_is_neither_seen_nor_touched_and_stops_nothing() {
    let fleet = Fleet::new().await;
    let mut log = Log::new("k1", 5);
    log.sale(1, 1);
    fleet.apply(&[log.all()]).await;
    let mut thief = Log::new("o1", 6);
    thief.salt = log.salt;
    thief.sale(1, 1);
    let last = thief.add("service.closed", r#"{"by":"eve"}"#.into());
    let mut connection = fleet.database.connection().await.unwrap();
    for _ in 0..2 {
        let acks = apply_group(&mut connection, "t2", &[thief.all()], NOW).await.unwrap();
        let answers = &acks[0].x;
        assert_eq!(acks[0].thru, last, "{answers:?}");
        let set_aside = answers.iter().filter(|it| matches!(it.r, Answered::Quarantine { .. })).count();
        assert!(set_aside >= 3, "{answers:?}");
    }
    assert_eq!(fleet.count("SELECT count(*) FROM sale WHERE tenant = 't1' AND kiosk = 'k1'").await, 1);
    assert_eq!(fleet.count("SELECT count(*) FROM sale").await, 1);
    assert_eq!(fleet.count("SELECT count(*) FROM payment WHERE kiosk <> 'k1'").await, 0);
    fleet.embedded.stop().await.unwrap();
}

#[tokio::test]
async fn of_two_kiosks_that_place_the_same_order_at_once_one_sells() {
    const ORDERS: u8 = 20;
    let fleet = Fleet::new().await;
    fleet.owner.batch_execute("UPDATE stock SET on_hand = 10000000").await.unwrap();
    let (mut one, mut other) = (Log::new("k1", 5), Log::new("k2", 6));
    other.salt = one.salt;
    fleet.apply(&[one.all(), other.all()]).await;
    for order in 1..=ORDERS {
        let sale = |log: &mut Log| {
            let from = log.events.len() as u64 + 1;
            log.sale(order, order.into());
            log.batch(from, log.events.len() as u64)
        };
        let (batch, same) = ([sale(&mut one)], [sale(&mut other)]);
        let (ours, theirs) = tokio::join!(fleet.apply(&batch), fleet.apply(&same));
        let sold = |acks: &[Ack]| acks[0].x.is_empty();
        assert!(sold(&ours) != sold(&theirs), "{order}: {:?} {:?}", ours[0].x, theirs[0].x);
    }
    assert_eq!(fleet.count("SELECT count(*) FROM sale").await, i64::from(ORDERS));
    let wrong = "SELECT count(*) FROM payment p JOIN sale s ON s.id = p.sale WHERE p.kiosk <> s.kiosk";
    assert_eq!(fleet.count(wrong).await, 0);
    assert_eq!(fleet.on_hand().await, 10_000_000 - 200_000 * i64::from(ORDERS));
    fleet.embedded.stop().await.unwrap();
}
