//! What the crowd did, for people and for whoever compares it with the fleet's books.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::Serialize;

use super::update::Switch;

/// What one kiosk did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct KioskReport {
    /// Its id.
    pub id: String,
    /// Epoch of its log.
    pub epoch: u64,
    /// Number of its newest event.
    pub last_seq: u64,
    /// That event's hash.
    pub last_hash: String,
    /// Events that the fleet did not acknowledge.
    pub pending: u64,
    /// Sales while it ran, its backlog not counted.
    pub sales: u64,
    /// Pieces that the fleet agreed were sold, by variation.
    pub agreed: BTreeMap<String, u64>,
    /// Sales that it denied.
    pub denied: u64,
    /// Events that it did not understand.
    pub quarantined: u64,
    /// The fleet said that two machines write this log.
    pub forked: bool,
    /// Faults that it suffered.
    pub faults: u64,
    /// Batches that the fleet did not expect.
    pub unexpected: u64,
    /// Connections with an expired certificate that were refused.
    pub refused: u64,
    /// Batches sent, repetitions included.
    pub batches: u64,
    /// Connections made.
    pub connected: u64,
    /// Connections lost.
    pub lost: u64,
    /// Batches without an answer in time.
    pub unanswered: u64,
    /// Batches that the broker threw away because nobody took them in.
    pub nobody_there: u64,
    /// Bytes of MQTT sent.
    pub bytes_sent: u64,
    /// Bytes of MQTT received.
    pub bytes_received: u64,
    /// The release that it runs; 0: it is not updated.
    pub release: u64,
    /// Its switches to releases.
    pub switches: Vec<Switch>,
    /// From sending a batch to its answer, microseconds.
    #[serde(skip)]
    pub latency_us: Vec<u64>,
    /// When it sent its first batch.
    #[serde(skip)]
    pub first_sent: Option<Instant>,
    /// When its last answer came.
    #[serde(skip)]
    pub last_answer: Option<Instant>,
}

/// How long answers took.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Latency {
    /// Answers.
    pub count: usize,
    /// Half of them took at most so many milliseconds.
    pub p50_ms: f64,
    /// 99 of 100 took at most so many milliseconds.
    pub p99_ms: f64,
}

/// What the crowd did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Events of all logs.
    pub events: u64,
    /// Events that the fleet did not acknowledge.
    pub pending: u64,
    /// Sales while they ran, backlogs not counted.
    pub sales: u64,
    /// Batches sent.
    pub batches: u64,
    /// Faults that were ordered and suffered.
    pub faults: u64,
    /// Events that the fleet did not understand, those of forks included.
    pub quarantined: u64,
    /// Kiosks whose log had forked.
    pub forked: usize,
    /// Batches that the fleet did not expect.
    pub unexpected: u64,
    /// Connections with an expired certificate that were refused.
    pub refused: u64,
    /// Kiosks that were connected at least once.
    pub connected: usize,
    /// Connections lost.
    pub lost: u64,
    /// From the first batch to the last answer, of all kiosks together.
    pub handed_over_ms: f64,
    /// How long answers took.
    pub latency: Latency,
    /// Bytes of MQTT sent.
    pub bytes_sent: u64,
    /// One by one.
    pub kiosks: Vec<KioskReport>,
}

impl Report {
    pub(crate) fn new(mut kiosks: Vec<KioskReport>) -> Self {
        kiosks.sort_by(|a, b| a.id.cmp(&b.id));
        let mut latencies: Vec<u64> =
            kiosks.iter().flat_map(|kiosk| kiosk.latency_us.iter().copied()).collect();
        latencies.sort_unstable();
        let sum = |of: fn(&KioskReport) -> u64| kiosks.iter().map(of).sum();
        let first = kiosks.iter().filter_map(|kiosk| kiosk.first_sent).min();
        let last = kiosks.iter().filter_map(|kiosk| kiosk.last_answer).max();
        let handed_over = first.zip(last).map(|(first, last)| last - first).unwrap_or_default();
        Self {
            events: sum(|kiosk| kiosk.last_seq),
            pending: sum(|kiosk| kiosk.pending),
            sales: sum(|kiosk| kiosk.sales),
            batches: sum(|kiosk| kiosk.batches),
            faults: sum(|kiosk| kiosk.faults),
            quarantined: sum(|kiosk| kiosk.quarantined),
            forked: kiosks.iter().filter(|kiosk| kiosk.forked).count(),
            unexpected: sum(|kiosk| kiosk.unexpected),
            refused: sum(|kiosk| kiosk.refused),
            connected: kiosks.iter().filter(|kiosk| kiosk.connected > 0).count(),
            handed_over_ms: handed_over.as_secs_f64() * 1000.0,
            lost: sum(|kiosk| kiosk.lost),
            latency: Latency {
                count: latencies.len(),
                p50_ms: quantile(&latencies, 50),
                p99_ms: quantile(&latencies, 99),
            },
            bytes_sent: sum(|kiosk| kiosk.bytes_sent),
            kiosks,
        }
    }
}

/// The value that `percent` of the sorted values do not exceed, in milliseconds.
fn quantile(sorted_us: &[u64], percent: usize) -> f64 {
    let at = (sorted_us.len() * percent).div_ceil(100).saturating_sub(1);
    sorted_us.get(at).map_or(0.0, |us| std::time::Duration::from_micros(*us).as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_values_themselves() {
        let sorted: Vec<u64> = (1..=100).map(|n| n * 1000).collect();
        assert_eq!((quantile(&sorted, 50), quantile(&sorted, 99)), (50.0, 99.0));
        assert_eq!(quantile(&[], 99), 0.0);
    }
}
