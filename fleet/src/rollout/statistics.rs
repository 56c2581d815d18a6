//! When failures are more than chance: Wald's sequential probability ratio test for the verdicts, an exact binomial
//! tail for the health of those with the release against those without.

/// Failures that a good release has: a kiosk may fail for reasons of its own.
const P_GOOD: f64 = 0.01;
/// Failures of a release that must not go on.
const P_BAD: f64 = 0.05;
/// A good release is halted with at most this probability, in a test.
const ALPHA: f64 = 0.01;
/// A bad release passes a test with at most this probability.
const BETA: f64 = 0.05;

/// The test of the verdicts, one after the other.
#[derive(Clone, Copy, PartialEq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Sequential {
    /// Logarithm of the likelihood ratio, bad release to good release.
    sum: f64,
}

impl Sequential {
    /// One more verdict.
    pub fn verdict(&mut self, good: bool) {
        self.sum += if good { ((1.0 - P_BAD) / (1.0 - P_GOOD)).ln() } else { (P_BAD / P_GOOD).ln() };
    }

    /// Whether the release is bad.
    pub fn rejects(self) -> bool {
        self.sum >= ((1.0 - BETA) / ALPHA).ln()
    }

    /// Whether it is good enough to begin anew with the next wave. Never within a wave: begun again and again, chance
    /// would halt every rollout of a large fleet.
    pub fn passes(self) -> bool {
        self.sum <= (BETA / (1.0 - ALPHA)).ln()
    }
}

/// What happened to some kiosks, and for how long they were watched: payment failures in so many payments, crashes
/// in so many hours.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Exposure {
    /// How often it happened.
    pub events: u32,
    /// Out of how much.
    pub exposure: f64,
}

/// Whether kiosks with the release do worse than those without: the probability of a difference like this by chance is
/// at most `alpha`. If the release changed nothing each event falls on one side by its share of the exposure.
pub fn is_worse(updated: Exposure, control: Exposure, alpha: f64) -> bool {
    let whole = updated.exposure + control.exposure;
    if updated.exposure <= 0.0 || control.exposure <= 0.0 {
        return false;
    }
    let events = updated.events.saturating_add(control.events);
    tail(events, updated.events, updated.exposure / whole) <= alpha
}

/// Probability of at least `least` of `count`, each with probability `p`: summed from logarithms, as the terms span
/// hundreds of orders of magnitude.
fn tail(count: u32, least: u32, p: f64) -> f64 {
    if least == 0 {
        return 1.0;
    }
    let (log_p, log_q) = (p.ln(), (1.0 - p).ln());
    let mut log_choose = 0.0;
    let mut sum = 0.0;
    for k in 1..=count {
        log_choose += f64::from(count - k + 1).ln() - f64::from(k).ln();
        if k >= least {
            sum += (log_choose + f64::from(k) * log_p + f64::from(count - k) * log_q).exp();
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many failures halt if they come within the first so many verdicts.
    #[test]
    fn the_test_halts_where_its_formula_says() {
        for (failures, within) in [(3, 9), (4, 49), (5, 89), (6, 129), (7, 169), (8, 209)] {
            for (verdicts, expected) in [(within, true), (within + 1, false)] {
                let mut test = Sequential::default();
                (0..verdicts - failures).for_each(|_| test.verdict(true));
                (0..failures).for_each(|_| test.verdict(false));
                assert_eq!(test.rejects(), expected, "{failures} of {verdicts}");
            }
        }
        let mut test = Sequential::default();
        (0..72).for_each(|_| test.verdict(true));
        assert!(!test.passes());
        test.verdict(true);
        assert!(test.passes(), "73 good ones in a row");
    }

    /// The values of R's `binom.test(k, n, p, "greater")`.
    #[test]
    fn the_tail_of_a_binomial_is_the_one_of_other_programs() {
        for (count, least, p, expected) in [
            (10, 8, 0.5, 0.054_687_5),
            (20, 20, 0.5, 9.536_743e-7),
            (100, 60, 0.5, 0.028_443_966),
            (7, 0, 0.1, 1.0),
        ] {
            let found = tail(count, least, p);
            assert!((found - expected).abs() <= expected * 1e-6, "{count} {least} {p}: {found}");
        }
    }

    #[test]
    fn worse_is_what_chance_does_not_explain() {
        let of = |events, exposure| Exposure { events, exposure };
        assert!(is_worse(of(20, 1000.0), of(10, 9000.0), 1e-3));
        assert!(!is_worse(of(2, 1000.0), of(10, 9000.0), 1e-3), "a little more than its share");
        assert!(!is_worse(of(5, 1000.0), of(0, 0.0), 1e-3), "nobody to compare with");
        assert!(!is_worse(of(0, 1000.0), of(500, 1000.0), 1e-3), "better");
    }
}
