//! Scarce goods on the real database and broker: what a kiosk may sell nobody else can, whatever is late or lost.

use fleet::quota;
use protocol::fleet::{Quota, Reserve};
use protocol::sync::{Ack, DenyReason};
use protocol::text::Id;
use serde_json::{Value, json};

use crate::api;
use crate::ingest::{Fleet, Log, NOW, denied};
use crate::support::{eventually, output};

pub const PIECE: i64 = 100_000;
pub const LEASE_S: i32 = 28_800;
const COLA: &str = "cola-05";

impl Log {
    fn order(&self, order: u32) -> String {
        format!("8000-{:02x}{:02x}{order:08x}", self.salt, self.epoch)
    }

    /// An order for some colas is placed.
    pub fn place(&mut self, order: u32, pieces: i64) {
        let golden = include_str!("../../../protocol/tests/golden/events/order.placed.v1.json");
        // First the quantity: an id may look like one.
        let body = golden.replace("200000", &(pieces * PIECE).to_string());
        self.add("order.placed", body.replace("8000-000000000001", &self.order(order)));
    }

    /// It is paid; the fiscal number is the order's. Returns the event's number.
    pub fn pay(&mut self, order: u32) -> u64 {
        let golden = include_str!("../../../protocol/tests/golden/events/order.paid.v1.json");
        let body = golden.replace("8000-000000000001", &self.order(order));
        let fiscal = format!("\"n\":{order},\"series\":{}", self.epoch);
        self.add("order.paid", body.replace("\"n\":1,\"series\":1792000000000", &fiscal))
    }

    pub fn cancel(&mut self, order: u32) {
        let golden = include_str!("../../../protocol/tests/golden/events/order.cancelled.v1.json");
        let body = golden.replace("8000-000000000001", &self.order(order));
        self.add("order.cancelled", body);
    }

    pub fn buy(&mut self, order: u32, pieces: i64) -> u64 {
        self.place(order, pieces);
        self.pay(order)
    }

    pub fn in_force(&mut self, rev: i64, pieces: i64) {
        let goods = json!([{ "variation": COLA, "upto": pieces * PIECE, "beyond": "block" }]);
        self.add("stock.quota", json!({ "rev": rev, "until_ms": NOW, "goods": goods }).to_string());
    }
}

/// The shelf, in pieces, and a kiosk's part of it.
#[derive(PartialEq, Eq, Debug)]
struct Part {
    sold: i64,
    ceiling: i64,
    offered: i64,
    rev: i64,
}

impl Fleet {
    pub async fn stock(&self, pieces: i64) {
        let sql = "UPDATE stock SET on_hand = $1, regrant = true WHERE tenant = 't1'";
        self.owner.execute(sql, &[&(pieces * PIECE)]).await.unwrap();
    }

    /// Births of kiosks.
    pub async fn come(&self, kiosks: &[&str]) {
        let sql = "UPDATE kiosk SET is_on = true, last_seen = now(), conn = conn + 1 WHERE id = ANY ($1)";
        self.owner.execute(sql, &[&kiosks]).await.unwrap();
    }

    /// Not heard of for long.
    pub async fn leave(&self, kiosk: &str) {
        let sql = "UPDATE kiosk SET is_on = false, last_seen = now() - interval '2 h' WHERE id = $1";
        self.owner.execute(sql, &[&kiosk]).await.unwrap();
    }

    pub async fn look(&self) -> u64 {
        quota::look(&self.database, LEASE_S).await.unwrap()
    }

    pub async fn ask(&self, kiosk: &str, epoch: u64, pieces: i64) -> Option<Quota> {
        let asked = Reserve {
            question: Id::from([9; 16]),
            epoch,
            goods: [(COLA.to_owned(), pieces * PIECE), ("water".to_owned(), PIECE)].into(),
        };
        let mut connection = self.database.connection().await.unwrap();
        quota::reserve(&mut connection, "t1", kiosk, &asked, LEASE_S).await.unwrap()
    }

