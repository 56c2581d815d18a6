//! What a technician sets. TOML fragments from `/usr/lib/kioskd`, `/run/kioskd` and `/etc/kioskd` (in each
//! `kioskd.toml` and `kioskd.toml.d/*.toml`), then the credential `kioskd.toml` of systemd, then `--config` files. A file in `/etc` replaces one of the
//! same name in `/run`, and that one in `/usr/lib`; the rest is merged in the order of the names, later keys
//! win. Unknown keys are errors with file and line: a setting that is misspelt must not be silently ignored.

mod fragments;
mod model;
mod remote;

use std::path::PathBuf;

use fragments::Fragment;
pub use fragments::{SearchPath, credential, find};
pub use model::{
    Admin, Backend, Catalog, Contact, Device, DisplayDialect, Kiosk, Level, Light, Log, LogTarget, Peers,
    Policy, Printer, Scanner, Screen, Sensors, Settings, Shop, Side, Terminal, TerminalFraming, Thermometer,
    ThermometerPart, Update, Uplink, Voice,
};
use ui::backend::Rotation;

/// Sides of a screen: smaller than this no page fits, larger is no panel that is sold.
const SCREEN_PX: std::ops::RangeInclusive<u32> = 320..=7680;

/// Seconds for a proof; `kiosk-trial.timer` comes after the longest one.
const PROVE_S: std::ops::RangeInclusive<u32> = 1..=900;

/// Largest settings file: every key that there is, with a page of comments to each, is a tenth of it.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A file cannot be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is a device, a pipe or a folder.
    #[error("{}: this is not a file; settings are files of TOML", .path.display())]
    NotAFile {
        /// Which.
        path: PathBuf,
    },
    /// A file is larger than settings are.
    #[error("{}: the file is larger than {max} bytes, the most that settings may have", .path.display(), max = FILE_BYTES_MAX)]
    TooLarge {
        /// Which.
        path: PathBuf,
    },
    /// A file has a mistake.
    #[error("{}:{line}: {message}", .path.display())]
    Mistake {
        /// Which.
        path: PathBuf,
        /// On which line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A value is of the right form but cannot be used.
    #[error("{}{key}: {message}", .place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default())]
    Value {
        /// Where it was written; `None` if no file names it or its section.
        place: Option<Place>,
        /// Which, for example `kiosk.time_zone`.
        key: &'static str,
        /// What is wrong, and what would be right.
        message: String,
    },
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.path.display(), self.line)
    }
}

/// A value that cannot be used, before it is known where it was written.
#[derive(Debug, thiserror::Error)]
#[error("{key}: {message}")]
pub struct WrongValue {
    /// Which, for example `kiosk.time_zone`.
    pub key: &'static str,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl WrongValue {
    pub(crate) fn new(key: &'static str, message: impl Into<String>) -> Self {
        Self { key, message: message.into() }
    }

    /// A name that is none of those there are.
    pub(crate) fn unknown(key: &'static str, name: &str, known: &[String]) -> Self {
        Self::new(key, format!("{name:?} is not known; known are {}", known.join(", ")))
    }

    /// With what an error and its causes say.
    pub(crate) fn because(key: &'static str, error: impl Into<anyhow::Error>) -> Self {
        Self::new(key, format!("{:#}", error.into()))
    }
}

impl Settings {
    /// Reads and merges fragments, lowest precedence first.
    ///
    /// # Errors
    /// A file cannot be read, has an unknown key or a value of the wrong form, or a value cannot be used.
    pub fn load(files: &[PathBuf]) -> Result<Self, SettingsError> {
        Self::merged(files.iter().map(|path| Fragment::read(path)).collect::<Result<_, _>>()?)
    }

    fn merged(fragments: Vec<Fragment>) -> Result<Self, SettingsError> {
        let mut merged = toml::Table::new();
        for fragment in &fragments {
            fragments::merge(&mut merged, fragment.table());
        }
        // Each fragment was checked by itself; the form of a whole is that of its parts.
        let mut settings: Self = merged.try_into().map_err(|error: toml::de::Error| {
            SettingsError::Value { place: None, key: "settings", message: error.message().to_owned() }
        })?;
        settings.fragments = fragments;
        settings.check().map_err(|wrong| settings.placed(wrong))?;
        Ok(settings)
    }

