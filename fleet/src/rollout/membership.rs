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
    let dealt = |it: &Candidate| plan.waves.iter().position(|wave| bucket(salt, &it.kiosk) < wave.below);
    let mut sorted: Vec<&Candidate> = candidates.iter().collect();
    sorted.sort_by_cached_key(|it| (bucket(salt, &it.kiosk), it.kiosk.clone()));
    let mut early_of_site: BTreeMap<&str, usize> = BTreeMap::new();
    let member = |it: &Candidate, wave| {
        let (site, works) = (it.site.clone(), it.works);
        (it.kiosk.clone(), Member { site, wave, works, phase: Phase::Waiting })
    };
    let waves = sorted.into_iter().map(|it| {
        let wave = if it.canary { 0 } else { dealt(it).unwrap_or(last) };
        if wave != 1 || wave == last {
            return member(it, wave);
        }
        let there = early_of_site.entry(&it.site).or_default();
        *there += 1;
        member(it, if *there > per_site { wave + 1 } else { wave })
    });
    waves.collect()
}