    /// Applies the events of a log from this number on, which it moves on. A lost answer makes a kiosk send again.
    async fn sync(&self, log: &Log, from: &mut u64) -> Ack {
        let batch = log.batch(*from, log.events.len() as u64);
        *from = log.events.len() as u64 + 1;
        let first = self.apply(std::slice::from_ref(&batch)).await.remove(0);
        let again = self.apply(&[batch]).await.remove(0);
        assert_eq!(denied(&first), denied(&again));
        self.check().await;
        first
    }

    /// On hand and set aside, in pieces; what is set aside is what is outstanding.
    pub async fn check(&self) -> (i64, i64) {
        let sql = "SELECT on_hand, held, (SELECT coalesce(sum(greatest(ceiling - sold, 0)), 0)::bigint FROM allowance a
                                          WHERE a.site = s.site AND a.variation = s.variation)
                   FROM stock s WHERE tenant = 't1' AND variation = 'cola-05'";
        let row = self.owner.query_one(sql, &[]).await.unwrap();
        let (on_hand, held, outstanding): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
        assert_eq!(held, outstanding);
        (on_hand / PIECE, held / PIECE)
    }

    async fn part(&self, kiosk: &str) -> Part {
        let sql =
            "SELECT a.sold, a.ceiling, a.offered, q.rev FROM allowance a JOIN quota q ON q.kiosk = a.kiosk
                   WHERE a.kiosk = $1 AND a.variation = 'cola-05' AND a.epoch = q.epoch";
        let row = self.owner.query_one(sql, &[&kiosk]).await.unwrap();
        let pieces = |column| row.get::<_, i64>(column) / PIECE;
        Part { sold: pieces(0), ceiling: pieces(1), offered: pieces(2), rev: row.get(3) }
    }
}

#[tokio::test]
async fn what_a_kiosk_may_sell_offline_nobody_else_can_until_its_log_gives_it_back() {
    let fleet = Fleet::new().await;
    fleet.stock(20).await;
    let (mut one, mut two) = (Log::new("k1", 5), Log::new("k2", 5));
    // One has sold three before anybody came to look.
    one.buy(1, 3);
    let (mut at_one, mut at_two) = (1, 1);
    fleet.sync(&one, &mut at_one).await;
    fleet.sync(&two, &mut at_two).await;
    assert_eq!(fleet.look().await, 0, "nobody was heard of");
    fleet.come(&["k1", "k2"]).await;
    assert_eq!(fleet.look().await, 2);
    assert_eq!(fleet.look().await, 0, "without news nothing moves");
    // 17 are left: parts of four.
    assert_eq!(fleet.part("k1").await, Part { sold: 3, ceiling: 7, offered: 7, rev: 1 });
    assert_eq!(fleet.part("k2").await, Part { sold: 0, ceiling: 4, offered: 4, rev: 1 });
    assert_eq!(fleet.check().await, (17, 8));

    // One goes away; two sells its own and all that is free, and nothing of one's part.
    fleet.leave("k1").await;
    assert_eq!(
        denied(&{
            two.buy(1, 13);
            fleet.sync(&two, &mut at_two).await
        }),
        []
    );
    let beyond = two.buy(2, 1);
    assert_eq!(denied(&fleet.sync(&two, &mut at_two).await), [(beyond, DenyReason::OutOfStock)]);
    assert_eq!(fleet.check().await, (4, 4));
    fleet.look().await;
    assert_eq!(fleet.part("k2").await.offered, 4, "nothing is there for it");

    // One sells its last but one, and its time is over while an order is open: that stays its own.
    one.in_force(1, 7);
    one.buy(2, 2);
    one.place(3, 1);
    one.in_force(1, 6);
    assert_eq!(denied(&fleet.sync(&one, &mut at_one).await), []);
    assert_eq!(fleet.part("k1").await, Part { sold: 5, ceiling: 6, offered: 6, rev: 1 });
    assert_eq!(fleet.check().await, (2, 1));
    one.pay(3);
    assert_eq!(denied(&fleet.sync(&one, &mut at_one).await), []);
    // Two gets what came back.
    fleet.come(&["k2"]).await;
    assert_eq!(fleet.look().await, 1);
    assert_eq!(fleet.part("k2").await, Part { sold: 14, ceiling: 15, offered: 15, rev: 2 });
    two.buy(3, 1);
    assert_eq!(denied(&fleet.sync(&two, &mut at_two).await), []);
    assert_eq!(fleet.check().await, (0, 0));
    fleet.embedded.stop().await.unwrap();
}

