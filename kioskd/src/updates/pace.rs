//! How fast is fetched: a bucket of bytes that fills at a rate.

/// Bytes that may be fetched at once however low the rate is, as parts of a rate: a second of it.
const BURST_MS: u64 = 1000;

/// The bucket. Time is a parameter, in ms of any clock that does not go back.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bucket {
    /// When all that was taken has been paid for.
    paid_ms: u64,
}

impl Bucket {
    /// Takes bytes out at a rate of `rate_kb` · 1,000 a second; tells for how many ms to wait before more are taken.
    pub(super) fn take(&mut self, now_ms: u64, bytes: u64, rate_kb: Option<u32>) -> u64 {
        let Some(rate_kb) = rate_kb.filter(|rate| *rate > 0) else {
            self.paid_ms = now_ms;
            return 0;
        };
        let begins = self.paid_ms.max(now_ms.saturating_sub(BURST_MS));
        self.paid_ms = begins + bytes.div_ceil(rate_kb.into());
        self.paid_ms.saturating_sub(now_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_fetched_than_the_rate_allows_and_a_pause_saves_up_a_second_at_most() {
        let (mut bucket, mut now, mut taken) = (Bucket::default(), 1_000_000, 0);
        for _ in 0..200 {
            now += bucket.take(now, 16_384, Some(100));
            taken += 16_384;
        }
        let allowed = (now - 1_000_000 + BURST_MS) * 100 + 16_384;
        assert!((allowed - 200_000..=allowed).contains(&taken), "{taken} {allowed}");
        now += 3_600_000;
        let waits: u64 = (0..20).map(|_| bucket.take(now, 16_384, Some(100))).max().unwrap_or(0);
        assert!((2000..2400).contains(&waits), "a pause is not saved up: {waits}");
        assert_eq!(bucket.take(now, 1 << 30, None), 0, "no limit");
    }
}
