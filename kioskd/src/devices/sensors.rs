//! The actors of the small parts on the board's own lines and buses: contacts, a thermometer, the light at the terminal.

use std::path::PathBuf;
use std::time::Duration;

use domain::Input;
use domain::input::MachineInput;
use hal::sensor::SensorError;
use hal::sensor::contact::{LOOK_EVERY, Level};
use hal::sensor::light::{LEDS_MAX, Light};
use hal::sensor::linux::{self, LineAddress};
use hal::sensor::thermometer::Thermometer;
use hal::status::DeviceState;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};

use super::life::Life;
use crate::settings::{self, ThermometerPart, WrongValue};

/// Nobody has to be seen for so long before the kiosk asks whether somebody is there.
const GONE_AFTER: Duration = Duration::from_secs(10);

/// How often the temperature is asked for.
const TEMPERATURE_EVERY: Duration = Duration::from_secs(10);

/// A temperature that is taken for the better one lies so many °C below the worse one's limit.
const HYSTERESIS: f32 = 3.0;

/// Above, somebody should look, °C.
const HOT: f32 = 60.0;

/// Above, the parts of a kiosk are not made for it, °C.
const TOO_HOT: f32 = 70.0;

/// What a contact is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// Active: somebody is there.
    Presence,
    /// Active: the door is open.
    Door,
    /// Active: somebody tampers with the case.
    Tamper,
}

impl Role {
    /// Its name and the words of both its states.
    fn words(self) -> (&'static str, [&'static str; 2]) {
        match self {
            Self::Presence => ("presence", ["nobody is there", "somebody is there"]),
            Self::Door => ("door", ["closed", "open"]),
            Self::Tamper => ("tamper", ["quiet", "tampered with"]),
        }
    }

    pub(super) fn name(self) -> &'static str {
        self.words().0
    }

    fn key(self) -> &'static str {
        match self {
            Self::Presence => "sensors.presence.line",
            Self::Door => "sensors.door.line",
            Self::Tamper => "sensors.tamper.line",
        }
    }

    fn state(self, is_active: bool) -> DeviceState {
        match self {
            Self::Door if is_active => DeviceState::Degraded("open".into()),
            Self::Tamper if is_active => DeviceState::Degraded("tampered".into()),
            _ => DeviceState::Ready,
        }
    }
}

/// A contact as configured.
pub(super) struct Contact {
    role: Role,
    line: LineAddress,
    active: Level,
}

impl Contact {
    pub(super) fn new(role: Role, settings: &settings::Contact) -> Result<Self, WrongValue> {
        Ok(Self { role, line: line(role.key(), &settings.line)?, active: level(settings.active) })
    }

    pub(super) async fn run(mut self, mut life: Life) {
        until_the_end(&mut self, &mut life).await;
    }
}

impl Part for Contact {
    fn place(&self) -> String {
        self.line.to_string()
    }

    async fn serve(&mut self, life: &mut Life) -> SensorError {
        let mut contact = match linux::contact(&self.line, self.active) {
            Ok(contact) => contact,
            Err(error) => return error,
        };
        life.mark_opened();
        let mut looks = ticks(LOOK_EVERY);
        let mut gone_at = None;
        loop {
            looks.tick().await;
            match contact.look() {
                Ok(Some(is_active)) => {
                    let (_, [quiet, active]) = self.role.words();
                    let words = if is_active { active } else { quiet };
                    life.status().detail = format!("{}: {words}", self.line);
                    life.status().counters.jobs += u64::from(is_active);
                    life.enter(self.role.state(is_active));
                    gone_at =
                        (self.role == Role::Presence && !is_active).then(|| Instant::now() + GONE_AFTER);
                }
                Ok(None) => {}
                Err(error) => return error,
            }
            if gone_at.is_some_and(|at| Instant::now() >= at) {
                gone_at = None;
                life.tell(Input::Machine(MachineInput::NobodyThere));
            }
        }
    }
}

/// The thermometer as configured.
pub(super) struct Temperature {
    part: ThermometerPart,
    bus: PathBuf,
    address: Option<u8>,
}

impl Temperature {
    pub(super) fn new(settings: &settings::Thermometer) -> Result<Self, WrongValue> {
        let address = settings.address;
        // The others are reserved (I²C specification, 3.1.12).
        if address.is_some_and(|it| !(0x08..=0x77).contains(&it)) {
            return Err(WrongValue::new("sensors.temperature.address", "an address is from 0x08 to 0x77"));
        }
        Ok(Self { part: settings.part, bus: settings.bus.clone(), address })
    }

    pub(super) async fn run(mut self, mut life: Life) {
        until_the_end(&mut self, &mut life).await;
    }

    fn open(&self) -> Result<Box<dyn Thermometer>, SensorError> {
        Ok(match self.part {
            ThermometerPart::Lm75 | ThermometerPart::Tmp102 => {
                Box::new(linux::lm75(&self.bus, self.address)?)
            }
            ThermometerPart::Sht3x => Box::new(linux::sht3x(&self.bus, self.address)?),
        })
    }
}

impl Part for Temperature {
    fn place(&self) -> String {
        self.bus.display().to_string()
    }

    async fn serve(&mut self, life: &mut Life) -> SensorError {
        let mut part = match self.open() {
            Ok(part) => part,
            Err(error) => return error,
        };
        life.mark_opened();
        let mut looks = ticks(TEMPERATURE_EVERY);
        loop {
            looks.tick().await;
            // A bus that is held low blocks for a second.
            let measured = tokio::task::spawn_blocking(move || {
                let celsius = part.celsius();
                (part, celsius)
            });
            let (back, celsius) = match measured.await {
                Ok(measured) => measured,
                Err(error) => return SensorError::Refused { doing: "measure", why: error.to_string() },
            };
            part = back;
            match celsius {
                Ok(celsius) => {
                    life.status().detail = format!("{}: {celsius:.1} °C", self.bus.display());
                    life.status().counters.jobs += 1;
                    let state = warmth(&life.status().state, celsius);
                    life.enter(state);
                }
                Err(error) => return error,
            }
        }
    }
}

