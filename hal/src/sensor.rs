//! Small parts on a board's GPIO lines and buses: contacts, lights, thermometers.
//!
//! Drivers are written against the traits of embedded-hal; [`linux`] opens what they sit on. All of them return at once,
//! but for what a bus needs to move a few bytes.

pub mod contact;
pub mod light;
pub mod linux;
pub mod thermometer;

/// Why a part does not work.
#[derive(Debug, thiserror::Error)]
pub enum SensorError {
    /// What is written in the settings is no place for a part.
    #[error("{0:?} is no line: write the chip's label and the line's name, like pinctrl-bcm2711/GPIO17")]
    Address(String),
    /// No chip of GPIO lines is called so.
    #[error("there is no GPIO chip {0:?}")]
    NoChip(String),
    /// The chip has no such line.
    #[error("the GPIO chip {chip:?} has no line {line:?}")]
    NoLine {
        /// The chip's label.
        chip: String,
        /// The line's name or number.
        line: String,
    },
    /// The line or the bus refused.
    #[error("cannot {doing}: {why}")]
    Refused {
        /// What was tried.
        doing: &'static str,
        /// What the driver below says.
        why: String,
    },
    /// The checksum of an answer is wrong.
    #[error("the checksum of its answer is wrong")]
    Checksum,
    /// No part of this kind measures that.
    #[error("it says {0:.1} °C, which it cannot measure")]
    OutOfRange(f32),
}

impl SensorError {
    /// The embedded-hal traits promise no more of an error than that it can be written for developers.
    fn refused(doing: &'static str) -> impl Fn(&dyn std::fmt::Debug) -> Self {
        move |error| Self::Refused { doing, why: format!("{error:?}") }
    }

    /// Of an error that is told in words.
    fn told(doing: &'static str) -> impl Fn(&dyn std::fmt::Display) -> Self {
        move |error| Self::Refused { doing, why: error.to_string() }
    }
}
