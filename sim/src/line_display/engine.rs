//! The display as a machine without a wire.

use serde_json::{Value, json};

use super::charset::glyph;
use super::grid::{Flow, Grid};
use super::parser::{Command, Dialect, Parser};
use crate::device::VerbKind::{Fault, Remedy};
use crate::device::{Verb, VerbError};

/// Everything `sim ctl display` understands.
pub const VERBS: &[Verb] = &[
    Verb::new("dead", "[off]", "Shows nothing and takes nothing.", Fault),
    Verb::new("unplug", "[off]", "The cable is pulled; it goes dark.", Fault),
    Verb::new("plug", "", "The cable is plugged in again.", Remedy),
    Verb::new("clear", "", "Ends every fault.", Remedy),
];

/// The brightest of four levels.
const BRIGHTNESS_MAX: u8 = 4;

#[derive(Debug)]
pub struct Engine {
    parser: Parser,
    grid: Grid,
    brightness: u8,
    cursor_visible: bool,
    /// A whole line was set (`1B 51`): most commands are ignored until the display is cleared.
    locked: bool,
    /// Data is for the printer that shares the line.
    deselected: bool,
    dead: bool,
    unplugged: bool,
    bytes_in: u64,
    commands: u64,
    /// Commands that came while it was locked.
    ignored: u64,
    unknown: u64,
}

impl Engine {
    pub fn new(dialect: Dialect) -> Self {
        Self {
            parser: Parser::new(dialect),
            grid: Grid::new(),
            brightness: BRIGHTNESS_MAX,
            cursor_visible: true,
            locked: false,
            deselected: false,
            dead: false,
            unplugged: false,
            bytes_in: 0,
            commands: 0,
            ignored: 0,
            unknown: 0,
        }
    }

    pub fn is_unplugged(&self) -> bool {
        self.unplugged
    }

    pub fn receive(&mut self, bytes: &[u8]) {
        if self.dead {
            return;
        }
        self.bytes_in += bytes.len() as u64;
        for byte in bytes {
            if let Some(command) = self.parser.push(*byte) {
                self.obey(&command);
            }
        }
    }

    fn obey(&mut self, command: &Command) {
        if let Command::Select(device) = command {
            self.deselected = device & 0x02 == 0;
            return;
        }
        if self.deselected {
            return;
        }
        self.commands += 1;
        let unlocks = matches!(command, Command::Clear | Command::ClearLine | Command::Initialise);
        if self.locked && !unlocks && !matches!(command, Command::Line { .. }) {
            self.ignored += 1;
            return;
        }
        self.locked &= !unlocks;
        self.perform(command);
    }

    fn perform(&mut self, command: &Command) {
        let grid = &mut self.grid;
        match command {
            Command::Write(byte) => grid.write(glyph(*byte)),
            Command::Initialise => {
                *grid = Grid::new();
                self.brightness = BRIGHTNESS_MAX;
                self.cursor_visible = true;
            }
            Command::Clear => grid.clear(),
            Command::ClearLine => grid.clear_line(),
            Command::Home => grid.home(),
            Command::Left => grid.left(),
            Command::Right => grid.right(),
            Command::Up => grid.up(),
            Command::Down => grid.down(),
            Command::LineStart => grid.line_start(),
            Command::MoveTo { x, y } => grid.move_to(*x, *y),
            Command::Cursor { visible } => self.cursor_visible = *visible,
            Command::Brightness(level) => self.brightness = (*level).clamp(1, BRIGHTNESS_MAX),
            Command::Line { row, text } => {
                let text: Vec<char> = text.iter().map(|byte| glyph((*byte).max(b' '))).collect();
                grid.set_line(*row, &text);
                self.locked = true;
            }
            Command::Overwrite => grid.flow = Flow::Overwrite,
            Command::Scroll => grid.flow = Flow::Scroll,
            Command::EnterEpson => self.parser.set_dialect(Dialect::Epson),
            Command::Ignored | Command::Select(_) => {}
            Command::Unknown => self.unknown += 1,
        }
    }

    /// Performs a verb.
    pub fn verb(&mut self, name: &str, args: &[String]) -> Result<(), VerbError> {
        let verb = Verb::find(VERBS, name)?;
        let words: Vec<&str> = args.iter().map(String::as_str).collect();
        match (name, words.as_slice()) {
            ("dead", []) => self.dead = true,
            ("dead", ["off"]) => self.dead = false,
            ("unplug", []) => self.unplug(),
            ("unplug", ["off"]) | ("plug", []) => self.unplugged = false,
            ("clear", []) => (self.dead, self.unplugged) = (false, false),
            _ => return Err(verb.usage()),
        }
        Ok(())
    }

    /// It is powered through its cable: everything is forgotten.
    fn unplug(&mut self) {
        let fresh = Self::new(self.parser.dialect());
        *self = Self { dead: self.dead, unplugged: true, ..fresh };
    }

