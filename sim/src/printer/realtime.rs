//! Commands obeyed on arrival, before the receive buffer: `DLE EOT`, `DLE ENQ`, `DLE DC4`.
//!
//! Like real firmware this looks at every byte that comes in, also inside pictures and codes: a host that lets
//! `10 04 01` slip into a raster gets an answer it did not ask for.

/// A command that does not wait its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RealTime {
    /// `DLE EOT n`, n = 1 to 4.
    Status(u8),
    /// `DLE ENQ 1`: go on after an error, from the line that failed.
    Recover,
    /// `DLE ENQ 2`: go on after an error with empty buffers.
    RecoverAndClear,
    /// `DLE DC4 1 m t`: drawer pulse of t·100 ms.
    Pulse {
        /// 0 = pin 2, 1 = pin 5.
        pin: u8,
    },
    /// `DLE DC4 8 …`: empty the buffers.
    Clear,
}

/// The fixed tail that guards against emptying the buffers by accident.
const CLEAR: [u8; 10] = [0x10, 0x14, 8, 1, 3, 20, 1, 6, 2, 8];

/// Watches the stream; remembers only as much as a command can be long.
#[derive(Debug, Default)]
pub struct Watcher {
    seen: Vec<u8>,
}

impl Watcher {
    /// Takes one byte; a command when it completes one.
    pub fn push(&mut self, byte: u8) -> Option<RealTime> {
        self.seen.push(byte);
        loop {
            match read(&self.seen) {
                Reading::Complete(command) => {
                    self.seen.clear();
                    return Some(command);
                }
                Reading::Partial => return None,
                Reading::Other => {
                    // Not a command from here: the next DLE may start one.
                    let next = self.seen.iter().skip(1).position(|byte| *byte == 0x10);
                    self.seen.drain(..next.map_or(self.seen.len(), |index| index + 1));
                }
            }
        }
    }
}

enum Reading {
    Complete(RealTime),
    Partial,
    Other,
}

fn read(seen: &[u8]) -> Reading {
    match seen {
        [] | [0x10] | [0x10, 0x04 | 0x05 | 0x14] | [0x10, 0x14, 1] | [0x10, 0x14, 1, 0 | 1] => {
            Reading::Partial
        }
        [0x10, 0x04, n @ 1..=4] => Reading::Complete(RealTime::Status(*n)),
        [0x10, 0x05, 1] => Reading::Complete(RealTime::Recover),
        [0x10, 0x05, 2] => Reading::Complete(RealTime::RecoverAndClear),
        [0x10, 0x14, 1, pin @ (0 | 1), 1..=8] => Reading::Complete(RealTime::Pulse { pin: *pin }),
        other if other == CLEAR => Reading::Complete(RealTime::Clear),
        other if CLEAR.starts_with(other) => Reading::Partial,
        _ => Reading::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(bytes: &[u8]) -> Vec<RealTime> {
        let mut watcher = Watcher::default();
        bytes.iter().filter_map(|byte| watcher.push(*byte)).collect()
    }

    #[test]
    fn status_requests_are_found_wherever_they_stand() {
        assert_eq!(watch(b"text\x10\x04\x01more"), [RealTime::Status(1)]);
        assert_eq!(watch(b"\x1dv0\0\x01\0\x04\0\x10\x04\x02\xff"), [RealTime::Status(2)]);
        assert_eq!(watch(b"\x10\x10\x04\x04\x10\x05\x02"), [RealTime::Status(4), RealTime::RecoverAndClear]);
    }

    #[test]
    fn near_misses_are_not_obeyed_and_do_not_hide_the_next_command() {
        assert_eq!(watch(b"\x10\x04\x09\x10\x14\x01\x00\x09\x10\x05\x01"), [RealTime::Recover]);
        assert_eq!(watch(b"\x10\x14\x08\x01\x03\x10\x04\x03"), [RealTime::Status(3)]);
    }

    #[test]
    fn pulses_and_the_guarded_clear_are_recognised() {
        assert_eq!(watch(b"\x10\x14\x01\x01\x02"), [RealTime::Pulse { pin: 1 }]);
        assert_eq!(watch(&CLEAR), [RealTime::Clear]);
    }
}
