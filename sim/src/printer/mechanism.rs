//! Paper, cover, cutter, head: what can stop the printer, and how it says so in status bytes.

use std::time::Duration;

/// The roll.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Paper {
    Ok,
    /// The near-end sensor fires; printing goes on.
    Near,
    Out,
}

/// What has gone wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Error {
    /// Recoverable by `DLE ENQ` once the jam is gone.
    Cutter,
    /// Ends by itself when the head has cooled.
    HeadHot,
    /// Ends only with the power.
    Unrecoverable,
}

/// The answer format of `DLE EOT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The usual one.
    Epson,
    /// Some kiosk mechanisms: n = 2 tells bit 0 = no paper, bit 3 = paper low, bit 5 = cutter; no fixed bits.
    Clone,
}

/// The state of the hardware.
#[derive(Debug, Clone)]
pub struct Mechanism {
    pub paper: Paper,
    pub cover_open: bool,
    pub error: Option<Error>,
    /// Paper is stuck in the cutter: the error comes back until somebody pulls it out.
    pub jammed: bool,
    /// When the hot head has cooled.
    pub cool_at: Option<Duration>,
    /// Switched off line at the panel.
    pub offline_switch: bool,
    pub dialect: Dialect,
}

/// Fixed bits of each `DLE EOT` answer.
const FIXED: u8 = 0x12;

impl Mechanism {
    /// A healthy printer with a full roll.
    pub const HEALTHY: Self = Self {
        paper: Paper::Ok,
        cover_open: false,
        error: None,
        jammed: false,
        cool_at: None,
        offline_switch: false,
        dialect: Dialect::Epson,
    };

    /// Whether anything may be executed.
    pub fn online(&self) -> bool {
        self.paper != Paper::Out && !self.cover_open && self.error.is_none() && !self.offline_switch
    }

    /// Ends what ends with time; says whether something did.
    pub fn cool(&mut self, now: Duration) -> bool {
        let cooled = self.cool_at.is_some_and(|at| at <= now);
        if cooled {
            self.cool_at = None;
            if self.error == Some(Error::HeadHot) {
                self.error = None;
            }
        }
        cooled
    }

    /// `DLE ENQ`: an error ends if its cause is gone.
    pub fn recover(&mut self) -> bool {
        let recovered = self.error == Some(Error::Cutter) && !self.jammed;
        if recovered {
            self.error = None;
        }
        recovered
    }

    /// The one-byte answer to `DLE EOT n`.
    pub fn real_time_status(&self, n: u8, drawer_pin_high: bool) -> u8 {
        match self.dialect {
            Dialect::Epson => FIXED | self.epson_bits(n, drawer_pin_high),
            Dialect::Clone => self.clone_bits(n),
        }
    }

    fn epson_bits(&self, n: u8, drawer_pin_high: bool) -> u8 {
        match n {
            1 => bit(drawer_pin_high, 0x04) | bit(!self.online(), 0x08),
            2 => {
                bit(self.cover_open, 0x04)
                    | bit(self.paper == Paper::Out, 0x20)
                    | bit(self.error.is_some(), 0x40)
            }
            3 => match self.error {
                Some(Error::Cutter) => 0x08,
                Some(Error::Unrecoverable) => 0x20,
                Some(Error::HeadHot) => 0x40,
                None => 0,
            },
            // An empty roll is past the near-end sensor too.
            4 => match self.paper {
                Paper::Ok => 0,
                Paper::Near => 0x0C,
                Paper::Out => 0x6C,
            },
            _ => 0,
        }
    }

    fn clone_bits(&self, n: u8) -> u8 {
        match n {
            1 => bit(!self.online(), 0x08),
            2 => {
                bit(self.paper == Paper::Out, 0x01)
                    | bit(self.paper != Paper::Ok, 0x08)
                    | bit(self.error == Some(Error::Cutter), 0x20)
            }
            _ => 0,
        }
    }

