//! What was asked for, as a plan.

use ota::orders::Window;
use protocol::rollout::BUCKETS;

use super::start::NewRollout;
use crate::http::problem::{Answer, Failed};
use crate::rollout::{Plan, Wave};

/// Kiosks that are away at once while little is known.
const EARLY_PACE: usize = 10;
/// From this percent on more is known.
const LATE_PERCENT: u16 = 50;
/// Longest soak and silence, s.
const LONGEST_S: i64 = 30 * 86_400;

/// The waves and limits of a new rollout.
pub(super) fn plan(asked: &NewRollout) -> Answer<Plan> {
    let usual = Plan::usual();
    let percents = asked.waves.clone().unwrap_or_else(|| vec![10, 50, 100]);
    let rises = percents.windows(2).all(|two| two[0] < two[1]);
    if !rises || percents.first() == Some(&0) || percents.last() != Some(&100) {
        return Err(Failed::unfit(
            "waves",
            "waves are percents that rise up to 100, for example 10, 50, 100",
        ));
    }
    if asked.pace == Some(0) {
        return Err(Failed::unfit("pace", "at least one kiosk at once"));
    }
    let pace = |usual: usize| asked.pace.map_or(usual, |pace| pace as usize);
    let early = |percent: u16| if percent < LATE_PERCENT { EARLY_PACE } else { 10 * EARLY_PACE };
    let wave = |percent: u16| Wave {
        name: format!("{percent} %"),
        below: percent * (BUCKETS / 100),
        pace: pace(early(percent)),
    };
    let canary = Wave { name: "canary".to_owned(), below: 0, pace: pace(EARLY_PACE) };
    let waves = std::iter::once(canary).chain(percents.into_iter().map(wave)).collect();
    let seconds = |name: &'static str, asked: Option<i64>, usual: i64| match asked {
        Some(asked) if !(0..=LONGEST_S).contains(&asked) => {
            Err(Failed::unfit(name, format!("{name}: 0 to {LONGEST_S} s")))
        }
        asked => Ok(asked.unwrap_or(usual)),
    };
    let site_percent = asked.site_percent.map_or(usual.site_percent, usize::from);
    if site_percent > 100 {
        return Err(Failed::unfit("site_percent", "site_percent: 0 to 100"));
    }
    let soak_s = seconds("soak_s", asked.soak_s, usual.soak_s)?;
    let silence_s = seconds("silence_s", asked.silence_s, usual.silence_s)?;
    Ok(Plan { waves, site_percent, soak_s, silence_s, ..usual })
}

/// Reads `02:00-05:00`.
pub(super) fn window(text: &str) -> Answer<Window> {
    let minute = |text: &str| -> Option<u16> {
        let (hour, minute) = text.split_once(':')?;
        let is_two = |text: &str| text.len() == 2 && text.bytes().all(|it| it.is_ascii_digit());
        let two = |text: &str| text.parse::<u16>().ok().filter(|_| is_two(text));
        let (hour, minute) = (two(hour)?, two(minute)?);
        (hour < 24 && minute < 60).then_some(hour * 60 + minute)
    };
    let read = text.split_once('-').and_then(|(from, to)| Some((minute(from.trim())?, minute(to.trim())?)));
    let (from, to) = read.filter(|(from, to)| from != to).ok_or_else(|| {
        Failed::unfit("window", format!("{text:?} is no part of a day such as 02:00-05:00"))
    })?;
    Ok(Window { from, to })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_may_go_over_midnight_and_is_never_empty() {
        assert_eq!(window("02:00-05:30").unwrap(), Window { from: 120, to: 330 });
        assert_eq!(window("22:00 - 04:00").unwrap(), Window { from: 1320, to: 240 });
        for wrong in ["", "2-5", "02:00", "24:00-01:00", "02:60-03:00", "03:00-03:00", "+2:00-03:00"] {
            assert!(window(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn waves_rise_to_everybody() {
        let waves = |waves: &[u16]| {
            let asked = NewRollout { waves: Some(waves.to_vec()), ..NewRollout::default() };
            plan(&asked).map(|plan| plan.waves.iter().map(|it| (it.below, it.pace)).collect::<Vec<_>>())
        };
        assert_eq!(waves(&[10, 50, 100]).unwrap(), [(0, 10), (1000, 10), (5000, 100), (10_000, 100)]);
        for wrong in [&[][..], &[10], &[50, 10, 100], &[0, 100], &[100, 100]] {
            assert!(waves(wrong).is_err(), "{wrong:?}");
        }
    }
}
