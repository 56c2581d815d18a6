//! The root as Debian makes it, without what a kiosk has no use for. Made once for each list of packages, and kept.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::debian;
use crate::layout::Layout;
use crate::modules::Modules;
use crate::run;

/// A pruned root that is kept between builds. Nobody changes it.
pub struct Base {
    /// The folder that holds everything of it.
    dir: PathBuf,
}

/// The lists that a root is made of.
pub struct Recipe {
    pub(crate) packages: String,
    prune: String,
    modules: String,
    pub(crate) users: PathBuf,
    pub(crate) suite: String,
    pub(crate) epoch: u64,
}

impl Recipe {
    /// Reads the lists of a checkout.
    ///
    /// # Errors
    /// One is missing.
    pub fn read(checkout: &Path, layout: &Layout) -> anyhow::Result<Self> {
        let text = |name: &str| {
            let path = checkout.join("image").join(name);
            fs::read_to_string(&path).with_context(|| path.display().to_string())
        };
        Ok(Self {
            packages: text("packages.list")?,
            prune: text("prune.list")?,
            modules: text("modules.list")?,
            users: checkout.join("systemd/usr/lib/sysusers.d/kiosk.conf"),
            suite: layout.debian.clone(),
            epoch: layout.epoch,
        })
    }

    /// The name of what Debian's packages make. Newer packages do not change it: `--fresh` takes them.
    fn debian_key(&self) -> anyhow::Result<String> {
        let users = fs::read_to_string(&self.users)?;
        let epoch = self.epoch.to_string();
        Ok(key(&[&self.packages, &users, &self.suite, &epoch, include_str!("debian.rs")]))
    }

    /// The name of what is left of it.
    fn base_key(&self) -> anyhow::Result<String> {
        Ok(key(&[
            &self.debian_key()?,
            &self.prune,
            &self.modules,
            include_str!("modules.rs"),
            include_str!("tree.rs"),
        ]))
    }
}

fn key(parts: &[&str]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, parts.join("\0").as_bytes());
    crate::hex(&digest.as_ref()[..8])
}

impl Base {
    /// The root of a recipe, from the cache if it is there.
    ///
    /// # Errors
    /// A package cannot be had, or the disk is full.
    pub fn get(recipe: &Recipe, cache: &Path, fresh: bool) -> anyhow::Result<Self> {
        let debian = cache.join(format!("debian-{}", recipe.debian_key()?));
        let dir = cache.join(format!("base-{}", recipe.base_key()?));
        if fresh || !debian.exists() {
            run::step("root from Debian packages", || {
                once(cache, "debian", &debian, |new| debian::bootstrap(recipe, new))
            })?;
            remove(&dir)?;
        }
        if !dir.exists() {
            run::step("without what a kiosk does not need", || {
                once(cache, "base", &dir, |new| make(recipe, &debian, new))
            })?;
        }
        Ok(Self { dir })
    }

    /// The tree of files.
    pub fn root(&self) -> PathBuf {
        self.dir.join("root")
    }

    /// The kernel.
    pub fn kernel(&self) -> PathBuf {
        self.dir.join("vmlinuz")
    }

    /// Every package that was installed, with its version, also those whose files were taken out again.
    pub fn packages(&self) -> PathBuf {
        self.dir.join("packages.tsv")
    }
}

/// Removes a folder that may not be there.
///
/// # Errors
/// The disk refuses.
pub fn remove(dir: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| dir.display().to_string())
        }
        _ => Ok(()),
    }
}

