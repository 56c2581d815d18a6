//! Random lives of a site's kiosks that keep to their quotas: nothing that they sell is ever denied, and nothing is
//! ever set aside twice. Messages come late, in part and again; kiosks go away, come back and begin anew.

use std::collections::BTreeMap;

use protocol::sync::Answered;

use crate::ingest::{Fleet, Log};
use crate::quota::PIECE;

const KIOSKS: [&str; 3] = ["k1", "k2", "k3"];
const STEPS: u32 = 500;

/// A small generator; the whole run follows from its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn pieces(&mut self, most: i64) -> i64 {
        i64::try_from(self.roll(most.unsigned_abs() + 1)).unwrap()
    }
}

/// A kiosk as it should be: written from the protocol, with nothing of the domain. In pieces.
struct Kiosk {
    name: &'static str,
    log: Log,
    /// The next event to hand over.
    at: u64,
    sold: i64,
    /// Orders that may still be paid.
    open: BTreeMap<u32, i64>,
    orders: u32,
    /// Revision and ceiling in force.
    quota: Option<(i64, i64)>,
    /// Offers that are on their way: revision and ceiling.
    coming: Vec<(i64, i64)>,
}

impl Kiosk {
    fn new(name: &'static str, epoch: u64) -> Self {
        Self {
            name,
            log: Log::new(name, epoch),
            at: 1,
            sold: 0,
            open: BTreeMap::new(),
            orders: 0,
            quota: None,
            coming: Vec::new(),
        }
    }

    fn taken(&self) -> i64 {
        self.sold + self.open.values().sum::<i64>()
    }

    fn left(&self) -> i64 {
        self.quota.map_or(0, |(_, upto)| upto - self.taken()).max(0)
    }

    fn place(&mut self, pieces: i64) {
        self.orders += 1;
        self.log.place(self.orders, pieces);
        self.open.insert(self.orders, pieces);
    }

    fn pay_or_cancel(&mut self, pays: bool) {
        let Some((order, pieces)) = self.open.pop_first() else { return };
        if pays {
            self.log.pay(order);
            self.sold += pieces;
        } else {
            self.log.cancel(order);
        }
    }

    fn take_over(&mut self, (rev, upto): (i64, i64)) {
        if self.quota.is_none_or(|(known, _)| known < rev) {
            let upto = upto.max(self.taken());
            self.quota = Some((rev, upto));
            self.log.in_force(rev, upto);
        }
    }

    fn lease_over(&mut self) {
        if let Some((rev, upto)) = self.quota.filter(|_| self.left() > 0) {
            let upto = upto.min(self.taken());
            self.quota = Some((rev, upto));
            self.log.in_force(rev, upto);
        }
    }
}

struct World {
    fleet: Fleet,
    dice: Dice,
    kiosks: Vec<Kiosk>,
    epoch: u64,
    /// What there ever was, and what was handed over as sold.
    received: i64,
    handed_over: i64,
}

impl World {
    async fn new(seed: u64) -> Self {
        let fleet = Fleet::new().await;
        fleet
            .owner
            .execute("INSERT INTO kiosk (id, tenant, site) VALUES ('k3', 't1', 's1')", &[])
            .await
            .unwrap();
        fleet.stock(30).await;
        let kiosks = KIOSKS.map(|name| Kiosk::new(name, 1)).into();
        Self { fleet, dice: Dice(seed), kiosks, epoch: 1, received: 30, handed_over: 0 }
    }

    async fn step(&mut self) {
        let which = usize::try_from(self.dice.roll(KIOSKS.len() as u64)).unwrap();
        let what = self.dice.roll(100);
        let kiosk = &mut self.kiosks[which];
        match what {
            0..20 => {
                let pieces = self.dice.pieces(kiosk.left().min(4));
                if pieces > 0 {
                    kiosk.place(pieces);
                }
            }
            20..38 => kiosk.pay_or_cancel(self.dice.roll(5) > 0),
            38..50 => self.hand_over(which).await,
            50..58 => drop(self.fleet.look().await),
            58..68 => self.publish(which).await,
            68..84 => {
                // Any of them, in any order: those that are older than the one in force do nothing.
                if !kiosk.coming.is_empty() {
                    let any = usize::try_from(self.dice.roll(kiosk.coming.len() as u64)).unwrap();
                    let offer = kiosk.coming.remove(any);
                    kiosk.take_over(offer);
                }
            }
            84..89 => {
                let upto = kiosk.taken() + 1 + self.dice.pieces(4);
                let epoch = kiosk.log.epoch;
                if let Some(quota) = self.fleet.ask(kiosk.name, epoch, upto).await {
                    let upto = quota.goods["cola-05"].upto / PIECE;
                    kiosk.coming.push((quota.rev.cast_signed(), upto));
                }
            }
            89..91 => kiosk.lease_over(),
            91..92 => self.fleet.leave(kiosk.name).await,
            92..96 => self.fleet.come(&[kiosk.name]).await,
            96 if self.dice.roll(3) == 0 => {
                // What was not handed over is lost with the machine.
                self.epoch += 1;
                *kiosk = Kiosk::new(kiosk.name, self.epoch);
            }
            _ => {
                self.received += 10;
                let sql = "UPDATE stock SET on_hand = on_hand + 1000000, regrant = true WHERE tenant = 't1'";
                self.fleet.owner.execute(sql, &[]).await.unwrap();
            }
        }
    }

