//! What people do at the terminal.

use super::Engine;
use super::session::{Session, Stage, Wait};
use crate::device::VerbError;
use crate::terminal::cards::Entry;

impl Engine {
    pub(super) fn present_card(&mut self, entry: Entry) -> Result<(), VerbError> {
        self.at_terminal("no card is wanted", |engine, session| {
            let wanted = matches!(session.wait, Wait::Card { .. });
            if wanted {
                engine.take_card(session, entry);
            }
            wanted
        })
    }

    pub(super) fn enter_pin(&mut self) -> Result<(), VerbError> {
        self.at_terminal("no PIN is wanted", |engine, session| {
            let wanted = matches!(session.wait, Wait::Pin { .. });
            if wanted {
                engine.take_pin(session);
            }
            wanted
        })
    }

    pub(super) fn press_stop(&mut self) -> Result<(), VerbError> {
        self.at_terminal("there is nothing to stop", |engine, session| {
            let possible = session.stage == Stage::Before && session.number().is_some();
            if possible {
                engine.stop(session);
            }
            possible
        })
    }

    /// Does something with the conversation that a customer stands before; `false` means it makes no sense there.
    fn at_terminal(
        &mut self,
        refusal: &str,
        mut act: impl FnMut(&mut Self, &mut Session) -> bool,
    ) -> Result<(), VerbError> {
        let mut done = false;
        if let Some(mut session) = self.session.take() {
            done = act(self, &mut session);
            self.session = Some(session);
        }
        if !done && let Some(mut orphan) = self.orphan.take() {
            done = act(self, &mut orphan);
            self.orphan = Some(orphan);
        }
        if done { Ok(()) } else { Err(VerbError::Refused(refusal.to_owned())) }
    }
}