/// What a temperature means, after what it meant before.
fn warmth(before: &DeviceState, celsius: f32) -> DeviceState {
    let was =
        |word: &str| matches!(before, DeviceState::Degraded(is) | DeviceState::Faulted(is) if is == word);
    let above = |limit: f32, was_above: bool| celsius > if was_above { limit - HYSTERESIS } else { limit };
    if above(TOO_HOT, was("too-hot")) {
        DeviceState::Faulted("too-hot".into())
    } else if above(HOT, was("hot") || was("too-hot")) {
        DeviceState::Degraded("hot".into())
    } else {
        DeviceState::Ready
    }
}

/// The light at the terminal as configured.
pub(super) enum Lighting {
    /// A lamp.
    Lamp(LineAddress, Level),
    /// A strip of LEDs.
    Strip(PathBuf, u16, [u8; 3]),
}

impl Lighting {
    pub(super) fn new(settings: &settings::Light) -> Result<Self, WrongValue> {
        match (&settings.line, &settings.spi) {
            (Some(text), None) => Ok(Self::Lamp(line("light.line", text)?, level(settings.active))),
            (None, Some(_)) if !(1..=LEDS_MAX).contains(&settings.leds) => {
                Err(WrongValue::new("light.leds", format!("a strip has 1 to {LEDS_MAX} LEDs")))
            }
            (None, Some(bus)) => Ok(Self::Strip(bus.clone(), settings.leds, settings.rgb)),
            _ => Err(WrongValue::new("light", "set either `line` (a lamp) or `spi` (a strip of LEDs)")),
        }
    }

    /// Shines while `cues` says so.
    pub(super) async fn run(self, mut life: Life, cues: watch::Receiver<bool>) {
        let mut follower = Follower { lighting: self, cues };
        until_the_end(&mut follower, &mut life).await;
        // A line keeps its level when it is given back.
        let off = follower.lighting.open().and_then(|mut light| light.switch(false));
        if let Err(error) = off {
            tracing::debug!(%error, "the light is left as it is");
        }
    }

    fn open(&self) -> Result<Box<dyn Light>, SensorError> {
        Ok(match self {
            Self::Lamp(line, active) => Box::new(linux::lamp(line, *active)?),
            Self::Strip(bus, leds, rgb) => Box::new(linux::strip(bus, *leds, *rgb)?),
        })
    }
}

/// A light and what it follows.
struct Follower {
    lighting: Lighting,
    cues: watch::Receiver<bool>,
}

impl Part for Follower {
    fn place(&self) -> String {
        match &self.lighting {
            Lighting::Lamp(line, _) => line.to_string(),
            Lighting::Strip(bus, ..) => bus.display().to_string(),
        }
    }

    async fn serve(&mut self, life: &mut Life) -> SensorError {
        let mut light = match self.lighting.open() {
            Ok(light) => light,
            Err(error) => return error,
        };
        life.mark_opened();
        loop {
            let on = *self.cues.borrow_and_update();
            if let Err(error) = light.switch(on) {
                return error;
            }
            life.status().detail = format!("{}: {}", self.place(), if on { "on" } else { "off" });
            life.status().counters.jobs += u64::from(on);
            life.enter(DeviceState::Ready);
            if self.cues.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

/// Something that serves until it fails.
trait Part {
    /// Where it is, for people.
    fn place(&self) -> String;

    fn serve(&mut self, life: &mut Life) -> impl Future<Output = SensorError> + Send;
}

/// Serves a part again and again, with pauses, until the program ends.
async fn until_the_end(part: &mut impl Part, life: &mut Life) {
    let mut shutdown = life.shutdown();
    while !shutdown.is_set() {
        tokio::select! {
            error = part.serve(life) => {
                life.status().detail = part.place();
                life.failed(&error);
                life.enter(DeviceState::Absent);
            }
            () = shutdown.wait() => return,
        }
        tokio::select! {
            () = life.rest() => {}
            () = shutdown.wait() => return,
        }
    }
}

fn ticks(every: Duration) -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

fn line(key: &'static str, text: &str) -> Result<LineAddress, WrongValue> {
    text.parse().map_err(|error: SensorError| WrongValue::because(key, error))
}

fn level(settings: settings::Level) -> Level {
    match settings {
        settings::Level::High => Level::High,
        settings::Level::Low => Level::Low,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temperature_at_its_limit_does_not_flicker() {
        let states = [59.9, 60.1, 59.0, 57.1, 56.9, 70.1, 68.0, 66.9, 56.0].into_iter();
        let mut state = DeviceState::Ready;
        let words: Vec<_> = states
            .map(|celsius| {
                state = warmth(&state, celsius);
                match &state {
                    DeviceState::Degraded(word) | DeviceState::Faulted(word) => word.clone(),
                    _ => "well".to_owned(),
                }
            })
            .collect();
        assert_eq!(words, ["well", "hot", "hot", "hot", "well", "too-hot", "too-hot", "hot", "well"]);
    }

    #[test]
    fn an_open_door_is_no_fault_that_keeps_a_release_from_proving_itself() {
        for role in [Role::Presence, Role::Door, Role::Tamper] {
            assert!(role.state(true).is_usable() && role.state(false) == DeviceState::Ready, "{role:?}");
        }
    }
}