    /// A value that cannot be used, with the file and line where it was written.
    pub(crate) fn placed(&self, wrong: WrongValue) -> SettingsError {
        let WrongValue { key, message } = wrong;
        SettingsError::Value { place: fragments::place(&self.fragments, key), key, message }
    }

    /// Values that have the right form and still make no sense.
    fn check(&self) -> Result<(), WrongValue> {
        let wrong = |key: &'static str, message: &'static str| Err(WrongValue::new(key, message));
        let endpoints = [
            ("printer.endpoint", self.printer.as_ref().map(|it| &it.endpoint)),
            ("kitchen.endpoint", self.kitchen.as_ref().map(|it| &it.endpoint)),
            ("terminal.endpoint", self.terminal.as_ref().map(|it| &it.endpoint)),
            ("display.endpoint", self.display.as_ref().map(|it| &it.endpoint)),
        ];
        if let Some((key, _)) = endpoints.iter().find(|(_, endpoint)| endpoint.is_some_and(String::is_empty))
        {
            return wrong(key, "must say where the device is, for example \"tcp://192.0.2.7:9100\"");
        }
        let id = &self.kiosk.id;
        if id.is_empty()
            || id.len() > 64
            || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
        {
            return wrong(
                "kiosk.id",
                "must be 1 to 64 letters, digits, dots, dashes or underscores, for example \"t7.k0042\"",
            );
        }
        if self.kiosk.display_prefix.is_empty() || self.kiosk.display_prefix.chars().count() > 4 {
            return wrong("kiosk.display_prefix", "must be 1 to 4 characters, for example \"K3\"");
        }
        if self.kiosk.cutover_hour > 23 {
            return wrong("kiosk.cutover_hour", "must be an hour from 0 to 23");
        }
        if jiff::tz::TimeZone::get(&self.kiosk.time_zone).is_err() {
            return wrong(
                "kiosk.time_zone",
                "is not in the time zone database; write for example \"Europe/Berlin\"",
            );
        }
        if let Some(uplink) = &self.uplink {
            uplink_check(uplink)?;
            if protocol::topic::KioskId::new(id.as_str()).is_err() {
                return wrong(
                    "kiosk.id",
                    "must be lower-case letters, digits, dots or dashes where there is a fleet",
                );
            }
        }
        if self.update.as_ref().is_some_and(|update| !PROVE_S.contains(&update.prove_s)) {
            return wrong("update.prove_s", "must be between 1 and 900");
        }
        let peers = self.update.as_ref().and_then(|update| update.peers.as_ref());
        if peers.is_some_and(|peers| !peers.group.ip().is_multicast()) {
            return wrong("update.peers.group", "must be a multicast address, as in 239.255.47.77:47078");
        }
        let sides = [("screen.width", self.screen.width), ("screen.height", self.screen.height)];
        if let Some((key, _)) = sides.iter().find(|(_, pixels)| !SCREEN_PX.contains(pixels)) {
            return wrong(key, "must be between 320 and 7680 pixels");
        }
        if Rotation::from_degrees(self.screen.rotation).is_none() {
            return wrong("screen.rotation", "must be 0, 90, 180 or 270");
        }
        if !(0.05..=1.0).contains(&self.screen.mm_per_px) {
            return wrong(
                "screen.mm_per_px",
                "must be between 0.05 and 1.0; a 27-inch panel of 1080 × 1920 has 0.311",
            );
        }
        Ok(())
    }
}

/// Smallest batch that is worth a message; largest that the fleet takes.
const BATCH_BYTES: std::ops::RangeInclusive<u32> = 1024..=256 * 1024;

fn uplink_check(uplink: &Uplink) -> Result<(), WrongValue> {
    let wrong = |key: &'static str, message: &'static str| Err(WrongValue::new(key, message));
    let host = uplink.fleet.strip_prefix("https://").unwrap_or_default();
    if host.is_empty() || host.contains('/') {
        return wrong(
            "uplink.fleet",
            "must be the fleet's address, for example \"https://fleet.example:8443\"",
        );
    }
    if uplink.ca.as_os_str().is_empty() {
        return wrong("uplink.ca", "must name the file with the certificate of the fleet's authority");
    }
    if uplink.keep_alive_s == 0 || uplink.status_s == 0 || uplink.ack_s == 0 {
        return wrong("uplink", "keep_alive_s, status_s and ack_s must be at least 1");
    }
    if !BATCH_BYTES.contains(&uplink.batch_bytes) {
        return wrong("uplink.batch_bytes", "must be between 1024 and 262144");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
