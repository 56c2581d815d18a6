//! Releases: what the makers have signed, sent in pieces.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use hyper::Method;
use ota::release::Manifest;
use protocol::text::hex;
use serde_json::{Value, json};

use super::address::{Query, path};
use super::ask;
use super::client::Client;
use super::failure::{Exit, Failure, Result};
use super::output::{As, Column, Show, column, list};
use super::progress::Progress;
use super::screen::Screen;
use super::table::Cell;
use super::words::{count, plain};

/// Bytes that are sent at once.
const PIECE: usize = 4 * 1024 * 1024;

/// Releases that kiosks can be updated to.
#[derive(Subcommand, Debug)]
pub(super) enum ReleaseCommand {
    /// Send what the makers have signed to the fleet, which proves it as a kiosk would.
    ///
    /// What is there already is not sent again; after an interruption it goes on where it was.
    #[command(after_help = "\
Example: fleetctl release push repo")]
    Push {
        /// The folder of the repository, as `kiosk-ota` makes it (docs/releases.md).
        repository: PathBuf,
    },
    /// Releases that the fleet has, the newest first.
    #[command(alias = "ls")]
    List(As),
    /// What was signed of a release, as JSON.
    #[command(after_help = "Example: fleetctl release show alder 42")]
    Show(Which),
    /// Send the file that machines of others install a release from: `.swu` for swupdate, `.raucb` for RAUC.
    ///
    /// The fleet does not prove it; whoever installs it does.
    #[command(after_help = "Example: fleetctl release bundle alder 42 alder-1.4.2.raucb")]
    Bundle {
        #[command(flatten)]
        release: Which,
        /// The file.
        file: PathBuf,
    },
    /// Remove the files of a release that nobody is to get any more.
    #[command(after_help = "Example: fleetctl release forget alder 40")]
    Forget {
        #[command(flatten)]
        release: Which,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

/// A release.
#[derive(clap::Args, Debug)]
pub(super) struct Which {
    /// Which kiosks it is for.
    model: String,
    /// Its number.
    number: u64,
}

const RELEASES: &[Column] = &[
    column("MODEL", "/model", Show::Plain),
    column("NUMBER", "/number", Show::Plain),
    column("VERSION", "/version", Show::Plain),
    column("ARCH", "/arch", Show::Plain),
    column("FLOOR", "/floor", Show::Plain),
    column("SIZE", "/size", Show::With(size)),
    column("DELTAS", "/deltas", Show::Plain),
    column("STATE", "/state", Show::State),
    column("PUSHED", "/pushed_at", Show::Ago),
];

fn size(row: &Value) -> Cell {
    let bytes = row["size"].as_u64().unwrap_or(0);
    Cell::from(format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000))
}

impl ReleaseCommand {
    pub(super) fn run(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        match self {
            Self::Push { repository } => push(screen, client, repository)?,
            Self::List(form) => list(screen, form.output, RELEASES, &client.all("/v1/releases")?)?,
            Self::Show(which) => screen.json(&client.get(&which.path())?)?,
            Self::Bundle { release, file } => bundle(screen, client, release, file)?,
            Self::Forget { release, yes } => {
                let what = format!(
                    "The files of release {} for {} are deleted: nobody can be brought back to it.",
                    release.number, release.model
                );
                ask::confirm(screen, *yes, &what, &release.number.to_string())?;
                client.delete(&release.path())?;
                screen.note("its files are gone; push the repository again to have them back");
            }
        }
        Ok(Exit::Done)
    }
}

impl Which {
    fn path(&self) -> String {
        path(&["releases", &self.model, &self.number.to_string()])
    }
}

fn push(screen: &Screen, client: &Client, repository: &Path) -> Result<()> {
    let files = wanted(repository)?;
    let signed = newest_signed(repository)?;
    let push = Query::default().with("push", Some(hex(&ota::sha256(signed.to_string().as_bytes()))));
    let mut progress = Progress::new(screen);
    let mut sent = 0;
    for (number, name) in files.iter().enumerate() {
        progress.show(number, files.len(), name);
        sent += send(client, repository, &push, name)?;
    }
    progress.show(files.len(), files.len(), "the fleet proves it");
    let listed = client.post(&push.after("/v1/releases"), &json!({}))?;
    progress.clear();
    all_listed(client, repository, &signed)?;
    let new: Vec<String> = listed["new"].as_array().into_iter().flatten().map(plain).collect();
    let all = count(listed["count"].as_u64().unwrap_or(0), "release");
    if new.is_empty() {
        screen.note(&format!("nothing new: {all}, {sent} bytes sent"));
        return Ok(());
    }
    for release in &new {
        screen.print(&format!("{release}\n"))?;
    }
    let number = new[0].rsplit(' ').next().unwrap_or_default().to_owned();
    screen.note(&format!("{sent} bytes sent. Next: fleetctl rollout start FILTER --release {number}"));
    Ok(())
}

/// The fleet may have targets that are newer than these.
fn all_listed(client: &Client, repository: &Path, signed: &Value) -> Result<()> {
    let listed = client.get("/v1/releases")?;
    let listed: Vec<String> = listed
        .as_array()
        .into_iter()
        .flatten()
        .filter(|it| it["state"] == "listed")
        .map(|it| Manifest::name_of(&plain(&it["model"]), it["number"].as_u64().unwrap_or(0)))
        .collect();
    let ours = signed["targets"].as_object().into_iter().flat_map(serde_json::Map::keys);
    match ours.filter(|name| !listed.contains(name)).count() {
        0 => Ok(()),
        missing => Err(Failure::failed(format!(
            "{} of this repository did not come to be listed: the fleet has newer targets, of another repository",
            count(missing as u64, "release")
        ))
        .next(format!("make one repository of both: docs/releases.md; {} is not lost", repository.display()))),
    }
}

fn bundle(screen: &Screen, client: &Client, release: &Which, path: &Path) -> Result<()> {
    let failed = |error| Failure::io(format!("read {}", path.display()), &error);
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut file = open(path)?;
    let sha256 = hex(&ota::sha256_of(&mut file).map_err(failed)?);
    let length = file.metadata().map_err(failed)?.len();
    let to = format!("{}/bundle", release.path());
    let (mut progress, mut offset) = (Progress::new(screen), 0);
    let pieces = usize::try_from(length.div_ceil(PIECE as u64)).unwrap_or(usize::MAX);
    for number in 0..pieces {
        progress.show(number, pieces, &name);
        let piece = piece(&file, offset, length).map_err(failed)?;
        let at = Query::default().with("offset", Some(offset)).after(&to);
        offset += piece.len() as u64;
        upload(client, &at, piece)?;
    }
    progress.clear();
    client.post(&to, &json!({ "name": name, "sha256": sha256 }))?;
    screen.note(&format!(
        "{length} bytes sent. Next: fleetctl rollout start FILTER --release {}",
        release.number
    ));
    Ok(())
}

/// Opens a file; whatever else would be waited for.
fn open(path: &Path) -> Result<File> {
    let failed = |error| Failure::io(format!("read {}", path.display()), &error);
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(Failure::usage(format!("{} is no file", path.display()))
            .next("which files there are, docs/releases.md says"));
    }
    File::open(path).map_err(failed)
}

