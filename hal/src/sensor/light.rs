//! Lights that lead a customer's eye to the payment terminal.

use embedded_hal::digital::OutputPin;
use embedded_hal::spi::SpiDevice;

use super::SensorError;
use super::contact::Level;

/// Most LEDs of a strip.
pub const LEDS_MAX: u16 = 1000;

/// A light that can be switched.
pub trait Light: Send {
    /// Switches it.
    ///
    /// # Errors
    /// The line or the bus refused; nobody knows whether it shines.
    fn switch(&mut self, on: bool) -> Result<(), SensorError>;
}

/// A lamp on a line.
#[derive(Debug)]
pub struct Lamp<P> {
    pin: P,
    active: Level,
}

impl<P: OutputPin> Lamp<P> {
    /// A lamp that shines at this level.
    pub fn new(pin: P, active: Level) -> Self {
        Self { pin, active }
    }
}

impl<P: OutputPin + Send> Light for Lamp<P> {
    fn switch(&mut self, on: bool) -> Result<(), SensorError> {
        let refused = SensorError::refused("switch the line");
        let is_high = on == (self.active == Level::High);
        self.pin.set_state(is_high.into()).map_err(|error| refused(&error))
    }
}

/// A strip of APA102 or SK9822 LEDs on an SPI bus, all in one colour.
///
/// Source: APA102 data sheet (Shiji Lighting): a start of 32 zero bits; for each LED 111, five bits of brightness, then blue,
/// green and red; at last a clock edge for every second LED, because each delays the data by half a clock.
#[derive(Debug)]
pub struct Strip<S> {
    spi: S,
    leds: u16,
    rgb: [u8; 3],
}

impl<S: SpiDevice> Strip<S> {
    /// A strip of at most [`LEDS_MAX`] LEDs.
    pub fn new(spi: S, leds: u16, rgb: [u8; 3]) -> Self {
        Self { spi, leds: leds.min(LEDS_MAX), rgb }
    }

    fn frame(&self, on: bool) -> Vec<u8> {
        let [red, green, blue] = if on { self.rgb } else { [0; 3] };
        let leds = usize::from(self.leds);
        let mut bytes = vec![0; 4];
        bytes.extend([0xff, blue, green, red].repeat(leds));
        // The SK9822 shows its new colour only after 32 more zero bits. Ones would be a white LED where the strip is longer.
        bytes.resize(bytes.len() + 4 + leds.div_ceil(16), 0);
        bytes
    }
}

impl<S: SpiDevice + Send> Light for Strip<S> {
    fn switch(&mut self, on: bool) -> Result<(), SensorError> {
        let refused = SensorError::refused("write to the strip");
        let frame = self.frame(on);
        self.spi.write(&frame).map_err(|error| refused(&error))
    }
}

#[cfg(test)]
mod tests {
    use embedded_hal_mock::eh1::{digital, spi};

    use super::*;

    #[test]
    fn a_lamp_follows_the_level_of_its_line() {
        for (active, on, off) in [
            (Level::High, digital::State::High, digital::State::Low),
            (Level::Low, digital::State::Low, digital::State::High),
        ] {
            let wanted = [digital::Transaction::set(on), digital::Transaction::set(off)];
            let mut lamp = Lamp::new(digital::Mock::new(&wanted), active);
            lamp.switch(true).unwrap();
            lamp.switch(false).unwrap();
            lamp.pin.done();
        }
    }

    #[test]
    fn a_strip_gets_the_frames_of_its_data_sheet() {
        let on = [0, 0, 0, 0, 0xff, 3, 2, 1, 0xff, 3, 2, 1, 0, 0, 0, 0, 0];
        let off = [0, 0, 0, 0, 0xff, 0, 0, 0, 0xff, 0, 0, 0, 0, 0, 0, 0, 0];
        let sent = |frame: [u8; 17]| {
            [
                spi::Transaction::transaction_start(),
                spi::Transaction::write_vec(frame.to_vec()),
                spi::Transaction::transaction_end(),
            ]
        };
        let mut strip = Strip::new(spi::Mock::new([sent(on), sent(off)].as_flattened()), 2, [1, 2, 3]);
        strip.switch(true).unwrap();
        strip.switch(false).unwrap();
        strip.spi.done();
    }
}
