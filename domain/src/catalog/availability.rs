//! Whether an availability window covers a moment, and the little calendar arithmetic this takes.

use crate::time::{Date, LocalTime, Weekday};

/// Times at which something can be had.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Availability {
    /// On these days; empty: every day.
    pub weekdays: Vec<Weekday>,
    /// From this minute of the local day, inclusive.
    pub start_minute: u16,
    /// To this minute, exclusive; not after `start_minute`: it runs over midnight.
    pub end_minute: u16,
    /// First date; `None`: since ever.
    pub from: Option<Date>,
    /// Last date; `None`: until further notice.
    pub until: Option<Date>,
}

impl Availability {
    /// Whether the window is open at this local time. A window over midnight belongs to the day it starts on:
    /// Saturday 22:00–02:00 is open on Sunday at 01:00.
    pub fn covers(&self, at: &LocalTime) -> bool {
        let over_midnight = self.end_minute <= self.start_minute;
        let evening = at.minute >= self.start_minute && (over_midnight || at.minute < self.end_minute);
        let early = over_midnight && at.minute < self.end_minute;
        (evening && self.is_on(at.date, at.weekday))
            || (early && self.is_on(day_before(at.date), weekday_before(at.weekday)))
    }

    fn is_on(&self, date: Date, weekday: Weekday) -> bool {
        (self.weekdays.is_empty() || self.weekdays.contains(&weekday))
            && self.from.is_none_or(|from| from <= date)
            && self.until.is_none_or(|until| date <= until)
    }
}

/// Days of a month; 0 for a month that does not exist.
pub(super) fn days_in_month(year: i16, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 0,
    }
}

fn day_before(date: Date) -> Date {
    if date.day > 1 {
        Date { day: date.day - 1, ..date }
    } else if date.month > 1 {
        let month = date.month - 1;
        Date { month, day: days_in_month(date.year, month), ..date }
    } else {
        Date { year: date.year.saturating_sub(1), month: 12, day: 31 }
    }
}

fn weekday_before(day: Weekday) -> Weekday {
    match day {
        Weekday::Monday => Weekday::Sunday,
        Weekday::Tuesday => Weekday::Monday,
        Weekday::Wednesday => Weekday::Tuesday,
        Weekday::Thursday => Weekday::Wednesday,
        Weekday::Friday => Weekday::Thursday,
        Weekday::Saturday => Weekday::Friday,
        Weekday::Sunday => Weekday::Saturday,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: u8, weekday: Weekday, minute: u16) -> LocalTime {
        LocalTime { date: Date { year: 2026, month: 3, day }, weekday, minute, second: 0 }
    }

    #[test]
    fn a_window_over_midnight_belongs_to_the_day_it_starts_on() {
        let saturday_night = Availability {
            weekdays: vec![Weekday::Saturday],
            start_minute: 22 * 60,
            end_minute: 2 * 60,
            from: None,
            until: Some(Date { year: 2026, month: 2, day: 28 }),
        };
        let on_28th = LocalTime {
            date: Date { year: 2026, month: 2, day: 28 },
            weekday: Weekday::Saturday,
            minute: 23 * 60,
            second: 0,
        };
        assert!(saturday_night.covers(&on_28th));
        assert!(saturday_night.covers(&at(1, Weekday::Sunday, 119)), "the first hours of 1 March");
        assert!(!saturday_night.covers(&at(1, Weekday::Sunday, 120)));
        assert!(!saturday_night.covers(&at(7, Weekday::Saturday, 23 * 60)), "its last date is over");
    }

    #[test]
    fn equal_ends_mean_the_whole_day() {
        let always =
            Availability { weekdays: vec![], start_minute: 0, end_minute: 0, from: None, until: None };
        assert!(always.covers(&at(1, Weekday::Sunday, 0)));
        assert!(always.covers(&at(1, Weekday::Sunday, 1439)));
    }
}
