//! Time as a parameter. The shell reads the clocks; the domain is told.

/// A moment of the wall clock, milliseconds since 1970-01-01 UTC. It can jump.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct WallMs(pub i64);

/// A moment of the monotonic clock of this process, milliseconds. It never goes back and starts anew with
/// the process: never stored.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct MonoMs(pub u64);

impl MonoMs {
    /// The moment `ms` later.
    pub fn plus(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to here; 0 if `earlier` is later.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A calendar date in the shop's time zone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Date {
    /// Year, for example 2026.
    pub year: i16,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day of the month, 1 to 31.
    pub day: u8,
}

/// Day of the week.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// The shop's local calendar time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LocalTime {
    /// Calendar date.
    pub date: Date,
    /// Its day of the week.
    pub weekday: Weekday,
    /// Minutes since local midnight, 0 to 1439.
    pub minute: u16,
    /// Second of the minute, 0 to 59.
    pub second: u8,
}

/// How far the wall clock can be trusted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ClockQuality {
    /// No battery-backed clock and no network time since boot.
    Untrusted,
    /// From the battery-backed clock.
    Rtc,
    /// Synchronised from the network.
    Ntp,
}

/// One instant, as the shell read it for one turn of the core loop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Now {
    /// Wall clock.
    pub wall: WallMs,
    /// Monotonic clock.
    pub mono: MonoMs,
    /// The wall clock in the shop's time zone.
    pub local: LocalTime,
    /// The business date: the local date, with the hours before the cut-over counted to the day before.
    pub business_date: Date,
    /// How far `wall` can be trusted.
    pub quality: ClockQuality,
}
