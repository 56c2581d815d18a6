//! Parts of files over MQTT, for kiosks that have nothing else: answered at QoS 0, so that nobody keeps a copy, to the
//! kiosk that asked and to nobody else. What goes beyond the rate is left out; the kiosk asks again.

use std::collections::HashMap;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::time::Instant;

use bytes::Bytes;
use protocol::topic::{Down, KioskId, Topic};
use protocol::update::{PART_MAX, Part, PartsWanted, RANGES_MAX};

use super::store::Store;
use crate::counters::COUNTERS;

/// Bytes a second that one kiosk gets from one worker, and all of them together: each crosses the broker twice.
const KIOSK_RATE: f64 = 2.0e6;
const WORKER_RATE: f64 = 20.0e6;
/// Seconds of the rate that may come at once.
const BURST_S: f64 = 2.0;
/// Largest question, in bytes.
const QUESTION_MAX: usize = 4096;
/// Kiosks whose buckets are kept.
const KEPT: usize = 10_000;

/// Answers questions, and counts who got how much.
pub(crate) struct Parts {
    store: Store,
    all: Bucket,
    kiosks: HashMap<KioskId, Bucket>,
}

#[derive(Clone, Copy)]
struct Bucket {
    rate: f64,
    left: f64,
    at: Instant,
}

impl Bucket {
    fn new(rate: f64, now: Instant) -> Self {
        Self { rate, left: rate * BURST_S, at: now }
    }

    fn has(&mut self, bytes: f64, now: Instant) -> bool {
        let more = now.saturating_duration_since(self.at).as_secs_f64() * self.rate;
        self.left = (self.left + more).min(self.rate * BURST_S);
        self.at = now;
        self.left >= bytes
    }
}

impl Parts {
    pub(crate) fn new(store: Store, now: Instant) -> Self {
        Self { store, all: Bucket::new(WORKER_RATE, now), kiosks: HashMap::new() }
    }

    /// What is to be published for a question. Reads at most [`RANGES_MAX`] times [`PART_MAX`].
    pub(crate) fn answer(
        &mut self,
        kiosk: &KioskId,
        question: &Bytes,
        now: Instant,
    ) -> Vec<(String, Vec<u8>)> {
        let read =
            serde_json::from_slice::<PartsWanted>(question).ok().filter(|_| question.len() <= QUESTION_MAX);
        let Some(wanted) = read.filter(|it| it.ranges.len() <= RANGES_MAX) else {
            COUNTERS.unreadable.add(1);
            tracing::warn!(%kiosk, bytes = question.len(), "a question for parts that cannot be read");
            return Vec::new();
        };
        let path = self.store.path(&wanted.file).ok();
        let file = path.and_then(|path| std::fs::File::open(path).ok());
        if self.kiosks.len() >= KEPT && !self.kiosks.contains_key(kiosk) {
            self.kiosks.clear();
        }
        let own = self.kiosks.entry(kiosk.clone()).or_insert_with(|| Bucket::new(KIOSK_RATE, now));
        let mut answers = Vec::new();
        for (at, length) in wanted.ranges {
            let length = usize::try_from(length).unwrap_or(PART_MAX).min(PART_MAX);
            let cost = length as f64;
            if !own.has(cost, now) || !self.all.has(cost, now) {
                COUNTERS.parts_left_out.add(1);
                continue;
            }
            let bytes =
                file.as_ref().map_or_else(Vec::new, |file| piece(file, at, length).unwrap_or_default());
            own.left -= cost;
            self.all.left -= cost;
            COUNTERS.parts.add(1);
            let message = Part { req: wanted.req, at, bytes: &bytes }.to_message();
            answers.push((Topic::Down(kiosk.clone(), Down::Part).to_string(), message));
        }
        answers
    }
}

/// What there is of a range.
fn piece(file: &std::fs::File, at: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let mut read = 0;
    while read < length {
        match file.read_at(&mut bytes[read..], at.saturating_add(read as u64))? {
            0 => break,
            more => read += more,
        }
    }
    bytes.truncate(read);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::updates::keys::Keys;

    #[test]
    fn a_kiosk_gets_what_it_asks_for_at_its_rate_and_nothing_from_elsewhere() {
        let dir = tempfile::tempdir().unwrap();
        let keys = Arc::new(Keys::load_or_create(dir.path()).unwrap());
        std::fs::create_dir_all(dir.path().join("updates/images/ab")).unwrap();
        let content: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
        std::fs::write(dir.path().join("updates/images/ab/full.kot"), &content).unwrap();
        let now = Instant::now();
        let mut parts = Parts::new(Store::new(&dir.path().join("updates"), keys), now);
        let kiosk = KioskId::new("t1.k1").unwrap();
        let mut ask = |file: &str, ranges: &[(u64, u32)], now| {
            let wanted = PartsWanted { req: 7, file: file.to_owned(), ranges: ranges.to_vec() };
            parts.answer(&kiosk, &serde_json::to_vec(&wanted).unwrap().into(), now)
        };
        let answers = ask("images/ab/full.kot", &[(10, 5), (99_998, 64_000), (200_000, 1)], now);
        let read: Vec<Part<'_>> = answers.iter().map(|(_, message)| Part::parse(message).unwrap()).collect();
        assert!(answers.iter().all(|(topic, _)| topic == "v1/k/t1.k1/dn/bk"));
        assert_eq!((read[0].req, read[0].at, read[0].bytes), (7, 10, &content[10..15]));
        assert_eq!((read[1].bytes.len(), read[2].bytes.len()), (2, 0), "its end, and behind it");
        let elsewhere = ask("../ca/online.key", &[(0, 100)], now);
        assert!(Part::parse(&elsewhere[0].1).unwrap().bytes.is_empty());

        let sixteen = [(0, 64 * 1024); RANGES_MAX];
        let got: usize = (0..10).map(|_| ask("images/ab/full.kot", &sixteen, now).len()).sum();
        assert!((58..=62).contains(&got), "two seconds of its rate at once: {got}");
        let later = ask("images/ab/full.kot", &sixteen, now + Duration::from_millis(100)).len();
        assert!((2..=4).contains(&later), "a tenth of a second more: {later}");
        assert!(parts.answer(&kiosk, &Bytes::from_static(b"nonsense"), now).is_empty());
    }
}
