//! Pairs of images, made on the spot: Debian as the machine's own apt configuration offers it, and our daemon in it.
//!
//! They are kept beside the target folder: making them takes longer than measuring. Deleting that folder makes them anew.

mod image;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use super::Options;
use crate::bench::report::Report;
use crate::rig;

/// What a kiosk's root has, roughly: enough that an update of it is an update of a kiosk.
const PACKAGES: &str = "alsa-utils,ca-certificates,cryptsetup-bin,curl,dbus,fonts-dejavu-core,iproute2,libegl1,libgbm1,\
    libinput10,linux-image-cloud-amd64,mosquitto,nftables,openssh-server,rauc,sudo,systemd-resolved,systemd-sysv,\
    systemd-timesyncd,udev";

/// Debian's stable release, if the machine itself has an older one.
const STABLE: &str = "trixie";

/// The earlier daemon is the one before so many changes of it.
const CHANGES: &str = "10";

/// An image and the one that follows it.
pub(super) struct Pair {
    pub name: &'static str,
    pub old: PathBuf,
    pub new: PathBuf,
}

/// One line of apt's sources.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Source {
    uri: String,
    suite: String,
    components: String,
}

/// Makes what is not there yet.
pub(super) fn make(
    cache: &Path,
    programs: &Path,
    options: &Options,
    report: &mut Report,
) -> anyhow::Result<Vec<Pair>> {
    std::fs::create_dir_all(cache).with_context(|| cache.display().to_string())?;
    let daemon = programs.join("kioskd");
    let earlier = match options.earlier.clone() {
        Some(path) => Some(path),
        None => earlier_daemon(cache, report)?,
    };
    let sources = sources()?;
    let base = sources
        .iter()
        .map(|it| &it.suite)
        .min_by_key(|suite| suite.len())
        .context("apt has no source of Debian")?
        .clone();
    let released =
        |all: &[Source]| all.iter().filter(|it| !it.suite.contains('-')).cloned().collect::<Vec<_>>();
    let old = root(cache, &format!("{base}-released"), &released(&sources))?;
    let new = root(cache, &format!("{base}-updated"), &sources)?;
    let mut pairs = Vec::new();
    if let Some(earlier) = earlier {
        pairs.push(image::pair("daemon only", cache, [(&old, &earlier), (&old, &daemon)])?);
    }
    pairs.push(image::pair("security updates with kernel", cache, [(&old, &daemon), (&new, &daemon)])?);
    if base == STABLE {
        report.note("no pair of the next release: the machine has it already");
        return Ok(pairs);
    }
    let next: Vec<Source> =
        sources.iter().map(|it| Source { suite: it.suite.replace(&base, STABLE), ..it.clone() }).collect();
    let both = root(cache, &format!("{STABLE}-released"), &released(&next))
        .and_then(|old| Ok((old, root(cache, &format!("{STABLE}-updated"), &next)?)));
    match both {
        Ok((old, new)) => {
            pairs.push(image::pair("point release so far", cache, [(&old, &daemon), (&new, &daemon)])?);
            report.note(format!(
                "point release so far: Debian {STABLE} as released, and with all that its -updates and -security have for the \
                 next point release; archives of earlier point releases are seldom within reach"
            ));
        }
        Err(error) => report.note(format!("no pair of Debian {STABLE}: {error:#}")),
    }
    Ok(pairs)
}

/// Debian's own sources as apt has them, whatever format they are written in.
fn sources() -> anyhow::Result<Vec<Source>> {
    let format = "$(REPO_URI) $(CODENAME) $(COMPONENT) $(ORIGIN)";
    let output = Command::new("apt-get")
        .args(["indextargets", "--format", format, "Created-By: Packages"])
        .output()?;
    anyhow::ensure!(output.status.success(), "apt-get indextargets ended with {}", output.status);
    Ok(parsed(&String::from_utf8(output.stdout)?))
}

