//! Hours and categories.

use super::super::availability::days_in_month;
use super::super::limits::{MAX_AVAILABILITY, MAX_CATEGORIES, MAX_ITEMS};
use super::super::{Availability, Category};
use super::{Check, twice};
use crate::ids::AvailabilityId;
use crate::time::Date;

/// Minutes of a day.
const DAY: u16 = 24 * 60;

impl Check<'_> {
    pub(super) fn availability(&mut self) {
        let windows = &self.parts.availability;
        self.at_most(&["availability"], windows.len(), MAX_AVAILABILITY);
        for (id, window) in windows {
            let place = ["availability", id.as_str()];
            self.id(&[place[0], place[1], "id"], id.as_str());
            if window.start_minute >= DAY {
                self.report(&[place[0], place[1], "from"], "not a time of day", "write 00:00 to 23:59");
            }
            if window.end_minute > DAY {
                self.report(&[place[0], place[1], "until"], "not a time of day", "write 00:00 to 24:00");
            }
            if let Some(day) = twice(&window.weekdays) {
                self.report(
                    &[place[0], place[1], "days"],
                    format!("{day:?} is there twice"),
                    "keep one of them",
                );
            }
            self.dates(&place, "last_date", window.from, window.until);
            if never_opens(window) {
                let what = "none of its days lies between its dates: it never opens";
                self.report(&place, what, "correct the days or the dates");
            }
        }
    }

    pub(super) fn dates(&mut self, place: &[&str; 2], last: &str, from: Option<Date>, until: Option<Date>) {
        for date in [from, until].into_iter().flatten() {
            if date.day == 0 || date.day > days_in_month(date.year, date.month) {
                self.report(place, format!("{date:?} is not in the calendar"), "write a date that exists");
            }
        }
        if let (Some(from), Some(until)) = (from, until)
            && until < from
        {
            self.report(&[place[0], place[1], last], "it ends before it begins", "swap the two dates");
        }
    }

    /// Windows that something names.
    pub(super) fn windows(&mut self, place: &[&str], windows: &[AvailabilityId]) {
        for id in windows.iter().filter(|id| !self.parts.availability.contains_key(id)) {
            let place: Vec<&str> = place.iter().copied().chain(["availability", id.as_str()]).collect();
            self.report(
                &place,
                format!("there is no availability {id}"),
                "correct the id, or add the window",
            );
        }
    }

    pub(super) fn categories(&mut self) {
        let categories = &self.parts.categories;
        self.at_most(&["categories"], categories.len(), MAX_CATEGORIES);
        if let Some(id) = twice(categories.iter().map(|c| &c.id)) {
            let place = ["categories", id.as_str(), "id"];
            self.report(&place, format!("two categories have the id {id}"), "choose another id");
        }
        for category in categories {
            self.category(category);
        }
    }

    fn category(&mut self, category: &Category) {
        let id = category.id.as_str();
        self.id(&["categories", id, "id"], id);
        self.name(&["categories", id, "name"], &category.name);
        self.optional_name(&["categories", id, "strapline"], &category.strapline);
        self.picture(&["categories", id, "picture"], &category.picture);
        self.at_most(&["categories", id, "items"], category.items.len(), MAX_ITEMS);
        if let Some(item) = twice(&category.items) {
            let place = ["categories", id, "items", item.as_str()];
            self.report(&place, format!("item {item} is there twice"), "keep one of them");
        }
        for item in category.items.iter().filter(|item| !self.parts.items.contains_key(item)) {
            let place = ["categories", id, "items", item.as_str()];
            self.report(&place, format!("there is no item {item}"), "correct the id, or add the item");
        }
        if let Some(featured) = category.featured.as_ref().filter(|id| !category.items.contains(id)) {
            let what = format!("item {featured} is featured but not in the category");
            self.report(&["categories", id, "featured"], what, "add it to the items, or feature one of them");
        }
        self.windows(&["categories", id], &category.availability);
    }
}

/// A window with both dates and some weekdays, none of which comes between the dates.
fn never_opens(window: &Availability) -> bool {
    let (Some(from), Some(until)) = (window.from, window.until) else { return false };
    let days = days_since_1970(until) - days_since_1970(from);
    if window.weekdays.is_empty() || !(0..6).contains(&days) {
        return false;
    }
    // 1970-01-01 was a Thursday; Weekday counts from Monday.
    let weekday = |day: i64| (day + 3).rem_euclid(7);
    let first = days_since_1970(from);
    (first..=first + days).all(|day| window.weekdays.iter().all(|w| i64::from(*w as u8) != weekday(day)))
}

/// Days of the proleptic Gregorian calendar, by counting in years that begin in March.
fn days_since_1970(date: Date) -> i64 {
    let (month, day) = (i64::from(date.month), i64::from(date.day));
    let year = i64::from(date.year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Weekday;

    fn date(year: i16, month: u8, day: u8) -> Date {
        Date { year, month, day }
    }

    #[test]
    fn a_window_whose_days_lie_outside_its_dates_never_opens() {
        assert_eq!(days_since_1970(date(1970, 1, 1)), 0);
        assert_eq!(days_since_1970(date(2026, 3, 2)), 20_514);
        let window = |weekdays, from, until| Availability {
            weekdays,
            start_minute: 0,
            end_minute: 0,
            from: Some(from),
            until: Some(until),
        };
        // 2 March 2026 is a Monday.
        let weekend = vec![Weekday::Saturday, Weekday::Sunday];
        assert!(never_opens(&window(weekend.clone(), date(2026, 3, 2), date(2026, 3, 6))));
        assert!(!never_opens(&window(weekend, date(2026, 3, 2), date(2026, 3, 7))));
        assert!(!never_opens(&window(vec![Weekday::Monday], date(2026, 3, 2), date(2026, 3, 2))));
    }
}
