//! Fleets that somebody has logged in to: `$XDG_CONFIG_HOME/fleetctl/contexts.toml`, readable by its owner only.

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::address::Address;
use super::failure::{Exit, Failure, Result};
use crate::pki::files::{Access, replace};

/// A token. It is never printed, not even for debugging.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Token(String);

impl Token {
    pub(super) fn new(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Failure::usage("that is no token: they are one word, such as kfl_…")
                .next("fleetctl login URL --token-file FILE"));
        }
        Ok(Self(text.to_owned()))
    }

    /// For the header of a request.
    pub(super) fn exposed(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// A fleet and who we are there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Context {
    pub url: String,
    pub token: Token,
    /// The authority of its certificate, PEM; none: the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

/// All of them.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub(super) struct Contexts {
    /// The one that counts if nothing else is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
    #[serde(default)]
    pub context: BTreeMap<String, Context>,
}

/// Where a command goes.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// Name of the context, if it is one.
    pub context: Option<String>,
    pub address: Address,
    pub token: Option<Token>,
    pub ca: Option<String>,
}

/// Where the contexts are.
pub(super) fn file() -> Result<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let config = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")));
    let config = config
        .ok_or_else(|| Failure::failed("neither XDG_CONFIG_HOME nor HOME says where to keep logins"))?;
    Ok(config.join("fleetctl").join("contexts.toml"))
}

impl Contexts {
    /// Reads them; none at all is fine.
    pub(super) fn load() -> Result<Self> {
        Self::read(&file()?)
    }

    fn read(path: &Path) -> Result<Self> {
        let about = match std::fs::metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            about => about.map_err(|error| Failure::io(format!("read {}", path.display()), &error))?,
        };
        if about.permissions().mode() & 0o077 != 0 {
            return Err(Failure::failed(format!(
                "{} holds tokens and can be read by others",
                path.display()
            ))
            .next(format!("chmod 600 {}; take back tokens that others may know", path.display())));
        }
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::io(format!("read {}", path.display()), &error))?;
        // The error of the parser would show the line, and with it a token.
        toml::from_str(&text).map_err(|_| {
            Failure::failed(format!("{} cannot be understood", path.display()))
                .next(format!("rm {}; fleetctl login URL", path.display()))
        })
    }

    /// Writes them, whole or not at all.
    pub(super) fn save(&self) -> Result<()> {
        self.write(&file()?)
    }

    fn write(&self, path: &Path) -> Result<()> {
        let failed = |error: std::io::Error| Failure::io(format!("write {}", path.display()), &error);
        let text = toml::to_string(self).map_err(|error| Failure::failed(error.to_string()))?;
        if let Some(dir) = path.parent() {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
        }
        replace(path, text.as_bytes(), Access::Owner).map_err(failed)
    }

    pub(super) fn named(&self, name: &str) -> Result<&Context> {
        self.context.get(name).ok_or_else(|| {
            Failure::new(Exit::Missing, format!("there is no context {name:?}")).next("fleetctl context ls")
        })
    }
}

/// Where to go: what the environment says, else the context that was named, else the current one. The token of a
/// context goes to the address of that context and to no other.
pub(super) fn target(named: Option<&str>) -> Result<Target> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let contexts = Contexts::load()?;
    let name =
        named.map(str::to_owned).or_else(|| set("FLEETCTL_CONTEXT")).or_else(|| contexts.current.clone());
    // A context that was named has to be there; the current one may have been taken out.
    let context = match &name {
        Some(name) if named.is_some() || set("FLEETCTL_CONTEXT").is_some() => Some(contexts.named(name)?),
        Some(name) => contexts.context.get(name),
        None => None,
    };
    let ca = set("FLEETCTL_CA").map(|path| read_ca(Path::new(&path))).transpose()?;
    let token = set("FLEETCTL_TOKEN").map(|token| Token::new(&token)).transpose()?;
    // An address in the environment counts, but not against a context named on the command line.
    let url = set("FLEETCTL_URL").filter(|_| named.is_none());
    match (url, context) {
        (Some(url), context) => {
            let address = Address::parse(&url)?;
            let same = context.filter(|context| Address::parse(&context.url).is_ok_and(|it| it == address));
            Ok(Target {
                context: None,
                address,
                token: token.or_else(|| same.map(|context| context.token.clone())),
                ca: ca.or_else(|| same.and_then(|context| context.ca.clone())),
            })
        }
        (None, Some(context)) => Ok(Target {
            address: Address::parse(&context.url)?,
            token: token.or_else(|| Some(context.token.clone())),
            ca: ca.or_else(|| context.ca.clone()),
            context: name,
        }),
        (None, None) => Err(match contexts.context.keys().next() {
            Some(name) => Failure::new(Exit::Login, "no context is the current one")
                .next(format!("fleetctl context ls; fleetctl context use {name}")),
            None => Failure::new(Exit::Login, "not logged in to any fleet").next(
                "fleetctl login https://fleet.example:8443, or on the fleet's machine: fleetctl login --data DIR",
            ),
        }),
    }
}

/// A certificate file.
pub(super) fn read_ca(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| Failure::io(format!("read {}", path.display()), &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_kept_for_their_owner_only_and_never_shown() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fleetctl").join("contexts.toml");
        assert!(Contexts::read(&path).unwrap().context.is_empty());
        let token = Token::new("kfl_secret\n").unwrap();
        let context = Context { url: "https://f".into(), token, ca: Some("-----BEGIN\nx\n".into()) };
        let contexts = Contexts {
            current: Some("a".into()),
            context: [("a".to_owned(), context)].into_iter().collect(),
        };
        contexts.write(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let read = Contexts::read(&path).unwrap();
        assert_eq!(read.named("a").unwrap().token.exposed(), "kfl_secret");
        assert!(!format!("{read:?}").contains("secret"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Contexts::read(&path).unwrap_err().next.contains("chmod 600"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, "token = \"kfl_secret").unwrap();
        assert!(!Contexts::read(&path).unwrap_err().what.contains("secret"));
        assert!(Token::new("two words").is_err() && Token::new("").is_err());
    }
}
