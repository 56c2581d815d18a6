//! Images of a root, as the format means them: ext4 without a journal, everything that comes from a clock or from chance
//! fixed. mke2fs copies some times of the staged files, which are of today: debugfs sets them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use super::Pair;

/// All times in an image, in seconds.
pub(super) const EPOCH: &str = "1700000000";

const UUID: &str = "6b696f73-6b64-4f54-8142-656e6368696d";

/// Folders that an image builder leaves out, or that a running system fills.
const LEFT_OUT: [&str; 8] = [
    "./dev/*",
    "./usr/share/doc/*",
    "./usr/share/locale/*",
    "./usr/share/man/*",
    "./var/cache/*",
    "./var/lib/apt/lists/*",
    "./var/log/*",
    "./tmp/*",
];

/// Both images of a pair, each of a root and a daemon, of the same size.
pub(super) fn pair(name: &'static str, cache: &Path, of: [(&PathBuf, &PathBuf); 2]) -> anyhow::Result<Pair> {
    let file = name.replace(' ', "-");
    let [old, new] = ["old", "new"].map(|which| cache.join(format!("{file}-{which}.img")));
    let tree = cache.join("tree");
    let mut size_mb = 0;
    for (root, daemon) in of {
        stage(&tree, root, daemon)?;
        size_mb = size_mb.max(needed_mb(&tree)?);
    }
    for ((root, daemon), image) in of.into_iter().zip([&old, &new]) {
        stage(&tree, root, daemon)?;
        make(&tree, image, size_mb).with_context(|| image.display().to_string())?;
    }
    std::fs::remove_dir_all(&tree)?;
    Ok(Pair { name, old, new })
}

fn stage(tree: &Path, root: &Path, daemon: &Path) -> anyhow::Result<()> {
    if tree.exists() {
        std::fs::remove_dir_all(tree)?;
    }
    std::fs::create_dir_all(tree)?;
    let mut tar = Command::new("tar");
    tar.arg("-xf")
        .arg(root)
        .arg("-C")
        .arg(tree)
        .arg("--no-same-owner")
        .args(LEFT_OUT.map(|it| format!("--exclude={it}")));
    finish(&mut tar)?;
    std::fs::copy(daemon, tree.join("usr/bin/kioskd"))?;
    Ok(())
}

/// What is in it, and some room.
fn needed_mb(tree: &Path) -> anyhow::Result<u64> {
    let output = Command::new("du").arg("-sm").arg(tree).output()?;
    let text = String::from_utf8(output.stdout)?;
    let used: u64 = text.split_whitespace().next().context("du says nothing")?.parse()?;
    Ok((used + used / 10 + 16).next_multiple_of(16))
}

fn make(tree: &Path, image: &Path, size_mb: u64) -> anyhow::Result<()> {
    if image.exists() {
        std::fs::remove_file(image)?;
    }
    let mut mke2fs = Command::new("mke2fs");
    mke2fs.env("E2FSPROGS_FAKE_TIME", EPOCH);
    mke2fs.args(["-q", "-F", "-t", "ext4", "-b", "4096", "-O", "^has_journal", "-U", UUID]);
    mke2fs.args(["-E", &format!("hash_seed={UUID},lazy_itable_init=0,root_owner=0:0"), "-d"]);
    finish(mke2fs.arg(tree).arg(image).arg(format!("{size_mb}M")))?;
    let script = image.with_extension("debugfs");
    std::fs::write(&script, fixed_times(tree)?)?;
    let mut debugfs = Command::new("debugfs");
    let output =
        debugfs.arg("-w").arg("-f").arg(&script).arg(image).env("E2FSPROGS_FAKE_TIME", EPOCH).output()?;
    anyhow::ensure!(output.status.success(), "debugfs ended with {}", output.status);
    std::fs::remove_file(script)?;
    finish(Command::new("e2fsck").arg("-fn").arg(image).stdout(std::process::Stdio::null()))
}

/// What debugfs is to do for every file.
fn fixed_times(tree: &Path) -> anyhow::Result<String> {
    let mut script = String::new();
    let mut paths = vec![tree.to_owned(), tree.join("lost+found")];
    paths.extend(below(tree)?);
    for path in paths {
        let path = path.strip_prefix(tree)?.to_str().context("a name is no UTF-8")?.replace('"', "\"\"");
        for time in ["atime", "ctime", "mtime", "crtime"] {
            writeln!(script, "sif \"/{path}\" {time} @{EPOCH}\nsif \"/{path}\" {time}_extra 0")?;
        }
    }
    Ok(script)
}

fn below(tree: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![tree.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

fn finish(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("{command:?}"))?;
    anyhow::ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}
