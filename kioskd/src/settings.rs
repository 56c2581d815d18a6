//! What a technician sets. TOML fragments from `/usr/lib/kioskd`, `/run/kioskd` and `/etc/kioskd` (in each
//! `kioskd.toml` and `kioskd.toml.d/*.toml`), then `--config` files. A file in `/etc` replaces one of the
//! same name in `/run`, and that one in `/usr/lib`; the rest is merged in the order of the names, later keys
//! win. Unknown keys are errors with file and line: a setting that is misspelt must not be silently ignored.

mod fragments;
mod model;

use std::path::PathBuf;

pub use fragments::{SearchPath, find};
pub use model::{
    Admin, Backend, Catalog, Device, DisplayDialect, Kiosk, Log, LogTarget, Policy, Printer, Scanner, Screen,
    Settings, Shop, Side, Terminal, TerminalFraming,
};

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
    #[error("{key}: {message}")]
    Value {
        /// Which, for example `kiosk.time_zone`.
        key: &'static str,
        /// What is wrong, and what would be right.
        message: String,
    },
}

/// What only shows when all files are together: a key that none of them has. Named with its section.
fn whole(merged: &toml::Table, error: &toml::de::Error) -> SettingsError {
    let alone = |(name, value): (&String, &toml::Value)| {
        let section = toml::Table::from_iter([(name.clone(), value.clone())]);
        section.try_into::<Settings>().err().map(|error| format!("[{name}] {}", error.message()))
    };
    let message = merged.iter().find_map(alone).unwrap_or_else(|| error.message().to_owned());
    SettingsError::Value { key: "all files together", message }
}

impl Settings {
    /// Reads and merges fragments, lowest precedence first.
    ///
    /// # Errors
    /// A file cannot be read, has an unknown key or a value of the wrong form, or a value cannot be used.
    pub fn load(files: &[PathBuf]) -> Result<Self, SettingsError> {
        let mut merged = toml::Table::new();
        for path in files {
            fragments::merge(&mut merged, fragments::read(path)?);
        }
        let settings: Self = merged.clone().try_into().map_err(|error| whole(&merged, &error))?;
        settings.check()?;
        Ok(settings)
    }

    /// Values that have the right form and still make no sense.
    fn check(&self) -> Result<(), SettingsError> {
        let wrong = |key, message: &str| Err(SettingsError::Value { key, message: message.to_owned() });
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
        if self.screen.width < 320
            || self.screen.height < 320
            || self.screen.width > 7680
            || self.screen.height > 7680
        {
            return wrong("screen.width", "width and height must be between 320 and 7680 pixels");
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

#[cfg(test)]
mod tests;
