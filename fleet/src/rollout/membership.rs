//! Who belongs to which wave.

use std::collections::BTreeMap;

use protocol::rollout::bucket;

use super::{Member, Phase, Plan};

/// A kiosk that the rollout's filter names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// Its id.
    pub kiosk: String,
    /// Where it is.
    pub site: String,
    /// It has the tag of those who go first.
    pub canary: bool,
    /// It is online and in service.
    pub works: bool,
}

/// Deals the kiosks to the waves of the plan, once and for all. In the wave after the canaries a site has at most
/// `per_site` kiosks: the others wait for the next wave.
pub fn freeze(
    plan: &Plan,
    salt: &str,
    candidates: &[Candidate],
    per_site: usize,
) -> BTreeMap<String, Member> {
    let last = plan.waves.len().saturating_sub(1);
    let mut first_of_site: BTreeMap<(usize, &str), usize> = BTreeMap::new();
    let mut sorted: Vec<(u16, &Candidate)> =
        candidates.iter().map(|it| (bucket(salt, &it.kiosk), it)).collect();
    sorted.sort_by(|a, b| (a.0, &a.1.kiosk).cmp(&(b.0, &b.1.kiosk)));
    let deal = |(bucket, it): &(u16, &Candidate)| {
        let by_bucket = plan.waves.iter().position(|wave| *bucket < wave.below).unwrap_or(last);
        if it.canary { 0 } else { by_bucket }
    };
    let mut members = BTreeMap::new();
    for dealt in &sorted {
        let mut wave = deal(dealt);
        let candidate = dealt.1;
        if wave == 1 && wave < last {
            let there = first_of_site.entry((wave, &candidate.site)).or_default();
            *there += 1;
            if *there > per_site {
                wave += 1;
            }
        }
        let (site, works) = (candidate.site.clone(), candidate.works);
        members.insert(candidate.kiosk.clone(), Member { site, wave, works, phase: Phase::Waiting });
    }
    members
}
