//! What the tool says. Whoever reads may stop early (`| head`); that is no error of ours, and nothing more is said.

use std::io::{ErrorKind, Write};

use anyhow::Context as _;

/// Prints to the standard output.
///
/// # Errors
/// It cannot be written to, for example a file on a full disk. A reader that has gone is no error.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    forgive(out.write_all(text.as_bytes()).and_then(|()| out.flush())).context("cannot write the answer")
}

/// Prints a line to the standard output, as [`print`] does.
///
/// # Errors
/// As [`print`].
pub(crate) fn line(text: &str) -> anyhow::Result<()> {
    print(&format!("{text}\n"))
}

/// Prints a line to the standard error. There is nowhere left to complain if that cannot be done.
pub(crate) fn complain(text: &str) {
    writeln!(std::io::stderr(), "{text}").ok();
}

/// A closed pipe is the end of the reading, and all else is an error.
fn forgive(written: std::io::Result<()>) -> std::io::Result<()> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