#[tokio::test]
async fn a_reservation_raises_what_is_free_and_is_answered_and_a_lower_offer_counts_when_it_is_in_force() {
    let fleet = Fleet::new().await;
    fleet.stock(12).await;
    let (mut one, two) = (Log::new("k1", 5), Log::new("k2", 5));
    let mut at_one = 1;
    fleet.sync(&one, &mut at_one).await;
    fleet.sync(&two, &mut 1).await;
    fleet.come(&["k1", "k2"]).await;
    fleet.look().await;
    assert_eq!(fleet.check().await, (12, 6), "three each");
    // Six are free: of the twenty that are wanted nine can be had.
    let quota = fleet.ask("k1", 5, 20).await.unwrap();
    assert_eq!((quota.rev, quota.epoch, quota.answers), (2, 5, Some(Id::from([9; 16]))));
    assert_eq!(quota.goods[COLA].upto, 9 * PIECE);
    assert_eq!(quota.goods.len(), 1, "what is not counted is not named");
    assert_eq!(fleet.check().await, (12, 12));
    let nothing = fleet.ask("k2", 5, 20).await.unwrap();
    assert_eq!((nothing.rev, nothing.goods[COLA].upto), (2, 3 * PIECE), "nothing is an answer, too");
    assert_eq!(fleet.ask("k2", 4, 20).await, None, "a question about another epoch");
    assert_eq!(fleet.ask("k9", 5, 20).await, None, "nobody's question");

    // The customer has time to buy it; then it is taken back, which counts when the kiosk says so.
    one.in_force(2, 9);
    fleet.sync(&one, &mut at_one).await;
    fleet.stock(12).await;
    assert_eq!(fleet.look().await, 0);
    fleet.owner.execute("UPDATE allowance SET kept_until = now()", &[]).await.unwrap();
    fleet.stock(12).await;
    assert_eq!(fleet.look().await, 1);
    assert_eq!(fleet.part("k1").await, Part { sold: 0, ceiling: 9, offered: 3, rev: 3 });
    assert_eq!(fleet.check().await, (12, 12));
    one.buy(1, 5);
    one.in_force(3, 5);
    fleet.sync(&one, &mut at_one).await;
    assert_eq!(fleet.part("k1").await.ceiling, 5, "it had sold more than it was left with");
    assert_eq!(fleet.check().await, (7, 3));

    // Half of the lease is over: who is there gets a new one.
    fleet.look().await;
    let before = fleet.part("k1").await;
    let late = "UPDATE quota SET renew_at = now() - interval '1 s', due = false";
    fleet.owner.execute(late, &[]).await.unwrap();
    fleet.leave("k2").await;
    assert_eq!(fleet.look().await, 1);
    assert_eq!(fleet.part("k1").await, Part { rev: before.rev + 1, ..before });
    let renewed =
        "SELECT count(*) FROM quota WHERE due AND until > now() + interval '7 h' AND renew_at > now()";
    assert_eq!(fleet.count(renewed).await, 1);
    fleet.embedded.stop().await.unwrap();
}

