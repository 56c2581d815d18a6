//! Log lines to the journal or to standard error.

mod recent;

use std::io::IsTerminal as _;
use std::sync::OnceLock;

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::settings::{Log, LogTarget, WrongValue};
use recent::Recent;

/// The last lines, unless the journal keeps them.
static RECENT: OnceLock<Recent> = OnceLock::new();

/// Which lines are wanted.
///
/// # Errors
/// The filter cannot be read.
pub(crate) fn filter(log: &Log) -> Result<EnvFilter, WrongValue> {
    let wrong = |error| {
        let error = anyhow::Error::new(error).context(format!("{:?}", log.filter));
        WrongValue::because("log.filter", error)
    };
    EnvFilter::try_new(&log.filter).map_err(wrong)
}

/// Sends everything from here on where the settings say.
///
/// # Errors
/// The filter cannot be read, or the journal is asked for and not there.
pub fn start(log: &Log, under_systemd: bool) -> anyhow::Result<()> {
    let filter = filter(log)?;
    let to_journal = match log.target {
        LogTarget::Auto => under_systemd,
        LogTarget::Journald => true,
        LogTarget::Stderr => false,
    };
    let registry = tracing_subscriber::registry().with(filter);
    if to_journal {
        let journal = tracing_journald::layer().context("the journal cannot be reached")?;
        registry.with(journal).try_init()?;
    } else {
        let colours = std::io::stderr().is_terminal();
        let lines = tracing_subscriber::fmt::layer().with_ansi(colours).with_writer(std::io::stderr);
        let recent = RECENT.get_or_init(Recent::new);
        let kept = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(|| recent.line());
        registry.with(lines).with(kept).try_init()?;
    }
    Ok(())
}

/// So many of the newest lines; `None` if they are in the journal.
pub(crate) fn newest(lines: usize) -> Option<Vec<u8>> {
    RECENT.get().map(|recent| recent.newest(lines))
}
