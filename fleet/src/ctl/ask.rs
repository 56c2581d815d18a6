//! Questions to the person at the terminal. Without one, nothing is asked and nothing is done: `--yes` says it.

use std::io::{BufRead as _, Read as _};

use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};

use super::failure::{Exit, Failure, Result};
use super::screen::Screen;
use super::words::clean_lines;

/// How carefully something is done that concerns many kiosks, or that nobody takes back.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(super) struct Care {
    /// Only say what would be done.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask.
    #[arg(short, long)]
    pub yes: bool,
}

/// Longest answer: a token is much shorter.
const ANSWER_MAX: usize = 4096;

/// Lets a change through when the person types `word`, or said `--yes`. `what` is a sentence with a full stop.
pub(super) fn confirm(screen: &Screen, yes: bool, what: &str, word: &str) -> Result<()> {
    if yes {
        return Ok(());
    }
    if !screen.answers {
        return Err(Failure::usage(format!("{what} Nobody is here to confirm it."))
            .next("look with --dry-run where there is one, then say --yes"));
    }
    screen.say(&format!("{} Type {} to go on: ", clean_lines(what), clean_lines(word)));
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .take(ANSWER_MAX as u64)
        .read_line(&mut answer)
        .map_err(|error| Failure::io("read the answer", &error))?;
    if answer.trim() == word { Ok(()) } else { Err(Failure::failed("not confirmed, so nothing was done")) }
}

/// Asks for a secret and shows nothing of it.
pub(super) fn secret(screen: &Screen, question: &str) -> Result<String> {
    let stdin = std::io::stdin();
    let failed = |errno: nix::Error| Failure::io("ask at this terminal", &errno.into());
    let before = tcgetattr(&stdin).map_err(failed)?;
    let mut quiet = before.clone();
    // Signals off, too: an interruption would leave a terminal that shows nothing.
    quiet.local_flags.remove(LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG);
    tcsetattr(&stdin, SetArg::TCSAFLUSH, &quiet).map_err(failed)?;
    screen.say(question);
    let typed = typed();
    tcsetattr(&stdin, SetArg::TCSAFLUSH, &before).map_err(failed)?;
    screen.say("\n");
    typed
}

fn typed() -> Result<String> {
    let mut typed = Vec::new();
    for byte in std::io::stdin().lock().bytes() {
        match byte.map_err(|error| Failure::io("read from this terminal", &error))? {
            b'\n' | b'\r' => break,
            // Ctrl-C and Ctrl-D.
            3 | 4 => return Err(Failure::new(Exit::Interrupted, "")),
            8 | 127 => drop(typed.pop()),
            byte if typed.len() < ANSWER_MAX => typed.push(byte),
            _ => {}
        }
    }
    String::from_utf8(typed).map_err(|_| Failure::usage("that is no text"))
}
