//! What a printer says about itself: paper, cover, knife, drawer. Status bits into meaning; pure.

use super::profile::{PinLevel, StatusDialect};
use crate::status::DeviceState;

/// What is known about a printer now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PrinterCondition {
    /// It refuses data, for one of the reasons below or one it does not tell.
    pub offline: bool,
    /// The cover is open.
    pub cover_open: bool,
    /// Paper left.
    pub paper: Paper,
    /// A fault of the mechanism.
    pub mechanism: Option<MechanismFault>,
    /// Level of the drawer pin, once reported. Which level means open is the profile's.
    pub drawer_pin: Option<PinLevel>,
    /// Several status requests in a row went unanswered.
    pub silent: bool,
}

/// Paper left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Paper {
    /// Enough, or the printer has no sensor for less.
    #[default]
    Enough,
    /// The roll is nearly empty; receipts still print.
    NearEnd,
    /// None, or the printer stopped because it thinks so.
    Out,
}

/// Faults of the mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MechanismFault {
    /// The knife is stuck.
    Cutter,
    /// The head is too hot; it goes on by itself when it has cooled.
    HeadHot,
    /// Only switching it off and on can help.
    Unrecoverable,
}

/// Why a printer cannot print now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrinterFault {
    /// A fault that only service or switching off and on can clear.
    #[error("unrecoverable error")]
    Unrecoverable,
    /// The knife is stuck.
    #[error("cutter jam")]
    CutterJam,
    /// The cover is open.
    #[error("cover open")]
    CoverOpen,
    /// No paper.
    #[error("paper out")]
    PaperOut,
    /// The head is cooling down.
    #[error("print head too hot")]
    HeadHot,
    /// Offline without a reason we know, such as somebody holding the feed button.
    #[error("offline")]
    Offline,
    /// It does not answer.
    #[error("no answer")]
    Silent,
}

impl PrinterCondition {
    /// What keeps the printer from printing, the gravest first.
    #[must_use]
    pub fn fault(&self) -> Option<PrinterFault> {
        match self.mechanism {
            Some(MechanismFault::Unrecoverable) => return Some(PrinterFault::Unrecoverable),
            Some(MechanismFault::Cutter) => return Some(PrinterFault::CutterJam),
            Some(MechanismFault::HeadHot) | None => {}
        }
        if self.cover_open {
            Some(PrinterFault::CoverOpen)
        } else if self.paper == Paper::Out {
            Some(PrinterFault::PaperOut)
        } else if self.mechanism.is_some() {
            Some(PrinterFault::HeadHot)
        } else if self.silent {
            Some(PrinterFault::Silent)
        } else if self.offline {
            Some(PrinterFault::Offline)
        } else {
            None
        }
    }

    /// The state to report.
    #[must_use]
    pub fn state(&self) -> DeviceState {
        match self.fault() {
            None if self.paper == Paper::NearEnd => DeviceState::Degraded("paper-near-end".to_owned()),
            None => DeviceState::Ready,
            Some(fault @ (PrinterFault::HeadHot | PrinterFault::Silent)) => {
                DeviceState::Degraded(fault.word().to_owned())
            }
            Some(fault) => DeviceState::Faulted(fault.word().to_owned()),
        }
    }

    /// Takes in the answer to `DLE EOT n`.
    pub(crate) fn apply_real_time(&mut self, dialect: StatusDialect, n: u8, byte: u8) {
        match (dialect, n) {
            (StatusDialect::Epson, 1) => {
                self.offline = byte & 0x08 != 0;
                self.drawer_pin = Some(level(byte & 0x04 != 0));
            }
            (StatusDialect::Epson, 2) => {
                self.cover_open = byte & 0x04 != 0;
                if byte & 0x20 != 0 {
                    self.paper = Paper::Out;
                }
                if byte & 0x40 == 0 {
                    self.mechanism = None;
                }
            }
            (StatusDialect::Epson, 3) => self.mechanism = mechanism(byte),
            (StatusDialect::Epson, 4) => {
                self.paper = match (byte & 0x60 != 0, byte & 0x0C != 0) {
                    (true, _) => Paper::Out,
                    (false, true) => Paper::NearEnd,
                    (false, false) => Paper::Enough,
                }
            }
            (StatusDialect::Hmk830, 2) => {
                self.paper = match (byte & 0x01 != 0, byte & 0x08 != 0) {
                    (true, _) => Paper::Out,
                    (false, true) => Paper::NearEnd,
                    (false, false) => Paper::Enough,
                };
                self.mechanism = (byte & 0x20 != 0).then_some(MechanismFault::Cutter);
            }
            (StatusDialect::Epson | StatusDialect::Hmk830, _) => {}
        }
    }

    /// Takes in an automatic status report.
    pub(crate) fn apply_auto_status(&mut self, status: [u8; 4]) {
        let [printer, error, paper, _reserved] = status;
        self.drawer_pin = Some(level(printer & 0x04 != 0));
        self.offline = printer & 0x08 != 0;
        self.cover_open = printer & 0x20 != 0;
        self.mechanism = mechanism(error);
        self.paper = match (paper & 0x0C != 0, paper & 0x03 != 0) {
            (true, _) => Paper::Out,
            (false, true) => Paper::NearEnd,
            (false, false) => Paper::Enough,
        };
    }
}

