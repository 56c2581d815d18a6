//! Splitting an amount so that nothing is lost: the method of the largest remainder (Hamilton).

use std::cmp::Reverse;

use super::Minor;

/// One that gets a share of an amount.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Share<K> {
    /// What the share is proportional to; below zero counts as zero.
    pub weight: Minor,
    /// Decides who gets the odd unit when remainders and weights are equal: the lower key.
    pub key: K,
}

/// Splits `total` in proportion to the weights, each share rounded down and the missing units given one each
/// to the largest remainders (then to the larger weights, then to the lower keys). With all weights zero
/// everyone counts the same.
///
/// The shares add up to `total` exactly, each is less than one unit from its exact value, a zero weight among
/// others gets nothing, and `-total` gives the same shares with the other sign. No shares, no result.
pub fn apportion<K: Ord>(total: Minor, shares: &[Share<K>]) -> Vec<Minor> {
    let weight = |share: &Share<K>| i128::from(share.weight.0.max(0));
    let all: i128 = shares.iter().map(weight).sum();
    let weight = |share: &Share<K>| if all == 0 { 1 } else { weight(share) };
    let all: i128 = shares.iter().map(weight).sum();
    let amount = i128::from(total.0).abs();
    let mut parts: Vec<i128> = shares.iter().map(|s| amount * weight(s) / all).collect();

    let mut in_line: Vec<usize> = (0..shares.len()).collect();
    in_line.sort_by_cached_key(|&i| {
        let w = weight(&shares[i]);
        (Reverse(amount * w % all), Reverse(w), &shares[i].key, i)
    });
    let missing = amount - parts.iter().sum::<i128>();
    let missing = usize::try_from(missing).expect("fewer units are missing than there are shares");
    for &i in &in_line[..missing.min(shares.len())] {
        parts[i] += 1;
    }
    let sign = i128::from(total.0.signum());
    parts
        .into_iter()
        .map(|part| Minor(i64::try_from(sign * part).expect("a share is not larger than its total")))
        .collect()
}
