//! Files that are there whole or not at all, and belong to whom their folder belongs to.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::Path;

/// Who may read a file besides its owner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    /// Nobody: private keys, access lists.
    Owner,
    /// Everybody: certificates.
    Everybody,
}

impl Access {
    const fn mode(self) -> u32 {
        match self {
            Self::Owner => 0o600,
            Self::Everybody => 0o644,
        }
    }
}

/// Writes `content` beside `path`, makes it durable and puts it in its place. Run by root, the file goes to
/// the owner of the folder: the broker and the database run as that account, not as root.
pub(crate) fn replace(path: &Path, content: &[u8], access: Access) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let beside = dir.join(name);
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(access.mode()).open(&beside)?;
    // The mask of the process may have taken bits away.
    file.set_permissions(std::fs::Permissions::from_mode(access.mode()))?;
    if nix::unistd::geteuid().is_root() {
        let owner = std::fs::metadata(dir)?;
        fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
    }
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_readable_by_others_and_is_replaced_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        replace(&path, b"one", Access::Owner).unwrap();
        std::fs::write(dir.path().join("key.new"), "half").unwrap();
        replace(&path, b"two", Access::Owner).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
