//! The fleet's two keys for updates, in the folder of the authorities: `online.key` says every day what is newest,
//! `campaign.key` signs assignments and halts. Beside each its public half in a file for those who need it: `.pub`.

use std::path::{Path, PathBuf};

use ota::trust::sign::{KeyError, SecretKey};

use crate::pki::files::{Access, replace};

/// Both keys.
pub(crate) struct Keys {
    pub online: SecretKey,
    pub campaign: SecretKey,
}

/// A key cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The disk refuses.
    #[error("cannot use {}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is no key, or none can be made.
    #[error("{}", path.display())]
    Key {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: KeyError,
    },
}

impl Keys {
    /// Reads both; makes what is not there yet.
    ///
    /// # Errors
    /// A file cannot be read, written, or is no key.
    pub(crate) fn load_or_create(authorities: &Path) -> Result<Self, KeysError> {
        Ok(Self { online: key(authorities, "online")?, campaign: key(authorities, "campaign")? })
    }
}

fn key(authorities: &Path, name: &str) -> Result<SecretKey, KeysError> {
    let path = authorities.join(name).with_extension("key");
    let file = |source| KeysError::File { path: path.clone(), source };
    let wrong = |source| KeysError::Key { path: path.clone(), source };
    if !path.exists() {
        let pem = SecretKey::generate().map_err(wrong)?;
        replace(&path, pem.as_bytes(), Access::Owner).map_err(file)?;
    }
    let key = SecretKey::from_pem(&std::fs::read_to_string(&path).map_err(file)?).map_err(wrong)?;
    let public = path.with_extension("pub");
    if !public.exists() {
        let text = format!("{}\n", key.public().as_str());
        replace(&public, text.as_bytes(), Access::Everybody).map_err(file)?;
    }
    Ok(key)
}
