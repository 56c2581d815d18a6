//! A simulated kiosk's log: events with their hash chain, and what was sold by them.

use std::collections::{BTreeMap, VecDeque};

use ring::digest::{SHA256, digest};

use crate::rng::Rng;

/// Goods that the simulated shops sell: variation, price in minor units.
pub(crate) const GOODS: [(&str, u32); 4] =
    [("sim-burger", 890), ("sim-fries", 390), ("sim-cola", 350), ("sim-cake", 450)];

/// One event that was not acknowledged yet, as it travels.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub seq: u64,
    /// The whole object, as JSON.
    pub json: String,
    /// Hash of the event before.
    pub previous: [u8; 32],
}

/// The log of one kiosk in one epoch.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    kiosk: String,
    pub epoch: u64,
    next: u64,
    pub last_hash: [u8; 32],
    pub pending: VecDeque<Event>,
    /// `order.paid` events that were not answered yet: seq, what was sold.
    sold: BTreeMap<u64, Vec<(&'static str, u32)>>,
    /// What the fleet agreed to: pieces by variation.
    pub agreed: BTreeMap<&'static str, u64>,
    pub denied: u64,
    pub quarantined: u64,
    fiscal: u64,
    rng: Rng,
}

impl Log {
    pub(crate) fn new(kiosk: &str, epoch: u64, seed: u64, now_ms: u64) -> Self {
        let mut log = Self {
            kiosk: kiosk.to_owned(),
            epoch,
            next: 1,
            last_hash: [0; 32],
            pending: VecDeque::new(),
            sold: BTreeMap::new(),
            agreed: BTreeMap::new(),
            denied: 0,
            quarantined: 0,
            fiscal: 0,
            rng: Rng::from_seed(seed),
        };
        log.add("epoch.started", r#"{"anchor":null,"reason":"provisioned"}"#, now_ms);
        log
    }

    /// A copy of the disk that another machine goes on with.
    pub(crate) fn copy(&self) -> Self {
        Self { rng: Rng::from_seed(!self.rng.clone().bits()), ..self.clone() }
    }

    /// Begins anew where two machines write the epoch.
    pub(crate) fn leave_fork(&mut self, epoch: u64, now_ms: u64) {
        (self.epoch, self.next, self.last_hash) = (epoch, 1, [0; 32]);
        self.add("epoch.started", r#"{"anchor":null,"reason":"fork"}"#, now_ms);
    }

    /// An event of a kind that nobody knows.
    pub(crate) fn nonsense(&mut self, now_ms: u64) {
        self.add("service.sung", r#"{"by":"sim"}"#, now_ms);
    }

    /// Number of the newest event.
    pub(crate) fn last(&self) -> u64 {
        self.next - 1
    }

    /// A sale as the domain writes it: placed, paid by card, printed, made, closed.
    pub(crate) fn sale(&mut self, now_ms: u64) {
        let (order, payment, receipt, ticket) =
            (self.id(now_ms), self.id(now_ms), self.id(now_ms), self.id(now_ms));
        let (mut sold, mut lines, mut total) = (Vec::new(), String::new(), 0);
        for line in 1..=1 + self.rng.below(3) {
            let at = usize::try_from(self.rng.below(GOODS.len() as u64)).unwrap_or(0);
            let (variation, price) = GOODS[at];
            let pieces = 1 + u32::try_from(self.rng.below(2)).unwrap_or(0);
            let sum = price * pieces;
            total += sum;
            sold.push((variation, pieces));
            let comma = if line > 1 { "," } else { "" };
            let quantity = pieces * 100_000;
            let line = format!(
                r#"{comma}{{"allergens":0,"gross_minor":{sum},"item":"{variation}","kitchen_name":"{variation}","line":{line},"name":"{variation}","net_minor":{sum},"quantity_e5":{quantity},"taxes":[],"unit_minor":{price},"variation":"{variation}"}}"#
            );
            lines.push_str(&line);
        }
        let counter = self.fiscal % 999 + 1;
        self.fiscal += 1;
        let (fiscal, epoch) = (self.fiscal, self.epoch);
        let placed = format!(
            r#"{{"business_date":[2026,11,22],"catalog_rev":1,"channel":"touch","counter":{counter},"currency":"EUR","discount_minor":0,"exponent":2,"lang":"en","lines":[{lines}],"mode":"dine_in","order":"{order}","placed_at_ms":{now_ms},"prefix":"S1","taxes":[],"total_minor":{total}}}"#
        );
        self.add("order.placed", &placed, now_ms);
        let created = format!(
            r#"{{"amount_minor":{total},"at_ms":{now_ms},"currency":"EUR","exponent":2,"order":"{order}","payment":"{payment}","tender":"card","tip_minor":0}}"#
        );
        self.add("payment.created", &created, now_ms);
        self.add("payment.send_started", &format!(r#"{{"at_ms":{now_ms},"payment":"{payment}"}}"#), now_ms);
        let paid =
            format!(r#"{{"at_ms":{now_ms},"fiscal":{{"n":{fiscal},"series":{epoch}}},"order":"{order}"}}"#);
        let seq = self.add("order.paid", &paid, now_ms);
        self.sold.insert(seq, sold);
        let queued = format!(r#"{{"copy":0,"kind":"sale","order":"{order}","receipt":"{receipt}"}}"#);
        self.add("receipt.queued", &queued, now_ms);
        self.add("kitchen.queued", &format!(r#"{{"job":"{ticket}","order":"{order}"}}"#), now_ms);
        self.add("payment.completed", &format!(r#"{{"payment":"{payment}"}}"#), now_ms);
        self.add("receipt.sent", &format!(r#"{{"receipt":"{receipt}"}}"#), now_ms);
        self.add("receipt.confirmed", &format!(r#"{{"receipt":"{receipt}"}}"#), now_ms);
        self.add("kitchen.dispatched", &format!(r#"{{"job":"{ticket}"}}"#), now_ms);
        self.add("kitchen.taken", &format!(r#"{{"job":"{ticket}"}}"#), now_ms);
        self.add("order.closed", &format!(r#"{{"order":"{order}"}}"#), now_ms);
    }

    /// Appends an event; returns its number.
    fn add(&mut self, kind: &str, body: &str, now_ms: u64) -> u64 {
        let (seq, id) = (self.next, self.id_bytes(now_ms));
        self.next += 1;
        let hlc = (now_ms << 16) | (seq & 0xffff);
        let mut image = b"kioskd.event.1\0".to_vec();
        let short = |text: &str, image: &mut Vec<u8>| {
            image.extend(u16::try_from(text.len()).unwrap_or(0).to_be_bytes());
            image.extend(text.as_bytes());
        };
        short(&self.kiosk, &mut image);
        image.extend(self.epoch.to_be_bytes());
        image.extend(seq.to_be_bytes());
        image.extend(id);
        short(kind, &mut image);
        image.extend(1_u16.to_be_bytes());
        image.extend(now_ms.to_be_bytes());
        image.extend(hlc.to_be_bytes());
        image.extend(1_u32.to_be_bytes());
        image.extend(seq.to_be_bytes());
        image.push(2);
        image.extend(u32::try_from(body.len()).unwrap_or(0).to_be_bytes());
        image.extend(body.as_bytes());
        image.extend(self.last_hash);
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, &image).as_ref());
        let json = format!(
            r#"{{"s":{seq},"id":"{}","k":"{kind}","v":1,"t":{now_ms},"h":"{hlc:016x}","bt":1,"m":{seq},"q":2,"body":{body},"hash":"{}"}}"#,
            uuid(id),
            hex(&hash)
        );
        self.pending.push_back(Event { seq, json, previous: self.last_hash });
        self.last_hash = hash;
        seq
    }

    /// Up to a batch of what waits from the event of this place on, as it travels; `None`: nothing waits there.
    pub(crate) fn batch(&mut self, now_ms: u64, place: usize) -> Option<(String, String)> {
        const EVENTS_MAX: usize = 1000;
        const BYTES_MAX: usize = 250_000;
        let first = self.pending.get(place)?;
        let (from, previous) = (first.seq, hex(&first.previous));
        let (mut events, mut count) = (String::new(), 0);
        for event in self.pending.iter().skip(place).take(EVENTS_MAX) {
            if count > 0 && events.len() + event.json.len() > BYTES_MAX {
                break;
            }
            events.push_str(if count > 0 { "," } else { "" });
            events.push_str(&event.json);
            count += 1;
        }
        let id = self.id(now_ms);
        let epoch = self.epoch;
        let batch = format!(
            r#"{{"v":1,"b":"{id}","ep":{epoch},"from":{from},"n":{count},"ph":"{previous}","ev":[{events}]}}"#
        );
        Some((id, batch))
    }

    /// The fleet has everything up to `thru`, except that it answered otherwise to `others`.
    pub(crate) fn acknowledged(&mut self, thru: u64, others: &[(u64, String)]) {
        for (seq, answer) in others {
            match answer.as_str() {
                "deny" => {
                    self.denied += u64::from(self.sold.remove(seq).is_some());
                }
                "quarantine" => {
                    self.quarantined += 1;
                    self.sold.remove(seq);
                }
                _ => {}
            }
        }
        while self.pending.front().is_some_and(|event| event.seq <= thru) {
            self.pending.pop_front();
        }
        let later = self.sold.split_off(&(thru + 1));
        for (variation, pieces) in std::mem::replace(&mut self.sold, later).into_values().flatten() {
            *self.agreed.entry(variation).or_default() += u64::from(pieces);
        }
    }

    fn id(&mut self, now_ms: u64) -> String {
        uuid(self.id_bytes(now_ms))
    }

    /// A UUIDv7.
    fn id_bytes(&mut self, now_ms: u64) -> [u8; 16] {
        let random = (u128::from(self.rng.bits()) << 64) | u128::from(self.rng.bits());
        let mut id = ((u128::from(now_ms) << 80) | (random & ((1 << 80) - 1))).to_be_bytes();
        id[6] = 0x70 | (id[6] & 0x0f);
        id[8] = 0x80 | (id[8] & 0x3f);
        id
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

fn uuid(id: [u8; 16]) -> String {
    let hex = hex(&id);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_carries_the_hash_of_the_one_before() {
        let mut log = Log::new("k", 1, 1, 1);
        log.sale(1_792_000_000_000);
        assert_eq!((log.last(), log.pending.len()), (13, 13));
        for (before, after) in log.pending.iter().zip(log.pending.iter().skip(1)) {
            assert!(before.json.ends_with(&format!(r#""hash":"{}"}}"#, hex(&after.previous))));
        }
    }

    #[test]
    fn what_is_denied_is_not_agreed_to() {
        let mut log = Log::new("k", 1, 7, 1);
        log.sale(1);
        log.sale(2);
        let paid: Vec<u64> = log.sold.keys().copied().collect();
        log.acknowledged(log.last(), &[(paid[0], "deny".into())]);
        assert_eq!((log.denied, log.pending.len(), log.sold.len()), (1, 0, 0));
        assert!(log.agreed.values().sum::<u64>() > 0);
    }
}
