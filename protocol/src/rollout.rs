//! Which part of the fleet a kiosk belongs to: the same on both sides, the same for the whole of a rollout.

/// Buckets of a fleet: a bucket is a hundredth of a percent.
pub const BUCKETS: u16 = 10_000;

/// The bucket of a kiosk in a rollout, below [`BUCKETS`]. Another salt deals anew; a wave of p percent admits the
/// buckets below 100 p, so that a larger wave holds every smaller one.
pub fn bucket(salt: &str, kiosk: &str) -> u16 {
    let bytes = [salt.as_bytes(), &[0], kiosk.as_bytes()].concat();
    let hash = ring::digest::digest(&ring::digest::SHA256, &bytes);
    let first = hash.as_ref().first_chunk().copied().map_or(0, u32::from_be_bytes);
    u16::try_from(first % u32::from(BUCKETS)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of the specification; `sha256sum` gives the same.
    #[test]
    fn a_kiosk_has_the_bucket_that_everybody_computes() {
        for (salt, kiosk, expected) in
            [("campaign-1", "k0042", 7560), ("campaign-1", "k0043", 9050), ("campaign-2", "k0042", 9781)]
        {
            assert_eq!(bucket(salt, kiosk), expected, "{salt} {kiosk}");
        }
        let admitted = (0..10_000).filter(|n| bucket("campaign-1", &format!("k{n:05}")) < 1000).count();
        assert_eq!(admitted, 982, "ten percent of ten thousand");
    }
}
