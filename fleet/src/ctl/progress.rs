//! How far something is: a bar for who watches, lines for everything else.

use super::screen::Screen;
use super::words::clean;

/// Characters of a bar.
const BAR: usize = 24;

/// A bar on the last line of the standard error, drawn only for a terminal.
pub(super) struct Progress<'a> {
    screen: &'a Screen,
    drawn: bool,
}

impl<'a> Progress<'a> {
    pub(super) fn new(screen: &'a Screen) -> Self {
        Self { screen, drawn: false }
    }

    /// Draws the bar again.
    pub(super) fn show(&mut self, done: usize, all: usize, doing: &str) {
        if self.screen.watched {
            self.screen.say(&format!("\r{}\x1b[K", bar(done, all, doing)));
            self.drawn = true;
        }
    }

    /// Something that happened, above the bar.
    pub(super) fn note(&mut self, text: &str) {
        self.clear();
        self.screen.note(text);
    }

    /// Takes the bar away.
    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.drawn) {
            self.screen.say("\r\x1b[K");
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.clear();
    }
}

fn bar(done: usize, all: usize, doing: &str) -> String {
    let full = (BAR * done.min(all)).checked_div(all).unwrap_or(BAR);
    format!("[{}{}] {done}/{all} {}", "#".repeat(full), "-".repeat(BAR - full), clean(doing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_full_when_all_is_done() {
        assert_eq!(bar(0, 4, ""), format!("[{}] 0/4 ", "-".repeat(24)));
        assert_eq!(bar(1, 4, "x"), format!("[{}{}] 1/4 x", "#".repeat(6), "-".repeat(18)));
        assert_eq!(bar(0, 0, ""), format!("[{}] 0/0 ", "#".repeat(24)));
    }
}