fn piece(file: &File, offset: u64, length: u64) -> std::io::Result<Vec<u8>> {
    let most = usize::try_from(length - offset).unwrap_or(PIECE).min(PIECE);
    let mut piece = vec![0; most];
    file.read_exact_at(&mut piece, offset)?;
    Ok(piece)
}

fn upload(client: &Client, to: &str, piece: Vec<u8>) -> Result<()> {
    let headers = [("content-type", "application/octet-stream")];
    client.upload(Method::PUT, to, &headers, piece.into()).map(drop)
}

/// Files to be sent, what names others last: all roots, the newest targets, and what is below the other two folders.
fn wanted(repository: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let newest = newest_targets(repository)?;
    let metadata = names(&repository.join("metadata"))?;
    for name in names(&repository.join("images")).unwrap_or_default() {
        let files = names(&repository.join("images").join(&name))?;
        found.extend(files.into_iter().map(|file| format!("images/{name}/{file}")));
    }
    found.extend(names(&repository.join("targets"))?.into_iter().map(|name| format!("targets/{name}")));
    let roots = metadata.iter().filter(|name| version(name, ".root.json").is_some());
    found.extend(roots.map(|name| format!("metadata/{name}")));
    found.push(format!("metadata/{newest}"));
    Ok(found)
}

fn version(name: &str, role: &str) -> Option<u64> {
    name.strip_suffix(role)?.parse().ok()
}

/// The name of the newest targets.
fn newest_targets(repository: &Path) -> Result<String> {
    let metadata = names(&repository.join("metadata"))?;
    let newest = metadata.iter().filter_map(|name| version(name, ".targets.json")).max();
    let newest = newest.ok_or_else(|| {
        Failure::usage(format!("{} has no release", repository.display()))
            .next("kiosk-ota release REPO …, then kiosk-ota sign REPO targets: docs/releases.md")
    })?;
    Ok(format!("{newest}.targets.json"))
}

/// What the makers have signed last, without their signatures.
fn newest_signed(repository: &Path) -> Result<Value> {
    let path = repository.join("metadata").join(newest_targets(repository)?);
    let failed = |error| Failure::io(format!("read {}", path.display()), &error);
    let bytes = std::fs::read(&path).map_err(failed)?;
    let file: Value = serde_json::from_slice(&bytes)
        .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
    Ok(file["signed"].clone())
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let failed = |error| {
        Failure::io(format!("read {}", folder.display()), &error)
            .next("name the folder that kiosk-ota has made: docs/releases.md")
    };
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    let mut names = entries
        .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()))
        .collect::<std::io::Result<Vec<_>>>()
        .map_err(failed)?;
    names.sort();
    Ok(names)
}

/// Sends what is not there yet of a file; tells how much that was.
fn send(client: &Client, repository: &Path, push: &Query, name: &str) -> Result<u64> {
    let at = repository.join(name);
    let failed = |error| Failure::io(format!("read {}", at.display()), &error);
    let file = open(&at)?;
    let length = file.metadata().map_err(failed)?.len();
    let query = push.clone().with("path", Some(name));
    let there = client.get(&query.after("/v1/releases/files"))?;
    let here = there["length"].as_u64().unwrap_or(0);
    // Another file of the same name: the fleet decides what it means.
    let is_other = here > length || (there["published"] == true && here != length);
    let mut offset = if is_other { 0 } else { here };
    let first = offset;
    while offset < length {
        let piece = piece(&file, offset, length).map_err(failed)?;
        let to = query.clone().with("offset", Some(offset)).after("/v1/releases/files");
        offset += piece.len() as u64;
        upload(client, &to, piece)?;
    }
    Ok(length - first)
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_no_file_is_not_waited_for() {
        for path in ["/dev/null", "/proc"] {
            assert!(super::open(std::path::Path::new(path)).is_err(), "{path}");
        }
        assert!(super::open(std::path::Path::new("/proc/self/status")).is_ok());
    }
}