#[tokio::test]
async fn a_new_epoch_gives_a_kiosks_part_back_and_begins_with_another() {
    let fleet = Fleet::new().await;
    fleet.stock(8).await;
    let (mut one, two) = (Log::new("k1", 5), Log::new("k2", 5));
    let mut at_one = 1;
    one.buy(1, 2);
    fleet.sync(&one, &mut at_one).await;
    fleet.sync(&two, &mut 1).await;
    fleet.come(&["k1", "k2"]).await;
    fleet.look().await;
    fleet.ask("k1", 5, 100).await.unwrap();
    assert_eq!(fleet.check().await, (6, 6), "all is set aside");

    // The machine is another one now; what the old one sold and never told of is not known.
    let mut anew = Log::new("k1", 6);
    let mut at_anew = 1;
    fleet.sync(&anew, &mut at_anew).await;
    assert_eq!(fleet.look().await, 1);
    assert_eq!(fleet.part("k1").await, Part { sold: 0, ceiling: 1, offered: 1, rev: 3 });
    assert_eq!(fleet.check().await, (6, 2));
    // What the old one sends after all finds what is free, and counts for no part.
    one.in_force(2, 7);
    one.buy(2, 1);
    assert_eq!(denied(&fleet.sync(&one, &mut at_one).await), []);
    assert_eq!(fleet.part("k1").await.sold, 0);
    anew.in_force(3, 1);
    anew.buy(1, 1);
    assert_eq!(denied(&fleet.sync(&anew, &mut at_anew).await), []);
    assert_eq!(fleet.check().await, (4, 1));
    // A kiosk that sells in its new epoch before anybody looked.
    let mut third = Log::new("k1", 7);
    third.buy(1, 1);
    fleet.sync(&third, &mut 1).await;
    fleet.look().await;
    assert_eq!(fleet.part("k1").await, Part { sold: 1, ceiling: 2, offered: 2, rev: 4 });
    fleet.embedded.stop().await.unwrap();
}

