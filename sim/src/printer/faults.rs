//! The printer's faults that are not part of its mechanism: on the wire, in the firmware, in its answers.

use std::collections::BTreeMap;
use std::time::Duration;

/// What is wrong; everything off by default.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// Bytes per second the printer takes.
    pub slow: Option<u32>,
    /// Takes nothing.
    pub stall: bool,
    /// Has sent XOFF and never sends XON.
    pub xoff_for_ever: bool,
    /// Says nothing.
    pub mute: bool,
    /// Says everything late.
    pub late: Duration,
    /// Firmware without `GS ( H`.
    pub no_process_id: bool,
    /// Answers only the newest of several waiting process ids.
    pub merge_ids: bool,
    /// So many process ids get no answer.
    pub drop_ids: u32,
    /// So many process ids get another id as answer.
    pub wrong_ids: u32,
    /// The roll ends within the next line.
    pub paper_ends_in_line: bool,
    /// The next cut jams.
    pub jam_at_cut: bool,
    /// Firmware that knows one code page.
    pub stuck_codepage: bool,
    /// The cable is out.
    pub unplugged: bool,
}

impl Faults {
    /// The verbs that are in force.
    pub fn active(&self) -> Vec<&'static str> {
        let all = [
            (self.slow.is_some(), "slow"),
            (self.stall, "stall"),
            (self.xoff_for_ever, "xoff-for-ever"),
            (self.mute, "mute"),
            (!self.late.is_zero(), "late-status"),
            (self.no_process_id, "no-process-id"),
            (self.merge_ids, "merge-ids"),
            (self.drop_ids > 0, "drop-id"),
            (self.wrong_ids > 0, "wrong-id"),
            (self.paper_ends_in_line, "paper-out"),
            (self.jam_at_cut, "cutter-jam"),
            (self.stuck_codepage, "stuck-codepage"),
            (self.unplugged, "unplug"),
        ];
        all.into_iter().filter_map(|(on, name)| on.then_some(name)).collect()
    }

    /// Their arguments, as they would have to be given again.
    pub fn in_force(&self) -> BTreeMap<&'static str, String> {
        let all = [
            ("slow", self.slow.map(|rate| rate.to_string())),
            ("late-status", (!self.late.is_zero()).then(|| self.late.as_millis().to_string())),
            ("drop-id", (self.drop_ids > 0).then(|| self.drop_ids.to_string())),
            ("wrong-id", (self.wrong_ids > 0).then(|| self.wrong_ids.to_string())),
            ("paper-out", self.paper_ends_in_line.then(|| "mid-line".to_owned())),
            ("cutter-jam", self.jam_at_cut.then(|| "at-cut".to_owned())),
        ];
        all.into_iter().filter_map(|(verb, args)| Some((verb, args?))).collect()
    }

    /// Whether the printer refuses every byte.
    pub fn deaf(&self) -> bool {
        self.stall || self.xoff_for_ever || self.unplugged
    }

    /// Counts a process id against `drop_ids`.
    pub fn take_drop(&mut self) -> bool {
        take_one(&mut self.drop_ids)
    }

    /// Counts a process id against `wrong_ids`.
    pub fn take_wrong(&mut self) -> bool {
        take_one(&mut self.wrong_ids)
    }
}

fn take_one(count: &mut u32) -> bool {
    let some = *count > 0;
    *count = count.saturating_sub(1);
    some
}