    /// The four bytes of the automatic status.
    pub fn auto_status(&self, drawer_pin_high: bool) -> [u8; 4] {
        let first =
            0x10 | bit(drawer_pin_high, 0x04) | bit(!self.online(), 0x08) | bit(self.cover_open, 0x20);
        let second = match self.error {
            Some(Error::Cutter) => 0x08,
            Some(Error::Unrecoverable) => 0x20,
            Some(Error::HeadHot) => 0x40,
            None => 0,
        };
        [first, second, self.paper_bits(), 0]
    }

    /// Bits 0 and 1 near end, 2 and 3 end: the automatic status and `GS r 1` share them.
    pub fn paper_bits(&self) -> u8 {
        match self.paper {
            Paper::Ok => 0,
            Paper::Near => 0x03,
            Paper::Out => 0x0F,
        }
    }
}

/// The bits of the automatic status that the mask of `GS a` asks to be told about.
pub fn watched_bits(mask: u8) -> [u8; 4] {
    [
        bit(mask & 1 != 0, 0x04) | bit(mask & 2 != 0, 0x28),
        bit(mask & 4 != 0, 0x68),
        bit(mask & 8 != 0, 0x0F),
        0,
    ]
}

fn bit(on: bool, value: u8) -> u8 {
    if on { value } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(change: impl FnOnce(&mut Mechanism)) -> [u8; 4] {
        let mut mechanism = Mechanism::HEALTHY;
        change(&mut mechanism);
        [1, 2, 3, 4].map(|n| mechanism.real_time_status(n, false))
    }

    #[test]
    fn every_fault_shows_in_its_published_bits() {
        assert_eq!(answers(|_| ()), [0x12, 0x12, 0x12, 0x12]);
        assert_eq!(answers(|m| m.paper = Paper::Near), [0x12, 0x12, 0x12, 0x1E]);
        assert_eq!(answers(|m| m.paper = Paper::Out), [0x1A, 0x32, 0x12, 0x7E]);
        assert_eq!(answers(|m| m.cover_open = true), [0x1A, 0x16, 0x12, 0x12]);
        assert_eq!(answers(|m| m.error = Some(Error::Cutter)), [0x1A, 0x52, 0x1A, 0x12]);
        assert_eq!(answers(|m| m.error = Some(Error::HeadHot)), [0x1A, 0x52, 0x52, 0x12]);
        assert_eq!(answers(|m| m.error = Some(Error::Unrecoverable)), [0x1A, 0x52, 0x32, 0x12]);
        assert_eq!(answers(|m| m.offline_switch = true), [0x1A, 0x12, 0x12, 0x12]);
        assert_eq!(Mechanism::HEALTHY.real_time_status(1, true), 0x16);
    }

    #[test]
    fn answers_of_the_usual_dialect_carry_the_marks_that_tell_them_apart() {
        for paper in [Paper::Ok, Paper::Near, Paper::Out] {
            for error in [None, Some(Error::Cutter), Some(Error::HeadHot), Some(Error::Unrecoverable)] {
                let mechanism = Mechanism { paper, error, cover_open: true, ..Mechanism::HEALTHY };
                for n in 1..=4 {
                    assert_eq!(mechanism.real_time_status(n, true) & 0x93, 0x12);
                }
                let [first, rest @ ..] = mechanism.auto_status(true);
                assert_eq!(first & 0x93, 0x10);
                assert!(rest.iter().all(|byte| byte & 0x90 == 0));
            }
        }
    }

    #[test]
    fn the_clone_dialect_has_its_own_bits_and_no_marks() {
        assert_eq!(answers(|m| m.dialect = Dialect::Clone), [0, 0, 0, 0]);
        let out = answers(|m| {
            m.dialect = Dialect::Clone;
            m.paper = Paper::Out;
        });
        assert_eq!(out, [0x08, 0x09, 0, 0]);
    }
}