#[tokio::test]
async fn a_quota_follows_the_log_that_is_written_not_the_greatest_epoch() {
    let fleet = Fleet::new().await;
    fleet.stock(8).await;
    let mut one = Log::new("k1", 5);
    let mut at_one = 1;
    one.buy(1, 2);
    fleet.sync(&one, &mut at_one).await;
    fleet.come(&["k1"]).await;
    fleet.look().await;
    let part = fleet.part("k1").await;
    assert_eq!((part.sold, part.rev), (2, 1));

    // Begun while the clock was years ahead, or by somebody with the kiosk's key.
    let ahead = Log::new("k1", 5_000_000_000_000);
    fleet.sync(&ahead, &mut 1).await;
    assert_eq!(fleet.look().await, 1);
    assert_eq!(fleet.part("k1").await.sold, 0, "a part of the log that began");
    assert_eq!(fleet.look().await, 0);

    // The other one goes on, though it sells nothing: its part counts what it sold before.
    one.place(2, 1);
    assert_eq!(denied(&fleet.sync(&one, &mut at_one).await), []);
    assert_eq!(fleet.look().await, 1);
    let part = fleet.part("k1").await;
    assert_eq!((part.sold, part.rev), (2, 3));
    assert!(part.offered > part.sold);
    assert_eq!(fleet.look().await, 0);
    let tasks = "SELECT count(*) FROM task WHERE kind = 'log_returned' AND kiosk = 'k1'";
    assert_eq!(fleet.count(tasks).await, 0, "it may have been underway");

    // Hours later, again and again: somebody is called once.
    fleet.owner.execute("UPDATE stream SET started_at = started_at - interval '3 h'", &[]).await.unwrap();
    for order in 3..5 {
        let turn = "UPDATE stream SET last_at = now() WHERE epoch = 5000000000000";
        fleet.owner.execute(turn, &[]).await.unwrap();
        one.place(order, 1);
        fleet.sync(&one, &mut at_one).await;
    }
    assert_eq!(fleet.count(tasks).await, 1);
    fleet.embedded.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kiosk_hears_its_quota_gets_an_answer_at_once_and_leaves_its_part_to_others() {
    let fleet = api::Fleet::start();
    let id = fleet.kiosk("till", &json!({ "site": "main", "name": "Till" }));
    let count = json!({ "site": "main", "variation": "cake", "on_hand": 10 * PIECE });
    assert_eq!(fleet.send("POST", "/v1/stock/counts", &count).0, 200);
    let owner = fleet.owner().await;
    // It has begun its log and was heard of.
    let sql = "INSERT INTO stream (kiosk, epoch, tenant, written_as) VALUES ($1, 5, 't1', $1)";
    owner.execute(sql, &[&id]).await.unwrap();
    let told = format!("v1/k/{id}/dn/qt");
    publish(&fleet, &format!("v1/k/{id}/up/st"), &json!({ "on": true, "boot": 1, "conn": 1 }));
    let first = hear(&fleet, &told);
    assert_eq!((first["rev"].as_i64(), &first["goods"]["cake"]["upto"]), (Some(1), &json!(5 * PIECE)));

    // A question between two others that nobody can read.
    let question = "019aa0c1-0000-7000-8000-000000000001";
    let asks = format!("v1/k/{id}/up/rs");
    publish(&fleet, &asks, &json!("what?"));
    publish(
        &fleet,
        &asks,
        &json!({ "question": question, "epoch": 5, "goods": { "cake": 7 * PIECE, "\0": 1 } }),
    );
    publish(&fleet, &asks, &json!({ "question": question, "epoch": 5 }));
    eventually("the answer", async || {
        let quota = hear(&fleet, &told);
        quota["answers"] == question && quota["goods"]["cake"]["upto"] == 7 * PIECE
    })
    .await;
    eventually("it is sent for certain", async || {
        let row = owner.query_one("SELECT due FROM quota", &[]).await.unwrap();
        !row.get::<_, bool>(0)
    })
    .await;

    // Another rule is news for the kiosk, too.
    let count = json!({ "site": "main", "variation": "cake", "on_hand": 10 * PIECE, "beyond": "block" });
    assert_eq!(fleet.send("POST", "/v1/stock/counts", &count).0, 200);
    eventually("the rule", async || hear(&fleet, &told)["goods"]["cake"]["beyond"] == "block").await;
    let quota = fleet.get(&format!("/v1/kiosks/{id}/quota"));
    let seven = 7 * PIECE;
    let cake = json!({ "variation": "cake", "sold": 0, "upto": seven, "left": seven, "held": seven, "beyond": "block" });
    assert_eq!((&quota["goods"][0], quota["epoch"].as_i64()), (&cake, Some(5)), "{quota}");
    let shelf = &fleet.get("/v1/stock")["items"][0];
    assert_eq!((&shelf["held"], &shelf["free"]), (&json!(seven), &json!(3 * PIECE)), "{shelf}");

    let gone = json!({ "reason": "sold" });
    assert_eq!(fleet.send("POST", &format!("/v1/kiosks/{id}/decommission"), &gone).0, 200);
    let row = owner
        .query_one(
            "SELECT held, (SELECT count(*) FROM allowance), (SELECT count(*) FROM quota) FROM stock",
            &[],
        )
        .await
        .unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1), row.get::<_, i64>(2)), (0, 0, 0));
}

/// The kiosk's own program is not there: foreign ones speak for it.
fn publish(fleet: &api::Fleet, topic: &str, body: &Value) {
    std::fs::write(fleet.dir().join("payload"), body.to_string()).unwrap();
    let mosquitto = fleet.mosquitto("till");
    output(fleet.dir(), &format!("mosquitto_pub {mosquitto} -q 1 -t {topic} -f payload"));
}

/// What the broker keeps, or what comes first.
fn hear(fleet: &api::Fleet, topic: &str) -> Value {
    let mosquitto = fleet.mosquitto("till");
    let told = output(fleet.dir(), &format!("mosquitto_sub {mosquitto} -q 1 -W 30 -C 1 -t {topic}"));
    serde_json::from_str(&told).unwrap()
}