fn parsed(text: &str) -> Vec<Source> {
    let mut sources: Vec<Source> = Vec::new();
    for line in text.lines() {
        let [uri, suite, component, "Debian"] = line.split(' ').collect::<Vec<_>>()[..] else { continue };
        let source =
            Source { uri: uri.to_owned(), suite: suite.to_owned(), components: component.to_owned() };
        if !sources.contains(&source) {
            sources.push(source);
        }
    }
    sources
}

/// A root file system as a tar archive.
fn root(cache: &Path, name: &str, sources: &[Source]) -> anyhow::Result<PathBuf> {
    let path = cache.join(format!("{name}.tar"));
    if path.exists() {
        return Ok(path);
    }
    eprintln!("  making the root {name}");
    let part = cache.join(format!("{name}.part.tar"));
    let suite = &sources.first().context("no source")?.suite;
    let mut command = Command::new("mmdebstrap");
    // The same times in every root.
    command.env("SOURCE_DATE_EPOCH", image::EPOCH);
    command.args(["--quiet", "--variant=minbase", "--aptopt=APT::Install-Recommends \"false\""]);
    command.arg(format!("--include={PACKAGES}")).arg(suite).arg(&part);
    for source in sources {
        command.arg(format!("deb {} {} {}", source.uri, source.suite, source.components));
    }
    let status = command.status().context("mmdebstrap cannot be started")?;
    anyhow::ensure!(status.success(), "mmdebstrap ended with {status}");
    std::fs::rename(&part, &path)?;
    Ok(path)
}

/// The daemon of an earlier commit of this repository, built the same way.
fn earlier_daemon(cache: &Path, report: &mut Report) -> anyhow::Result<Option<PathBuf>> {
    let git = |arguments: &[&str]| -> Option<String> {
        let output = Command::new("git").arg("-C").arg(rig::root()).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let skip = format!("--skip={CHANGES}");
    let parts = ["HEAD", "--", "kioskd", "domain", "hal", "protocol", "store", "ui"];
    let commit = git(&[&["rev-list", "--max-count=1", "--abbrev-commit", &skip][..], &parts].concat());
    let Some(commit) = commit.filter(|it| !it.is_empty()) else {
        report.note("daemon only: left out, the checkout has no history to build an earlier daemon from");
        return Ok(None);
    };
    let path = cache.join(format!("kioskd-{commit}"));
    if !path.exists() {
        eprintln!("  building the daemon of {commit}");
        build(cache, &commit, &path).with_context(|| format!("the daemon of {commit}"))?;
    }
    Ok(Some(path))
}

/// In a target folder of its own: in today's, cargo takes crates of the same name that are older than what was built for built.
fn build(cache: &Path, commit: &str, path: &Path) -> anyhow::Result<()> {
    let work = tempfile::tempdir_in(cache)?;
    let [sources, target, archive] = ["source", "target", "source.tar"].map(|name| work.path().join(name));
    std::fs::create_dir(&sources)?;
    let finish = |command: &mut Command| -> anyhow::Result<()> {
        let status = command.status()?;
        anyhow::ensure!(status.success(), "{command:?} ended with {status}");
        Ok(())
    };
    finish(
        Command::new("git").arg("-C").arg(rig::root()).arg("archive").arg("-o").arg(&archive).arg(commit),
    )?;
    finish(Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(&sources))?;
    let mut cargo = Command::new("cargo");
    cargo.env("CARGO_TARGET_DIR", &target).current_dir(&sources);
    cargo.args(["build", "--release", "--no-default-features", "--package", "kioskd", "--bin", "kioskd"]);
    finish(&mut cargo)?;
    std::fs::copy(target.join("release/kioskd"), path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_apts_sources_those_of_debian_count_once() {
        let text = "http://a/debian/ bookworm main Debian\nhttp://a/debian/ bookworm main Debian\n\
                    http://b/ nodistro main Someone\nhttp://a/s/ bookworm-security main Debian\n";
        let suites: Vec<_> = parsed(text).into_iter().map(|it| it.suite).collect();
        assert_eq!(suites, ["bookworm", "bookworm-security"]);
    }
}