/// Makes a folder of the cache, whole or not at all, in the place of the older ones of its kind.
fn once(
    cache: &Path,
    kind: &str,
    dir: &Path,
    work: impl FnOnce(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    fs::create_dir_all(cache)?;
    let new = cache.join(format!("new-{kind}"));
    remove(&new)?;
    work(&new)?;
    for older in matching(cache, &format!("{kind}-*"))? {
        remove(&older)?;
    }
    Ok(fs::rename(&new, dir)?)
}

fn make(recipe: &Recipe, debian: &Path, dir: &Path) -> anyhow::Result<()> {
    let root = dir.join("root");
    fs::create_dir_all(dir)?;
    run::quietly(Command::new("cp").args(["-a", "--reflink=auto"]).arg(debian).arg(&root))?;
    let admin = root.join("var/lib/dpkg");
    let query = run::output(
        Command::new("dpkg-query")
            .arg(format!("--admindir={}", admin.display()))
            .args(["-W", "-f=${Package}\t${Version}\t${source:Package}\t${source:Version}\n"]),
    )?;
    run::write(&dir.join("packages.tsv"), query)?;
    let kernel = only(&root.join("boot"), "vmlinuz-")?;
    fs::copy(&kernel, dir.join("vmlinuz"))?;
    // systemd-sysusers ends well whatever it thinks of a line.
    let users = fs::read_to_string(root.join("etc/passwd"))?;
    for line in lines(&fs::read_to_string(&recipe.users)?).filter_map(|line| line.strip_prefix("u ")) {
        let mut words = line.split(' ');
        let (name, number) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let entry = format!("{name}:x:{number}:{number}:");
        anyhow::ensure!(users.lines().any(|it| it.starts_with(&entry)), "the root has no user {entry}");
    }
    Modules::of(&root)?.keep_only(&recipe.modules)?;
    prune(&recipe.prune, &root)?;
    Ok(fs::write(root.join("etc/machine-id"), "")?)
}

fn prune(list: &str, root: &Path) -> anyhow::Result<()> {
    let mut kept = BTreeSet::new();
    let mut gone = Vec::new();
    for line in lines(list) {
        match line.split_once(' ') {
            Some(("keep", path)) => _ = kept.insert(path),
            Some(("package", name)) => gone.extend(files_of(name, root)?),
            Some(("path", pattern)) => gone.extend(matching(root, pattern)?),
            _ => anyhow::bail!("prune.list: {line:?}"),
        }
    }
    let kept: BTreeSet<PathBuf> = kept.into_iter().map(|path| root.join(path)).collect();
    for path in gone.iter().filter(|path| !kept.contains(*path)) {
        match fs::symlink_metadata(path) {
            Ok(it) if it.is_dir() => remove(path)?,
            Ok(_) => fs::remove_file(path).with_context(|| path.display().to_string())?,
            Err(_) => {}
        }
    }
    Ok(())
}

/// The files, not the folders, of a package.
fn files_of(package: &str, root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let info = root.join("var/lib/dpkg/info");
    let list = [format!("{package}.list"), format!("{package}:amd64.list")];
    let list = list.iter().map(|name| info.join(name)).find(|path| path.exists());
    let list = list.with_context(|| format!("prune.list: no package {package} was installed"))?;
    let text = fs::read_to_string(list)?;
    let licence = |path: &str| path.starts_with("usr/share/doc/");
    let paths = text.lines().filter_map(|line| line.strip_prefix('/')).filter(|path| !licence(path));
    let paths = paths.map(|path| root.join(merged(path)));
    // Links to folders count as folders: /lib is one, and belongs to many packages.
    Ok(paths.filter(|path| !path.is_dir()).collect())
}

/// As the file is called where /bin, /lib and /sbin are links.
fn merged(path: &str) -> String {
    let moved = ["bin/", "sbin/", "lib/", "lib64/"].iter().any(|folder| path.starts_with(folder));
    if moved { format!("usr/{path}") } else { path.to_owned() }
}

/// What a pattern names; `*` stands for anything in the last part.
fn matching(root: &Path, pattern: &str) -> anyhow::Result<Vec<PathBuf>> {
    let (folder, last) = pattern.rsplit_once('/').unwrap_or(("", pattern));
    let Some((begin, end)) = last.split_once('*') else { return Ok(vec![root.join(pattern)]) };
    let folder = root.join(folder);
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.len() >= begin.len() + end.len() && name.starts_with(begin) && name.ends_with(end) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn only(folder: &Path, prefix: &str) -> anyhow::Result<PathBuf> {
    let found = matching(folder, &format!("{prefix}*"))?;
    let [path] = &found[..] else { anyhow::bail!("not one {prefix} in {}", folder.display()) };
    Ok(path.clone())
}

/// The lines of a list without comments.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(|line| line.split('#').next().unwrap_or_default().trim()).filter(|line| !line.is_empty())
}
