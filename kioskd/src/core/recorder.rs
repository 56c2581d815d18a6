//! The flight recorder: the last inputs, for whoever has to find out what happened.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use domain::input::{Action, Command, Origin, VoiceInput};
use domain::{Input, Now};

/// Inputs kept: some minutes of a busy kiosk.
const KEPT: usize = 2000;

/// What is kept of an input.
#[derive(Debug)]
enum Kept {
    Whole(Input),
    /// A catalog would keep its thousands of items alive.
    Catalog {
        rev: u64,
        origin: Origin,
    },
}

impl Kept {
    fn of(input: &Input) -> Self {
        match input {
            Input::Command(Command { origin, action: Action::ActivateCatalog { catalog, .. } }) => {
                Self::Catalog { rev: catalog.rev, origin: origin.clone() }
            }
            other => Self::Whole(other.clone()),
        }
    }
}

/// Keeps the last inputs in memory and writes them to a file when asked. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Recorder {
    dir: PathBuf,
    inputs: Arc<Mutex<VecDeque<(Now, Kept)>>>,
}

impl Recorder {
    /// A recorder that dumps into `dir`.
    pub fn new(dir: PathBuf) -> Self {
        Self { dir, inputs: Arc::default() }
    }

    /// Keeps an input. Card data, sound and spoken words never become one; how loud it is would push out all others.
    pub fn record(&self, now: &Now, input: &Input) {
        if matches!(input, Input::Voice(VoiceInput::Level { .. })) {
            return;
        }
        let mut inputs = self.inputs.lock().unwrap_or_else(PoisonError::into_inner);
        if inputs.len() == KEPT {
            inputs.pop_front();
        }
        inputs.push_back((*now, Kept::of(input)));
    }

    /// The last inputs as text, oldest first, one a line.
    pub fn text(&self) -> String {
        let inputs = self.inputs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        for (now, kept) in inputs.iter() {
            let input = match kept {
                Kept::Whole(input) => format!("{input:?}"),
                Kept::Catalog { rev, origin } => format!("catalog revision {rev} from {origin:?}"),
            };
            writeln!(text, "{} {} {input}", now.wall.0, now.mono.0).expect("writing to a string never fails");
        }
        text
    }

    /// Writes them into a file of their own.
    pub fn dump(&self) {
        let path = self.dir.join("flight-recorder.txt");
        match crate::files::replace(&path, self.text().as_bytes()) {
            Ok(()) => tracing::warn!(path = %path.display(), "flight recorder written"),
            Err(error) => tracing::error!(%error, path = %path.display(), "cannot write the flight recorder"),
        }
    }
}
