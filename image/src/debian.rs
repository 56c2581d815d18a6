//! The root as Debian makes it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run;
use crate::tree::{Recipe, lines};

/// mmdebstrap with the machine's own sources. Numbers of users are given before a package asks for any, so that they
/// are the same in every release: both slots share one state.
pub(crate) fn bootstrap(recipe: &Recipe, root: &Path) -> anyhow::Result<()> {
    let packages: Vec<&str> = lines(&recipe.packages).collect();
    let users = fs::canonicalize(&recipe.users)?;
    let mut mmdebstrap = Command::new("mmdebstrap");
    mmdebstrap
        .args(["--variant=minbase", "--format=directory", "--skip=output/dev"])
        .arg(format!("--include={}", packages.join(",")))
        .arg("--dpkgopt=path-exclude=/usr/share/man/*")
        .arg("--dpkgopt=path-exclude=/usr/share/locale/*")
        .arg("--dpkgopt=path-exclude=/usr/share/doc/*")
        .arg("--dpkgopt=path-include=/usr/share/doc/*/copyright")
        // Debian's own initrd: ours is made of the finished root.
        .arg("--dpkgopt=path-exclude=/etc/kernel/postinst.d/*")
        .arg(format!("--essential-hook=systemd-sysusers --root=\"$1\" '{}'", users.display()))
        .arg(&recipe.suite)
        .arg(root)
        .args(sources()?)
        .env("SOURCE_DATE_EPOCH", recipe.epoch.to_string());
    run::quietly(&mut mmdebstrap)
}

/// Where this machine gets its packages from: the files of its own Debian sources.
fn sources() -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/etc/apt/sources.list.d")? {
        let path = entry?.path();
        let is_one = path.extension().is_some_and(|it| it == "sources" || it == "list");
        if is_one && fs::read_to_string(&path)?.contains("debian-archive-keyring") {
            found.push(path);
        }
    }
    let classic = Path::new("/etc/apt/sources.list");
    if found.is_empty() && classic.exists() {
        found.push(classic.to_owned());
    }
    anyhow::ensure!(!found.is_empty(), "this machine has no sources of Debian packages");
    found.sort();
    Ok(found)
}
