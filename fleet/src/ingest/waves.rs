//! Which batches can be decided together.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::apply::Incoming;

/// A kiosk's batches so far.
#[derive(Default)]
struct Sender {
    /// The wave of its last batch.
    wave: usize,
    /// What it sends in that wave, by epoch.
    sent: Vec<(u64, RangeInclusive<u64>)>,
}

/// Places of the batches by wave. A batch that repeats events of an earlier one comes in a later wave: what was
/// answered the first time is known only when that is applied. A kiosk's batches keep their order.
///
/// Waves rather than runs: many kiosks that all repeat themselves cost as many transactions as one does.
pub(super) fn waves(batches: &[Incoming]) -> Vec<Vec<usize>> {
    let mut waves: Vec<Vec<usize>> = Vec::new();
    let mut senders: BTreeMap<&str, Sender> = BTreeMap::new();
    for (place, Incoming { kiosk, batch, .. }) in batches.iter().enumerate() {
        let sender = senders.entry(kiosk.as_str()).or_default();
        let repeats = |(epoch, sent): &(u64, RangeInclusive<u64>)| {
            *epoch == batch.epoch && batch.from <= *sent.end() && *sent.start() <= batch.last()
        };
        if sender.sent.iter().any(repeats) {
            sender.wave += 1;
            sender.sent.clear();
        }
        sender.sent.push((batch.epoch, batch.from..=batch.last()));
        if waves.len() == sender.wave {
            waves.push(Vec::new());
        }
        waves[sender.wave].push(place);
    }
    waves
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::event::GENESIS;
    use protocol::sync::{Malformed, Received};
    use protocol::text::Id;
    use protocol::topic::KioskId;

    fn batch(kiosk: &str, epoch: u64, numbers: RangeInclusive<u64>) -> Incoming {
        let nothing = || Err(Malformed { id: None, raw: String::new(), why: String::new() });
        let batch = Received {
            b: Id::from([7; 16]),
            epoch,
            from: *numbers.start(),
            previous: GENESIS,
            written_as: kiosk.to_owned(),
            events: numbers.map(|_| nothing()).collect(),
        };
        Incoming { kiosk: KioskId::new(kiosk).unwrap(), site: "s1".into(), batch }
    }

    #[test]
    fn batches_that_repeat_nothing_are_decided_together() {
        let batches =
            [batch("k1", 5, 1..=3), batch("k2", 5, 1..=3), batch("k1", 6, 1..=3), batch("k1", 5, 4..=4)];
        assert_eq!(waves(&batches), [[0, 1, 2, 3]]);
        assert!(waves(&[]).is_empty());
    }

    #[test]
    fn a_repetition_waits_for_the_first_copy_and_keeps_its_kiosks_order() {
        let batches = [
            batch("k1", 5, 1..=3),
            batch("k2", 5, 1..=3),
            batch("k1", 5, 3..=5),
            batch("k1", 6, 1..=1),
            batch("k2", 5, 1..=3),
            batch("k1", 5, 1..=5),
        ];
        assert_eq!(waves(&batches), [vec![0, 1], vec![2, 3, 4], vec![5]]);
    }
}
