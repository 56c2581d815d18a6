//! Lines and buses of a Linux machine: GPIO character devices, `/dev/i2c-N`, `/dev/spidevN.M`.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use linux_embedded_hal::gpio_cdev::{Chip, Line, LineRequestFlags, chips};
use linux_embedded_hal::spidev::{SpiModeFlags, SpidevOptions};
use linux_embedded_hal::{CdevPin, Delay, I2cdev, SpidevDevice};

use super::SensorError;
use super::contact::{Contact, Level};
use super::light::{Lamp, Strip};
use super::thermometer::{Lm75, Sht3x};

/// Who holds a line, for `gpioinfo`.
const CONSUMER: &str = "kioskd";

/// Clock of a strip, Hz: APA102 take twenty times that, long cables do not.
const STRIP_HZ: u32 = 1_000_000;

/// A GPIO line: the chip by its label, the line by its name. Numbers change from kernel to kernel, but where a line has no
/// name its number on the chip stands for it, and the chip's name (`gpiochip0`) for its label.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LineAddress {
    chip: String,
    line: String,
}

impl FromStr for LineAddress {
    type Err = SensorError;

    fn from_str(text: &str) -> Result<Self, SensorError> {
        match text.rsplit_once('/') {
            Some((chip, line)) if !chip.is_empty() && !line.is_empty() => {
                Ok(Self { chip: chip.to_owned(), line: line.to_owned() })
            }
            _ => Err(SensorError::Address(text.to_owned())),
        }
    }
}

impl fmt::Display for LineAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.chip, self.line)
    }
}

impl LineAddress {
    fn find(&self) -> Result<Line, SensorError> {
        let told = SensorError::told("look for GPIO lines");
        let is_it = |chip: &Chip| chip.label() == self.chip || chip.name() == self.chip;
        let mut chip = chips()
            .map_err(|error| told(&error))?
            .flatten()
            .find(is_it)
            .ok_or_else(|| SensorError::NoChip(self.chip.clone()))?;
        let named = chip.lines().find(|line| line.info().is_ok_and(|it| it.name() == Some(&self.line)));
        let numbered = || chip.get_line(self.line.parse().ok()?).ok();
        named
            .or_else(numbered)
            .ok_or_else(|| SensorError::NoLine { chip: self.chip.clone(), line: self.line.clone() })
    }

    /// The line is freed when the pin is dropped.
    fn open(&self, direction: LineRequestFlags, default: bool) -> Result<CdevPin, SensorError> {
        let told = SensorError::told("take the line");
        let handle = self.find()?.request(direction, default.into(), CONSUMER);
        handle.and_then(CdevPin::new).map_err(|error| told(&error))
    }
}

/// A contact on a line.
///
/// # Errors
/// There is no such line, or somebody else has it.
pub fn contact(line: &LineAddress, active: Level) -> Result<Contact<CdevPin>, SensorError> {
    Ok(Contact::new(line.open(LineRequestFlags::INPUT, false)?, active))
}

/// A lamp on a line, switched off.
///
/// # Errors
/// There is no such line, or somebody else has it.
pub fn lamp(line: &LineAddress, active: Level) -> Result<Lamp<CdevPin>, SensorError> {
    Ok(Lamp::new(line.open(LineRequestFlags::OUTPUT, active == Level::Low)?, active))
}

/// A strip of LEDs on an SPI bus.
///
/// # Errors
/// There is no such bus.
pub fn strip(bus: &Path, leds: u16, rgb: [u8; 3]) -> Result<Strip<SpidevDevice>, SensorError> {
    let mut spi = SpidevDevice::open(bus).map_err(|error| SensorError::told("open the SPI bus")(&error))?;
    let options =
        SpidevOptions::new().bits_per_word(8).max_speed_hz(STRIP_HZ).mode(SpiModeFlags::SPI_MODE_0).build();
    spi.configure(&options).map_err(|error| SensorError::told("set the SPI bus up")(&error))?;
    Ok(Strip::new(spi, leds, rgb))
}

/// An [`Lm75`] on a bus.
///
/// # Errors
/// There is no such bus.
pub fn lm75(bus: &Path, address: Option<u8>) -> Result<Lm75<I2cdev>, SensorError> {
    Ok(Lm75::new(i2c(bus)?, address.unwrap_or(Lm75::<I2cdev>::ADDRESS)))
}

/// An [`Sht3x`] on a bus.
///
/// # Errors
/// There is no such bus.
pub fn sht3x(bus: &Path, address: Option<u8>) -> Result<Sht3x<I2cdev, Delay>, SensorError> {
    Ok(Sht3x::new(i2c(bus)?, address.unwrap_or(Sht3x::<I2cdev, Delay>::ADDRESS), Delay))
}

fn i2c(bus: &Path) -> Result<I2cdev, SensorError> {
    I2cdev::new(bus).map_err(|error| SensorError::told("open the I2C bus")(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_chip_and_a_name() {
        let line: LineAddress = "pinctrl/a/GPIO17".parse().unwrap();
        assert_eq!(line, LineAddress { chip: "pinctrl/a".into(), line: "GPIO17".into() });
        assert_eq!(line.to_string(), "pinctrl/a/GPIO17");
        for wrong in ["", "GPIO17", "/GPIO17", "gpiochip0/"] {
            assert!(wrong.parse::<LineAddress>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_is_not_there_is_named() {
        let line: LineAddress = "no-such-chip/GPIO17".parse().unwrap();
        let error = contact(&line, Level::High).err().unwrap();
        assert!(matches!(&error, SensorError::NoChip(chip) if chip == "no-such-chip"), "{error}");
        let error = lm75(Path::new("/dev/no-such-bus"), None).err().unwrap();
        assert!(error.to_string().starts_with("cannot open the I2C bus"), "{error}");
        assert!(strip(Path::new("/dev/no-such-bus"), 8, [255; 3]).is_err());
    }
}
