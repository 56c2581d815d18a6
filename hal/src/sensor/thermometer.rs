//! Thermometers on an I2C bus.

use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::I2c;

use super::SensorError;

/// What these parts measure, in °C; what is outside is a broken part or an empty bus.
const RANGE: std::ops::RangeInclusive<f32> = -40.0..=125.0;

/// A part that measures temperature.
pub trait Thermometer: Send {
    /// The temperature now, in °C. Takes up to 20 ms.
    ///
    /// # Errors
    /// It does not answer, or answers nonsense.
    fn celsius(&mut self) -> Result<f32, SensorError>;
}

fn plausible(celsius: f32) -> Result<f32, SensorError> {
    if RANGE.contains(&celsius) { Ok(celsius) } else { Err(SensorError::OutOfRange(celsius)) }
}

/// LM75, TMP102 and what is like them: register 0 holds the temperature, two bytes, the high one first, in 1/256 °C; the last
/// four bits mean nothing. Source: data sheets of TMP102 (TI SBOS397) and LM75B (NXP).
#[derive(Debug)]
pub struct Lm75<I> {
    bus: I,
    address: u8,
}

impl<I: I2c> Lm75<I> {
    /// Where [`Lm75`] is if its address pins are low.
    pub const ADDRESS: u8 = 0x48;

    /// A part on a bus.
    pub fn new(bus: I, address: u8) -> Self {
        Self { bus, address }
    }
}

impl<I: I2c + Send> Thermometer for Lm75<I> {
    fn celsius(&mut self) -> Result<f32, SensorError> {
        let refused = SensorError::refused("read its temperature");
        let mut bytes = [0; 2];
        self.bus.write_read(self.address, &[0], &mut bytes).map_err(|error| refused(&error))?;
        plausible(f32::from(i16::from_be_bytes(bytes) >> 4) / 16.0)
    }
}

/// Sensirion SHT30, SHT31 and SHT35: one measurement with high repeatability, without stretching the clock. Source: data sheet
/// SHT3x-DIS, sections 4.3, 4.12 and 4.13.
#[derive(Debug)]
pub struct Sht3x<I, D> {
    bus: I,
    address: u8,
    delay: D,
}

/// Measure.
const SHT3X_MEASURE: [u8; 2] = [0x24, 0x00];

/// The longest measurement takes 15 ms.
const SHT3X_WAIT_MS: u32 = 16;

impl<I: I2c, D: DelayNs> Sht3x<I, D> {
    /// Where [`Sht3x`] is if its address pin is low.
    pub const ADDRESS: u8 = 0x44;

    /// A part on a bus.
    pub fn new(bus: I, address: u8, delay: D) -> Self {
        Self { bus, address, delay }
    }
}

impl<I: I2c + Send, D: DelayNs + Send> Thermometer for Sht3x<I, D> {
    fn celsius(&mut self) -> Result<f32, SensorError> {
        let refused = SensorError::refused("let it measure");
        self.bus.write(self.address, &SHT3X_MEASURE).map_err(|error| refused(&error))?;
        self.delay.delay_ms(SHT3X_WAIT_MS);
        // Temperature and its checksum, humidity and its checksum.
        let mut bytes = [0; 6];
        self.bus.read(self.address, &mut bytes).map_err(|error| refused(&error))?;
        let [high, low, sum, rest @ ..] = bytes;
        let [wet_high, wet_low, wet_sum] = rest;
        if crc8([high, low]) != sum || crc8([wet_high, wet_low]) != wet_sum {
            return Err(SensorError::Checksum);
        }
        plausible(f32::from(u16::from_be_bytes([high, low])) * 175.0 / 65535.0 - 45.0)
    }
}

/// CRC-8 with x⁸ + x⁵ + x⁴ + 1, begun with ones.
fn crc8(bytes: [u8; 2]) -> u8 {
    bytes.into_iter().fold(0xff, |sum, byte| {
        (0..8).fold(sum ^ byte, |sum, _| if sum & 0x80 == 0 { sum << 1 } else { (sum << 1) ^ 0x31 })
    })
}

#[cfg(test)]
mod tests {
    use embedded_hal_mock::eh1::delay::NoopDelay;
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};

    use super::*;

    fn lm75(answer: [u8; 2]) -> Result<f32, SensorError> {
        let mut bus = Mock::new(&[Transaction::write_read(0x48, vec![0], answer.to_vec())]);
        let celsius = Lm75::new(bus.clone(), 0x48).celsius();
        bus.done();
        celsius
    }

    fn sht31(answer: [u8; 6]) -> Result<f32, SensorError> {
        let mut bus =
            Mock::new(&[Transaction::write(0x44, vec![0x24, 0]), Transaction::read(0x44, answer.to_vec())]);
        let celsius = Sht3x::new(bus.clone(), 0x44, NoopDelay::new()).celsius();
        bus.done();
        celsius
    }

    #[test]
    fn lm75_gives_the_temperatures_of_its_data_sheet() {
        for (bytes, celsius) in
            [([0x19, 0x00], 25.0), ([0x4b, 0x00], 75.0), ([0xe7, 0x00], -25.0), ([0x00, 0x40], 0.25)]
        {
            assert!((lm75(bytes).unwrap() - celsius).abs() < 0.001, "{bytes:?}");
        }
        // Bits that mean nothing.
        assert!((lm75([0x19, 0x0f]).unwrap() - 25.0).abs() < 0.001);
        assert!(matches!(lm75([0x7f, 0xf0]), Err(SensorError::OutOfRange(_))));
    }

    #[test]
    fn sht31_is_believed_only_with_its_checksums() {
        // The data sheet's own example: the checksum of BE EF is 92.
        assert_eq!(crc8([0xbe, 0xef]), 0x92);
        let celsius = sht31([0xbe, 0xef, 0x92, 0xbe, 0xef, 0x92]).unwrap();
        assert!((celsius - 85.523).abs() < 0.01, "{celsius}");
        for at in 0..6 {
            let mut answer = [0xbe, 0xef, 0x92, 0xbe, 0xef, 0x92];
            answer[at] ^= 4;
            assert!(matches!(sht31(answer), Err(SensorError::Checksum)), "{at}");
        }
        assert!(matches!(sht31([0xff, 0xff, 0xac, 0xff, 0xff, 0xac]), Err(SensorError::OutOfRange(_))));
    }

    #[test]
    fn a_part_that_does_not_answer_is_an_error() {
        use embedded_hal::i2c::{ErrorKind, NoAcknowledgeSource};
        let nack = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address);
        let mut bus = Mock::new(&[Transaction::write_read(0x48, vec![0], vec![0, 0]).with_error(nack)]);
        let error = Lm75::new(bus.clone(), 0x48).celsius().unwrap_err();
        bus.done();
        assert!(error.to_string().contains("NoAcknowledge"), "{error}");
    }
}