    /// Keys are stable: the panel and tests read them.
    pub fn state(&self) -> Value {
        let (column, row) = self.grid.cursor();
        let faults: Vec<_> = [(self.dead, "dead"), (self.unplugged, "unplug")]
            .into_iter()
            .filter_map(|(on, name)| on.then_some(name))
            .collect();
        json!({
            "lines": self.grid.lines(),
            "dialect": self.parser.dialect(),
            "brightness": self.brightness,
            "cursor": {"column": column, "row": row, "visible": self.cursor_visible},
            "locked": self.locked,
            "selected": !self.deselected,
            "faults": faults,
            "bytes_in": self.bytes_in,
            "commands": self.commands,
            "ignored": self.ignored,
            "unknown": self.unknown,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::line_display::grid::COLUMNS;

    fn shown(dialect: Dialect, bytes: &[u8]) -> Value {
        let mut engine = Engine::new(dialect);
        engine.receive(bytes);
        engine.state()
    }

    fn lines(state: &Value) -> [&str; 2] {
        [state["lines"][0].as_str().unwrap(), state["lines"][1].as_str().unwrap()]
    }

    #[test]
    fn cd5220_sets_two_whole_lines() {
        let bytes = b"\x1b@\x0c\x1bQAOat flat white      \r\x1bQB          EUR 4.20  \r";
        let state = shown(Dialect::Cd5220, bytes);
        assert_eq!(lines(&state), ["Oat flat white      ", "          EUR 4.20  "]);
        assert_eq!((state["locked"].as_bool(), state["unknown"].as_u64()), (Some(true), Some(0)));
    }

    #[test]
    fn cd5220_ignores_text_after_a_whole_line_until_it_is_cleared() {
        let mut engine = Engine::new(Dialect::Cd5220);
        engine.receive(b"\x1bQAupper\r\x1bl\x01\x02lost");
        assert_eq!(lines(&engine.state()), ["upper               ", "                    "]);
        assert!(engine.state()["ignored"].as_u64().unwrap() >= 4);
        engine.receive(b"\x1bQBlower\r");
        assert_eq!(lines(&engine.state())[1], "lower               ");
        engine.receive(b"\x0chere");
        assert_eq!(lines(&engine.state()), ["here                ", "                    "]);
    }

    #[test]
    fn cd5220_moves_its_cursor_and_dims() {
        let state = shown(Dialect::Cd5220, b"\x1bl\x13\x01abc\x1b_\x00\x1b*\x02");
        assert_eq!(lines(&state), ["                  ab", "c                   "]);
        assert_eq!(state["cursor"], json!({"column": 2, "row": 2, "visible": false}));
        assert_eq!(state["brightness"], 2);
        let clipped = shown(Dialect::Cd5220, b"x\x1bl\x15\x01y\x1bl\x01\x03z");
        assert_eq!(lines(&clipped)[0], "xyz                 ", "positions outside are ignored");
    }

    #[test]
    fn epson_writes_at_positions_and_overwrites_after_the_last_one() {
        let state = shown(Dialect::Epson, b"\x0c\x1f\x01\x1f$\x01\x02Total\x1f$\x14\x02!#\x1fX\x03\x1fC\x00");
        assert_eq!(lines(&state), ["#                   ", "Total              !"]);
        assert_eq!((&state["brightness"], &state["cursor"]["visible"]), (&json!(3), &json!(false)));
        assert_eq!(state["unknown"], 0);
    }

    #[test]
    fn start_sequences_of_other_makers_are_no_text() {
        let state = shown(Dialect::Cd5220, b"\x04\x01\x25\x17A");
        assert_eq!(lines(&state)[0].trim_end(), "A");
        let state = shown(Dialect::Cd5220, b"\x02\x05\x43\x31\x03\x1f$\x03\x01A");
        assert_eq!((lines(&state)[0].trim_end(), &state["dialect"]), ("  A", &json!("epson")));
    }

    #[test]
    fn data_for_the_printer_behind_it_is_not_shown() {
        let state = shown(Dialect::Epson, b"\x1b=\x01receipt\x1b=\x02shown");
        assert_eq!(lines(&state)[0].trim_end(), "shown");
    }

    #[test]
    fn letters_beyond_ascii_come_from_the_code_page() {
        assert_eq!(lines(&shown(Dialect::Cd5220, b"K\x84se\x1bf\x00"))[0].trim_end(), "Käse");
    }

    #[test]
    fn a_dead_display_keeps_its_text_and_an_unplugged_one_forgets_it() {
        let mut engine = Engine::new(Dialect::Cd5220);
        engine.receive(b"old");
        engine.verb("dead", &[]).unwrap();
        engine.receive(b"new");
        assert_eq!(lines(&engine.state())[0].trim_end(), "old");
        assert_eq!(engine.state()["faults"], json!(["dead"]));
        engine.verb("clear", &[]).unwrap();
        engine.verb("unplug", &[]).unwrap();
        assert_eq!(lines(&engine.state())[0].trim_end(), "");
        assert!(engine.is_unplugged());
    }

    proptest! {
        #[test]
        fn random_bytes_never_break_the_grid(bytes in proptest::collection::vec(any::<u8>(), 0..2000), epson: bool) {
            let state = shown(if epson { Dialect::Epson } else { Dialect::Cd5220 }, &bytes);
            for line in lines(&state) {
                prop_assert_eq!(line.chars().count(), COLUMNS);
                prop_assert!(!line.chars().any(char::is_control));
            }
        }
    }
}
