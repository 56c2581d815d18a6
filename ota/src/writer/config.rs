//! What the slot writer knows of its machine: its own file, never the socket.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use nix::unistd::{Uid, User};
use serde::{Deserialize, Deserializer};

use crate::block::Place;
use crate::boot::{BootChooser, ChooserError, FileChooser, Rauc};
use crate::chooser::Slot;

/// The slot writer's configuration, a TOML file. `docs/releases.md` has all of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Which releases are for this kiosk.
    pub model: String,
    /// The processor's architecture, as Rust names it.
    #[serde(default = "this_arch")]
    pub arch: String,
    /// The first TUF root, which came with the machine.
    pub root: PathBuf,
    /// Where it keeps what it believes: a folder of its own.
    pub state: PathBuf,
    /// The running image says here which release it is: its number, then its name.
    pub release: PathBuf,
    /// Who may speak: a user's name or number.
    #[serde(deserialize_with = "user")]
    pub client: Uid,
    /// The socket, where systemd gives none.
    #[serde(default = "default_socket")]
    pub socket: PathBuf,
    /// The kernel's command line.
    #[serde(default = "default_command_line")]
    pub command_line: PathBuf,
    /// The kernel's name of this boot.
    #[serde(default = "default_boot_id")]
    pub boot_id: PathBuf,
    /// Who decides which slot is booted.
    pub chooser: ChooserConfig,
    /// Where the images of a slot are, by the names of the manifest (`root`, `boot`).
    pub slots: BTreeMap<Slot, BTreeMap<String, PathBuf>>,
}

/// Who decides which slot is booted.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ChooserConfig {
    /// RAUC.
    Rauc {
        /// The D-Bus address of another bus than the system's.
        #[serde(default)]
        bus: Option<String>,
    },
    /// A file, where there is no boot loader of ours.
    File {
        /// The file.
        path: PathBuf,
    },
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is wrong.
    #[error("{}", .path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A slot is missing, or the two have other images.
    #[error("{}: [slots.A] and [slots.B] must have the same images, at least one", .0.display())]
    Slots(PathBuf),
    /// Two images of the slots, or one and the boot chooser's file, are the same file or device.
    #[error("{}: {} has two uses, perhaps by another name", .path.display(), .image.display())]
    Same {
        /// The file.
        path: PathBuf,
        /// The image.
        image: PathBuf,
    },
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let config: Self = toml::from_str(&text)
            .map_err(|source| ConfigError::Wrong { path: path.to_owned(), source: Box::new(source) })?;
        let images = |slot| config.slots.get(&slot).map(|images| images.keys().collect::<Vec<_>>());
        match (images(Slot::A), images(Slot::B)) {
            (Some(a), Some(b)) if a == b && !a.is_empty() => {}
            _ => return Err(ConfigError::Slots(path.to_owned())),
        }
        let mut places = BTreeSet::new();
        let chosen = match &config.chooser {
            ChooserConfig::File { path } => Some(path),
            ChooserConfig::Rauc { .. } => None,
        };
        for image in config.slots.values().flat_map(BTreeMap::values).chain(chosen) {
            // One that is not there yet is only what it is called.
            if !places.insert(Place::of(image).map_err(|_| image)) {
                return Err(ConfigError::Same { path: path.to_owned(), image: image.clone() });
            }
        }
        Ok(config)
    }

    /// Whether the release that runs has not proven itself yet.
    ///
    /// # Errors
    /// The boot chooser cannot be asked.
    pub fn is_on_trial(&self) -> Result<bool, ChooserError> {
        Ok(!self.chooser()?.booted()?.good)
    }

    /// The boot chooser.
    ///
    /// # Errors
    /// It cannot be reached.
    pub(super) fn chooser(&self) -> Result<Box<dyn BootChooser>, ChooserError> {
        Ok(match &self.chooser {
            ChooserConfig::Rauc { bus } => Box::new(Rauc::over(bus.as_deref())?),
            ChooserConfig::File { path } => {
                Box::new(FileChooser { file: path.clone(), command_line: self.command_line.clone() })
            }
        })
    }

    /// The release that runs, and its name.
    ///
    /// # Errors
    /// The image does not say.
    pub(super) fn running(&self) -> std::io::Result<(u64, String)> {
        let text = std::fs::read_to_string(&self.release)?;
        let mut words = text.split_whitespace();
        let number = words.next().and_then(|word| word.parse().ok());
        let number = number
            .ok_or_else(|| std::io::Error::other(format!("{} has no number", self.release.display())))?;
        Ok((number, words.next().unwrap_or_default().to_owned()))
    }
}

fn user<'de, D: Deserializer<'de>>(from: D) -> Result<Uid, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Named {
        Number(u32),
        Name(String),
    }
    match Named::deserialize(from)? {
        Named::Number(number) => Ok(Uid::from_raw(number)),
        Named::Name(name) => match User::from_name(&name) {
            Ok(Some(user)) => Ok(user.uid),
            _ => Err(serde::de::Error::custom(format!("there is no user {name}"))),
        },
    }
}

fn this_arch() -> String {
    std::env::consts::ARCH.into()
}

fn default_socket() -> PathBuf {
    "/run/kiosk-slot-writer.sock".into()
}

fn default_command_line() -> PathBuf {
    "/proc/cmdline".into()
}

fn default_boot_id() -> PathBuf {
    "/proc/sys/kernel/random/boot_id".into()
}
