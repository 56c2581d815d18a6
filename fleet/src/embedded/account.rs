//! Who the engines run as. PostgreSQL refuses to be root, and Mosquitto started by root changes to an
//! account of its own before it reads its keys; so a supervisor started by root changes to the owner of the
//! data folder for both.

use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use nix::unistd::{Gid, Uid, User, geteuid};

use super::EmbeddedError;

/// The account that the `postgresql` package creates, for data folders that root owns.
const PACKAGE_ACCOUNT: &str = "postgres";

/// An account of the operating system.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Account {
    pub name: String,
    pub uid: Uid,
    pub gid: Gid,
}

impl Account {
    /// Who the engines of a folder run as.
    pub(super) fn of(data: &Path) -> Result<Self, EmbeddedError> {
        let owner = std::fs::metadata(data).map_err(EmbeddedError::data("read", data))?.uid();
        let me = geteuid();
        if !me.is_root() && me.as_raw() != owner {
            return Err(EmbeddedError::OwnedByOther { data: data.to_owned(), me: name_of(me) });
        }
        if owner == 0 { Self::named(PACKAGE_ACCOUNT) } else { Self::by_id(Uid::from_raw(owner)) }
    }

    fn named(name: &str) -> Result<Self, EmbeddedError> {
        let user = User::from_name(name).ok().flatten().ok_or(EmbeddedError::NotInstalled)?;
        Ok(Self { name: user.name, uid: user.uid, gid: user.gid })
    }

    fn by_id(uid: Uid) -> Result<Self, EmbeddedError> {
        let user = User::from_uid(uid).ok().flatten().ok_or(EmbeddedError::NoSuchAccount(uid.as_raw()))?;
        Ok(Self { name: user.name, uid: user.uid, gid: user.gid })
    }

    /// Whoever connects to the database: the engines' account and the supervisor itself.
    pub(super) fn and_me(&self) -> Vec<String> {
        let me = name_of(geteuid());
        let mut names = vec![self.name.clone()];
        if me != self.name {
            names.push(me);
        }
        names
    }

    /// Lets a command run as this account. Changing the user also drops root's other groups.
    pub(super) fn run(&self, command: &mut Command) {
        if geteuid().is_root() {
            command.gid(self.gid.as_raw()).uid(self.uid.as_raw());
        }
    }

    /// Whether the account can write in a folder, asked of the kernel: folders above it count, too.
    pub(super) fn reaches(&self, data: &Path) -> Result<(), EmbeddedError> {
        let mut test = Command::new("/usr/bin/test");
        test.arg("-w").arg(data).current_dir("/");
        self.run(&mut test);
        let status = test.status().map_err(EmbeddedError::data("check", data))?;
        if status.success() {
            return Ok(());
        }
        Err(EmbeddedError::Unreachable { account: self.name.clone(), data: data.to_owned() })
    }
}

fn name_of(uid: Uid) -> String {
    User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name)
}
