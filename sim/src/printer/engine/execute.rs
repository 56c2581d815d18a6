//! Commands from the receive buffer, one after the other, each when its time has come.

use std::time::Duration;

use super::Engine;
use crate::printer::command::Command;
use crate::printer::mechanism::{Error, Paper};
use crate::printer::receipt::End;

impl Engine {
    /// Takes bytes until a command is complete and carries it out; false when the buffer has run dry.
    pub(super) fn execute_next(&mut self, now: Duration) -> bool {
        while let Some(byte) = self.buffer.pop_front() {
            if let Some(command) = self.parser.push(byte) {
                self.execute(now, &command);
                return true;
            }
        }
        false
    }

    fn execute(&mut self, now: Duration, command: &Command) {
        let rows_before = self.typesetter.strip().rows();
        if self.typesetter.obey(command) {
            let rows = self.typesetter.strip().rows() - rows_before;
            self.busy_until = now + self.config.pace.feeding(rows);
            if rows > 0 && self.faults.paper_ends_in_line {
                self.end_paper_within(rows_before);
            }
            self.tear_if_endless(now);
            return;
        }
        match command {
            Command::Cut { full, feed } => {
                self.cut(now, if *full { End::Full } else { End::Partial }, *feed);
            }
            // A pulse of no length moves nothing.
            Command::Pulse { on: 0, .. } => {}
            Command::Pulse { pin, .. } => self.pulse(now, *pin),
            Command::AutoStatus(mask) => self.enable_auto_status(now, *mask),
            Command::TransmitStatus(n) => self.transmit_status(now, *n),
            Command::TransmitIdentity(n) => self.transmit_identity(now, *n),
            Command::ProcessId(id) => {
                self.typesetter.flush();
                self.confirm(now, *id);
            }
            Command::PanelButtons { enabled } => self.panel_buttons = *enabled,
            Command::RealTime => {}
            Command::Unsupported(bytes) | Command::TooLong(bytes) => self.ledger.unsupported(bytes),
            Command::Symbol { kind, function, .. } => {
                self.ledger.unsupported(&[0x1D, 0x28, 0x6B, *kind, *function]);
            }
            // Everything else is the typesetter's, which has obeyed above.
            _ => {}
        }
    }

    fn cut(&mut self, now: Duration, end: End, feed: Option<u8>) {
        self.typesetter.flush();
        if let Some(dots) = feed {
            let rows = self.config.cutter_distance + usize::from(dots);
            self.typesetter.strip_mut().feed(rows);
            self.busy_until = now + self.config.pace.feeding(rows);
        }
        if self.faults.jam_at_cut {
            self.faults.jam_at_cut = false;
            self.mechanism.jammed = true;
        }
        if self.mechanism.jammed {
            self.mechanism.error = Some(Error::Cutter);
            self.held_cut = Some(end);
        } else {
            self.cut_here(now, end);
        }
    }

    /// The knife is some way above the head: what was printed last is still below it.
    pub(super) fn cut_here(&mut self, now: Duration, end: End) {
        self.busy_until = self.busy_until.max(now) + self.config.pace.cutting();
        let strip = self.typesetter.strip_mut();
        let above_knife = strip.rows().saturating_sub(self.config.cutter_distance);
        if above_knife > 0 {
            let piece = strip.cut_at(above_knife);
            self.finish(now, piece, end);
        }
    }

    /// The roll ends in the middle of what was just printed: its upper half stays, the whole is kept for later.
    fn end_paper_within(&mut self, rows_before: usize) {
        let strip = self.typesetter.strip_mut();
        let before = strip.cut_at(rows_before);
        let line = std::mem::replace(strip, before);
        if line.is_blank() {
            strip.append(&line);
            return;
        }
        let mut lower = line.clone();
        let upper = lower.cut_at(line.rows() / 2);
        strip.append(&upper);
        self.held_line = Some(line);
        self.faults.paper_ends_in_line = false;
        self.mechanism.paper = Paper::Out;
    }
}