/// `DLE EOT 3` and the second byte of automatic status name the error by the same bits.
fn mechanism(byte: u8) -> Option<MechanismFault> {
    if byte & 0x20 != 0 {
        Some(MechanismFault::Unrecoverable)
    } else if byte & 0x08 != 0 {
        Some(MechanismFault::Cutter)
    } else if byte & 0x40 != 0 {
        Some(MechanismFault::HeadHot)
    } else {
        None
    }
}

fn level(high: bool) -> PinLevel {
    if high { PinLevel::High } else { PinLevel::Low }
}

impl PrinterFault {
    /// A short stable word for states, metrics and screens.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unrecoverable => "unrecoverable",
            Self::CutterJam => "cutter-jam",
            Self::CoverOpen => "cover-open",
            Self::PaperOut => "paper-out",
            Self::HeadHot => "head-hot",
            Self::Offline => "offline",
            Self::Silent => "silent",
        }
    }

    /// Whether a job in the printer survives this and goes on when it is cleared. After the others somebody has
    /// to switch the printer off or clear its buffer, and what was in it is lost.
    #[must_use]
    pub fn keeps_job(self) -> bool {
        match self {
            Self::CoverOpen | Self::PaperOut | Self::HeadHot | Self::Offline => true,
            Self::Unrecoverable | Self::CutterJam | Self::Silent => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn real_time(answers: &[(u8, u8)]) -> PrinterCondition {
        let mut condition = PrinterCondition::default();
        for (n, byte) in answers {
            condition.apply_real_time(StatusDialect::Epson, *n, *byte);
        }
        condition
    }

    #[test]
    fn real_time_status_names_paper_cover_and_errors() {
        assert_eq!(real_time(&[(1, 0x12), (2, 0x12), (4, 0x12)]).state(), DeviceState::Ready);
        assert_eq!(real_time(&[(4, 0x1E)]).state(), DeviceState::Degraded("paper-near-end".into()));
        assert_eq!(real_time(&[(4, 0x72)]).fault(), Some(PrinterFault::PaperOut));
        assert_eq!(real_time(&[(4, 0x7E)]).fault(), Some(PrinterFault::PaperOut));
        assert_eq!(real_time(&[(1, 0x1A), (2, 0x16)]).fault(), Some(PrinterFault::CoverOpen));
        assert_eq!(real_time(&[(2, 0x52), (3, 0x1A)]).fault(), Some(PrinterFault::CutterJam));
        assert_eq!(real_time(&[(3, 0x52)]).state(), DeviceState::Degraded("head-hot".into()));
        assert_eq!(real_time(&[(3, 0x32)]).fault(), Some(PrinterFault::Unrecoverable));
        assert_eq!(real_time(&[(1, 0x1A)]).fault(), Some(PrinterFault::Offline));
        assert_eq!(real_time(&[(1, 0x16)]).drawer_pin, Some(PinLevel::High));
    }

    #[test]
    fn a_cleared_error_goes_away() {
        assert_eq!(real_time(&[(3, 0x1A), (2, 0x12)]).fault(), None);
        assert_eq!(real_time(&[(4, 0x72), (4, 0x12)]).fault(), None);
    }

    #[test]
    fn a_near_end_sensor_that_stops_printing_counts_as_paper_out() {
        assert_eq!(real_time(&[(4, 0x1E), (2, 0x32)]).fault(), Some(PrinterFault::PaperOut));
    }

    #[test]
    fn automatic_status_carries_everything_at_once() {
        let mut condition = PrinterCondition::default();
        condition.apply_auto_status([0x3C, 0x00, 0x00, 0x0F]);
        assert_eq!(condition.fault(), Some(PrinterFault::CoverOpen));
        assert!(condition.offline);
        assert_eq!(condition.drawer_pin, Some(PinLevel::High));
        condition.apply_auto_status([0x10, 0x00, 0x0F, 0x00]);
        assert_eq!(condition.fault(), Some(PrinterFault::PaperOut));
        condition.apply_auto_status([0x10, 0x00, 0x03, 0x00]);
        assert_eq!(condition.state(), DeviceState::Degraded("paper-near-end".into()));
        condition.apply_auto_status([0x18, 0x08, 0x00, 0x00]);
        assert_eq!(condition.fault(), Some(PrinterFault::CutterJam));
        condition.apply_auto_status([0x10, 0x00, 0x00, 0x00]);
        assert_eq!(condition.state(), DeviceState::Ready);
    }

    #[test]
    fn the_kiosk_mechanism_has_its_own_bits() {
        let mut condition = PrinterCondition::default();
        condition.apply_real_time(StatusDialect::Hmk830, 2, 0x01);
        assert_eq!(condition.fault(), Some(PrinterFault::PaperOut));
        condition.apply_real_time(StatusDialect::Hmk830, 2, 0x28);
        assert_eq!(condition.fault(), Some(PrinterFault::CutterJam));
        condition.apply_real_time(StatusDialect::Hmk830, 2, 0x08);
        assert_eq!(condition.state(), DeviceState::Degraded("paper-near-end".into()));
    }
}
