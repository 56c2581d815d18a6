//! The last lines of a program that does not log to the journal, for whoever asks for them from afar.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

/// Lines that are kept: an hour of a busy kiosk.
const LINES: usize = 2000;

/// Bytes of a line that are kept.
const LINE_MAX: usize = 4096;

/// The last lines.
pub(super) struct Recent(Mutex<VecDeque<Vec<u8>>>);

impl Recent {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(VecDeque::new()))
    }

    /// So many of the newest lines, the oldest of them first.
    pub(super) fn newest(&self, lines: usize) -> Vec<u8> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().skip(kept.len().saturating_sub(lines)).flatten().copied().collect()
    }

    /// The next line, kept when it is dropped.
    pub(super) fn line(&self) -> Line<'_> {
        Line { recent: self, written: Vec::new() }
    }
}

/// One line while it is written.
pub(super) struct Line<'a> {
    recent: &'a Recent,
    written: Vec<u8>,
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = LINE_MAX.saturating_sub(self.written.len());
        self.written.extend(bytes.iter().take(room));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        if self.written.is_empty() {
            return;
        }
        if self.written.last() != Some(&b'\n') {
            self.written.push(b'\n');
        }
        let mut kept = self.recent.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= LINES {
            kept.pop_front();
        }
        kept.push_back(std::mem::take(&mut self.written));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_lines_are_kept_and_a_long_one_is_cut() {
        let recent = Recent::new();
        for number in 0..LINES + 5 {
            writeln!(recent.line(), "line {number}").unwrap();
        }
        write!(recent.line(), "{}", "x".repeat(LINE_MAX * 2)).unwrap();
        let newest = String::from_utf8(recent.newest(2)).unwrap();
        assert_eq!(newest, format!("line {}\n{}\n", LINES + 4, "x".repeat(LINE_MAX)));
        assert!(String::from_utf8(recent.newest(usize::MAX)).unwrap().starts_with("line 6\n"));
    }
}
