//! The clocks of the machine, read in one place and handed down.

use std::time::Instant;

use domain::time::{ClockQuality, Date, LocalTime, MonoMs, Now, WallMs, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use store::Clocks;

/// Reads the clocks. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ShopClock {
    zone: TimeZone,
    cutover_hour: u8,
    started: Instant,
}

impl ShopClock {
    /// A clock for a shop in `zone` whose business day begins at `cutover_hour`.
    pub fn new(zone: TimeZone, cutover_hour: u8) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the clocks")]
        let started = Instant::now();
        Self { zone, cutover_hour, started }
    }

    /// One instant.
    pub fn now(&self) -> Now {
        self.at(Timestamp::now())
    }

    /// A moment as people in the shop read it: `2026-11-21 03:59:59 CET`.
    pub fn stamp(&self, at: WallMs) -> String {
        Timestamp::from_millisecond(at.0).map_or_else(
            |_| at.0.to_string(),
            |stamp| stamp.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string(),
        )
    }

    /// The same instant, as the store wants it.
    pub fn clocks(now: &Now) -> Clocks {
        let quality = match now.quality {
            ClockQuality::Untrusted => 0,
            ClockQuality::Rtc => 1,
            ClockQuality::Ntp => 2,
        };
        Clocks { wall_ms: now.wall.0, mono_ms: now.mono.0, quality }
    }

    fn at(&self, stamp: Timestamp) -> Now {
        let local = stamp.to_zoned(self.zone.clone());
        let shifted =
            local.checked_sub(i64::from(self.cutover_hour).hours()).unwrap_or_else(|_| local.clone());
        Now {
            wall: WallMs(stamp.as_millisecond()),
            mono: MonoMs(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)),
            local: local_time(&local),
            business_date: date(&shifted),
            // Until the appliance asks timedated, a clock before this program was written is not believed.
            quality: if stamp.as_second() < WRITTEN_AT_S {
                ClockQuality::Untrusted
            } else {
                ClockQuality::Rtc
            },
        }
    }
}

/// 2026-11-01: no correct clock shows an earlier time to this program.
pub(crate) const WRITTEN_AT_S: i64 = 1_793_491_200;

/// The date on this machine, for tools.
pub fn today() -> Date {
    date(&Zoned::now())
}

fn date(zoned: &Zoned) -> Date {
    Date { year: zoned.year(), month: zoned.month().unsigned_abs(), day: zoned.day().unsigned_abs() }
}

fn local_time(zoned: &Zoned) -> LocalTime {
    LocalTime {
        date: date(zoned),
        weekday: match zoned.weekday() {
            jiff::civil::Weekday::Monday => Weekday::Monday,
            jiff::civil::Weekday::Tuesday => Weekday::Tuesday,
            jiff::civil::Weekday::Wednesday => Weekday::Wednesday,
            jiff::civil::Weekday::Thursday => Weekday::Thursday,
            jiff::civil::Weekday::Friday => Weekday::Friday,
            jiff::civil::Weekday::Saturday => Weekday::Saturday,
            jiff::civil::Weekday::Sunday => Weekday::Sunday,
        },
        minute: u16::from(zoned.hour().unsigned_abs()) * 60 + u16::from(zoned.minute().unsigned_abs()),
        second: zoned.second().unsigned_abs(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Now {
        ShopClock::new(TimeZone::get("Europe/Berlin").unwrap(), 4).at(text.parse().unwrap())
    }

    #[test]
    fn the_hours_after_midnight_count_to_the_business_day_before() {
        let late = at("2026-11-21T02:59:59Z");
        assert_eq!(late.local.minute, 3 * 60 + 59);
        assert_eq!((late.local.date.day, late.business_date.day), (21, 20));
        assert_eq!(at("2026-11-21T03:00:00Z").business_date.day, 21);
    }

    #[test]
    fn a_moment_is_told_in_the_shops_time_summer_and_winter() {
        let clock = ShopClock::new(TimeZone::get("Europe/Berlin").unwrap(), 4);
        let told = |text: &str| clock.stamp(WallMs(text.parse::<Timestamp>().unwrap().as_millisecond()));
        assert_eq!(told("2026-11-21T02:59:59Z"), "2026-11-21 03:59:59 CET");
        assert_eq!(told("2026-07-21T22:30:00Z"), "2026-07-22 00:30:00 CEST");
        assert_eq!(clock.stamp(WallMs(i64::MAX)), i64::MAX.to_string());
    }

    #[test]
    fn a_clock_from_the_past_is_not_trusted() {
        assert_eq!(at("1970-01-01T00:00:10Z").quality, ClockQuality::Untrusted);
        assert_eq!(at("2026-11-21T03:00:00Z").quality, ClockQuality::Rtc);
    }
}