    /// The fleet sends what is in its tables; it may take its time.
    async fn publish(&mut self, which: usize) {
        let kiosk = &mut self.kiosks[which];
        let sql = "SELECT q.rev, a.offered FROM quota q JOIN allowance a ON a.kiosk = q.kiosk
                   WHERE q.kiosk = $1 AND q.epoch = $2 AND a.epoch = q.epoch";
        let epoch = kiosk.log.epoch.cast_signed();
        if let Some(row) = self.fleet.owner.query_opt(sql, &[&kiosk.name, &epoch]).await.unwrap() {
            kiosk.coming.push((row.get(0), row.get::<_, i64>(1) / PIECE));
        }
    }

    /// Some of what is not with the fleet yet; the answer may be lost, so that it comes again.
    async fn hand_over(&mut self, which: usize) {
        let kiosk = &mut self.kiosks[which];
        let last = kiosk.log.events.len() as u64;
        if kiosk.at > last {
            return;
        }
        let to = kiosk.at + self.dice.roll(last - kiosk.at + 1);
        let batch = kiosk.log.batch(kiosk.at, to);
        for _ in 0..=self.dice.roll(2) {
            let ack = self.fleet.apply(std::slice::from_ref(&batch)).await.remove(0);
            let plain = ack.x.iter().all(|answer| answer.r == Answered::Duplicate);
            assert!(plain, "{} kept to its quota: {:?}", kiosk.name, ack.x);
            assert_eq!(ack.thru, to);
        }
        kiosk.at = to + 1;
    }

    async fn check(&mut self) {
        let (on_hand, held) = self.fleet.check().await;
        assert!(on_hand >= held, "{held} of {on_hand} are set aside");
        self.handed_over = self.fleet.count(SOLD).await / PIECE;
        assert_eq!(on_hand, self.received - self.handed_over);
        for kiosk in &self.kiosks {
            let Some((_, upto)) = kiosk.quota else { continue };
            let sql = "SELECT ceiling FROM allowance WHERE kiosk = $1 AND epoch = $2";
            let epoch = kiosk.log.epoch.cast_signed();
            let row = self.fleet.owner.query_one(sql, &[&kiosk.name, &epoch]).await.unwrap();
            let ceiling = row.get::<_, i64>(0) / PIECE;
            assert!(ceiling >= upto, "{}: may sell up to {upto}, {ceiling} set aside", kiosk.name);
        }
    }
}

const SOLD: &str = "SELECT coalesce(sum((line->>'quantity')::bigint), 0)::bigint
                    FROM sale, jsonb_array_elements(lines) AS line WHERE state = 'paid'";

async fn live(seed: u64) {
    let mut world = World::new(seed).await;
    world.fleet.come(&KIOSKS).await;
    for which in 0..KIOSKS.len() {
        world.hand_over(which).await;
    }
    for _ in 0..STEPS {
        world.step().await;
        world.check().await;
    }
    // In the end all is told, and a last look leaves nothing lying about for kiosks that have more than enough.
    world.fleet.come(&KIOSKS).await;
    for _ in 0..3 {
        world.fleet.look().await;
        for which in 0..KIOSKS.len() {
            world.publish(which).await;
            let kiosk = &mut world.kiosks[which];
            kiosk.coming.sort_unstable();
            if let Some(latest) = kiosk.coming.pop() {
                kiosk.take_over(latest);
            }
            while world.kiosks[which].at <= world.kiosks[which].log.events.len() as u64 {
                world.hand_over(which).await;
            }
        }
        world.check().await;
    }
    assert!(world.handed_over > 20, "seed {seed}: {} sold", world.handed_over);
    let told = "SELECT count(*) FROM quota WHERE in_force_rev = rev";
    assert_eq!(world.fleet.count(told).await, 3, "all have what they were offered last");
    world.fleet.embedded.stop().await.unwrap();
}

#[tokio::test]
async fn who_keeps_to_its_quota_is_never_denied_and_nothing_is_set_aside_twice() {
    live(0x5eed_0001).await;
    live(0x5eed_0002).await;
}
