//! What somebody at the kiosk wants of updates.

use std::path::{Path, PathBuf};

use ota::agent::{Journal, Step};
use ota::repository::Repository;
use ota::writer::wire::{Reply, Request};
use tokio::sync::oneshot;

use super::stick::Stick;
use super::writer::{SlotWriter, WriterError};

/// What somebody wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Wanted {
    /// That a release which they have brought is installed.
    Install {
        /// Where it is.
        path: PathBuf,
        /// Which one; `None`: the newest that is there.
        release: Option<u64>,
    },
    /// That updates stop, up to the restart.
    Hold {
        /// Who.
        by: String,
    },
    /// That they go on.
    GoOn,
}

/// A wish, and who waits for an answer in words.
pub(super) struct Command {
    pub(super) wanted: Wanted,
    pub(super) reply: oneshot::Sender<Result<String, String>>,
}

/// A release that was found.
pub(super) struct Found {
    pub(super) release: u64,
    pub(super) stick: Stick,
}

/// The command, unless it is too late for it: what has switched is let come to its end.
pub(super) fn in_time(command: Command, journal: &Journal) -> Option<Command> {
    let late = journal.under_way.as_ref().filter(|it| it.step >= Step::Switching);
    let Some(late) = late.filter(|_| command.wanted != Wanted::GoOn) else { return Some(command) };
    let why = format!("release {} is being booted and proven; wait for its end", late.wish.release);
    // Whoever asked may have gone.
    command.reply.send(Err(why)).ok();
    None
}

/// Whether something that was brought may be begun with.
pub(super) fn may_install(journal: &Journal) -> Result<(), String> {
    if let Some(by) = &journal.held_by {
        return Err(format!("{by} has stopped updates here; first: kioskctl updates resume"));
    }
    if journal.halt.campaigns.contains("*") {
        return Err("the fleet has halted all updates".into());
    }
    Ok(())
}

/// Whether it is newer than what runs: only the fleet goes back.
pub(super) fn is_newer(journal: &Journal, release: u64) -> Result<(), String> {
    let confirmed = journal.confirmed;
    if release == confirmed {
        return Err(format!("release {release} runs already"));
    }
    if release < confirmed.max(journal.floor) {
        return Err(format!(
            "release {release} is older than {confirmed}, which runs; going back is the fleet's: \
             fleetctl rollout rollback"
        ));
    }
    if journal.bad.contains(&release) {
        return Err(format!("release {release} has failed on this kiosk before and is never tried again"));
    }
    Ok(())
}

/// Looks what was brought.
///
/// # Errors
/// What is wrong with it, for a person.
pub(super) async fn find(
    writer: &SlotWriter,
    path: &Path,
    model: &str,
    release: Option<u64>,
) -> Result<Found, String> {
    let place = path.display();
    if !path.is_absolute() {
        return Err(format!("{place} does not begin at the root of the file system"));
    }
    match path.metadata() {
        Err(error) => return Err(format!("{place} cannot be read: {error}")),
        Ok(found) if found.is_dir() => {}
        Ok(_) if path.extension().is_some_and(|it| it == "raucb") => return bundle(writer, path).await,
        Ok(_) => {}
    }
    let folder = path.ancestors().find(|it| it.join("metadata").is_dir());
    let folder = folder.ok_or_else(|| {
        format!("{place} is no release: a folder with metadata, targets and images, or a file .raucb")
    })?;
    let listed =
        Repository::at(folder).listed().map_err(|error| format!("{:#}", anyhow::Error::from(error)))?;
    let of_model: Vec<u64> = listed.iter().filter(|it| it.0 == model).map(|it| it.1).collect();
    let found = match release {
        Some(wanted) => of_model.iter().copied().find(|it| *it == wanted),
        None => of_model.iter().copied().max(),
    };
    let found = found.ok_or_else(|| {
        let names: Vec<String> = listed.iter().map(|(model, release)| format!("{model} {release}")).collect();
        let wanted = release.map_or_else(String::new, |it| format!(" {it}"));
        format!("{place} has no release{wanted} for {model}; it has: {}", names.join(", "))
    })?;
    Ok(Found { release: found, stick: Stick::Folder(folder.to_owned()) })
}

async fn bundle(writer: &SlotWriter, path: &Path) -> Result<Found, String> {
    let asked = async { writer.begin(Request::Bundle { path: path.to_owned() }).await?.next().await };
    match asked.await {
        Ok(Reply::Bundle { release, .. }) => Ok(Found { release, stick: Stick::Bundle(path.to_owned()) }),
        Ok(other) => Err(format!("the slot writer says {other:?}")),
        Err(WriterError::Failed { why, .. }) => Err(format!("{}: {why}", path.display())),
        Err(error) => Err(format!("{:#}", anyhow::Error::from(error))),
    }
}
